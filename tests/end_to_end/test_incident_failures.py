"""However OpsCenter or the ledger fails: an incident counts once, and ends once."""

import json
from typing import Any

import pytest

from end_to_end.accounts import with_role_in
from end_to_end.deployments import (
    CHANGE_FAILURE_RATE,
    MTTR,
    again,
    counted_once,
    deployed,
    error_type,
    without_permissions,
)
from end_to_end.git import commit
from end_to_end.histories import ROOT
from end_to_end.incidents import ACCOUNT, Incident
from end_to_end.outages import COUNTS, RECOVERIES, Outage, blamed, unattributed
from end_to_end.pipelines import REGION, Pipeline, Run, recent, records
from end_to_end.settings import with_settings
from stage import metrics
from stage.github.story import sha
from stage.product import FunctionFailed, Product
from stage.scenario import Event, move

FOREVER = 1000

DEPLOYMENT = Run("c1", at="10:00")
NAMED = {"dora/repository": "acme/web"}
INCIDENT = Incident(1, "10:30", names=NAMED)
OUTAGE = Outage(
    "one", [Run("c0", at="07:30"), DEPLOYMENT], incidents=[INCIDENT], caused_by={1: DEPLOYMENT}
)

OPSCENTER = [
    (operation, kind, times)
    for operation in ("GetOpsItem", "ListTagsForResource")
    for kind, times in (("throttle", 4), ("fail", 4), ("cut-before", 4), ("hang", 1))
]
PASSING_INCIDENT = [  # service, operation, kind, times, after
    *(pytest.param("ssm", *fault, 0, id=f"{fault[0]}: {fault[1]}") for fault in OPSCENTER),
    *(
        pytest.param("dynamodb", operation, "throttle", 8, 0, id=operation)
        for operation in ("GetItem", "Query")
    ),
    *(
        pytest.param("dynamodb", "UpdateItem", kind, 8, after, id=f"UpdateItem {after}: {kind}")
        for kind in ("throttle", "fail")
        for after in range(6)  # attributed, marked, claimed and confirmed, twice
    ),
    pytest.param("dynamodb", "UpdateItem", "cut-after", 1, 0, id="attributed, answer lost"),
    pytest.param("dynamodb", "UpdateItem", "cut-after", 1, 1, id="marked, answer lost"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 0, id="Incidents throttled"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 1, id="FailedChanges throttled"),
    pytest.param("codepipeline", "ListPipelineExecutions", "fail", 4, 0, id="history fails"),
    pytest.param("codepipeline", "ListActionExecutions", "throttle", 4, 0, id="actions throttled"),
]
PASSING_RECOVERY = [
    *(pytest.param("ssm", *fault, 0, id=f"{fault[0]}: {fault[1]}") for fault in OPSCENTER),
    *(
        pytest.param("dynamodb", operation, "throttle", 8, 0, id=operation)
        for operation in ("GetItem", "Query", "TransactWriteItems")
    ),
    *(
        pytest.param("dynamodb", "UpdateItem", "throttle", 8, after, id=f"UpdateItem {after}")
        for after in range(3)  # the incident claimed, both confirmed
    ),
    pytest.param("dynamodb", "TransactWriteItems", "cut-after", 1, 0, id="entered, answer lost"),
    pytest.param("dynamodb", "TransactWriteItems", "conflict", 8, 0, id="entering conflicts"),
    pytest.param("dynamodb", "UpdateItem", "conflict", 8, 1, id="confirming conflicts"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 0, id="the recovery throttled"),
    pytest.param("cloudwatch", "PutMetricData", "throttle", 6, 1, id="the rework throttled"),
]


@pytest.fixture
def incident(product: Product) -> Event:
    """Return the event of an incident whose deployment has been counted."""
    OUTAGE.happened(product)
    *deployments, event = OUTAGE.events("forwards")
    for each in deployments:
        product.invoke(CHANGE_FAILURE_RATE, each)
    return event


def check_counted(product: Product) -> None:
    """See in CloudWatch the changes, the incident and the failed change, each once."""
    assert metrics.differences(product.statistics(), OUTAGE.numbers(COUNTS)) == []


def retried(product: Product, function: str, event: Event) -> dict[str, Any]:
    """Let a function handle an event, with the retries that Lambda makes."""
    before = len(product.emulator.answers())
    product.send(function, event)
    product.emulator.settle(seconds=120)
    (answer,) = product.emulator.answers()[before:]
    return answer


