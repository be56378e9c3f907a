"""Says what is wrong with a dashboard's body: CloudWatch warns at most, the emulator not even that.

The rules are those of AWS's "Dashboard Body Structure and Syntax", as far as our dashboard goes,
and that every name is one of the catalogue's.
"""

import json
import re
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from stage.dashboard import expression, search
from stage.dashboard.body import Body, Line, line
from stage.dashboard.catalogue import Catalogue
from stage.dashboard.expression import Expression, NotAnExpression, Text
from stage.dashboard.search import NotASearch

_COLUMNS = 24
_MOST_METRICS = 500
_VIEWS = {"timeSeries", "singleValue", "table"}
_ID = re.compile(r"[a-z]\w*")
_FOUND_BY_SEARCH = "-P14D"
_START = re.compile(r"-P\d+D")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_STATISTICS = {
    "Count": re.compile(r"Sum"),
    "Seconds": re.compile(r"Average|p\d{1,2}(\.\d+)?"),  # the sum of durations means nothing
}
_OPTIONS = {"id", "expression", "stat", "label", "color", "visible"}
_METRIC_PROPERTIES = {
    *("region", "title", "view", "stacked", "metrics", "period", "yAxis", "annotations", "table"),
    *("setPeriodToTimeRange", "sparkline", "start"),
}
_VARIABLES = {
    "pattern": {"pattern", "values"},
    "property": {"property", "search", "populateFrom"},
}
_VARIABLE = {"id", "type", "label", "inputType", "defaultValue", "visible"}


def violations(body: Body, catalogue: Catalogue) -> list[str]:
    """Return what is wrong, a line each."""
    return list(_violations(body, catalogue))


def shown(body: Body) -> set[str]:
    """Return the names of the metrics that some widget shows, by themselves or in an expression."""
    return {name for widget in _metric_widgets(body) for name in _shown(widget["properties"])}


def _violations(body: Body, catalogue: Catalogue) -> Iterator[str]:
    yield from _unexpected("the body", body, {"start", "periodOverride", "variables", "widgets"})
    if not _START.fullmatch(body.get("start", "")):
        yield f"start is {body.get('start')!r}"
    if body.get("periodOverride") != "inherit":
        yield "periodOverride must keep the widgets' periods"
    for widget in body["widgets"]:
        about = _title(widget)
        yield from (f"{about}: {wrong}" for wrong in _wrong_place(widget))
        if widget.get("type") == "metric":
            wrong_ones = _wrong_properties(widget["properties"], catalogue)
            yield from (f"{about}: {wrong}" for wrong in wrong_ones)
        elif widget.get("type") != "text":
            yield f"{about}: a widget of type {widget.get('type')!r} is unknown here"
        elif not isinstance(widget["properties"].get("markdown"), str):
            yield f"{about}: a text without markdown"
    for one, other in combinations(body["widgets"], 2):
        if _cells(one) & _cells(other):
            yield f"{_title(one)} lies on {_title(other)}"
    for variable in body["variables"]:
        about = f"variable {variable.get('id')}"
        yield from (f"{about}: {wrong}" for wrong in _wrong_variable(variable, body, catalogue))
    for name in catalogue.metrics.keys() - shown(body):
        yield f"{name} is published, and no widget shows it"


def _wrong_place(widget: dict[str, Any]) -> Iterator[str]:
    yield from _unexpected("it", widget, {"type", "x", "y", "width", "height", "properties"})
    numbers = [widget.get(name, -1) for name in ("x", "y", "width", "height")]
    if not all(isinstance(number, int) for number in numbers):
        yield f"its place is {numbers}"
        return
    x, y, width, height = numbers
    if not (x >= 0 and y >= 0 and width > 0 and height > 0 and x + width <= _COLUMNS):
        yield f"it is outside of the grid, at {numbers}"


def _wrong_properties(properties: dict[str, Any], catalogue: Catalogue) -> Iterator[str]:
    yield from _unexpected("it", properties, _METRIC_PROPERTIES)
    if not properties.get("title"):
        yield "it has no title"
    if properties.get("view") not in _VIEWS:
        yield f"the view {properties.get('view')!r} is unknown here"
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+-\d", properties.get("region", "")):
        yield f"the Region is {properties.get('region')!r}"
    yield from _wrong_period(properties.get("period"))
    if not _START.fullmatch(properties.get("start", "-P1D")):
        yield f"start is {properties['start']!r}"
    written = properties.get("metrics", [])
    if not 0 < len(written) <= _MOST_METRICS:
        yield f"it has {len(written)} metrics"
    lines = [line(each) for each in written]
    yield from _wrong_ids(lines)
    if any(_searches(each) for each in lines) and properties.get("start") != _FOUND_BY_SEARCH:
        yield "a search finds nothing that had no value for two weeks, so it can show no more"
    for each in lines:
        yield from _wrong_line(each, catalogue)
    if not any(each.visible for each in lines):
        yield "nothing of it is visible"
    for annotation in properties.get("annotations", {}).get("horizontal", []):
        yield from _unexpected("an annotation", annotation, {"label", "value", "color"})
        if not isinstance(annotation.get("value"), int | float) or not annotation.get("label"):
            yield f"an annotation is {annotation}"


