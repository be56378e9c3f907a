"""One production deployment for tests to play with, and what it must come to."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from stage import EVENTS
from stage.metrics import Value
from stage.product import Product
from stage.scenario import Event, load_event, move

FUNCTION = "deployment-frequency"

GITFLOW = EVENTS / "codepipeline" / "pipeline-succeeded.json"
"""Repository, branch and commit are all in its trigger."""

WITHOUT_TRIGGER = EVENTS / "codepipeline" / "pipeline-succeeded-no-trigger.json"


def deployed(product: Product, *, days_ago: int = 1, trigger: bool = True) -> Event:
    """Let a deployment of `acme/web` have happened, and return its event."""
    event, records = load_event(GITFLOW if trigger else WITHOUT_TRIGGER)
    days = timedelta(days=1 - days_ago)
    product.emulator.load_codepipeline(move(records, days))
    moved: Event = move(event, days)
    return moved


def again(event: Event) -> Event:
    """Return the event as it is when the service delivers it a second time."""
    return {**event, "id": str(uuid4())}


def counted_once(event: Event) -> dict[Value, float]:
    """Return all that CloudWatch holds when the deployment was counted, and once."""
    day = datetime.fromisoformat(event["time"]).date().isoformat()
    sets: list[dict[str, str]] = [{}, {"Repository": "acme/web"}, {"Team": "Storefront"}]
    return {Value("Deployments", frozenset(each.items()), day): 1 for each in sets}


@contextlib.contextmanager
def without_permissions(product: Product, account: str, role_name: str) -> Iterator[None]:
    """Take all permissions from the role whose name contains this, for a while."""
    stack = next(each for each in product.stacks if each.account == account)
    iam = product.client("iam", stack)
    (role,) = [
        each["RoleName"] for each in iam.list_roles()["Roles"] if role_name in each["RoleName"]
    ]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def error_type(answer: dict[str, Any]) -> Any:
    """Return the error that an invocation ended with, if it did."""
    return answer.get("error", {}).get("errorType")