@pytest.mark.parametrize(("service", "operation", "kind", "times", "after"), PASSING_INCIDENT)
def test_a_passing_failure_costs_no_incident(
    product: Product,
    incident: Event,
    service: str,
    operation: str,
    kind: str,
    times: int,
    after: int,
) -> None:
    product.emulator.fault(service, operation, kind, times=times, after=after)
    answer = retried(product, CHANGE_FAILURE_RATE, incident)
    assert "answer" in answer, answer
    check_counted(product)
    repeated = retried(product, CHANGE_FAILURE_RATE, again(incident))
    assert repeated["answer"] == {"outcome": "duplicate"}
    check_counted(product)
    assert product.messages("") == []


@pytest.mark.parametrize(("service", "operation", "kind", "times", "after"), PASSING_RECOVERY)
def test_a_passing_failure_costs_no_recovery(
    product: Product, service: str, operation: str, kind: str, times: int, after: int
) -> None:
    event = deployed(product)
    product.emulator.fault(service, operation, kind, times=times, after=after)
    answer = retried(product, MTTR, event)
    assert "answer" in answer, answer
    assert product.metrics() == counted_once(event, MTTR)
    assert retried(product, MTTR, again(event))["answer"] == {"outcome": "duplicate"}
    assert product.metrics() == counted_once(event, MTTR)
    assert product.messages("") == []


PASSING_WAIT = [  # whose event fails, operation, kind, times, after
    ("incident", "GetItem", "throttle", 8, 0),
    ("incident", "PutItem", "throttle", 8, 0),
    ("incident", "PutItem", "cut-after", 1, 0),
    ("incident", "PutItem", "conflict", 8, 0),
    *(("incident", "UpdateItem", "throttle", 8, after) for after in range(4)),
    ("incident", "UpdateItem", "cut-after", 1, 0),
    *(("incident", "Query", "throttle", 8, after) for after in range(2)),
    *(("deployment", "TransactWriteItems", "throttle", 8, after) for after in range(2)),
    *(("deployment", "TransactWriteItems", "cut-after", 1, after) for after in range(2)),
    ("deployment", "GetItem", "throttle", 8, 0),
    *(("deployment", "Query", "throttle", 8, after) for after in range(4)),
    *(("deployment", "UpdateItem", "throttle", 8, after) for after in range(5)),
    ("deployment", "UpdateItem", "cut-after", 1, 0),
    ("deployment", "UpdateItem", "cut-after", 1, 1),
]


@pytest.mark.parametrize(("whose", "operation", "kind", "times", "after"), PASSING_WAIT)
def test_a_passing_failure_costs_no_incident_that_waits(
    product: Product, whose: str, operation: str, kind: str, times: int, after: int
) -> None:
    """It comes before anything is known of its repository."""
    OUTAGE.happened(product)
    before, deployment, incident = OUTAGE.events("forwards")
    for name, event in (("incident", incident), ("deployment", deployment)):
        if name == whose:
            product.emulator.fault("dynamodb", operation, kind, times=times, after=after)
        answer = retried(product, CHANGE_FAILURE_RATE, event)
        assert "answer" in answer, answer
        product.emulator.heal()
    product.invoke(CHANGE_FAILURE_RATE, before)
    check_counted(product)
    assert blamed(product, INCIDENT) == DEPLOYMENT.id
    assert product.messages("") == []


LASTING = [
    ("GetOpsItem", "throttle", "OpsCenterThrottled"),
    ("GetOpsItem", "fail", "OpsCenterUnavailable"),
    ("GetOpsItem", "cut-before", "OpsCenterUnavailable"),
    ("ListTagsForResource", "throttle", "OpsCenterThrottled"),
]


@pytest.mark.parametrize(("operation", "kind", "error"), LASTING)
def test_a_lasting_failure_of_opscenter_keeps_the_incident_for_later(
    product: Product, incident: Event, operation: str, kind: str, error: str
) -> None:
    before = product.metrics()
    product.emulator.fault("ssm", operation, kind, times=FOREVER)
    assert error_type(retried(product, CHANGE_FAILURE_RATE, incident)) == error
    assert product.metrics() == before
    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestPayload"] == incident
    assert report["responsePayload"]["errorType"] == error
    product.emulator.heal()
    answer = product.invoke(CHANGE_FAILURE_RATE, report["requestPayload"])
    assert answer["outcome"] == "published"
    check_counted(product)


