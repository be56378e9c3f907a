"""The quarter of `make demo`: true in every form, and each of its numbers explained.

Its events come in the order of time; `test_organisation` shows that any other gives the same.
"""

from datetime import timedelta

import pytest

from end_to_end.test_explain import explained
from organisation.demo import report
from organisation.quarter import DAYS, Quarter, Scope, imagined, play
from stage import metrics
from stage.dora import asked
from stage.product import Product


@pytest.fixture(scope="module")
def quarter() -> Quarter:
    """Make the quarter up."""
    return imagined()


@pytest.fixture(scope="module")
def played(stage: Product, quarter: Quarter) -> Product:
    """Let it happen."""
    stage.reset()
    play(stage, quarter, lambda _: None)
    return stage


def test_report_page_dashboard_and_truth_are_the_same(
    played: Product, quarter: Quarter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(played, quarter, lambda _: None) == 0, capsys.readouterr().out


def test_every_number_in_cloudwatch_is_explained(played: Product) -> None:
    numbers = played.statistics()
    assert metrics.differences(explained(played, numbers), numbers) == []


def test_what_is_older_than_cloudwatch_takes_is_explained(
    played: Product, quarter: Quarter
) -> None:
    begin = quarter.since - timedelta(days=DAYS)
    days = [begin + timedelta(days=number) for number in range(2 * DAYS)]
    for metric in ("Deployments", "CommitLeadTime", "FailedChanges", "TimeToRecovery"):
        found = []
        for month in sorted({day.strftime("%Y-%m") for day in days}):
            (trace,) = asked(played, "explain", metric, month)
            assert all(each["because"] for each in trace["made_of"])
            found += [value for each in trace["made_of"] for value in each["values"]]
        true = quarter.values(metric, Scope(), begin, quarter.until)
        assert sorted(found) == sorted(true), metric
