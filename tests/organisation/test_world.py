"""The organisation is the same for the same seed, knows every kind of thing, and is possible."""

from collections import Counter

import pytest

from organisation import SEEDS as SMALL_SEEDS
from organisation import SIZE as SMALL_SIZE
from organisation.telling import tell
from organisation.truth import Fact
from organisation.world import KINDS, World
from stage.github.story import tell as tell_story

SEEDS = range(12)
SIZE = 400
LARGE = 10_000


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same(seed: int) -> None:
    assert World(seed, SIZE).happened == World(seed, SIZE).happened
    assert World(seed, SIZE).happened.truth != World(seed + 1, SIZE).happened.truth


def test_every_kind_of_thing_happens() -> None:
    seen = sum((World(seed, SIZE).happened.kinds for seed in SEEDS), Counter[str]())
    assert sorted(seen) == sorted(KINDS)


def test_the_small_ones_know_every_kind_together() -> None:
    seen = {kind for seed in SMALL_SEEDS for kind in World(seed, SMALL_SIZE).happened.kinds}
    assert sorted(set(KINDS) - seen) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_is_possible(seed: int) -> None:
    happened = World(seed, SIZE).happened
    numbers = happened.truth.numbers(tell(happened).moved)
    for value, each in numbers.items():
        assert each.minimum >= 0, value
        if value.metric in ("FailedChanges", "ReworkDeployments"):
            assert each.sum <= numbers[value._replace(metric="Changes")].sum, value


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_counts_once(seed: int) -> None:
    facts = World(seed, SIZE).happened.truth.facts
    once = Counter((each.metric, each.of) for each in facts if each.metric != "CommitLeadTime")
    assert [each for each, count in once.items() if count > 1] == []
    recovered, troubled = _of(facts, "TimeToRecovery"), _of(facts, "Incidents")
    assert recovered <= troubled | _of(facts, "FailedChanges")
    assert _of(facts, "FailedChanges") | _of(facts, "ReworkDeployments") <= _of(facts, "Changes")
    assert _of(facts, "Changes") == _of(facts, "Deployments")


def _of(facts: list[Fact], metric: str) -> set[str]:
    return {each.of for each in facts if each.metric == metric}


@pytest.mark.parametrize("seed", range(2))
def test_a_difference_is_told(seed: int) -> None:
    happened = World(seed, SIZE).happened
    moved = tell(happened).moved
    for uncertain in (True, False):
        found = happened.truth.numbers(moved, uncertain=uncertain)
        assert happened.truth.differences(found, moved) == []
    for value in list(found):
        less = {each: found[each] for each in found if each != value}
        assert len(happened.truth.differences(less, moved)) == 1


def test_a_large_one_has_as_many_events_as_it_was_asked_for() -> None:
    happened = World(1, LARGE).happened
    told = tell(happened)
    assert sum(map(len, told.early)) + len(told.events) + len(told.late) >= 0.9 * LARGE
    names = [tell_story(each).name for each in told.services.github]
    assert len(names) >= 20
