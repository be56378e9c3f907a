"""Evaluates the lines of a widget over the metrics that CloudWatch holds.

The meaning is what the CloudWatch User Guide says in "Using math expressions with CloudWatch
metrics"; it is written here from that page, and shares nothing with the product. Where AWS does
not say it, the docs of the dashboard name it as untried.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stage.dashboard import expression, search
from stage.dashboard.body import Line, line
from stage.dashboard.expression import Call, Expression, Name, Number, Operation, Text
from stage.dashboard.source import Metrics, Range, Series

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}


class NotATimeSeries(Exception):
    """The result of a visible line cannot be drawn."""


@dataclass(frozen=True)
class Found:
    """One of the series that a search found."""

    value_of_dimension: str
    series: Series


Value = float | Series | list[Found]


@dataclass(frozen=True)
class Drawn:
    """A visible line: its label, its colour, and its values."""

    label: str
    colour: str
    series: Series


@dataclass(frozen=True)
class Panel:
    """A metric widget with its values; a single value's series has one time at most."""

    properties: dict[str, Any]
    place: tuple[int, int, int, int]
    times: list[datetime]
    lines: list[Drawn]

    @property
    def title(self) -> str:
        """Return the widget's title."""
        title: str = self.properties["title"]
        return title


def panels(body: dict[str, Any], metrics: Metrics, start: datetime, end: datetime) -> list[Panel]:
    """Return the metric widgets of a body with their values in a time range."""
    return [
        _panel(widget, metrics, start, end)
        for widget in body["widgets"]
        if widget["type"] == "metric"
    ]


def _panel(widget: dict[str, Any], metrics: Metrics, start: datetime, end: datetime) -> Panel:
    properties = widget["properties"]
    if "start" in properties:
        start = end - timedelta(days=int(properties["start"].strip("-PD")))
    whole = end - start
    of_range = properties.get("setPeriodToTimeRange", False)
    period = whole if of_range else timedelta(seconds=properties["period"])
    over = Range(start, end, period)
    lines = [line(written) for written in properties["metrics"]]
    evaluation = Evaluation(lines, metrics, over)
    x, y, width, height = (widget[name] for name in ("x", "y", "width", "height"))
    drawn = [each for one in lines if one.visible for each in evaluation.drawn(one)]
    return Panel(properties, (x, y, width, height), over.times(), drawn)


class Evaluation:
    """The lines of one widget, evaluated together."""

    def __init__(self, lines: Iterable[Line], metrics: Metrics, over: Range) -> None:
        self._lines = {each.options["id"]: each for each in lines if "id" in each.options}
        self._metrics = metrics
        self._over = over

    def drawn(self, each: Line) -> list[Drawn]:
        """Return what a visible line draws: nothing, one line, or as many as a search found."""
        label, colour = each.options.get("label", ""), each.options.get("color", "#1f5fa8")
        value = self._value_of(each)
        match value:
            case dict():
                return [Drawn(label, colour, value)]
            case list():
                return [Drawn(found.value_of_dimension, colour, found.series) for found in value]
        raise NotATimeSeries(f"{each.options['expression']} is {value}")

    def _value_of(self, each: Line) -> Value:
        if each.metric:
            statistic = each.options["stat"]
            return self._metrics.statistics(each.metric, each.dimensions, statistic, self._over)
        return self._value(expression.parse(each.options["expression"]))

    def _value(self, parsed: Expression) -> Value:
        match parsed:
            case Number(number):
                return number
            case Name(name):
                return self._value_of(self._lines[name])
            case Operation(sign, left, right):
                return _operate(sign, self._value(left), self._value(right))
            case Call("IF", (condition, *branches)):
                return _if(self._value(condition), *(self._value(branch) for branch in branches))
            case Call("FILL", (filled, filler)):
                return _fill(self._value(filled), self._value(filler), self._over.times())
            case Call("PERIOD", (Name(name),)) if self._lines[name].metric:
                return self._over.period.total_seconds()
            case Call("SEARCH", (Text(query), Text(statistic), Number(period))):
                over = Range(self._over.start, self._over.end, timedelta(seconds=period))
                return self._found(search.parse(query), statistic, over)
            case Call("SEARCH", (Text(query), Text(statistic))):
                return self._found(search.parse(query), statistic, self._over)
        raise TypeError(f"{parsed} cannot be evaluated")

    def _found(self, query: search.Search, statistic: str, over: Range) -> list[Found]:
        metric = (query.namespace, query.metric)
        series = {
            value: self._metrics.statistics(metric, {query.dimension: value}, statistic, over)
            for value in self._metrics.values(metric, query.dimension)
        }
        return [Found(value, each) for value, each in series.items() if each]


def _operate(sign: str, left: Value, right: Value) -> Value:
    """Operate; a missing value of one series counts as 0, and what is divided by 0 is dropped."""
    match left, right:
        case list(), float():
            return [
                Found(each.value_of_dimension, _series(sign, each.series, right)) for each in left
            ]
        case float(), float():
            return float(_ARITHMETIC[sign](left, right))
        case (dict() | float(), dict() | float()):
            return _series(sign, left, right)
    raise TypeError(f"{sign} is not used on {left} and {right}")


def _series(sign: str, left: Series | float, right: Series | float) -> Series:
    times = sorted({at for each in (left, right) if isinstance(each, dict) for at in each})
    results = {}
    for at in times:
        one = left.get(at, 0.0) if isinstance(left, dict) else left
        other = right.get(at, 0.0) if isinstance(right, dict) else right
        if sign != "/" or other:
            results[at] = float(_ARITHMETIC[sign](one, other))
    return results


def _if(condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    """Choose; what the condition has no value for is dropped, and a missing `then` is 0."""
    if isinstance(condition, float):
        return then if condition else ({} if otherwise is None else otherwise)
    if isinstance(condition, list):
        raise TypeError("IF is not used on a search")
    chosen = {
        at: _at(then, at, 0.0) if true else _at(otherwise, at) for at, true in condition.items()
    }
    return {at: value for at, value in chosen.items() if value is not None}


def _at(value: Value | None, at: datetime, missing: float | None = None) -> float | None:
    return value.get(at, missing) if isinstance(value, dict) else _scalar(value)


def _scalar(value: Value | None) -> float | None:
    if isinstance(value, list | dict):
        raise TypeError(f"{value} is no number")
    return value


def _fill(filled: Value, filler: Value, times: list[datetime]) -> Series:
    if not isinstance(filled, dict) or not isinstance(filler, float):
        raise TypeError("FILL is only used on a series, with a number")
    return {at: filled.get(at, filler) for at in times}
