"""Random histories of failures give their numbers, however their events come.

What must come of them is known when they are made up. They leave out what the documentation says
may depend on the order: incidents that name nothing, and incidents of a deployment that is rolled
back after them.
"""

import random
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from end_to_end.deployments import again
from end_to_end.git import Step, commit
from end_to_end.incidents import Incident
from end_to_end.outages import COUNTS, RECOVERIES, Outage, is_change
from end_to_end.pipelines import PAYMENTS, WEB, Pipeline, Run, Status, moment
from stage import metrics
from stage.github.story import sha
from stage.metrics import Statistics, Value
from stage.product import Product
from stage.scenario import Event

FUNCTIONS = ("change-failure-rate", "mttr")
HAPPENINGS = 30
ORDERS = 2


class Imagined:
    """A history that is made up: executions of two pipelines, incidents, rollbacks."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._now = moment("00:00")
        self._numbers = iter(range(1, 10_000))
        self._pipelines = (WEB, PAYMENTS)
        self._deployed: dict[str, list[Run]] = {each.name: [] for each in self._pipelines}
        self._mended: dict[str, set[int]] = {each.name: set() for each in self._pipelines}
        self._menders: dict[int, str] = {}
        self._open: dict[int, Incident] = {}
        self._was_rolled_back: set[str] = set()
        self._steps: dict[str, list[Step]] = {each.name: [] for each in self._pipelines}
        self.runs: list[Run] = []
        self.incidents: list[Incident] = []
        self.caused_by: dict[int, Run] = {}
        self.undone: list[Run] = []
        self.recovered: list[tuple[Run, str]] = []
        self.rework: list[Run] = []
        for pipeline in self._pipelines:
            self._deploy(pipeline)
        happenings = [
            *(self._deploy, self._deploy, self._incident, self._incident),
            *(self._roll_back, self._roll_back_elsewhere, self._fail, self._fail_later),
        ]
        for _ in range(HAPPENINGS):
            self._random.choice(happenings)(self._random.choice(self._pipelines))

    @property
    def outage(self) -> Outage:
        """Return it in the form of a table."""
        return Outage(
            "imagined",
            self.runs,
            incidents=self.incidents,
            histories={
                pipeline.sources[0]: self._steps[pipeline.name] for pipeline in self._pipelines
            },
            caused_by=self.caused_by,
            undone=tuple(self.undone),
            recovered=tuple(self.recovered),
            rework=tuple(self.rework),
        )

    def _pass(self) -> str:
        self._now += timedelta(seconds=self._random.randint(1, 300))
        return f"{self._now:%H:%M:%S}"

    def _commit(self, pipeline: Pipeline) -> str:
        """Somebody commits, perhaps to end incidents, some of which have ended."""
        label = f"c{next(self._numbers)}"
        own = [number for number, name in self._menders.items() if name == pipeline.name]
        picked = self._random.sample(own, min(len(own), self._random.choice([0, 0, 1, 2])))
        ids = [each.id for each in self.incidents if each.number in picked]
        message = f"Mend {' and '.join(ids)}" if ids else label
        self._mended[pipeline.name].update(picked)
        self._steps[pipeline.name].append(commit(label, self._pass(), message=message))
        return label

    def _deploy(self, pipeline: Pipeline) -> None:
        label, started = self._commit(pipeline), self._pass()
        ended = self._pass() if pipeline == PAYMENTS else ""
        run = Run(label, at=self._pass(), pipeline=pipeline, started=started)
        if ended:
            run = Run(label, at=ended, pipeline=pipeline, started=started, ended=run.at)
        self._reached(run)

    def _reached(self, run: Run) -> None:
        self.runs.append(run)
        self._deployed[run.pipeline.name].append(run)
        mended = self._mended[run.pipeline.name]
        if mended:
            self.rework.append(run)
        for number in sorted(mended & self._open.keys()):
            incident = self._open.pop(number)
            self.recovered.append((run, _difference(run.at, incident.at)))
        mended.clear()

    def _fail(self, pipeline: Pipeline) -> None:
        statuses: list[Status] = ["Failed", "Superseded", "Stopped"]
        label, started = self._commit(pipeline), self._pass()
        status = self._random.choice(statuses)
        run = Run(label, at=self._pass(), pipeline=pipeline, started=started, status=status)
        self.runs.append(run)

    def _fail_later(self, _: Pipeline) -> None:
        """A trunk-based execution fails after production, and CodePipeline rolls it back."""
        label, started, at, ended = self._commit(PAYMENTS), self._pass(), self._pass(), self._pass()
        run = Run(label, at=at, pipeline=PAYMENTS, started=started, ended=ended, status="Failed")
        target = self._deployed[PAYMENTS.name][-1]
        self._reached(run)
        started, at, ended = self._pass(), self._pass(), self._pass()
        back = Run(
            target.commit,
            at=at,
            pipeline=PAYMENTS,
            started=started,
            ended=ended,
            rollback=True,
            undoes=run,
        )
        self._undo(run, back)

    def _roll_back(self, pipeline: Pipeline) -> None:
        if len(self._deployed[pipeline.name]) < 2:
            return
        target, latest = self._deployed[pipeline.name][-2:]
        if latest in self.caused_by.values():
            return
        started, at = self._pass(), self._pass()
        ended = self._pass() if pipeline == PAYMENTS else ""
        back = Run(
            target.commit, at=at, pipeline=pipeline, started=started, ended=ended, rollback=True
        )
        self._undo(latest, back)

    def _roll_back_elsewhere(self, pipeline: Pipeline) -> None:
        """Another stage than production's is rolled back, which undoes nothing."""
        target, started = self._deployed[pipeline.name][0], self._pass()
        self.runs.append(
            Run(
                target.commit,
                at=self._pass(),
                pipeline=pipeline,
                started=started,
                rollback=True,
                only_verified=True,
            )
        )

    def _undo(self, run: Run, back: Run) -> None:
        self.runs.append(back)
        if run.id not in self._was_rolled_back:
            self._was_rolled_back.add(run.id)
            self.undone.append(run)
            self.recovered.append((back, _difference(back.at, run.at)))

    def _incident(self, pipeline: Pipeline) -> None:
        number, at = next(self._numbers), self._pass()
        deployed = self._deployed[pipeline.name]
        repository = {"dora/repository": pipeline.sources[0]}
        cause, names = deployed[-1], repository
        how = self._random.choice(["repository", "repository", "execution", "commit"])
        if how != "repository":
            cause = self._random.choice(deployed)
        if how == "execution":
            names = {"dora/execution-id": cause.id}
        if how == "commit":
            names = {"dora/commit": sha(pipeline.sources[0], cause.commit)}
        incident = Incident(number, at, names=names)
        self.incidents.append(incident)
        self.caused_by[number] = cause
        self._menders[number] = self._random.choice(self._pipelines).name
        self._open[number] = incident


