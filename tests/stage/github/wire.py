"""Requests and answers, as they go over the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Request:
    """One request. The path is still percent-encoded, and the base is that of all its URLs."""

    method: str
    base: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Return the query's parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass
class Answer:
    """What GitHub answers."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """Return the document in bytes; text goes out as it is."""
        if self.document is None:
            return b""
        if isinstance(self.document, str):
            return self.document.encode()
        return json.dumps(self.document).encode()

    @property
    def media_type(self) -> str:
        """Return what the bytes are."""
        return "text/html" if isinstance(self.document, str) else "application/json; charset=utf-8"


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Answer with an error, in the form that all of REST has for it."""
    return Answer(status, {"message": message, "documentation_url": _DOCS}, headers or {})


def utc(at: datetime) -> str:
    """Write a time as GitHub does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
