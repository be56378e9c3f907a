"""Incidents of other accounts than the functions' own are read through a role there."""

import contextlib
from collections.abc import Iterator

import pytest

from end_to_end.accounts import with_role_in
from end_to_end.deployments import CHANGE_FAILURE_RATE, MTTR
from end_to_end.git import commit
from end_to_end.histories import ROOT
from end_to_end.incidents import Incident
from end_to_end.outages import COUNTS, RECOVERIES, Outage
from end_to_end.pipelines import Run
from end_to_end.settings import with_settings
from stage import metrics
from stage.product import FunctionFailed, Product

ELSEWHERE = "777788889999"
APPLICATION = "555566667777"
"""The account of an application, which the stage's configuration names."""
READ = ["ssm:GetOpsItem", "ssm:ListTagsForResource"]
D1, FIX = Run("c1", at="10:00"), Run("f1", at="11:30")
NAMED = {"dora/repository": "acme/web"}


def recorded_in(account: str) -> Outage:
    """Return an outage whose incident is recorded in this account."""
    incident = Incident(1, "10:30", names=NAMED, account=account)
    return Outage(
        "elsewhere",
        [Run("c0", at="07:30"), D1, FIX],
        incidents=[incident],
        steps=[*ROOT, commit("c1", "08:00"), commit("f1", "11:00", message=f"Mend {incident.id}")],
        caused_by={1: D1},
        recovered=((FIX, "11:30 - 10:30 = 3600"),),
        rework=(FIX,),
    )


OUTAGE = recorded_in(ELSEWHERE)
DEFAULT_ROLE = "DoraOpsCenterReadRole"

each_function = pytest.mark.parametrize(
    ("function", "own"), [(CHANGE_FAILURE_RATE, COUNTS), (MTTR, RECOVERIES)]
)


def test_an_incident_of_an_applications_account_is_forwarded_and_read(product: Product) -> None:
    outage = recorded_in(APPLICATION)
    outage.happened(product)
    for event in outage.events("forwards"):
        product.emulator.emit(event)
        product.emulator.settle()
    wanted = outage.numbers((*COUNTS, *RECOVERIES))
    names = {value.metric for value in wanted}
    told = {value: each for value, each in product.statistics().items() if value.metric in names}
    assert metrics.differences(told, wanted) == []
    assert APPLICATION in {call["account"] for call in product.emulator.calls()}


@contextlib.contextmanager
def with_both_accounts(product: Product, function: str, **more: str) -> Iterator[None]:
    """Let incidents be recorded in the other account too."""
    places = f"{product.account}/{product.region},{ELSEWHERE}/{product.region}"
    with with_settings(product, function, INCIDENT_ACCOUNTS=places, **more):
        yield


@pytest.mark.expects_refusals
@each_function
@pytest.mark.parametrize(
    ("role", "settings"), [(DEFAULT_ROLE, {}), ("Reader", {"OPSCENTER_ROLE": "Reader"})]
)
def test_an_incident_of_another_account_counts(
    product: Product, role: str, settings: dict[str, str], function: str, own: tuple[str, ...]
) -> None:
    OUTAGE.happened(product)
    with (
        with_role_in(product, function, ELSEWHERE, role, READ),
        with_both_accounts(product, function, **settings),
    ):
        for event in OUTAGE.events("forwards"):
            product.invoke(function, event)
    assert metrics.differences(product.statistics(), OUTAGE.numbers(own)) == []
    made = [call for call in product.emulator.calls() if call["account"] == ELSEWHERE]
    assert {call["operation"] for call in made} == {"GetOpsItem", "ListTagsForResource"}
    assumed = [
        call["resource"] for call in product.emulator.calls() if call["operation"] == "AssumeRole"
    ]
    assert f"arn:aws:iam::{ELSEWHERE}:role/{role}" in assumed


@pytest.mark.expects_refusals
@each_function
def test_a_role_that_is_missing_is_named(
    product: Product, function: str, own: tuple[str, ...]
) -> None:
    OUTAGE.happened(product)
    *deployments, event, hotfix = OUTAGE.events("forwards")
    with with_both_accounts(product, function):
        for each in deployments:
            product.invoke(function, each)
        before = product.metrics()
        failing = [event, hotfix] if function == MTTR else [event]
        for each in failing:
            with pytest.raises(FunctionFailed, match=f"{ELSEWHERE}.*{DEFAULT_ROLE}") as failure:
                product.invoke(function, each)
            assert failure.value.error_type == "OpsCenterAccessDenied"
        assert product.metrics() == before
        with with_role_in(product, function, ELSEWHERE, DEFAULT_ROLE, READ):
            for each in (event, hotfix):
                product.invoke(function, each)
    assert metrics.differences(product.statistics(), OUTAGE.numbers(own)) == []


@pytest.mark.expects_refusals
@pytest.mark.parametrize("function", [CHANGE_FAILURE_RATE, MTTR])
@pytest.mark.parametrize("missing", READ)
def test_a_permission_that_the_role_lacks_is_named(
    product: Product, function: str, missing: str
) -> None:
    OUTAGE.happened(product)
    *_, event, _ = OUTAGE.events("forwards")
    less = [action for action in READ if action != missing]
    with (
        with_role_in(product, function, ELSEWHERE, DEFAULT_ROLE, less),
        with_both_accounts(product, function),
        pytest.raises(FunctionFailed, match=missing) as failure,
    ):
        product.invoke(function, event)
    assert failure.value.error_type == "OpsCenterAccessDenied"
    assert product.metrics() == {}
