"""What an operator runs to deploy, update and remove the product, each command as documented."""

import subprocess
from collections.abc import Iterator, Mapping
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
FUNCTION = "deployment-frequency"


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


def test_a_deployment_from_first_to_last(product: Product, operator: Environment) -> None:
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

    updated = make(operator, "deploy-functions", f"LAMBDA_DIR={BUILT.relative_to(REPOSITORY)}")
    assert updated.returncode == 0, updated.stderr
    assert configuration(functions) == before
    answers(product)


def test_no_function_is_made_that_the_stacks_do_not_have(
    product: Product, operator: Environment
) -> None:
    assert product.operations("lambda").list_functions()["Functions"] == []
    refused = make(operator, "deploy-functions", f"LAMBDA_DIR={BUILT.relative_to(REPOSITORY)}")
    assert "ResourceNotFoundException" in refused.stderr
    assert product.operations("lambda").list_functions()["Functions"] == []


def make(operator: Environment, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `make` as an operator does."""
    return subprocess.run(
        ["make", *arguments],
        cwd=REPOSITORY,
        env=operator,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


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
