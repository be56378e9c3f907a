"""Every incident ends once, with the deployment that was made to end it or with a rollback."""

import json
from itertools import permutations

import pytest

from end_to_end.git import Step, branch, commit, merged, merged_by_hand, opened
from end_to_end.histories import ROOT
from end_to_end.incidents import Incident, ops_item_id
from end_to_end.outages import RECOVERIES, Order, Outage
from end_to_end.pipelines import PAYMENTS, Pipeline, Run
from end_to_end.settings import with_settings
from stage import metrics
from stage.product import Product
from stage.scenario import Event

FUNCTION = "mttr"
LEGACY = Pipeline("legacy", ("acme/legacy",), "GitLab")
REPOSITORY = {"dora/repository": "acme/web"}
ID = ops_item_id(0xA1)

D0 = Run("c0", at="07:30")
D1 = Run("c1", at="10:00")
CAUSE = Incident(0xA1, "10:30", names=REPOSITORY)
FIRST = [*ROOT, commit("c1", "08:00")]
ONE_HOUR = "11:30 - 10:30 = 3600"


def hotfix(head: str, how: str, *, message: str = "Mend it", title: str = "Do it") -> list[Step]:
    """A branch off the main branch with one commit is merged."""
    return [
        *FIRST,
        branch(head),
        commit("f1", "10:45", on=head, message=message),
        opened(7, head, "10:50", title=title),
        merged(7, how, "11:10"),
    ]


def ended(name: str, steps: list[Step], deployed: str = "#7") -> Outage:
    """An incident that a deployment at half past eleven ended after an hour."""
    fix = Run(deployed, at="11:30")
    return Outage(
        name,
        [D0, D1, fix],
        incidents=[CAUSE],
        steps=steps,
        caused_by={CAUSE.number: D1},
        recovered=((fix, ONE_HOUR),),
        rework=(fix,),
    )


def not_ended(name: str, steps: list[Step], *incidents: Incident) -> Outage:
    """A deployment that ended none of these."""
    fix = Run("#7", at="11:30")
    return Outage(name, [D0, D1, fix], incidents=[*incidents], steps=steps)


REFERENCES = [
    *(
        ended(f"the head of a pull request, merged by {how}", hotfix(f"hotfix/{ID}", how), deployed)
        for how, deployed in (("merge", "#7"), ("squash", "#7"), ("rebase", "f1'"))
    ),
    *(
        ended(f"the head {head}", hotfix(head, "squash"))
        for head in (
            f"fix/{ID}/hotfix",
            f"hotfix/{ID.upper()}",
            f"{ID}-checkout",
            f"hotfix/mend-{ID}",
            f"jane:{ID}",
        )
    ),
    ended("a message", hotfix("hotfix/checkout", "merge", message=f"Mend it\n\nCloses {ID}.")),
    ended("a message in capitals", hotfix("fix", "merge", message=f"[{ID.upper()}] Mend it")),
    ended("a message that a squash hides", hotfix("fix", "squash", message=f"Mend it ({ID})")),
    ended("a message that a rebase copies", hotfix("fix", "rebase", message=f"{ID}: it"), "f1'"),
    ended(
        "a message of a commit that was pushed",
        [*FIRST, commit("f1", "10:45", message=f"Mend {ID}")],
        "f1",
    ),
    ended(
        "a branch merged with Git",
        [
            *FIRST,
            branch(f"hotfix/{ID}"),
            commit("f1", "10:45", on=f"hotfix/{ID}"),
            opened(7, f"hotfix/{ID}", "10:50"),
            merged_by_hand(f"hotfix/{ID}", "main", "m1", "11:10"),
        ],
        "m1",
    ),
    not_ended("nothing is referenced", hotfix("hotfix/checkout", "merge"), CAUSE),
    *(
        not_ended(f"{text} is no id", hotfix("fix", "merge", message=f"Mend {text}"), CAUSE)
        for text in (f"{ID}0", f"x{ID}", ID[:-1], ID.replace("oi-", "oi_"))
    ),
    not_ended("there is no such OpsItem", hotfix(f"hotfix/{ID}", "merge")),
    not_ended(
        "the OpsItem is younger than the deployment",
        hotfix(f"hotfix/{ID}", "merge"),
        Incident(0xA1, "11:30:01", names=REPOSITORY),
    ),
]

