"""The deployed dashboard shows what a scenario must give; the numbers are worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from stage.dashboard import show
from stage.dashboard.catalogue import catalogue
from stage.dashboard.evaluate import Panel
from stage.dashboard.source import CloudWatch
from stage.demo import DEFAULT
from stage.metrics import Statistics
from stage.product import Product
from stage.scenario import load_scenario

DAY = timedelta(days=1)
HOUR = 3600

Values = list[float | None]

# What happened on the five days of the scenario, which end yesterday.
DEPLOYMENTS = [2, 3, 2, 4, 4]
FAILED = [0, 1, 0, 1, 1]
REWORK = [0, 1, 0, 0, 0]
LEAD_TIMES = [
    [333000, 1525],
    [86400, 1519, 1492],
    [14400],
    [1481, 90399, 86400, 180000],
    [151200, 1586, 5400],
]


@pytest.fixture(scope="module")
def played(stage: Product) -> Product:
    stage.reset()
    stage.play(load_scenario(DEFAULT))
    return stage


def shown(product: Product, choices: dict[str, str]) -> dict[str, Panel]:
    _, panels, _ = show.evaluated(product, choices)
    return {panel.title: panel for panel in panels}


def tile(panel: Panel) -> dict[str, float | None]:
    return {line.label: next(iter(line.series.values()), None) for line in panel.lines}


def by_day(panel: Panel) -> dict[str, Values]:
    """Return each line's values of the five days, after none before."""
    *before, first, second, third, fourth, fifth = panel.times
    assert not [line for line in panel.lines if line.series.keys() & set(before)]
    week = [first, second, third, fourth, fifth]
    return {name(line.label): [line.series.get(at) for at in week] for line in panel.lines}


def days_of_the_scenario() -> list[datetime]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - ago * DAY for ago in (5, 4, 3, 2, 1)]


def begun(times: list[datetime], at: datetime) -> datetime:
    """Return when the period began in which a time is."""
    return max(each for each in times if each <= at)


def name(label: str) -> str:
    return label.removesuffix(": ${LAST}")


def about(values: list[float | None]) -> object:
    return [None if value is None else pytest.approx(value) for value in values]


def hours(*seconds: float | None) -> object:
    return about([None if each is None else each / HOUR for each in seconds])


def test_without_data_nothing_is_shown(product: Product) -> None:
    panels = shown(product, {})
    assert [line for panel in panels.values() for line in panel.lines if line.series] == []
    assert show.drawn(product, {}).count(">no data<") == len(panels)


def test_the_tiles_show_the_whole_time_range(played: Product) -> None:
    panels = shown(played, {})
    assert tile(panels["Deployment frequency"]) == {
        "a day, over the time range": pytest.approx(15 / 14)
    }
    assert tile(panels["Change lead time, hours"]) == {
        "median": pytest.approx(4),
        "90 % within": pytest.approx(48.4),
        "mean": pytest.approx(954802 / 13 / HOUR),
    }
    assert tile(panels["Change fail rate"]) == {"% of changes": pytest.approx(20)}
    assert tile(panels["Failed deployment recovery time, hours"]) == {
        "median": pytest.approx((14895.796 + 1503) / 2 / HOUR),
        "90 % within": pytest.approx((1503 + 0.9 * 13392.796) / HOUR),
        "mean": pytest.approx((14895.796 + 1503) / 2 / HOUR),
    }
    assert tile(panels["Rework rate"]) == {"% of changes": pytest.approx(100 / 15)}


def test_the_days_show_each_day(played: Product) -> None:
    panels = shown(played, {})
    assert by_day(panels["Deployments by day"]) == {"deployments": DEPLOYMENTS}
    assert by_day(panels["Change lead time by day"]) == {
        "median": hours(167262.5, 1519, 14400, 88399.5, 5400),
        "90 % within": hours(299852.5, 69423.8, 14400, 153119.7, 122040),
        "mean": hours(167262.5, 89411 / 3, 14400, 89570, 158186 / 3),
        "median of commits": hours(259200, 1800, 8530, 9000, 5400),
    }
    assert by_day(panels["Change fail rate by day"]) == {"failed": about([0, 100 / 3, 0, 25, 25])}
    recovered = hours(None, 14895.796, None, None, 1503)
    assert by_day(panels["Failed deployment recovery time by day"]) == {
        "median": recovered,
        "90 % within": recovered,
        "mean": recovered,
    }
    assert by_day(panels["Deployment rework rate by day"]) == {
        "rework": about([0, 100 / 3, 0, 0, 0])
    }
    assert by_day(panels["Failed changes and incidents by day"]) == {
        "failed changes": [None, 1, None, 1, 1],
        "incidents": [None, 1, None, 2, None],
    }


@pytest.mark.parametrize("period", ["week", "month"])
def test_weeks_and_months_show_their_days_together(played: Product, period: str) -> None:
    panels = shown(played, {})
    of_period: dict[datetime, list[int]] = {}
    for day, at in enumerate(days_of_the_scenario()):
        start = begun(panels[f"Deployments by {period}"].times, at)
        of_period.setdefault(start, []).append(day)

    def values(title: str, label: str) -> dict[datetime, float]:
        (found,) = [x for x in panels[f"{title} by {period}"].lines if name(x.label) == label]
        return found.series

    counts = {at: sum(DEPLOYMENTS[day] for day in days) for at, days in of_period.items()}
    failed = {at: sum(FAILED[day] for day in days) for at, days in of_period.items()}
    rework = {at: sum(REWORK[day] for day in days) for at, days in of_period.items()}
    lead = {
        at: Statistics.of([each for day in days for each in LEAD_TIMES[day]])
        for at, days in of_period.items()
    }
    assert values("Deployments", "deployments") == counts
    assert values("Change fail rate", "failed") == pytest.approx(
        {at: 100 * failed[at] / counts[at] for at in counts}
    )
    assert values("Deployment rework rate", "rework") == pytest.approx(
        {at: 100 * rework[at] / counts[at] for at in counts}
    )
    for label, statistic in (("median", "p50"), ("90 % within", "p90"), ("mean", "mean")):
        assert values("Change lead time", label) == pytest.approx(
            {at: getattr(lead[at], statistic) / HOUR for at in lead}
        )


