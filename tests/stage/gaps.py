"""Closes the smaller gaps between the emulator and AWS; each function says what AWS does.

The product must not know of the emulator, so what it lacks is added here, and nowhere else.
"""

import json
import re
import time
from typing import Any

import cbor2
from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.core.arn import parse_arn
from ministack.services import cloudwatch, eventbridge, lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

from stage.codepipeline import CodePipeline, pipeline_name
from stage.opscenter.service import Caller, OpsCenter, plays, resource_arn

_TWO_WEEKS = 14 * 24 * 3600
_TWO_HOURS = 2 * 3600


def close(codepipeline: CodePipeline, opscenter: OpsCenter) -> None:
    """Close them all."""
    _register_codepipeline(codepipeline)
    _let_systems_manager_keep_ops_items(opscenter)
    _keep_bus_policies()
    _create_archives()
    _publish_only_the_code_of_the_template()
    _create_secrets_as_templates_say()
    _know_condition_keys()
    _authorise_calls_in_cbor()
    _tell_iam_the_namespace()
    _refuse_timestamps_out_of_range()
    _separate_metrics_without_dimensions()


def _register_codepipeline(codepipeline: CodePipeline) -> None:
    """Let the stand-in be a service like the others, behind the same authorisation."""

    async def handle(_method: str, _path: str, headers: Any, body: bytes, _query: Any) -> Any:
        status, document = codepipeline.answer(
            responses.get_account_id(),
            responses.get_region(),
            headers.get("x-amz-target", ""),
            body,
        )
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()

    arn_of = iam_actions.extract_resource_arn

    def resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any
    ) -> Any:
        if service != "codepipeline":
            return arn_of(service, method, path, headers, body, *rest)
        name = pipeline_name(body)
        return f"arn:aws:codepipeline:{responses.get_region()}:{responses.get_account_id()}:{name}"

    router.SERVICE_PATTERNS["codepipeline"] = {"target_prefixes": ["CodePipeline_20150709"]}
    app.SERVICE_HANDLERS["codepipeline"] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    iam_actions._DENIED_CODES["codepipeline"] = "AccessDeniedException"
    iam_actions.extract_resource_arn = resource_arn


def _let_systems_manager_keep_ops_items(opscenter: OpsCenter) -> None:
    """OpsItems are resources of Systems Manager, with tags like its others."""
    handle_others = app.SERVICE_HANDLERS["ssm"]
    arn_of = iam_actions.extract_resource_arn

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        target = headers.get("x-amz-target", "")
        if not plays(target, body):
            return await handle_others(method, path, headers, body, query)
        caller = Caller(
            responses.get_account_id(),
            responses.get_region(),
            iam_evaluator.request_caller_arn(headers),
        )
        status, document = opscenter.answer(caller, target, body)
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()

    def arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        if service != "ssm" or not plays(headers.get("x-amz-target", ""), body):
            return arn_of(service, method, path, headers, body, *rest)
        return resource_arn(responses.get_account_id(), responses.get_region(), body)

    app.SERVICE_HANDLERS["ssm"] = handle
    iam_actions.extract_resource_arn = arn


