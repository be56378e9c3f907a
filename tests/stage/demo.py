"""Plays a scenario from its first event to the numbers on the dashboard, and checks them all."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from stage import EVENTS, metrics
from stage.metrics import Dimensions, Statistics, Value
from stage.product import Product, Progress, staged
from stage.scenario import Scenario, load_scenario

DEFAULT = EVENTS / "scenarios" / "mixed-organisation.json"

_DROPPED = "dropped by the rules: no success of a pipeline or of a production stage"
_IN_WORDS = {
    "duplicate": "another event gave the number before",
    "not-production": "successful, but elsewhere",
    "not-succeeded": "not successful",
    "rollback": "it brings no change",
    "unsupported-source": "from no repository, or from one that is not on GitHub",
    "no-new-commits": "all of it was in production before",
    "no-usable-commit-time": "no commit is dated before the deployment",
    "no-ops-item-referenced": "it was made to end no incident",
    "not-recovered": "nothing has ended the incident yet",
    "too-old-for-cloudwatch": "too old for CloudWatch",
}
_HOUR = 60
_DAY = 24 * _HOUR
_LABEL_WIDTH = 22
_CELL_WIDTH = 8
_DURATION_WIDTH = 14
_RATE_WIDTH = 10

Row = tuple[Dimensions, str]


def play(path: Path, progress: Progress) -> int:
    """Play the scenario of a file; return 0 if all its numbers come out, else 1."""
    scenario = load_scenario(path)
    _tell(scenario)
    with staged(progress) as product:
        progress(f"AWS emits {len(scenario.steps)} events on the accounts' buses")
        product.play(scenario)
        progress("reading the metrics back")
        numbers = product.statistics()
        for lines in (
            _deployments(numbers),
            _lead_times(whole := product.statistics_of_all_days()),
            _failures(whole),
            _recoveries(whole),
            _left_out(scenario, product),
        ):
            print()
            print("\n".join(lines))
        print()
    return _judge(numbers, metrics.expected(scenario.expected))


def _tell(scenario: Scenario) -> None:
    print(f"\n{scenario.title}")
    for line in scenario.story:
        print(f"  {line}")
    print(f"  (All dates are moved by {scenario.moved_by.days} days, to end yesterday.)\n")


def _deployments(numbers: Mapping[Value, Statistics]) -> Iterator[str]:
    """Show deployments by day: for each repository, each team, and all."""
    counts = {value: n.sum for value, n in numbers.items() if value.metric == "Deployments"}
    days = sorted({value.day for value in counts})
    heads = [date.fromisoformat(day).strftime("%a %d") for day in days]
    rows = []
    for dimensions in {value.dimensions for value in counts}:
        row = [counts.get(Value("Deployments", dimensions, day), 0) for day in days]
        cells = [f"{count:.0f}" if count else "·" for count in [*row, sum(row)]]
        rows.append((dimensions, _cells(cells)))
    yield from _table("Production deployments", _cells([*heads, "total"]), rows)


def _lead_times(numbers: Mapping[tuple[str, Dimensions], Statistics]) -> Iterator[str]:
    """Show how long changes and their commits took to production, over all days."""
    rows = []
    for (metric, dimensions), changes in numbers.items():
        if metric == "LeadTimeForChanges":
            commits = numbers["CommitLeadTime", dimensions]
            times = [changes.mean, changes.p50, changes.p90]
            rows.append(
                (
                    dimensions,
                    _cells([f"{changes.samples:.0f}"])
                    + _cells(map(_duration, times), _DURATION_WIDTH)
                    + _cells([f"{commits.samples:.0f}"], _CELL_WIDTH + 2)
                    + _cells([_duration(commits.p50)], _DURATION_WIDTH),
                )
            )
    heads = (
        _cells(["changes"])
        + _cells(["mean", "median", "90 % within"], _DURATION_WIDTH)
        + _cells(["commits"], _CELL_WIDTH + 2)
        + _cells(["their median"], _DURATION_WIDTH)
    )
    yield from _table("Lead time for changes", heads, rows)


def _failures(numbers: Mapping[tuple[str, Dimensions], Statistics]) -> Iterator[str]:
    """Show how many changes failed, or were made to end an incident, over all days."""
    rows = []
    for (metric, dimensions), changes in numbers.items():
        if metric == "Changes":
            counts = {
                name: numbers[name, dimensions].sum if (name, dimensions) in numbers else 0
                for name in ("FailedChanges", "ReworkDeployments", "Incidents")
            }
            failed, rework, incidents = counts.values()
            cells = [f"{changes.sum:.0f}", f"{failed:.0f}", f"{failed / changes.sum:.0%}"]
            cells += [f"{rework:.0f}", f"{rework / changes.sum:.0%}", f"{incidents:.0f}"]
            rows.append((dimensions, _cells(cells, _RATE_WIDTH)))
    heads = ["changes", "failed", "rate", "rework", "rate", "incidents"]
    yield from _table("Change failure rate", _cells(heads, _RATE_WIDTH), rows)


def _recoveries(numbers: Mapping[tuple[str, Dimensions], Statistics]) -> Iterator[str]:
    """Show how long failures lasted, over all days."""
    rows = [
        (
            dimensions,
            _cells([f"{times.samples:.0f}"], _RATE_WIDTH)
            + _cells(map(_duration, [times.mean, times.p50]), _DURATION_WIDTH),
        )
        for (metric, dimensions), times in numbers.items()
        if metric == "TimeToRecovery"
    ]
    heads = _cells(["ended"], _RATE_WIDTH) + _cells(["mean", "median"], _DURATION_WIDTH)
    yield from _table("Time to recovery", heads, rows)


def _table(title: str, heads: str, rows: Iterable[Row]) -> Iterator[str]:
    ordered = sorted(rows, key=lambda row: (not row[0], sorted(row[0])))
    width = max([_LABEL_WIDTH, *(len(_label(dimensions)) for dimensions, _ in ordered)])
    yield f"{title:<{width}}{heads}"
    for dimensions, cells in ordered:
        if not dimensions:
            yield "-" * (width + len(heads))
        yield f"{_label(dimensions):<{width}}{cells}"


def _cells(texts: Iterable[str], width: int = _CELL_WIDTH) -> str:
    return "".join(f"{text:>{width}}" for text in texts)


def _label(dimensions: Dimensions) -> str:
    for name, value in dimensions:
        return value if name == "Repository" else f"{name} {value}"
    return "All"


def _duration(seconds: float) -> str:
    minutes = int(seconds / 60 + 0.5)
    if minutes < _HOUR:
        return f"{minutes} min"
    if minutes < _DAY:
        return f"{minutes // _HOUR} h {minutes % _HOUR:02} min"
    hours = int(minutes / _HOUR + 0.5)
    return f"{hours // 24} d {hours % 24} h"


def _left_out(scenario: Scenario, product: Product) -> Iterator[str]:
    """Show how many events gave no number, and why: for each function, which has its own rules."""
    functions = sorted(product.settings)
    answers = product.emulator.answers()
    counts = {function: Counter[str]() for function in functions}
    for function in functions:
        own = [each for each in answers if each["function"] == function]
        told = [step for step in scenario.steps if function in step.answers]
        counts[function][_DROPPED] = len(told) - len(own)
        counts[function].update(_reason(each) for each in own if not _is_published(each))
    width = 2 + max(map(len, functions))
    yield _cells(functions, width) + "  Events that gave no number"
    for reason, _ in sum(counts.values(), Counter()).most_common():
        yield (
            _cells([str(counts[each][reason] or "·") for each in functions], width) + f"  {reason}"
        )


def _is_published(answer: dict[str, Any]) -> bool:
    return bool(answer.get("answer", {}).get("outcome") == "published")


def _reason(answer: dict[str, Any]) -> str:
    if "error" in answer:
        error = answer["error"]
        return f"failed: {error.get('errorType')}: {error.get('errorMessage')}"
    slug: str = answer["answer"].get("reason", answer["answer"]["outcome"])
    return f"{slug}: {_IN_WORDS[slug]}" if slug in _IN_WORDS else slug


def _judge(numbers: Mapping[Value, Statistics], wanted: Mapping[Value, Statistics]) -> int:
    wrong = metrics.differences(numbers, wanted)
    if wrong:
        print("These numbers are not what the scenario must give:")
        print("\n".join(f"  {line}" for line in wrong))
        return 1
    print(
        f"All {len(wanted)} numbers in CloudWatch are what the scenario must give, and no others."
    )
    return 0
