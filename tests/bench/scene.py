"""The local stage as far as the functions need it: a ledger, a token, roles that they may assume.

What happened there is the worked example's day: a deployment of ten commits, and one that ends an
incident.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench import ACCOUNT, INCIDENT_ACCOUNT, REGION, TOOLING_ACCOUNT
from bench.endpoints import Endpoints
from stage import EVENTS
from stage.emulator import SECRET, Emulator, running
from stage.github import TOKEN
from stage.scenario import Event, Scenario, load_scenario
from stage.wire import serving

_TABLE, _TOKEN = "dora-ledger", "dora-github-token"
_ROLES = {
    TOOLING_ACCOUNT: "ToolingCrossAccountLambdaRole",
    INCIDENT_ACCOUNT: "DoraOpsCenterReadRole",
}
_DEPLOYMENT, _HOTFIX = "D4 succeeds", "D2 succeeds"
"""The two events of the worked example that are played."""


def scenario() -> Scenario:
    """Return the worked example, with more commits in one of its deployments."""
    loaded = load_scenario(EVENTS / "scenarios" / "worked-example.json")
    (history,) = loaded.services.github
    steps = history["steps"]
    last = next(n for n, step in enumerate(steps) if step.get("commit") == "search-filters")
    first = {"commits": "filter", "count": 7, "on": steps[last]["on"]}
    steps.insert(last, first | {"authored": steps[last - 1]["authored"], "every": 60})
    return loaded


def events(loaded: Scenario) -> dict[str, Event]:
    """Return the event that each function is measured with."""
    deployment, hotfix = (
        next(step.event for step in loaded.steps if step.about == about)
        for about in (_DEPLOYMENT, _HOTFIX)
    )
    others = dict.fromkeys(("deployment-frequency", "lead-time", "change-failure-rate"), deployment)
    return others | {"mttr": hotfix}


def prepare(emulator: Emulator, loaded: Scenario) -> None:
    """Make what the templates make, as far as the functions' own calls need it."""
    emulator.load_codepipeline(loaded.services.codepipeline)
    emulator.load_github(loaded.services.github)
    emulator.load_opscenter(loaded.services.opscenter)
    _operations(emulator, "dynamodb").create_table(
        TableName=_TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    _operations(emulator, "secretsmanager").create_secret(Name=_TOKEN, SecretString=TOKEN)
    for account, role in _ROLES.items():
        iam = emulator.client("iam", account, REGION)
        trust = _policy("sts:AssumeRole", Principal={"AWS": ACCOUNT})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        right = _policy("*", Resource="*")
        iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=right)


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Emulator, Endpoints, dict[str, str], dict[str, Event]]]:
    """Start it; yield also the endpoints before it, all functions' settings, and their events."""
    with running() as emulator:
        loaded = scenario()
        prepare(emulator, loaded)
        endpoints = Endpoints(emulator.endpoint)
        async with serving(endpoints.answer) as address:
            yield emulator, endpoints, variables(f"http://{address}"), events(loaded)


def clear(emulator: Emulator) -> None:
    """Make the ledger forget."""
    dynamodb = _operations(emulator, "dynamodb")
    for item in dynamodb.scan(TableName=_TABLE)["Items"]:
        dynamodb.delete_item(TableName=_TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def variables(endpoint: str) -> dict[str, str]:
    """Return the settings of all functions, and nothing of the user's own."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "LEDGER_TABLE": _TABLE,
        "TOOLING_ACCOUNT_IDS": TOOLING_ACCOUNT,
        "INCIDENT_ACCOUNTS": f"{INCIDENT_ACCOUNT}/{REGION}",
        "TEAM_BY_REPOSITORY": '{"acme/web": "Storefront"}',
        "GITHUB_TOKEN_SECRET_ID": _TOKEN,
        "GITHUB_API_URL": f"{endpoint}/_github",
    }


def _operations(emulator: Emulator, service: str) -> Any:
    return emulator.client(service, ACCOUNT, REGION)


def _policy(action: str, **whom_or_what: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **whom_or_what}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