def _keep_bus_policies() -> None:
    """Give a bus the `Policy` of its template; the emulator's CloudFormation drops it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Events::EventBus"]
    create = handlers["create"]

    def create_with_policy(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name, attributes = create(logical_id, properties, stack)
        if "Policy" in properties:
            eventbridge._event_bus_policies[name] = properties["Policy"]
        return name, attributes

    handlers["create"] = create_with_policy


def _create_archives() -> None:
    """An archive is a resource of CloudFormation, and its retention a number."""

    def create(_: str, properties: dict[str, Any], stack: str) -> Any:
        name = properties.get("ArchiveName") or f"{stack}-archive"
        status, _, body = eventbridge._create_archive(
            {
                "ArchiveName": name,
                "EventSourceArn": properties["SourceArn"],
                "Description": properties.get("Description", ""),
                "EventPattern": json.dumps(properties["EventPattern"])
                if "EventPattern" in properties
                else "",
                "RetentionDays": int(properties.get("RetentionDays", 0)),
            }
        )
        if status >= 400:
            raise ValueError(body.decode())
        return name, {"Arn": json.loads(body)["ArchiveArn"], "ArchiveName": name}

    def delete(name: str, _: dict[str, Any]) -> None:
        eventbridge._delete_archive({"ArchiveName": name})

    provisioners._RESOURCE_HANDLERS["AWS::Events::Archive"] = {"create": create, "delete": delete}


def _publish_only_the_code_of_the_template() -> None:
    """A version is published only of the code that it names, and only of something new.

    New is what differs in code or configuration from the version before, whoever published that.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]
    create = handlers["create"]
    compared = (
        *("CodeSha256", "Description", "Environment", "Handler", "MemorySize", "Role", "Runtime"),
        *("Timeout", "Architectures", "LoggingConfig"),
    )

    def content(config: dict[str, Any]) -> list[Any]:
        return [config.get(name) for name in compared]

    def create_version(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        function, _, _ = lambda_svc._get_func_record_for_ref(properties["FunctionName"])
        expected, actual = properties.get("CodeSha256"), function["config"]["CodeSha256"]
        if expected not in (None, actual):
            raise ValueError(f"CodeSHA256 ({expected}) is different from current ({actual})")
        latest = max(function["versions"], key=int, default=None)
        if latest and content(function["versions"][latest]["config"]) == content(
            function["config"]
        ):
            raise ValueError(
                f"A version for this Lambda function exists ( {latest} ). "
                "Modify the function to create a new version."
            )
        return create(logical_id, properties, stack)

    handlers["create"] = create_version
    provisioners._lambda_version_create = create_version  # an update publishes a version too


def _create_secrets_as_templates_say() -> None:
    """`Ref` of a secret is its ARN; without a value in the template, it has none to read."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create = handlers["create"]

    def create_secret(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name, attributes = create(logical_id, properties, stack)
        if not properties.keys() & {"SecretString", "GenerateSecretString"}:
            secretsmanager._secrets[name]["Versions"].clear()
        return attributes["Arn"], attributes

    handlers["create"] = create_secret


def _know_condition_keys() -> None:
    """`aws:PrincipalArn` of a role's session is the role's ARN; the loopback stands for TLS."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        match key.lower():
            case "aws:principalarn" if ":assumed-role/" in value:
                arn = parse_arn(value)
                return f"arn:aws:iam::{arn.account_id}:role/{arn.resource.split('/')[1]}"
            case "aws:securetransport":
                return "true"
            case _:
                return value

    iam_evaluator._resolve_condition_key = resolve_key


def _authorise_calls_in_cbor() -> None:
    """A call is authorised in every protocol; in CBOR its path names it. Metrics have no ARN."""
    action_of, arn_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def named(service: str, path: str) -> str | None:
        found = re.fullmatch(r"/service/\w+/operation/(\w+)", path)
        return found[1] if found and service == "monitoring" else None

    def action(service: str, method: str, path: str, *rest: Any) -> Any:
        operation = named(service, path)
        return f"cloudwatch:{operation}" if operation else action_of(service, method, path, *rest)

    def arn(service: str, method: str, path: str, *rest: Any) -> Any:
        return "*" if named(service, path) else arn_of(service, method, path, *rest)

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = arn


def _tell_iam_the_namespace() -> None:
    """`PutMetricData` is authorised with the condition key `cloudwatch:namespace`."""
    context_of = iam_actions.request_tag_context

    def context(service: str, action: str, body: bytes, parameters: Any) -> Any:
        known = context_of(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            known = {**known, "cloudwatch:namespace": namespace(body, parameters)}
        return known

    def namespace(body: bytes, parameters: Any) -> Any:
        if "Namespace" in parameters:
            return parameters["Namespace"][0]
        document = json.loads(body) if body.startswith(b"{") else cbor2.loads(body)
        return document.get("Namespace")

    iam_actions.request_tag_context = context


def _refuse_timestamps_out_of_range() -> None:
    """CloudWatch takes values from two weeks ago to two hours ahead."""
    put = cloudwatch._put_metric_data

    def put_checked(parameters: Any, document: Any, is_cbor: bool, is_json: bool = False) -> Any:
        now = time.time()
        for number, datum in enumerate(document.get("MetricData", []), 1):
            at = cloudwatch._parse_ts(datum.get("Timestamp")) or now
            if not now - _TWO_WEEKS <= at <= now + _TWO_HOURS:
                return cloudwatch._error(
                    "InvalidParameterValue",
                    f"The parameter MetricData.member.{number}.Timestamp must be "
                    "from two weeks in the past to two hours in the future.",
                    400,
                    use_json=is_json,
                    use_cbor=is_cbor,
                )
        return put(parameters, document, is_cbor, is_json)

    cloudwatch._put_metric_data = put_checked


def _separate_metrics_without_dimensions() -> None:
    """A query without dimensions reads the metric without dimensions, not the sum of all."""

    class Dimensions(dict[str, str]):
        def __bool__(self) -> bool:
            return True

    read = cloudwatch._dims_from_list
    cloudwatch._dims_from_list = lambda dimensions: Dimensions(read(dimensions))