TWO = Incident(0xA2, "10:40", names=REPOSITORY)
FIX, AGAIN = Run("f1", at="11:30"), Run("f2", at="12:30")
TRUNK = [commit("c0", "07:00"), commit("p1", "08:00"), commit("p2", "10:45")]
P0 = Run("c0", at="07:30", ended="07:40", pipeline=PAYMENTS)
P1 = Run("p1", at="10:00", ended="10:10", pipeline=PAYMENTS)
ON_BRANCH = Run("p2", at="11:30", ended="11:40", pipeline=PAYMENTS, branch=f"hotfix/{ID}")
L1 = Run("l1", at="10:00", pipeline=LEGACY)
L2 = Run("l2", at="11:30", pipeline=LEGACY, message=f"Mend {ID}")
L3 = Run("l2", at="11:30", pipeline=LEGACY, trigger=False, message=f"Mend {ID}")

DEPLOYMENTS = [
    Outage(
        "a deployment ends several incidents, and is one rework deployment",
        [D0, D1, FIX],
        incidents=[CAUSE, TWO],
        steps=[*FIRST, commit("f1", "10:45", message=f"Mend {CAUSE.id} and {TWO.id}")],
        recovered=((FIX, ONE_HOUR), (FIX, "11:30 - 10:40 = 3000")),
        rework=(FIX,),
    ),
    Outage(
        "of several deployments made to end an incident the first did, and all are rework",
        [D0, D1, FIX, AGAIN],
        incidents=[CAUSE],
        steps=[
            *FIRST,
            commit("f1", "10:45", message=f"Mend {ID}"),
            commit("f2", "11:45", message=f"Mend {ID} better"),
        ],
        recovered=((FIX, ONE_HOUR),),
        rework=(FIX, AGAIN),
    ),
    Outage(
        "an incident without a deployment is ended all the same",
        [D0, D1, FIX],
        incidents=[Incident(0xA1, "10:30", names={"dora/repository": "acme/unknown"})],
        steps=[*FIRST, commit("f1", "10:45", message=f"Mend {ID}")],
        recovered=((FIX, ONE_HOUR),),
        rework=(FIX,),
    ),
    Outage(
        "an incident may be days old",
        [D0, D1, late := Run("f1", at="05 10:30")],
        incidents=[CAUSE],
        steps=[*FIRST, commit("f1", "04 10:45", message=f"Mend {ID}")],
        recovered=((late, "05 10:30 - 02 10:30 = 259200"),),
        rework=(late,),
    ),
    Outage(
        "a deployment that failed before production ended nothing",
        [D0, D1, Run("f1", at="11:00", status="Failed"), FIX],
        incidents=[CAUSE],
        steps=[*FIRST, commit("f1", "10:45", message=f"Mend {ID}")],
        recovered=((FIX, ONE_HOUR),),
        rework=(FIX,),
    ),
    Outage(
        "a redeployment of what ended an incident ships nothing, and references nothing",
        [D0, D1, FIX, Run("f1", at="12:30", trigger=False)],
        incidents=[CAUSE],
        steps=[*FIRST, commit("f1", "10:45", message=f"Mend {ID}")],
        recovered=((FIX, ONE_HOUR),),
        rework=(FIX,),
    ),
    Outage(
        "a trunk-based repository deploys the branch itself",
        [P0, P1, ON_BRANCH],
        incidents=[CAUSE],
        steps=TRUNK,
        repository="acme/payments",
        recovered=((ON_BRANCH, ONE_HOUR),),
        rework=(ON_BRANCH,),
    ),
    Outage(
        "a repository on GitLab: the message of the commit that started the pipeline",
        [L1, L2],
        incidents=[CAUSE],
        recovered=((L2, ONE_HOUR),),
        rework=(L2,),
    ),
    Outage(
        "a repository on GitLab, without a trigger in the event",
        [L1, L3],
        incidents=[CAUSE],
        recovered=((L3, ONE_HOUR),),
        rework=(L3,),
    ),
    Outage(
        "two repositories mend an incident: the first that is handled ended it",
        [D0, D1, FIX, L1, other := Run("l2", at="12:00", pipeline=LEGACY, message=f"Mend {ID}")],
        incidents=[CAUSE],
        steps=[*FIRST, commit("f1", "10:45", message=f"Mend {ID}")],
        recovered=((FIX, ONE_HOUR),),
        rework=(FIX, other),
        orders=("forwards",),  # across pipelines it depends on the order, as docs/metrics.md says
    ),
]

