"""Which deployment a rollback undid, among others and other rollbacks: all metrics agree."""

from dataclasses import replace
from itertools import permutations

import pytest

from end_to_end.git import commit
from end_to_end.histories import ROOT
from end_to_end.incidents import Incident
from end_to_end.outages import COUNTS, RECOVERIES, Order, Outage
from end_to_end.pipelines import PAYMENTS, Run
from stage import metrics
from stage.github.story import sha
from stage.product import Product

FUNCTIONS = ("change-failure-rate", "mttr")

D0 = Run("c0", at="07:30")
D1 = Run("c1", at="10:00")
D2 = Run("c2", at="12:00")
ELSEWHERE = Run("c1", at="12:10", started="12:05", rollback=True, only_verified=True)
FAILED = Run("c3", at="12:08", status="Failed")
BY_ITSELF = Run("c1", at="12:12", started="12:09", rollback=True, undoes=FAILED)
BACK = Run("c1", at="12:30", rollback=True)
HOTFIX = Run("f1", at="14:00")
DEVELOP = Run("d1", at="12:15", branch="develop")
BROKEN = Run("c1", at="12:10", started="12:06", rollback=True, status="Failed")
HALF_AN_HOUR = "12:30 - 12:00 = 1800"


def web(at: str) -> Incident:
    """An incident of the repository."""
    return Incident(0xA1, at, names={"dora/repository": "acme/web"})


def payments(at: str) -> Incident:
    """An incident of the trunk-based repository."""
    return Incident(0xA1, at, names={"dora/repository": "acme/payments"})


STEPS = [
    *ROOT,
    commit("c1", "08:00"),
    commit("c2", "11:00"),
    commit("f1", "13:00", message=f"Mend {web('12:00').id}"),
]

P0 = Run("c0", at="07:30", ended="07:40", pipeline=PAYMENTS)
P1 = Run("p1", at="10:00", ended="10:10", pipeline=PAYMENTS)
P2 = Run("p2", at="11:00", ended="11:10", pipeline=PAYMENTS)
P_LONG = Run("p2", at="11:00", ended="11:50", pipeline=PAYMENTS)
P_FAILED = Run("p3", at="11:15", status="Failed", pipeline=PAYMENTS)
P_FAILED_LATER = Run("p3", at="11:20", ended="11:25", status="Failed", pipeline=PAYMENTS)
P_BY_ITSELF = Run(
    "p1",
    at="11:22",
    ended="11:24",
    started="11:18",
    pipeline=PAYMENTS,
    rollback=True,
    undoes=P_FAILED,
)
P_ELSEWHERE = Run(
    "p1", at="11:22", started="11:18", pipeline=PAYMENTS, rollback=True, only_verified=True
)
P_BACK = Run("p1", at="11:40", started="11:30", ended="11:45", pipeline=PAYMENTS, rollback=True)
P_BROKEN = Run("p1", at="11:22", started="11:18", pipeline=PAYMENTS, rollback=True, status="Failed")
P_BACK_ONLY = replace(P_BACK, status="Failed")
P_HOTFIX = Run("f1", at="14:00", ended="14:10", pipeline=PAYMENTS)
P_STEPS = [
    *ROOT,
    commit("p1", "08:00"),
    commit("p2", "10:30"),
    commit("p3", "10:45"),
    commit("f1", "13:00", message=f"Mend {web('12:00').id}"),
]
FORTY_MINUTES = "11:40 - 11:00 = 2400"