@pytest.mark.parametrize(("operation", "kind", "error"), LASTING)
def test_a_lasting_failure_of_opscenter_keeps_the_recovery_for_later(
    product: Product, operation: str, kind: str, error: str
) -> None:
    event = deployed(product)
    product.emulator.fault("ssm", operation, kind, times=FOREVER)
    assert error_type(retried(product, MTTR, event)) == error
    assert product.metrics() == {}
    assert len(product.messages("FailedEvents")) == 1
    product.emulator.heal()
    assert product.invoke(MTTR, event)["outcome"] == "published"
    assert product.metrics() == counted_once(event, MTTR)


@pytest.mark.expects_refusals
@pytest.mark.parametrize("action", ["ssm:GetOpsItem", "ssm:ListTagsForResource"])
def test_a_permission_to_read_incidents_that_is_missing_is_named(
    product: Product, incident: Event, action: str
) -> None:
    with (
        without_permissions(product, product.account, "dora-change-failure-rate", action),
        pytest.raises(FunctionFailed, match=action) as failure,
    ):
        product.invoke(CHANGE_FAILURE_RATE, incident)
    assert failure.value.error_type == "OpsCenterAccessDenied"
    assert product.invoke(CHANGE_FAILURE_RATE, incident)["outcome"] == "published"
    check_counted(product)


@pytest.mark.expects_refusals
@pytest.mark.parametrize("action", ["ssm:GetOpsItem", "ssm:ListTagsForResource"])
def test_a_permission_to_read_what_a_deployment_ended_is_named(
    product: Product, action: str
) -> None:
    event = deployed(product)
    with (
        without_permissions(product, product.account, "dora-mttr", action),
        pytest.raises(FunctionFailed, match=action) as failure,
    ):
        product.invoke(MTTR, event)
    assert failure.value.error_type == "OpsCenterAccessDenied"
    assert product.metrics() == {}
    assert product.invoke(MTTR, event)["outcome"] == "published"
    assert product.metrics() == counted_once(event, MTTR)


@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
def test_an_ops_item_that_was_deleted_gives_no_number(
    product: Product, incident: Event, function: str
) -> None:
    before = product.metrics()
    product.emulator.load_opscenter([])
    deleted = {"outcome": "ignored", "reason": "ops-item-deleted"}
    assert product.invoke(function, incident) == deleted
    assert product.metrics() == before


def test_an_ops_item_that_was_counted_and_then_deleted_still_counts(
    product: Product, incident: Event
) -> None:
    product.invoke(CHANGE_FAILURE_RATE, incident)
    product.emulator.load_opscenter([])
    product.invoke(CHANGE_FAILURE_RATE, again(incident))
    check_counted(product)


@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
@pytest.mark.parametrize(
    ("member", "elsewhere"), [("account", "999999999999"), ("region", "us-east-1")]
)
def test_an_incident_from_an_unexpected_place_is_an_error(
    product: Product, incident: Event, function: str, member: str, elsewhere: str
) -> None:
    before = product.metrics()
    with pytest.raises(FunctionFailed, match=rf"{elsewhere}.*INCIDENT_ACCOUNTS") as failure:
        product.invoke(function, incident | {member: elsewhere})
    assert failure.value.error_type == "UnexpectedAccount"
    assert product.metrics() == before


def create(product: Product) -> str:
    """Let somebody record an incident in OpsCenter, which emits its event."""
    ssm = product.emulator.client("ssm", ACCOUNT, REGION)
    created: str = ssm.create_ops_item(
        Title="Checkout returns 5xx", Description="Since a minute", Source="On-call", Severity="1"
    )["OpsItemId"]
    return created


def test_an_incident_of_this_moment_is_counted_by_the_rules_alone(product: Product) -> None:
    ops_item = create(product)
    product.emulator.settle()
    answers = {each["function"]: each.get("answer") for each in product.emulator.answers()}
    assert answers.keys() == {CHANGE_FAILURE_RATE, MTTR}
    assert answers[MTTR] == {"outcome": "ignored", "reason": "not-recovered"}
    counted = {value.metric: total for value, total in product.metrics().items()}
    assert counted == {"Incidents": 1}
    assert any(item["pk"]["S"] == f"incident#{ops_item}" for item in product.ledger())


@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
def test_an_ops_item_that_cannot_be_read_yet_is_tried_again(
    product: Product, function: str
) -> None:
    create(product)
    product.emulator.settle()
    (event,) = [
        each["event"] for each in product.emulator.answers() if each["function"] == function
    ]
    product.reset()
    with pytest.raises(FunctionFailed, match=event["detail"]["ops-item-id"]) as failure:
        product.invoke(function, event)
    assert failure.value.error_type == "OpsCenterNotFound"
    assert product.metrics() == {}


