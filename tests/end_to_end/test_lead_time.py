"""Every history gives its lead times, to the second, with the evidence for them."""

import random
from typing import Any

import pytest

from end_to_end.histories import HISTORIES, Fails, History, Ignored, Ships
from end_to_end.pipelines import Run
from end_to_end.played import LEAD_TIME, answer_to, evidence, in_cloudwatch, loaded
from stage import metrics
from stage.github.story import sha
from stage.product import FunctionFailed, Product


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_a_history_gives_its_lead_times(product: Product, history: History) -> None:
    events = loaded(product, history.github, history.runs)
    deployments = [
        (*deployment, event) for deployment, event in zip(history.deployments, events, strict=True)
    ]
    random.Random(history.name).shuffle(deployments)  # no number depends on the order
    for run, outcome, event in deployments:
        where = f"{run.commit} at {run.at}"
        match outcome:
            case Ships():
                answer = product.invoke(LEAD_TIME, event)
                for each in answer.get("metrics", []):
                    each.get("values", []).sort()
                assert answer == answer_to(event, run, outcome), where
                check_evidence(product, run, outcome)
            case Ignored(reason):
                answer = product.invoke(LEAD_TIME, event)
                assert answer == {"outcome": "ignored", "reason": reason}, where
            case Fails(error_type):
                with pytest.raises(FunctionFailed, match=run.repository) as failure:
                    product.invoke(LEAD_TIME, event)
                assert failure.value.error_type == error_type, where
    wanted = in_cloudwatch(history.deployments)
    assert metrics.differences(product.statistics(), wanted) == []


def check_evidence(product: Product, run: Run, outcome: Ships) -> None:
    """Compare the ledger's commits with those that the history says were shipped."""
    (item,) = [each for each in product.ledger() if each["pk"]["S"] == f"deployment#{run.id}"]
    found = evidence(item)
    left_out = {sha(run.repository, label) for label in outcome.left_out}
    assert all(found.pop(each) < 0 for each in left_out)
    assert found == {sha(run.repository, label): age for label, age in outcome.seconds.items()}
    since: Any = item.get("since", {}).get("S")
    assert since == (sha(run.repository, outcome.since) if outcome.since else None)
