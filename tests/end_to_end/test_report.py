"""`dora report`: the numbers of a period are those of CloudWatch and of its dashboard.

Where a test needs a longer past than CloudWatch takes, it writes one into the ledger.
"""

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from end_to_end.recorded import PENDING, TOO_OLD, Deployment, record
from stage import EVENTS, metrics
from stage.dashboard import show
from stage.dora import asked, dora
from stage.metrics import Dimensions
from stage.product import Product
from stage.scenario import load_scenario

SCENARIOS = EVENTS / "scenarios"
TWO_WEEKS = ("report", "--last", f"{show.DAYS}d", "--minimum", "1")
HOUR, DAY = 3600, 86400
COUNTS = {
    "deployments": "Deployments",
    "changes": "Changes",
    "failed_changes": "FailedChanges",
    "rework_deployments": "ReworkDeployments",
    "incidents": "Incidents",
    "commits": "CommitLeadTime",
    "recoveries": "TimeToRecovery",
}

Scope = dict[str, Any]


def midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def dimensions(scope: Scope) -> Dimensions:
    """Return under what the scope's numbers are in CloudWatch."""
    named = {} if scope["kind"] == "all" else {scope["kind"].title(): scope["name"]}
    return frozenset(named.items())


def numbers(scope: Scope) -> dict[str, Any]:
    return {each["number"]: each for each in scope["numbers"]}


def first(told: dict[str, Any]) -> dict[str, Any]:
    return numbers(told["scopes"][0])


def values(of: dict[str, Any]) -> dict[str, float | None]:
    return {name: each["value"] for name, each in of.items()}


