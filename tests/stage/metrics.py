"""Reads the metrics back as a dashboard would: by `ListMetrics` and `GetMetricData`."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

_DAY = 24 * 3600
_READABLE_DAYS = 15


class Value(NamedTuple):
    """Names one number: a metric under a dimension set on a day."""

    metric: str
    dimensions: frozenset[tuple[str, str]]
    day: str

    def __str__(self) -> str:
        names = ", ".join(f"{name} {value}" for name, value in sorted(self.dimensions))
        return f"{self.metric} on {self.day}" + (f" for {names}" if names else "")


def read(cloudwatch: Any, namespace: str) -> dict[Value, float]:
    """Return all daily sums of a namespace."""
    listed = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace)
    metrics = [metric for page in listed for metric in page["Metrics"]]
    queries = [
        {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _DAY, "Stat": "Sum"}}
        for number, metric in enumerate(metrics)
    ]
    if not queries:
        return {}
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(1)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=tomorrow - timedelta(days=_READABLE_DAYS),
        EndTime=tomorrow,
    )
    sums: dict[Value, float] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            metric = metrics[int(result["Id"][1:])]
            dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                day = at.astimezone(UTC).date().isoformat()
                sums[Value(metric["MetricName"], dimensions, day)] = value
    return sums


def expected(numbers: Iterable[dict[str, Any]]) -> dict[Value, float]:
    """Return a scenario's expected numbers in the form in which `read` gives the real ones."""
    return {
        Value(each["metric"], frozenset(each["dimensions"].items()), each["day"]): each["sum"]
        for each in numbers
    }


def differences(real: dict[Value, float], wanted: dict[Value, float]) -> list[str]:
    """Return a line for every number that is not as it must be."""
    return [
        f"{value}: {real.get(value, 'nothing')} instead of {wanted.get(value, 'nothing')}"
        for value in sorted(real.keys() | wanted.keys(), key=str)
        if real.get(value) != wanted.get(value)
    ]
