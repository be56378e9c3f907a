"""The stage's process: it must never be left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stage.emulator import Emulator

STARTER = """
import signal
from stage.emulator import running
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with running() as emulator:
    print(emulator.endpoint, flush=True)
    signal.pause()
"""
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_stage_ends_with_its_starter(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        emulator = Emulator(starter.stdout.readline().strip())
        assert emulator.answers() == []
        starter.send_signal(number)
    deadline = time.monotonic() + 20
    while is_up(emulator):
        assert time.monotonic() < deadline, "the stage outlived its starter"
        time.sleep(0.05)


def is_up(emulator: Emulator) -> bool:
    try:
        emulator.answers()
    except OSError:
        return False
    return True