D2 = Run("c2", at="12:00")
BACK = Run("c1", at="12:30", rollback=True)
THREE = [*FIRST, commit("c2", "11:00")]
BLAMED = Incident(0xA1, "12:10", names=REPOSITORY)
LATER_FAILED = Run("p2", at="11:00", ended="11:20", status="Failed", pipeline=PAYMENTS)
BY_ITSELF = Run(
    "p1", at="11:40", ended="11:50", pipeline=PAYMENTS, rollback=True, undoes=LATER_FAILED
)
NEVER_THERE = Run("p2", at="11:00", status="Failed", pipeline=PAYMENTS)

ROLLBACKS = [
    Outage(
        "a rollback without an incident ends what began with the deployment",
        [D0, D1, D2, BACK],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:00 = 1800"),),
    ),
    Outage(
        "a rollback ends the incident of what it undid",
        [D0, D1, D2, BACK],
        incidents=[BLAMED],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:10 = 1200"),),
    ),
    Outage(
        "a rollback ends all incidents of what it undid",
        [D0, D1, D2, BACK],
        incidents=[BLAMED, Incident(0xA2, "12:20", names=REPOSITORY)],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:10 = 1200"), (BACK, "12:30 - 12:20 = 600")),
    ),
    Outage(
        "a rollback does not end the incident of an older deployment",
        [D0, D1, D2, BACK],
        incidents=[Incident(0xA1, "10:30", names=REPOSITORY)],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:00 = 1800"),),
    ),
    Outage(
        "an incident after the rollback is not ended by it",
        [D0, D1, D2, BACK],
        incidents=[Incident(0xA1, "12:40", names=REPOSITORY)],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:00 = 1800"),),
    ),
    Outage(
        "what a rollback ended is not ended again by a deployment, which is rework",
        [D0, D1, D2, BACK, mended := Run("f1", at="14:00")],
        incidents=[BLAMED],
        steps=[*THREE, commit("f1", "13:00", message=f"Mend {ID}")],
        recovered=((BACK, "12:30 - 12:10 = 1200"),),
        rework=(mended,),
    ),
    Outage(
        "what a deployment ended is not ended again by a rollback of its cause",
        [D0, D1, D2, quick := Run("f1", at="12:20"), Run("c2", at="12:50", rollback=True)],
        incidents=[BLAMED],
        steps=[*THREE, commit("f1", "12:15", message=f"Mend {ID}")],
        recovered=(
            (quick, "12:20 - 12:10 = 600"),
            (Run("c2", at="12:50", rollback=True), "12:50 - 12:20 = 1800"),
        ),
        rework=(quick,),
    ),
    Outage(
        "CodePipeline rolls back what failed after production",
        [P0, P1, LATER_FAILED, BY_ITSELF],
        steps=TRUNK,
        repository="acme/payments",
        recovered=((BY_ITSELF, "11:40 - 11:00 = 2400"),),
    ),
    Outage(
        "CodePipeline rolls back what failed in production: nothing had to recover",
        [
            P0,
            P1,
            NEVER_THERE,
            Run(
                "p1",
                at="11:40",
                ended="11:50",
                pipeline=PAYMENTS,
                rollback=True,
                undoes=NEVER_THERE,
            ),
        ],
        steps=TRUNK,
        repository="acme/payments",
    ),
    Outage(
        "only the first rollback ends anything",
        [D0, D1, D2, BACK, Run("c0", at="13:00", rollback=True)],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:00 = 1800"),),
    ),
]

