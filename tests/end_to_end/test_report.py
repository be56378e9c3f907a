"""`dora report`: the numbers that a scenario states, in each form; and what `--verify` finds."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stage import EVENTS
from stage.dora import asked, dora
from stage.product import Product
from stage.scenario import load_scenario

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
DAY = ("--from", YESTERDAY, "--to", YESTERDAY)
WORKED_EXAMPLE = {
    "deployment_frequency": 4.0,
    "change_lead_time": 4950.0,
    "change_fail_rate": 0.5,
    "failed_deployment_recovery_time": 2400.0,
    "deployment_rework_rate": 0.25,
}


@pytest.fixture
def played(product: Product) -> Product:
    """Let the worked example happen: it was yesterday."""
    product.play(load_scenario(EVENTS / "scenarios" / "worked-example.json"))
    return product


def numbers(report: Any, scope: int = 0) -> dict[str, Any]:
    """Return the values of a scope."""
    return {each["number"]: each["value"] for each in report["scopes"][scope]["numbers"]}


def test_the_worked_example_has_its_numbers(played: Product) -> None:
    report = asked(played, "report", *DAY, "--minimum", "1")
    names = [(each["kind"], each["name"]) for each in report["scopes"]]
    assert names == [("all", None), ("team", "Storefront"), ("repository", "acme/web")]
    for scope in range(len(names)):
        assert numbers(report, scope) == WORKED_EXAMPLE
    assert report["account"] == played.account
    assert report["period"] == {"first_day": YESTERDAY, "last_day": YESTERDAY, "days": 1}


def test_too_little_is_not_enough(played: Product) -> None:
    report = asked(played, "report", *DAY)
    reasons = [each.get("reason") for each in report["scopes"][0]["numbers"]]
    assert reasons == [None, *["not-enough-data"] * 4]
    assert "not enough data" in dora(played, "report", *DAY).stdout


def test_a_spreadsheet_has_the_same_numbers(played: Product) -> None:
    text = dora(played, "report", *DAY, "--minimum", "1", "--format", "csv").stdout
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "all"]
    assert {row["number"]: float(row["value"]) for row in rows} == WORKED_EXAMPLE


def test_only_a_team_is_shown_that_is_asked_for(played: Product) -> None:
    report = asked(played, "report", *DAY, "--minimum", "1", "--team", "Storefront")
    assert [each["name"] for each in report["scopes"]] == ["Storefront"]
    assert numbers(report) == WORKED_EXAMPLE


def test_ledger_and_cloudwatch_are_the_same(played: Product) -> None:
    result = dora(played, "report", "--verify", "--last", "7d")
    assert result.returncode == 0, result.stdout
    assert "are the same" in result.stdout


def test_a_value_too_many_in_cloudwatch_is_found(played: Product) -> None:
    played.operations("cloudwatch").put_metric_data(
        Namespace="DORA",
        MetricData=[
            {
                "MetricName": "Deployments",
                "Unit": "Count",
                "Timestamp": f"{YESTERDAY}T12:00:00Z",
                "Value": 1,
            }
        ],
    )
    result = dora(played, "report", "--verify", "--last", "7d")
    assert result.returncode == 1
    assert "Deployments: 4 (4 values) in the ledger, 5 (5 values) in CloudWatch" in result.stdout
    assert "1 of " in result.stdout


def test_a_record_that_is_gone_is_found(played: Product) -> None:
    gone = next(item for item in played.ledger() if "FailedChanges" in item)
    played.forget(gone)
    result = dora(played, "report", "--verify", "--last", "7d")
    assert result.returncode == 1
    assert "FailedChanges: 1 (1 value) in the ledger, 2 (2 values) in CloudWatch" in result.stdout


def test_an_item_that_no_function_wrote_is_an_error_that_names_it(played: Product) -> None:
    item = next(item for item in played.ledger() if "deployed_at" in item)
    played.remember([item | {"deployed_at": {"S": "some day"}}])
    result = dora(played, "report", *DAY)
    assert result.returncode == 3
    assert item["pk"]["S"] in result.stderr
    assert "deployed_at" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--last", "thirty"],
        ["--month", "November"],
        ["--quarter", "2026-Q5"],
        ["--from", "2026-11-02"],
        ["--from", "2026-11-02", "--to", "2026-11-01"],
        ["--month", "2026-11", "--quarter", "2026-Q4"],
        ["--verify", "--format", "json"],
    ],
)
def test_what_is_no_period_is_refused(product: Product, arguments: list[str]) -> None:
    result = dora(product, "report", *arguments)
    assert result.returncode == 2, result.stderr
    assert "--" in result.stderr


def test_a_file_that_cannot_be_written_is_told(played: Product) -> None:
    result = dora(played, "report", *DAY, "--output", "/nowhere/report.json", "--format", "json")
    assert result.returncode == 3
    assert "--output" in result.stderr
