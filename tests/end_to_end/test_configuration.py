"""A wrong setting stops a function at its start, with the setting's name."""

import urllib.request
from collections.abc import Callable, Iterator

import pytest

from end_to_end.deployments import FUNCTION, deployed
from stage.product import FunctionFailed, Product

Start = Callable[[dict[str, str]], str]


@pytest.fixture
def start(product: Product) -> Iterator[Start]:
    """Return a way to deploy the same binary with other settings."""
    functions = product.operations("lambda")
    answer = functions.get_function(FunctionName=FUNCTION)
    original = answer["Configuration"]
    with urllib.request.urlopen(answer["Code"]["Location"]) as code:
        package = code.read()
    made: list[str] = []

    def deploy(settings: dict[str, str]) -> str:
        name = f"misconfigured-{len(made)}"
        functions.create_function(
            FunctionName=name,
            Code={"ZipFile": package},
            Environment={"Variables": settings},
            **{member: original[member] for member in ("Runtime", "Handler", "Role", "Timeout")},
        )
        made.append(name)
        return name

    yield deploy
    for name in made:
        functions.delete_function(FunctionName=name)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("LEDGER_TABLE", None),
        ("LEDGER_TABLE", ""),
        ("TOOLING_ACCOUNT_IDS", None),
        ("TOOLING_ACCOUNT_IDS", "1234"),
        ("LEDGER_RETENTION_DAYS", "soon"),
        ("LEDGER_RETENTION_DAYS", "1"),
        ("METRIC_NAMESPACE", "AWS/DORA"),
        ("TEAM_BY_REPOSITORY", "acme/web=Storefront"),
        ("APP_REPOSITORY_NAMES", '["acme/payments"'),
    ],
)
def test_a_wrong_setting_is_named(
    product: Product, start: Start, setting: str, value: str | None
) -> None:
    settings = {**product.settings[FUNCTION]}
    settings.pop(setting)
    name = start(settings if value is None else {**settings, setting: value})
    with pytest.raises(FunctionFailed, match=setting):
        product.invoke(name, deployed(product))


def test_what_has_a_default_need_not_be_set(product: Product, start: Start) -> None:
    required = ("LEDGER_TABLE", "TOOLING_ACCOUNT_IDS")
    name = start({setting: product.settings[FUNCTION][setting] for setting in required})
    assert product.invoke(name, deployed(product))["outcome"] == "published"