OUTAGES = REFERENCES + DEPLOYMENTS + ROLLBACKS


@pytest.mark.parametrize(
    ("outage", "order"),
    [
        pytest.param(outage, order, id=f"{outage.name}, {order}")
        for outage in OUTAGES
        for order in outage.orders
    ],
)
def test_an_outage_gives_its_recoveries(product: Product, outage: Outage, order: Order) -> None:
    outage.happened(product)
    told = []
    for event in outage.events(order):
        told += product.invoke(FUNCTION, event).get("metrics", [])
    wanted = outage.numbers(RECOVERIES)
    assert metrics.differences(product.statistics(), wanted) == []
    assert len(told) == sum(
        int(each.samples) for value, each in wanted.items() if not value.dimensions
    )
    for event in outage.events(order):
        answer = product.invoke(FUNCTION, event)
        assert answer["outcome"] in ("duplicate", "ignored"), answer
    assert metrics.differences(product.statistics(), wanted) == []


def test_an_incident_that_comes_after_the_rollback_does_not_count_twice(product: Product) -> None:
    """The one exception: the recovery without an incident was published before."""
    outage = Outage("exception", [D0, D1, D2, BACK], incidents=[BLAMED], steps=THREE)
    outage.happened(product)
    *earlier, incident, rollback = outage.events("forwards")
    for event in [*earlier, rollback, incident]:
        product.invoke(FUNCTION, event)
    whole = Outage("exception", [D0, D1, D2, BACK], recovered=((BACK, "12:30 - 12:00 = 1800"),))
    assert metrics.differences(product.statistics(), whole.numbers(RECOVERIES)) == []


def test_an_incident_that_comes_before_its_deployments_event_takes_its_place(
    product: Product,
) -> None:
    """Whatever comes last, as long as nothing was published: the deployment's own event."""
    outage = Outage(
        "in time",
        [D0, D1, D2, BACK],
        incidents=[BLAMED],
        steps=THREE,
        recovered=((BACK, "12:30 - 12:10 = 1200"),),
    )
    outage.happened(product)
    first, second, deployment, incident, rollback = outage.events("forwards")
    for event in [first, second, rollback, incident, deployment]:
        product.invoke(FUNCTION, event)
    wanted = outage.numbers(RECOVERIES)
    assert metrics.differences(product.statistics(), wanted) == []


def handled(product: Product, events: list[Event]) -> None:
    """Let the function handle these events in this order."""
    for event in events:
        product.invoke(FUNCTION, event)


def check_recoveries(product: Product, outage: Outage) -> None:
    """See what the story says in CloudWatch."""
    found = metrics.differences(product.statistics(), outage.numbers(RECOVERIES))
    assert found == []


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("trigger", [True, False], ids=["trigger", "no trigger"])
def test_outside_github_only_the_deployment_whose_message_names_it_ends_an_incident(
    product: Product, trigger: bool, order: tuple[int, ...]
) -> None:
    plain = Run("l2", at="11:00", pipeline=LEGACY, trigger=trigger)
    fix = Run("l3", at="11:30", pipeline=LEGACY, trigger=trigger, message=f"Mend {ID}")
    outage = Outage(
        "GitLab",
        [Run("l1", at="10:00", pipeline=LEGACY, trigger=trigger), plain, fix],
        incidents=[CAUSE],
        recovered=((fix, ONE_HOUR),),
        rework=(fix,),
    )
    outage.happened(product)
    first, incident, *later = outage.events("forwards")
    deployments = [first, *later]
    handled(product, [incident, *(deployments[place] for place in order)])
    check_recoveries(product, outage)


UNNAMED = Incident(0xA1, "10:30")
MENDED = Run("f1", at="12:00")
UNDONE_AT_ELEVEN = Run("c0", at="11:00", rollback=True)
BOTH = {
    "acme/web": [*FIRST, commit("f1", "11:30", message=f"Mend {ID}")],
    "acme/payments": [commit("c0", "07:00"), commit("p1", "08:00")],
}


