"""Plays histories on the product, and states what must come of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from end_to_end.histories import Outcome, Ships
from end_to_end.pipelines import Run, moment, recent, records
from stage.metrics import Dimensions, Statistics, Value
from stage.product import Product
from stage.scenario import Event, move

LEAD_TIME = "lead-time"
TEAMS = {"acme/web": "Storefront", "acme/payments": "Payments"}


def loaded(product: Product, github: list[dict[str, Any]], runs: Sequence[Run]) -> list[Event]:
    """Let all this have happened in recent days, and return the executions' events."""
    days = recent(runs)
    product.emulator.load_github(move(github, days))
    product.emulator.load_codepipeline(move(records(runs), days))
    events: list[Event] = move([run.event for run in runs], days)
    return events


def answer_to(event: Event, run: Run, ships: Ships) -> dict[str, Any]:
    """Return what the function must answer, values in ascending order."""
    seconds = sorted(ships.seconds.values())
    about = {"timestamp": event["time"], "repository": run.repository}
    return {
        "outcome": "published",
        "metrics": [
            {"name": "LeadTimeForChanges", "value": seconds[-1], **about},
            {"name": "CommitLeadTime", "values": seconds, **about},
        ],
    }


def in_cloudwatch(deployments: Iterable[tuple[Run, Outcome]]) -> dict[Value, Statistics]:
    """Return all that CloudWatch must hold once these deployments are measured, once each."""
    deployments = list(deployments)
    days = recent([run for run, _ in deployments])
    values: dict[Value, list[int]] = {}
    for run, outcome in deployments:
        if not isinstance(outcome, Ships):
            continue
        seconds = sorted(outcome.seconds.values())
        day = (moment(run.at) + days).date().isoformat()
        for metric, measured in (("LeadTimeForChanges", seconds[-1:]), ("CommitLeadTime", seconds)):
            for dimensions in dimension_sets(run.repository):
                values.setdefault(Value(metric, dimensions, day), []).extend(measured)
    return {value: Statistics.of(measured) for value, measured in values.items()}


def evidence(item: dict[str, Any]) -> dict[str, float]:
    """Return how old each commit in an item of the ledger was at the deployment, in seconds."""
    deployed = datetime.fromisoformat(item["deployed_at"]["S"])
    commits = [each["M"] for each in item["commits"]["L"]]
    return {
        each["id"]["S"]: (
            deployed - datetime.fromisoformat(each["authored_at"]["S"])
        ).total_seconds()
        for each in commits
    }


def dimension_sets(repository: str | None) -> list[Dimensions]:
    """Return those under which a value of this repository, or of none, is published."""
    sets: list[dict[str, str]] = [{}]
    if repository is not None:
        sets.append({"Repository": repository})
    if repository in TEAMS:
        sets.append({"Team": TEAMS[repository]})
    return [frozenset(each.items()) for each in sets]
