"""A whole organisation's events give the true numbers, in any order and some of them twice.

It knows all kinds of things that `test_lead_time_orders` and `test_incident_orders` make up, and
all four functions see all of it; those look into the ledger, too, and at single moments.
"""

import json
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

import organisation
from end_to_end.deployments import FUNCTIONS, again
from end_to_end.settings import with_settings
from organisation.telling import tell
from organisation.truth import TEAMS
from organisation.world import World
from stage.product import Product
from stage.scenario import Event

ASKED_FOR = os.environ.get("ORGANISATION_SEEDS", "").split()
SIZE = int(os.environ.get("ORGANISATION_SIZE", organisation.SIZE))
REPEATED = 0.1


@pytest.mark.parametrize("seed", [int(seed) for seed in ASKED_FOR] or organisation.SEEDS)
def test_the_numbers_are_the_true_ones(product: Product, seed: int) -> None:
    print(  # pytest shows it if the test fails, however it does
        f"seed {seed}; once more: cd tests && ORGANISATION_SEEDS={seed} ORGANISATION_SIZE={SIZE} "
        "python -m pytest end_to_end/test_organisation.py"
    )
    happened = World(seed, SIZE).happened
    told = tell(happened)
    chance = random.Random(seed)
    events = [
        *told.events,
        *map(again, chance.sample(told.events, int(len(told.events) * REPEATED))),
    ]
    chance.shuffle(events)
    with _teams(product):
        product.load(told.services)
        for some in (told.early, events, told.late):
            _play(product, some)
        differences = happened.truth.differences(product.statistics(), told.moved)
    assert differences == []


@contextmanager
def _teams(product: Product) -> Iterator[None]:
    with ExitStack() as stack:
        for function in FUNCTIONS:
            settings = with_settings(product, function, TEAM_BY_REPOSITORY=json.dumps(TEAMS))
            stack.enter_context(settings)
        yield


def _play(product: Product, events: list[Event]) -> None:
    """Let events come all at once, and send again what retries did not settle."""
    before = len(product.emulator.answers())
    for event in events:
        product.emulator.emit(event)
    product.emulator.settle(seconds=300)
    for each in product.emulator.answers()[before:]:
        if "error" in each:
            product.invoke(each["function"], each["event"])
