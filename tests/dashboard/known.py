"""Metrics that a test states, in place of CloudWatch's."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from stage.dashboard.source import Range, Series

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)

Values = list[float | None]


class Known:
    """Series of days, each by metric and dimension value; the statistic makes no difference."""

    def __init__(self, values: Mapping[tuple[str, str | None], Values]) -> None:
        self._values = values

    def statistics(
        self, metric: tuple[str, str], dimensions: Mapping[str, str], _: str, over: Range
    ) -> Series:
        """Return what the test states for the metric under these dimensions."""
        (dimension,) = dimensions.values() or [None]
        stated = self._values.get((metric[1], dimension), [])
        return series(stated, over.times())

    def values(self, metric: tuple[str, str], _: str) -> list[str]:
        """Return the dimension values for which the test states something."""
        return [value for name, value in self._values if name == metric[1] and value is not None]


def series(values: Values, times: list[datetime]) -> Series:
    """Return a series of these values, where None stands for no value."""
    return {at: value for at, value in zip(times, values, strict=False) if value is not None}


def days(count: int) -> Range:
    """Return a range of so many days."""
    return Range(START, START + count * DAY, DAY)


def written(found: Series, over: Range) -> Values:
    """Return a series as a test writes it."""
    return [found.get(at) for at in over.times()]
