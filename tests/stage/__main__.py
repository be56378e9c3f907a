"""The stage's commands: `python -m stage --help`."""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from operator import itemgetter
from pathlib import Path
from typing import NoReturn

from stage import HOME, demo
from stage.dashboard import show
from stage.deploy import NotDeployed
from stage.emulator import LOG
from stage.product import NoStage, Product, announced, staged, standing
from stage.scenario import Event, WrongFile, load_event

_STARTED = time.monotonic()


def main() -> int:
    """Run one command; return its exit status."""
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        match arguments.command:
            case "demo":
                return demo.play(arguments.scenario, _progress)
            case "dashboard":
                return show.draw(arguments.scenario, arguments.picture, _progress)
            case "up":
                return _up()
            case "emit":
                return _emit(standing(), arguments.event)
            case _:
                return _on_any_stage(arguments.function, arguments.event)
    except (NotDeployed, NoStage, WrongFile) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stage", description="The local stage.")
    commands = parser.add_subparsers(dest="command", required=True)
    play = commands.add_parser("demo", help="play a scenario and check its numbers")
    play.add_argument("scenario", type=_file, nargs="?", default=demo.DEFAULT)
    draw = commands.add_parser("dashboard", help="draw the dashboard after a scenario")
    draw.add_argument("picture", type=Path)
    draw.add_argument("scenario", type=_file, nargs="?", default=demo.DEFAULT)
    commands.add_parser("up", help="keep a stage up until Ctrl-C")
    emit = commands.add_parser(
        "emit", help="let a service of AWS emit an event on the stage that is up"
    )
    emit.add_argument("event", type=_file)
    invoke = commands.add_parser("invoke", help="invoke a function with an event, and print")
    invoke.add_argument("function")
    invoke.add_argument("event", type=_file)
    return parser.parse_args()


def _file(name: str) -> Path:
    path = Path(name).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} does not exist")
    return path


def _up() -> int:
    with contextlib.suppress(NoStage):
        print(f"A stage is up already: {standing().emulator.endpoint}", file=sys.stderr)
        return 1
    example = "EVENT=events/codepipeline/pipeline-succeeded.json"
    with staged(_progress) as product, announced(product):
        print(
            f"""
The stage is up, until Ctrl-C.
  endpoint       {product.emulator.endpoint}  (AWS_ENDPOINT_URL)
  credentials    the access key is the account: {product.account} runs the functions; secret: test
  Region         {product.region}
  functions      {", ".join(product.settings)}
  their logs     tail -f {os.path.relpath(LOG)}
  their GitHub   {product.emulator.github}
In another terminal:
  make emit {example}
  make invoke FUNCTION={next(iter(product.settings))} {example}
""",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _emit(product: Product, path: Path) -> int:
    event, services = load_event(path)
    product.load(services)
    before = len(product.emulator.answers())
    product.emulator.emit(event)
    product.emulator.settle()
    answers = product.emulator.answers()[before:]
    _tell_time(event)
    for answer in sorted(answers, key=itemgetter("function")):
        print(f"{answer['function']}:")
        print(json.dumps(answer.get("answer", answer.get("error")), indent=2))
    if not answers:
        print("No rule matches it.")
    return 0


def _on_any_stage(function: str, event: Path) -> int:
    try:
        return _invoke(standing(), function, event)
    except NoStage:
        with staged(_progress) as product:
            return _invoke(product, function, event)


def _invoke(product: Product, function: str, path: Path) -> int:
    """Invoke by `cargo lambda`, the way in which one would invoke the function on AWS."""
    event, services = load_event(path)
    product.load(services)
    _tell_time(event)
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=HOME) as moved:
        json.dump(event, moved)
        moved.flush()
        command = [
            str(Path(sys.executable).with_name("cargo-lambda")),
            "lambda",
            "invoke",
            "--remote",
            f"--endpoint-url={product.emulator.endpoint}",
            f"--region={product.region}",
            f"--data-file={moved.name}",
            "--output-format=json",
            function,
        ]
        credentials = {"AWS_ACCESS_KEY_ID": product.account, "AWS_SECRET_ACCESS_KEY": "test"}
        return subprocess.run(command, env=os.environ | credentials, check=False).returncode


def _tell_time(event: Event) -> None:
    print(f"The event is moved to {event['time']}: CloudWatch takes nothing old.", flush=True)


def _progress(line: str) -> None:
    print(f"{time.monotonic() - _STARTED:6.1f} s  {line}", flush=True)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
