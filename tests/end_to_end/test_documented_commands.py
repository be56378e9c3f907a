"""Every command that the docs show in a block is run: here, or by the test that is named here.

What a reader puts in, such as a Region, is put in; nothing else of a command is changed but what
`SHORTENED` says.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from end_to_end.documented import Command, blocks, code_of
from end_to_end.test_deploying_step_by_step import PAGE as STEP_BY_STEP
from stage import EVENTS, HOME, REPOSITORY
from stage.dora import BINARY
from stage.github import TOKEN
from stage.product import Product
from stage.profiles import profiles
from stage.scenario import Event, load_scenario

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "events/README.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]

RUN_BY = {
    "make bench": "bench/test_run.py::test_every_function_plays_its_event_from_the_rehearsal",
    "make bootstrap": "end_to_end/test_deploying.py::test_a_deployment_from_first_to_last",
    "make dora": "end_to_end/test_dora_command.py::test_it_is_built_for_users",
    "make deploy": "end_to_end/test_deploying.py::test_a_deployment_from_first_to_last",
    "make demo": (
        "end_to_end/test_documented_commands.py::test_the_demo_prints_the_tables_of_the_readme"
    ),
    "make grafana": (
        "end_to_end/test_documented_commands.py::"
        "test_the_file_for_grafana_is_what_the_page_lets_one_make"
    ),
    "make redrive": (
        "end_to_end/test_recovery_of_events.py::test_a_redrive_counts_what_had_failed_three_times"
    ),
}
"""Commands with tests of their own: what they do takes more than to run them."""

ON_THE_STAGE = ("aws", ".venv/bin/aws", "dora")
"""Programs that are run against the deployed product, after the worked example was played."""

ON_THIS_MACHINE = ("cd", "make soak", "printf")
"""Commands that need nothing, or bring up a stage of their own."""

SHORTENED = {
    "make soak": ("EVENTS=2000", "EVENTS=30"),
    "make grafana": ("make grafana", "make grafana GRAFANA={scratch}/dora.json"),
    "make dashboard": ("make dashboard", "make dashboard DASHBOARD={scratch}/dashboard.svg"),
    "cd tests && CHAOS_SEEDS=": ("test_chaos.py", "test_chaos.py --collect-only --quiet"),
}
"""What is changed so that a command takes seconds, and leaves the checkout as it is."""

SHOWS = {
    "aws cloudformation describe-stacks": "DoraToolingEventBridgeStack",
    "aws cloudwatch get-metric-statistics --namespace AWS/Events": "Datapoints",
    "aws cloudwatch get-metric-statistics --namespace DORA": "ExtendedStatistics",
    "aws dynamodb query": "attributed_by",
    "aws dynamodb scan": "deployment#",
    "aws events describe-replay": "lost-on-monday",
    "aws events start-replay": "ReplayArn",
    "aws lambda get-function-configuration": "DORA metrics: lead-time, code ",
    "aws lambda invoke": '"StatusCode": 200',
    "aws sqs receive-message": "requestPayload",
    "aws ssm create-ops-item": "OpsItemId",
    "aws secretsmanager put-secret-value": "VersionId",
    "dora backfill": "events",
    "dora explain FailedChanges": "oi-0000000000a1",
    "dora explain oi-": "Incident oi-0000000000a1",
    "dora report --quarter": "DORA metrics",
    "dora report --verify": "are the same",
    "make soak": "differences",
    "cd tests && CHAOS_SEEDS=": "end_to_end/test_chaos.py",
}
"""A part of what a command prints if it did what the page promises."""

QUEUE = "dora-lead-time-failed-events"
SAMPLES_STACK = "DoraToolingEventBridgeStack"
SAMPLES_REGION = "us-east-1"

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00Z")
ASSIGNMENT = re.compile(r"\w+=\S+")


def documented() -> Iterator[tuple[Path, list[Command]]]:
    """Yield every console block, but those of the page that has a test of its own."""
    for page in PAGES:
        if page != STEP_BY_STEP:
            for block in blocks(page):
                yield page, block


BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(REPOSITORY)}: {block[0].line[:50]}")
    for page, block in documented()
]


@dataclass
class Reader:
    """Somebody who types the commands of a page, with a profile for each account."""

    environment: dict[str, str]
    folder: Path
    scratch: Path
    replaced: dict[str, str]
    """What stands for something in a page, and what this reader puts there."""
    assignments: list[str] = field(default_factory=list)

    def type(self, command: Command) -> str:
        """Run a command, and return what it prints."""
        line = self._own(command.line)
        if ASSIGNMENT.fullmatch(line):
            self.assignments.append(line)
            return ""
        done = subprocess.run(
            ["bash", "-c", "\n".join([*self.assignments, line])],
            cwd=self.folder,
            env=self.environment,
            input=f"{TOKEN}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _own(self, line: str) -> str:
        for begin, (long, short) in SHORTENED.items():
            if line.startswith(begin):
                line = line.replace(long, short.format(scratch=self.scratch))
        for there, own in self.replaced.items():
            line = re.sub(rf"(?<![\w-]){re.escape(there)}(?!\w)", own.replace("\\", r"\\"), line)
        # The page's times are of one day; the stage's events were yesterday.
        days = iter([-14, 1])
        return TIME.sub(lambda _: f"{_day(next(days))}T00:00:00Z", line)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_commands_of_a_block_are_run(
    block: list[Command], request: pytest.FixtureRequest
) -> None:
    ways = {way_of(command.line) for command in block}
    assert len(ways) == 1, f"one block, and more than one way to run it: {ways}"
    (way,) = ways
    if way == "by another test":
        return
    reader: Reader = request.getfixturevalue(way)
    for command in block:
        printed = reader.type(command)
        shown = next((part for begin, part in SHOWS.items() if bare(command).startswith(begin)), "")
        assert shown in printed, f"{command.line}\n{printed}"
        if command.printed:
            assert printed.splitlines() == command.printed
        take_over(reader, printed)


def test_the_file_for_grafana_is_what_the_page_lets_one_make(on_this_machine: Reader) -> None:
    on_this_machine.type(Command("", "make grafana", []))
    made = on_this_machine.scratch / "dora.json"
    assert made.read_text() == (REPOSITORY / "infra" / "grafana" / "dora.json").read_text()


def test_the_stage_of_the_readme_can_be_played_with(on_this_machine: Reader) -> None:
    shown = {line.split()[1]: line for line in code_of(REPOSITORY / "README.md")}
    with subprocess.Popen(
        shown["stage"].split(),
        cwd=REPOSITORY,
        env=on_this_machine.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as stage:
        assert stage.stdout is not None
        try:
            # The last line that it prints names a command of the next terminal.
            assert any(line.startswith("  make invoke") for line in stage.stdout), (
                "it did not come up"
            )
            emit = Command("", shown["emit"], [])
            assert '"published"' in on_this_machine.type(emit)
            assert '"duplicate"' in on_this_machine.type(emit)
            assert '"duplicate"' in on_this_machine.type(Command("", shown["invoke"], []))
        finally:
            os.killpg(stage.pid, signal.SIGINT)


def test_the_demo_prints_the_tables_of_the_readme(on_this_machine: Reader) -> None:
    printed = on_this_machine.type(Command("", "make demo", []))
    there = {" ".join(line.split()) for line in printed.splitlines()}
    readme = (REPOSITORY / "README.md").read_text()
    texts = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    tables = [line for text in texts for line in text.splitlines()]
    # The days at the head of the first one are those before today.
    missing = [line for line in tables[1:] if " ".join(line.split()) not in there]
    assert not missing, printed


def test_the_readme_plays_another_scenario(on_this_machine: Reader) -> None:
    (line,) = (each for each in code_of(REPOSITORY / "README.md") if "SCENARIO=" in each)
    assert "numbers in CloudWatch are what the scenario must give, and no others." in (
        on_this_machine.type(Command("", line, []))
    )


def test_the_dashboard_is_drawn(on_this_machine: Reader) -> None:
    on_this_machine.type(Command("", "make dashboard", []))
    assert (on_this_machine.scratch / "dashboard.svg").read_text().startswith("<svg")


def test_every_test_that_is_named_is_there() -> None:
    for command, test in RUN_BY.items():
        file, name = test.split("::")
        text = (REPOSITORY / "tests" / file).read_text()
        assert f"\ndef {name}(" in text, f"{command}: {test}"
    lines = [bare(command) for _, block in documented() for command in block]
    lines += code_of(REPOSITORY / "README.md")
    for begin in [*RUN_BY, *SHORTENED, *SHOWS]:
        assert any(line.startswith(begin) for line in lines), f"no page shows {begin} any more"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_make_knows_what_a_page_lets_one_make(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    plan = (REPOSITORY / "infra" / "lib" / "deployment-plan.ts").read_text()
    for line in re.findall(r"\bmake [^`\n]+", "\n".join(code_of(page))):
        for target in re.findall(r"^make ([a-z-]+)", line):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        for name in re.findall(r"([A-Z_]+?)(?:_\d{12})?=", line):
            assert re.search(rf"\b{name}(?![A-Z])", makefile + plan), line


def way_of(line: str) -> str:
    """Return how a command is run; one that nothing runs is a failure."""
    if any(line == begin or line.startswith(f"{begin} ") for begin in RUN_BY):
        return "by another test"
    if ASSIGNMENT.fullmatch(line) or line.split()[0] in ON_THE_STAGE:
        return "on_the_stage"
    if line.startswith(ON_THIS_MACHINE):
        return "on_this_machine"
    pytest.fail(f"no test runs `{line}`: say here how it is run")


def bare(command: Command) -> str:
    """Return a command without what says where it is run."""
    return re.sub(r" --(?:profile|region) \S+", "", command.line).removeprefix(".venv/bin/")


def take_over(reader: Reader, printed: str) -> None:
    """Do as a reader does with a message of a queue: the next commands need its parts."""
    if not printed.startswith("{") or "Messages" not in (answer := json.loads(printed)):
        return
    (message,) = answer["Messages"]
    reader.replaced["HANDLE"] = message["ReceiptHandle"]
    event = json.loads(message["Body"])["requestPayload"]
    (reader.folder / "event.json").write_text(json.dumps(event))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder in which a command may leave something."""
    with tempfile.TemporaryDirectory(prefix="documented-", dir=HOME) as scratch:
        yield Path(scratch)


