"""The day of the worked example, as its scenario has it: what happened, and what follows."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from stage import EVENTS

SCENARIO = EVENTS / "scenarios" / "worked-example.json"

_PULL_REQUEST = re.compile(r"@#(\d+)")
_OPS_ITEM = re.compile(r"oi-[0-9a-f]{12}")


@dataclass(frozen=True)
class Commit:
    """A commit that a pull request brought."""

    authored: datetime
    pull_request: int


@dataclass(frozen=True)
class Execution:
    """An execution of the pipeline, as its last event tells of it."""

    name: str
    at: datetime
    succeeded: bool
    rollback: bool
    pull_request: int
    branch: str

    @property
    def is_deployment(self) -> bool:
        """Return whether a change reached production."""
        return self.succeeded and not self.rollback


@dataclass(frozen=True)
class Incident:
    """An OpsItem, under the end of its id."""

    id: str
    at: datetime

    @property
    def name(self) -> str:
        """Return what the drawings call it."""
        return f"oi-…{self.id[-2:]}"


@dataclass(frozen=True)
class Recovery:
    """What ended an incident, or without one a failed deployment."""

    begin: Incident | Execution
    end: Execution

    @property
    def time(self) -> timedelta:
        """Return how long it took."""
        return self.end.at - self.begin.at


class Day:
    """What happened, and the rules of the metrics on it: the simple ones that this day needs."""

    def __init__(self) -> None:
        scenario = json.loads(SCENARIO.read_text())
        heads, self._commits = _history(scenario["github"][0]["steps"])
        self.executions = _executions(scenario["codepipeline"][0]["executions"], heads)
        items = (record["opsItem"] for record in scenario["opscenter"])
        self.incidents = [
            Incident(item["OpsItemId"], datetime.fromisoformat(item["CreatedTime"]))
            for item in items
        ]
        self.deployments = [each for each in self.executions if each.is_deployment]
        self.rollback = next(each for each in self.executions if each.rollback)
        self._expected = scenario["expected"]

    def commits(self, deployment: Execution) -> list[Commit]:
        """Return what a deployment brought to production for the first time."""
        before = [each.pull_request for each in self.deployments if each.at < deployment.at]
        since = max(before, default=0)
        return [
            each for each in self._commits if since < each.pull_request <= deployment.pull_request
        ]

    def lead_time(self, deployment: Execution) -> timedelta:
        """Return the time from a deployment's earliest commit to production."""
        return deployment.at - min(each.authored for each in self.commits(deployment))

    def latest(self, moment: datetime) -> Execution:
        """Return the deployment that was in production: what an incident is attributed to."""
        return max(
            (each for each in self.deployments if each.at <= moment), key=lambda each: each.at
        )

    def failed(self) -> list[Execution]:
        """Return the deployments that caused an incident, or that a rollback undid."""
        causes = {self.latest(each.at).name for each in self.incidents}
        undone = self.latest(self.rollback.at).name
        return [each for each in self.deployments if each.name in causes | {undone}]

    def rework(self) -> list[Execution]:
        """Return the deployments whose branch names an incident."""
        return [each for each in self.deployments if _OPS_ITEM.search(each.branch)]

    def recoveries(self) -> list[Recovery]:
        """Return what ended an incident, and the rollback's own."""
        by_id = {each.id: each for each in self.incidents}
        ended = [
            Recovery(by_id[reference], deployment)
            for deployment in self.rework()
            for reference in _OPS_ITEM.findall(deployment.branch)
        ]
        return [*ended, Recovery(self.latest(self.rollback.at), self.rollback)]

    def check(self) -> None:
        """Refuse to draw other numbers than the scenario's."""
        lead_times = [self.lead_time(each) for each in self.deployments]
        commits = [
            each.at - one.authored for each in self.deployments for one in self.commits(each)
        ]
        own: dict[str, list[float] | int] = {
            "Deployments": len(self.deployments),
            "LeadTimeForChanges": sorted(each.total_seconds() for each in lead_times),
            "CommitLeadTime": sorted(each.total_seconds() for each in commits),
            "Changes": len(self.deployments),
            "FailedChanges": len(self.failed()),
            "Incidents": len(self.incidents),
            "TimeToRecovery": sorted(each.time.total_seconds() for each in self.recoveries()),
            "ReworkDeployments": len(self.rework()),
        }
        expected = {
            each["metric"]: each["sum"] if "sum" in each else sorted(each["values"])
            for each in self._expected
            if not each["dimensions"]
        }
        if own != expected:
            raise ValueError(f"the drawings have {own}, the scenario {expected}")


def middle(times: list[timedelta]) -> timedelta:
    """Return the median, in whole minutes."""
    minutes = int(median(each.total_seconds() for each in times) / 60)
    return timedelta(minutes=minutes)


def _history(steps: list[dict[str, Any]]) -> tuple[dict[int, str], list[Commit]]:
    """Return each pull request's branch, and its commits."""
    heads = {step["pull_request"]: step["head"] for step in steps if "pull_request" in step}
    of_branch = {head: number for number, head in heads.items()}
    commits = [
        Commit(datetime.fromisoformat(step["authored"]), of_branch[step["on"]])
        for step in steps
        if "commit" in step and step["on"] in of_branch
    ]
    return heads, commits


def _executions(records: list[dict[str, Any]], heads: dict[int, str]) -> list[Execution]:
    found: list[Execution] = []
    for record in records:
        execution = record["pipelineExecution"]
        revision = execution["artifactRevisions"][0]["revisionId"]
        number = _PULL_REQUEST.search(revision)
        if number is None:
            raise ValueError(f"{revision} is of no pull request")
        pull_request = int(number.group(1))
        rollback = execution["executionType"] == "ROLLBACK"
        count = sum(not each.rollback for each in found)
        found.append(
            Execution(
                "rollback" if rollback else f"D{count + 1}",
                datetime.fromisoformat(record["lastUpdateTime"]).replace(microsecond=0),
                execution["status"] == "Succeeded",
                rollback,
                pull_request,
                heads[pull_request],
            )
        )
    return found
