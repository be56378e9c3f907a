"""The product, deployed on a running stage: what tests and the demo do with it."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stage import CDK_OUT, HOME, metrics
from stage.deploy import Stack, deploy, stacks
from stage.emulator import Emulator, running
from stage.github import TOKEN
from stage.metrics import Dimensions, Statistics, Value
from stage.scenario import Scenario, Services

STATE = HOME / "stage.json"

Progress = Callable[[str], None]


class NoStage(Exception):
    """No stage is up."""


class FunctionFailed(Exception):
    """A function ended with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('errorType')}: {error.get('errorMessage')}")
        self.error_type = error.get("errorType")


@dataclass(frozen=True)
class Product:
    """The stacks of a cloud assembly on a stage."""

    emulator: Emulator
    stacks: list[Stack]

    def operations(self, service: str) -> Any:
        """Return a client for the account in which the functions run."""
        return self.client(service, self._home)

    def client(self, service: str, stack: Stack) -> Any:
        """Return a client for the account and Region of a stack."""
        return self.emulator.client(service, stack.account, stack.region)

    @property
    def account(self) -> str:
        """Return the account in which the functions run."""
        return self._home.account

    @property
    def region(self) -> str:
        """Return the Region in which the functions run."""
        return self._home.region

    @cached_property
    def _home(self) -> Stack:
        return next(stack for stack in self.stacks if stack.resources("AWS::Lambda::Function"))

    @cached_property
    def settings(self) -> dict[str, dict[str, str]]:
        """Return the environment variables of each function, as deployed."""
        pages = self.operations("lambda").get_paginator("list_functions").paginate()
        functions = [function for page in pages for function in page["Functions"]]
        return {each["FunctionName"]: each["Environment"]["Variables"] for each in functions}

    def load(self, services: Services) -> None:
        """Let the services know this, and nothing else."""
        self.emulator.load_codepipeline(services.codepipeline)
        self.emulator.load_github(services.github)
        self.emulator.load_opscenter(services.opscenter)

    def play(self, scenario: Scenario) -> None:
        """Let a scenario happen: the services know it all, and emit its events in their order."""
        self.load(scenario.services)
        for step in scenario.steps:
            self.emulator.emit(step.event)
        self.emulator.settle()

    def invoke(self, function: str, event: Any) -> dict[str, Any]:
        """Invoke a function, wait, and return its answer."""
        result = self.operations("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event).encode()
        )
        answer: dict[str, Any] = json.load(result["Payload"])
        if "FunctionError" in result:
            raise FunctionFailed(answer)
        return answer

    def send(self, function: str, event: Any) -> None:
        """Invoke a function asynchronously, and no other: with retries and a failure queue."""
        self.operations("lambda").invoke(
            FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode()
        )

    def metrics(self) -> dict[Value, float]:
        """Return the daily sums of all metrics in CloudWatch."""
        return {value: statistics.sum for value, statistics in self.statistics().items()}

    def statistics(self) -> dict[Value, Statistics]:
        """Return all that CloudWatch tells of all metrics, by day."""
        return metrics.read(self.operations("cloudwatch"), self._namespace)

    def statistics_of_all_days(self) -> dict[tuple[str, Dimensions], Statistics]:
        """Return all that CloudWatch tells of all metrics, all days in one."""
        return metrics.read_whole(self.operations("cloudwatch"), self._namespace)

    def ledger(self) -> list[dict[str, Any]]:
        """Return all items of the ledger, as DynamoDB gives them."""
        pages = self.operations("dynamodb").get_paginator("scan").paginate(TableName=self._table)
        return [item for page in pages for item in page["Items"]]

    def remember(self, items: Iterable[dict[str, Any]]) -> None:
        """Put items into the ledger, as DynamoDB takes them."""
        dynamodb = self.operations("dynamodb")
        for item in items:
            dynamodb.put_item(TableName=self._table, Item=item)

    def forget(self, item: dict[str, Any]) -> None:
        """Take an item out of the ledger."""
        key = {"pk": item["pk"], "sk": item["sk"]}
        self.operations("dynamodb").delete_item(TableName=self._table, Key=key)

    def end_leases(self) -> None:
        """Let the time pass after which no claim of invocations that are over is held any more.

        Retries come sooner on the stage than on AWS, and a claim is held until Lambda would have
        ended its invocation.
        """
        dynamodb = self.operations("dynamodb")
        for item in self.ledger():
            for name, attribute in item.items():
                if "lease_until" in attribute.get("M", {}):
                    dynamodb.update_item(
                        TableName=self._table,
                        Key={"pk": item["pk"], "sk": item["sk"]},
                        UpdateExpression="SET #metric.lease_until = :past",
                        ExpressionAttributeNames={"#metric": name},
                        ExpressionAttributeValues={":past": {"N": "0"}},
                    )

    def reset(self) -> None:
        """Make a clean slate: nothing counted, nothing known, nothing in a queue."""
        self.emulator.settle()
        self.emulator.forget()
        for item in self.ledger():
            self.forget(item)
        for stack in self.stacks:
            sqs = self.client("sqs", stack)
            for queue in sqs.list_queues().get("QueueUrls", []):
                sqs.purge_queue(QueueUrl=queue)

    def messages(self, name: str) -> list[dict[str, Any]]:
        """Return the messages in the queues whose logical id contains this, in every account."""
        found = []
        for stack in self.stacks:
            sqs = self.client("sqs", stack)
            for logical_id, queue in self.deployed(stack, "AWS::SQS::Queue").items():
                if name in logical_id:
                    answer = sqs.receive_message(
                        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
                    )
                    found += answer.get("Messages", [])
        return found

    def deployed(self, stack: Stack, kind: str) -> dict[str, str]:
        """Return the stack's resources of a type: physical ids by logical id."""
        cloudformation = self.client("cloudformation", stack)
        resources = cloudformation.describe_stack_resources(StackName=stack.name)["StackResources"]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in resources
            if each["ResourceType"] == kind
        }

    @cached_property
    def _namespace(self) -> str:
        (namespace,) = {settings["METRIC_NAMESPACE"] for settings in self.settings.values()}
        return namespace

    @cached_property
    def _table(self) -> str:
        (table,) = {settings["LEDGER_TABLE"] for settings in self.settings.values()}
        return table


