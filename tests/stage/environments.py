"""Knows which process handles which invocation, and ends processes as machines and Lambda do.

Lambda gives every invocation a trace id, sampled or not, and the SDK sends it with every call. The
emulator does so only for functions that are traced.
"""

import secrets
import signal
import time
from threading import Lock
from typing import Any

from ministack.core.lambda_runtime import ProvidedWorker

from stage.publications import Publications


class Environments:
    """The execution environments that are at work."""

    def __init__(self, publications: Publications) -> None:
        self._publications = publications
        self._at_work: dict[str, ProvidedWorker] = {}
        self._lock = Lock()

    def of(self, trace: str) -> tuple[str, int]:
        """Return the function that an invocation is of, and its time-out; nothing if it is over."""
        with self._lock:
            worker = self._at_work.get(trace)
        return (worker.func_name, worker.config["Timeout"]) if worker else ("", 0)

    def at_work(self) -> list[str]:
        """Return the invocations that are not over, in the order in which they began."""
        with self._lock:
            return list(self._at_work)

    def kill(self, trace: str) -> bool:
        """End the process of an invocation at once; tell whether it had one."""
        return self._signal(trace, signal.SIGKILL)

    def freeze(self, trace: str) -> bool:
        """Stop the process where it is, so that Lambda ends it by the time-out."""
        return self._signal(trace, signal.SIGSTOP)

    def _signal(self, trace: str, number: signal.Signals) -> bool:
        with self._lock:
            worker = self._at_work.get(trace)
            process = worker._proc if worker else None
            if process is None or process.poll() is not None:
                return False
            process.send_signal(number)
            return True

    def run(self, worker: Any, invoke: Any, *arguments: Any, **more: Any) -> Any:
        """Run an invocation, under a trace id of its own."""
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        with self._lock:
            self._at_work[trace] = worker
        more["trace_id"] = f"{trace};Parent={secrets.token_hex(8)};Sampled=0"
        try:
            result = invoke(worker, *arguments, **more)
            if result.get("error_payload", {}).get("errorType") == "Sandbox.Timedout":
                self._publications.end(trace, "time-out")
            return result
        finally:
            with self._lock:
                del self._at_work[trace]


def install(environments: Environments) -> None:
    """Take over the beginning and the end of invocations."""
    invoke = ProvidedWorker.invoke

    def traced(worker: Any, *arguments: Any, **more: Any) -> Any:
        return environments.run(worker, invoke, *arguments, **more)

    ProvidedWorker.invoke = traced
