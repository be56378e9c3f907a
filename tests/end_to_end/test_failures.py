"""Whatever fails: nothing is lost and nothing is counted twice."""

import json

import pytest

from end_to_end.deployments import (
    CHANGE_FAILURE_RATE,
    FUNCTION,
    FUNCTIONS,
    MTTR,
    again,
    counted_once,
    deployed,
    error_type,
    without_permissions,
)
from end_to_end.played import LEAD_TIME
from end_to_end.settings import with_settings
from stage.product import FunctionFailed, Product
from stage.scenario import Event

FOREVER = 1000

PASSING = [  # service, operation, kind, times, after
    pytest.param("dynamodb", "UpdateItem", "throttle", 2, 0, id="claim throttled"),
    pytest.param("dynamodb", "UpdateItem", "throttle", 8, 0, id="claim throttled for long"),
    pytest.param("dynamodb", "UpdateItem", "fail", 8, 0, id="claim fails"),
    pytest.param("dynamodb", "UpdateItem", "hang", 1, 0, id="claim hangs"),
    pytest.param("dynamodb", "UpdateItem", "cut-before", 1, 0, id="claim cut off"),
    pytest.param("dynamodb", "UpdateItem", "cut-after", 1, 0, id="claim made, answer lost"),
    pytest.param("dynamodb", "UpdateItem", "throttle", 8, 1, id="confirmation throttled for long"),
    pytest.param("dynamodb", "UpdateItem", "fail", 40, 1, id="confirmation fails for very long"),
    pytest.param("dynamodb", "UpdateItem", "hang", 1, 1, id="confirmation hangs"),
    pytest.param("dynamodb", "UpdateItem", "cut-before", 2, 1, id="confirmation cut off"),
    pytest.param("dynamodb", "UpdateItem", "cut-after", 1, 1, id="confirmed, answer lost"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 2, 0, id="CloudWatch throttles"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 0, id="CloudWatch throttles long"),
    pytest.param("cloudwatch", "PutMetricData", "fail", 6, 0, id="CloudWatch fails"),
    pytest.param("cloudwatch", "PutMetricData", "cut-before", 6, 0, id="CloudWatch cut off"),
    pytest.param("codepipeline", "GetPipelineExecution", "throttle", 4, 0, id="lookup throttled"),
    pytest.param("codepipeline", "GetPipelineExecution", "fail", 4, 0, id="lookup fails"),
    pytest.param("codepipeline", "GetPipelineExecution", "cut-before", 4, 0, id="lookup cut off"),
    pytest.param("codepipeline", "GetPipelineExecution", "hang", 1, 0, id="lookup hangs"),
    pytest.param("codepipeline", "ListActionExecutions", "throttle", 4, 0, id="actions throttled"),
    pytest.param("sts", "AssumeRole", "fail", 4, 0, id="role fails"),
]

PASSING_LEAD_TIME = [  # what it shares with the other function is tested there
    pytest.param("dynamodb", "UpdateItem", "throttle", 8, 0, id="claim throttled for long"),
    pytest.param("dynamodb", "UpdateItem", "cut-after", 1, 1, id="confirmed, answer lost"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 0, id="CloudWatch throttles long"),
    pytest.param("cloudwatch", "PutMetricData", "cut-before", 6, 0, id="CloudWatch cut off"),
    pytest.param(
        "codepipeline", "ListPipelineExecutions", "throttle", 4, 0, id="history throttled"
    ),
    pytest.param("codepipeline", "ListPipelineExecutions", "fail", 4, 0, id="history fails"),
    pytest.param("codepipeline", "ListPipelineExecutions", "cut-before", 4, 0, id="history cut"),
    pytest.param("codepipeline", "ListActionExecutions", "throttle", 4, 0, id="actions throttled"),
    pytest.param("codepipeline", "ListActionExecutions", "fail", 4, 0, id="actions fail"),
    pytest.param("sts", "AssumeRole", "fail", 4, 0, id="role fails"),
]

each_function = pytest.mark.parametrize("function", FUNCTIONS)