@pytest.fixture
def on_this_machine(folder: Path) -> Reader:
    """Return a reader in the checkout."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return Reader(own, REPOSITORY, folder, {})


@pytest.fixture
def on_the_stage(product: Product, folder: Path) -> Iterator[Reader]:
    """Return a reader whose product has counted the worked example."""
    scenario = load_scenario(EVENTS / "scenarios" / "worked-example.json")
    product.play(scenario)
    event = next(step.event for step in scenario.steps if step.about == "D1 succeeds")
    tooling = str(event["account"])
    queue = keep_as_failed(product, event)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    accounts = {"operations": product.account, "tooling": tooling}
    with (
        profiles(product.emulator, accounts, product.region) as environment,
        the_sample(product, tooling),
    ):
        yield Reader(
            environment
            | {
                "AWS_PROFILE": "operations",
                "PATH": f"{BINARY.parent}{os.pathsep}{environment['PATH']}",
            },
            folder,
            folder,
            {
                "REGION": product.region,
                "ACCOUNT": product.account,
                "RULE": product.operations("events").list_rules()["Rules"][0]["Name"],
                "URL": queue,
                # For SQS alone, version 1 of the AWS CLI overlooks the endpoint of the environment.
                "aws sqs": f"aws --endpoint-url {product.emulator.endpoint} sqs",
                "oi-0123456789ab": "oi-0000000000a1",
                "2026-11-02": event["time"][:10],
            },
        )


def keep_as_failed(product: Product, event: Event) -> str:
    """Put a report into a failure queue, as Lambda does, and return the queue's URL."""
    sqs: Any = product.operations("sqs")
    url: str = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    report: Mapping[str, Any] = {"requestPayload": event, "responsePayload": {}}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(report))
    return url


@contextlib.contextmanager
def the_sample(product: Product, account: str) -> Iterator[None]:
    """Let a stack be there that goes by the name of one of AWS's sample."""
    cloudformation = product.emulator.client("cloudformation", account, SAMPLES_REGION)
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.create_stack(StackName=SAMPLES_STACK, TemplateBody=json.dumps(template))
    yield
    cloudformation.delete_stack(StackName=SAMPLES_STACK)


def _day(distance: int) -> str:
    return (datetime.now(UTC) + timedelta(days=distance)).date().isoformat()
