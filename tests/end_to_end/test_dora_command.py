"""`dora` as a command: help, completion, exit codes, and what it says when it cannot work."""

import os
import re
import subprocess
from collections.abc import Mapping

import pytest

from stage import REPOSITORY
from stage.dora import BINARY, dora
from stage.product import Product

COMMANDS = re.findall(
    r"^  (?!help)([a-z]+)  ",
    subprocess.run([str(BINARY), "--help"], capture_output=True, text=True, check=True).stdout,
    re.MULTILINE,
)
NOWHERE = "http://127.0.0.1:1"


def run(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command apart from any stage."""
    inherited = {name: each for name, each in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [str(BINARY), *arguments],
        env=inherited | {"AWS_EC2_METADATA_DISABLED": "true"} | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_built_for_users() -> None:
    """`make dora` takes minutes, so only what it would do is looked at."""
    plan = subprocess.run(
        ["make", "--dry-run", "dora"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "cargo build --release --locked --package dora-cli" in plan.stdout
    assert "target/release/dora" in plan.stdout


def test_the_help_names_the_commands_and_the_exit_codes() -> None:
    assert {"explain", "completions"} <= set(COMMANDS)
    told = run("--help").stdout
    assert re.findall(r"^  (\d)  ", told, re.MULTILINE) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples_that_it_takes(command: str) -> None:
    told = run(command, "--help")
    assert told.returncode == 0
    examples = re.findall(rf"^  (dora {command}.*)$", told.stdout, re.MULTILINE)
    assert examples, told.stdout
    for example in examples:
        words = re.split(r"\s{2,}| > ", example)[0].split()[1:]
        # Without a Region it gets as far as to read the command line, and no further.
        result = run(*words, environment={"AWS_CONFIG_FILE": os.devnull})
        assert result.returncode != 2, f"{example}: {result.stderr}"


@pytest.mark.parametrize("shell", ["bash", "elvish", "fish", "powershell", "zsh"])
def test_there_is_completion_for_each_shell(shell: str) -> None:
    script = run("completions", shell).stdout
    assert all(command in script for command in COMMANDS)


@pytest.mark.parametrize(("typed", "offered"), [("", COMMANDS), ("expl", ["explain"])])
def test_bash_completes_it(typed: str, offered: list[str]) -> None:
    script = run("completions", "bash").stdout
    result = subprocess.run(
        [
            "bash",
            "-c",
            f"{script}\nCOMP_WORDS=(dora '{typed}'); COMP_CWORD=1; "
            f"_dora dora '{typed}' dora; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(offered) <= set(result.stdout.split())


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_CONFIG_FILE": os.devnull}, "--region"),
        (
            {
                "AWS_REGION": "eu-west-1",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            },
            "--profile",
        ),
        (
            {
                "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": NOWHERE,
                "AWS_ACCESS_KEY_ID": "444455556666",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            "lambda:GetFunctionConfiguration",
        ),
    ],
    ids=["no Region", "no credentials", "nobody answers"],
)
def test_what_it_cannot_reach_it_says_with_the_next_step(
    environment: dict[str, str], says: str
) -> None:
    result = run("explain", "Changes", "2026-11-02", environment=environment)
    assert result.returncode == 3, result.stderr
    assert says in result.stderr
    assert result.stdout == ""


def test_where_nothing_is_deployed_it_says_how_to(product: Product) -> None:
    result = dora(product, "--region", "eu-central-1", "explain", "Changes", "2026-11-02")
    assert result.returncode == 3
    assert "no function deployment-frequency in eu-central-1" in result.stderr
    assert "make deploy" in result.stderr
