"""What a forger writes into an event reaches no number, and nobody's resource but the event's own.

Nobody but AWS itself can send events of its sources through EventBridge. Here somebody could, or
invokes a function by hand, and lies.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from end_to_end.deployments import (
    CHANGE_FAILURE_RATE,
    FUNCTION,
    FUNCTIONS,
    MTTR,
    deployed,
    error_type,
)
from end_to_end.git import commit
from end_to_end.histories import ROOT
from end_to_end.incidents import Incident
from end_to_end.outages import COUNTS, RECOVERIES, Outage, unattributed
from end_to_end.pipelines import ACCOUNT, PAYMENTS, WEB, Run, recent, records
from end_to_end.played import LEAD_TIME
from stage import metrics
from stage.product import FunctionFailed, Product
from stage.scenario import Event, move

OTHER = "777788889999"
"""Another account that is measured."""
STRANGER = "999999999999"

Forge = Callable[[Event], Any]

each_function = pytest.mark.parametrize("function", FUNCTIONS)


def detail(**members: Any) -> Forge:
    """Return how to put these members into the detail."""
    return lambda event: event["detail"].update(members)


def trigger(**members: Any) -> Forge:
    """Return how to put these members into the trigger."""
    return lambda event: event["detail"]["execution-trigger"].update(
        {name.replace("_", "-"): value for name, value in members.items()}
    )


def envelope(**members: Any) -> Forge:
    """Return how to put these members into the event itself."""
    return lambda event: event.update(
        {name.replace("_", "-"): value for name, value in members.items()}
    )


def answered(product: Product, function: str, event: Event) -> str:
    """Return the word that an event ends in."""
    try:
        answer = product.invoke(function, event)
    except FunctionFailed as failure:
        return str(failure.error_type)
    return str(answer.get("reason", answer["outcome"]))


def nothing_was_counted(product: Product) -> bool:
    """Tell whether neither CloudWatch nor the ledger holds anything."""
    return product.metrics() == {} and product.ledger() == []


def asked(product: Product) -> set[tuple[str, str]]:
    """Return whom the functions asked: service and account."""
    return {(call["service"], call["account"]) for call in product.emulator.calls()}


UNHEARD = [  # what is wrong, how it is forged, how it ends
    ("another source", envelope(source="custom"), "InvalidEvent"),
    ("a source in another case", envelope(source="AWS.codepipeline"), "InvalidEvent"),
    ("a source with more", envelope(source="aws.codepipeline\n"), "InvalidEvent"),
    ("a stranger's account", envelope(account=STRANGER), "UnexpectedAccount"),
    ("the operations account", envelope(account="444455556666"), "UnexpectedAccount"),
    ("two accounts", envelope(account=f"{ACCOUNT},{STRANGER}"), "InvalidEvent"),
    ("digits of another script", envelope(account="\u0661" * 12), "InvalidEvent"),
    ("a host for a Region", envelope(region="eu-west-1.evil.example"), "InvalidEvent"),
    ("a path for a Region", envelope(region="eu-west-1/../.."), "InvalidEvent"),
    (
        "an action's event",
        envelope(detail_type="CodePipeline Action Execution State Change"),
        "unsupported-event",
    ),
    (
        "a kind that is none",
        envelope(detail_type="CodePipeline Pipeline Execution\nState Change"),
        "unsupported-event",
    ),
    (
        "a stage's event without stage",
        envelope(detail_type="CodePipeline Stage Execution State Change"),
        "InvalidEvent",
    ),
    ("a path for a pipeline", detail(pipeline="../web"), "InvalidEvent"),
    ("a key's separator in a pipeline", detail(pipeline="web#eu-west-1"), "InvalidEvent"),
    ("a header in a pipeline", detail(pipeline="web\r\nX-Evil: 1"), "InvalidEvent"),
    ("a pattern for a pipeline", detail(pipeline="*"), "InvalidEvent"),
    ("a key's separator in an execution", detail(**{"execution-id": "6f1d#web"}), "InvalidEvent"),
    ("no execution", detail(**{"execution-id": ""}), "InvalidEvent"),
    *(
        (f"the repository {name!r}", trigger(full_repository_name=name), "InvalidEvent")
        for name in (
            'acme/web") { id } x: repository(owner: "evil", name: "x',
            "acme/web/../../user",
            "acme/..",
            "acme/%2e%2e/user",
            "acme%2fweb",
            "acme/web?per_page=1",
            "acme/web#L1",
            "acme/web\r\nX-Evil: 1",
            "acme/web\u202e",
            "acme/web\u0000",
            "https://evil.example/acme/web",
        )
    ),
    *(
        (f"the commit {name[:20]!r}", trigger(commit_id=name), "InvalidEvent")
        for name in ("main", "main...evil", "../../user", 'x") { id }', "0" * 3000, "A" * 40)
    ),
    ("another branch with a line", trigger(branch_name="main\n"), "not-production"),
    ("another branch with a wildcard", trigger(branch_name="*"), "not-production"),
    ("a state that is almost it", detail(state="SUCCEEDED "), "not-succeeded"),
]


@each_function
@pytest.mark.parametrize(
    ("forge", "word"), [pytest.param(forge, word, id=name) for name, forge, word in UNHEARD]
)
def test_a_forged_event_asks_nobody_and_counts_nothing(
    product: Product, function: str, forge: Forge, word: str
) -> None:
    event = deployed(product)
    forge(event)
    assert answered(product, function, event) == word
    assert product.emulator.calls() == []
    assert product.emulator.github_requests() == []
    assert nothing_was_counted(product)


@pytest.mark.parametrize(
    ("forge", "word"),
    [
        pytest.param(
            envelope(account=OTHER, region="ap-southeast-1"),
            "CodePipelineNotFound",
            id="another account",
        ),
        pytest.param(detail(pipeline="another"), "CodePipelineNotFound", id="another pipeline"),
        pytest.param(
            detail(**{"execution-id": "00000000-0000-4000-8000-000000000000"}),
            "CodePipelineNotFound",
            id="no execution",
        ),
        pytest.param(
            envelope(region="eu-central-1"),
            "CodePipelineAccessDenied",
            id="a Region in which nothing is measured",
            marks=pytest.mark.expects_refusals,
        ),
    ],
)
@each_function
def test_an_execution_must_be_where_the_event_says(
    product: Product, function: str, forge: Forge, word: str
) -> None:
    event = deployed(product)
    forge(event)
    assert answered(product, function, event) == word
    told = [call for call in product.emulator.calls() if call["service"] != "sts"]
    assert {(each["account"], each["resource"]) for each in told} == {
        (event["account"], event["detail"]["pipeline"])
    }
    assert product.emulator.github_requests() == []
    assert nothing_was_counted(product)


@pytest.mark.parametrize("name", ["acme/web/issues", "acme/web/git/refs", "web"])
@pytest.mark.parametrize(
    ("function", "word"), [(LEAD_TIME, "unsupported-source"), (MTTR, "no-ops-item-referenced")]
)
def test_a_name_that_leads_to_other_paths_of_github_is_not_asked_for(
    product: Product, function: str, word: str, name: str
) -> None:
    event = deployed(product)
    trigger(full_repository_name=name)(event)
    assert answered(product, function, event) == word
    assert product.emulator.github_requests() == []
    assert product.metrics() == {}


def test_resources_of_another_account_change_nothing(product: Product) -> None:
    event = deployed(product)
    envelope(resources=[f"arn:aws:codepipeline:eu-west-1:{STRANGER}:web", "*"])(event)
    for function in FUNCTIONS:
        assert answered(product, function, event) == "published"
    assert {account for _, account in asked(product)} == {ACCOUNT, product.account}


D0, D1 = Run("c0", at="07:30"), Run("c1", at="10:00")
P0 = Run("c0", at="07:30", ended="07:40", pipeline=PAYMENTS)
P1 = Run("p1", at="11:00", ended="11:10", pipeline=PAYMENTS)
VICTIMS = {
    "another pipeline's": P1,
    "a stranger's": Run("c1", at="11:00", pipeline=replace(WEB, account=STRANGER)),
}
HISTORIES = {
    "acme/web": [*ROOT, commit("c1", "08:00")],
    "acme/payments": [*ROOT, commit("p1", "08:00")],
}


def rolled_back(victim: Run) -> Outage:
    """Return how a rollback of `acme/web` names this execution as the one that failed."""
    back = Run("c0", at="12:12", started="12:09", rollback=True, undoes=victim)
    return Outage("forged", [D0, P0, D1, P1, back], histories=HISTORIES)


@pytest.mark.parametrize("victim", VICTIMS.values(), ids=VICTIMS)
def test_a_rollback_that_names_an_execution_of_others_undoes_nothing(
    product: Product, victim: Run
) -> None:
    outage = rolled_back(victim)
    outage.happened(product)
    *deployments, rollback = outage.events("forwards")
    for function in (CHANGE_FAILURE_RATE, MTTR):
        for event in deployments:
            product.invoke(function, event)
        before = len(product.emulator.calls())
        assert answered(product, function, rollback) == "rollback"
        made = product.emulator.calls()[before:]
        told = {(each["account"], each["resource"]) for each in made}
        assert told == {(ACCOUNT, WEB.name)}, made
    wanted = outage.numbers((*COUNTS, *RECOVERIES))
    assert metrics.differences(product.statistics(), wanted) == []
    assert not [item for item in product.ledger() if "failed_by" in item]


@pytest.mark.parametrize("name", ["../web", "*", "not an id\r\n", 'x\\"}'])
@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
def test_a_rollback_that_names_no_execution_is_an_error(
    product: Product, function: str, name: str
) -> None:
    outage = rolled_back(P1)
    outage.happened(product)
    told = records(outage.runs)
    for execution in [each for record in told for each in record["executions"]]:
        its = execution["pipelineExecution"]["trigger"]
        its["triggerDetail"] = its["triggerDetail"].replace(P1.id, name)
    product.emulator.load_codepipeline(move(told, recent(outage.runs)))
    rollback = outage.events("forwards")[-1]
    assert answered(product, function, rollback) == "CodePipelineUnexpectedAnswer"
    assert nothing_was_counted(product)


INCIDENT = Incident(1, "11:30")
OF_INCIDENTS: Iterable[tuple[str, Forge, str]] = [
    ("another source", envelope(source="custom"), "InvalidEvent"),
    ("CodePipeline's source", envelope(source="aws.codepipeline"), "UnexpectedAccount"),
    ("a stranger's account", envelope(account=STRANGER), "UnexpectedAccount"),
    ("a tooling account", envelope(account=ACCOUNT), "UnexpectedAccount"),
    ("another Region", envelope(region="eu-central-1"), "UnexpectedAccount"),
    ("another kind", envelope(detail_type="OpsItem Delete"), "unsupported-event"),
    *(
        (f"the id {name!r}", detail(**{"ops-item-id": name}), "InvalidEvent")
        for name in (
            "oi-1",
            "oi-00000000000g",
            "oi-000000000001#444455556666",
            "../oi-000000000001",
            "arn:aws:ssm:eu-west-1:999999999999:opsitem/oi-000000000001",
            "",
        )
    ),
    (
        "a time that no one lives to see",
        detail(**{"created-time": "9999-12-31T23:59:59Z"}),
        "InvalidEvent",
    ),
    ("a change request", detail(**{"ops-item-type": "/aws/changerequest"}), "not-an-incident"),
]


@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
@pytest.mark.parametrize(
    ("forge", "word"), [pytest.param(forge, word, id=name) for name, forge, word in OF_INCIDENTS]
)
def test_a_forged_ops_item_asks_nobody_and_counts_nothing(
    product: Product, function: str, forge: Forge, word: str
) -> None:
    outage = Outage("forged", [D0], incidents=[INCIDENT])
    outage.happened(product)
    event = outage.events("forwards")[-1]
    forge(event)
    assert answered(product, function, event) == word
    assert product.emulator.calls() == []
    assert nothing_was_counted(product)


@pytest.mark.parametrize("function", [FUNCTION, LEAD_TIME])
def test_an_ops_item_is_nothing_to_the_other_functions(product: Product, function: str) -> None:
    outage = Outage("astray", [D0], incidents=[INCIDENT])
    outage.happened(product)
    assert answered(product, function, outage.events("forwards")[-1]) == "InvalidEvent"
    assert product.emulator.calls() == []


@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
def test_an_ops_item_must_be_where_the_event_says(product: Product, function: str) -> None:
    elsewhere = replace(INCIDENT, account="555566667777")
    outage = Outage("elsewhere", [D0], incidents=[elsewhere])
    outage.happened(product)
    event = outage.events("forwards")[-1]
    envelope(account=product.account)(event)
    assert answered(product, function, event) == "ops-item-deleted"
    assert asked(product) == {("ssm", product.account)}
    assert nothing_was_counted(product)


@pytest.mark.parametrize("more", [{}, {"dora/repository": "acme/web"}], ids=["alone", "and a name"])
@pytest.mark.parametrize("victim", VICTIMS.values(), ids=VICTIMS)
def test_an_incident_that_names_an_execution_of_others_marks_no_other(
    product: Product, victim: Run, more: dict[str, str]
) -> None:
    incident = Incident(1, "11:30", names={"dora/execution-id": victim.id, **more})
    outage = Outage("forged", [D0, D1], incidents=[incident], histories=HISTORIES)
    outage.happened(product)
    for function in (CHANGE_FAILURE_RATE, MTTR):
        for event in outage.events("forwards"):
            product.invoke(function, event)
    wanted = outage.numbers((*COUNTS, *RECOVERIES))
    assert metrics.differences(product.statistics(), wanted) == []
    assert unattributed(product) == [f"incident#{incident.id}"]
    assert {account for _, account in asked(product)} == {ACCOUNT, product.account}


def test_the_word_of_a_failed_event_is_kept_with_it(product: Product) -> None:
    event = deployed(product)
    trigger(full_repository_name="acme/web/../../user")(event)
    product.send(FUNCTION, event)
    product.emulator.settle()
    assert [error_type(each) for each in product.emulator.answers()] == ["InvalidEvent"]
    assert len(product.messages("FailedEvents")) == 1