@pytest.fixture(params=["worked-example", "mixed-organisation"])
def scenario(product: Product, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Let a scenario happen, and return the numbers that it must give."""
    loaded = load_scenario(SCENARIOS / f"{request.param}.json")
    product.play(loaded)
    return loaded.expected


@pytest.fixture
def worked_example(product: Product) -> Product:
    product.play(load_scenario(SCENARIOS / "worked-example.json"))
    return product


def test_the_worked_examples_numbers_are_those_that_it_states(worked_example: Product) -> None:
    found = first(asked(worked_example, *TWO_WEEKS))
    assert values(found) == {
        "deployment_frequency": pytest.approx(4 / show.DAYS),
        "change_lead_time": 4950,
        "change_fail_rate": 0.5,
        "failed_deployment_recovery_time": 2400,
        "deployment_rework_rate": 0.25,
    }
    assert [each["samples"] for each in found.values()] == [4, 4, 4, 2, 4]


def test_every_scope_has_the_numbers_that_must_come(
    product: Product, scenario: list[dict[str, Any]]
) -> None:
    told = asked(product, *TWO_WEEKS)
    assert told["pending"] == told["too_old_for_cloudwatch"] == 0
    wanted = metrics.expected(scenario)
    whole = product.statistics_of_all_days()
    scopes = {dimensions(scope): scope for scope in told["scopes"]}
    assert scopes.keys() == {value.dimensions for value in wanted}
    for under, scope in scopes.items():
        for count, metric in COUNTS.items():
            must = [
                each
                for value, each in wanted.items()
                if (value.metric, value.dimensions) == (metric, under)
            ]
            assert scope["counts"][count] == sum(each.samples for each in must), (under, metric)
        of, counts = numbers(scope), scope["counts"]
        assert of["deployment_frequency"]["value"] == pytest.approx(
            counts["deployments"] / show.DAYS
        )
        for name, metric in (
            ("change_lead_time", "LeadTimeForChanges"),
            ("failed_deployment_recovery_time", "TimeToRecovery"),
        ):
            statistics = whole.get((metric, under))
            number = of[name]
            found = (number["value"], number["p90"], number["samples"])
            if statistics:
                must_be = (statistics.p50, statistics.p90, statistics.samples)
                assert found == pytest.approx(must_be, abs=0.001), (under, metric)
            else:
                assert (found, number["reason"]) == ((None, None, 0), "no-data")


def test_the_dashboard_shows_the_same(product: Product, scenario: list[dict[str, Any]]) -> None:
    assert scenario
    for scope in asked(product, *TWO_WEEKS)["scopes"]:
        kind = scope["kind"].title()
        choices = {"Show": kind} | ({kind: scope["name"]} if scope["name"] else {})
        _, panels, _ = show.evaluated(product, choices)
        shown = {
            panel.title: {
                line.label: next(iter(line.series.values()), None) for line in panel.lines
            }
            for panel in panels
        }
        of = numbers(scope)
        lead, recovery = of["change_lead_time"], of["failed_deployment_recovery_time"]
        for title, label, value, unit in (
            (
                "Deployment frequency",
                "a day, over the time range",
                of["deployment_frequency"]["value"] or None,
                1,
            ),
            ("Change lead time, hours", "median", lead["value"], HOUR),
            ("Change lead time, hours", "90 % within", lead["p90"], HOUR),
            ("Change fail rate", "% of changes", of["change_fail_rate"]["value"], 0.01),
            ("Failed deployment recovery time, hours", "median", recovery["value"], HOUR),
            ("Failed deployment recovery time, hours", "90 % within", recovery["p90"], HOUR),
            ("Rework rate", "% of changes", of["deployment_rework_rate"]["value"], 0.01),
        ):
            must_be = None if value is None else pytest.approx(value / unit, abs=1e-6)
            assert shown[title][label] == must_be, (scope["name"], title, label)


@pytest.fixture
def two_months(product: Product) -> Product:
    """Let two repositories deploy on each day of two months; the second went better for one."""
    deployments = []
    for ago in range(1, 61):
        at, is_recent = midnight() - timedelta(days=ago, hours=-10), ago <= 30
        deployments += [
            Deployment(
                at,
                "acme/web",
                "Storefront",
                commits=(7200, 3600) if is_recent else (14400,),
                is_failed=ago % (10 if is_recent else 5) == 0,
                recovered_in=(1800,) if ago % 5 == 0 else (),
                state="published" if ago < 14 else TOO_OLD,
            )
        ]
        if ago % 10 == 0:
            deployments.append(Deployment(at, "acme/api", state=TOO_OLD))
    deployments.append(Deployment(midnight() - timedelta(days=2), "acme/api", state=PENDING))
    record(product, deployments)
    return product


def test_a_number_is_compared_with_that_of_the_period_before(two_months: Product) -> None:
    told = asked(two_months, "report")
    assert told["period"]["days"] == told["period_before"]["days"] == 30
    assert date.fromisoformat(told["period"]["last_day"]) == midnight().date() - timedelta(days=1)
    web = next(scope for scope in told["scopes"] if scope["name"] == "acme/web")
    assert {
        name: (each["value"], each["before"]["value"], each["trend"], each["band"])
        for name, each in numbers(web).items()
    } == {
        "deployment_frequency": (1, 1, "same", "elite"),
        "change_lead_time": (7200, 14400, "better", "elite"),
        "change_fail_rate": (pytest.approx(0.1), pytest.approx(0.2), "better", "high"),
        "failed_deployment_recovery_time": (1800, 1800, "same", "elite"),
        "deployment_rework_rate": (0, 0, "same", None),
    }
    api = next(scope for scope in told["scopes"] if scope["name"] == "acme/api")
    rate = numbers(api)["change_fail_rate"]
    assert (rate["value"], rate["samples"], rate["reason"]) == (None, 3, "not-enough-data")


def test_what_is_older_than_cloudwatch_takes_counts_and_what_is_pending_does_not(
    two_months: Product,
) -> None:
    told = asked(two_months, "report")
    assert told["scopes"][0]["counts"]["deployments"] == 33
    assert told["pending"] == 2
    assert told["too_old_for_cloudwatch"] > 17 * 3
    for form in ("table", "html"):
        text = dora(two_months, "report", "--format", form).stdout
        assert "2 values are not settled" in text
        assert f"{told['too_old_for_cloudwatch']} values are in the ledger only" in text


def test_the_series_is_the_period_in_parts(two_months: Product) -> None:
    told = asked(two_months, "report", "--last", "60d")
    assert sum(part["days"] for part in told["series"]) == 60
    for name, count in told["scopes"][0]["counts"].items():
        assert sum(part["counts"][name] for part in told["series"]) == count
    days = asked(two_months, "report", "--last", "14d")["series"]
    assert [part["days"] for part in days] == [1] * 14
    assert {part["lead_time_p50"] for part in days} == {7200}


def test_what_is_named_alone_has_the_numbers_that_it_has_among_all(two_months: Product) -> None:
    everything = asked(two_months, "report")["scopes"]
    names = ["--repository", "acme/web", "--repository", "acme/api", "--team", "Storefront"]
    some = asked(two_months, "report", *names)["scopes"]
    assert some == [scope for scope in everything if scope["name"]]
    (none,) = asked(two_months, "report", "--repository", "acme/none")["scopes"]
    assert none["counts"]["deployments"] == 0


def test_each_period_is_the_days_that_it_names(two_months: Product) -> None:
    last = midnight().date() - timedelta(days=1)
    first_day = last - timedelta(days=6)
    by_days = asked(two_months, "report", "--from", f"{first_day}", "--to", f"{last}")
    by_week = asked(two_months, "report", "--last", "1w")
    assert by_days["scopes"] == by_week["scopes"]
    month = (midnight().date().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    told = asked(two_months, "report", "--month", month)
    assert told["period"]["first_day"] == f"{month}-01"
    quarter = asked(two_months, "report", "--quarter", "2026-Q4")
    assert quarter["period"] == {
        "first_day": "2026-10-01",
        "last_day": "2026-12-31",
        "days": 92,
    }


def test_each_form_tells_the_same_numbers(two_months: Product, tmp_path: Path) -> None:
    told = asked(two_months, "report")
    exact = [
        (scope["kind"], scope["name"] or "", each["number"], each["value"], each["samples"])
        for scope in told["scopes"]
        for each in scope["numbers"]
    ]
    file = tmp_path / "report.csv"
    written = dora(two_months, "report", "--format", "csv", "--output", str(file))
    assert (written.returncode, written.stdout) == (0, "")
    assert [
        (
            row["kind"],
            row["name"],
            row["number"],
            float(row["value"]) if row["value"] else None,
            int(row["samples"]),
        )
        for row in csv.DictReader(file.read_text().splitlines())
    ] == exact
    page = dora(two_months, "report", "--format", "html").stdout
    on_page = [float(each) for each in re.findall(r'<data value="([^"]*)"', page)]
    assert on_page == [value for *_, value, _ in exact if value is not None]


def test_the_table_is_read_at_80_columns(two_months: Product) -> None:
    text = dora(two_months, "report").stdout
    assert max(map(len, text.splitlines())) <= 80, text
    for fact in (
        "All repositories",
        "Team Storefront",
        "acme/api",
        "too few (3)",
        "1.1 a day",
        "↓ better",
        "below 5 samples",
    ):
        assert fact in text, text


def test_without_anything_it_says_so(product: Product) -> None:
    (scope,) = asked(product, "report")["scopes"]
    assert values(numbers(scope)) == {
        "deployment_frequency": 0,
        "change_lead_time": None,
        "change_fail_rate": None,
        "failed_deployment_recovery_time": None,
        "deployment_rework_rate": None,
    }
    assert "no data" in dora(product, "report").stdout
    assert dora(product, "report", "--format", "html").returncode == 0
    assert dora(product, "report", "--verify").stdout.count("all 0 numbers") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--last", "soon"], "30d, 4w or 3m"),
        (["--month", "2026-13"], "like 2026-11"),
        (["--quarter", "2026-5"], "like 2026-Q4"),
        (["--from", "2026-11-02"], "--to"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "or a later one"),
        (["--month", "2026-11", "--last", "2d"], "cannot be used with"),
        (["--verify", "--format", "json"], "cannot be used with"),
    ],
)
def test_a_wrong_command_line_is_told_what_is_right(
    product: Product, arguments: list[str], says: str
) -> None:
    result = dora(product, "report", *arguments)
    assert result.returncode == 2
    assert says in result.stderr


def test_a_file_that_cannot_be_written_is_named(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "report.html"
    result = dora(product, "report", "--output", str(file))
    assert result.returncode == 3
    assert str(file) in result.stderr


def test_an_item_that_no_function_wrote_is_an_error_that_names_it(worked_example: Product) -> None:
    item = next(item for item in worked_example.ledger() if "deployed_at" in item)
    worked_example.remember([item | {"deployed_at": {"S": "some day"}}])
    result = dora(worked_example, "report")
    assert result.returncode == 3
    assert item["pk"]["S"] in result.stderr
    assert "deployed_at" in result.stderr


# --verify


def verified(product: Product) -> tuple[int, str]:
    """Compare the ledger with CloudWatch."""
    result = dora(product, "report", "--last", f"{show.DAYS}d", "--verify")
    assert result.stderr == ""
    return result.returncode, result.stdout


def put(product: Product, metric: str, **named: str) -> None:
    """Let somebody publish a value of 1 at noon yesterday."""
    product.operations("cloudwatch").put_metric_data(
        Namespace="DORA",
        MetricData=[
            {
                "MetricName": metric,
                "Timestamp": midnight() - timedelta(hours=12),
                "Value": 1,
                "Dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
            }
        ],
    )


def item_of(product: Product, metric: str) -> dict[str, Any]:
    """Return the ledger's first item that published a metric."""
    return next(
        item
        for item in sorted(product.ledger(), key=json.dumps)
        if "at" in item.get(metric, {}).get("M", {})
    )


def test_the_ledger_and_cloudwatch_are_the_same(
    product: Product, scenario: list[dict[str, Any]]
) -> None:
    code, told = verified(product)
    assert code == 0, told
    assert f"all {len(scenario)} numbers" in told


@pytest.mark.parametrize(
    ("metric", "named", "differs"),
    [
        ("Deployments", {}, r"Deployments: 4 \(4 values\) in the ledger, 5 \(5 values\) in Cloud"),
        ("Incidents", {"Team": "Nobody"}, r"Incidents of Team Nobody: nothing in the ledger, 1 \("),
    ],
)
def test_a_value_that_nobody_recorded_is_a_difference(
    worked_example: Product, metric: str, named: dict[str, str], differs: str
) -> None:
    put(worked_example, metric, **named)
    code, told = verified(worked_example)
    assert code == 1
    yesterday = midnight().date() - timedelta(days=1)
    (line,) = re.findall(rf"^{yesterday}  .*$", told, re.MULTILINE)
    assert re.search(differs, line), told
    assert "1 of " in told
    assert "More in CloudWatch" in told


def test_what_others_publish_is_no_difference(worked_example: Product) -> None:
    put(worked_example, "Builds")
    put(worked_example, "Deployments", Stage="production")
    code, told = verified(worked_example)
    assert code == 0, told


def test_a_record_that_was_deleted_is_a_difference(worked_example: Product) -> None:
    item = item_of(worked_example, "ReworkDeployments")
    worked_example.operations("dynamodb").delete_item(
        TableName=worked_example.settings["mttr"]["LEDGER_TABLE"],
        Key={"pk": item["pk"], "sk": item["sk"]},
    )
    code, told = verified(worked_example)
    assert code == 1
    assert "ReworkDeployments: nothing in the ledger, 1 (1 value) in CloudWatch" in told
    assert "was deleted" in told


def test_a_record_that_is_not_in_cloudwatch_is_a_difference(worked_example: Product) -> None:
    record(worked_example, [Deployment(midnight() - timedelta(hours=9), "acme/new")])
    code, told = verified(worked_example)
    assert code == 1
    new = "Deployments of Repository acme/new: 1 (1 value) in the ledger, nothing in CloudWatch"
    assert new in told
    assert "Less in CloudWatch" in told


@pytest.mark.parametrize("state", [PENDING, TOO_OLD])
def test_what_is_not_published_is_not_expected_there(worked_example: Product, state: str) -> None:
    earlier = midnight() - timedelta(hours=9)
    record(worked_example, [Deployment(earlier, "acme/new", state=state)])
    code, told = verified(worked_example)
    assert code == 0, told


def test_other_values_of_the_same_sum_are_a_difference(worked_example: Product) -> None:
    item = next(
        item
        for item in worked_example.ledger()
        if len(item.get("CommitLeadTime", {}).get("M", {}).get("values", {}).get("L", [])) > 1
    )
    values = item["CommitLeadTime"]["M"]["values"]
    one, other = (float(each["N"]) for each in values["L"][:2])
    values["L"][:2] = [{"N": str(one + other - 1)}, {"N": "1"}]
    worked_example.remember([item])
    code, told = verified(worked_example)
    assert code == 1
    assert re.search(r"CommitLeadTime of Team \w+: \d+ s \(\d values, 1 s to ", told), told
    assert "As many, but others" in told
