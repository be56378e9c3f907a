"""Delivers events as EventBridge does, where the emulator does less.

The emulator forwards no event to a bus of another account, invokes functions without asking their
permission, and has no dead-letter queues for rules. Here every delivery is authorised by the
policies in the templates, and what cannot be delivered goes to the target's dead-letter queue.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, iam, lambda_svc, sqs

from stage.invocations import Invocations

Event = dict[str, Any]
Target = dict[str, Any]

_deliver_elsewhere = eventbridge._invoke_target


class Undeliverable(Exception):
    """EventBridge gives up on a target."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def emit(event: Event) -> None:
    """Put an event on the default bus of its account and Region, as a service of AWS does."""
    with acting_in(event["account"], event["region"]):
        eventbridge._ensure_default_bus()
        _publish(
            {
                "EventId": event["id"],
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
                "Time": event["time"],
                "Resources": event["resources"],
                "Account": event["account"],
                "Region": event["region"],
                "ReplayName": event.get("replay-name"),
                "EventBusName": "default",
            }
        )


@contextmanager
def acting_in(account: str, region: str) -> Iterator[None]:
    """Let the emulator act in this account and Region."""
    account_before = responses._request_account_id.set(account)
    region_before = responses._request_region.set(region)
    try:
        yield
    finally:
        responses._request_region.reset(region_before)
        responses._request_account_id.reset(account_before)


def forget() -> None:
    """Empty every archive."""
    for archive in eventbridge._archives._data.values():
        archive.update(Events=[], EventCount=0)


def install(invocations: Invocations) -> None:
    """Take over the emulator's deliveries to buses and functions."""

    def deliver(target: Target, event: Event, rule: dict[str, Any], view: Any = None) -> None:
        arn = parse_arn(target["Arn"])
        if arn.service not in ("events", "lambda"):
            _deliver_elsewhere(target, event, rule, view)
            return
        try:
            if arn.service == "events":
                _forward(target, arn, event, rule)
            else:
                _invoke(target, event, rule, invocations)
        except Undeliverable as reason:
            _bury(target, event, rule, reason)

    eventbridge._invoke_target = deliver


def _publish(record: dict[str, Any]) -> None:
    view = eventbridge._pattern_event_view(record)
    eventbridge._dispatch_event(record, view)
    # A replay compares an event's time with its own, which are numbers.
    at = int(datetime.fromisoformat(record["Time"]).timestamp())
    eventbridge._archive_event({**record, "Time": at}, view)


def _forward(target: Target, bus: Any, event: Event, rule: dict[str, Any]) -> None:
    if "ForwardedBy" in event:
        raise Undeliverable("THIRD_ACCOUNT_HOP_DETECTED", "A forwarded event goes no further.")
    sender = responses.get_account_id()
    role = target.get("RoleArn")
    if role is None:
        raise Undeliverable("NO_PERMISSIONS", "The target has no role to forward events with.")
    _check_role(role, rule["Arn"], "events:PutEvents", target["Arn"])
    bus_name = bus.resource.removeprefix("event-bus/")
    with acting_in(bus.account_id, bus.region):
        if bus_name not in eventbridge._event_buses:
            raise Undeliverable("RESOURCE_NOT_FOUND", f"{target['Arn']} does not exist.")
        if bus.account_id != sender:
            question = _question("events:PutEvents", target["Arn"], _session_of(role), sender)
            question.service_context |= {
                "aws:sourcearn": rule["Arn"],
                "events:source": event["Source"],
                "events:detail-type": event["DetailType"],
                "events:eventbusinvocation": "true",
            }
            policy = eventbridge._event_bus_policies.get(bus_name)
            if iam_evaluator.evaluate_resource_policy(policy, question).decision != "Allow":
                raise Undeliverable("NO_PERMISSIONS", "The bus takes no events from the sender.")
        _publish({**event, "EventBusName": bus_name, "ForwardedBy": rule["Arn"]})


def _invoke(target: Target, event: Event, rule: dict[str, Any], invocations: Invocations) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(target["Arn"])
    if function is None:
        raise Undeliverable("RESOURCE_NOT_FOUND", f"{target['Arn']} does not exist.")
    question = _question("lambda:InvokeFunction", target["Arn"], "events.amazonaws.com", "")
    question.service_context |= {
        "aws:sourcearn": rule["Arn"],
        "aws:sourceaccount": responses.get_account_id(),
    }
    allowed = iam_evaluator.evaluate_resource_policy(
        function["policy"], question, service="events.amazonaws.com"
    )
    if allowed.decision != "Allow":
        raise Undeliverable("NO_PERMISSIONS", "The function may not be invoked by this rule.")
    view = eventbridge._pattern_event_view(event)
    record = lambda_svc._execution_record_for_config(function, config)
    invocations.submit(record, view.event_with_detail())


def _bury(target: Target, event: Event, rule: dict[str, Any], reason: Undeliverable) -> None:
    queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
    account = responses.get_account_id()
    if queue_arn is None or not sqs.queue_policy_allows(
        queue_arn, "events.amazonaws.com", rule["Arn"], account
    ):
        eventbridge.logger.error("lost an event at %s: %s", target["Arn"], reason)
        return
    body = eventbridge._pattern_event_view(event).event_with_detail()
    attributes = {
        "RULE_ARN": rule["Arn"],
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": reason.code,
        "ERROR_MESSAGE": str(reason),
    }
    eventbridge._dispatch_to_sqs(parse_arn(queue_arn), json.dumps(body))
    sqs._queue_by_arn(queue_arn)["messages"][-1]["message_attributes"] = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }


def _check_role(role_arn: str, rule_arn: str, action: str, resource: str) -> None:
    account, name = responses.get_account_id(), role_arn.rpartition("/")[2]
    role = iam._roles.get(name)
    trusting = _question("sts:AssumeRole", role_arn, f"arn:aws:iam::{account}:root", account)
    trusting.service_context |= {"aws:sourcearn": rule_arn, "aws:sourceaccount": account}
    if role is None or not iam_evaluator.evaluate_trust_policy(
        role["AssumeRolePolicyDocument"], trusting.principal_arn, trusting
    ):
        raise Undeliverable("FAILED_TO_ASSUME_ROLE", f"EventBridge may not assume {role_arn}.")
    acting = _question(action, resource, _session_of(role_arn), account)
    policies = iam_evaluator._gather_role_policies(name, account)
    if iam_evaluator.evaluate(acting, policies).decision != "Allow":
        raise Undeliverable("NO_PERMISSIONS", f"{role_arn} does not allow {action}.")


def _session_of(role_arn: str) -> str:
    arn = parse_arn(role_arn)
    return f"arn:aws:sts::{arn.account_id}:assumed-role/{role_arn.rpartition('/')[2]}/stage"


def _question(action: str, resource: str, principal: str, account: str) -> Any:
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
    )