WEB = [Run("c0", at="07:30"), Run("c1", at="10:00"), Run("c2", at="12:00")]
BACK = Run("c1", at="12:30", rollback=True)
UNDONE = Outage(
    "undone",
    [*WEB, BACK],
    incidents=[Incident(number, f"12:{number}", names=NAMED) for number in (10, 20)],
    steps=[*ROOT, commit("c1", "08:00"), commit("c2", "11:00")],
)


CLAIMED = 3
"""Writes before a rollback's first publication: what it undid, whose recovery it is, a claim."""


def crash(product: Product, event: Event, *, published: int = 0) -> None:
    """Let the function die between a claim and its publication, after so many of both."""
    writes = CLAIMED + 2 * published
    product.emulator.fault("cloudwatch", "PutMetricData", "fail", times=FOREVER, after=published)
    product.emulator.fault("dynamodb", "UpdateItem", "fail", times=FOREVER, after=writes)
    with pytest.raises(FunctionFailed, match="PutMetricData"):
        product.invoke(MTTR, event)
    product.emulator.heal()


def recoveries(product: Product) -> list[float]:
    """Return the recoveries in CloudWatch: how many, and their sum."""
    return [
        number
        for value, each in product.statistics().items()
        if value.metric == "TimeToRecovery" and not value.dimensions
        for number in (each.samples, each.sum)
    ]


def test_a_crash_after_the_claim_of_a_rollbacks_recovery_costs_nothing(product: Product) -> None:
    UNDONE.happened(product)
    *deployments, _, _, rollback = UNDONE.events("forwards")
    for event in deployments:
        product.invoke(MTTR, event)
    crash(product, rollback)
    with pytest.raises(FunctionFailed, match="LedgerClaimHeld"):
        product.invoke(MTTR, again(rollback))
    product.end_leases()
    assert product.invoke(MTTR, again(rollback))["outcome"] == "published"
    assert recoveries(product) == [1, 1800]
    product.invoke(MTTR, again(rollback))
    assert recoveries(product) == [1, 1800]


@pytest.mark.parametrize("when", ["while it is held", "when it is over"])
def test_an_incident_after_such_a_crash_costs_no_recovery(product: Product, when: str) -> None:
    """Nothing was published, so whichever is handled first may have it."""
    UNDONE.happened(product)
    *deployments, incident, _, rollback = UNDONE.events("forwards")
    for event in deployments:
        product.invoke(MTTR, event)
    crash(product, rollback)
    if when == "when it is over":
        product.end_leases()
    retried(product, MTTR, incident)
    product.end_leases()
    for event in (rollback, incident, again(rollback)):
        product.invoke(MTTR, event)
    assert recoveries(product) in ([1, 1800], [1, 1200])


@pytest.mark.parametrize("published", [0, 1])
def test_a_crash_between_the_recoveries_of_incidents_costs_none(
    product: Product, published: int
) -> None:
    UNDONE.happened(product)
    *before, rollback = UNDONE.events("forwards")
    for event in before:
        product.invoke(MTTR, event)
    crash(product, rollback, published=published)
    product.end_leases()
    product.invoke(MTTR, again(rollback))
    product.invoke(MTTR, again(rollback))
    assert recoveries(product) == [2, 1200 + 600]


GONE = Run("c1", at="09:00", pipeline=Pipeline("admin", ("acme/web",)))
ELSEWHERE = Run("c1", at="10:20", pipeline=Pipeline("admin", ("acme/web",), account="222233334444"))
NAMES = {
    "repository": NAMED,
    "commit": {"dora/commit": sha("acme/web", "c1")},
}


def beside(other: Run, names: dict[str, str]) -> Outage:
    """A repository that another pipeline has deployed too, and an incident of it."""
    incident = Incident(1, "10:30", names=names)
    steps = [*ROOT, commit("c1", "08:00")]
    return Outage("beside", [other, DEPLOYMENT], incidents=[incident], steps=steps)


