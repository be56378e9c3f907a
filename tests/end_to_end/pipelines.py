"""Builds pipelines for tests: what CodePipeline remembers of their executions, and what it emits.

A test writes times as `10:00`, `10:00:30` or `10:00:30.5`, on one fixed day, or as `03 10:00` on
another day of that month, in UTC if it names no other zone (`10:00+02:00`). `recent` moves them, as
CloudWatch takes no value that is older than two weeks.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid4, uuid5

from stage.github.story import sha
from stage.scenario import Event

ACCOUNT, REGION = "111122223333", "eu-west-1"
PRODUCTION_STAGE = "DeployPROD"
TRUNK_BASED = "acme/payments"
"""The one repository of these tests that the configuration says so of."""

AUTHOR = {"author-display-name": "Zoë Müller", "author-email": "zoe@example.com"}
"""Whom CodePipeline names in its events: nobody else may hear of her."""

_MONTH, _DAY = "2026-11-", "02"
_TIME = re.compile(r"(?:(\d{4}-\d\d-)?(\d\d) )?(\d\d:\d\d)(:\d\d(?:\.\d+)?)?([+-]\d\d:\d\d)?")
_CONNECTION = (
    f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/b5dc6356-4c3a-4311-b792-7e54e2e3f5c7"
)
_PERSON = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/ana"
_VERSION = 7

Record = dict[str, Any]
Status = Literal["Succeeded", "Failed", "Superseded", "Stopped", "InProgress"]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that brings these repositories to production."""

    name: str
    sources: tuple[str, ...]
    provider: str = "GitHub"
    account: str = ACCOUNT

    @property
    def arn(self) -> str:
        """Return its ARN."""
        return f"arn:aws:codepipeline:{REGION}:{self.account}:{self.name}"


WEB = Pipeline("web", ("acme/web",))
PAYMENTS = Pipeline("payments", (TRUNK_BASED,))


@dataclass(frozen=True)
class Run:
    """An execution of a pipeline: which commit reached production when, or ended there without.

    An execution of a trunk-based repository goes on after production, until `ended`: then `status`
    is how it ended, and production was reached whatever that is.
    """

    commit: str
    at: str
    _: KW_ONLY
    pipeline: Pipeline = WEB
    source: str = ""
    """The repository that started it, if not the first."""
    beside: dict[str, str] = field(default_factory=dict)
    """The commits of the other repositories."""
    branch: str = "main"
    tag: str = ""
    trigger: bool = True
    """Whether CodePipeline says in the event what ran."""
    started: str = ""
    failed_first: str = ""
    """When its production stage had failed, before it was retried."""
    ended: str = ""
    status: Status = "Succeeded"
    rollback: bool = False
    """Whether it brings back what had run this commit."""
    undoes: "Run | None" = None
    """What failed, if CodePipeline rolled back by itself."""
    only_verified: bool = False
    """Whether it brings back the stage after production alone."""
    recorded: str = ""
    """When CodePipeline's history says that it ended, if not a moment after its last event."""
    message: str = "What the author says"

    @property
    def repository(self) -> str:
        """Return the repository that it counts for."""
        return self.source or self.pipeline.sources[0]

    @cached_property
    def id(self) -> str:
        """Return its execution id."""
        return str(uuid5(NAMESPACE_URL, f"{self.pipeline.name} {self.at} {self.commit}"))

    @property
    def start(self) -> datetime:
        """Return when it started."""
        return moment(self.started) if self.started else moment(self.at) - timedelta(minutes=10)

    @property
    def reached_production(self) -> bool:
        """Return whether its production stage succeeded."""
        return self.status == "Succeeded" or bool(self.ended)

    @property
    def event(self) -> Event:
        """Return the event that tells of the production deployment."""
        at = _text(moment(self.at))
        detail = {
            "pipeline": self.pipeline.name,
            "execution-id": self.id,
            "start-time": _text(self.start, milliseconds=790),
            "state": "SUCCEEDED",
            "version": float(_VERSION),
            "pipeline-execution-attempt": 2.0 if self.failed_first else 1.0,
        }
        if self.repository == TRUNK_BASED and not self.only_verified:
            level, more = "Stage", {"stage": PRODUCTION_STAGE}
        else:
            level, more = "Pipeline", self._execution_trigger()
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": f"CodePipeline {level} Execution State Change",
            "source": "aws.codepipeline",
            "account": self.pipeline.account,
            "time": at,
            "region": REGION,
            "resources": [self.pipeline.arn],
            "detail": {**detail, **more},
        }

    def _execution_trigger(self) -> dict[str, Any]:
        if not self.trigger or self.rollback:
            return {}
        return {
            "execution-trigger": {
                **AUTHOR,
                "full-repository-name": self.repository,
                "provider-type": self.pipeline.provider,
                "commit-message": self.message,
                "author-date": _text(self.start),
                **({"tag-name": self.tag} if self.tag else {"branch-name": self.branch}),
                "commit-id": sha(self.repository, self.commit),
                "connection-arn": _CONNECTION,
                "author-id": "zoe-mueller",
            }
        }

    @property
    def revisions(self) -> dict[str, str]:
        """Return the commit of each repository."""
        labels = {self.repository: self.commit, **self.beside}
        return {name: sha(name, labels[name]) for name in self.pipeline.sources if name in labels}


