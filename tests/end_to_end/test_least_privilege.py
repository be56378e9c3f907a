"""Least privilege, from both sides: what the roles did in all other tests, and what they may do.

These tests run last. The other side of the same is `infra/test/permissions.test.ts`: the table of
all permissions, for people to read.
"""

import pytest

from end_to_end.permissions import Call, given, trusted
from stage.product import Product

USED_BY_LAMBDA_ALONE = {
    "logs:CreateLogStream": "Lambda writes what the function prints, and opens streams for it",
    "logs:PutLogEvents": "Lambda writes what the function prints",
}
"""Actions for which no call is seen here, and why a role needs them all the same.

`sqs:SendMessage`, which Lambda uses too, is none of them: the stage asks for it as Lambda does.
"""


def test_every_call_is_allowed_by_the_templates(stage: Product, calls: list[Call]) -> None:
    if not calls:
        pytest.skip("no other test ran")
    permissions = given(stage)
    missing = {
        str(call)
        for call in calls
        if not call.expects_refusals
        and not (call.allowed and any(each.allows(call) for each in permissions))
    }
    assert sorted(missing) == []


@pytest.mark.usefixtures("whole_run")
def test_every_permission_is_used(stage: Product, calls: list[Call]) -> None:
    permissions = [*given(stage), *trusted(stage)]
    superfluous = [
        str(permission)
        for permission in permissions
        if permission.action not in USED_BY_LAMBDA_ALONE
        and not any(call.allowed and permission.allows(call) for call in calls)
    ]
    assert superfluous == []
    assert {permission.action for permission in permissions} >= USED_BY_LAMBDA_ALONE.keys()
