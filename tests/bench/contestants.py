"""Those that are compared, and the rehearsal in which each makes its calls for the first time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore import xform_name

from bench import ACCOUNT, FUNCTIONS, HERE, HOME, REGION, calls, scene
from bench.endpoints import Endpoints, Played
from stage.emulator import Emulator
from stage.runtime_api import environment, unpack
from stage.scenario import Event
from stage.wire import Request

RUST, PYTHON, EMPTY = "Rust", "Python", "empty"
LOG = HOME / "functions.log"


@dataclass
class Contestant:
    """A function, how it is run, and the calls that it makes."""

    function: str
    language: str
    command: list[str]
    variables: dict[str, str]
    event: Event
    size: int | None
    cold: Played
    warm: Played
    duplicate: Played

    @property
    def arn(self) -> str:
        """Return what Lambda calls it."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}"

    async def rehearse(self, emulator: Emulator, endpoints: Endpoints) -> None:
        """Play the event against the local stage: first, once more as a new one, then again."""
        async with environment(self.arn, self.command, self.variables, LOG) as started:
            scene.clear(emulator)
            self.cold = endpoints.rehearse()
            self._expect("published", await started.invoke(self.event))
            scene.clear(emulator)
            self.warm = endpoints.rehearse()
            self._expect("published", await started.invoke(self.event))
            self.duplicate = endpoints.rehearse()
            if self.language == RUST:
                self._expect("duplicate", await started.invoke(self.event))

    def _expect(self, outcome: str, answered: tuple[Any, float, float]) -> None:
        answer = answered[0]
        if answer["outcome"] != outcome:
            raise ValueError(f"{self.function} in {self.language}: {answer}, expected {outcome}")


class NotBuilt(Exception):
    """What is to be measured is not there."""


def in_rust(built: Path, variables: dict[str, str], events: dict[str, Event]) -> list[Contestant]:
    """Return the functions, unpacked from the zips that are deployed."""
    found = []
    for function in FUNCTIONS:
        archive = built / function / "bootstrap.zip"
        program = _unpacked(archive, function)
        size = archive.stat().st_size
        found.append(_contestant(function, RUST, [program], variables, events[function], size))
    return found


def empty(built: Path, event: Event) -> Contestant:
    """Return the floor. It makes no call, so it has nothing to rehearse."""
    archive = built / "empty-function" / "bootstrap.zip"
    program = _unpacked(archive, "empty-function")
    return _contestant("empty-function", EMPTY, [program], {}, event, archive.stat().st_size)


def in_python(rust: Contestant, interpreter: Path) -> Contestant:
    """Return the function that makes the same calls in Python, once these are known."""
    file = HOME / f"{rust.function}.calls.json"
    cold = list(_of_python(rust.cold))
    warm = list(_of_python(rust.warm, known=dict(_roles(rust.cold))))
    services = sorted({call["service"] for call in cold if call.get("role", "") is None})
    document = {"services": services, "cold": cold, "warm": warm}
    file.write_text(json.dumps(document, indent=1, default=str))
    variables = rust.variables | {"CALLS": str(file), "PYTHONPATH": str(HERE / "python")}
    command = [str(interpreter), "-m", "awslambdaric", "handler.handle"]
    return _contestant(rust.function, PYTHON, command, variables, rust.event, None)


def _contestant(
    function: str,
    language: str,
    command: list[str],
    variables: dict[str, str],
    event: Event,
    size: int | None,
) -> Contestant:
    nothing = Played(), Played(), Played()
    return Contestant(function, language, command, variables, event, size, *nothing)


def _unpacked(archive: Path, function: str) -> str:
    if not archive.exists():
        raise NotBuilt(f"{archive} is missing")
    return str(unpack(archive, HOME / "unpacked" / function))


def _roles(played: Played) -> Iterator[tuple[str, str]]:
    """Yield the access keys that were given in exchange for roles, each with its role."""
    for request, body in played.requests:
        if key := calls.given_key(body):
            yield key, calls.arguments(request)["RoleArn"]


def _of_python(played: Played, known: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
    roles = (known or {}) | dict(_roles(played))
    for request, _ in played.requests:
        call = calls.call_of(request)
        if call.service == "github":
            yield {"service": "github", "request": _to_github(request)}
        else:
            yield {
                "service": call.service,
                "method": xform_name(call.operation),
                "arguments": calls.arguments(request),
                "role": roles.get(calls.signer(request) or ""),
            }


def _to_github(request: Request) -> dict[str, Any]:
    names = ("accept", "authorization", "content-type", "user-agent", "x-github-api-version")
    return {
        "method": request.method,
        "path": request.path,
        "headers": {name: request.headers[name] for name in names if name in request.headers},
        "body": request.body.decode() or None,
    }
