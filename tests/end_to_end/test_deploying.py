"""What an operator runs to deploy, update and remove the product, each command as documented."""

import base64
import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stage import CDK_OUT, EVENTS, HOME, REPOSITORY
from stage.deploy import stacks
from stage.emulator import Emulator, running
from stage.product import Product
from stage.profiles import profiles
from stage.scenario import load_event

Environment = Mapping[str, str]

ASSEMBLY = f"ASSEMBLY={CDK_OUT.relative_to(REPOSITORY)}"
BUILT = HOME / "lambda"
CONFIG = "infra/stage.config.ts"
FUNCTION = "deployment-frequency"
QUEUE = "dora-lead-time-failed-events"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Run a stage with nothing deployed on it."""
    with running() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def product(emulator: Emulator) -> Product:
    """Return what will be the product; nothing is deployed yet."""
    return Product(emulator, stacks(CDK_OUT))


@pytest.fixture(scope="module")
def operator(product: Product) -> Iterator[Environment]:
    """Return the environment of an operator who has a profile for each account."""
    others = {each.account for each in product.stacks} - {product.account}
    accounts = {"operations": product.account} | {f"of-{each}": each for each in others}
    with profiles(product.emulator, accounts, product.region) as environment:
        own = {f"PROFILE_{each}": f"of-{each}" for each in others}
        yield environment | own | {"OPERATIONS_PROFILE": "operations"}


def test_a_deployment_from_first_to_last(
    product: Product, operator: Environment, tmp_path: Path
) -> None:
    early = make(operator, "deploy", ASSEMBLY)
    assert early.returncode != 0
    for account, region in {(each.account, each.region) for each in product.stacks}:
        assert f"{account}, {region}: not prepared for the CDK yet: run make" in early.stderr
    assert made_stacks(product) == set()

    assert make(operator, "bootstrap", ASSEMBLY).returncode == 0
    unasked = make(operator, "deploy", ASSEMBLY)
    assert "Deploy this? Nobody to ask: set APPROVE=yes" in unasked.stderr
    assert made_stacks(product) == set()

    done = make(operator, "deploy", ASSEMBLY, "APPROVE=yes")
    assert done.returncode == 0, done.stderr
    assert made_stacks(product) == {each.name for each in product.stacks}
    answers(product)

    functions_are_updated_alone(product, operator)
    code_that_was_deployed_alone_is_deployed_with_the_stacks(product, operator, tmp_path)

    product.operations("sqs").send_message(QueueUrl=queue(product, QUEUE), MessageBody="{}")
    unasked = make(operator, "destroy", ASSEMBLY)
    assert f"{product.account}, {product.region}: 1 events wait in {QUEUE}" in unasked.stdout
    assert "GitHub's token" in unasked.stderr
    assert made_stacks(product) == {each.name for each in product.stacks}
    gone = make(operator, "destroy", ASSEMBLY, "APPROVE=yes")
    assert gone.returncode == 0, gone.stderr
    assert made_stacks(product) == set()
    assert product.operations("dynamodb").list_tables()["TableNames"] == ["dora-ledger"]
    assert product.operations("events").list_archives()["Archives"] == []


def functions_are_updated_alone(product: Product, operator: Environment) -> None:
    """See `make deploy-functions` bring code, memory and time-out, and leave the rest alone."""
    functions = product.operations("lambda")
    before = configuration(functions)
    functions.update_function_code(
        FunctionName=FUNCTION, ZipFile=(BUILT / "lead-time" / "bootstrap.zip").read_bytes()
    )
    functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=512, Timeout=3)
    assert configuration(functions) != before

    updated = make(operator, "deploy-functions", f"LAMBDA_DIR={relative(BUILT)}")
    assert updated.returncode == 0, updated.stderr
    assert configuration(functions) == before
    answers(product)


def code_that_was_deployed_alone_is_deployed_with_the_stacks(
    product: Product, operator: Environment, scratch: Path
) -> None:
    """See `make deploy` take over what `make deploy-functions` brought, and then do nothing."""
    newer, assembly = scratch / "lambda", scratch / "cdk.out"
    shutil.copytree(BUILT, newer)
    zip_file = newer / FUNCTION / "bootstrap.zip"
    with zipfile.ZipFile(zip_file, "a") as packed:
        packed.writestr("newer", "")
    newer_hash = base64.b64encode(hashlib.sha256(zip_file.read_bytes()).digest()).decode()

    updated = make(operator, "deploy-functions", f"LAMBDA_DIR={relative(newer)}")
    assert updated.returncode == 0, updated.stderr
    functions = product.operations("lambda")
    assert configuration(functions)["CodeSha256"] == newer_hash

    synthesise(operator, newer, assembly)
    for _ in range(2):
        done = make(operator, "deploy", f"ASSEMBLY={relative(assembly)}", "APPROVE=yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert configuration(functions)["CodeSha256"] == newer_hash
        described = functions.get_function_configuration(FunctionName=FUNCTION)["Description"]
        assert described.endswith(newer_hash)
    answers(product)


def test_functions_of_another_account_are_left_alone(
    product: Product, operator: Environment
) -> None:
    """See profiles found as `make deploy` finds them, and another account's refused."""
    other = next(each.account for each in product.stacks if each.account != product.account)
    own = {f"PROFILE_{product.account}": f"of-{other}"}
    built = f"LAMBDA_DIR={relative(BUILT)}"
    for arguments in (["deploy-functions", built], ["redrive", f"QUEUE={QUEUE}"]):
        refused = make({**operator, **own}, *arguments)
        assert refused.returncode != 0
        assert f"are of account {other}; the functions are in {product.account}" in " ".join(
            refused.stderr.split()
        )


