"""Starts and stops the stage's process, and speaks to it.

The process is a child with a group of its own, so that Ctrl-C reaches it only through this one;
it ends when the pipe to its standard input closes, and is killed where that does not help.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from stage import HOME
from stage.github import ROOT as GITHUB

LOG = HOME / "stage.log"
SECRET = "test"  # the emulator's for every account's own credentials
_START_SECONDS = 60
_STOP_SECONDS = 10
_LONGEST_REQUEST = 120


class DirectionRefused(Exception):
    """The stage did not understand a direction."""


@dataclass(frozen=True)
class Emulator:
    """A running stage."""

    endpoint: str

    def client(self, service: str, account: str, region: str, *, validate: bool = True) -> Any:
        """Return a client of AWS's SDK for an account's root user; it validates what it sends."""
        return _client(self.endpoint, service, account, region, validate)

    def emit(self, event: dict[str, Any]) -> None:
        """Let a service of AWS emit an event, in the account and Region that it names."""
        self._direct("emit", event)

    def load_codepipeline(self, records: list[dict[str, Any]]) -> None:
        """Give CodePipeline these histories, and no others."""
        self._direct("codepipeline", records)

    def load_opscenter(self, records: list[dict[str, Any]]) -> None:
        """Give OpsCenter these OpsItems, and no others, as if they had long been there."""
        self._direct("opscenter", records)

    @property
    def github(self) -> str:
        """Return the URL of GitHub's API."""
        return f"{self.endpoint}{GITHUB}"

    def load_github(self, histories: list[dict[str, Any]]) -> None:
        """Give GitHub the repositories of these histories, and no others."""
        self._direct("github", histories)

    def fail_github(self, kind: str | int, **how: Any) -> None:
        """Let GitHub fail requests; `stage.github.faults` says how it can."""
        self._direct("github-fault", {"kind": kind, **how})

    def limit_github(self, points: int) -> None:
        """Let GitHub's token have so many points an hour on each of its APIs."""
        self._direct("github-limit", {"rest": points, "graphql": points})

    def github_requests(self) -> list[dict[str, Any]]:
        """Return what GitHub was asked."""
        requests: list[dict[str, Any]] = self._direct("github-requests")
        return requests

    def fault(
        self, service: str, operation: str, kind: str, *, times: int = 1, after: int = 0
    ) -> None:
        """Let a service fail calls of functions; `stage.faults` says how it can."""
        call = {"service": service, "operation": operation}
        self._direct("fault", {**call, "kind": kind, "times": times, "after": after})

    def begin_chaos(self, *, seed: int, share: float, window: bool, patience: int) -> None:
        """Let everything fail by a schedule, until it is healed; `stage.chaos` says how."""
        schedule = {"seed": seed, "share": share, "window": window, "patience": patience}
        self._direct("chaos", schedule)

    def chaos_hits(self) -> dict[str, int]:
        """Return how often which fault of the last schedule hit."""
        hits: dict[str, int] = self._direct("chaos-hits")
        return hits

    def restart(self, seconds: float) -> None:
        """Let all processes of functions end, and all services be away for so long."""
        self._direct("restart", seconds)

    def unconfirmed(self) -> list[dict[str, Any]]:
        """Return what CloudWatch took and the ledger was not told of; see `stage.publications`."""
        found: list[dict[str, Any]] = self._direct("unconfirmed")
        return found

    def heal(self) -> None:
        """Let every service work again."""
        self._direct("heal")

    def calls(self) -> list[dict[str, str]]:
        """Return the calls that functions made to services."""
        calls: list[dict[str, str]] = self._direct("calls")
        return calls

    def answers(self) -> list[dict[str, Any]]:
        """Return what functions answered to events, or the error that they ended with."""
        answers: list[dict[str, Any]] = self._direct("answers")
        return answers

    def tally(self) -> dict[str, Any]:
        """Return how many invocations there were, how they ended, and how many are not over."""
        tally: dict[str, Any] = self._direct("tally")
        return tally

    def take_decisions(self) -> list[dict[str, Any]]:
        """Return what IAM decided about roles since this was last asked, each decision once."""
        decisions: list[dict[str, Any]] = self._direct("decisions")
        return decisions

    def settle(self, seconds: float = 60) -> None:
        """Wait until every asynchronous invocation is over, retries included."""
        if not self.is_idle(seconds):
            raise TimeoutError(f"functions are still at work after {seconds} s, see {LOG}")

    def is_idle(self, seconds: float) -> bool:
        """Wait until every asynchronous invocation is over; tell whether that came in time."""
        deadline = time.monotonic() + seconds
        while True:  # a request for each part: none is answered much later than others
            left = deadline - time.monotonic()
            if self._direct("idle", min(max(left, 0), _LONGEST_REQUEST / 2)):
                return True
            if left <= 0:
                return False

    def forget(self) -> None:
        """Forget faults, calls, answers, histories, OpsItems and metrics."""
        self._direct("forget")

    def _direct(self, direction: str, document: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/_stage/{direction}", json.dumps(document).encode()
        )
        try:
            with self._opener.open(request, timeout=_LONGEST_REQUEST) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise DirectionRefused(error.read().decode()) from error

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        """Open without the proxies of the environment: the stage is on this machine."""
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))


@cache
def _client(endpoint: str, service: str, account: str, region: str, validate: bool) -> Any:
    """Make a client that takes nothing from the user's own configuration of AWS."""
    return boto3.Session().client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=SECRET,
        config=Config(
            parameter_validation=validate,
            read_timeout=120,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            proxies={},
        ),
    )


@contextlib.contextmanager
def running() -> Iterator[Emulator]:
    """Run a stage for as long as the context lasts."""
    HOME.mkdir(parents=True, exist_ok=True)
    LOG.unlink(missing_ok=True)  # another stage may still write to its own
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=HOME, ignore_cleanup_errors=True) as scratch,
        LOG.open("w") as log,
    ):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
            process = subprocess.Popen(
                [sys.executable, "-m", "stage.server", str(listener.fileno())],
                env=_settings(endpoint, scratch),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        try:
            emulator = Emulator(endpoint)
            emulator.settle(_START_SECONDS)
            yield emulator
        finally:
            _stop(process)


def _settings(endpoint: str, scratch: str) -> dict[str, str]:
    """Return the whole environment: functions inherit it, and must see nothing of the user's."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": scratch,
        "TMPDIR": scratch,
        "AUTH": "true",  # policies are evaluated
        "AWS_ENDPOINT_URL": endpoint,
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _stop(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
