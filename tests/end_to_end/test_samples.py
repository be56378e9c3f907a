"""Every sample event has the outcome that `events/outcomes.json` states."""

from pathlib import Path

import pytest

from stage.product import Product
from stage.scenario import load_sample, samples


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_a_sample_has_its_outcome(product: Product, path: Path) -> None:
    sample = load_sample(path)
    for function, outcome in sample.answers.items():
        product.emulator.load_codepipeline(sample.codepipeline)
        answer = product.invoke(function, sample.event)
        assert answer.items() >= outcome.items()
        assert answer.get("reason") == outcome.get("reason")
        assert bool(product.metrics()) == (outcome["outcome"] == "published")


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_the_rules_let_a_sample_through_or_not(product: Product, path: Path) -> None:
    sample = load_sample(path)
    product.emulator.load_codepipeline(sample.codepipeline)
    product.emulator.emit(sample.event)
    product.emulator.settle()
    reached = [each["event"] for each in product.emulator.answers()]
    assert reached == ([sample.event] * len(sample.answers) if sample.forwarded else [])
