"""The dashboard's body: what it says, and what the viewer's choice makes of it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from stage import CDK_OUT

Body = dict[str, Any]

_KIND = "AWS::CloudWatch::Dashboard"


@dataclass(frozen=True)
class Line:
    """A line of a widget: a metric, or an expression over other lines."""

    metric: tuple[str, str] | None
    dimensions: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def visible(self) -> bool:
        """Return whether it is drawn."""
        return bool(self.options.get("visible", True))


def synthesised() -> Body:
    """Return the body in the template that `cdk synth` wrote."""
    for template in CDK_OUT.glob("*.template.json"):
        for resource in json.loads(template.read_text())["Resources"].values():
            if resource["Type"] == _KIND:
                body: Body = json.loads(resource["Properties"]["DashboardBody"])
                return body
    raise LookupError(f"no template in {CDK_OUT} has a dashboard")


def deployed(cloudwatch: Any) -> Body:
    """Return the body that CloudWatch has."""
    (entry,) = cloudwatch.list_dashboards()["DashboardEntries"]
    found = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])
    body: Body = json.loads(found["DashboardBody"])
    return body


def chosen(body: Body, choices: dict[str, str]) -> Body:
    """Return the body as the console makes it from the viewer's choices, by the variables' labels.

    A variable without a choice has its default; where that is the first value found, nothing.
    """
    widgets = body["widgets"]
    for variable in body["variables"]:
        value = choices.get(variable["label"], variable["defaultValue"])
        if "values" in variable:
            of_label = {each["label"]: each["value"] for each in variable["values"]}
            value = of_label.get(value, value)
        if value == "__FIRST":
            continue
        if variable["type"] == "pattern":
            widgets = json.loads(re.sub(variable["pattern"], value, json.dumps(widgets)))
        else:
            widgets = _with_property(widgets, variable["property"], value)
    return {**body, "widgets": widgets}


def line(written: list[Any]) -> Line:
    """Read a line of a widget's `metrics`."""
    options = written[-1] if isinstance(written[-1], dict) else {}
    words = written[:-1] if options else written
    if not words:
        return Line(None, {}, options)
    namespace, metric, *dimensions = words
    return Line((namespace, metric), dict(_pairs(dimensions)), options)


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


def _with_property(widgets: list[Any], name: str, value: str) -> list[Any]:
    def changed(written: list[Any]) -> list[Any]:
        return [
            value if number in (3, 5) and written[number - 1] == name else word
            for number, word in enumerate(written)
        ]

    return [
        {**widget, "properties": {**properties, "metrics": [*map(changed, properties["metrics"])]}}
        if "metrics" in (properties := widget["properties"])
        else widget
        for widget in widgets
    ]
