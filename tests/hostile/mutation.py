"""Makes hostile payloads of the sample events. Each follows from a seed and a number alone."""

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from stage.scenario import samples

MARKS = ("Ana <ana@", "Sécret ", "ghp_secret", "zoe@example.com", "Zoë Müller")
"""What no answer and no log may show: some of it is in the samples themselves."""

LARGEST = 256 * 1024
"""What a payload of Lambda's asynchronous invocations has at most."""

_WORDS = (
    "",
    "aws.codepipeline",
    "aws.ssm",
    "custom",
    "999999999999",
    "777788889999",
    "\u0661" * 12,
    "eu-west-1.evil.example",
    "eu-west-1/../..",
    "SUCCEEDED",
    "DeployPROD",
    "OpsItem Create",
    "CodePipeline Stage Execution State Change",
    "CodePipeline Pipeline Execution State Change",
    "main",
    "acme/web/../../user",
    "acme/%2e%2e/user",
    'acme/web") { id } }',
    "web\r\nX-Evil: 1",
    "web#1",
    "6f1d2c0a-7b1e-4d0f-9a53-2f0f4c8e1a77",
    "oi-0123456789ab",
    "2026-02-30T00:00:00Z",
    "+262142-12-31T23:59:59Z",
    "2100-12-31T23:59:59Z",
    "Ana <ana@example.com>",
    "nothing, expected Ana <ana@example.com> at line 3",
    "Bearer ghp_secret0123456789",
    "Sécret words\u0000\u202e",
)
_VALUES: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**30, [], {}, [[]], {"": None})
_GRAINS = ("a", "é", "oi-", "oi-0123456789ab ", "../", "\\", "Ana <ana@example.com>")

Place = tuple[Any, Any]


def payload(seed: int, number: int) -> bytes:
    """Return a hostile payload."""
    chance = random.Random(f"{seed} {number}")
    event = json.loads(chance.choice(_texts()))
    for _ in range(chance.choice((1, 1, 2, 3))):
        chance.choice(_MUTATIONS)(event, chance)
    text = json.dumps(event, ensure_ascii=chance.random() < 0.5)
    depth = chance.choice((10, 127, 128, 5000, LARGEST // 2 - len(text)))
    text = text.replace('"nested here"', "[" * depth + "]" * depth, 1)
    encoded = text.encode()
    return encoded if len(encoded) <= LARGEST else b'"too large"'


@cache
def _texts() -> list[str]:
    return [path.read_text() for path in samples()]


def _drop(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    del holder[key]


def _retype(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    holder[key] = chance.choice(_VALUES)


def _reword(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    holder[key] = chance.choice(_WORDS)


def _swell(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    grain = chance.choice(_GRAINS)
    holder[key] = grain * chance.randrange(LARGEST // 8 // len(grain.encode()))


def _wrap(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    holder[key] = chance.choice(([holder[key]], {"x": holder[key]}))


def _nest(event: Any, chance: random.Random) -> None:
    holder, key = _place(event, chance)
    holder[key] = "nested here"


def _move(event: Any, chance: random.Random) -> None:
    """Let it come from a Region that nobody has heard of."""
    event["region"] = f"eu-west-{chance.randrange(10**6)}"


_MUTATIONS: tuple[Callable[[Any, random.Random], None], ...] = (
    *(_drop, _retype, _reword, _reword, _reword, _swell, _wrap, _nest, _move, _move),
)


def _place(event: Any, chance: random.Random) -> Place:
    places = list(_places(event))
    return chance.choice(places) if places else ([None], 0)


def _places(value: Any) -> Iterator[Place]:
    """Yield where each value is, the event itself apart."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(inner)