def delete_admin(product: Product, outage: Outage) -> None:
    """Leave CodePipeline without the other pipeline."""
    left = [run for run in outage.runs if run.pipeline.name != "admin"]
    product.emulator.load_codepipeline(move(records(left), recent(outage.runs)))


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
@pytest.mark.parametrize("last", ["incident", "deployment"])
def test_a_pipeline_that_was_deleted_is_passed_over(
    product: Product, function: str, last: str, names: dict[str, str]
) -> None:
    outage = beside(GONE, names)
    outage.happened(product)
    before, deployment, incident = outage.events("forwards")
    product.invoke(function, before)
    delete_admin(product, outage)
    rest = [deployment, incident] if last == "incident" else [incident, deployment]
    for event in rest:
        product.invoke(function, event)
    assert blamed(product, outage.incidents[0]) == DEPLOYMENT.id
    assert unattributed(product) == []


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("names", [NAMED, {"dora/execution-id": GONE.id}], ids=["repository", "id"])
def test_what_ends_an_incident_does_not_depend_on_a_pipeline_that_was_deleted(
    product: Product, names: dict[str, str], is_told: bool
) -> None:
    fix = Run("f1", at="11:30")
    incident = Incident(1, "10:30", names=names)
    outage = Outage(
        "hotfix",
        [GONE, DEPLOYMENT, fix],
        incidents=[incident],
        steps=[*ROOT, commit("c1", "08:00"), commit("f1", "11:00", message=f"Mend {incident.id}")],
        recovered=((fix, "11:30 - 10:30 = 3600"),),
        rework=(fix,),
    )
    outage.happened(product)
    before, deployment, event, hotfix = outage.events("forwards")
    for each in [before, deployment, event] if is_told else [before, deployment]:
        product.invoke(MTTR, each)
    delete_admin(product, outage)
    product.invoke(MTTR, hotfix)
    assert metrics.differences(product.statistics(), outage.numbers(RECOVERIES)) == []


@pytest.mark.parametrize("is_undone", [True, False], ids=["undone", "standing"])
def test_an_incident_of_a_pipeline_that_was_deleted_counts(
    product: Product, is_undone: bool
) -> None:
    """What was told of it before is known."""
    older = Run("c0", at="08:00", pipeline=GONE.pipeline)
    back = Run("c0", at="11:00", pipeline=GONE.pipeline, rollback=True)
    outage = Outage(
        "late",
        [older, GONE, *([back] if is_undone else [])],
        incidents=[Incident(1, "10:30", names={"dora/execution-id": GONE.id})],
        steps=[*ROOT, commit("c1", "08:30")],
        caused_by={1: GONE},
        undone=(GONE,) if is_undone else (),
        recovered=((back, "11:00 - 09:00 = 7200"),) if is_undone else (),
    )
    outage.happened(product)
    events = outage.events("forwards")
    *told, late = sorted(events, key=lambda event: "created-time" in event["detail"])
    for function in (CHANGE_FAILURE_RATE, MTTR):
        for event in told:
            product.invoke(function, event)
    delete_admin(product, outage)
    for function in (CHANGE_FAILURE_RATE, MTTR):
        product.invoke(function, late)
    wanted = outage.numbers((*COUNTS, *RECOVERIES))
    assert metrics.differences(product.statistics(), wanted) == []


@pytest.mark.expects_refusals
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
@pytest.mark.parametrize("role", ["stays", "goes"])
@pytest.mark.parametrize("last", ["incident", "deployment"])
def test_a_pipeline_of_an_account_that_is_no_longer_listed_is_passed_over(
    product: Product, function: str, last: str, role: str, names: dict[str, str]
) -> None:
    outage = beside(ELSEWHERE, names)
    outage.happened(product)
    deployment, elsewhere, incident = outage.events("forwards")
    rest = [deployment, incident] if last == "incident" else [incident, deployment]
    accounts = f"{deployment['account']},{elsewhere['account']}"
    reader = (
        product,
        function,
        elsewhere["account"],
        "ToolingCrossAccountLambdaRole",
        ["codepipeline:*"],
    )
    with with_role_in(*reader):
        with with_settings(product, function, TOOLING_ACCOUNT_IDS=accounts):
            product.invoke(function, elsewhere)
        if role == "stays":
            for event in rest:
                product.invoke(function, event)
    if role == "goes":
        for event in rest:
            product.invoke(function, event)
    assert blamed(product, outage.incidents[0]) == DEPLOYMENT.id
    assert unattributed(product) == []


@pytest.mark.parametrize("operation", ["TransactWriteItems", "UpdateItem"])
def test_a_function_that_meets_another_transaction_tries_again_by_itself(
    product: Product, operation: str
) -> None:
    event = deployed(product)
    product.emulator.fault("dynamodb", operation, "conflict", times=3)
    assert product.invoke(MTTR, event)["outcome"] == "published"
    assert product.metrics() == counted_once(event, MTTR)
