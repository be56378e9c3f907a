"""What the functions publish: the catalogue that Rust is held to."""

import json
from dataclasses import dataclass

from stage import REPOSITORY

FILE = REPOSITORY / "crates" / "dora-core" / "metrics.json"


@dataclass(frozen=True)
class Metric:
    """A metric that a function publishes, under each of the dimension sets."""

    name: str
    unit: str
    function: str
    one_value_for_each: str
    time: str


@dataclass(frozen=True)
class Catalogue:
    """All metrics, by name, and the dimension sets under which each value is published."""

    metrics: dict[str, Metric]
    dimension_sets: list[frozenset[str]]


def catalogue() -> Catalogue:
    """Read the catalogue."""
    document = json.loads(FILE.read_text())
    metrics = [
        Metric(each["name"], each["unit"], each["function"], each["oneValueForEach"], each["time"])
        for each in document["metrics"]
    ]
    return Catalogue(
        {metric.name: metric for metric in metrics},
        [frozenset(names) for names in document["dimensionSets"]],
    )
