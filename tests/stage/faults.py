"""Makes the services fail as they do in life, and keeps book of the calls that functions make.

It stands in front of every service, and touches only the calls of functions: those that tests make
themselves come with an account's own credentials and pass.
"""

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

import cbor2
from hypercorn.asyncio.tcp_server import TCPServer
from ministack.core.responses import _account_from_sts_session

from stage import chaos
from stage.environments import Environments
from stage.publications import Publications

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Kind = chaos.Fault | chaos.Death | Literal["hang"]
"""`cut-before` closes the connection before the service handles the call, `cut-after` when it has
handled it but not answered, `conflict` is another's transaction on the same item of DynamoDB,
`hang` gives no answer until the faults are healed. `slow` handles it,
and `stuck` does not, and neither answers for as long as the function waits. The last three end the
process that called; a frozen one does nothing more, until Lambda ends it."""

_SERVICES = {"monitoring": "cloudwatch"}  # named by what signs, where that is not the usual name
_RESOURCE_MEMBERS = (
    "TableName",
    "pipelineName",
    "Namespace",
    "RoleArn",
    "name",
    "OpsItemId",
    "ResourceId",
)
_ERRORS = {  # service: code when throttled, code when it fails itself
    "cloudwatch": ("ThrottlingException", "InternalServiceFault"),
    "codepipeline": ("ThrottlingException", "InternalFailure"),
    "dynamodb": ("ThrottlingException", "InternalServerError"),
    "secretsmanager": ("ThrottlingException", "InternalServiceError"),
    "ssm": ("ThrottlingException", "InternalServerError"),
    "sts": ("Throttling", "InternalFailure"),
}


_WAITED_FOR = {"cloudwatch": 10, "dynamodb": 2}
_OTHERS_WAITED_FOR = 3
"""How many seconds functions wait for an answer."""


@dataclass(frozen=True)
class Call:
    """One call of a function to a service."""

    service: str
    operation: str
    account: str
    resource: str


@dataclass
class Fault:
    """What happens to calls of an operation: to so many of them, after so many that go well."""

    service: str
    operation: str
    kind: Kind
    times: int = 1
    after: int = 0


