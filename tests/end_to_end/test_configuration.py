"""A wrong setting stops a function at its start, with the setting's name."""

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stage import EVENTS
from stage.product import FunctionFailed, Product
from stage.scenario import load_event

Start = Callable[[str, dict[str, str]], str]

GITHUB = EVENTS / "codepipeline" / "pipeline-succeeded.json"
GITLAB = EVENTS / "codepipeline" / "pipeline-succeeded-gitlab.json"
"""It asks nobody about commits: the default address of GitHub is the real one."""


@pytest.fixture
def start(product: Product) -> Iterator[Start]:
    """Return a way to deploy the same binary with other settings."""
    functions = product.operations("lambda")
    made: list[str] = []

    def deploy(function: str, settings: dict[str, str]) -> str:
        answer = functions.get_function(FunctionName=function)
        original = answer["Configuration"]
        with urllib.request.urlopen(answer["Code"]["Location"]) as code:
            package = code.read()
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


TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
"""What somebody may put where its secret's name belongs: no message shows it."""

OF_ALL = [
    ("LEDGER_TABLE", None),
    ("LEDGER_TABLE", ""),
    ("LEDGER_TABLE", "dora-ledger#1"),
    ("DEFAULT_MAIN_BRANCH", "main\nX-Evil: 1"),
    ("APP_PROD_STAGE_NAME", "Deploy/../PROD"),
    ("CROSS_ACCOUNT_EXTERNAL_ID", "two words"),
    ("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", "role/../Admin"),
    ("TOOLING_ACCOUNT_IDS", None),
    ("TOOLING_ACCOUNT_IDS", "1234"),
    ("LEDGER_RETENTION_DAYS", "soon"),
    ("LEDGER_RETENTION_DAYS", "1"),
    ("METRIC_NAMESPACE", "AWS/DORA"),
    ("TEAM_BY_REPOSITORY", "acme/web=Storefront"),
    ("APP_REPOSITORY_NAMES", '["acme/payments"'),
]
OF_GITHUB = [
    ("GITHUB_TOKEN_SECRET_ID", None),
    ("GITHUB_TOKEN_SECRET_ID", ""),
    ("GITHUB_TOKEN_SECRET_ID", TOKEN),
    ("GITHUB_TOKEN_SECRET_ID", f"{TOKEN} and more"),
    ("GITHUB_API_URL", f"https://:{TOKEN}@api.github.com"),
    ("GITHUB_API_URL", "api.github.com"),
    ("GITHUB_API_URL", "http://api.github.com"),
]
OF_INCIDENTS = [
    ("INCIDENT_ACCOUNTS", None),
    ("INCIDENT_ACCOUNTS", ""),
    ("INCIDENT_ACCOUNTS", "444455556666"),
    ("INCIDENT_SEVERITIES", "high"),
    ("INCIDENT_SOURCES", '["CloudWatch"'),
    ("ATTRIBUTION", "guess"),
    ("ATTRIBUTION_WINDOW_HOURS", "0"),
    ("ATTRIBUTION_WINDOW_HOURS", "a day"),
    ("OPSCENTER_ROLE", "arn:aws:iam::444455556666:role/Reader"),
]


@pytest.mark.parametrize(
    ("function", "setting", "value"),
    [
        *(("change-failure-rate", *wrong) for wrong in OF_ALL + OF_INCIDENTS),
        *(("deployment-frequency", *wrong) for wrong in OF_ALL),
        *(("lead-time", *wrong) for wrong in OF_ALL + OF_GITHUB),
        *(("mttr", *wrong) for wrong in OF_ALL + OF_GITHUB + OF_INCIDENTS),
    ],
)
def test_a_wrong_setting_is_named(
    product: Product, start: Start, function: str, setting: str, value: str | None
) -> None:
    settings = {**product.settings[function]}
    settings.pop(setting, None)
    name = start(function, settings if value is None else {**settings, setting: value})
    event, _ = load_event(GITHUB)
    with pytest.raises(FunctionFailed, match=f"{setting} .*; it must be") as failure:
        product.invoke(name, event)
    assert TOKEN not in str(failure.value)


@pytest.mark.parametrize(
    ("function", "required", "path", "answer"),
    [
        ("change-failure-rate", ("INCIDENT_ACCOUNTS",), GITHUB, {"outcome": "published"}),
        ("deployment-frequency", (), GITHUB, {"outcome": "published"}),
        (
            "lead-time",
            ("GITHUB_TOKEN_SECRET_ID",),
            GITLAB,
            {"outcome": "ignored", "reason": "unsupported-source"},
        ),
        (
            "mttr",
            ("GITHUB_TOKEN_SECRET_ID", "INCIDENT_ACCOUNTS"),
            GITLAB,
            {"outcome": "ignored", "reason": "no-ops-item-referenced"},
        ),
    ],
)
def test_what_has_a_default_need_not_be_set(
    product: Product,
    start: Start,
    function: str,
    required: tuple[str, ...],
    path: Path,
    answer: dict[str, str],
) -> None:
    event, services = load_event(path)
    product.load(services)
    # The roles of the stage ask for the external id.
    always = ("LEDGER_TABLE", "TOOLING_ACCOUNT_IDS", "CROSS_ACCOUNT_EXTERNAL_ID")
    needed = (*always, *required)
    name = start(function, {setting: product.settings[function][setting] for setting in needed})
    assert product.invoke(name, event).items() >= answer.items()
