"""The bench: `make bench`, or `python -m bench --help`."""

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import HOME, scene
from bench.contestants import PYTHON, Contestant, NotBuilt, empty, in_python, in_rust
from bench.endpoints import Endpoints
from bench.figures import figures
from bench.instructions import instructions
from bench.measure import Samples, measure
from bench.picture import picture
from bench.report import Measured, report
from stage import REPOSITORY

_STARTED = time.monotonic()


@dataclass(frozen=True)
class _Arguments:
    lambda_dir: Path
    empty_dir: Path
    python: Path
    rounds: int
    events: int
    picture: Path


def main() -> int:
    """Measure, print the table, draw the picture."""
    arguments = _arguments()
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        measured = asyncio.run(_measured(arguments))
    except NotBuilt as error:
        print(f"{error}: run make bench", file=sys.stderr)
        return 1
    print(report(measured, arguments.rounds, arguments.events))
    arguments.picture.write_text(picture(measured))
    _progress(f"drew {os.path.relpath(arguments.picture)}")
    return 0


def _arguments() -> _Arguments:
    parser = argparse.ArgumentParser(prog="python -m bench", description="The bench.")
    parser.add_argument("--lambda-dir", type=Path, default=REPOSITORY / "target" / "lambda")
    parser.add_argument("--empty-dir", type=Path, default=HOME / "lambda")
    parser.add_argument("--python", type=Path, default=HOME / "venv" / "bin" / "python")
    parser.add_argument("--rounds", type=_count, default=15)
    parser.add_argument("--events", type=_count, default=40, help="after each cold start")
    parser.add_argument("--picture", type=Path, default=HOME / "performance.svg")
    return _Arguments(**vars(parser.parse_args()))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


async def _measured(arguments: _Arguments) -> list[Measured]:
    _progress("starting the local stage")
    async with scene.stage() as (emulator, endpoints, variables, events):
        contestants = in_rust(arguments.lambda_dir, variables, events)
        for rust in contestants[:]:
            _progress(f"rehearsing {rust.function}")
            await rust.rehearse(emulator, endpoints)
            python = in_python(rust, arguments.python)
            await python.rehearse(emulator, endpoints)
            contestants.append(python)
        contestants.append(empty(arguments.empty_dir, contestants[0].event))
        samples = [Samples() for _ in contestants]
        for number in range(arguments.rounds):
            _progress(f"round {number + 1} of {arguments.rounds}")
            for contestant, its in zip(contestants, samples, strict=True):
                await measure(contestant, endpoints, arguments.events, its)
        return [
            Measured(contestant, figures(its), await _instructions(contestant, endpoints))
            for contestant, its in zip(contestants, samples, strict=True)
        ]


async def _instructions(contestant: Contestant, endpoints: Endpoints) -> int | None:
    return None if contestant.language == PYTHON else await instructions(contestant, endpoints)


def _progress(line: str) -> None:
    print(f"{time.monotonic() - _STARTED:6.1f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
