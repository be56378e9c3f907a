#!/usr/bin/env bash
# Sends the events of a failure queue to their functions again, and deletes each from the queue once
# its function has answered. What fails again stays there.
#
#   infra/bin/redrive.sh QUEUE-NAME
#
# Needs the AWS CLI and jq, as AWS CloudShell has them. OPERATIONS_PROFILE is the profile for the
# functions' account, QUEUE_PROFILE and QUEUE_REGION are for the queue where that is elsewhere.
set -euo pipefail

queue=${1:?"usage: $0 QUEUE-NAME"}
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# For SQS alone, version 1 of the AWS CLI overlooks the endpoint of the environment.
endpoint=${AWS_ENDPOINT_URL_SQS:-${AWS_ENDPOINT_URL:-}}
sqs() {
	aws sqs "$@" --output json ${endpoint:+--endpoint-url "$endpoint"} \
		${QUEUE_PROFILE:+--profile "$QUEUE_PROFILE"} ${QUEUE_REGION:+--region "$QUEUE_REGION"}
}

# Longer than a function runs, so that an event is not tried twice at the same time. What failed
# again can be received again once this is over, and ends it if that comes sooner.
hidden=600
sent=0 failed=() tried=" "
: "${QUEUE_PROFILE=${OPERATIONS_PROFILE:-}}"
url=$(sqs get-queue-url --queue-name "$queue" | jq -r .QueueUrl)
while true; do
	sqs receive-message --queue-url "$url" --visibility-timeout $hidden --wait-time-seconds 1 \
		--message-attribute-names All >"$scratch/received"
	test -s "$scratch/received" || break
	jq '.Messages[0]' "$scratch/received" >"$scratch/message"
	handle=$(jq -r .ReceiptHandle "$scratch/message")
	id=$(jq -r .MessageId "$scratch/message")
	if [[ $tried == *" $id "* ]]; then break; fi
	tried+="$id "
	jq '.Body | fromjson | .requestPayload // .' "$scratch/message" >"$scratch/event"
	# A function's queue names the function; a rule's names its target, a function or its bus.
	function=$(jq -r '
		(.Body | fromjson | .requestContext.functionArn | values | split(":")[:7] | join(":"))
		// .MessageAttributes.TARGET_ARN.StringValue
		| sub(":events:(?<place>.*):event-bus/dora-"; ":lambda:\(.place):function:")
	' "$scratch/message")
	aws lambda invoke --function-name "$function" --region "$(cut -d: -f4 <<<"$function")" \
		--cli-read-timeout 150 --payload "fileb://$scratch/event" --output json \
		${OPERATIONS_PROFILE:+--profile "$OPERATIONS_PROFILE"} \
		"$scratch/answer" >"$scratch/result"
	echo "${function##*:}: $(jq -c . "$scratch/answer")"
	if test "$(jq 'has("FunctionError")' "$scratch/result")" = true; then
		failed+=("$handle")
	else
		sqs delete-message --queue-url "$url" --receipt-handle "$handle"
		sent=$((sent + 1))
	fi
done
for handle in "${failed[@]}"; do
	sqs change-message-visibility --queue-url "$url" --receipt-handle "$handle" \
		--visibility-timeout 0 || true
done
echo "$sent sent again; ${#failed[@]} failed again and are still in the queue"
test ${#failed[@]} -eq 0