def test_an_incident_is_ended_by_the_rollback_of_what_it_was_attributed_to(
    product: Product,
) -> None:
    """A later deployment from before the incident comes when that is decided."""
    late = Run("p1", at="10:20", ended="10:25", pipeline=PAYMENTS)
    outage = Outage(
        "decided",
        [D0, P0, D1, late, UNDONE_AT_ELEVEN, MENDED],
        incidents=[UNNAMED],
        histories=BOTH,
        recovered=((UNDONE_AT_ELEVEN, "11:00 - 10:30 = 1800"),),
        rework=(MENDED,),
    )
    outage.happened(product)
    web, payments, cause, later, incident, rollback, hotfix = outage.events("forwards")
    handled(product, [web, payments, cause, incident, later, hotfix, rollback])
    check_recoveries(product, outage)


def test_the_rollback_of_what_an_incident_was_not_attributed_to_does_not_end_it(
    product: Product,
) -> None:
    """That deployment comes when it is decided that an earlier one caused the incident."""
    cause = Run("p1", at="09:50", ended="09:55", pipeline=PAYMENTS)
    outage = Outage(
        "decided",
        [D0, P0, cause, D1, UNDONE_AT_ELEVEN, MENDED],
        incidents=[UNNAMED],
        histories=BOTH,
        recovered=(
            (UNDONE_AT_ELEVEN, "11:00 - 10:00 = 3600"),
            (MENDED, "12:00 - 10:30 = 5400"),
        ),
        rework=(MENDED,),
    )
    outage.happened(product)
    web, payments, blamed, late, incident, rollback, hotfix = outage.events("forwards")
    handled(product, [web, payments, blamed, incident, late, hotfix, rollback])
    check_recoveries(product, outage)


HEAD = f"hotfix/{ID}"
DEVELOPED = [*FIRST, branch("develop"), commit("d1", "10:40", on="develop")]
SILENT, SAYS = "Mend it", f"Mend {ID}"


def landed(
    message: str, *, how: str = "squash", number: int = 7, label: str = "f1", at: str = "11"
) -> list[Step]:
    """A hotfix is merged."""
    return [
        commit(label, f"{at}:01", on=HEAD, message=message),
        opened(number, HEAD, f"{at}:02"),
        merged(number, how, f"{at}:10"),
    ]


def merged_back(by: str) -> list[Step]:
    """The hotfix comes to the branch of the next release, too."""
    if by == "Git":
        return [merged_by_hand(HEAD, "develop", "m1", "12:40")]
    if by == "main":
        return [merged_by_hand("main", "develop", "m1", "12:40")]
    return [opened(8, HEAD, "12:35", base="develop"), merged(8, by, "12:40")]