def test_one_team_is_shown(played: Product) -> None:
    panels = shown(played, {"Show": "Team", "Team": "Payments"})
    assert tile(panels["Deployment frequency"]) == {
        "a day, over the time range": pytest.approx(7 / 14)
    }
    assert tile(panels["Change lead time, hours"]) == {
        "median": pytest.approx(1525 / HOUR),
        "90 % within": pytest.approx(12),
        "mean": pytest.approx(108403 / 7 / HOUR),
    }
    assert tile(panels["Change fail rate"]) == {"% of changes": pytest.approx(100 / 7)}
    assert tile(panels["Rework rate"]) == {"% of changes": pytest.approx(100 / 7)}
    assert by_day(panels["Deployments by day"]) == {"deployments": [1, 2, 1, 2, 1]}


def test_one_repository_is_shown(played: Product) -> None:
    panels = shown(played, {"Show": "Repository", "Repository": "acme/web"})
    assert tile(panels["Deployment frequency"]) == {
        "a day, over the time range": pytest.approx(6 / 14)
    }
    assert tile(panels["Change lead time, hours"])["median"] == pytest.approx(120799.5 / HOUR)
    assert tile(panels["Change fail rate"]) == {"% of changes": pytest.approx(100 / 3)}
    assert tile(panels["Rework rate"]) == {"% of changes": 0}  # it never had any
    assert by_day(panels["Change fail rate by day"]) == {"failed": about([0, 0, None, 50, 50])}


def test_a_repository_without_commits_that_are_read_has_no_lead_time(played: Product) -> None:
    panels = shown(played, {"Show": "Repository", "Repository": "acme/legacy"})
    nothing = {"median": None, "90 % within": None, "mean": None}
    assert tile(panels["Change lead time, hours"]) == nothing
    assert tile(panels["Failed deployment recovery time, hours"]) == nothing
    assert tile(panels["Change fail rate"]) == {"% of changes": 0}
    assert by_day(panels["Change fail rate by day"]) == {"failed": [None, None, 0, None, 0]}


def test_a_repository_that_never_deployed_has_no_value_anywhere(played: Product) -> None:
    panels = shown(played, {"Show": "Repository", "Repository": "acme/new"})
    of_all = [panel for panel in panels.values() if panel.properties["view"] != "table"]
    assert [line for panel in of_all for line in panel.lines if line.series] == []


@pytest.mark.parametrize(
    ("by", "deployments", "failed"),
    [
        (
            "repository",
            {"acme/legacy": 2, "acme/payments": 7, "acme/web": 6},
            {"acme/payments": 1, "acme/web": 2},
        ),
        ("team", {"Payments": 7, "Storefront": 6}, {"Payments": 1, "Storefront": 2}),
    ],
)
def test_the_tables_show_everybody(
    played: Product, by: str, deployments: dict[str, int], failed: dict[str, int]
) -> None:
    # Whatever is chosen for the rest.
    panels = shown(played, {"Show": "Team", "Team": "Payments"})

    def sums(title: str) -> dict[str, float]:
        lines = panels[f"{title} by {by}, two weeks"].lines
        return {line.label: sum(line.series.values()) for line in lines}

    assert sums("Deployments") == deployments
    assert sums("Failed changes") == failed


def test_the_tables_show_the_median_lead_time_of_two_weeks(played: Product) -> None:
    panel = shown(played, {})["Median lead time by repository, h, two weeks"]
    of_payments = [1525, 1519, 1492, 14400, 1481, 86400, 1586]
    of_web = [333000, 86400, 90399, 180000, 151200, 5400]
    for line, seconds in zip(panel.lines, (of_payments, of_web), strict=True):
        (median,) = line.series.values()
        assert median == pytest.approx(Statistics.of(seconds).p50 / HOUR)


def test_the_dashboards_variables_offer_what_has_metrics(played: Product) -> None:
    cloudwatch = CloudWatch(played.operations("cloudwatch"))
    assert cloudwatch.values(("DORA", "Deployments"), "Team") == ["Payments", "Storefront"]
    assert cloudwatch.values(("DORA", "Deployments"), "Repository") == [
        "acme/legacy",
        "acme/payments",
        "acme/web",
    ]


def test_functions_publish_the_metrics_that_the_catalogue_gives_them(played: Product) -> None:
    published = {
        (each["function"], metric["name"])
        for each in played.emulator.answers()
        for metric in each["answer"].get("metrics", [])
    }
    assert published == {(each.function, each.name) for each in catalogue().metrics.values()}


def test_values_have_the_catalogues_units_and_dimensions(played: Product) -> None:
    cloudwatch = played.operations("cloudwatch")
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="DORA")
    metrics = [metric for page in pages for metric in page["Metrics"]]
    now = datetime.now(UTC)
    for metric in metrics:
        points = cloudwatch.get_metric_statistics(
            **metric,
            StartTime=now - show.DAYS * DAY,
            EndTime=now,
            Period=int(DAY.total_seconds()),
            Statistics=["Sum"],
        )["Datapoints"]
        units = {point["Unit"] for point in points}
        assert units == {catalogue().metrics[metric["MetricName"]].unit}, metric
    found = {frozenset(each["Name"] for each in metric["Dimensions"]) for metric in metrics}
    assert found == set(catalogue().dimension_sets)
