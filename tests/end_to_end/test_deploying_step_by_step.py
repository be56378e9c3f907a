"""The page for a first deployment: its commands, run in their order, print what it says."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

from end_to_end.documented import commands
from stage import EVENTS, HOME, REPOSITORY
from stage.deploy import stacks
from stage.emulator import Emulator, running
from stage.github import TOKEN
from stage.product import Product, point_to_github
from stage.profiles import profiles
from stage.scenario import load_event

PAGE = REPOSITORY / "docs" / "deploying-step-by-step.md"
LEFT_OUT = "…"
ACCOUNTS = {"operations": "444455556666", "tooling": "111122223333"}
REGION = "eu-west-1"

NOT_RUN = {"make build"}
"""It takes ten minutes; the quick build of the stage stands in for what it leaves."""

TYPED = {
    "make deploy ": "y\n",
    "make destroy ": "y\n",
    ".venv/bin/aws secretsmanager put-secret-value": f"{TOKEN}\n\x04",
}

CONFIGURATION = """import {{ configuration as stage }} from "{stage}";
export const configuration = {{
  ...stage,
  operations: {{ account: "{account}", region: "{region}" }},
  tooling: stage.tooling.slice(0, 1),
  incidents: {{ ...stage.incidents, accounts: stage.incidents.accounts.slice(0, 1) }},
}};
"""


def test_the_commands_print_what_the_page_says() -> None:
    with tempfile.TemporaryDirectory(prefix="step-by-step-", dir=HOME) as folder:
        scratch = Path(folder)
        with running() as emulator, profiles(emulator, ACCOUNTS, REGION) as environment:
            operator = environment | settings(scratch)
            meanwhile: dict[str, Callable[[], None]] = {
                "3. Write the configuration": lambda: configure(scratch, "44445555666"),
                "4. Write the templates": lambda: configure(scratch, ACCOUNTS["operations"]),
                "8. The first numbers": lambda: deploy_to_production(emulator, scratch),
            }
            for section, together in groupby(commands(PAGE), key=lambda each: each.section):
                meanwhile.pop(section, lambda: None)()
                for command in together:
                    if command.line not in NOT_RUN:
                        printed = run(command.line, operator)
                        assert difference(command.printed, printed) is None, "\n".join(printed)
            assert not meanwhile


def settings(scratch: Path) -> dict[str, str]:
    """Let `make` and the CDK work on what is the test's own, by the commands of the page."""
    own = {
        "CONFIG": scratch / "config.mts",
        "ASSEMBLY": scratch / "cdk.out",
        "LAMBDA_DIR": HOME / "lambda",
    }
    variables = (f"{name}={path.relative_to(REPOSITORY)}" for name, path in own.items())
    return {
        "MAKEFLAGS": f" -- {' '.join(variables)}",
        "CDK_OUTPUT": str(own["ASSEMBLY"]),
        "NODE_NO_WARNINGS": "1",
    }


def configure(scratch: Path, account: str) -> None:
    """Write the configuration as the reader does: of the page's two accounts."""
    stage = os.path.relpath(REPOSITORY / "infra" / "stage.config.ts", scratch)
    text = CONFIGURATION.format(stage=stage, account=account, region=REGION)
    (scratch / "config.mts").write_text(text)


def deploy_to_production(emulator: Emulator, scratch: Path) -> None:
    """Let CodePipeline say that a pipeline succeeded."""
    product = Product(emulator, stacks(scratch / "cdk.out"))
    point_to_github(product)
    event, services = load_event(EVENTS / "codepipeline" / "pipeline-succeeded.json")
    product.load(services)
    emulator.emit(event)
    emulator.settle()


def run(command: str, environment: Mapping[str, str]) -> list[str]:
    """Run a command as from a terminal, with an answer typed to it, and return what it printed."""
    answer = next((text for start, text in TYPED.items() if command.startswith(start)), "")
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, answer.encode())
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)
    # The terminal shows what is typed, not the command.
    return done.stdout.replace("[y/N] ", f"[y/N] {answer}").splitlines()


def difference(page: list[str], printed: list[str]) -> str | None:
    """Return the first lines of the page that are not where they should be; none is right.

    Lines that stand together must be printed together. Spaces are layout.
    """
    end = "(nothing more)"
    there = [*filter(None, map(spaced, ["(begin)", *printed])), end]
    position = 0
    for left_out, lines in groupby(
        ["(begin)", *page, end], key=lambda line: spaced(line) == LEFT_OUT
    ):
        if left_out:
            continue
        wanted = [*filter(None, map(spaced, lines))]
        starts = range(position, len(there) - len(wanted) + 1)
        found = next((at for at in starts if all(map(matches, wanted, there[at:]))), None)
        if found is None:
            return "\n".join(wanted)
        position = found + len(wanted)
    return None


def spaced(line: str) -> str:
    """Return a line with single spaces."""
    return " ".join(line.split())


def matches(wanted: str, line: str) -> bool:
    """Tell whether a line is as the page says, but for what the page leaves out of it."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split(LEFT_OUT))), line) is not None