def test_no_function_is_made_that_the_stacks_do_not_have(
    product: Product, operator: Environment
) -> None:
    assert product.operations("lambda").list_functions()["Functions"] == []
    refused = make(operator, "deploy-functions", f"LAMBDA_DIR={relative(BUILT)}")
    assert "ResourceNotFoundException" in refused.stderr
    assert product.operations("lambda").list_functions()["Functions"] == []


def make(operator: Environment, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `make` as an operator does."""
    return subprocess.run(
        ["make", *arguments, f"CONFIG={CONFIG}"],
        cwd=REPOSITORY,
        env=operator,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def synthesise(operator: Environment, built: Path, assembly: Path) -> None:
    """Write the templates of the stage's organisation with other code."""
    subprocess.run(
        [
            *("node_modules/.bin/cdk", "synth", "--quiet", "--output", assembly),
            *("--context", f"configuration={CONFIG}"),
            *("--context", f"lambdaDir={built}"),
        ],
        cwd=REPOSITORY / "infra",
        env=dict(operator),
        check=True,
        timeout=120,
    )


def relative(path: Path) -> str:
    """Return a path as `make` is told it."""
    return os.path.relpath(path, REPOSITORY)


def queue(product: Product, name: str) -> str:
    """Return a queue's address."""
    address: str = product.operations("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    return address


def made_stacks(product: Product) -> set[str]:
    """Return the product's stacks that exist, in all accounts."""
    there = set()
    for stack in {(each.account, each.region): each for each in product.stacks}.values():
        pages = product.client("cloudformation", stack).describe_stacks()["Stacks"]
        there |= {each["StackName"] for each in pages if each["StackName"].startswith("Dora")}
    return there


def configuration(functions: Any) -> dict[str, Any]:
    """Return what matters of a function's configuration, its code's hash among it."""
    answer = functions.get_function_configuration(FunctionName=FUNCTION)
    names = ("CodeSha256", "MemorySize", "Timeout", "Role", "Environment", "Architectures")
    return {name: answer[name] for name in names}


def answers(product: Product) -> None:
    """See the function at work: with its role, its ledger and its way to CodePipeline."""
    event, services = load_event(EVENTS / "codepipeline" / "pipeline-succeeded.json")
    product.load(services)
    assert product.invoke(FUNCTION, event)["outcome"] in ("published", "duplicate")
