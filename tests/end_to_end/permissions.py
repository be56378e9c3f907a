"""Reads what the deployed roles may do, and holds against it what they did."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stage.product import Product


@dataclass(frozen=True)
class Permission:
    """One action on one resource, or on all that a pattern matches: the least that can be given."""

    role: str
    action: str
    resource: str
    conditions: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def allows(self, call: "Call") -> bool:
        """Tell whether it allows the call."""
        return (
            self.role == call.role
            and _matches(self.action.lower(), call.action.lower())
            and _matches(self.resource, call.resource)
            and all(
                call.conditions.get(key) in _listed(values)
                for key, values in self.conditions.items()
            )
        )

    def __str__(self) -> str:
        return f"{_in_short(self.role)}: {self.action} on {self.resource}"


@dataclass(frozen=True)
class Call:
    """What a role did, or tried to, in a test."""

    test: str
    expects_refusals: bool
    role: str
    action: str
    resource: str
    conditions: Mapping[str, str] = field(hash=False)
    allowed: bool

    def __str__(self) -> str:
        return f"{_in_short(self.role)}: {self.action} on {self.resource} (in {self.test})"


def given(product: Product) -> list[Permission]:
    """Return every permission that the templates give to roles, as deployed."""
    return [
        Permission(arn, action, resource, conditions)
        for iam, role, arn in _roles(product)
        for statement in _statements(iam, role)
        for conditions in [_equalities(statement)]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def trusted(product: Product) -> list[Permission]:
    """Return which roles may assume a role by what that one says; services are left out."""
    return [
        Permission(assuming, statement["Action"], arn)
        for iam, role, arn in _roles(product)
        for statement in iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"][
            "Statement"
        ]
        if "AWS" in statement["Principal"]
        for assuming in _listed(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"])
    ]


def _roles(product: Product) -> Iterator[tuple[Any, str, str]]:
    """Yield every role of the templates: a client for it, its name, its ARN."""
    for stack in product.stacks:
        for role in product.deployed(stack, "AWS::IAM::Role").values():
            yield product.client("iam", stack), role, f"arn:aws:iam::{stack.account}:role/{role}"


def _statements(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)
        yield from _listed(policy["PolicyDocument"]["Statement"])


def _equalities(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement's conditions; it may hold nothing that would be read wrongly here."""
    conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    if statement["Effect"] != "Allow" or statement.keys() - known or conditions.keys() - _OPERATORS:
        raise ValueError(f"not understood: {json.dumps(statement)}")
    return conditions.get("StringEquals", {})


_OPERATORS = {"StringEquals"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Read a pattern of IAM: `*` is any text, `?` any letter."""
    parts = re.split(r"([*?])", pattern)
    return re.compile("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in parts))


def _in_short(role: str) -> str:
    account, name = role.removeprefix("arn:aws:iam::").split(":role/")
    return f"{name} in {account}"
