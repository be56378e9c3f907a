"""Measures one contestant: a cold start, and events after it."""

from dataclasses import dataclass, field

from bench.contestants import LOG, Contestant
from bench.endpoints import Endpoints
from stage.runtime_api import environment


@dataclass
class Samples:
    """What was measured in all rounds: seconds, and bytes."""

    first_poll: list[float] = field(default_factory=list)
    cold_start: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def measure(
    contestant: Contestant, endpoints: Endpoints, events: int, samples: Samples
) -> None:
    """Start a contestant, and give it one event, then so many more."""
    endpoints.replay(contestant.cold)
    async with environment(
        contestant.arn, contestant.command, contestant.variables, LOG
    ) as started:
        first_poll = await started.ready()
        samples.cold_start.append(await started.first_answer(contestant.event))
        samples.first_poll.append(first_poll)
        before = started.cpu()
        for _ in range(events):
            endpoints.replay(contestant.warm)
            _, begun, ended = await started.invoke(contestant.event)
            samples.warm.append(ended - begun)
        samples.cpu.append((started.cpu() - before) / events)
        samples.memory.append(started.peak_memory())
