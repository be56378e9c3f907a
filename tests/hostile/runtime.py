"""Plays Lambda to one compiled function: its runtime API, and a network where everybody refuses.

It is quicker than the stage, so that a function can be watched over thousands of events: what it
answers, what it logs, and what it takes of memory.
"""

import contextlib
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from stage import HOME

SETTINGS = {
    "TOOLING_ACCOUNT_IDS": "111122223333,777788889999",
    "INCIDENT_ACCOUNTS": "444455556666/eu-west-1",
    "LEDGER_TABLE": "dora-ledger",
    "APP_REPOSITORY_NAMES": "acme/payments",
    "GITHUB_TOKEN_SECRET_ID": "dora-github-token",
    "TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE": "",
}
_HANG_SECONDS = 60
"""No event takes a hundredth of it: what does, hangs."""
_REFUSAL = json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode()


@dataclass
class Process:
    """A running function."""

    process: "subprocess.Popen[bytes]"
    log: Path
    _lambda: "_Lambda"

    def invoke(self, payload: bytes) -> Any:
        """Hand over a payload, and return what comes back: an answer, or an error's document."""
        self._lambda.payloads.put(payload)
        try:
            return json.loads(self._lambda.answers.get(timeout=_HANG_SECONDS))
        except queue.Empty:
            ended = self.process.poll()
            how = "hangs" if ended is None else f"ended with {ended}"
            raise AssertionError(f"the function {how}") from None

    @property
    def memory(self) -> int:
        """Return what it takes of memory now, in KiB, as Linux keeps it."""
        return self._figure("VmRSS")

    @property
    def peak(self) -> int:
        """Return what it took at most."""
        return self._figure("VmHWM")

    def _figure(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kibibytes,) = re.findall(rf"{name}:\s+(\d+) kB", status)
        return int(kibibytes)


@dataclass
class _Lambda:
    payloads: "queue.Queue[bytes | None]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[bytes]" = field(default_factory=queue.Queue)


@contextlib.contextmanager
def running(function: str) -> Iterator[Process]:
    """Run a function, as the stage has it, for as long as the context lasts."""
    service = _Lambda()
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        with zipfile.ZipFile(HOME / "lambda" / function / "bootstrap.zip") as package:
            binary = Path(package.extract("bootstrap", scratch))
        binary.chmod(0o755)
        log = Path(scratch) / "log"
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with log.open("w") as output:
            process = subprocess.Popen(
                [binary],
                env=_environment(f"127.0.0.1:{server.server_port}"),
                stdout=output,
                stderr=output,
            )
        try:
            yield Process(process, log, service)
        finally:
            process.kill()
            process.wait()
            service.payloads.put(None)
            server.shutdown()
            server.server_close()


def _environment(address: str) -> dict[str, str]:
    return {
        **SETTINGS,
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "hostile",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAHOSTILEINPUT0000",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _handler(service: _Lambda) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            payload = service.payloads.get()
            if payload is None:
                self.close_connection = True
                return
            deadline = str(int(time.time() * 1000) + 60_000)
            self._answer(
                200,
                payload,
                {
                    "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    "Lambda-Runtime-Deadline-Ms": deadline,
                    "Lambda-Runtime-Invoked-Function-Arn": (
                        "arn:aws:lambda:eu-west-1:444455556666:function:hostile"
                    ),
                },
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/2018-06-01/runtime/"):  # an answer, or an error
                self._answer(202, b"{}", {})
                service.answers.put(body)
            else:
                self._answer(400, _REFUSAL, {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the function was stopped
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing of each request."""

    return Handler
