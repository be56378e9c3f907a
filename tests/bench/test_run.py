"""A short run of the bench, on the functions of the local stage."""

import asyncio

from bench import FUNCTIONS, scene
from bench.contestants import Contestant, in_rust
from bench.measure import Samples, measure
from stage import HOME


async def run() -> dict[str, tuple[Contestant, Samples]]:
    async with scene.stage() as (emulator, endpoints, variables, events):
        found = {}
        for contestant in in_rust(HOME / "lambda", variables, events):
            await contestant.rehearse(emulator, endpoints)
            samples = Samples()
            await measure(contestant, endpoints, 2, samples)
            found[contestant.function] = contestant, samples
        return found


def test_every_function_plays_its_event_from_the_rehearsal() -> None:
    found = asyncio.run(run())
    assert tuple(found) == FUNCTIONS
    for _, samples in found.values():
        assert (len(samples.cold_start), len(samples.warm)) == (1, 2)
        assert 0 < samples.first_poll[0] < samples.cold_start[0]
        assert samples.cpu[0] > 0
        assert samples.memory[0] > 1e6
    frequency, _ = found["deployment-frequency"]
    assert [str(call) for call in frequency.warm.calls()] == [
        "codepipeline GetPipelineExecution",
        "dynamodb UpdateItem",
        "cloudwatch PutMetricData",
        "dynamodb UpdateItem",
    ]
    assert len(frequency.cold.calls()) == 5, "and the role in the pipeline's account"
    assert len(frequency.duplicate.calls()) == 2
    lead_time, _ = found["lead-time"]
    assert len([call for call in lead_time.warm.calls() if call.service == "github"]) == 2
