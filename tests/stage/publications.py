"""Keeps book of what CloudWatch took from each invocation, and of what the ledger then confirmed.

Between the two lies the one window in which a value can be repeated, as the documentation says.
The book tells which values fell into it, and by which fault.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

_PUBLISHED = "published"


@dataclass
class Taken:
    """A request that CloudWatch took, and what hit its invocation from there to confirmation."""

    data: list[dict[str, Any]]
    faults: list[str] = field(default_factory=list)
    confirmed: bool = False


@dataclass
class _Invocation:
    taken: list[Taken] = field(default_factory=list)
    on_the_way: int = 0
    ended_by: str | None = None


class Publications:
    """The book."""

    def __init__(self) -> None:
        self._invocations: dict[str, _Invocation] = {}
        self._claims: set[str] = set()
        self._lock = Lock()

    def begin(self, trace: str) -> None:
        """Note that CloudWatch has been asked to take values."""
        with self._lock:
            self._of(trace).on_the_way += 1

    def stop(self, trace: str) -> None:
        """Note that CloudWatch has decided on that."""
        with self._lock:
            self._of(trace).on_the_way -= 1

    def take(self, trace: str, request: dict[str, Any]) -> None:
        """Note that CloudWatch has these values now."""
        with self._lock:
            self._of(trace).taken.append(Taken([_plain(each) for each in request["MetricData"]]))

    def write(self, trace: str, request: dict[str, Any]) -> None:
        """Note what a write to the ledger, which has succeeded, confirms.

        It confirms what was taken last: the SDK may have repeated a request to CloudWatch.
        """
        with self._lock:
            claims = set(_confirmed(request)) - self._claims
            if not claims:
                return
            self._claims |= claims
            text = json.dumps(request)
            for each in reversed(self._of(trace).taken):
                if not each.confirmed and all(f'"{m["metric"]}"' in text for m in each.data):
                    each.confirmed = True
                    return

    def hit(self, trace: str, fault: str) -> None:
        """Note a fault that hit an invocation after all that CloudWatch has taken of it so far."""
        with self._lock:
            for each in self._of(trace).taken:
                if not each.confirmed:
                    each.faults.append(fault)

    def end(self, trace: str, fault: str) -> None:
        """Note that the process of an invocation is ended."""
        with self._lock:
            self._of(trace).ended_by = fault

    def is_ended(self, trace: str) -> bool:
        """Return whether the process of an invocation was ended."""
        with self._lock:
            return self._of(trace).ended_by is not None

    def is_open(self, trace: str) -> bool:
        """Return whether an invocation is in the window."""
        with self._lock:
            made = self._of(trace)
            return made.on_the_way > 0 or any(not each.confirmed for each in made.taken)

    def unconfirmed(self) -> list[dict[str, Any]]:
        """Return what was taken and never confirmed, with the faults that explain it."""
        with self._lock:
            return [
                {
                    "data": each.data,
                    "faults": each.faults + ([made.ended_by] if made.ended_by else []),
                }
                for made in self._invocations.values()
                for each in made.taken
                if not each.confirmed
            ]

    def forget(self) -> None:
        """Begin a new book."""
        with self._lock:
            self._invocations.clear()
            self._claims.clear()

    def _of(self, trace: str) -> _Invocation:
        return self._invocations.setdefault(trace, _Invocation())


def _plain(datum: dict[str, Any]) -> dict[str, Any]:
    at = datum["Timestamp"]
    at = at if isinstance(at, datetime) else datetime.fromtimestamp(float(at), UTC)
    values, counts = datum.get("Values"), datum.get("Counts")
    if not values:
        values, counts = [datum["Value"]], [1]
    return {
        "metric": datum["MetricName"],
        "dimensions": {each["Name"]: each["Value"] for each in datum.get("Dimensions", [])},
        "day": at.astimezone(UTC).date().isoformat(),
        "values": [
            value
            for value, count in zip(values, counts or [1] * len(values), strict=True)
            for _ in range(int(count))
        ],
    }


def _confirmed(document: Any) -> Iterator[str]:
    """Yield the claims of the published records that a request writes, however deep they are."""
    if isinstance(document, list):
        for each in document:
            yield from _confirmed(each)
    if isinstance(document, dict):
        if document.get("state") == {"S": _PUBLISHED} and "claim" in document:
            yield document["claim"]["S"]
        for each in document.values():
            yield from _confirmed(each)
