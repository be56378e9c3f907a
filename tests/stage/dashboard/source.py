"""The metrics that are evaluated, as CloudWatch's API gives them: plain statistics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

Series = dict[datetime, float]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Range:
    """A time range, and the periods in it.

    Periods are counted from the beginning of 1970, so that days begin at midnight; where AWS's
    weeks and months begin is documented nowhere. One period as long as the range is the range.
    """

    start: datetime
    end: datetime
    period: timedelta

    @property
    def first(self) -> datetime:
        """Return when the first period begins."""
        whole = self.period >= self.end - self.start
        return self.start if whole else self.start - (self.start - _EPOCH) % self.period

    def times(self) -> list[datetime]:
        """Return when each period begins."""
        count = -((self.first - self.end) // self.period)
        return [self.first + number * self.period for number in range(count)]


class Metrics(Protocol):
    """Where the values come from: CloudWatch, or a test."""

    def statistics(
        self, metric: tuple[str, str], dimensions: Mapping[str, str], statistic: str, over: Range
    ) -> Series:
        """Return a statistic of a metric for each period that has values."""

    def values(self, metric: tuple[str, str], dimension: str) -> list[str]:
        """Return the values of the only dimension that a metric has."""


class CloudWatch:
    """The metrics of an account and Region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def statistics(
        self, metric: tuple[str, str], dimensions: Mapping[str, str], statistic: str, over: Range
    ) -> Series:
        """Return a statistic of a metric for each period that has values."""
        first = over.times()[0]
        whole = len(over.times()) == 1
        # One period from 1970 on holds the whole range, wherever its periods would begin.
        period = over.end - _EPOCH if whole else over.period
        namespace, name = metric
        answer = self._client.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": namespace,
                            "MetricName": name,
                            "Dimensions": [
                                {"Name": name, "Value": value} for name, value in dimensions.items()
                            ],
                        },
                        "Period": int(period.total_seconds()),
                        "Stat": statistic,
                    },
                }
            ],
            StartTime=first,
            EndTime=over.end,
        )
        (result,) = answer["MetricDataResults"]
        times = [first if whole else at.astimezone(UTC) for at in result["Timestamps"]]
        return dict(sorted(zip(times, result["Values"], strict=True)))

    def values(self, metric: tuple[str, str], dimension: str) -> list[str]:
        """Return the values of the only dimension that a metric has."""
        return sorted(
            value
            for namespace, name, dimensions in self._listed
            if (namespace, name) == metric and len(dimensions) == 1
            for dimension_name, value in dimensions
            if dimension_name == dimension
        )

    @cached_property
    def _listed(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        pages = self._client.get_paginator("list_metrics").paginate()
        return [
            (
                each["Namespace"],
                each["MetricName"],
                [(dimension["Name"], dimension["Value"]) for dimension in each["Dimensions"]],
            )
            for page in pages
            for each in page["Metrics"]
        ]