@contextlib.contextmanager
def staged(progress: Progress, assembly: Path = CDK_OUT) -> Iterator[Product]:
    """Bring up a stage with the product on it, and take it down at the end."""
    all_stacks = stacks(assembly)
    progress("starting the emulator")
    with running() as emulator:
        try:
            for stack in all_stacks:
                progress(f"deploying {stack.name} in account {stack.account}, {stack.region}")
                deploy(emulator, stack)
            product = Product(emulator, all_stacks)
            _connect_github(product)
            yield product
        finally:
            progress("taking the stage down")


def _connect_github(product: Product) -> None:
    """Do what an operator does after the first deployment: the template holds no token."""
    secrets = product.operations("secretsmanager")
    for settings in product.settings.values():
        if "GITHUB_TOKEN_SECRET_ID" in settings:
            secret = settings["GITHUB_TOKEN_SECRET_ID"]
            secrets.put_secret_value(SecretId=secret, SecretString=TOKEN)
    point_to_github(product)


def point_to_github(product: Product) -> None:
    """Let the functions ask the stage's GitHub.

    It is nowhere that the configuration could name, since its port is a new one each time.
    """
    functions = product.operations("lambda")
    for function, settings in product.settings.items():
        if "GITHUB_API_URL" in settings:
            settings["GITHUB_API_URL"] = product.emulator.github
            functions.update_function_configuration(
                FunctionName=function, Environment={"Variables": settings}
            )


@contextlib.contextmanager
def announced(product: Product) -> Iterator[None]:
    """Let other commands find this stage for as long as the context lasts."""
    STATE.write_text(json.dumps({"endpoint": product.emulator.endpoint}))
    try:
        yield
    finally:
        STATE.unlink(missing_ok=True)


def standing() -> Product:
    """Return the product on the stage that another command keeps up."""
    try:
        emulator = Emulator(json.loads(STATE.read_text())["endpoint"])
        emulator.answers()
    except OSError as error:
        raise NoStage("no stage is up: run make stage in another terminal") from error
    return Product(emulator, stacks(CDK_OUT))