def released(how: str, message: str = "More") -> tuple[list[Step], Run]:
    """Develop goes on, and is deployed."""
    steps = [commit("d2", "12:50", on="develop", message=message)]
    if how == "Git":
        merges = [merged_by_hand("develop", "main", "m2", "13:10")]
        return [*steps, *merges], Run("m2", at="13:30")
    return [*steps, opened(9, "develop", "13:00"), merged(9, how, "13:10")], Run("#9", at="13:30")


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize(
    ("message", "how"), [(SILENT, "merge"), (SAYS, "merge"), (SAYS, "squash"), (SAYS, "Git")]
)
@pytest.mark.parametrize("by", ["Git", "main", "merge", "squash"])
def test_a_release_of_a_hotfix_that_was_merged_back_is_no_rework(
    product: Product, by: str, message: str, how: str, order: tuple[int, ...]
) -> None:
    more, release = released(how)
    outage = Outage(
        "merged back",
        [D0, D1, fix := Run("#7", at="11:30"), release],
        incidents=[CAUSE],
        steps=[*DEVELOPED, branch(HEAD), *landed(message), *merged_back(by), *more],
        recovered=((fix, ONE_HOUR),),
        rework=(fix,),
    )
    outage.happened(product)
    first, second, incident, *later = outage.events("forwards")
    handled(product, [first, second, incident, *(later[place] for place in order)])
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("how", ["merge", "rebase"])
@pytest.mark.parametrize("by", ["Git", "main", "merge"])
def test_a_release_of_a_hotfix_that_main_has_itself_is_no_rework(
    product: Product, by: str, how: str, order: tuple[int, ...]
) -> None:
    """It was not squashed: all that the release has of it is the merge into develop."""
    more, release = released("merge")
    fix = Run("f1'" if how == "rebase" else "#7", at="11:30")
    outage = Outage(
        "merged back",
        [D0, D1, fix, release],
        incidents=[CAUSE],
        steps=[*DEVELOPED, branch(HEAD), *landed(SAYS, how=how), *merged_back(by), *more],
        recovered=((fix, ONE_HOUR),),
        rework=(fix,),
    )
    outage.happened(product)
    first, second, incident, *later = outage.events("forwards")
    handled(product, [first, second, incident, *(later[place] for place in order)])
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("by", ["Git", "main", "merge"])
def test_a_release_that_mends_more_is_rework(
    product: Product, by: str, order: tuple[int, ...]
) -> None:
    more, release = released("merge", f"Mend more of {ID}")
    outage = Outage(
        "more",
        [D0, D1, fix := Run("#7", at="11:30"), release],
        incidents=[CAUSE],
        steps=[*DEVELOPED, branch(HEAD), *landed(SAYS), *merged_back(by), *more],
        recovered=((fix, ONE_HOUR),),
        rework=(fix, release),
    )
    outage.happened(product)
    first, second, incident, *later = outage.events("forwards")
    handled(product, [first, second, incident, *(later[place] for place in order)])
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)], ids=str)
@pytest.mark.parametrize("message", [SILENT, SAYS])
@pytest.mark.parametrize("by", ["Git", "merge"])
def test_a_second_attempt_is_rework_and_its_release_is_not(
    product: Product, by: str, message: str, order: tuple[int, ...]
) -> None:
    """The branch is used again, by a new pull request."""
    attempts = [*landed(message), *landed(message, number=10, label="f2", at="12")]
    more, release = released("merge")
    outage = Outage(
        "attempts",
        [D0, D1, fix := Run("#7", at="11:30"), again := Run("#10", at="12:30"), release],
        incidents=[CAUSE],
        steps=[*DEVELOPED, branch(HEAD), *attempts, *merged_back(by), *more],
        recovered=((fix, ONE_HOUR),),
        rework=(fix, again),
    )
    outage.happened(product)
    first, second, incident, *later = outage.events("forwards")
    handled(product, [first, second, incident, *(later[place] for place in order)])
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize(
    ("head", "how"),
    [
        *((HEAD, how) for how in ("merge", "squash")),
        *((f"{HEAD}-again", how) for how in ("merge", "squash", "rebase")),
    ],
)
def test_every_attempt_is_rework(
    product: Product, head: str, how: str, order: tuple[int, ...]
) -> None:
    """Whether the first attempt's branch is used again, or another with the same id."""
    steps = [
        *hotfix(HEAD, how),
        *([branch(head)] if head != HEAD else []),
        commit("f2", "11:45", on=head),
        opened(8, head, "11:50"),
        merged(8, how, "12:10"),
    ]
    deployed = ("f1'", "f2'") if how == "rebase" else ("#7", "#8")
    fix, again = Run(deployed[0], at="11:30"), Run(deployed[1], at="12:30")
    outage = Outage(
        "attempts",
        [D0, D1, fix, again],
        incidents=[CAUSE],
        steps=steps,
        recovered=((fix, ONE_HOUR),),
        rework=(fix, again),
    )
    outage.happened(product)
    first, second, incident, *later = outage.events("forwards")
    handled(product, [first, second, incident, *(later[place] for place in order)])
    check_recoveries(product, outage)


