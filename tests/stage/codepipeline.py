"""Plays AWS CodePipeline: the read operations, on histories that a scenario loads.

State comes as *pipeline records*: one for each pipeline, with its structure as `GetPipeline` gives
it and its executions as `GetPipelineExecution`, `ListPipelineExecutions` and `ListActionExecutions`
give them. A record that AWS could not have answered with is refused when it is loaded.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from stage.json_protocol import Answer, Pages, Refusal, check_output, read_request
from stage.model import service_model, to_wire

_TARGET_PREFIX = service_model("codepipeline").metadata["targetPrefix"]
_PAGES = Pages("nextToken", "maxResults", 100, "InvalidNextTokenException")
_PIPELINE_PAGES = Pages("nextToken", "maxResults", 1000, "InvalidNextTokenException")
_LIST = "ListPipelines"
_LISTED = ("name", "version", "pipelineType", "executionMode")
_SUMMARISED = service_model("codepipeline").shape_for("PipelineExecutionSummary").members.keys()

Record = dict[str, Any]


class CodePipeline:
    """CodePipeline in every account and Region."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str], Record] = {}

    def load(self, records: Iterable[Record]) -> None:
        """Take over these histories, and forget those of before."""
        loaded = {}
        for record in records:
            name = record["pipeline"]["name"]
            _check_output("GetPipeline", {"pipeline": record["pipeline"]}, name)
            for execution in record["executions"]:
                where = f"{name}/{execution['pipelineExecution']['pipelineExecutionId']}"
                _check_output(
                    "GetPipelineExecution",
                    {"pipelineExecution": execution["pipelineExecution"]},
                    where,
                )
                _check_output(
                    "ListActionExecutions",
                    {"actionExecutionDetails": execution["actionExecutionDetails"]},
                    where,
                )
                _check_output(
                    "ListPipelineExecutions",
                    {"pipelineExecutionSummaries": [_summary(execution, record["pipeline"])]},
                    where,
                )
            loaded[record["account"], record["region"], name] = record
        self._records = loaded

    def answer(self, account: str, region: str, target: str, body: bytes) -> Answer:
        """Answer one request: the HTTP status and the document."""
        prefix, _, operation = target.partition(".")
        try:
            if prefix != _TARGET_PREFIX or operation not in {*_OPERATIONS, _LIST}:
                raise Refusal("UnknownOperationException", f"The stage does not play {target}.")
            request = read_request("codepipeline", operation, body)
            if operation == _LIST:
                document = self._list_pipelines(account, region, request)
            else:
                document = _OPERATIONS[operation](self._record(account, region, request), request)
            output = service_model("codepipeline").operation_model(operation).output_shape
            return 200, to_wire(output, document)
        except Refusal as refusal:
            return refusal.answer("codepipeline")

    def _record(self, account: str, region: str, request: dict[str, Any]) -> Record:
        name = request.get("pipelineName") or request["name"]
        record = self._records.get((account, region, name))
        if record is None:
            raise Refusal(
                "PipelineNotFoundException",
                f"Account '{account}' does not have a pipeline with name '{name}'",
            )
        return record

    def _list_pipelines(self, account: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
        summaries = [
            {name: record["pipeline"][name] for name in _LISTED if name in record["pipeline"]}
            for (of, where, _), record in sorted(self._records.items())
            if (of, where) == (account, region)
        ]
        return _PIPELINE_PAGES.cut(request, summaries, "pipelines")


def pipeline_name(body: bytes) -> str:
    """Return the pipeline that a request names, however broken the request is."""
    try:
        request = json.loads(body)
        return str(request.get("pipelineName") or request["name"])
    except (ValueError, AttributeError, KeyError):
        return ""


def _check_output(operation: str, document: dict[str, Any], where: str) -> None:
    check_output("codepipeline", operation, document, where)


def _get_pipeline(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    pipeline = record["pipeline"]
    version = request.get("version", pipeline["version"])
    if version != pipeline["version"]:
        raise Refusal(
            "PipelineVersionNotFoundException",
            f"Pipeline {pipeline['name']} does not have version {version}",
        )
    arn = f"arn:aws:codepipeline:{record['region']}:{record['account']}:{pipeline['name']}"
    return {"pipeline": pipeline, "metadata": {"pipelineArn": arn}}


def _get_pipeline_execution(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    execution = _execution(record, request["pipelineExecutionId"])
    return {"pipelineExecution": execution["pipelineExecution"]}


def _list_pipeline_executions(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    executions = sorted(record["executions"], key=lambda each: each["startTime"], reverse=True)
    stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
    if stage is not None:  # of the current version alone, says AWS's reference
        version = record["pipeline"]["version"]
        executions = [
            each
            for each in executions
            if each["pipelineExecution"]["pipelineVersion"] == version
            and _succeeded_in(stage, each)
        ]
    page = _PAGES.cut(request, executions, "pipelineExecutionSummaries")
    listed = page["pipelineExecutionSummaries"]
    page["pipelineExecutionSummaries"] = [_summary(each, record["pipeline"]) for each in listed]
    return page


def _list_action_executions(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("filter", {})
    if "latestInPipelineExecution" in wanted:
        raise Refusal("ValidationException", "The stage does not play latestInPipelineExecution.")
    executions = record["executions"]
    if "pipelineExecutionId" in wanted:
        executions = [_execution(record, wanted["pipelineExecutionId"])]
    actions = [action for each in executions for action in each["actionExecutionDetails"]]
    actions.sort(key=lambda action: str(action["startTime"]), reverse=True)
    return _PAGES.cut(request, actions, "actionExecutionDetails")


_OPERATIONS: dict[str, Callable[[Record, dict[str, Any]], dict[str, Any]]] = {
    "GetPipeline": _get_pipeline,
    "GetPipelineExecution": _get_pipeline_execution,
    "ListPipelineExecutions": _list_pipeline_executions,
    "ListActionExecutions": _list_action_executions,
}


def _execution(record: Record, execution_id: str) -> dict[str, Any]:
    for execution in record["executions"]:
        if execution["pipelineExecution"]["pipelineExecutionId"] == execution_id:
            found: dict[str, Any] = execution
            return found
    raise Refusal(
        "PipelineExecutionNotFoundException",
        f"Pipeline '{record['pipeline']['name']}' does not have an execution '{execution_id}'",
    )


def _succeeded_in(stage: str, execution: dict[str, Any]) -> bool:
    last: dict[str, str] = {}
    for action in sorted(execution["actionExecutionDetails"], key=lambda each: each["startTime"]):
        if action["stageName"] == stage:
            last[action["actionName"]] = action["status"]
    return bool(last) and set(last.values()) == {"Succeeded"}


def _summary(execution: dict[str, Any], pipeline: dict[str, Any]) -> dict[str, Any]:
    source = execution["pipelineExecution"]
    action_of = {
        artifact["name"]: action["name"]
        for stage in pipeline["stages"]
        for action in stage["actions"]
        for artifact in action.get("outputArtifacts", [])
    }
    revisions = [
        {"actionName": action_of[revision["name"]]}
        | {
            member: revision[member]
            for member in ("revisionId", "revisionSummary", "revisionUrl")
            if member in revision
        }
        for revision in source.get("artifactRevisions", [])
    ]
    known = {**source, **execution}
    return {
        **{name: value for name, value in known.items() if name in _SUMMARISED},
        "sourceRevisions": revisions,
    }
