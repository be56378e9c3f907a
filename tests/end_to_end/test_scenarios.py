"""Every scenario gives its numbers, in whatever order and however often its events come."""

import random
from operator import itemgetter
from pathlib import Path

import pytest

from stage import metrics
from stage.product import Product
from stage.scenario import as_stated, load_scenario, scenarios

every_scenario = pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)


@every_scenario
def test_events_in_order_have_their_answers_and_give_the_numbers(
    product: Product, path: Path
) -> None:
    scenario = load_scenario(path)
    product.load(scenario.services)
    for step in scenario.steps:
        before = len(product.emulator.answers())
        product.emulator.emit(step.event)
        product.emulator.settle()
        answers = [
            (each["function"], as_stated(each.get("answer", each), step.answers[each["function"]]))
            for each in product.emulator.answers()[before:]
        ]
        wanted = list(step.answers.items()) if step.forwarded else []
        assert sorted(answers, key=itemgetter(0)) == wanted, step.about
    assert metrics.differences(product.statistics(), metrics.expected(scenario.expected)) == []


@every_scenario
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_and_repeated_events_give_the_same_numbers(
    product: Product, path: Path, seed: int
) -> None:
    scenario = load_scenario(path)
    product.load(scenario.services)
    seen_before = [step.event for step in scenario.steps[: scenario.seen_before]]
    for event in seen_before:
        product.emulator.emit(event)
    product.emulator.settle()
    events = [step.event for step in scenario.steps for _ in range(2)]
    random.Random(seed).shuffle(events)
    for event in events:
        product.emulator.emit(event)
    product.emulator.settle()
    assert metrics.differences(product.statistics(), metrics.expected(scenario.expected)) == []


@every_scenario
def test_events_that_the_rules_drop_would_change_no_number(product: Product, path: Path) -> None:
    scenario = load_scenario(path)
    product.load(scenario.services)
    for step in scenario.steps:
        for function, outcome in step.answers.items():
            if not step.forwarded:
                assert as_stated(product.invoke(function, step.event), outcome) == outcome
    assert product.metrics() == {}
