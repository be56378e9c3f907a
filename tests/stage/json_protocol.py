"""Speaks AWS's JSON protocol for the stand-ins: reads requests, refuses bad ones, cuts pages."""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from stage.model import WrongType, service_model, strangers, violations

Answer = tuple[int, dict[str, Any]]
Document = dict[str, Any]


class Refusal(Exception):
    """An error of a service, with the members that its shape has beside the message."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.members = members

    def answer(self, service: str) -> Answer:
        """Return the error as the service's model spells it."""
        model = service_model(service)
        modelled = model.shape_for(self.code).members if self.code in model.shape_names else {}
        member = "Message" if "Message" in modelled else "message"
        return 400, {"__type": self.code, member: str(self), **self.members}


def read_request(
    service: str, operation: str, body: bytes, unplayed: Collection[str] = ()
) -> Document:
    """Return a request that keeps to the model and has none of the members not played."""
    shape = service_model(service).operation_model(operation).input_shape
    try:
        request: Document = json.loads(body)
        _refuse_unplayed(request, unplayed)
        broken = list(violations(shape, request))
    except (ValueError, WrongType) as error:
        raise Refusal("SerializationException", str(error)) from error
    if broken:
        errors = "validation error" if len(broken) == 1 else "validation errors"
        raise Refusal(
            "ValidationException", f"{len(broken)} {errors} detected: {'; '.join(broken)}"
        )
    return {name: value for name, value in request.items() if value is not None}


def check_output(service: str, operation: str, document: Document, where: str) -> None:
    """Raise an error for what the operation could not have answered with."""
    shape = service_model(service).operation_model(operation).output_shape
    try:
        broken = [*violations(shape, document), *strangers(shape, document)]
    except WrongType as error:
        broken = [str(error)]
    if broken:
        raise ValueError(f"{where}: no {operation} answers this: {'; '.join(broken)}")


@dataclass(frozen=True)
class Pages:
    """How a service cuts lists into pages: its names for that, and how much a page holds."""

    token: str
    size: str
    largest: int
    invalid_token: str

    def cut(self, request: Document, items: list[Any], member: str) -> Document:
        """Cut out one page. A token holds only for the request that it was given for."""
        asked = {name: value for name, value in request.items() if name != self.token}
        start = self._start(request[self.token], asked) if self.token in request else 0
        end = start + request.get(self.size, self.largest)
        page: Document = {member: items[start:end]}
        if end < len(items):
            token = json.dumps({"request": asked, "start": end})
            page[self.token] = base64.b64encode(token.encode()).decode()
        return page

    def _start(self, text: str, asked: Document) -> int:
        try:
            token = json.loads(base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error) as error:
            raise Refusal(self.invalid_token, "The next token is not valid.") from error
        if not isinstance(token, dict) or token.get("request") != asked:
            raise Refusal(self.invalid_token, "The next token is of another request.")
        start: int = token["start"]
        return start


def _refuse_unplayed(request: Any, unplayed: Collection[str]) -> None:
    for name in unplayed:
        if isinstance(request, dict) and name in request:
            raise Refusal("ValidationException", f"The stage does not play {name}.")
