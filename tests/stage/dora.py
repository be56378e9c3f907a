"""Runs `dora`, the operator's command, as an operator does, against a stage."""

import json
import subprocess
from typing import Any

from stage import HOME
from stage.product import Product
from stage.profiles import profiles

BINARY = HOME / "bin" / "dora"
OPERATIONS = "operations"


def dora(product: Product, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the operations account's profile; others are called as the accounts."""
    accounts = {stack.account: stack.account for stack in product.stacks}
    accounts[OPERATIONS] = product.account
    with profiles(product.emulator, accounts, product.region) as environment:
        return subprocess.run(
            [str(BINARY), "--profile", OPERATIONS, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


def asked(product: Product, *arguments: str) -> Any:
    """Run the command, which must succeed, and return the JSON that it prints."""
    result = dora(product, *arguments, "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