@pytest.mark.parametrize(("service", "operation", "kind", "times", "after"), PASSING)
def test_a_passing_failure_costs_nothing(
    product: Product, service: str, operation: str, kind: str, times: int, after: int
) -> None:
    event = deployed(product, trigger=operation != "ListActionExecutions")
    product.emulator.fault(service, operation, kind, times=times, after=after)
    check_once(product, FUNCTION, event)


@pytest.mark.parametrize(("service", "operation", "kind", "times", "after"), PASSING_LEAD_TIME)
def test_a_passing_failure_costs_no_lead_time(
    product: Product, service: str, operation: str, kind: str, times: int, after: int
) -> None:
    event = deployed(product)
    product.emulator.fault(service, operation, kind, times=times, after=after)
    check_once(product, LEAD_TIME, event)


def check_once(product: Product, function: str, event: Event) -> None:
    """Let a function handle an event and its repetition, and see it counted in the end, once."""
    product.send(function, event)
    product.emulator.settle()
    (answer,) = product.emulator.answers()
    assert answer.get("answer", {}).get("outcome") == "published", answer
    assert product.metrics() == counted_once(event, function)
    product.send(function, again(event))
    product.emulator.settle()
    assert product.emulator.answers()[-1]["answer"] == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event, function)
    assert product.messages("") == []


@pytest.mark.parametrize(
    ("function", "service", "operation", "kind", "error"),
    [
        (FUNCTION, "dynamodb", "UpdateItem", "throttle", "LedgerThrottled"),
        (FUNCTION, "dynamodb", "UpdateItem", "fail", "LedgerUnavailable"),
        (FUNCTION, "cloudwatch", "PutMetricData", "throttle", "CloudWatchThrottled"),
        (FUNCTION, "cloudwatch", "PutMetricData", "fail", "CloudWatchUnavailable"),
        (FUNCTION, "codepipeline", "GetPipelineExecution", "throttle", "CodePipelineThrottled"),
        (FUNCTION, "codepipeline", "GetPipelineExecution", "cut-before", "CodePipelineUnavailable"),
        (LEAD_TIME, "cloudwatch", "PutMetricData", "throttle", "CloudWatchThrottled"),
        (LEAD_TIME, "codepipeline", "ListPipelineExecutions", "fail", "CodePipelineUnavailable"),
    ],
)
def test_a_lasting_failure_keeps_the_event_for_later(
    product: Product, function: str, service: str, operation: str, kind: str, error: str
) -> None:
    event = deployed(product)
    product.emulator.fault(service, operation, kind, times=FOREVER)
    product.send(function, event)
    product.emulator.settle(seconds=120)
    assert [error_type(each) for each in product.emulator.answers()] == [error]
    assert product.metrics() == {}

    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestPayload"] == event
    assert report["responsePayload"]["errorType"] == error

    product.emulator.heal()
    assert product.invoke(function, report["requestPayload"])["outcome"] == "published"
    assert product.metrics() == counted_once(event, function)


def test_a_long_outage_does_not_use_up_the_retries_of_a_confirmation(product: Product) -> None:
    """Calls that fail use up the SDK's quota of retries, and the process stays the same."""
    event = deployed(product)
    product.emulator.fault("dynamodb", "UpdateItem", "fail", times=FOREVER)
    for _ in range(30):
        with pytest.raises(FunctionFailed, match="UpdateItem"):
            product.invoke(FUNCTION, event)
    product.emulator.heal()
    product.emulator.fault("dynamodb", "UpdateItem", "fail", times=2, after=1)
    assert product.invoke(FUNCTION, event)["outcome"] == "published"
    assert product.metrics() == counted_once(event)


@each_function
def test_copies_at_the_same_moment_count_once(product: Product, function: str) -> None:
    event = deployed(product)
    for _ in range(24):
        product.send(function, again(event))
    product.emulator.settle()
    answers = product.emulator.answers()
    outcomes = [each["answer"]["outcome"] for each in answers if "answer" in each]
    assert len(answers) == 24
    assert outcomes.count("published") == 1
    assert outcomes.count("duplicate") == 24 - 1
    assert product.metrics() == counted_once(event, function)


