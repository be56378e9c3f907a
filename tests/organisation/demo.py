"""Plays a simulated quarter, reports on it, and holds the report against the truth: `make demo`."""

import math
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NoReturn

from organisation.quarter import DAYS, Quarter, Scope, imagined, play
from stage import HOME
from stage.dashboard.show import evaluated
from stage.dora import asked, dora
from stage.metrics import Statistics
from stage.product import Product, Progress, staged

PAGE = HOME / "report.html"
_STARTED = time.monotonic()
IN_CLOUDWATCH = 13
"""The whole days of which CloudWatch still takes everything, whatever the time of day."""
_DASHBOARD = {
    "Deployment frequency": ("deployment_frequency", 1),
    "Change lead time, hours": ("change_lead_time", 3600),
    "Change fail rate": ("change_fail_rate", 0.01),
    "Failed deployment recovery time, hours": ("failed_deployment_recovery_time", 3600),
    "Rework rate": ("deployment_rework_rate", 0.01),
}
"""The dashboard's tiles, as the report calls them, and how much of its units theirs are."""


def main() -> int:
    """Play, report and check; return 0 if all numbers are the true ones, else 1."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with staged(_progress) as product:
            quarter = imagined()
            play(product, quarter, _progress)
            return report(product, quarter, _progress)
    except KeyboardInterrupt:
        return 130


def report(product: Product, quarter: Quarter, progress: Progress) -> int:
    """Print the report of the quarter, write its page, and say what is wrong with its numbers."""
    progress("reporting")
    period = span(quarter.since, quarter.until)
    print(f"\n$ dora report {' '.join(period)}\n\n{_run(product, 'report', *period)}")
    page = ["--format", "html", "--output", str(PAGE)]
    _run(product, "report", *period, *page)
    progress("comparing report, page, dashboard and truth")
    wrong = [*differences(product, quarter), *of_dashboard(product)]
    verified = dora(product, "report", *period, "--verify")
    if verified.returncode != 0:
        wrong.append(verified.stdout + verified.stderr)
    if wrong:
        print("\nThese numbers differ:")
        print("\n".join(f"  {line}" for line in wrong))
        return 1
    print(
        "\nThe numbers of report, page and dashboard are those that the simulation says are true, "
        f"and CloudWatch\nand the ledger are the same.\n\nThe page: {os.path.relpath(PAGE)}"
    )
    return 0


def span(since: datetime, until: datetime) -> list[str]:
    """Return how the command is told of a period."""
    last = until - timedelta(days=1)
    return ["--from", since.date().isoformat(), "--to", last.date().isoformat()]


def truth(quarter: Quarter, scope: Scope, since: datetime, until: datetime) -> dict[str, float]:
    """Return the true numbers of a period; what has no value is left out."""

    def values(metric: str) -> list[float]:
        return quarter.values(metric, scope, since, until)

    changes = len(values("Changes"))
    numbers = {"deployment_frequency": len(values("Deployments")) / (until - since).days}
    for name, metric in (
        ("change_lead_time", "LeadTimeForChanges"),
        ("failed_deployment_recovery_time", "TimeToRecovery"),
    ):
        if times := values(metric):
            numbers[name] = Statistics.of(times).p50
    if changes:
        numbers["change_fail_rate"] = len(values("FailedChanges")) / changes
        numbers["deployment_rework_rate"] = len(values("ReworkDeployments")) / changes
    return numbers


def differences(product: Product, quarter: Quarter) -> Iterator[str]:
    """Yield a line for each number of the report, or of its page, that is not the true one."""
    period = span(quarter.since, quarter.until)
    told = asked(product, "report", *period, "--minimum", "1")
    before = quarter.since - timedelta(days=DAYS)
    for scope in quarter.scopes:
        (found,) = [each for each in told["scopes"] if (each["kind"], each["name"]) == _key(scope)]
        true = truth(quarter, scope, quarter.since, quarter.until)
        earlier = truth(quarter, scope, before, quarter.since)
        for number in found["numbers"]:
            name = number["number"]
            for real, wanted in (
                (number["value"], true.get(name)),
                (number["before"]["value"], earlier.get(name)),
            ):
                if not _same(real, wanted):
                    yield f"{name} of {scope.name or 'all'}: {real} instead of {wanted}"
    shown = asked(product, "report", *period)
    numbers = [
        number["value"]
        for scope in shown["scopes"]
        for number in scope["numbers"]
        if number["value"] is not None
    ]
    on_page = [float(text) for text in re.findall(r'<data value="([^"]+)"', PAGE.read_text())]
    if on_page != numbers:
        yield f"the page shows {on_page}, and the report says {numbers}"


def of_dashboard(product: Product) -> Iterator[str]:
    """Yield a line for each tile of the dashboard that shows another number than the report."""
    _, panels, end = evaluated(product, {}, IN_CLOUDWATCH)
    told = asked(product, "report", *span(end - timedelta(days=IN_CLOUDWATCH), end), "--minimum=1")
    numbers = {each["number"]: each for each in told["scopes"][0]["numbers"]}
    tiles = [panel for panel in panels if panel.title in _DASHBOARD]
    if len(tiles) != len(_DASHBOARD):
        yield f"the dashboard has other tiles: {[panel.title for panel in panels]}"
    for tile in tiles:
        name, unit = _DASHBOARD[tile.title]
        shown = {line.label: list(line.series.values()) for line in tile.lines}
        value = numbers[name]["value"]
        first = next(iter(shown.values()), [])
        if not _same(first[0] * unit if first else None, value):
            yield f"{tile.title}: the dashboard shows {shown}, and the report says {value}"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=0.001)


def _key(scope: Scope) -> tuple[str, str | None]:
    return scope.kind, scope.name


def _run(product: Product, *arguments: str) -> str:
    result = dora(product, *arguments)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    return result.stdout


def _progress(line: str) -> None:
    print(f"{time.monotonic() - _STARTED:6.1f} s  {line}", flush=True)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
