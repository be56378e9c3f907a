"""A server of HTTP on the loopback interface that does as little as can be.

What it costs is part of every figure, so it is small and the same for all that are compared.
"""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REASONS = {200: "OK", 202: "Accepted"}


@dataclass(frozen=True)
class Request:
    """A request, and when its last byte was there."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


Reply = Callable[[bytes], None]
Answer = Callable[[Request, Reply], None]


def response(status: int, headers: dict[str, str], body: bytes) -> bytes:
    """Return the bytes of a response."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        at = perf_counter()
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._received[:end].decode("latin-1").split("\r\n")
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            if "transfer-encoding" in headers:
                raise ValueError("a request in chunks is not expected here")
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            method, path, _ = first.split(" ")
            self._answer(Request(method, path, headers, body, at), self._transport.write)


@asynccontextmanager
async def serving(answer: Answer) -> "AsyncIterator[str]":
    """Serve on a free port for as long as the context lasts, and tell where."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer), "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
