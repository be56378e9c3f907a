"""`dora backfill`: history comes to the same numbers as the events that told of it."""

import random
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import organisation
from organisation.play import with_teams
from organisation.telling import Told, tell
from organisation.world import Happened, World
from stage import EVENTS, metrics
from stage.dora import dora
from stage.metrics import Statistics, Value
from stage.product import Product
from stage.scenario import load_scenario

SEEDS = organisation.SEEDS
FAST = "6000"
WHOLE = timedelta(days=30)


def backfill(product: Product, *more: str) -> subprocess.CompletedProcess[str]:
    """Replay the history of all accounts."""
    since = (datetime.now(UTC) - WHOLE).date().isoformat()
    result = dora(
        *(product, "backfill", "--from", since, "--per-minute", FAST),
        *("--tooling", "111122223333", "--tooling", "777788889999@ap-southeast-1"),
        *("--incidents", "operations", "--incidents", "555566667777"),
        *more,
    )
    product.emulator.settle()
    return result


def events_of(told: Told) -> list[dict[str, Any]]:
    """Return all events, as one may order them."""
    early = [event for part in told.early for event in part]
    in_time = sorted(told.events, key=lambda event: str(event["time"]))
    return [*early, *in_time, *told.late]


def play(product: Product, events: list[dict[str, Any]]) -> None:
    """Let these events come."""
    for event in events:
        product.emulator.emit(event)
    product.emulator.settle()


def datapoints(product: Product) -> dict[tuple[str, str], Any]:
    """Return what the ledger holds of each metric of each subject, but who claimed it when."""
    found = {}
    for item in product.ledger():
        for name, attribute in item.items():
            record = attribute.get("M", {})
            if "state" in record:
                kept = {k: v for k, v in record.items() if k not in ("claim", "lease_until")}
                found[item["pk"]["S"], name] = kept
    return found


@pytest.fixture(params=SEEDS)
def happened(request: pytest.FixtureRequest) -> Happened:
    """Make an organisation up."""
    return World(request.param, organisation.SIZE).happened


def test_history_changes_no_number_that_live_events_gave(
    product: Product, happened: Happened
) -> None:
    told = tell(happened)
    product.load(told.services)
    with with_teams(product):
        play(product, events_of(told))
        numbers, ledger = product.statistics(), datapoints(product)
        result = backfill(product)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "published" not in result.stdout.split("events were sent")[1], result.stdout
    assert metrics.differences(product.statistics(), numbers) == []
    assert datapoints(product) == ledger


def test_history_alone_gives_the_true_numbers(product: Product, happened: Happened) -> None:
    told = tell(happened)
    product.load(told.services)
    with with_teams(product):
        result = backfill(product)
        assert result.returncode == 0, result.stdout + result.stderr
        found = product.statistics()
        assert happened.truth.differences(found, told.moved) == []
        again = backfill(product)
    assert again.returncode == 0
    assert metrics.differences(product.statistics(), found) == []


def test_history_closes_a_gap(product: Product, happened: Happened) -> None:
    told = tell(happened)
    product.load(told.services)
    came = [event for event in events_of(told) if random.Random(happened.seed).random() < 0.5]
    with with_teams(product):
        play(product, came)
        before = product.statistics()
        result = backfill(product)
    assert result.returncode == 0, result.stdout + result.stderr
    found = product.statistics()
    assert found != before
    assert happened.truth.differences(found, told.moved) == []


@pytest.fixture
def with_history(product: Product) -> dict[Value, Statistics]:
    """Let the services remember the worked example, of which no event came."""
    scenario = load_scenario(EVENTS / "scenarios" / "worked-example.json")
    product.load(scenario.services)
    return metrics.expected(scenario.expected)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    product: Product, with_history: dict[Value, Statistics]
) -> None:
    result = backfill(product, "--dry-run")
    assert result.returncode == 0, result.stderr
    assert "4 deployments, 1 rollbacks" in result.stdout, result.stdout
    assert "2 OpsItems" in result.stdout
    assert "Nothing was sent" in result.stdout
    assert product.ledger() == []
    assert backfill(product).returncode == 0
    assert metrics.differences(product.statistics(), with_history) == []


def test_what_is_not_replayed_is_told(product: Product) -> None:
    today = datetime.now(UTC).date().isoformat()
    result = dora(product, "backfill", "--from", today, "--tooling", "111122223333")
    assert result.returncode == 0, result.stderr
    assert "the pipelines of account 777788889999" in result.stderr
    assert "the OpsItems of 555566667777/eu-west-1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--from", "2999-01-01"], 2, "--from"),
        (["--from", "yesterday"], 2, "--from"),
        (["--from", "2026-01-01", "--tooling", "operations"], 3, "infra/config.ts"),
        (["--from", "2026-01-01", "--tooling", "@"], 2, "PROFILE@REGION"),
        (["--from", "2026-01-01", "--per-minute", "0"], 2, "--per-minute"),
    ],
)
def test_what_cannot_be_replayed_says_why(
    product: Product, arguments: list[str], code: int, says: str
) -> None:
    result = dora(product, "backfill", *arguments)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
