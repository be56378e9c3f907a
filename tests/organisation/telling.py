"""Tells of an organisation in AWS's form: what its services remember, and the events they emit."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from end_to_end.pipelines import PRODUCTION_STAGE, REGION, Run, moment, recent, records
from organisation.world import ELSEWHERE, Happened
from stage.scenario import Event, Services, move

OTHER_REGION = "ap-southeast-1"
"""Where the pipelines of the other tooling account are."""
_APPROVAL = "Approve"


@dataclass(frozen=True)
class Told:
    """All of it, moved to recent days."""

    services: Services
    early: list[list[Event]]
    """What is settled before all else, one after the other."""
    events: list[Event]
    """What may then come in any order."""
    late: list[Event]
    moved: timedelta


def tell(happened: Happened) -> Told:
    """Write down what happened."""
    moved = recent(happened.runs)
    early = {run.id for run in happened.early}
    late = {run.id for run in happened.late}
    any_order = [
        event for run in happened.runs for event in _events(run, own=run.id not in early | late)
    ]
    any_order += [each.event for each in happened.incidents]
    any_order += [_no_incident(each.event) for each in happened.others]
    services = Services(
        move([_record(each, happened) for each in records(happened.runs)], moved),
        move([{"repository": n, "steps": s} for n, s in happened.histories.items()], moved),
        move(
            [each.record for each in happened.incidents]
            + [_no_incident(each.record) for each in happened.others],
            moved,
        ),
    )
    return Told(
        services,
        [
            move([_placed(run.event, run.pipeline.account) for run in runs], moved)
            for runs in _one_of_each_repository(happened.early)
        ],
        move(any_order, moved),
        move([_placed(run.event, run.pipeline.account) for run in happened.late], moved),
        moved,
    )


def _one_of_each_repository(runs: list[Run]) -> list[list[Run]]:
    """Part executions so that no two of a part are of the same repository, the first ones first."""
    parts: list[list[Run]] = []
    told = Counter[str | None]()
    for run in sorted(runs, key=lambda each: moment(each.at)):
        number = told[run.repository]
        told[run.repository] += 1
        parts[number:] = parts[number:] or [[]]
        parts[number].append(run)
    return parts


def _events(run: Run, *, own: bool) -> list[Event]:
    """Return the events of an execution: its own, and those that count for nothing."""
    event = run.event
    level = "Stage" if "stage" in event["detail"] else "Pipeline"
    told = [_other(event, level, "STARTED")]
    if run.status == "Succeeded":
        told.append(_other(event, "Stage" if level == "Pipeline" else "Pipeline", "SUCCEEDED"))
    elif run.status != "InProgress":
        told.append(_other(event, "Pipeline", run.status.upper()))
    if own and run.reached_production:
        told.append(event)
    if run.only_verified:  # its production stage did nothing
        told = [each for each in told if each["detail"].get("stage") != PRODUCTION_STAGE]
    return [_placed(each, run.pipeline.account) for each in told]


def _other(event: Event, level: str, state: str) -> Event:
    detail = {k: v for k, v in event["detail"].items() if k not in ("stage", "execution-trigger")}
    if level == "Stage":
        detail["stage"] = PRODUCTION_STAGE
    elif "execution-trigger" in event["detail"]:
        detail["execution-trigger"] = event["detail"]["execution-trigger"]
    return {
        **event,
        "id": str(uuid4()),
        "detail-type": f"CodePipeline {level} Execution State Change",
        "detail": {**detail, "state": state},
    }


def _record(record: dict[str, Any], happened: Happened) -> dict[str, Any]:
    stages = record["pipeline"]["stages"]
    stages.insert(1, {"name": _APPROVAL, "actions": [_approval_action()]})
    for each in record["executions"]:
        execution = each["pipelineExecution"]
        own_id = execution["pipelineExecutionId"]
        target = happened.targets.get(own_id)
        if target is not None:
            execution["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": target}
        if own_id in happened.approvals:
            _wait(each, happened.approvals[own_id])
    return _placed(record, record["account"])


def _wait(execution: dict[str, Any], outcome: str) -> None:
    """Let an execution wait for an approval, which is given, or not in time, or refused."""
    details = execution["actionExecutionDetails"]
    first = min(details, key=lambda each: str(each["startTime"]))
    if outcome == "Failed":
        details[:] = [each for each in details if each["stageName"] == "Source"]
    action = _approval_action()
    details.append(
        {
            **first,
            "actionExecutionId": str(uuid4()),
            "stageName": _APPROVAL,
            "actionName": action["name"],
            "startTime": first["lastUpdateTime"],
            "lastUpdateTime": execution["lastUpdateTime"]
            if outcome == "Failed"
            else _start(details),
            "status": outcome,
            "input": {
                "actionTypeId": action["actionTypeId"],
                "configuration": {},
                "region": REGION,
                "inputArtifacts": [],
            },
            "output": {"outputArtifacts": [], "executionResult": {}, "outputVariables": {}},
        }
    )


def _start(details: list[dict[str, Any]]) -> str:
    """Return when production began."""
    return str(next(e["startTime"] for e in details if e["stageName"] == PRODUCTION_STAGE))


def _approval_action() -> dict[str, Any]:
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    return {
        "name": "Approve",
        "actionTypeId": kind,
        "runOrder": 1,
        "configuration": {},
        "outputArtifacts": [],
        "inputArtifacts": [],
        "region": REGION,
    }


def _placed(document: dict[str, Any], account: str) -> dict[str, Any]:
    if account != ELSEWHERE:
        return document
    found: dict[str, Any] = json.loads(json.dumps(document).replace(REGION, OTHER_REGION))
    return found


def _no_incident(document: dict[str, Any]) -> dict[str, Any]:
    """Let an OpsItem be a request to change something."""
    found: dict[str, Any] = json.loads(
        json.dumps(document).replace("/aws/issue", "/aws/changerequest")
    )
    return found