OUTAGES = [
    Outage("a rollback of another stage undoes nothing", [D0, D1, D2, ELSEWHERE], steps=STEPS),
    Outage(
        "a rollback of another stage comes before that of production",
        [D0, D1, D2, ELSEWHERE, BACK],
        steps=STEPS,
        undone=(D2,),
        recovered=((BACK, HALF_AN_HOUR),),
    ),
    Outage(
        "a rollback of another stage comes before that which ends the incident",
        [D0, D1, D2, ELSEWHERE, BACK],
        incidents=[web("12:05")],
        steps=STEPS,
        caused_by={0xA1: D2},
        undone=(D2,),
        recovered=((BACK, "12:30 - 12:05 = 1500"),),
    ),
    Outage(
        "CodePipeline rolls back another execution, which failed, before somebody does the latest",
        [D0, D1, D2, FAILED, BY_ITSELF, BACK],
        steps=STEPS,
        undone=(D2,),
        recovered=((BACK, HALF_AN_HOUR),),
    ),
    Outage(
        "trunk-based: a rollback of another stage comes before that of production",
        [P0, P1, P2, P_ELSEWHERE, P_BACK],
        steps=P_STEPS,
        repository="acme/payments",
        undone=(P2,),
        recovered=((P_BACK, FORTY_MINUTES),),
    ),
    Outage(
        "trunk-based: CodePipeline rolls back another execution, which failed",
        [P0, P1, P2, P_FAILED, P_BY_ITSELF, P_BACK],
        steps=P_STEPS,
        repository="acme/payments",
        undone=(P2,),
        recovered=((P_BACK, FORTY_MINUTES),),
    ),
    Outage(
        "an incident is ended by a hotfix, as the rollback of another stage did not end it",
        [D0, D1, D2, ELSEWHERE, HOTFIX],
        incidents=[web("12:05")],
        steps=STEPS,
        caused_by={0xA1: D2},
        recovered=((HOTFIX, "14:00 - 12:05 = 6900"),),
        rework=(HOTFIX,),
    ),
    Outage(
        "trunk-based: an incident is ended by a hotfix after such a rollback",
        [P0, P1, P2, P_ELSEWHERE, P_HOTFIX],
        incidents=[payments("11:20")],
        steps=P_STEPS,
        repository="acme/payments",
        caused_by={0xA1: P2},
        recovered=((P_HOTFIX, "14:00 - 11:20 = 9600"),),
        rework=(P_HOTFIX,),
    ),
    Outage(
        "an incident is ended by a hotfix, as CodePipeline rolled back another execution",
        [D0, D1, D2, FAILED, BY_ITSELF, HOTFIX],
        incidents=[web("12:05")],
        steps=STEPS,
        caused_by={0xA1: D2},
        recovered=((HOTFIX, "14:00 - 12:05 = 6900"),),
        rework=(HOTFIX,),
    ),
    Outage(
        "a deployment is rolled back while its pipeline goes on after production",
        [P0, P1, P_LONG, P_BACK, P_HOTFIX],
        incidents=[payments("11:10")],
        steps=P_STEPS,
        repository="acme/payments",
        caused_by={0xA1: P_LONG},
        undone=(P_LONG,),
        recovered=((P_BACK, "11:40 - 11:10 = 1800"),),
        rework=(P_HOTFIX,),
    ),
    Outage(
        "a run of another branch between a deployment and its rollback deployed nothing",
        [D0, D1, D2, DEVELOP, BACK, HOTFIX],
        incidents=[web("12:05")],
        steps=STEPS,
        caused_by={0xA1: D2},
        undone=(D2,),
        recovered=((BACK, "12:30 - 12:05 = 1500"),),
        rework=(HOTFIX,),
    ),
    Outage(
        "a rollback that failed undoes nothing, and the next one does",
        [D0, D1, D2, BROKEN, BACK],
        steps=STEPS,
        undone=(D2,),
        recovered=((BACK, HALF_AN_HOUR),),
    ),
    Outage(
        "an incident is ended by a hotfix, as the rollback failed",
        [D0, D1, D2, BROKEN, HOTFIX],
        incidents=[web("12:05")],
        steps=STEPS,
        caused_by={0xA1: D2},
        recovered=((HOTFIX, "14:00 - 12:05 = 6900"),),
        rework=(HOTFIX,),
    ),
    Outage(
        "trunk-based: a rollback that failed undoes nothing, and the next one does",
        [P0, P1, P2, P_BROKEN, P_BACK],
        steps=P_STEPS,
        repository="acme/payments",
        undone=(P2,),
        recovered=((P_BACK, FORTY_MINUTES),),
    ),
    Outage(
        "trunk-based: a rollback of production that fails in a later stage undoes",
        [P0, P1, P2, P_BACK_ONLY],
        steps=P_STEPS,
        repository="acme/payments",
        undone=(P2,),
        recovered=((P_BACK_ONLY, FORTY_MINUTES),),
    ),
    Outage(
        "what failed after production was deployed, and the rollback undid that",
        [P0, P1, P2, P_FAILED_LATER, P_BACK, P_HOTFIX],
        incidents=[payments("11:10")],
        steps=P_STEPS,
        repository="acme/payments",
        caused_by={0xA1: P2},
        undone=(P_FAILED_LATER,),
        recovered=((P_BACK, "11:40 - 11:20 = 1200"), (P_HOTFIX, "14:00 - 11:10 = 10200")),
        rework=(P_HOTFIX,),
    ),
]


