"""Loads what `events/` holds, moved to recent days.

The files carry fixed dates, but CloudWatch takes no value older than two weeks. So every date of a
document moves by the same number of days: the one that makes its latest event yesterday's.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from stage import EVENTS
from stage.github.story import expand

Event = dict[str, Any]
Answer = dict[str, Any]
Records = list[dict[str, Any]]
"""CodePipeline's side of events: its pipelines and their executions."""
Histories = list[dict[str, Any]]
"""GitHub's side of them, in the language of `stage.github.story`."""
OpsItems = list[dict[str, Any]]
"""OpsCenter's side of them: the records of `stage.opscenter`."""

_SERVICES = ("codepipeline", "opscenter")
_DATE = re.compile(r'\b(\d{4}-\d{2}-\d{2})(?=T\d{2}:|")')


@dataclass(frozen=True)
class Services:
    """What the services know that functions ask about events."""

    codepipeline: Records
    github: Histories
    opscenter: OpsItems


@dataclass(frozen=True)
class Step:
    """One event of a scenario and what comes of it when the events come in this order."""

    about: str
    event: Event
    forwarded: bool
    answers: dict[str, Answer]


class WrongFile(Exception):
    """A file is not what the command needs."""


@dataclass(frozen=True)
class Scenario:
    """A story, told in events, and the numbers that it must give."""

    title: str
    story: list[str]
    services: Services
    steps: list[Step]
    seen_before: int
    """How many of the steps come first whatever the order of the others: only so is every pipeline
    of a repository known when an incident names the repository."""
    expected: list[dict[str, Any]]
    moved_by: timedelta


@dataclass(frozen=True)
class Sample:
    """One event, the services' side of it, and what comes of it alone."""

    name: str
    event: Event
    services: Services
    forwarded: bool
    answers: dict[str, Answer]


def load_scenario(path: Path) -> Scenario:
    """Load a scenario, moved to recent days."""
    document = expand(_object(path))
    if "events" not in document:
        raise WrongFile(f"{path} is no scenario; there are some in events/scenarios")
    days = _days_to_yesterday([step["event"] for step in document["events"]])
    document = move(document, days)
    return Scenario(
        title=document["title"],
        story=document["story"],
        services=Services(
            codepipeline=document["codepipeline"],
            github=document.get("github", []),
            opscenter=document.get("opscenter", []),
        ),
        steps=[
            Step(step["about"], step["event"], step["forwarded"], step["answers"])
            for step in document["events"]
        ],
        seen_before=document.get("seen_before", 0),
        expected=document["expected"],
        moved_by=days,
    )


def load_event(path: Path) -> tuple[Event, Services]:
    """Load an event, and the services' side of the samples, moved to yesterday."""
    event = _object(path)
    if not isinstance(event.get("detail"), dict) or not isinstance(event.get("time"), str):
        raise WrongFile(
            f"{path} is no event, which has a detail and a time; there are some in "
            "events/codepipeline and events/opscenter"
        )
    days = _days_to_yesterday([event])
    codepipeline, github, opscenter = (
        json.loads((EVENTS / name).read_text())
        for name in ("codepipeline-records.json", "github-histories.json", "ops-items.json")
    )
    return move(event, days), Services(
        move(codepipeline, days), move(github, days), move(opscenter, days)
    )


def load_sample(path: Path) -> Sample:
    """Load one of the sample events, moved to yesterday."""
    name = path.relative_to(EVENTS).as_posix()
    event, services = load_event(path)
    outcome = json.loads((EVENTS / "outcomes.json").read_text())[name]
    return Sample(name, event, services, outcome["forwarded"], outcome["answers"])


def as_stated(answer: Answer, stated: Answer) -> Answer:
    """Return as much of an answer as the files state: of metrics, if at all, names and values."""
    found: Answer = {name: answer[name] for name in ("outcome", "reason") if name in answer}
    if "metrics" in stated:
        found["metrics"] = [
            {name: metric[name] for name in ("name", "value", "values") if name in metric}
            for metric in answer.get("metrics", [])
        ]
    return found


def samples() -> list[Path]:
    """Return the files of all sample events."""
    return sorted(path for service in _SERVICES for path in (EVENTS / service).glob("*.json"))


def scenarios() -> list[Path]:
    """Return the files of all scenarios."""
    return sorted((EVENTS / "scenarios").glob("*.json"))


def move(document: Any, days: timedelta) -> Any:
    """Return the document with all its dates moved."""
    return json.loads(
        _DATE.sub(
            lambda found: (date.fromisoformat(found[0]) + days).isoformat(),
            json.dumps(document, ensure_ascii=False),
        )
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise WrongFile(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise WrongFile(f"{path} is no JSON object")
    return document


def _days_to_yesterday(events: list[Event]) -> timedelta:
    try:
        latest = max(datetime.fromisoformat(event["time"]) for event in events)
    except ValueError as error:
        raise WrongFile(f"a time of an event cannot be read: {error}") from error
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return yesterday - latest.astimezone(UTC).date()
