"""The schedule of faults is the seed's; the book of publications knows what is in the window."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from stage.chaos import Chaos
from stage.publications import Publications

CALLS = 4000
TRACE = "Root=1-6560c0de-000000000000000000000001"
AT = datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC)
TAKEN = {
    "Namespace": "DORA",
    "MetricData": [
        {"MetricName": "Changes", "Timestamp": AT, "Value": 1.0},
        {
            "MetricName": "CommitLeadTime",
            "Timestamp": AT,
            "Dimensions": [{"Name": "Repository", "Value": "acme/web"}],
            "Values": [60.0, 90.0],
            "Counts": [2.0, 1.0],
        },
    ],
}
VALUES = [
    {"metric": "Changes", "dimensions": {}, "day": "2026-11-02", "values": [1.0]},
    {
        "metric": "CommitLeadTime",
        "dimensions": {"Repository": "acme/web"},
        "day": "2026-11-02",
        "values": [60.0, 60.0, 90.0],
    },
]


def write(state: str, claim: str = "one") -> dict[str, Any]:
    record = {"M": {"state": {"S": state}, "claim": {"S": claim}}}
    return {
        "ExpressionAttributeNames": {"#metric0": "Changes", "#metric1": "CommitLeadTime"},
        "ExpressionAttributeValues": {":record0": record, ":record1": record},
    }


def schedule(seed: int, *, window: bool = True) -> list[str | None]:
    chaos = Chaos(seed=seed, share=0.02, window=window, patience=30)
    return [chaos.fault("cloudwatch", "PutMetricData", calm=False) for _ in range(CALLS)]


def test_a_seed_is_a_schedule() -> None:
    assert schedule(1) == schedule(1)
    assert schedule(1) != schedule(2)


def test_every_fault_comes_as_often_as_it_is_to() -> None:
    kinds = Counter(schedule(1))
    assert set(kinds) == {None, "throttle", "fail", "cut-before", "cut-after", "slow", "stuck"}
    assert 0.05 < 1 - kinds[None] / CALLS < 0.15  # 2 %, four times as often, and 1 % in outages


def test_before_the_window_no_answer_of_cloudwatch_is_lost() -> None:
    assert {"cut-after", "slow"}.isdisjoint(schedule(1, window=False))


def test_what_is_confirmed_is_not_in_the_window() -> None:
    book = Publications()
    book.write(TRACE, write("pending"))
    book.take(TRACE, TAKEN)
    assert book.is_open(TRACE)
    book.write(TRACE, write("published"))
    assert not book.is_open(TRACE)
    book.end(TRACE, "kill-after")
    assert book.unconfirmed() == []


@pytest.mark.parametrize("twice", [False, True])
def test_a_confirmation_is_of_the_last_that_was_taken(twice: bool) -> None:
    book = Publications()
    book.take(TRACE, TAKEN)
    book.hit(TRACE, "cut-after at PutMetricData")
    book.take(TRACE, TAKEN)
    for _ in range(1 + twice):  # the SDK repeats what was not answered
        book.write(TRACE, write("published"))
    assert book.unconfirmed() == [{"data": VALUES, "faults": ["cut-after at PutMetricData"]}]


def test_what_nothing_explains_is_told_as_such() -> None:
    book = Publications()
    book.take(TRACE, TAKEN)
    book.write(TRACE, write("pending"))
    assert book.unconfirmed() == [{"data": VALUES, "faults": []}]
    book.end(TRACE, "kill-before")
    assert book.unconfirmed() == [{"data": VALUES, "faults": ["kill-before"]}]