@pytest.mark.parametrize(
    ("outage", "order"),
    [
        pytest.param(outage, order, id=f"{outage.name}, {order}")
        for outage in OUTAGES
        for order in outage.orders
    ],
)
def test_a_rollback_undoes_one_deployment(product: Product, outage: Outage, order: Order) -> None:
    outage.happened(product)
    for event in outage.events(order):
        for function in FUNCTIONS:
            product.invoke(function, event)
    wanted = outage.numbers((*COUNTS, *RECOVERIES), order)
    assert metrics.differences(product.statistics(), wanted) == []


NAMES = {
    "execution": {"dora/execution-id": D2.id},
    "commit": {"dora/commit": sha("acme/web", "c2")},
    "repository": {"dora/repository": "acme/web"},
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_what_a_rollback_ended_is_not_ended_by_a_hotfix_in_any_order(
    product: Product, names: dict[str, str]
) -> None:
    """An incident that comes once the rollback is counted for the deployment changes nothing."""
    outage = Outage(
        "any order",
        [D0, D1, D2, BACK, HOTFIX],
        incidents=[Incident(0xA1, "12:05", names=names)],
        steps=STEPS,
        rework=(HOTFIX,),
    )
    wrong = {}
    for order in permutations(["deployment", "incident", "rollback", "hotfix"]):
        product.reset()
        outage.happened(product)
        first, second, deployment, incident, rollback, hotfix = outage.events("forwards")
        told = {
            "deployment": deployment,
            "incident": incident,
            "rollback": rollback,
            "hotfix": hotfix,
        }
        for event in [first, second, *(told[name] for name in order)]:
            product.invoke("mttr", event)
        is_late = max(map(order.index, ("deployment", "rollback"))) < order.index("incident")
        recovery = "12:30 - 12:00 = 1800" if is_late else "12:30 - 12:05 = 1500"
        wanted = replace(outage, recovered=((BACK, recovery),)).numbers(RECOVERIES)
        if differences := metrics.differences(product.statistics(), wanted):
            wrong[order] = differences[0]
    assert wrong == {}


UNHEARD = Run("c1", at="10:00")
UNHEARD_BACK = Run("c0", at="10:20", rollback=True)


def unheard(*incidents: Incident) -> Outage:
    """A deployment that is rolled back, and of which events come late; one incident came before."""
    return Outage(
        "unheard",
        [D0, UNHEARD, UNHEARD_BACK],
        incidents=list(incidents),
        steps=[*ROOT, commit("c1", "08:00")],
        caused_by={incident.number: UNHEARD for incident in incidents},
        undone=(UNHEARD,),
        recovered=((UNHEARD_BACK, "10:20 - 10:10 = 600"),),
    )


def test_a_late_deployment_settles_all_its_incidents_before_it_is_decided(
    product: Product,
) -> None:
    """That they wait for different things must not decide whose recovery the rollback was."""
    before = Incident(0xA2, "10:10", names={"dora/commit": sha("acme/web", "c1")})
    after = Incident(0xA1, "10:30", names={"dora/execution-id": UNHEARD.id})
    outage = unheard(before, after)
    outage.happened(product)
    first, deployment, *rest = outage.events("forwards")
    for event in [first, *rest, deployment]:
        product.invoke("mttr", event)
    assert metrics.differences(product.statistics(), outage.numbers(RECOVERIES)) == []


def test_what_another_function_entered_decides_nothing(product: Product) -> None:
    """The incident waits for the deployment, of which only another function has heard."""
    outage = unheard(Incident(0xA1, "10:10", names={"dora/execution-id": UNHEARD.id}))
    outage.happened(product)
    first, deployment, incident, rollback = outage.events("forwards")
    product.invoke("mttr", first)
    product.invoke("mttr", incident)
    product.invoke("deployment-frequency", deployment)
    product.invoke("mttr", rollback)
    product.invoke("mttr", deployment)
    found = {
        value: each
        for value, each in product.statistics().items()
        if value.metric == "TimeToRecovery"
    }
    assert metrics.differences(found, outage.numbers(["TimeToRecovery"])) == []
