"""Thousands of hostile events leave a function as it was: it answers, in words that are documented,
and takes no more memory.

`CASES` and `SEED` say how many cases and which, as of `make fuzz`: of so many events, a hundredth.
"""

import asyncio
import json
import os
import re
from collections import Counter

import pytest

from end_to_end.deployments import FUNCTIONS
from hostile.mutation import MARKS, payload
from hostile.runtime import running
from stage import REPOSITORY

CASES = int(os.environ.get("CASES") or 50_000) // 100
SEED = int(os.environ.get("SEED") or os.getpid())
GROWTH = 16 * 1024 * 1024
"""By so many bytes a function may grow once its buffers and clients are there."""


def documented(section: str) -> set[str]:
    """Return the words in backticks in the first column of a section's table."""
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    _, _, after = text.partition(f"\n## {section}\n")
    rows = re.findall(r"^\| (`.*?) \|", after.partition("\n## ")[0], re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_outlives_hostile_events(function: str) -> None:
    asyncio.run(outlives(function))


async def outlives(function: str) -> None:
    errors, reasons = documented("Errors"), documented("Answers")
    outcomes: Counter[str] = Counter()
    async with running(function) as process:
        settled = 0
        for number in range(CASES):
            event = payload(SEED, number)
            again = f"SEED={SEED}, number {number}: {event[:2000]!r}"
            answer = await process.invoke(event)
            told = json.dumps(answer, ensure_ascii=False)
            assert not [mark for mark in MARKS if mark in told], (told, again)
            if "errorType" in answer:
                assert answer["errorType"] in errors, (told, again)
                outcomes[answer["errorType"]] += 1
            else:
                assert answer["outcome"] == "ignored", (told, again)
                assert answer["reason"] in reasons, (told, again)
                outcomes[f"ignored, {answer['reason']}"] += 1
            if number == CASES // 4:
                settled = process.memory
        grown = process.memory - settled
        peak = process.peak // 1024
        print(f"\n{function}: SEED={SEED}, {CASES} events; {peak} KiB at most, {outcomes}")
        assert grown < GROWTH, f"it grew by {grown // 1024} KiB"
        log = process.log.read_text()
    assert [mark for mark in MARKS if mark in log] == []
    assert [line for line in log.splitlines() if not line.startswith('{"timestamp"')] == []
