"""AWS and GitHub as the functions reach them: answers at once, with what was answered before.

A *rehearsal* passes every request on to the local stage and keeps the answer; afterwards the same
event is played as often as need be, and the n-th call of an operation gets the answer that the n-th
got. So no time of the stage is in the figures, and all that are compared get the same answers.
"""

import asyncio
import http.client
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bench.calls import Call, call_of
from stage.wire import Reply, Request, response

_OF_CONNECTION = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}


@dataclass
class Played:
    """An event's requests, and what they were answered."""

    requests: list[tuple[Request, bytes]] = field(default_factory=list)
    answers: dict[Call, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def calls(self) -> list[Call]:
        """Return the calls that were made, in their order."""
        return [call_of(request) for request, _ in self.requests]


class NotRehearsed(Exception):
    """A call was made that the rehearsal did not make."""


class Endpoints:
    """All of AWS's services and GitHub, at one address."""

    def __init__(self, stage: str) -> None:
        self._stage = stage.removeprefix("http://")
        self._rehearsed: Played | None = None
        self._replayed = Played()
        self._asked: Counter[Call] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def rehearse(self) -> Played:
        """Keep what is asked and answered from now on, and return where."""
        self._rehearsed = Played()
        return self._rehearsed

    def replay(self, played: Played) -> None:
        """Answer from now on what was answered then."""
        self._rehearsed, self._replayed = None, played
        self._asked.clear()

    def answer(self, request: Request, reply: Reply) -> None:
        """Answer a request."""
        call = call_of(request)
        if self._rehearsed is not None:
            task = asyncio.ensure_future(self._ask_stage(self._rehearsed, request, call, reply))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        answers, asked = self._replayed.answers[call], self._asked[call]
        if asked >= len(answers):
            raise NotRehearsed(f"{call}, for the {asked + 1}. time")
        self._asked[call] += 1
        reply(answers[asked])

    async def _ask_stage(self, played: Played, request: Request, call: Call, reply: Reply) -> None:
        status, headers, body = await asyncio.to_thread(self._forward, request)
        played.requests.append((request, body))
        played.answers[call].append(response(status, headers, body))
        reply(played.answers[call][-1])

    def _forward(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._stage, timeout=60)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            answer = connection.getresponse()
            kept = {
                name.lower(): value
                for name, value in answer.getheaders()
                if name.lower() not in _OF_CONNECTION
            }
            return answer.status, kept, answer.read()
        finally:
            connection.close()
