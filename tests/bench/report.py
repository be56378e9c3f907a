"""The figures as tables."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import FUNCTIONS
from bench.contestants import EMPTY, PYTHON, RUST, Contestant
from bench.endpoints import Played
from bench.figures import TARGETS, Figures, is_met, ratios


@dataclass(frozen=True)
class Measured:
    """A contestant and what was measured of it."""

    contestant: Contestant
    figures: Figures
    instructions: int | None


def report(measured: Sequence[Measured], rounds: int, events: int) -> str:
    """Return all tables, in Markdown."""
    heading = (
        f"{rounds} cold starts and {rounds * events} further events of each, in turn; "
        f"{os.cpu_count()} cores, {platform.machine()}. Medians."
    )
    tables = (_figures(measured), _ratios(measured), _calls(measured))
    return "\n\n".join([heading, *("\n".join(table) for table in tables)])


def find(measured: Sequence[Measured], function: str, language: str) -> Measured:
    """Return what was measured of a function in a language."""
    return next(
        each
        for each in measured
        if (each.contestant.function, each.contestant.language) == (function, language)
    )


def the_empty(measured: Sequence[Measured]) -> Measured:
    """Return what was measured of the empty function."""
    return find(measured, "empty-function", EMPTY)


def _figures(measured: Sequence[Measured]) -> Iterator[str]:
    yield (
        "| function | language | first poll | cold start | least | warm p50 | warm p99 "
        "| CPU per event | peak memory | zip | instructions to first poll |"
    )
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    names = [(name, language) for name in FUNCTIONS for language in (RUST, PYTHON)]
    for each in [*(find(measured, *name) for name in names), the_empty(measured)]:
        own, contestant = each.figures, each.contestant
        cells = [
            contestant.function,
            "Rust" if contestant.language == EMPTY else contestant.language,
            _ms(own.first_poll),
            _ms(own.cold_start),
            _ms(own.least_cold_start),
            _ms(own.warm_p50),
            _ms(own.warm_p99),
            _ms(own.cpu),
            f"{own.memory / 1e6:.1f} MB",
            f"{contestant.size / 1e6:.2f} MB" if contestant.size else "",
            f"{each.instructions / 1e6:.2f} M" if each.instructions else "",
        ]
        yield _row(cells)


def _ratios(measured: Sequence[Measured]) -> Iterator[str]:
    yield _row(["ratio", "target", *FUNCTIONS])
    yield "|---|--:|" + "--:|" * len(FUNCTIONS)
    by_function = [
        ratios(
            find(measured, name, RUST).figures,
            the_empty(measured).figures,
            find(measured, name, PYTHON).figures,
        )
        for name in FUNCTIONS
    ]
    for ratio, target in TARGETS.items():
        bound = f"{'≥' if ratio.startswith('Python') else '≤'} {target:g}"
        values = [found[ratio] for found in by_function]
        yield _row([ratio, bound, *(_judged(ratio, value) for value in values)])


def _calls(measured: Sequence[Measured]) -> Iterator[str]:
    yield _row(["calls of", "first event", "next event", "duplicate", "which (next event)"])
    yield "|---|--:|--:|--:|---|"
    for name in FUNCTIONS:
        of = find(measured, name, RUST).contestant
        played = (of.cold, of.warm, of.duplicate)
        yield _row([name, *(str(len(each.requests)) for each in played), _which(of.warm)])


def _which(played: Played) -> str:
    names = Counter(
        f"{call.service} {'' if call.service == 'github' else call.operation}".strip()
        for call in played.calls()
    )
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in names.items())


def _judged(name: str, ratio: float) -> str:
    return f"{ratio:.1f}" if is_met(name, ratio) else f"**{ratio:.1f}**"


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.2f} ms"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
