"""Random histories give their numbers, in whatever order and however often their events come.

What a deployment must ship is known when the history is made up: what came to the main branch since
the deployment before, each pull request as its own commits.
"""

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from end_to_end.deployments import again
from end_to_end.git import Step, branch, commit, merged, opened
from end_to_end.histories import Ignored, Outcome, Ships
from end_to_end.pipelines import Run, Status, moment
from end_to_end.played import LEAD_TIME, evidence, in_cloudwatch, loaded
from stage import metrics
from stage.github.story import sha
from stage.product import Product

DEPLOYMENTS = 12
ORDERS = 2


class Imagined:
    """A history that is made up, and its deployments."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._now = moment("00:00")
        self._numbers = iter(range(1, 10_000))
        self.steps: list[Step] = []
        self.deployments: list[tuple[Run, Outcome]] = []
        self._new: dict[str, str] = {}
        self._tip = self._commit("main")
        self._new[self._tip] = self._clock
        self._deployed: list[str] = []
        self._deploy()
        happenings = (
            *[self._push, self._pull_request, self._pull_request, self._deploy, self._deploy],
            *[self._fail, self._roll_back, self._go_back],
        )
        while len(self.deployments) < DEPLOYMENTS:
            self._random.choice(happenings)()

    @property
    def _clock(self) -> str:
        return f"{self._now:%H:%M:%S}"

    def _pass(self) -> str:
        self._now += timedelta(seconds=self._random.randint(1, 400))
        return self._clock

    def _commit(self, on: str) -> str:
        label = f"c{next(self._numbers)}"
        self.steps.append(commit(label, self._pass(), on=on))
        return label

    def _push(self) -> None:
        self._tip = self._commit("main")
        self._new[self._tip] = self._clock

    def _pull_request(self) -> None:
        number = next(self._numbers)
        head = f"feature-{number}"
        self.steps.append(branch(head))
        own = self._own_commits(head)
        if self._random.random() < 0.3:
            self._push()  # main goes on
        self.steps.append(opened(number, head, self._pass()))
        self._tip = self._merge(number, [*own][-1])
        self._new |= own

    def _own_commits(self, head: str) -> dict[str, str]:
        own = {self._commit(head): self._clock for _ in range(self._random.randint(1, 3))}
        if self._random.random() < 0.3:
            number = next(self._numbers)
            inner = f"feature-{number}"
            self.steps.append(branch(inner, off=head))
            own |= {self._commit(inner): self._clock for _ in range(self._random.randint(1, 2))}
            self.steps.append(opened(number, inner, self._pass(), base=head))
            self.steps.append(merged(number, "merge", self._pass()))
            own |= {self._commit(head): self._clock}
        return own

    def _merge(self, number: int, last: str) -> str:
        how = self._random.choice(["merge", "squash", "rebase"])
        self.steps.append(merged(number, how, self._pass()))
        return f"{last}'" if how == "rebase" else f"#{number}"

    def _deploy(self) -> None:
        run = Run(self._tip, at=self._pass(), trigger=self._random.random() < 0.5)
        since = self._deployed[-1] if self._deployed else None
        outcome: Outcome = Ignored("no-new-commits")
        if self._new:
            ages = {label: f"{run.at} - {at}" for label, at in self._new.items()}
            outcome = Ships({label: _seconds(age) for label, age in ages.items()}, since)
        self.deployments.append((run, outcome))
        self._deployed.append(self._tip)
        self._new = {}

    def _fail(self) -> None:
        statuses: list[Status] = ["Failed", "Superseded", "Stopped"]
        status = self._random.choice(statuses)
        self.deployments.append((Run(self._tip, at=self._pass(), status=status), None))

    def _roll_back(self) -> None:
        if len(self._deployed) > 1:
            run = Run(self._deployed[-2], at=self._pass(), rollback=True)
            self.deployments.append((run, Ignored("rollback")))

    def _go_back(self) -> None:
        if len(self._deployed) > 1:
            older = self._random.choice(self._deployed)
            run = Run(older, at=self._pass(), trigger=False)
            self.deployments.append((run, Ignored("no-new-commits")))
            self._deployed.append(older)


def _seconds(difference: str) -> int:
    deployed, _, authored = difference.partition(" - ")
    return int((moment(deployed) - moment(authored)).total_seconds())


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_events_changes_no_number(product: Product, seed: int) -> None:
    history = Imagined(seed)
    for order in range(ORDERS):
        product.reset()
        runs = [run for run, _ in history.deployments]
        github = [{"repository": "acme/web", "steps": history.steps}]
        events = loaded(product, github, runs)
        told = [
            again(event)
            for (_, outcome), event in zip(history.deployments, events, strict=True)
            if outcome is not None
            for _ in range(2)
        ]
        random.Random(order).shuffle(told)
        for event in told:
            product.send(LEAD_TIME, event)
        product.emulator.settle()
        for message in product.messages("FailedEvents"):  # their retries met copies at work
            product.invoke(LEAD_TIME, json.loads(message["Body"])["requestPayload"])
        wanted = in_cloudwatch(history.deployments)
        assert metrics.differences(product.statistics(), wanted) == [], f"seed {seed}"
        assert shipped(product) == expected(history), f"seed {seed}"


def shipped(product: Product) -> dict[str, Any]:
    """Return what the ledger says that each execution shipped."""
    return {
        item["pk"]["S"].removeprefix("deployment#"): (
            evidence(item),
            item.get("since", {}).get("S"),
        )
        for item in product.ledger()
        if "commits" in item
    }


def expected(history: Imagined) -> dict[str, Any]:
    """Return what the ledger must say."""

    def id_of(label: str) -> str:
        return sha("acme/web", label)

    return {
        run.id: (
            {id_of(label): age for label, age in outcome.seconds.items()},
            outcome.since and id_of(outcome.since),
        )
        for run, outcome in history.deployments
        if isinstance(outcome, Ships)
    }
