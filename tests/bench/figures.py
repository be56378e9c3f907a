"""From samples to figures: medians, percentiles, ratios, targets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.measure import Samples

TARGETS = {
    "cold start / empty": 2.0,
    "memory / empty": 3.0,
    "Python / cold start": 20.0,
    "Python / warm p50": 8.0,
    "Python / memory": 4.0,
}


@dataclass(frozen=True)
class Figures:
    """What is told of one contestant: seconds, and bytes."""

    first_poll: float
    cold_start: float
    least_cold_start: float
    """The one that other work on the machine disturbed least."""
    warm_p50: float
    warm_p99: float
    cpu: float
    memory: float


def figures(samples: Samples) -> Figures:
    """Return the medians, and of warm events the percentiles over all rounds."""
    return Figures(
        first_poll=median(samples.first_poll),
        cold_start=median(samples.cold_start),
        least_cold_start=min(samples.cold_start),
        warm_p50=median(samples.warm),
        warm_p99=percentile(samples.warm, 99),
        cpu=median(samples.cpu),
        memory=median(samples.memory),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least of the values that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratios(own: Figures, empty: Figures, python: Figures) -> dict[str, float]:
    """Return how a function compares, by the names of the targets."""
    return {
        "cold start / empty": own.cold_start / empty.cold_start,
        "memory / empty": own.memory / empty.memory,
        "Python / cold start": python.cold_start / own.cold_start,
        "Python / warm p50": python.warm_p50 / own.warm_p50,
        "Python / memory": python.memory / own.memory,
    }


def is_met(name: str, ratio: float) -> bool:
    """Tell whether a ratio is on the right side of its target."""
    return ratio >= TARGETS[name] if name.startswith("Python") else ratio <= TARGETS[name]
