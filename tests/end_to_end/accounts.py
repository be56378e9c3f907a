"""Lets a function read in an account that the stage's configuration does not name, for a while."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from stage.product import Product


@contextlib.contextmanager
def with_role_in(
    product: Product, function: str, account: str, role: str, actions: list[str]
) -> Iterator[None]:
    """Make a role that allows these actions in an account, and let the function assume it."""
    here, there = product.operations("iam"), product.emulator.client("iam", account, product.region)
    roles = [each["RoleName"] for each in here.list_roles()["Roles"]]
    (own,) = [name for name in roles if f"dora-{function}" in name]
    arn = f"arn:aws:iam::{account}:role/{role}"
    trusted = {"Principal": {"AWS": f"arn:aws:iam::{product.account}:root"}}
    there.create_role(
        RoleName=role, AssumeRolePolicyDocument=_policy({"Action": "sts:AssumeRole", **trusted})
    )
    there.put_role_policy(
        RoleName=role,
        PolicyName="Read",
        PolicyDocument=_policy({"Action": actions, "Resource": "*"}),
    )
    here.put_role_policy(
        RoleName=own,
        PolicyName="Elsewhere",
        PolicyDocument=_policy({"Action": "sts:AssumeRole", "Resource": arn}),
    )
    try:
        yield
    finally:
        here.delete_role_policy(RoleName=own, PolicyName="Elsewhere")
        there.delete_role_policy(RoleName=role, PolicyName="Read")
        there.delete_role(RoleName=role)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