def moment(text: str) -> datetime:
    """Return the time that a test means."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no time")
    month, day, minute, second, zone = found.groups()
    iso = f"{month or _MONTH}{day or _DAY}T{minute}{second or ':00'}{zone or '+00:00'}"
    return datetime.fromisoformat(iso)


def written(text: str) -> str:
    """Return the time that a test means as events and histories spell it, with its zone."""
    return moment(text).isoformat()


def recent(runs: Iterable[Run]) -> timedelta:
    """Return by how many days to move the times of these executions: the last was yesterday."""
    last = max(moment(run.ended or run.at) for run in runs).date()
    return datetime.now(UTC).date() - timedelta(days=1) - last


def records(runs: Sequence[Run]) -> list[Record]:
    """Return what CodePipeline remembers of these executions."""
    latest = {run.pipeline.name: run.pipeline for run in runs}
    return [
        {
            "account": pipeline.account,
            "region": REGION,
            "pipeline": _structure(pipeline),
            "executions": [_execution(run, runs) for run in runs if run.pipeline.name == name],
        }
        for name, pipeline in latest.items()
    ]


def _text(at: datetime, *, milliseconds: int | None = None) -> str:
    spelt = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{spelt}Z" if milliseconds is None else f"{spelt}.{milliseconds:03}Z"


def _action(repository: str, pipeline: Pipeline) -> str:
    return "Source" if repository == pipeline.sources[0] else f"Source-{repository.split('/')[1]}"


def _artifact(repository: str, pipeline: Pipeline) -> str:
    return f"{_action(repository, pipeline)}Output"


def _type(category: str, provider: str) -> dict[str, str]:
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def _configuration(repository: str) -> dict[str, str]:
    return {
        "BranchName": "main",
        "ConnectionArn": _CONNECTION,
        "DetectChanges": "true",
        "FullRepositoryId": repository,
        "OutputArtifactFormat": "CODE_ZIP",
    }


def _structure(pipeline: Pipeline) -> dict[str, Any]:
    artifacts = [{"name": _artifact(source, pipeline)} for source in pipeline.sources]
    return {
        "name": pipeline.name,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/CodePipelineServiceRole",
        "artifactStore": {"type": "S3", "location": f"acme-pipeline-artifacts-{REGION}"},
        "stages": [
            {
                "name": "Source",
                "actions": [
                    {
                        "name": _action(source, pipeline),
                        "actionTypeId": _type("Source", "CodeStarSourceConnection"),
                        "runOrder": 1,
                        "configuration": _configuration(source),
                        "outputArtifacts": [{"name": _artifact(source, pipeline)}],
                        "inputArtifacts": [],
                        "region": REGION,
                    }
                    for source in pipeline.sources
                ],
            },
            *(
                {
                    "name": stage,
                    "actions": [
                        {
                            "name": action,
                            "actionTypeId": _type(category, provider),
                            "runOrder": 1,
                            "configuration": {"ApplicationName": pipeline.name},
                            "outputArtifacts": [],
                            "inputArtifacts": artifacts,
                            "region": REGION,
                        }
                    ],
                }
                for stage, action, category, provider in (_DEPLOY, _VERIFY)
            ),
        ],
        "version": _VERSION,
        "executionMode": "SUPERSEDED",
        "pipelineType": "V2",
    }


_DEPLOY = (PRODUCTION_STAGE, "Deploy", "Deploy", "CodeDeploy")
_VERIFY = ("Verify", "Verify", "Test", "CodeBuild")


def _execution(run: Run, runs: Sequence[Run]) -> dict[str, Any]:
    if run.rollback:
        target = next(
            each for each in runs if (each.pipeline, each.commit) == (run.pipeline, run.commit)
        )
        kind = {
            "executionType": "ROLLBACK",
            "rollbackMetadata": {"rollbackTargetPipelineExecutionId": target.id},
            "trigger": _rollback_trigger(run),
        }
    else:
        trigger = {"triggerType": "Webhook", "triggerDetail": _CONNECTION}
        if not run.trigger:
            trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": _PERSON}
        kind = {"executionType": "STANDARD", "trigger": trigger}
    return {
        "pipelineExecution": {
            "pipelineName": run.pipeline.name,
            "pipelineVersion": _VERSION,
            "pipelineExecutionId": run.id,
            "status": run.status,
            "artifactRevisions": [
                {
                    "name": _artifact(repository, run.pipeline),
                    "revisionId": revision,
                    "revisionSummary": json.dumps(
                        {"ProviderType": run.pipeline.provider, "CommitMessage": "What she says"},
                        separators=(",", ":"),
                    ),
                    "revisionUrl": f"https://example.invalid/{repository}/commit/{revision}",
                }
                for repository, revision in run.revisions.items()
            ],
            "executionMode": "SUPERSEDED",
            **kind,
        },
        "startTime": _text(run.start, milliseconds=790),
        "lastUpdateTime": (
            f"{moment(run.recorded).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
            if run.recorded
            else _text(moment(run.ended or run.at), milliseconds=9)
        ),
        "actionExecutionDetails": [*reversed(list(_actions(run)))],
    }


def _rollback_trigger(run: Run) -> dict[str, str]:
    if run.undoes is None:
        return {"triggerType": "ManualRollback", "triggerDetail": _PERSON}
    failed = json.dumps({"FailedPipelineExecutionId": run.undoes.id}, separators=(",", ":"))
    return {"triggerType": "AutomatedRollback", "triggerDetail": failed}


def _actions(run: Run) -> Iterable[dict[str, Any]]:
    """Yield what its actions did, in their order."""
    at, start = moment(run.at), run.start
    if not run.rollback:
        for repository, revision in run.revisions.items():
            yield _source(run, repository, revision)
    if run.only_verified:
        yield _detail(run, _VERIFY, run.status, start, at)
        return
    if run.failed_first:
        failed = moment(run.failed_first)
        yield _detail(run, _DEPLOY, "Failed", failed - timedelta(minutes=1), failed)
    if run.status in ("Succeeded", "Failed") or run.ended:
        begun = start + timedelta(minutes=1)
        if run.failed_first:
            begun = moment(run.failed_first) + timedelta(minutes=1)
        # Events of a trunk-based repository are its production stage's, others the pipeline's.
        production = at if run.ended or run.repository == TRUNK_BASED else at - timedelta(minutes=1)
        status = "Succeeded" if run.reached_production else "Failed"
        yield _detail(run, _DEPLOY, status, begun, production)
        if run.ended or run.status == "Succeeded":
            verified = moment(run.ended or run.at)
            yield _detail(run, _VERIFY, run.status, production, verified)


def _source(run: Run, repository: str, revision: str) -> dict[str, Any]:
    detail = _detail(
        run,
        ("Source", _action(repository, run.pipeline), "Source", "CodeStarSourceConnection"),
        "Succeeded",
        run.start,
        run.start + timedelta(seconds=10),
    )
    detail["input"]["configuration"] = _configuration(repository)
    detail["output"] = {
        "outputArtifacts": [{"name": _artifact(repository, run.pipeline)}],
        "executionResult": {"externalExecutionId": revision},
        "outputVariables": {
            "AuthorDate": _text(run.start),
            "BranchName": run.branch,
            "CommitId": revision,
            "CommitMessage": run.message,
            "ConnectionArn": _CONNECTION,
            "FullRepositoryName": repository,
        },
    }
    return detail


def _detail(
    run: Run, step: tuple[str, str, str, str], status: str, begun: datetime, over: datetime
) -> dict[str, Any]:
    stage, action, category, provider = step
    return {
        "pipelineExecutionId": run.id,
        "actionExecutionId": str(uuid4()),
        "pipelineVersion": _VERSION,
        "stageName": stage,
        "actionName": action,
        "startTime": _text(begun, milliseconds=400),
        "lastUpdateTime": _text(over, milliseconds=4),
        "status": status,
        "input": {
            "actionTypeId": _type(category, provider),
            "configuration": {},
            "region": REGION,
            "inputArtifacts": [],
        },
        "output": {"outputArtifacts": [], "executionResult": {}, "outputVariables": {}},
    }
