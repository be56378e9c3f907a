"""The stand-in as an ASGI application: what GitHub does with any request, whatever it asks for."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from stage.faults import Message, Receive, Scope, Send, cut, read_body
from stage.github import ROOT, TOKEN, graphql, rest
from stage.github.faults import Api, Fault, Faults, exhausted
from stage.github.quota import Quota
from stage.github.repository import Repository
from stage.github.story import tell
from stage.github.wire import Answer, Request, refusal

if TYPE_CHECKING:
    from stage.chaos import Chaos

Asked = Request | graphql.Query | Answer
"""What is asked, or why GitHub does not begin with it."""

_ENTERPRISE = "/api/v3"
_POINTS = 5000
"""What a personal access token may spend on each API in an hour."""
_LONGER_THAN_WAITED_FOR = 13  # seconds
_VERSIONS = ("2022-11-28", "2026-03-10")


class GitHub:
    """GitHub, to whoever has the token."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.requests: list[dict[str, Any]] = []
        self._repositories: dict[str, Repository] = {}
        self._faults = Faults()
        self._healed = asyncio.Event()
        self.chaos: Chaos | None = None
        self._quotas = {"rest": Quota("core", _POINTS), "graphql": Quota("graphql", _POINTS)}

    def load(self, histories: Iterable[dict[str, Any]]) -> None:
        """Have the repositories of these histories, and no others."""
        loaded: dict[str, Repository] = {}
        for repository in map(tell, histories):
            for name in (repository.name, *repository.former_names, str(repository.id)):
                loaded[name.casefold()] = repository
        self._repositories = loaded

    def limit(self, api: Api, points: int) -> None:
        """Let the token have so many points an hour, of which none is spent."""
        self._quotas[api] = Quota(self._quotas[api].resource, points)

    def fail(self, fault: Fault) -> None:
        """Let this fault happen from now on."""
        self._faults.add(fault)

    def heal(self) -> None:
        """Take back what has not happened yet, and let go of what hangs."""
        self._faults.clear()
        self.chaos = None
        self._healed.set()
        self._healed = asyncio.Event()

    def forget(self) -> None:
        """Be as in the beginning: with no repositories, no requests and a whole hour's points."""
        self.token = TOKEN
        self.heal()
        self.load([])
        self.requests.clear()
        self.limit("rest", _POINTS)
        self.limit("graphql", _POINTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, api, enterprise = _read(scope, await read_body(receive))
        asked = graphql.read(request.body) if api == "graphql" else request
        record = _record(api, request, asked)
        self.requests.append(record)
        fault = self._faults.next(api) or self._in_chaos(api)
        kind = fault.kind if fault else None
        if kind == "hang":
            await self._healed.wait()
        if kind in ("hang", "cut-before"):
            cut()
            return
        if fault and kind == "slow":
            await asyncio.sleep(fault.seconds)
        quota = None if enterprise else self._quotas[api]
        if quota:
            quota.renew()
        short = kind == "short"
        answer = fault.answer(api) if fault and fault.answer else None
        answer = answer or self._answer(request, api, asked, quota, short=short)
        answer.headers = _common_headers(request, quota) | answer.headers
        record["status"] = answer.status
        await _send(send, answer, kind)

    def _in_chaos(self, api: Api) -> Fault | None:
        kind = self.chaos.github(api) if self.chaos else None
        if kind is None:
            return None
        return Fault(kind, seconds=_LONGER_THAN_WAITED_FOR if kind == "slow" else 1)

    def _answer(
        self, request: Request, api: Api, asked: Asked, quota: Quota | None, *, short: bool
    ) -> Answer:
        if refused := self._refuse(request, api):
            return refused
        if isinstance(asked, Answer):
            return asked
        cost = asked.cost if isinstance(asked, graphql.Query) else 1
        if quota and cost > quota.remaining:
            return exhausted(api, quota.reset)
        if isinstance(asked, graphql.Query):
            if quota:
                quota.used += cost  # before it is answered, for it may ask what is left
            return graphql.answer(asked, self._find, quota, short=short)
        answer = _unless_known(request, rest.answer(asked, self._find, short=short))
        if quota and answer.status != 304:
            quota.used += cost
        return answer

    def _refuse(self, request: Request, api: Api) -> Answer | None:
        """Answer what GitHub says before it even looks at the question."""
        if not request.headers.get("user-agent"):
            return refusal(403, "Request forbidden by administrative rules: no User-Agent header.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            return refusal(401, "Requires authentication")
        if scheme.lower() not in ("bearer", "token") or token != self.token:
            return refusal(401, "Bad credentials")
        version = request.headers.get("x-github-api-version", _VERSIONS[0])
        if api == "rest" and version not in _VERSIONS:
            return refusal(400, f"{version} is no supported version of the REST API.")
        return None

    def _find(self, name: str) -> Repository | None:
        return self._repositories.get(name.casefold())


def _read(scope: Scope, body: bytes) -> tuple[Request, Api, bool]:
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    path = scope["raw_path"].decode().removeprefix(ROOT)
    if path in ("/graphql", "/api/graphql"):
        api: Api = "graphql"
        enterprise = path.startswith("/api/")
    else:
        api = "rest"
        enterprise = path.startswith(f"{_ENTERPRISE}/")
    base = f"{scope['scheme']}://{headers.get('host', '')}{ROOT}{_ENTERPRISE * enterprise}"
    request = Request(
        method=scope["method"],
        base=base,
        path=path.removeprefix(_ENTERPRISE),
        query=scope["query_string"].decode(),
        headers=headers,
        body=body,
    )
    return request, api, enterprise


def _record(api: Api, request: Request, asked: Asked) -> dict[str, Any]:
    """Write down what was asked; over GraphQL, the query and the client's own name for it."""
    operation, repository = rest.operation(request) if api == "rest" else ("", "")
    text = ""
    if isinstance(asked, graphql.Query):
        operation, repository, text = asked.name, ", ".join(asked.repositories), asked.text
    query = f"?{request.query}" if request.query else ""
    return {
        "api": api,
        "method": request.method,
        "path": f"{request.path}{query}",
        "operation": operation,
        "repository": repository,
        "query": text,
        "status": None,
    }


def _unless_known(request: Request, answer: Answer) -> Answer:
    """Answer with nothing but a 304 if the client has the answer already."""
    if answer.status != 200:
        return answer
    tag = f'"{hashlib.sha256(answer.body).hexdigest()}"'
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in [each.removeprefix("W/") for each in known]:
        return Answer(304, None, {"ETag": tag})
    answer.headers["ETag"] = f"W/{tag}"
    return answer


def _common_headers(request: Request, quota: Quota | None) -> dict[str, str]:
    return {
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": request.headers.get("x-github-api-version", _VERSIONS[0]),
        **(quota.headers() if quota else {}),
    }


async def _send(send: Send, answer: Answer, kind: str | int | None) -> None:
    body = answer.body
    if kind == "garbled":
        body = body[: len(body) // 2]
    headers = {**answer.headers, "Content-Type": answer.media_type}
    if answer.status != 304:
        headers["Content-Length"] = str(len(body))
    start: Message = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await send(start)
    if kind == "cut-during":
        await send(
            {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
        )
        cut()
        return
    await send({"type": "http.response.body", "body": body})