def _wrong_ids(lines: list[Line]) -> Iterator[str]:
    ids = [each.options["id"] for each in lines if "id" in each.options]
    yield from (f"{name!r} is no id" for name in ids if not _ID.fullmatch(name))
    yield from (f"the id {name} is not unique" for name in set(ids) if ids.count(name) > 1)
    metrics = {each.options.get("id") for each in lines if each.metric}
    for each in lines:
        if (parsed := _parsed(each)) is None:
            continue
        for name in expression.names(parsed):
            if name not in ids:
                yield f"{each.options['expression']}: nothing has the id {name}"
        for call in expression.calls(parsed, "PERIOD"):
            if not set(expression.names(call)) <= metrics:
                yield f"{each.options['expression']}: PERIOD is only of a metric"


def _wrong_line(each: Line, catalogue: Catalogue) -> Iterator[str]:
    yield from _unexpected("a line", each.options, _OPTIONS)
    if not _COLOUR.fullmatch(each.options.get("color", "#000000")):
        yield f"{each.options['color']} is no colour"
    if each.metric:
        if "expression" in each.options:
            yield f"{each.metric} has an expression too"
        yield from _unpublished(each.metric[1], each.dimensions.keys(), catalogue)
        yield from _wrong_statistic(each.metric[1], each.options.get("stat"), catalogue)
        return
    try:
        parsed = expression.parse(each.options.get("expression", ""))
        for call in expression.calls(parsed, "SEARCH"):
            yield from _wrong_search(call, catalogue)
    except (NotAnExpression, NotASearch) as error:
        yield str(error)


def _wrong_search(call: expression.Call, catalogue: Catalogue) -> Iterator[str]:
    match call.arguments:
        case (Text(query), Text(statistic), *period):
            found = search.parse(query)
            yield from _unpublished(found.metric, {found.dimension}, catalogue)
            yield from _wrong_statistic(found.metric, statistic, catalogue)
            for given in period:
                yield from _wrong_period(getattr(given, "value", given))
        case _:
            yield f"SEARCH has the arguments {call.arguments}"


def _unpublished(name: str, dimensions: Any, catalogue: Catalogue) -> Iterator[str]:
    if name not in catalogue.metrics:
        yield f"no function publishes {name}"
    if frozenset(dimensions) not in catalogue.dimension_sets:
        yield f"{name} has no dimension set {sorted(dimensions)}"


def _wrong_statistic(name: str, statistic: Any, catalogue: Catalogue) -> Iterator[str]:
    metric = catalogue.metrics.get(name)
    if metric and not _STATISTICS[metric.unit].fullmatch(str(statistic)):
        yield f"{statistic} of {name} says nothing"


def _wrong_period(period: Any) -> Iterator[str]:
    if not isinstance(period, int | float) or period <= 0 or period % 60:
        yield f"the period is {period!r}"


def _wrong_variable(variable: Any, body: Body, catalogue: Catalogue) -> Iterator[str]:
    kind = variable.get("type")
    if kind not in _VARIABLES:
        yield f"the type {kind!r} is unknown"
        return
    yield from _unexpected("it", variable, _VARIABLE | _VARIABLES[kind])
    if variable.get("inputType") not in {"select", "radio", "input"}:
        yield f"the input type {variable.get('inputType')!r} is unknown"
    if kind == "property":
        found = search.parse(variable["search"])
        yield from _unpublished(found.metric, {found.dimension}, catalogue)
        if not variable["property"] == variable["populateFrom"] == found.dimension:
            yield "it changes another dimension than it looks for"
        return
    if variable["defaultValue"] != variable["pattern"]:
        yield "the body shows something else than its default"
    everywhere = len(re.findall(variable["pattern"], json.dumps(body["widgets"])))
    in_expressions = sum(len(re.findall(variable["pattern"], text)) for text in _expressions(body))
    if not everywhere == in_expressions > 0:
        yield f"{variable['pattern']} stands in {everywhere} places, of them {in_expressions} in IF"


def _expressions(body: Body) -> Iterator[str]:
    for widget in _metric_widgets(body):
        for written in widget["properties"]["metrics"]:
            text = line(written).options.get("expression", "")
            if text.startswith("IF("):
                yield text


def _shown(properties: dict[str, Any]) -> Iterator[str]:
    lines = [line(each) for each in properties["metrics"]]
    by_id = {each.options.get("id"): each for each in lines}
    waiting = [each for each in lines if each.visible]
    while waiting:
        each = waiting.pop()
        if each.metric:
            yield each.metric[1]
        elif (parsed := _parsed(each)) is not None:
            waiting += [by_id[name] for name in expression.names(parsed) if name in by_id]
            for call in expression.calls(parsed, "SEARCH"):
                if isinstance(call.arguments[0], Text):
                    yield search.parse(call.arguments[0].value).metric


def _searches(each: Line) -> bool:
    parsed = _parsed(each)
    return parsed is not None and any(expression.calls(parsed, "SEARCH"))


def _parsed(each: Line) -> Expression | None:
    try:
        return expression.parse(each.options["expression"])
    except (KeyError, NotAnExpression):
        return None


def _metric_widgets(body: Body) -> list[dict[str, Any]]:
    return [widget for widget in body["widgets"] if widget["type"] == "metric"]


def _cells(widget: dict[str, Any]) -> set[tuple[int, int]]:
    x, y = widget["x"], widget["y"]
    return set(product(range(x, x + widget["width"]), range(y, y + widget["height"])))


def _title(widget: dict[str, Any]) -> str:
    title: str = widget.get("properties", {}).get("title", "a text")
    return title


def _unexpected(what: str, document: Any, known: set[str]) -> Iterator[str]:
    yield from (f"{what} has {name}" for name in document.keys() - known)
