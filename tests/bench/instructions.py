"""Counts the instructions of a start by Valgrind, where that is installed: they hardly vary."""

import re
import shutil

from bench import HOME
from bench.contestants import Contestant
from bench.endpoints import Endpoints
from stage.runtime_api import environment

_COUNT = re.compile(r"Collected : (\d+)")


async def instructions(contestant: Contestant, endpoints: Endpoints) -> int | None:
    """Return how many instructions there are from the start to the first poll."""
    if shutil.which("valgrind") is None:
        return None
    log = HOME / "valgrind.log"
    log.unlink(missing_ok=True)
    endpoints.replay(contestant.cold)
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    async with environment(
        contestant.arn, command + contestant.command, contestant.variables, log
    ) as started:
        await started.ready()
        started.terminate()
    found = _COUNT.search(log.read_text())
    return int(found[1]) if found else None
