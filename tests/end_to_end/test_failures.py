"""Whatever fails: nothing is lost and nothing is counted twice."""

import json

import pytest

from end_to_end.deployments import (
    FUNCTION,
    again,
    counted_once,
    deployed,
    error_type,
    without_permissions,
)
from stage.product import FunctionFailed, Product

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


@pytest.mark.parametrize(("service", "operation", "kind", "times", "after"), PASSING)
def test_a_passing_failure_costs_nothing(
    product: Product, service: str, operation: str, kind: str, times: int, after: int
) -> None:
    event = deployed(product, trigger=operation != "ListActionExecutions")
    product.emulator.fault(service, operation, kind, times=times, after=after)
    product.emulator.emit(event)
    product.emulator.settle()
    (answer,) = product.emulator.answers()
    assert answer.get("answer", {}).get("outcome") == "published", answer
    assert product.metrics() == counted_once(event)
    product.emulator.emit(again(event))
    product.emulator.settle()
    assert product.emulator.answers()[-1]["answer"] == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event)
    assert product.messages("") == []


@pytest.mark.parametrize(
    ("service", "operation", "kind", "error"),
    [
        ("dynamodb", "UpdateItem", "throttle", "LedgerThrottled"),
        ("dynamodb", "UpdateItem", "fail", "LedgerUnavailable"),
        ("cloudwatch", "PutMetricData", "throttle", "CloudWatchThrottled"),
        ("cloudwatch", "PutMetricData", "fail", "CloudWatchUnavailable"),
        ("codepipeline", "GetPipelineExecution", "throttle", "CodePipelineThrottled"),
        ("codepipeline", "GetPipelineExecution", "cut-before", "CodePipelineUnavailable"),
    ],
)
def test_a_lasting_failure_keeps_the_event_for_later(
    product: Product, service: str, operation: str, kind: str, error: str
) -> None:
    event = deployed(product)
    product.emulator.fault(service, operation, kind, times=FOREVER)
    product.emulator.emit(event)
    product.emulator.settle(seconds=120)
    assert [error_type(each) for each in product.emulator.answers()] == [error]
    assert product.metrics() == {}

    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestPayload"] == event
    assert report["responsePayload"]["errorType"] == error

    product.emulator.heal()
    assert product.invoke(FUNCTION, report["requestPayload"])["outcome"] == "published"
    assert product.metrics() == counted_once(event)


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


def test_copies_at_the_same_moment_count_once(product: Product) -> None:
    event = deployed(product)
    for _ in range(24):
        product.emulator.emit(again(event))
    product.emulator.settle()
    answers = product.emulator.answers()
    outcomes = [each["answer"]["outcome"] for each in answers if "answer" in each]
    assert len(answers) == 24
    assert outcomes.count("published") == 1
    assert outcomes.count("duplicate") == 24 - 1
    assert product.metrics() == counted_once(event)


def test_copies_at_the_same_moment_count_once_while_services_fail(product: Product) -> None:
    event = deployed(product)
    product.emulator.fault("cloudwatch", "PutMetricData", "throttle", times=10)
    product.emulator.fault("dynamodb", "UpdateItem", "throttle", times=10)
    for _ in range(12):
        product.emulator.emit(again(event))
    product.emulator.settle()
    for message in product.messages("FailedEvents"):
        failed = json.loads(message["Body"])["requestPayload"]
        assert product.invoke(FUNCTION, failed)["outcome"] in ("published", "duplicate")
    assert product.metrics() == counted_once(event)


def test_a_poisoned_event_ends_in_the_failure_queue(product: Product) -> None:
    event = deployed(product)
    del event["detail"]["execution-id"]
    product.emulator.emit(event)
    product.emulator.settle()
    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestContext"]["approximateInvokeCount"] == 3
    assert report["responsePayload"]["errorType"] == "InvalidEvent"
    assert "detail.execution-id" in report["responsePayload"]["errorMessage"]
    assert product.metrics() == {}


def test_an_event_that_no_policy_lets_through_ends_in_the_dead_letter_queue(
    product: Product,
) -> None:
    event = deployed(product)
    with without_permissions(product, event["account"], "ForwardingRole"):
        product.emulator.emit(event)
        product.emulator.settle()
    (message,) = product.messages("UndeliveredEvents")
    assert json.loads(message["Body"]) == event
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert product.emulator.answers() == []


def test_a_permission_that_the_function_lacks_is_named(product: Product) -> None:
    product.invoke(FUNCTION, deployed(product, trigger=False))  # it has its other credentials now
    before = product.metrics()
    with (
        without_permissions(product, product.account, "dora-deployment-frequency"),
        pytest.raises(FunctionFailed, match="dynamodb:UpdateItem") as failure,
    ):
        product.invoke(FUNCTION, deployed(product))
    assert failure.value.error_type == "LedgerAccessDenied"
    assert product.metrics() == before


def test_a_permission_that_the_tooling_role_lacks_is_named(product: Product) -> None:
    event = deployed(product)
    with (
        without_permissions(product, event["account"], "ToolingCrossAccountLambdaRole"),
        pytest.raises(FunctionFailed, match="codepipeline:GetPipelineExecution") as failure,
    ):
        product.invoke(FUNCTION, event)
    assert failure.value.error_type == "CodePipelineAccessDenied"
    assert product.metrics() == {}