def _difference(later: str, earlier: str) -> str:
    seconds = (moment(later) - moment(earlier)).total_seconds()
    return f"{later} - {earlier} = {seconds:.0f}"


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


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_events_changes_no_number(product: Product, seed: int) -> None:
    outage = Imagined(seed).outage
    for order in range(ORDERS):
        product.reset()
        outage.happened(product)
        told = [
            (function, again(event))
            for event in outage.events("forwards")
            for function in FUNCTIONS
            for _ in range(2)
        ]
        random.Random(order).shuffle(told)
        deliver(product, told)
        found, where = product.statistics(), f"seed {seed}, order {order}"
        wanted = outage.numbers((*COUNTS, *RECOVERIES))
        assert metrics.differences(comparable(found), comparable(wanted)) == [], where
        check_rates(found)


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


def test_all_that_is_imagined_happens() -> None:
    """A property that holds for want of cases would prove nothing."""
    histories = [Imagined(seed).outage for seed in range(8)]
    for happened in (
        lambda each: len(each.undone) > 1,
        lambda each: len(each.recovered) > len(each.undone),
        lambda each: len(each.rework) > 1,
        lambda each: len(each.caused_by) > len({run.id for run in each.caused_by.values()}),
    ):
        assert sum(map(happened, histories)) > 1
    assert all(len(list(filter(is_change, each.runs))) > 5 for each in histories)