class Faults:
    """The middleware."""

    def __init__(self, app: App, environments: Environments, publications: Publications) -> None:
        self._app = app
        self._environments = environments
        self._publications = publications
        self._faults: list[Fault] = []
        self._healed = asyncio.Event()
        self._down = False
        self.chaos: chaos.Chaos | None = None
        self.calls: list[dict[str, str]] = []

    def add(self, fault: Fault) -> None:
        """Let this fault happen from now on."""
        self._faults.append(fault)

    def heal(self) -> None:
        """Take back what has not happened yet, and let go of what hangs."""
        self._faults.clear()
        self.chaos = None
        self._healed.set()
        self._healed = asyncio.Event()

    async def restart(self, seconds: float) -> None:
        """Let all processes of functions end, and all services be away for a while."""
        self._down = True
        for trace in self._environments.at_work():
            self.end(trace, "restart")
        await asyncio.sleep(seconds)
        self._down = False

    def end(self, trace: str, how: str) -> bool:
        """End the process of an invocation, unless chaos is to spare what is in the window."""
        if self.chaos and not self.chaos.window and self._publications.is_open(trace):
            return False
        done = self._environments.freeze if how == "freeze" else self._environments.kill
        if not done(trace):
            return False
        self._publications.end(trace, how)
        if self.chaos:
            self.chaos.ended(how)
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or let it fail."""
        headers = {
            name.decode().lower(): value.decode() for name, value in scope.get("headers", [])
        }
        signer = re.match(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/\d+/[\w-]+/(\w+)/", headers.get("authorization", "")
        )
        if signer is None or re.fullmatch(r"\d{12}", signer[1]):
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        call, members = _identify(signer[1], signer[2], headers, scope["path"], body)
        trace = headers.get("x-amzn-trace-id", "").partition(";")[0]
        self.calls.append(asdict(call))

        async def handle(answer: Send) -> None:
            await self._handle(call, members, trace, (scope, _replay(body, receive), answer))

        kind = self._next(call) or self._in_chaos(call, trace)
        if kind is not None:
            self._publications.hit(trace, f"{kind} at {call.operation}")
        match kind:
            case None | "freeze":
                await handle(send)
            case "throttle":
                await _refuse(send, headers, 400, _ERRORS[call.service][0], "Rate exceeded")
            case "fail":
                await _refuse(send, headers, 500, _ERRORS[call.service][1], "Internal error")
            case "conflict":
                await _refuse_for_conflict(send, headers, call, body)
            case "cut-before" | "kill-before":
                cut()
            case "cut-after":
                await handle(_discard)
                cut()
            case "hang":
                await self._healed.wait()
                cut()
            case "slow":
                await handle(_discard)
                await asyncio.sleep(_WAITED_FOR.get(call.service, _OTHERS_WAITED_FOR) + 0.5)
                cut()
            case "stuck":
                await asyncio.sleep(_WAITED_FOR.get(call.service, _OTHERS_WAITED_FOR) + 0.5)
                cut()
            case "kill-after":
                await handle(_discard)
                self.end(trace, kind)
                cut()
        if kind in ("cut-after", "slow"):  # what CloudWatch has taken by now is hit, too
            self._publications.hit(trace, f"{kind} at {call.operation}")

    async def _handle(
        self, call: Call, members: dict[str, Any], trace: str, request: tuple[Scope, Receive, Send]
    ) -> None:
        """Let the service handle a call, and keep book of what it did."""
        scope, receive, send = request
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if status == 200 and message["type"] == "http.response.start":
                if call.operation == "PutMetricData":
                    self._publications.take(trace, members)
                elif call.service == "dynamodb":
                    self._publications.write(trace, members)
            await send(message)

        if call.operation == "PutMetricData":
            self._publications.begin(trace)
        try:
            await self._app(scope, receive, answer)
        finally:
            if call.operation == "PutMetricData":
                self._publications.stop(trace)

    def _next(self, call: Call) -> Kind | None:
        for fault in self._faults:
            if (fault.service, fault.operation) != (call.service, call.operation):
                continue
            if fault.after:
                fault.after -= 1
            elif fault.times:
                fault.times -= 1
                return fault.kind
        return None

    def _in_chaos(self, call: Call, trace: str) -> Kind | None:
        """Return what the schedule has for this call; processes end at once, where they are to."""
        if self._down:
            return "cut-before"
        schedule, book = self.chaos, self._publications
        if schedule is None:
            return None
        if not schedule.window and book.is_ended(trace):
            return "cut-before"  # what was still on the way gets lost
        function, timeout = self._environments.of(trace)
        death = schedule.death(call.service, call.operation, function, timeout)
        if death and call.operation == "PutMetricData" and not schedule.window:
            death = "kill-before"
        if death == "kill-after" and function and (schedule.window or not book.is_open(trace)):
            return death
        if death in ("kill-before", "freeze") and self.end(trace, death):
            return death
        is_open = book.is_open(trace)
        return schedule.fault(call.service, call.operation, calm=is_open and not schedule.window)


def _identify(
    key: str, signed_for: str, headers: dict[str, str], path: str, body: bytes
) -> tuple[Call, dict[str, Any]]:
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    content_type = headers.get("content-type", "")
    if "cbor" in content_type:
        operation, members = path.rpartition("/")[2], cbor2.loads(body)
    elif "json" in content_type and body:
        operation, members = headers.get("x-amz-target", "").rpartition(".")[2], json.loads(body)
    elif "form" in content_type:
        members = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        operation = members.get("Action", "")
    else:
        operation, members = "", {}
    if operation == "TransactWriteItems":
        members = next(iter(members["TransactItems"][0].values()))
    call = Call(
        service=_SERVICES.get(signed_for, signed_for),
        operation=operation,
        account=_account_from_sts_session(key) or "unknown",
        resource=next((str(members[name]) for name in _RESOURCE_MEMBERS if name in members), ""),
    )
    return call, members


async def _refuse_for_conflict(
    send: Send, headers: dict[str, str], call: Call, body: bytes
) -> None:
    """Answer as DynamoDB does where the first item that is written is in another's transaction."""
    if call.operation != "TransactWriteItems":
        code, text = "TransactionConflictException", "Transaction is ongoing for the item"
        await _refuse(send, headers, 400, code, text)
        return
    others = len(json.loads(body)["TransactItems"]) - 1
    conflict = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    codes = ", ".join(["TransactionConflict"] + others * ["None"])
    await _refuse(
        send,
        headers,
        400,
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=[conflict] + others * [{"Code": "None"}],
    )


async def _refuse(
    send: Send, headers: dict[str, str], status: int, code: str, text: str, **members: Any
) -> None:
    """Answer with an error in the form of the protocol that the request came in."""
    content_type = headers.get("content-type", "")
    extra = []
    if "cbor" in content_type:
        body = cbor2.dumps({"__type": code, "message": text})
        extra = [(b"smithy-protocol", b"rpc-v2-cbor")]
    elif "json" in content_type:
        body = json.dumps({"__type": code, "message": text} | members).encode()
    else:
        content_type = "text/xml"
        kind = "Sender" if status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code>"
            f"<Message>{text}</Message></Error></ErrorResponse>"
        ).encode()
    length = str(len(body)).encode()
    answer_headers = [(b"content-type", content_type.encode()), (b"content-length", length), *extra]
    await send({"type": "http.response.start", "status": status, "headers": answer_headers})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def cut() -> None:
    """Cut the connection over which the request came: ASGI itself has no way to."""
    _connection.get().transport.abort()


async def _discard(_message: Message) -> None:
    pass


_connection: ContextVar[Any] = ContextVar("connection")
_serve_connection = TCPServer.run


async def _serve_known_connection(server: TCPServer) -> None:
    """Remember whose connection it is."""
    _connection.set(server.writer)
    await _serve_connection(server)


TCPServer.run = _serve_known_connection  # type: ignore[method-assign,assignment]
