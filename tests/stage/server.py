"""The process that the stage consists of: the emulator, the stand-ins, and a way to direct them.

`stage.emulator` starts it, with the listening socket as an inherited file and the emulator's
settings in the environment. It lives until its standard input closes, so never longer than whoever
started it, however that one ended.
"""

import asyncio
import json
import logging
import os
import random
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.services import cloudwatch

from stage import decisions, environments, events, gaps, invocations
from stage.chaos import Chaos
from stage.codepipeline import CodePipeline
from stage.faults import Fault, Faults, Receive, Scope, Send, read_body
from stage.github import ROOT as GITHUB
from stage.github.app import GitHub
from stage.github.faults import Fault as GitHubFault
from stage.opscenter.service import OpsCenter
from stage.publications import Publications

Direction = Callable[[Any], Awaitable[Any]]


class Director:
    """Takes directions as JSON over `/_stage/…`, and passes on what is meant for a service."""

    def __init__(self) -> None:
        self._codepipeline = CodePipeline()
        self._opscenter = OpsCenter(events.emit)
        self._github = GitHub()
        self._invocations = invocations.Invocations()
        self._publications = Publications()
        self._environments = environments.Environments(self._publications)
        self._faults = Faults(ministack.app, self._environments, self._publications)
        self._killing: asyncio.Task[None] | None = None
        self._decisions = decisions.Decisions()
        self._directions: dict[str, Direction] = {
            "/_stage/emit": self._emit,
            "/_stage/codepipeline": self._load_codepipeline,
            "/_stage/opscenter": self._load_opscenter,
            "/_stage/github": self._load_github,
            "/_stage/github-fault": self._add_github_fault,
            "/_stage/github-limit": self._limit_github,
            "/_stage/github-requests": self._list_github_requests,
            "/_stage/fault": self._add_fault,
            "/_stage/heal": self._heal,
            "/_stage/chaos": self._begin_chaos,
            "/_stage/chaos-hits": self._list_chaos_hits,
            "/_stage/restart": self._restart,
            "/_stage/unconfirmed": self._list_unconfirmed,
            "/_stage/calls": self._list_calls,
            "/_stage/answers": self._list_answers,
            "/_stage/tally": self._tally,
            "/_stage/decisions": self._take_decisions,
            "/_stage/idle": self._wait_until_idle,
            "/_stage/forget": self._forget,
        }
        gaps.close(self._codepipeline, self._opscenter)
        environments.install(self._environments)
        invocations.install(self._invocations)
        events.install(self._invocations)
        decisions.install(self._decisions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.get("path", "").startswith(f"{GITHUB}/"):
            await self._github(scope, receive, send)
            return
        direction = self._directions.get(scope.get("path", ""))
        if direction is None:
            await self._faults(scope, receive, send)
            return
        body = await read_body(receive)
        try:
            status, answer = 200, await direction(json.loads(body or b"null"))
        except (KeyError, TypeError, ValueError) as error:
            status, answer = 400, f"{type(error).__name__}: {error}"
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _emit(self, event: Any) -> None:
        """A service of AWS emits an event."""
        events.emit(event)

    async def _load_codepipeline(self, records: Any) -> None:
        """CodePipeline has these histories."""
        self._codepipeline.load(records)

    async def _load_opscenter(self, records: Any) -> None:
        """OpsCenter has these OpsItems."""
        self._opscenter.load(records)

    async def _load_github(self, histories: Any) -> None:
        """GitHub has the repositories of these histories."""
        self._github.load(histories)

    async def _add_github_fault(self, fault: Any) -> None:
        """GitHub fails the next requests."""
        self._github.fail(GitHubFault(**fault))

    async def _limit_github(self, limits: Any) -> None:
        """GitHub's token has so many points an hour on each API."""
        for api, points in limits.items():
            self._github.limit(api, points)

    async def _list_github_requests(self, _: Any) -> Any:
        """What was GitHub asked?"""
        return self._github.requests

    async def _add_fault(self, fault: Any) -> None:
        """A service fails the next calls."""
        self._faults.add(Fault(**fault))

    async def _begin_chaos(self, schedule: Any) -> None:
        """Services fail by a schedule, and processes are killed at any moment."""
        self._end_chaos()
        chaos = Chaos(**schedule)
        self._faults.chaos = self._github.chaos = self._chaos = chaos
        self._killing = asyncio.create_task(self._kill_now_and_then(chaos))

    async def _kill_now_and_then(self, chaos: Chaos) -> None:
        for seconds in chaos.moments():
            await asyncio.sleep(seconds)
            at_work = self._environments.at_work()
            if at_work:
                self._faults.end(random.choice(at_work), "killed at any moment")

    def _end_chaos(self) -> None:
        if self._killing:
            self._killing.cancel()
            self._killing = None

    async def _list_chaos_hits(self, _: Any) -> Any:
        """How often did which fault of the last schedule hit?"""
        return self._chaos.hits

    async def _restart(self, seconds: Any) -> None:
        """The machine of all this is started anew; what was running is no more."""
        await self._faults.restart(float(seconds))

    async def _list_unconfirmed(self, _: Any) -> Any:
        """What did CloudWatch take that the ledger was never told of?"""
        return self._publications.unconfirmed()

    async def _tally(self, _: Any) -> Any:
        """How many invocations were there, how did they end, and how many are not over?"""
        return self._invocations.tally()

    async def _heal(self, _: Any) -> None:
        """Every service works again."""
        self._end_chaos()
        self._faults.heal()
        self._github.heal()

    async def _list_calls(self, _: Any) -> Any:
        """Which calls did functions make?"""
        return self._faults.calls

    async def _list_answers(self, _: Any) -> Any:
        """What did functions answer to the events that reached them?"""
        return self._invocations.answers

    async def _take_decisions(self, _: Any) -> Any:
        """What did IAM decide since it was last asked this?"""
        return self._decisions.take()

    async def _wait_until_idle(self, seconds: Any) -> Any:
        """Is every asynchronous invocation over, within this time?"""
        return await asyncio.to_thread(self._invocations.wait_until_idle, float(seconds))

    async def _forget(self, _: Any) -> None:
        """Forget what tests left behind; metrics too, which no API of AWS can delete."""
        self._end_chaos()
        self._publications.forget()
        self._faults.heal()
        self._faults.calls.clear()
        self._invocations.answers.clear()
        self._codepipeline.load([])
        self._opscenter.load([])
        self._github.forget()
        events.forget()
        cloudwatch._metrics.clear()


async def _serve(socket: str) -> None:
    config = Config()
    config.bind = [f"fd://{socket}"]
    config.graceful_timeout = 0.1
    starter_gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, starter_gone.set)
    await serve(Director(), config, shutdown_trigger=starter_gone.wait)  # type: ignore[arg-type]


def main() -> None:
    """Serve on the inherited socket until the starter is gone, and leave nothing behind."""
    logging.getLogger("stage").setLevel(logging.INFO)
    try:
        asyncio.run(_serve(sys.argv[1]))
    finally:
        lambda_runtime.reset()
        shutil.rmtree(os.environ["TMPDIR"])
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
