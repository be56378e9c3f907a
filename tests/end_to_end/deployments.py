"""One production deployment for tests to play with, and what it must come to."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from end_to_end.git import branch, commit, merged, opened
from end_to_end.histories import BEFORE, BOTH, ROOT, Outcome, Ships
from end_to_end.incidents import Incident, ops_items
from end_to_end.pipelines import Run, recent, records
from end_to_end.played import LEAD_TIME, in_cloudwatch
from stage.metrics import Value
from stage.product import Product
from stage.scenario import Event, move

FUNCTION = "deployment-frequency"
CHANGE_FAILURE_RATE, MTTR = "change-failure-rate", "mttr"
FUNCTIONS = (CHANGE_FAILURE_RATE, FUNCTION, LEAD_TIME, MTTR)

INCIDENT = Incident(0xD1, "08:30", names={"dora/repository": "acme/web"})
STEPS = [
    *ROOT,
    branch("feature"),
    commit("c1", "08:00", on="feature"),
    commit("c2", "09:00", on="feature", message=f"Mend the checkout: {INCIDENT.id}"),
    opened(1, "feature", "09:10"),
    merged(1, "squash", "09:30"),
    commit("c3", "10:40"),
]
TRIGGERED = (Run("#1", at="10:00"), Ships(BOTH, since="c0"))
BY_HAND = (Run("c3", at="11:00", trigger=False), Ships({"c3": "11:00 - 10:40 = 1200"}, since="#1"))
DEPLOYMENTS: list[tuple[Run, Outcome]] = [BEFORE, TRIGGERED, BY_HAND]


_COUNTED: dict[str, dict[str, float]] = {
    CHANGE_FAILURE_RATE: {"Changes": 1},
    FUNCTION: {"Deployments": 1},
    LEAD_TIME: {},
    MTTR: {"TimeToRecovery": 5400, "ReworkDeployments": 1},  # 10:00 - 08:30
}


def deployed(product: Product, *, days_ago: int = 1, trigger: bool = True) -> Event:
    """Let a deployment of `acme/web` have happened, which ended an incident; return its event.

    Repository, branch and commit are all in the event's trigger, if it has one.
    """
    runs = [run for run, _ in DEPLOYMENTS]
    days = recent(runs) + timedelta(days=1 - days_ago)
    product.emulator.load_github(move([{"repository": "acme/web", "steps": STEPS}], days))
    product.emulator.load_codepipeline(move(records(runs), days))
    product.emulator.load_opscenter(move(ops_items([INCIDENT]), days))
    run, _ = TRIGGERED if trigger else BY_HAND
    event: Event = move(run.event, days)
    return event


def again(event: Event) -> Event:
    """Return the event as it is when the service delivers it a second time."""
    return {**event, "id": str(uuid4())}


def calls_of(product: Product, function: str, event: Event) -> Counter[tuple[str, str]]:
    """Return which calls a function makes of which service for an event, and how many."""
    before = len(product.emulator.calls())
    product.invoke(function, event)
    made = product.emulator.calls()[before:]
    return Counter((each["service"], each["operation"]) for each in made)


def counted_once(event: Event, *functions: str) -> dict[Value, float]:
    """Return all that CloudWatch holds when these functions measured the deployment, and once."""
    day = datetime.fromisoformat(event["time"]).date().isoformat()
    sums: dict[Value, float] = {}
    for function in functions or [FUNCTION]:
        for metric, value in _COUNTED[function].items():
            sets: list[dict[str, str]] = [{}, {"Repository": "acme/web"}, {"Team": "Storefront"}]
            sums |= {Value(metric, frozenset(each.items()), day): value for each in sets}
    if LEAD_TIME in functions:
        execution = event["detail"]["execution-id"]
        own = [(run, outcome) for run, outcome in DEPLOYMENTS if run.id == execution]
        measured = in_cloudwatch(own).items()
        sums |= {each._replace(day=day): statistics.sum for each, statistics in measured}
    return sums


@contextlib.contextmanager
def without_permissions(
    product: Product, account: str, role_name: str, action: str = "*"
) -> Iterator[None]:
    """Take a permission, or all, from the role of this name, or logical id, for a while."""
    role, iam = _role(product, account, role_name)
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    assert action == "*" or action in json.dumps(document)
    less = {**document, "Statement": list(_without(document["Statement"], action))}
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    if less["Statement"]:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def _role(product: Product, account: str, name: str) -> tuple[str, Any]:
    """Return the physical name of a role, and a client for it."""
    ((stack, role),) = [
        (stack, physical_id)
        for stack in product.stacks
        if stack.account == account
        for logical_id, physical_id in product.deployed(stack, "AWS::IAM::Role").items()
        if name == physical_id or logical_id.startswith(name)
    ]
    return role, product.client("iam", stack)


def _without(statements: list[dict[str, Any]], action: str) -> Iterator[dict[str, Any]]:
    for each in statements:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        left = [other for other in actions if action not in ("*", other)]
        if left:
            yield {**each, "Action": left}


def error_type(answer: dict[str, Any]) -> Any:
    """Return the error that an invocation ended with, if it did."""
    return answer.get("error", {}).get("errorType")
