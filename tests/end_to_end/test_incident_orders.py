"""Events of failures that come at the same moment give their numbers.

`test_organisation` plays whole histories in any order; here is what meets in the ledger at once.
"""

import random
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest

from end_to_end.deployments import again
from end_to_end.git import commit
from end_to_end.incidents import Incident
from end_to_end.outages import COUNTS, RECOVERIES, Outage
from end_to_end.pipelines import Run
from stage import metrics
from stage.github.story import sha
from stage.metrics import Statistics, Value
from stage.product import Product
from stage.scenario import Event

FUNCTIONS = ("change-failure-rate", "mttr")


def comparable(numbers: dict[Value, Statistics]) -> dict[Value, Statistics]:
    """Leave out whose incidents they are: of some that is known only once a deployment has come."""
    return {
        value: each
        for value, each in numbers.items()
        if value.metric != "Incidents" or not value.dimensions
    }


def deliver(product: Product, told: list[tuple[str, Event]]) -> None:
    """Let functions handle these events at once, and what their retries did not settle, again."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda each: product.send(*each), told))
    product.emulator.settle(seconds=300)
    for each in product.emulator.answers():
        if "error" in each:
            product.invoke(each["function"], each["event"])


def check_rates(numbers: dict[Value, Statistics]) -> None:
    """See that no rate is above 100 percent."""
    for value, each in numbers.items():
        if value.metric in ("FailedChanges", "ReworkDeployments"):
            assert each.sum <= numbers[value._replace(metric="Changes")].sum, value


COPIES = 12


def named(how: str, run: Run) -> dict[str, str]:
    """Name a deployment, as an OpsItem does."""
    match how:
        case "execution":
            return {"dora/execution-id": run.id}
        case "commit":
            return {"dora/commit": sha("acme/web", run.commit)}
        case _:
            return {"dora/repository": "acme/web"}


@pytest.mark.parametrize("first", ["deployment", "incident"])
@pytest.mark.parametrize("how", ["execution", "commit", "repository"])
def test_a_deployment_and_its_incident_at_the_same_moment(
    product: Product, how: str, first: str
) -> None:
    runs = [Run(f"c{hour}", at=f"{hour:02}:00") for hour in range(1, COPIES + 1)]
    incidents = [
        Incident(number, f"{number + 1:02}:30", names=named(how, run))
        for number, run in enumerate(runs)
    ]
    outage = Outage("pairs", runs, incidents=incidents, caused_by=dict(enumerate(runs)))
    outage.happened(product)
    events = outage.events("forwards")
    pairs = zip(events[::2], events[1::2], strict=True)
    told = [
        ("change-failure-rate", event)
        for pair in pairs
        for event in (pair if first == "deployment" else reversed(pair))
    ]
    deliver(product, told)
    wanted = outage.numbers(COUNTS)
    assert metrics.differences(comparable(product.statistics()), comparable(wanted)) == []
    check_rates(product.statistics())


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_a_deployment_and_its_rollback_at_the_same_moment(
    product: Product, function: str, seed: int
) -> None:
    deployments = [Run(f"c{hour}", at=f"{hour:02}:00") for hour in range(1, COPIES + 1)]
    rollbacks = [
        Run(before.commit, at=f"{hour:02}:30", rollback=True)
        for hour, before in enumerate(deployments[:-1], 2)
    ]
    outage = Outage(
        "rolled back",
        sorted([*deployments, *rollbacks], key=lambda run: run.at),
        steps=[commit(run.commit, f"00:{number:02}") for number, run in enumerate(deployments)],
        undone=tuple(deployments[1:]),
        recovered=tuple((run, f"{run.at} - {run.at[:2]}:00 = 1800") for run in rollbacks),
    )
    outage.happened(product)
    told = [(function, again(event)) for event in outage.events("forwards") for _ in range(2)]
    random.Random(seed).shuffle(told)
    deliver(product, told)
    own = COUNTS if function == "change-failure-rate" else RECOVERIES
    assert metrics.differences(product.statistics(), outage.numbers(own)) == []


def rolled_back(deployments: list[Run]) -> Outage:
    """Every deployment but the first has an incident after ten minutes, and is undone after 30."""
    incidents = [
        Incident(number, f"{run.at[:2]}:10", names={"dora/execution-id": run.id})
        for number, run in enumerate(deployments[1:], 1)
    ]
    rollbacks = [
        Run(before.commit, at=f"{run.at[:2]}:30", rollback=True)
        for before, run in pairwise(deployments)
    ]
    steps = [commit(run.commit, f"00:{number:02}") for number, run in enumerate(deployments)]
    runs = sorted([*deployments, *rollbacks], key=lambda run: run.at)
    return Outage("rolled back", runs, incidents=incidents, steps=steps)


def check_one_recovery_each(product: Product, runs: Iterable[Run], outage: Outage) -> None:
    """See that each of these recovered once: by its incident, or by itself."""
    recovered = {
        item["pk"]["S"]
        for item in product.ledger()
        if item.get("TimeToRecovery", {"M": {}})["M"].get("state") == {"S": "published"}
    }
    wanted = 0.0
    for run, incident in zip(runs, outage.incidents, strict=True):
        own, its = f"deployment#{run.id}" in recovered, f"incident#{incident.id}" in recovered
        assert own != its, (run.at, own, its)
        wanted += 1800 if own else 1200
    (found,) = [
        each
        for value, each in product.statistics().items()
        if value.metric == "TimeToRecovery" and not value.dimensions
    ]
    assert (found.samples, found.sum) == (len(outage.incidents), wanted)


@pytest.mark.parametrize("seed", range(3))
def test_a_rollback_its_incident_and_a_hotfix_at_the_same_moment(
    product: Product, seed: int
) -> None:
    """The rollback came before the hotfix, which is rework alone."""
    deployments = [Run(f"c{hour}", at=f"{hour:02}:00") for hour in range(1, COPIES + 1)]
    rolled = rolled_back(deployments)
    hotfixes = [Run(f"f{run.commit}", at=f"{run.at[:2]}:45") for run in deployments[1:]]
    steps = rolled.steps[:1]
    for step, hotfix, incident in zip(rolled.steps[1:], hotfixes, rolled.incidents, strict=True):
        more = commit(hotfix.commit, "00:30", message=f"Mend {incident.id}")
        steps = [*steps, step, more]
    runs = sorted([*rolled.runs, *hotfixes], key=lambda run: run.at)
    outage = replace(rolled, runs=runs, steps=steps, rework=tuple(hotfixes))
    outage.happened(product)
    told = outage.events("forwards")
    random.Random(seed).shuffle(told)
    deliver(product, [("mttr", event) for event in told])
    check_one_recovery_each(product, deployments[1:], outage)
    found = {
        value: each
        for value, each in product.statistics().items()
        if value.metric == "ReworkDeployments"
    }
    assert metrics.differences(found, outage.numbers(["ReworkDeployments"])) == []


@pytest.mark.parametrize("known", [True, False], ids=["deployments known", "all at once"])
@pytest.mark.parametrize("seed", range(3))
def test_a_rollback_and_its_incident_at_the_same_moment(
    product: Product, seed: int, known: bool
) -> None:
    deployments = [Run(f"c{hour}", at=f"{hour:02}:00") for hour in range(1, COPIES + 1)]
    outage = rolled_back(deployments)
    outage.happened(product)
    first, *told = outage.events("forwards")
    threes = [told[place : place + 3] for place in range(0, len(told), 3)]
    before, together = [first], threes
    if known:
        before += [deployment for deployment, *_ in threes]
        together = [pair for _, *pair in threes]
    for event in before:
        product.invoke("mttr", event)
    order = random.Random(seed)
    for each in together:
        order.shuffle(each)
    deliver(product, [("mttr", event) for each in together for event in each])
    check_one_recovery_each(product, deployments[1:], outage)


def writes(product: Product) -> int:
    """Return how often functions have written to an item of the ledger."""
    return sum(call["operation"] == "UpdateItem" for call in product.emulator.calls())


def until_written(product: Product, times: int) -> None:
    """Wait until functions have written so often, or answered without."""
    deadline = time.monotonic() + 60
    while writes(product) < times and not product.emulator.answers():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("slow", ["rollback", "incident"])
@pytest.mark.parametrize("after", range(4))
def test_a_rollback_and_its_incident_overtake_each_other(
    product: Product, slow: str, after: int
) -> None:
    """One is slow before one of its writes, and meanwhile the other is handled as a whole."""
    deployments = [Run("c1", at="01:00"), Run("c2", at="02:00")]
    outage = rolled_back(deployments)
    outage.happened(product)
    first, second, incident, rollback = outage.events("forwards")
    for event in (first, second):
        product.invoke("mttr", event)
    late, other = (rollback, incident) if slow == "rollback" else (incident, rollback)
    so_far = writes(product)
    product.emulator.fault("dynamodb", "UpdateItem", "hang", after=after)
    product.send("mttr", late)
    until_written(product, so_far + after + 1)
    product.send("mttr", other)
    product.emulator.settle()
    for each in product.emulator.answers():
        if "error" in each:
            product.invoke("mttr", each["event"])
    check_one_recovery_each(product, deployments[1:], outage)
