"""What the deployed function does with single events, and what that costs in calls."""

import pytest

from end_to_end.deployments import FUNCTION, again, calls_of, counted_once, deployed
from stage.product import FunctionFailed, Product


def test_an_answer_lists_what_was_published(product: Product) -> None:
    event = deployed(product)
    assert product.invoke(FUNCTION, event) == {
        "outcome": "published",
        "metrics": [
            {
                "name": "Deployments",
                "value": 1.0,
                "timestamp": event["time"],
                "repository": "acme/web",
            }
        ],
    }
    assert product.invoke(FUNCTION, again(event)) == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event)


def test_the_ledger_tells_what_was_deployed_and_published(product: Product) -> None:
    event = deployed(product)
    product.invoke(FUNCTION, event)
    (item,) = product.ledger()
    detail = event["detail"]
    pipeline = [event["account"], event["region"], detail["pipeline"]]
    assert item["pk"]["S"] == f"deployment#{detail['execution-id']}"
    assert item["sk"]["S"] == "#".join(pipeline)
    assert item["repository"]["S"] == "acme/web"
    assert item["commit"]["S"] == detail["execution-trigger"]["commit-id"]
    assert item["deployed_at"]["S"] == event["time"]
    assert item["Deployments"]["M"]["state"]["S"] == "published"


def test_a_complete_event_costs_four_calls_and_a_repetition_two(product: Product) -> None:
    event = deployed(product)
    product.invoke(FUNCTION, deployed(product, trigger=False))  # it has its credentials now
    calls = calls_of(product, FUNCTION, event)
    assert calls == {
        ("codepipeline", "GetPipelineExecution"): 1,
        ("dynamodb", "UpdateItem"): 2,
        ("cloudwatch", "PutMetricData"): 1,
    }
    assert calls_of(product, FUNCTION, again(event)) == {
        ("codepipeline", "GetPipelineExecution"): 1,
        ("dynamodb", "UpdateItem"): 1,
    }


def test_codepipeline_is_read_in_the_account_of_the_event(product: Product) -> None:
    event = deployed(product, trigger=False)
    product.invoke(FUNCTION, event)
    asked = {
        each["account"] for each in product.emulator.calls() if each["service"] == "codepipeline"
    }
    assert asked == {event["account"]}


def test_an_event_of_an_unexpected_account_is_an_error(product: Product) -> None:
    event = deployed(product) | {"account": "999999999999"}
    with pytest.raises(FunctionFailed, match=r"999999999999.*TOOLING_ACCOUNT_IDS") as failure:
        product.invoke(FUNCTION, event)
    assert failure.value.error_type == "UnexpectedAccount"
    assert product.metrics() == {}


def test_a_deployment_too_old_for_cloudwatch_is_kept_in_the_ledger(product: Product) -> None:
    event = deployed(product, days_ago=15)
    too_old = {"outcome": "ignored", "reason": "too-old-for-cloudwatch"}
    assert product.invoke(FUNCTION, event) == too_old
    assert product.invoke(FUNCTION, again(event)) == {"outcome": "duplicate"}
    assert product.metrics() == {}
    (item,) = product.ledger()
    assert item["Deployments"]["M"]["state"]["S"] == "too-old-for-cloudwatch"


@pytest.mark.parametrize("payload", [None, 7, "text", [], {}, {"detail": None}])
def test_what_is_no_event_is_an_error(product: Product, payload: object) -> None:
    with pytest.raises(FunctionFailed) as failure:
        product.invoke(FUNCTION, payload)
    assert failure.value.error_type == "InvalidEvent"
