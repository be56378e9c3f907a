"""How GitHub fails: the errors that it answers with, and those of the way to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from stage.github.wire import Answer, refusal

Api = Literal["rest", "graphql"]
Kind = Literal[
    "rate-limit",
    "secondary-limit",
    "cut-before",
    "cut-during",
    "garbled",
    "hang",
    "short",
    "slow",
]
"""Instead of a status: `cut-before` closes the connection before GitHub handles the request,
`cut-during` in the middle of the answer; `garbled` answers with half of a JSON document, `short`
with half of a list, and nothing that says so; `hang` gives no answer until the faults are healed;
`slow` gives the right one, late."""


@dataclass
class Fault:
    """What happens to requests: to so many of them, after so many that go well.

    `seconds` is what `Retry-After` or the reset of a rate limit says, or how long `slow` takes.
    """

    kind: Kind | int
    api: Api | None = None
    times: int = 1
    after: int = 0
    seconds: int = 60

    def __post_init__(self) -> None:
        if self.kind not in (*get_args(Kind), *_STATUSES):
            raise ValueError(f"GitHub does not fail in this way: {self.kind}")

    @property
    def answer(self) -> Callable[[Api], Answer] | None:
        """Return the answer instead of the right one, where the fault consists of that."""
        match self.kind:
            case "rate-limit":
                return lambda api: exhausted(api, int(time.time()) + self.seconds)
            case "secondary-limit":
                return lambda _: _secondary(403, self.seconds)
            case 429:
                return lambda _: _secondary(429, self.seconds)
            case int(status):
                return lambda api: _failure(status, api)
            case _:
                return None


class Faults:
    """Faults that wait for requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let this fault happen from now on."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Take back what has not happened yet."""
        self._waiting.clear()

    def next(self, api: Api) -> Fault | None:
        """Return what happens to the request that has come."""
        for fault in self._waiting:
            if fault.api in (None, api) and fault.times:
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None


def exhausted(api: Api, reset: int) -> Answer:
    """Answer that the primary rate limit is exceeded: over GraphQL, with 200."""
    message = "API rate limit exceeded for user ID 1."
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    if api == "rest":
        return refusal(403, message, headers)
    return Answer(200, {"errors": [{"type": "RATE_LIMITED", "message": message}]}, headers)


def _secondary(status: int, seconds: int) -> Answer:
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    return refusal(status, message, {"Retry-After": str(seconds)})


def _failure(status: int, api: Api) -> Answer:
    if api == "graphql" and status in _IN_GRAPHQL:
        kind = _IN_GRAPHQL[status]
        error = {"type": kind, "path": ["repository"], "message": _STATUSES[status]}
        return Answer(200, {"data": {"repository": None}, "errors": [error]})
    if status in (502, 504):
        return Answer(status, f"<html><h1>{status} {_STATUSES[status]}</h1></html>")
    answer = refusal(status, _STATUSES[status])
    if status == 403:
        answer.headers["x-accepted-github-permissions"] = "contents=read; pull_requests=read"
    if status == 451:
        page = "https://github.com/github/dmca/"
        answer.document["block"] = {"reason": "dmca", "created_at": None, "html_url": page}
    return answer


_STATUSES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    409: "Git Repository is empty.",
    422: "Validation Failed",
    429: "Too Many Requests",
    451: "Repository access blocked",
    500: "Server Error",
    502: "Bad Gateway",
    503: "Service unavailable",
    504: "Gateway Time-out",
}
_IN_GRAPHQL = {403: "FORBIDDEN", 404: "NOT_FOUND"}
