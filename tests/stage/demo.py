"""Plays a scenario from its first event to the numbers on the dashboard, and checks them all."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from stage import EVENTS, metrics
from stage.product import Product, Progress, staged
from stage.scenario import Scenario, load_scenario

DEFAULT = EVENTS / "scenarios" / "mixed-organisation.json"

_IN_WORDS = {
    "duplicate": "counted before: the event came again",
    "not-production": "successful, but not in production",
    "not-succeeded": "not successful",
    "rollback": "a rollback: it brings no change",
    "unsupported-source": "from a source without repository and branch",
    "too-old-for-cloudwatch": "too old for CloudWatch",
}


def play(path: Path, progress: Progress) -> int:
    """Play the scenario of a file; return 0 if all its numbers come out, else 1."""
    scenario = load_scenario(path)
    _tell(scenario)
    with staged(progress) as product:
        product.emulator.load_codepipeline(scenario.codepipeline)
        progress(f"CodePipeline emits {len(scenario.steps)} events on the tooling account's bus")
        for step in scenario.steps:
            product.emulator.emit(step.event)
        product.emulator.settle()
        progress("reading the metrics back")
        numbers = product.metrics()
        print()
        print("\n".join(_table(numbers)))
        print()
        print("\n".join(_left_out(scenario, product)))
        print()
    return _judge(numbers, metrics.expected(scenario.expected))


def _tell(scenario: Scenario) -> None:
    print(f"\n{scenario.title}")
    for line in scenario.story:
        print(f"  {line}")
    print(f"  (All dates are moved by {scenario.moved_by.days} days, to end yesterday.)\n")


def _table(numbers: dict[metrics.Value, float]) -> Iterator[str]:
    """Show deployments by day: for each repository, each team, and all."""
    counts = {value: n for value, n in numbers.items() if value.metric == "Deployments"}
    days = sorted({value.day for value in counts})
    sets = sorted({value.dimensions for value in counts}, key=lambda each: (not each, sorted(each)))
    width = max([22, *(len(_label(each)) for each in sets)])
    heads = [date.fromisoformat(day).strftime("%a %d") for day in days]
    title = "Production deployments"
    yield f"{title:<{width}}" + "".join(f"{head:>8}" for head in [*heads, "total"])
    for dimensions in sets:
        row = [counts.get(metrics.Value("Deployments", dimensions, day), 0) for day in days]
        cells = [f"{count:8.0f}" if count else f"{'·':>8}" for count in row]
        if not dimensions:
            yield "-" * (width + 8 * (len(days) + 1))
        yield f"{_label(dimensions):<{width}}" + "".join(cells) + f"{sum(row):8.0f}"


def _label(dimensions: Iterable[tuple[str, str]]) -> str:
    for name, value in dimensions:
        return value if name == "Repository" else f"{name} {value}"
    return "All"


def _left_out(scenario: Scenario, product: Product) -> Iterator[str]:
    """Show what became of the events that are no deployment."""
    answers = product.emulator.answers()
    yield "Events not counted"
    unmatched = len(scenario.steps) - len(answers)
    yield f"{unmatched:4}  no success of a pipeline or of a production stage"
    failed = [answer["error"] for answer in answers if "error" in answer]
    outcomes = Counter(
        answer["answer"].get("reason", answer["answer"]["outcome"])
        for answer in answers
        if "answer" in answer and answer["answer"]["outcome"] != "published"
    )
    for outcome, count in outcomes.most_common():
        yield f"{count:4}  {_IN_WORDS.get(outcome, outcome)}"
    for error in failed:
        yield f"   1  failed: {error.get('errorType')}: {error.get('errorMessage')}"


def _judge(numbers: dict[metrics.Value, float], wanted: dict[metrics.Value, float]) -> int:
    wrong = metrics.differences(numbers, wanted)
    if wrong:
        print("These numbers are not what the scenario must give:")
        print("\n".join(f"  {line}" for line in wrong))
        return 1
    print(
        f"All {len(wanted)} numbers in CloudWatch are what the scenario must give, and no others."
    )
    return 0
