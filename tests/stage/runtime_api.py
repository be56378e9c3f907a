"""Lambda's side of a function's process: starts it, gives it events, takes its answers.

Source: "Using the Lambda runtime API for custom runtimes" in the AWS Lambda Developer Guide.
"""

import asyncio
import json
import subprocess
import time
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from stage.wire import Reply, Request, response, serving

_RUNTIME = "/2018-06-01/runtime"
_LONGEST = 60
"""Seconds to wait for a function at most: far more than any needs."""


class FunctionFailed(Exception):
    """A function did not start, or ended an event with an error; `document` says with which."""

    def __init__(self, arn: str, document: bytes) -> None:
        super().__init__(f"{arn}: {document.decode(errors='replace')}")
        self.document = document


class Environment:
    """An execution environment: a process that is asked one event after the other."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._poll: asyncio.Future[tuple[Reply, float]] = asyncio.Future()
        self._answer: asyncio.Future[tuple[Any, float]] = asyncio.Future()
        self._is_busy = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def start(self, command: Sequence[str], variables: dict[str, str], log: Path) -> None:
        """Start the process."""
        with log.open("ab") as output:
            self._started = perf_counter()
            self._process = subprocess.Popen(
                command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    async def ready(self) -> float:
        """Return the seconds from the start to the first poll."""
        at: float
        _, at = await self._within(asyncio.shield(self._poll))
        return at - self._started

    async def first_answer(self, event: Any) -> float:
        """Give the first event; return the seconds from the start to its answer."""
        _, _, ended = await self.invoke(event)
        return ended - self._started

    async def invoke(self, event: Any) -> tuple[Any, float, float]:
        """Give an event; return its answer, when it was given and when it was answered."""
        return await self.hand(json.dumps(event).encode())

    async def hand(self, payload: bytes) -> tuple[Any, float, float]:
        """Do the same with a payload, whatever it holds."""
        reply, _ = await self._within(self._poll)
        self._poll, self._answer = asyncio.Future(), asyncio.Future()
        self._is_busy = True
        headers = {
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "lambda-runtime-deadline-ms": str(int(time.time() * 1000) + 120_000),
            "lambda-runtime-invoked-function-arn": self._arn,
            "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }
        given = response(200, headers, payload)
        begun = perf_counter()
        reply(given)
        try:
            answer, ended = await self._within(self._answer)
        finally:
            self._is_busy = False
        return answer, begun, ended

    def cpu(self) -> float:
        """Return the processor time of all threads so far, in seconds."""
        tasks = self._proc.glob("task/*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> int:
        """Return the memory that is resident now, in bytes."""
        return self._bytes("VmRSS")

    def peak_memory(self) -> int:
        """Return the most memory that was resident, in bytes."""
        return self._bytes("VmHWM")

    def _bytes(self, figure: str) -> int:
        status = (self._proc / "status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{figure}:"))
        return int(line.split()[1]) * 1024

    @property
    def exit_code(self) -> int | None:
        """Return what the process ended with, if it has."""
        return self._process.poll() if self._process else None

    def terminate(self) -> None:
        """Ask the process to end, and wait until it has."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_LONGEST)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def answer(self, request: Request, reply: Reply) -> None:
        """Answer the runtime."""
        if request.path == f"{_RUNTIME}/invocation/next":
            self._poll.set_result((reply, request.at))
            return
        reply(response(202, {"content-type": "application/json"}, b'{"status":"OK"}'))
        if request.path.endswith("/response"):
            self._answer.set_result((json.loads(request.body or b"null"), request.at))
        else:
            failed = FunctionFailed(self._arn, request.body)
            (self._answer if self._is_busy else self._poll).set_exception(failed)

    async def _within(self, future: Any) -> Any:
        return await asyncio.wait_for(future, _LONGEST)

    @property
    def _proc(self) -> Path:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}")


@asynccontextmanager
async def environment(
    arn: str, command: Sequence[str], variables: dict[str, str], log: Path
) -> AsyncIterator[Environment]:
    """Run a function for as long as the context lasts."""
    started = Environment(arn)
    async with serving(started.answer) as address:
        own = {
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": arn.rpartition(":")[2],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        try:
            started.start(command, variables | own, log)
            yield started
        finally:
            started.stop()


def unpack(archive: Path, folder: Path) -> Path:
    """Take the program out of a function's zip."""
    with zipfile.ZipFile(archive) as opened:
        program = Path(opened.extract("bootstrap", folder))
    program.chmod(0o755)
    return program
