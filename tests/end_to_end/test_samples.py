"""Every sample event has the outcome that `events/outcomes.json` states."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from stage import EVENTS
from stage.github.story import tell
from stage.product import Product
from stage.scenario import (
    Records,
    as_stated,
    load_sample,
    load_scenario,
    samples,
    scenarios,
)

ELSEWHERE = ("777788889999", "ap-southeast-1")

every_sample = pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)


@every_sample
def test_a_sample_has_its_outcome(product: Product, path: Path) -> None:
    sample = load_sample(path)
    product.load(sample.services)
    published = set()
    for function, stated in sample.answers.items():
        answer = product.invoke(function, sample.event)
        assert as_stated(answer, stated) == stated, function
        published |= {metric["name"] for metric in answer.get("metrics", [])}
        assert {value.metric for value in product.metrics()} == published


@every_sample
def test_the_rules_let_a_sample_through_or_not(product: Product, path: Path) -> None:
    sample = load_sample(path)
    product.load(sample.services)
    product.emulator.emit(sample.event)
    product.emulator.settle()
    reached = [(each["function"], each["event"]) for each in product.emulator.answers()]
    wanted = [(function, sample.event) for function in sample.answers if sample.forwarded]
    assert sorted(reached, key=itemgetter(0)) == wanted


def test_a_sample_has_the_same_outcome_in_another_account_and_region(product: Product) -> None:
    path = EVENTS / "codepipeline" / "pipeline-succeeded-poll-for-source-changes.json"
    sample = load_sample(path)  # it takes the pipeline's structure too to know the branch
    event, records = elsewhere([sample.event, sample.services.codepipeline])
    product.load(replace(sample.services, codepipeline=records))
    product.emulator.emit(event)
    product.emulator.settle()
    for each in product.emulator.answers():
        stated = sample.answers[each["function"]]
        assert as_stated(each["answer"], stated) == stated
    calls = [each for each in product.emulator.calls() if each["service"] == "codepipeline"]
    assert "GetPipeline" in {each["operation"] for each in calls}
    assert {each["account"] for each in calls} == {event["account"]} == {ELSEWHERE[0]}


def elsewhere(document: Any) -> Any:
    """Return the same in the second tooling account of the stage."""
    account, region = ELSEWHERE
    text = json.dumps(document).replace("111122223333", account).replace("eu-west-1", region)
    return json.loads(text)


@pytest.mark.parametrize("path", [samples()[0], *scenarios()], ids=lambda path: path.stem)
def test_the_histories_tell_of_every_commit_that_codepipeline_fetched_from_github(
    path: Path,
) -> None:
    services = (load_scenario(path) if path in scenarios() else load_sample(path)).services
    told = {
        (history["repository"], commit.sha, commit.message, commit.authored)
        for history in services.github
        for commit in tell(history).commits.values()
    }
    commits = set(fetched(services.codepipeline))
    assert commits
    assert commits <= told


def fetched(records: Records) -> Iterator[tuple[str, str, str, datetime]]:
    """Yield repository, id, message and author date of what source actions fetched from GitHub."""
    executions = [each for record in records for each in record["executions"]]
    for action in [action for each in executions for action in each["actionExecutionDetails"]]:
        output = action.get("output", {})
        summary = output.get("executionResult", {}).get("externalExecutionSummary", "")
        if '"ProviderType":"GitHub"' in summary:
            variables = output["outputVariables"]
            yield (
                variables["FullRepositoryName"],
                variables["CommitId"],
                variables["CommitMessage"],
                datetime.fromisoformat(variables["AuthorDate"]),
            )
