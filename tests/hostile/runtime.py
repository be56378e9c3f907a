"""Runs one compiled function under Lambda's runtime protocol, in a network where everybody refuses.

It is quicker than the stage, so that a function can be watched over thousands of events: what it
answers, what it logs, and what it takes of memory.
"""

import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stage import HOME
from stage.runtime_api import Environment, FunctionFailed, environment, unpack
from stage.wire import Reply, Request, response, serving

SETTINGS = {
    "TOOLING_ACCOUNT_IDS": "111122223333,777788889999",
    "INCIDENT_ACCOUNTS": "444455556666/eu-west-1",
    "LEDGER_TABLE": "dora-ledger",
    "APP_REPOSITORY_NAMES": "acme/payments",
    "GITHUB_TOKEN_SECRET_ID": "dora-github-token",
    "TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE": "",
}
_ARN = "arn:aws:lambda:eu-west-1:444455556666:function:hostile"
_REFUSAL = json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode()


@dataclass
class Process:
    """A running function."""

    log: Path
    _environment: Environment

    async def invoke(self, payload: bytes) -> Any:
        """Hand over a payload, and return what comes back: an answer, or an error's document."""
        try:
            answer, _, _ = await self._environment.hand(payload)
        except FunctionFailed as failed:
            return json.loads(failed.document)
        except TimeoutError:
            ended = self._environment.exit_code
            how = "hangs" if ended is None else f"ended with {ended}"
            raise AssertionError(f"the function {how}") from None
        return answer

    @property
    def memory(self) -> int:
        """Return what it takes of memory now, in bytes."""
        return self._environment.memory()

    @property
    def peak(self) -> int:
        """Return what it took at most."""
        return self._environment.peak_memory()


@asynccontextmanager
async def running(function: str) -> AsyncIterator[Process]:
    """Run a function, as the stage has it, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        program = unpack(HOME / "lambda" / function / "bootstrap.zip", Path(scratch))
        log = Path(scratch) / "log"
        async with (
            serving(_refuse) as address,
            environment(_ARN, [str(program)], _variables(address), log) as started,
        ):
            yield Process(log, started)


def _variables(address: str) -> dict[str, str]:
    return {
        **SETTINGS,
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAHOSTILEINPUT0000",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _refuse(_: Request, reply: Reply) -> None:
    reply(response(400, {"content-type": "application/json"}, _REFUSAL))
