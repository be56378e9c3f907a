"""CodePipeline's stand-in, asked by AWS's own client."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from stage.emulator import DirectionRefused, Emulator, running

ACCOUNT, REGION = "111122223333", "eu-west-1"


def execution_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def execution(number: int, status: str = "Succeeded") -> dict[str, Any]:
    start = f"2026-11-20T{number:02}:00:00.250Z"
    identity = {"pipelineExecutionId": execution_id(number), "pipelineVersion": 7}

    def action(stage: str, name: str, minute: int, status: str) -> dict[str, Any]:
        at = f"2026-11-20T{number:02}:{minute:02}:00Z"
        names = {"stageName": stage, "actionName": name, "status": status}
        return {**identity, **names, "startTime": at, "lastUpdateTime": at}

    return {
        "pipelineExecution": {
            **identity,
            "pipelineName": "web",
            "status": status,
            "artifactRevisions": [{"name": "SourceOutput", "revisionId": f"{number:040x}"}],
            "executionType": "STANDARD",
        },
        "startTime": start,
        "lastUpdateTime": start,
        "actionExecutionDetails": [
            action("Source", "Checkout", 0, "Succeeded"),
            action("Prod", "Deploy", 1, status),
        ],
    }


def of_an_earlier_version(execution: dict[str, Any]) -> dict[str, Any]:
    execution["pipelineExecution"]["pipelineVersion"] = 6
    return execution


def record() -> dict[str, Any]:
    def stage(name: str, action: str, category: str, **artifacts: Any) -> dict[str, Any]:
        kind = {"category": category, "owner": "AWS", "provider": "Any", "version": "1"}
        return {"name": name, "actions": [{"name": action, "actionTypeId": kind, **artifacts}]}

    source = stage("Source", "Checkout", "Source", outputArtifacts=[{"name": "SourceOutput"}])
    return {
        "account": ACCOUNT,
        "region": REGION,
        "pipeline": {
            "name": "web",
            "version": 7,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
            "stages": [source, stage("Prod", "Deploy", "Deploy")],
        },
        "executions": [
            execution(1),
            {**execution(2, "Failed"), "stopTrigger": {"reason": "a mistake"}},
            execution(3),
            of_an_earlier_version(execution(0)),
        ],
    }


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running() as emulator:
        emulator.load_codepipeline([record()])
        yield emulator


@pytest.fixture(scope="module")
def codepipeline(emulator: Emulator) -> Any:
    return emulator.client("codepipeline", ACCOUNT, REGION)


@pytest.fixture(scope="module")
def unchecked(emulator: Emulator) -> Any:
    """Return a client that lets through what the SDK for Python would refuse by itself."""
    return emulator.client("codepipeline", ACCOUNT, REGION, validate=False)


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_pipeline_has_its_structure_and_arn(codepipeline: Any) -> None:
    answer = codepipeline.get_pipeline(name="web", version=7)
    assert answer["pipeline"] == record()["pipeline"]
    assert answer["metadata"]["pipelineArn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:web"


def test_an_execution_is_as_it_was_loaded(codepipeline: Any) -> None:
    answer = codepipeline.get_pipeline_execution(
        pipelineName="web", pipelineExecutionId=execution_id(2)
    )
    assert answer["pipelineExecution"] == execution(2, "Failed")["pipelineExecution"]


def test_executions_come_newest_first_in_pages(codepipeline: Any) -> None:
    pages = list(
        codepipeline.get_paginator("list_pipeline_executions").paginate(
            pipelineName="web", PaginationConfig={"PageSize": 2}
        )
    )
    summaries = [each for page in pages for each in page["pipelineExecutionSummaries"]]
    assert len(pages) == 2
    assert [each["pipelineExecutionId"] for each in summaries] == [
        execution_id(number) for number in (3, 2, 1, 0)
    ]
    assert summaries[0]["startTime"] == datetime(2026, 11, 20, 3, 0, 0, 250000, tzinfo=UTC)
    assert summaries[0]["sourceRevisions"] == [
        {"actionName": "Checkout", "revisionId": f"{3:040x}"}
    ]
    assert summaries[0]["executionType"] == "STANDARD"
    assert summaries[1]["stopTrigger"] == {"reason": "a mistake"}


def test_executions_are_filtered_by_the_stage_that_succeeded(codepipeline: Any) -> None:
    answer = codepipeline.list_pipeline_executions(
        pipelineName="web", filter={"succeededInStage": {"stageName": "Prod"}}
    )
    found = [each["pipelineExecutionId"] for each in answer["pipelineExecutionSummaries"]]
    assert found == [execution_id(3), execution_id(1)]


def test_actions_of_one_execution_come_newest_first_in_pages(codepipeline: Any) -> None:
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName="web",
        filter={"pipelineExecutionId": execution_id(1)},
        PaginationConfig={"PageSize": 1},
    )
    actions = [[each["actionName"] for each in page["actionExecutionDetails"]] for page in pages]
    assert actions == [["Deploy"], ["Checkout"]]


def test_what_does_not_exist_is_named(codepipeline: Any, emulator: Emulator) -> None:
    execution_of = codepipeline.get_pipeline_execution
    assert refusal(codepipeline.get_pipeline, name="other") == (
        "PipelineNotFoundException",
        f"Account '{ACCOUNT}' does not have a pipeline with name 'other'",
    )
    assert refusal(codepipeline.get_pipeline, name="web", version=6)[0] == (
        "PipelineVersionNotFoundException"
    )
    assert refusal(execution_of, pipelineName="web", pipelineExecutionId=execution_id(9))[0] == (
        "PipelineExecutionNotFoundException"
    )
    for account, region in [("444455556666", REGION), (ACCOUNT, "us-east-1")]:
        elsewhere = emulator.client("codepipeline", account, region)
        assert refusal(elsewhere.get_pipeline, name="web")[0] == "PipelineNotFoundException"


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        pytest.param(
            "get_pipeline",
            {},
            "Value null at 'name' failed to satisfy constraint: Member must not be null",
            id="missing",
        ),
        pytest.param(
            "get_pipeline",
            {"name": "a b"},
            "Value 'a b' at 'name' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+",
            id="pattern",
        ),
        pytest.param(
            "get_pipeline",
            {"name": "a" * 101},
            "Member must have length less than or equal to 100",
            id="too long",
        ),
        pytest.param(
            "get_pipeline_execution",
            {"pipelineName": "web", "pipelineExecutionId": "7"},
            "Value '7' at 'pipelineExecutionId' failed",
            id="execution id",
        ),
        pytest.param(
            "list_action_executions",
            {"pipelineName": "web", "maxResults": 101},
            "Member must have value less than or equal to 100",
            id="too many",
        ),
        pytest.param(
            "list_action_executions",
            {"pipelineName": "", "maxResults": 0},
            "3 validation errors detected: ",
            id="several",
        ),
    ],
)
def test_bad_input_breaks_a_constraint(
    unchecked: Any, operation: str, parameters: dict[str, Any], message: str
) -> None:
    code, text = refusal(getattr(unchecked, operation), **parameters)
    assert code == "ValidationException"
    assert message in text


def test_a_token_holds_for_its_own_request_only(codepipeline: Any) -> None:
    ask = codepipeline.list_action_executions
    token = ask(pipelineName="web", maxResults=1)["nextToken"]
    other = {"pipelineExecutionId": execution_id(1)}
    for parameters in [
        {"maxResults": 1, "nextToken": "made-up"},
        {"maxResults": 1, "nextToken": token, "filter": other},
    ]:
        code, _ = refusal(ask, pipelineName="web", **parameters)
        assert code == "InvalidNextTokenException"


@pytest.mark.parametrize("body", [b'{"name": 7}', b'{"name": "web", "version": "7"}', b"[]", b"{"])
def test_a_body_of_another_shape_cannot_be_read(unchecked: Any, body: bytes) -> None:
    def replace_body(request: Any, **_: Any) -> None:
        request.data = body

    unchecked.meta.events.register("before-sign.codepipeline.*", replace_body)
    try:
        assert refusal(unchecked.get_pipeline, name="web")[0] == "SerializationException"
    finally:
        unchecked.meta.events.unregister("before-sign.codepipeline.*", replace_body)


def test_nobody_is_served_without_credentials(emulator: Emulator) -> None:
    nobody = boto3.client(
        "codepipeline",
        region_name=REGION,
        endpoint_url=emulator.endpoint,
        config=Config(signature_version=UNSIGNED),
    )
    assert refusal(nobody.get_pipeline, name="web")[0] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"status": "SUCCEEDED"}, "enum value set"),
        ({"pipelineExecutionId": "7"}, "regular expression"),
        ({"startedBy": "me"}, "unknown to the model"),
        ({"pipelineVersion": "7"}, "is not a integer"),
    ],
)
def test_a_record_that_the_service_would_not_answer_with_is_refused(
    emulator: Emulator, change: dict[str, Any], complaint: str
) -> None:
    wrong = record()
    wrong["executions"][0]["pipelineExecution"] |= change
    with pytest.raises(DirectionRefused, match=complaint):
        emulator.load_codepipeline([wrong])


def test_a_history_that_the_service_would_not_answer_with_is_refused(emulator: Emulator) -> None:
    wrong = record()
    wrong["executions"][0]["stopTrigger"] = {"by": "me"}
    with pytest.raises(DirectionRefused, match="by is unknown to the model"):
        emulator.load_codepipeline([wrong])
