"""The commands that the docs show, each as a reader would type it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A command of a page, and what the page says that it prints."""

    section: str
    line: str
    printed: list[str]


def blocks(page: Path) -> Iterator[list[Command]]:
    """Yield the commands of each of the page's console blocks."""
    section, block, in_block = "", list[Command](), False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            if in_block:
                yield block
            in_block, block = line == "```console", []
        elif not in_block:
            section = line.lstrip("# ") if line.startswith("#") else section
        elif line.startswith("$ "):
            block.append(Command(section, line.removeprefix("$ "), []))
        elif block[-1].line.endswith("\\"):
            block[-1] = Command(section, block[-1].line[:-1] + line.strip(), [])
        else:
            block[-1].printed.append(line)


def commands(page: Path) -> Iterator[Command]:
    """Yield the commands of the page's console blocks."""
    for block in blocks(page):
        yield from block


def code_of(page: Path) -> Iterator[str]:
    """Yield all that the page lets one type: its commands, and those of `make` in its text."""
    yield from (command.line for command in commands(page))
    yield from re.findall(r"`(make [^`]+)`", page.read_text())
