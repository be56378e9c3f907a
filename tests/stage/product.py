"""The product, deployed on a running stage: what tests and the demo do with it."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stage import CDK_OUT, HOME, metrics
from stage.deploy import Stack, deploy, stacks
from stage.emulator import Emulator, running

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

    def invoke(self, function: str, event: Any) -> dict[str, Any]:
        """Invoke a function, wait, and return its answer."""
        result = self.operations("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event).encode()
        )
        answer: dict[str, Any] = json.load(result["Payload"])
        if "FunctionError" in result:
            raise FunctionFailed(answer)
        return answer

    def metrics(self) -> dict[metrics.Value, float]:
        """Return what is in CloudWatch."""
        (namespace,) = {settings["METRIC_NAMESPACE"] for settings in self.settings.values()}
        return metrics.read(self.operations("cloudwatch"), namespace)

    def ledger(self) -> list[dict[str, Any]]:
        """Return all items of the ledger, as DynamoDB gives them."""
        pages = self.operations("dynamodb").get_paginator("scan").paginate(TableName=self._table)
        return [item for page in pages for item in page["Items"]]

    def reset(self) -> None:
        """Make a clean slate: nothing counted, nothing remembered, nothing in a queue."""
        self.emulator.settle()
        self.emulator.forget()
        dynamodb = self.operations("dynamodb")
        for item in self.ledger():
            dynamodb.delete_item(TableName=self._table, Key={"id": item["id"]})
        for stack in self.stacks:
            sqs = self.client("sqs", stack)
            for queue in sqs.list_queues().get("QueueUrls", []):
                sqs.purge_queue(QueueUrl=queue)

    def messages(self, name: str) -> list[dict[str, Any]]:
        """Return the messages in the queues whose name contains this, in every account."""
        found = []
        for stack in {(each.account, each.region): each for each in self.stacks}.values():
            sqs = self.client("sqs", stack)
            for queue in sqs.list_queues().get("QueueUrls", []):
                if name in queue:
                    answer = sqs.receive_message(
                        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
                    )
                    found += answer.get("Messages", [])
        return found

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
            yield Product(emulator, all_stacks)
        finally:
            progress("taking the stage down")


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
        raise NoStage("no stage is up") from error
    return Product(emulator, stacks(CDK_OUT))
