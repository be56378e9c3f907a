"""The dashboard says what it means: no name that nobody publishes, nothing that is not shown."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.known import DAY, START, Known, Values
from dashboard.test_evaluation import RATE
from stage import REPOSITORY
from stage.dashboard.body import chosen, synthesised
from stage.dashboard.catalogue import catalogue
from stage.dashboard.check import shown, violations
from stage.dashboard.evaluate import panels
from stage.dashboard.picture import picture

Body = dict[str, Any]


@pytest.fixture(scope="module")
def synthesised_body() -> Body:
    return synthesised()


@pytest.fixture
def body(synthesised_body: Body) -> Body:
    return copy.deepcopy(synthesised_body)


def test_nothing_is_wrong_with_the_dashboard(body: Body) -> None:
    assert violations(body, catalogue()) == []


def test_every_published_metric_is_shown(body: Body) -> None:
    assert shown(body) == catalogue().metrics.keys()


def test_the_rates_are_the_expression_that_is_tested(body: Body) -> None:
    assert json.dumps(body).count(RATE) == 2 * 4  # failure and rework; whole, day, week and month


def _metrics(body: Body, title: str) -> list[Any]:
    (found,) = [each for each in body["widgets"] if each["properties"].get("title") == title]
    metrics: list[Any] = found["properties"]["metrics"]
    return metrics


def _replaced(old: str, new: str) -> Callable[[Body], Body]:
    def mutate(body: Body) -> Body:
        text = json.dumps(body["widgets"])
        assert old in text
        return {**body, "widgets": json.loads(text.replace(old, new))}

    return mutate


def _without(title: str) -> Callable[[Body], Body]:
    def mutate(body: Body) -> Body:
        kept = [w for w in body["widgets"] if title not in w["properties"].get("title", "")]
        return {**body, "widgets": kept}

    return mutate


def _moved(body: Body) -> Body:
    body["widgets"][2]["x"] -= 1
    return body


def _outside(body: Body) -> Body:
    body["widgets"][5]["width"] += 1
    return body


def _without_default(body: Body) -> Body:
    body["variables"][0]["defaultValue"] = "7001"
    return body


def _of_another_dimension(body: Body) -> Body:
    body["variables"][1]["property"] = "Squad"
    return body


def _repeated_id(body: Body) -> Body:
    metrics = _metrics(body, "Deployments by day")
    metrics.append(metrics[0])
    return body


@pytest.mark.parametrize(
    ("mutate", "told"),
    [
        pytest.param(
            _replaced('"Repository", "-"', '"Repo", "-"'),
            "Deployments has no dimension set ['Repo']",
            id="a dimension misspelt",
        ),
        pytest.param(
            _replaced(",Team}", ",Squad}"),
            "Deployments has no dimension set ['Squad']",
            id="a dimension misspelt in a search",
        ),
        pytest.param(
            _replaced('"LeadTimeForChanges", {', '"LeadTime", {'),
            "no function publishes LeadTime",
            id="a metric that nobody publishes",
        ),
        pytest.param(
            _replaced('MetricName=\\"FailedChanges', 'MetricName=\\"Failures'),
            "no function publishes Failures",
            id="a metric that nobody publishes in a search",
        ),
        pytest.param(
            _without("Failed changes and incidents"),
            "Incidents is published, and no widget shows it",
            id="a metric that no widget shows",
        ),
        pytest.param(_replaced("FILL(some, 0)", "FILL(other, 0)"), "the id other", id="an id"),
        pytest.param(_replaced("100 * FILL", "100 % FILL"), "is not expected", id="an expression"),
        pytest.param(_replaced('"p50"', '"p5O"'), "p5O of LeadTimeForChanges", id="a statistic"),
        pytest.param(_replaced("'p50'", "'Sum'"), "says nothing", id="the sum of durations"),
        pytest.param(
            _replaced("PERIOD(deployments_all)", "PERIOD(deployments)"),
            "PERIOD",
            id="period of an expression",
        ),
        pytest.param(_replaced('"period": 604800', '"period": 604801'), "604801", id="a period"),
        pytest.param(_replaced('"timeSeries"', '"timeseries"'), "the view", id="a view"),
        pytest.param(_replaced('"sparkline"', '"sparkLine"'), "it has sparkLine", id="a property"),
        pytest.param(_replaced('"width": 7', '"width": 7000'), "places", id="the choice elsewhere"),
        pytest.param(_replaced('"-P14D"', '"-P90D"'), "a search", id="a search of a longer past"),
        pytest.param(_moved, "lies on", id="widgets on each other"),
        pytest.param(_outside, "outside of the grid", id="a widget too wide"),
        pytest.param(_without_default, "default", id="a default that is not shown"),
        pytest.param(_of_another_dimension, "another dimension", id="a variable of nothing"),
        pytest.param(_repeated_id, "is not unique", id="an id twice"),
    ],
)
def test_a_mistake_in_the_dashboard_is_found(
    body: Body, mutate: Callable[[Body], Body], told: str
) -> None:
    assert told in "\n".join(violations(mutate(body), catalogue()))


def test_a_choice_changes_what_is_shown_and_nothing_else(body: Body) -> None:
    default = chosen(body, {})
    assert default == body
    team = chosen(body, {"Show": "Team", "Team": "Payments"})
    assert violations({**team, "variables": []}, catalogue()) == []
    changed = json.dumps(team).replace('"Team", "Payments"', '"Team", "-"')
    assert json.loads(changed.replace("IF(7001 ==", "IF(7000 ==")) == body


def test_the_tables_are_of_two_weeks_and_nothing_before(body: Body) -> None:
    end = START + 90 * DAY
    values: Values = [1] * 90
    metrics = Known({(name, "acme/web"): values for name in catalogue().metrics})
    tables = [
        panel for panel in panels(body, metrics, START, end) if panel.properties["view"] == "table"
    ]
    assert len(tables) == 6
    for table in tables:
        (line,) = table.lines
        assert min(line.series) == end - 14 * DAY
        medians = "Median" in table.title
        assert len(line.series) == (1 if medians else 14)
        shown_columns = table.properties["table"]
        assert shown_columns["showTimeSeriesData"] == medians
        assert shown_columns["summaryColumns"] == ([] if medians else ["SUM"])


def test_the_docs_have_the_catalogues_table() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| `([\w-]+)` \| ([^|]+) \| ([^|]+) \|$",
        (REPOSITORY / "docs" / "metrics.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [
        (each.name, each.unit, each.function, each.one_value_for_each, each.time)
        for each in catalogue().metrics.values()
    ]


def test_a_dashboard_without_data_says_so_in_every_panel(body: Body) -> None:
    end = START + 14 * DAY
    shown_panels = panels(body, Known({}), START, end)
    drawn = picture(body, shown_panels, {}, end, 14)
    assert [line for panel in shown_panels for line in panel.lines if line.series] == []
    assert drawn.count(">no data<") == len(shown_panels)