@each_function
def test_copies_at_the_same_moment_count_once_while_services_fail(
    product: Product, function: str
) -> None:
    event = deployed(product)
    product.emulator.fault("cloudwatch", "PutMetricData", "throttle", times=10)
    claim = "TransactWriteItems" if function in (CHANGE_FAILURE_RATE, MTTR) else "UpdateItem"
    product.emulator.fault("dynamodb", claim, "throttle", times=10)
    for _ in range(12):
        product.send(function, again(event))
    product.emulator.settle()
    for message in product.messages("FailedEvents"):
        failed = json.loads(message["Body"])["requestPayload"]
        assert product.invoke(function, failed)["outcome"] in ("published", "duplicate")
    assert product.metrics() == counted_once(event, function)


@each_function
def test_a_poisoned_event_ends_in_the_failure_queue(product: Product, function: str) -> None:
    event = deployed(product)
    del event["detail"]["execution-id"]
    product.send(function, event)
    product.emulator.settle()
    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestContext"]["approximateInvokeCount"] == 3
    assert report["responsePayload"]["errorType"] == "InvalidEvent"
    assert "detail.execution-id" in report["responsePayload"]["errorMessage"]
    assert product.metrics() == {}


@pytest.mark.expects_refusals
def test_an_event_that_no_policy_lets_through_ends_in_the_dead_letter_queue(
    product: Product,
) -> None:
    event = deployed(product)
    with without_permissions(product, event["account"], "ForwardingRole"):
        product.emulator.emit(event)
        product.emulator.settle()
    messages = product.messages("UndeliveredEvents")
    assert [json.loads(message["Body"]) for message in messages] == [event for _ in FUNCTIONS]
    for message in messages:
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert product.emulator.answers() == []


@pytest.mark.expects_refusals
@each_function
def test_a_permission_that_the_function_lacks_is_named(product: Product, function: str) -> None:
    product.invoke(function, deployed(product, trigger=False))  # it has its other credentials now
    before = product.metrics()
    with (
        without_permissions(product, product.account, f"dora-{function}"),
        pytest.raises(FunctionFailed, match=r"dynamodb:(UpdateItem|PutItem)") as failure,
    ):
        product.invoke(function, deployed(product))
    assert failure.value.error_type == "LedgerAccessDenied"
    assert product.metrics() == before


@pytest.mark.expects_refusals
@each_function
def test_a_permission_to_publish_that_is_missing_is_named(product: Product, function: str) -> None:
    event, action = deployed(product), "cloudwatch:PutMetricData"
    with (
        without_permissions(product, product.account, f"dora-{function}", action),
        pytest.raises(FunctionFailed, match=action) as failure,
    ):
        product.invoke(function, event)
    assert failure.value.error_type == "CloudWatchAccessDenied"
    assert product.metrics() == {}
    assert product.invoke(function, event)["outcome"] == "published"
    assert product.metrics() == counted_once(event, function)


@pytest.mark.expects_refusals
@each_function
def test_only_the_configured_namespace_may_be_published_to(product: Product, function: str) -> None:
    event = deployed(product)
    with (
        with_settings(product, function, METRIC_NAMESPACE="Elsewhere"),
        pytest.raises(FunctionFailed, match="cloudwatch:PutMetricData") as failure,
    ):
        product.invoke(function, event)
    assert failure.value.error_type == "CloudWatchAccessDenied"


@pytest.mark.expects_refusals
@pytest.mark.parametrize(
    ("function", "action"),
    [
        (FUNCTION, "codepipeline:GetPipelineExecution"),
        (LEAD_TIME, "codepipeline:GetPipelineExecution"),
        (LEAD_TIME, "codepipeline:ListPipelineExecutions"),
        (LEAD_TIME, "codepipeline:ListActionExecutions"),
    ],
)
def test_a_permission_that_the_tooling_role_lacks_is_named(
    product: Product, function: str, action: str
) -> None:
    event = deployed(product)
    with (
        without_permissions(product, event["account"], "ToolingCrossAccountLambdaRole", action),
        pytest.raises(FunctionFailed, match=action) as failure,
    ):
        product.invoke(function, event)
    assert failure.value.error_type == "CodePipelineAccessDenied"
    assert product.metrics() == {}
    assert product.invoke(function, event)["outcome"] == "published"
