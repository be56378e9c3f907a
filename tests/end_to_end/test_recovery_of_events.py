"""What was not counted is counted later, by the ways of `docs/operations.md`, and once."""

import subprocess
import time
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from end_to_end.deployments import (
    FUNCTIONS,
    again,
    counted_once,
    deployed,
    error_type,
    without_permissions,
)
from stage import REPOSITORY
from stage.product import Product
from stage.profiles import profiles
from stage.scenario import Event

FOREVER = 1000
_REPLAY_SECONDS = 20


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
    assert "0 sent again; 1 failed again" in failed.stdout
    assert product.metrics() == {}

    product.emulator.heal()
    sent = redrive(product, queue)
    assert "1 sent again; 0 failed again" in sent.stdout
    assert product.metrics() == counted_once(event, function)

    product.send(function, again(event))
    product.emulator.settle()
    assert product.emulator.answers()[-1]["answer"] == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event, function)
    assert product.messages("FailedEvents") == []


@pytest.mark.changes_permissions
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
        replay(product, name, event)
    assert product.metrics() == counted_once(event, *FUNCTIONS)
    for name in FUNCTIONS:
        replay(product, name, event)
    assert product.metrics() == counted_once(event, *FUNCTIONS)


def redrive(
    product: Product, queue: str, *, account: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Do what `make redrive` does, with a profile for each of the accounts."""
    accounts = {"operations": product.account, "queue": account or product.account}
    with profiles(product.emulator, accounts, product.region) as environment:
        return subprocess.run(
            [REPOSITORY / "infra" / "bin" / "redrive.sh", queue],
            env=environment | {"OPERATIONS_PROFILE": "operations", "QUEUE_PROFILE": "queue"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def replay(product: Product, function: str, event: Event) -> None:
    """Replay what the function's bus had taken at the time of the event, and wait."""
    events = product.operations("events")
    place = f"arn:aws:events:{product.region}:{product.account}"
    at = datetime.fromisoformat(event["time"])
    name = f"replay-{uuid4()}"
    events.start_replay(
        ReplayName=name,
        EventSourceArn=f"{place}:archive/dora-{function}",
        EventStartTime=at - timedelta(minutes=1),
        EventEndTime=at + timedelta(minutes=1),
        Destination={"Arn": f"{place}:event-bus/dora-{function}"},
    )
    deadline = time.monotonic() + _REPLAY_SECONDS
    while events.describe_replay(ReplayName=name)["State"] != "COMPLETED":
        assert time.monotonic() < deadline, "the replay does not end"
        time.sleep(0.05)
    product.emulator.settle()
