"""Reads the metrics back as a dashboard would: by `ListMetrics` and `GetMetricData`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

_DAY = 24 * 3600
_READABLE_DAYS = 15
_READ = ("SampleCount", "Sum", "Minimum", "Maximum", "p50", "p90")

Dimensions = frozenset[tuple[str, str]]


class Value(NamedTuple):
    """Names one number: a metric under a dimension set on a day."""

    metric: str
    dimensions: Dimensions
    day: str

    def __str__(self) -> str:
        names = ", ".join(f"{name} {value}" for name, value in sorted(self.dimensions))
        return f"{self.metric} on {self.day}" + (f" for {names}" if names else "")


class Statistics(NamedTuple):
    """What CloudWatch tells of the values that a metric got in a period.

    AWS states that 90 percent of the values are lower than p90, and not how it places p90 between
    two values. The stage interpolates linearly, and so does what it is compared with.
    """

    samples: float
    sum: float
    minimum: float
    maximum: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Statistics":
        """Return what CloudWatch must tell of these values."""
        ordered = sorted(values)
        p50, p90 = _percentile(ordered, 50), _percentile(ordered, 90)
        return cls(len(ordered), sum(ordered), ordered[0], ordered[-1], p50, p90)

    @property
    def mean(self) -> float:
        """Return the mean, CloudWatch's `Average`."""
        return self.sum / self.samples

    def __str__(self) -> str:
        return (
            f"{self.sum:g} in {self.samples:g} values from {self.minimum:g} to {self.maximum:g} "
            f"(p50 {self.p50:g}, p90 {self.p90:g})"
        )


def read(cloudwatch: Any, namespace: str) -> dict[Value, Statistics]:
    """Return the daily statistics of all metrics of a namespace."""
    return {
        Value(metric, dimensions, at.date().isoformat()): statistics
        for metric, dimensions, at, statistics in _read(cloudwatch, namespace, _DAY)
    }


def read_whole(cloudwatch: Any, namespace: str) -> dict[tuple[str, Dimensions], Statistics]:
    """Return the statistics of all days together: percentiles of days cannot be added up."""
    since_1970 = int(_tomorrow().timestamp())  # one period, wherever periods begin
    return {
        (metric, dimensions): statistics
        for metric, dimensions, _, statistics in _read(cloudwatch, namespace, since_1970)
    }


def expected(numbers: Iterable[dict[str, Any]]) -> dict[Value, Statistics]:
    """Return a scenario's expected numbers in the form in which `read` gives the real ones."""
    return {
        Value(each["metric"], frozenset(each["dimensions"].items()), each["day"]): Statistics.of(
            each["values"] if "values" in each else [1] * each["sum"]  # what is counted counts 1
        )
        for each in numbers
    }


def differences(real: Mapping[Value, Statistics], wanted: Mapping[Value, Statistics]) -> list[str]:
    """Return a line for every number that is not as it must be."""
    return [
        f"{value}: {real.get(value, 'nothing')} instead of {wanted.get(value, 'nothing')}"
        for value in sorted(real.keys() | wanted.keys(), key=str)
        if real.get(value) != wanted.get(value)
    ]


def _read(
    cloudwatch: Any, namespace: str, period: int
) -> Iterator[tuple[str, Dimensions, datetime, Statistics]]:
    listed = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace)
    metrics = [metric for page in listed for metric in page["Metrics"]]
    if not metrics:
        return
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[
            {
                "Id": f"m{number}_{name.lower()}",
                "MetricStat": {"Metric": metric, "Period": period, "Stat": name},
            }
            for number, metric in enumerate(metrics)
            for name in _READ
        ],
        StartTime=_tomorrow() - timedelta(days=_READABLE_DAYS),
        EndTime=_tomorrow(),
    )
    found: dict[tuple[int, datetime], dict[str, float]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            number, name = result["Id"].removeprefix("m").split("_")
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                found.setdefault((int(number), at.astimezone(UTC)), {})[name] = value
    for (index, at), values in found.items():
        metric = metrics[index]
        dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
        yield (
            metric["MetricName"],
            dimensions,
            at,
            Statistics(*(values.get(name.lower(), float("nan")) for name in _READ)),
        )


def _percentile(ordered: Sequence[float], percent: float) -> float:
    rank = percent / 100 * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def _tomorrow() -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)
