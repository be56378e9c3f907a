#!/usr/bin/env bash
# Sends the events of a failure queue to their functions again, and deletes each from the queue once
# its function has answered. What fails again stays there, and so does what names something else
# than a function of this product: whoever can write to the queue must not choose what is invoked.
#
#   OPERATIONS_ACCOUNT=… OPERATIONS_REGION=… infra/bin/redrive.sh QUEUE-NAME
#
# Needs the AWS CLI and jq, as AWS CloudShell has them. OPERATIONS_PROFILE is the profile for the
# functions' account, QUEUE_PROFILE and QUEUE_REGION are for the queue where that is elsewhere.
set -euo pipefail

queue=${1:?"usage: $0 QUEUE-NAME"}
account=${OPERATIONS_ACCOUNT:?"must be the account of the functions"}
region=${OPERATIONS_REGION:?"must be the Region of the functions"}

operations() {
	aws "$@" --output json --region "$region" ${OPERATIONS_PROFILE:+--profile "$OPERATIONS_PROFILE"}
}
: "${QUEUE_PROFILE=${OPERATIONS_PROFILE:-}}"
# For SQS alone, version 1 of the AWS CLI overlooks the endpoint of the environment.
endpoint=${AWS_ENDPOINT_URL_SQS:-${AWS_ENDPOINT_URL:-}}
sqs() {
	aws sqs "$@" --output json ${endpoint:+--endpoint-url "$endpoint"} \
		${QUEUE_PROFILE:+--profile "$QUEUE_PROFILE"} ${QUEUE_REGION:+--region "$QUEUE_REGION"}
}

caller=$(operations sts get-caller-identity | jq -r .Account)
if test "$caller" != "$account"; then
	echo "these credentials are of account $caller; the functions are in $account" >&2
	exit 1
fi

# What a message may name: exactly these functions, or the buses that feed them.
known='{}'
for name in deployment-frequency lead-time change-failure-rate mttr; do
	known=$(jq --arg place "$region:$account" --arg name "$name" '. + {
		"lambda:\($place):function:\($name)": $name,
		"events:\($place):event-bus/dora-\($name)": $name
	}' <<<"$known")
done

# Longer than a function runs, so that an event is not tried twice at the same time. What failed
# again can be received again once this is over, and ends it if that comes sooner.
hidden=600
sent=0 kept=() failed=0 refused=0 tried=" "
scratch=$(mktemp -d)
url=$(sqs get-queue-url --queue-name "$queue" | jq -r .QueueUrl)

finish() {
	local status=$?
	rm -r "$scratch"
	for handle in "${kept[@]}"; do
		sqs change-message-visibility --queue-url "$url" --receipt-handle "$handle" \
			--visibility-timeout 0 || true
	done
	echo "$sent sent again; $failed failed again, $refused refused: these are still in the queue"
	remaining=$(sqs get-queue-attributes --queue-url "$url" --attribute-names \
		ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible |
		jq '[.Attributes[] | tonumber] | add') || remaining=unknown
	echo "$remaining remain in $queue, as SQS counts"
	if test $((failed + refused)) -gt 0 || test "$remaining" != 0; then status=1; fi
	exit "$status"
}
trap finish EXIT

while true; do
	sqs receive-message --queue-url "$url" --visibility-timeout $hidden --wait-time-seconds 1 \
		--message-attribute-names All >"$scratch/received"
	test -s "$scratch/received" || break
	jq '.Messages[0]' "$scratch/received" >"$scratch/message"
	handle=$(jq -r .ReceiptHandle "$scratch/message")
	id=$(jq -r .MessageId "$scratch/message")
	if [[ $tried == *" $id "* ]]; then break; fi
	tried+="$id "
	kept+=("$handle")
	# A function's queue names the function; a rule's names its target, a function or its bus.
	jq '
		(.Body | try fromjson catch null | objects // {}) as $body
		| {
			event: ($body.requestPayload? // $body),
			named: ($body.requestContext?.functionArn? // .MessageAttributes.TARGET_ARN.StringValue)
		}
	' "$scratch/message" >"$scratch/failed"
	function=$(jq -r --argjson known "$known" '
		.named | strings | sub(":\\$LATEST$"; "") | sub("^arn:aws[a-z-]*:"; "") | $known[.] // empty
	' "$scratch/failed")
	if test -z "$function"; then
		echo "refused, as it is for no function of this product: $(jq -ac .named "$scratch/failed")"
		refused=$((refused + 1))
		continue
	fi
	jq .event "$scratch/failed" >"$scratch/event"
	operations lambda invoke --function-name "$function" --cli-read-timeout 150 \
		--payload "fileb://$scratch/event" "$scratch/answer" >"$scratch/result"
	echo "$function: $(jq -c . "$scratch/answer")"
	if test "$(jq 'has("FunctionError")' "$scratch/result")" = true; then
		failed=$((failed + 1))
	else
		sqs delete-message --queue-url "$url" --receipt-handle "$handle"
		unset 'kept[-1]'
		sent=$((sent + 1))
	fi
done
