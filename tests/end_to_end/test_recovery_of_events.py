"""What was not counted is counted later, by the ways of `docs/operations.md`, and once."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from end_to_end.deployments import (
    FUNCTIONS,
    again,
    counted_once,
    deployed,
    error_type,
    without_permissions,
)
from end_to_end.operations import redrive, replay
from stage import HOME
from stage.product import Product
from stage.scenario import Event

FOREVER = 1000


@pytest.mark.parametrize("function", ["change-failure-rate", "lead-time"])
def test_a_redrive_counts_what_had_failed_three_times(product: Product, function: str) -> None:
    event = deployed(product)
    product.emulator.fault("cloudwatch", "PutMetricData", "throttle", times=FOREVER)
    product.send(function, event)
    product.emulator.settle(seconds=120)
    (answer,) = product.emulator.answers()
    assert error_type(answer) == "CloudWatchThrottled"

    queue = f"dora-{function}-failed-events"
    failed = redrive(product, queue)
    assert failed.returncode != 0
    assert "CloudWatchThrottled" in failed.stdout
    assert "0 sent again; 1 failed again, 0 refused" in failed.stdout
    assert f"1 remain in {queue}" in failed.stdout
    assert product.metrics() == {}

    product.emulator.heal()
    sent = redrive(product, queue)
    assert "1 sent again; 0 failed again, 0 refused" in sent.stdout
    assert f"0 remain in {queue}" in sent.stdout
    assert product.metrics() == counted_once(event, function)

    product.send(function, again(event))
    product.emulator.settle()
    assert product.emulator.answers()[-1]["answer"] == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event, function)
    assert product.messages("FailedEvents") == []


@pytest.mark.expects_refusals
def test_a_redrive_sends_to_each_function_what_never_reached_its_account(product: Product) -> None:
    event = deployed(product)
    with without_permissions(product, event["account"], "ForwardingRole"):
        product.emulator.emit(event)
        product.emulator.settle()
    assert product.metrics() == {}

    queue = "dora-undelivered-codepipeline-events"
    sent = redrive(product, queue, account=event["account"])
    assert f"{len(FUNCTIONS)} sent again; 0 failed again" in sent.stdout
    assert product.metrics() == counted_once(event, *FUNCTIONS)
    assert product.messages("UndeliveredEvents") == []


def test_a_redrive_invokes_no_other_function_whatever_a_message_says(product: Product) -> None:
    event = deployed(product)
    place = f"{product.region}:{product.account}"
    elsewhere = place.replace(product.account, event["account"])
    with another_function(product) as other:
        own = f"arn:aws:lambda:{place}:function:{FUNCTIONS[0]}:$LATEST"
        named = [
            other,
            f"arn:aws:lambda:{place}:function:dora-{FUNCTIONS[0]}",
            f"arn:aws:lambda:{elsewhere}:function:{FUNCTIONS[0]}:$LATEST",
            f"arn:aws:lambda:{place}:function:{FUNCTIONS[0]}:1",
            "--function-name=x",
            None,
        ]
        bodies = [reported(event, each) for each in named] + ["no JSON", "[]"]
        targets = [other, f"arn:aws:events:{elsewhere}:event-bus/dora-lead-time", "x"]
        sqs = product.operations("sqs")
        name = f"dora-{FUNCTIONS[0]}-failed-events"
        queue = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        for body in [*bodies, reported(event, own)]:
            sqs.send_message(QueueUrl=queue, MessageBody=body)
        for target in targets:
            attributes = {"TARGET_ARN": {"DataType": "String", "StringValue": target}}
            sqs.send_message(
                QueueUrl=queue, MessageBody=json.dumps(event), MessageAttributes=attributes
            )

        done = redrive(product, name)
        refused = len(bodies) + len(targets)
        assert f"1 sent again; 0 failed again, {refused} refused" in done.stdout, done.stderr
        assert f"{refused} remain in {name}" in done.stdout
        assert done.returncode != 0
        assert product.metrics() == counted_once(event, FUNCTIONS[0])


@contextlib.contextmanager
def another_function(product: Product) -> Iterator[str]:
    """Have a function in the account that would count, but is none of the product's."""
    functions = product.operations("lambda")
    like = functions.get_function_configuration(FunctionName=FUNCTIONS[1])
    made = functions.create_function(
        FunctionName="other",
        Runtime=like["Runtime"],
        Handler=like["Handler"],
        Role=like["Role"],
        Environment=like["Environment"],
        Timeout=like["Timeout"],
        Code={"ZipFile": (HOME / "lambda" / FUNCTIONS[1] / "bootstrap.zip").read_bytes()},
    )
    try:
        yield made["FunctionArn"]
    finally:
        functions.delete_function(FunctionName="other")


def reported(event: Event, function: str | None) -> str:
    """Return what Lambda reports of an event that failed."""
    return json.dumps({"requestContext": {"functionArn": function}, "requestPayload": event})


@pytest.mark.expects_refusals
def test_a_replay_counts_what_was_lost_and_nothing_twice(product: Product) -> None:
    event = deployed(product)
    counted, lost = FUNCTIONS[0], FUNCTIONS[1:]
    settings = {name: product.settings[name] for name in lost}
    functions = product.operations("lambda")
    for name in lost:  # a wrong table, as after a bad deployment
        broken = {**settings[name], "LEDGER_TABLE": "no-such-table"}
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": broken}
        )
    product.emulator.emit(event)
    product.emulator.settle(seconds=120)
    assert product.metrics() == counted_once(event, counted)
    for name in lost:
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": settings[name]}
        )

    for name in FUNCTIONS:
        replay_around(product, name, event)
    assert product.metrics() == counted_once(event, *FUNCTIONS)
    for name in FUNCTIONS:
        replay_around(product, name, event)
    assert product.metrics() == counted_once(event, *FUNCTIONS)


def replay_around(product: Product, function: str, event: Event) -> None:
    """Replay what the function's bus had taken at the time of the event, and wait."""
    at, around = datetime.fromisoformat(event["time"]), timedelta(minutes=1)
    replay(product, function, at - around, at + around)
    product.emulator.settle()
