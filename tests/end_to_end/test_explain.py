"""`dora explain`: every number leads back to what it is made of, none is left unexplained."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from stage import EVENTS, metrics
from stage.dora import asked, dora
from stage.metrics import Statistics, Value
from stage.product import Product
from stage.scenario import load_scenario

SCENARIOS = EVENTS / "scenarios"
D1 = "ae031cd0-4905-42e4-a9d5-17e7e6a27594"
FIRST, SECOND = "oi-0000000000a1", "oi-0000000000a2"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def explained(product: Product, numbers: dict[Value, Statistics]) -> dict[Value, Statistics]:
    """Return what `dora explain` says of each of these numbers; what it names it can explain."""
    subjects: dict[str, Any] = {}
    found = {}
    for value in numbers:
        options = [f"--{name.lower()}={each}" for name, each in value.dimensions]
        (trace,) = asked(product, "explain", value.metric, value.day, *options)
        values = [each for one in trace["made_of"] for each in one["values"]]
        assert trace["sum"] == pytest.approx(sum(values))
        assert trace["samples"] == len(values)
        found[value] = Statistics.of(values)
        for one in trace["made_of"]:
            assert one["because"], one
            subjects.setdefault(one["subject"]["id"], []).append((value, one["values"]))
    for subject, parts in subjects.items():
        told: dict[str, list[float]] = defaultdict(list)
        for trace in asked(product, "explain", subject):
            for number in trace["numbers"]:
                told[number["metric"]] += number["values"]
        for value, values in parts:
            assert told[value.metric] == values, (subject, value)
    return found


@pytest.mark.parametrize("name", ["worked-example", "mixed-organisation"])
def test_every_published_number_is_explained(product: Product, name: str) -> None:
    product.play(load_scenario(SCENARIOS / f"{name}.json"))
    numbers = product.statistics()
    assert metrics.differences(explained(product, numbers), numbers) == []


@pytest.fixture
def worked_example(product: Product) -> Product:
    """Let the worked example happen."""
    product.play(load_scenario(Path(SCENARIOS / "worked-example.json")))
    return product


def test_a_deployment_leads_to_commits_pull_requests_and_incidents(worked_example: Product) -> None:
    (trace,) = asked(worked_example, "explain", D1)
    assert trace["repository"] == "acme/web"
    assert trace["rule"] == "gitflow"
    assert [len(each["pull_requests"]) for each in trace["commits"]] == [1, 1]
    assert [(each["ops_item"]["id"], each["attributed_by"]) for each in trace["failed_by"]] == [
        (FIRST, "repository"),
        (SECOND, "repository"),
    ]
    reasons = {each["metric"]: each["state"] for each in trace["numbers"]}
    assert reasons["ReworkDeployments"] == "no-ops-item-referenced"


def test_an_incident_leads_to_what_caused_and_what_ended_it(worked_example: Product) -> None:
    (trace,) = asked(worked_example, "explain", FIRST)
    assert trace["deployment"]["execution"]["id"] == D1
    ended_by = trace["ended_by"]["id"]
    (rework,) = asked(worked_example, "explain", ended_by)
    assert [each["ops_item"]["id"] for each in rework["references"]] == [FIRST]
    (open_still,) = asked(worked_example, "explain", SECOND)
    assert open_still["ended_by"] is None


def test_a_rollback_leads_to_what_it_undid(worked_example: Product) -> None:
    undone = [
        item["failed_by"]["SS"][0]
        for item in worked_example.ledger()
        if any(each.startswith("rollback") for each in item.get("failed_by", {}).get("SS", []))
    ]
    (rollback,) = (each.rsplit("#", 1)[1] for each in undone)
    (trace,) = asked(worked_example, "explain", rollback)
    assert trace["kind"] == "rollback"
    (undid,) = trace["undid"]
    (deployment,) = asked(worked_example, "explain", undid["execution"]["id"])
    assert deployment["recovery_of"] == "deployment"
    assert deployment["ended_by"]["id"] == rollback


def test_people_read_the_same(worked_example: Product) -> None:
    text = dora(worked_example, "explain", D1).stdout
    for fact in ("acme/web", "pull request", FIRST, SECOND, "7200", "no-ops-item-referenced"):
        assert fact in text, text
    text = dora(worked_example, "explain", SECOND).stdout
    assert D1 in text, text


@pytest.mark.parametrize("subject", [UNKNOWN, "oi-ffffffffffff"])
def test_what_nothing_is_known_of_says_where_to_look(product: Product, subject: str) -> None:
    result = dora(product, "explain", subject)
    assert result.returncode == 3
    assert "knows nothing" in result.stderr
    assert "aws logs filter-log-events" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mttr"], "TimeToRecovery"),
        (["Changes"], "which day or month"),
        (["Changes", "yesterday"], "2026-11-02"),
        ([FIRST, "2026-11-02"], "goes with a metric only"),
        ([FIRST, "--team", "Web"], "go with a metric only"),
    ],
)
def test_a_wrong_question_is_told_how_to_ask(
    product: Product, arguments: list[str], says: str
) -> None:
    result = dora(product, "explain", *arguments)
    assert result.returncode == 2
    assert says in result.stderr