MONOREPOS = {
    "GitFlow": (Pipeline("web", ("acme/web",)), Pipeline("admin", ("acme/web",))),
    "trunk-based": (PAYMENTS, Pipeline("ledger", ("acme/payments",))),
    "GitLab": (LEGACY, Pipeline("older", ("acme/legacy",), "GitLab")),
}


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("pipelines", MONOREPOS.values(), ids=MONOREPOS)
def test_the_earliest_deployment_of_a_monorepo_ends_an_incident_whatever_its_pipeline(
    product: Product, pipelines: tuple[Pipeline, Pipeline], order: tuple[int, ...]
) -> None:
    """Both pipelines have been heard of before."""
    one, other = pipelines
    fix = Run("f1", at="11:30", pipeline=one, message=f"Mend {ID}")
    later = Run("f2", at="12:00", pipeline=other, message=f"Mend {ID} too")
    outage = Outage(
        "both",
        [
            Run("c0", at=at, pipeline=each)
            for at, each in zip(("07:30", "07:40"), pipelines, strict=True)
        ]
        + [fix, later],
        incidents=[CAUSE],
        steps=[
            *FIRST,
            commit("f1", "10:45", message=f"Mend {ID}"),
            commit("f2", "10:50", message=f"Mend {ID} too"),
        ],
        repository=one.sources[0],
        recovered=((fix, ONE_HOUR),),
        rework=(fix, later),
    )
    outage.happened(product)
    *known, earlier, latest = outage.events("forwards")
    handled(product, [*known, *((earlier, latest)[place] for place in order)])
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_an_incident_that_names_nothing_has_no_deployment_where_attribution_is_explicit(
    product: Product, order: Order
) -> None:
    """A rollback does not end it, and a deployment that references it does."""
    incident = Incident(0xA1, "12:10")
    outage = Outage(
        "explicit",
        [D0, D1, D2, BACK, mended := Run("f1", at="14:00")],
        incidents=[incident],
        steps=[*THREE, commit("f1", "13:00", message=f"Mend {ID}")],
        recovered=((BACK, "12:30 - 12:00 = 1800"), (mended, "14:00 - 12:10 = 6600")),
        rework=(mended,),
    )
    outage.happened(product)
    with with_settings(product, FUNCTION, ATTRIBUTION="explicit"):
        handled(product, outage.events(order))
    check_recoveries(product, outage)


@pytest.mark.parametrize("order", ["forwards", "backwards"])
@pytest.mark.parametrize(
    ("setting", "value"),
    [("INCIDENT_SEVERITIES", "1,3"), ("INCIDENT_SOURCES", "PagerDuty, Alarms of ours")],
)
def test_what_the_settings_leave_out_is_ended_by_nothing(
    product: Product, setting: str, value: str, order: Order
) -> None:
    """It is no incident: a rollback ends what began with the deployment, a hotfix nothing."""
    outage = Outage(
        "left out",
        [D0, D1, D2, BACK, Run("f1", at="14:00")],
        incidents=[BLAMED],
        steps=[*THREE, commit("f1", "13:00", message=f"Mend {ID}")],
        recovered=((BACK, "12:30 - 12:00 = 1800"),),
    )
    outage.happened(product)
    with with_settings(product, FUNCTION, **{setting: value}):
        handled(product, outage.events(order))
    check_recoveries(product, outage)


def test_a_reference_that_leads_nowhere_is_named_in_the_log(product: Product) -> None:
    outage = not_ended("nowhere", hotfix(f"hotfix/{ID}", "merge"))
    outage.happened(product)
    answers = [product.invoke(FUNCTION, event) for event in outage.events("forwards")]
    assert answers[-1] == {"outcome": "ignored", "reason": "no-ops-item-referenced"}
    assert any(line.get("ops_item_id") == ID for line in log(product))


def log(product: Product) -> list[dict[str, str]]:
    """Return what the function wrote since the stage is up."""
    functions = product.operations("lambda")
    configuration = functions.get_function_configuration(FunctionName=FUNCTION)
    pages = product.operations("logs").get_paginator("filter_log_events")
    lines = [
        line
        for page in pages.paginate(logGroupName=configuration["LoggingConfig"]["LogGroup"])
        for event in page["events"]
        for line in event["message"].splitlines()
    ]
    return [json.loads(line) for line in lines if line.startswith("{")]
