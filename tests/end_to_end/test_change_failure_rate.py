"""Every deployment is a change, and fails by its incidents or its rollback, once."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from end_to_end.deployments import again, calls_of, deployed
from end_to_end.incidents import Incident, ops_item_id
from end_to_end.outages import COUNTS, Order, Outage, blamed, unattributed
from end_to_end.pipelines import PAYMENTS, Pipeline, Run
from end_to_end.settings import with_settings
from stage import metrics
from stage.github.story import sha
from stage.product import Product

FUNCTION = "change-failure-rate"
ADMIN = Pipeline("admin", ("acme/web",))
LEGACY = Pipeline("legacy", ("acme/legacy",), "GitLab")

D0 = Run("c0", at="07:30")
D1 = Run("c1", at="10:00")
D2 = Run("c2", at="12:00")
D3 = Run("c3", at="14:00")
P1 = Run("p1", at="09:00", ended="09:10", pipeline=PAYMENTS)
P2 = Run("p2", at="11:00", ended="11:20", pipeline=PAYMENTS)
REPOSITORY = {"dora/repository": "acme/web"}

BY_CHANGE = [
    Outage(
        "an incident names the execution, though a later one was deployed",
        [D0, D1, D2],
        incidents=[Incident(1, "12:30", names={"dora/execution-id": D1.id})],
        caused_by={1: D1},
    ),
    Outage(
        "an execution is named by a tag, in capitals",
        [D0, D1, D2],
        incidents=[Incident(1, "12:30", tags={"dora/execution-id": D1.id.upper()})],
        caused_by={1: D1},
    ),
    Outage(
        "an incident names the commit",
        [D0, D1, D2],
        incidents=[Incident(1, "12:30", names={"dora/commit": sha("acme/web", "c1")})],
        caused_by={1: D1},
    ),
    Outage(
        "a commit is named by a tag, in capitals",
        [D0, D1, D2],
        incidents=[Incident(1, "12:30", tags={"dora/commit": sha("acme/web", "c1").upper()})],
        caused_by={1: D1},
    ),
    Outage(
        "a commit of a trunk-based repository, whose pipeline fails later",
        [P1, Run("p2", at="11:00", ended="11:20", status="Failed", pipeline=PAYMENTS)],
        incidents=[Incident(1, "11:30", names={"dora/commit": sha("acme/payments", "p2")})],
        caused_by={
            1: Run("p2", at="11:00", ended="11:20", status="Failed", pipeline=PAYMENTS),
        },
    ),
    Outage(
        "a commit that was deployed twice failed the last time before the incident",
        [D0, D1, D2, anew := Run("c1", at="14:00", trigger=False)],
        incidents=[
            Incident(1, "14:30", names={"dora/commit": sha("acme/web", "c1")}),
            Incident(2, "12:30", names={"dora/commit": sha("acme/web", "c1")}),
        ],
        caused_by={1: anew, 2: D1},
        known=(2,),
    ),
    Outage(
        "a commit that was deployed only after the incident did not cause it",
        [D0, D2],
        incidents=[Incident(1, "11:30", names={"dora/commit": sha("acme/web", "c2")})],
    ),
    Outage(
        "a commit that never was deployed caused nothing",
        [D0, D1],
        incidents=[Incident(1, "11:30", names={"dora/commit": "0" * 40})],
    ),
    Outage(
        "what names a change may be days old",
        [D0, D1, Run("c2", at="06 10:00")],
        incidents=[
            Incident(1, "05 10:00", names={"dora/execution-id": D1.id}),
            Incident(2, "05 10:00", names={"dora/commit": sha("acme/web", "c0")}),
        ],
        caused_by={1: D1, 2: D0},
    ),
    Outage(
        "an execution counts before a commit, and that before a repository",
        [D0, D1, D2],
        incidents=[
            Incident(
                1,
                "12:30",
                names={"dora/commit": sha("acme/web", "c1")},
                tags={"dora/execution-id": D0.id},
            ),
            Incident(
                2,
                "12:30",
                names={"dora/commit": sha("acme/web", "c1")},
                tags={"dora/commit": sha("acme/web", "c2")},
            ),
        ],
        caused_by={1: D0, 2: D1},
    ),
    Outage(
        "an execution that failed before production caused nothing",
        [D0, broken := Run("c1", at="10:00", status="Failed")],
        incidents=[Incident(1, "10:30", names={"dora/execution-id": broken.id})],
    ),
]

BY_REPOSITORY = [
    Outage(
        "an incident names the repository: its latest deployment",
        [D0, D1, D2, P2],
        incidents=[Incident(1, "12:30", names=REPOSITORY)],
        caused_by={1: D2},
    ),
    Outage(
        "a tag names the repository",
        [D0, D1, D2],
        incidents=[Incident(1, "12:30", tags=REPOSITORY)],
        caused_by={1: D2},
    ),
    Outage(
        "operational data count before a tag",
        [D0, D1, P2],
        incidents=[
            Incident(1, "12:30", names=REPOSITORY, tags={"dora/repository": "acme/payments"})
        ],
        caused_by={1: D1},
    ),
    Outage(
        "only what was deployed before the incident can have caused it",
        [D0, D1, D2],
        incidents=[Incident(1, "11:59:59", names=REPOSITORY)],
        caused_by={1: D1},
    ),
    Outage(
        "a deployment fails once, however many incidents it causes",
        [D0, D1, D2],
        incidents=[
            Incident(1, "10:30", names=REPOSITORY),
            Incident(2, "10:40", names=REPOSITORY),
            Incident(3, "11:40", names={"dora/execution-id": D1.id} | REPOSITORY),
        ],
        caused_by={1: D1, 2: D1, 3: D1},
    ),
    Outage(
        "a day is the longest that a deployment is blamed for",
        [D0, D1, Run("c2", at="03 12:00")],
        incidents=[
            Incident(1, "03 09:59", names=REPOSITORY),
            Incident(2, "03 10:01", names=REPOSITORY),
        ],
        caused_by={1: D1},
    ),
    Outage(
        "a repository that was never deployed",
        [D0, D1],
        incidents=[Incident(1, "10:30", names={"dora/repository": "acme/unknown"})],
    ),
    *(
        Outage(
            f"an execution that is {status.lower()} deployed nothing",
            [D0, D1, Run("c2", at="12:00", status=status)],
            incidents=[Incident(1, "12:30", names=REPOSITORY)],
            caused_by={1: D1},
        )
        for status in ("Failed", "Superseded", "Stopped")
    ),
    Outage(
        "a deployment from another branch is none",
        [D0, D1, Run("d1", at="12:00", branch="develop")],
        incidents=[Incident(1, "12:30", names=REPOSITORY)],
        caused_by={1: D1},
    ),
    Outage(
        "a trunk-based deployment counts from its production stage on",
        [P1, P2],
        incidents=[Incident(1, "11:10", names={"dora/repository": "acme/payments"})],
        caused_by={1: P2},
    ),
    Outage(
        "of several pipelines of a repository the one that deployed at last",
        [D0, D1, first := Run("c2", at="11:00", pipeline=ADMIN), D2],
        incidents=[Incident(1, "11:30", names=REPOSITORY), Incident(2, "12:30", names=REPOSITORY)],
        caused_by={1: first, 2: D2},
    ),
    Outage(
        "a repository that is not on GitHub",
        [old := Run("l1", at="10:00", pipeline=LEGACY), D1],
        incidents=[Incident(1, "10:30", names={"dora/repository": "acme/legacy"})],
        caused_by={1: old},
    ),
]

UNNAMED = [
    Outage(
        "nothing is named: the latest deployment of any repository",
        [D0, D1, P2],
        incidents=[Incident(1, "11:30")],
        caused_by={1: P2},
        orders=("forwards",),
    ),
    Outage(
        "nothing is named, and the day of the deployment is over",
        [D0, D1, Run("c2", at="03 10:00")],
        incidents=[Incident(1, "03 00:30")],
        caused_by={1: D1},
        orders=("forwards",),
    ),
    Outage(
        "nothing is named, and nothing was deployed for more than a day",
        [D0, D1, Run("c2", at="03 12:00")],
        incidents=[Incident(1, "03 10:01")],
        orders=("forwards",),
    ),
]

BACK = Run("c1", at="12:30", rollback=True)
LATER_FAILED = Run("p2", at="11:00", ended="11:20", status="Failed", pipeline=PAYMENTS)
NEVER_THERE = Run("p2", at="11:00", status="Failed", pipeline=PAYMENTS)

ROLLBACKS = [
    Outage("a rollback by hand undoes the latest deployment", [D0, D1, D2, BACK], undone=(D2,)),
    Outage(
        "a rollback by hand to an older deployment undoes the latest alone",
        [D0, D1, D2, Run("c0", at="12:30", rollback=True)],
        undone=(D2,),
    ),
    Outage(
        "an incident and a rollback: the deployment fails once",
        [D0, D1, D2, BACK],
        incidents=[Incident(1, "12:10", names=REPOSITORY)],
        caused_by={1: D2},
        undone=(D2,),
    ),
    Outage(
        "only the first rollback undoes a deployment",
        [D0, D1, D2, BACK, Run("c0", at="13:00", rollback=True)],
        undone=(D2,),
    ),
    Outage(
        "a rollback is no deployment that an incident could come from",
        [D0, D1, D2, BACK],
        incidents=[Incident(1, "12:40", names=REPOSITORY)],
        caused_by={1: D2},
        undone=(D2,),
    ),
    Outage(
        "two deployments are rolled back, each by itself",
        [D0, D1, D2, BACK, D3, Run("c1", at="14:30", rollback=True)],
        undone=(D2, D3),
    ),
    Outage(
        "CodePipeline rolls back what failed after production",
        [
            P1,
            LATER_FAILED,
            Run(
                "p1",
                at="11:40",
                ended="11:50",
                pipeline=PAYMENTS,
                rollback=True,
                undoes=LATER_FAILED,
            ),
        ],
        undone=(LATER_FAILED,),
    ),
    Outage(
        "CodePipeline rolls back what failed in production: that was no deployment",
        [
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
    ),
    Outage(
        "CodePipeline rolls back an execution of a GitFlow repository, which was no deployment",
        [
            D0,
            D1,
            failed := Run("c2", at="12:00", status="Failed"),
            Run("c1", at="12:30", rollback=True, undoes=failed),
        ],
    ),
]

OUTAGES = BY_CHANGE + BY_REPOSITORY + UNNAMED + ROLLBACKS


@pytest.mark.parametrize(
    ("outage", "order"),
    [
        pytest.param(outage, order, id=f"{outage.name}, {order}")
        for outage in OUTAGES
        for order in outage.orders
    ],
)
def test_an_outage_gives_its_failed_changes(product: Product, outage: Outage, order: Order) -> None:
    outage.happened(product)
    for event in outage.events(order):
        product.invoke(FUNCTION, event)
    assert metrics.differences(product.statistics(), outage.numbers(COUNTS, order)) == []
    for event in outage.events(order):
        answer = product.invoke(FUNCTION, event)
        assert answer["outcome"] in ("duplicate", "ignored"), answer
    assert metrics.differences(product.statistics(), outage.numbers(COUNTS, order)) == []


def test_attribution_can_be_explicit_alone(product: Product) -> None:
    outage = Outage(
        "explicit",
        [D0, D1, P2],
        incidents=[Incident(1, "11:30"), Incident(2, "11:40", names=REPOSITORY)],
        caused_by={2: D1},
    )
    outage.happened(product)
    with with_settings(product, FUNCTION, ATTRIBUTION="explicit"):
        for event in outage.events("forwards"):
            product.invoke(FUNCTION, event)
    assert metrics.differences(product.statistics(), outage.numbers(COUNTS)) == []


def test_the_window_is_a_setting(product: Product) -> None:
    outage = Outage(
        "window",
        [D0, D1, D2],
        incidents=[
            Incident(1, "11:01", names=REPOSITORY),
            Incident(2, "10:59", names=REPOSITORY),
            Incident(3, "13:01"),
        ],
        caused_by={2: D1},
    )
    outage.happened(product)
    with with_settings(product, FUNCTION, ATTRIBUTION_WINDOW_HOURS="1"):
        for event in outage.events("forwards"):
            product.invoke(FUNCTION, event)
    assert metrics.differences(product.statistics(), outage.numbers(COUNTS)) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [("INCIDENT_SEVERITIES", "1,3"), ("INCIDENT_SOURCES", "PagerDuty, Alarms of ours")],
)
def test_what_the_settings_leave_out_is_no_incident(
    product: Product, setting: str, value: str
) -> None:
    incident = Incident(1, "10:30", names=REPOSITORY, severity="2", source="CloudWatch")
    outage = Outage("left out", [D0, D1], incidents=[incident])
    outage.happened(product)
    events = outage.events("forwards")
    with with_settings(product, FUNCTION, **{setting: value}):
        answers = [product.invoke(FUNCTION, event) for event in events]
    assert answers[-1] == {"outcome": "ignored", "reason": "not-an-incident"}
    counted = Outage("left out", [D0, D1])
    assert metrics.differences(product.statistics(), counted.numbers(COUNTS)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dora/execution-id", "not an id"),
        ("dora/commit", "c1"),
        ("dora/repository", "https://github.com/acme/web"),
    ],
)
def test_a_cause_that_cannot_be_read_is_an_error_that_names_it(
    product: Product, key: str, value: str
) -> None:
    outage = Outage("wrong", [D0, D1], incidents=[Incident(1, "10:30", names={key: value})])
    outage.happened(product)
    product.send(FUNCTION, outage.events("forwards")[-1])
    product.emulator.settle()
    (answer,) = product.emulator.answers()
    assert answer["error"]["errorType"] == "InvalidEvent"
    for word in (key, ops_item_id(1)):
        assert word in answer["error"]["errorMessage"]
    assert product.metrics() == {}


def test_the_ledger_tells_which_rule_decided(product: Product) -> None:
    causes = {"change": {"dora/execution-id": D1.id}, "repository": REPOSITORY, "latest": {}}
    incidents = [
        Incident(number, "12:30", names=names) for number, names in enumerate(causes.values())
    ]
    outage = Outage("ledger", [D0, D1, D2], incidents=incidents)
    outage.happened(product)
    for event in outage.events("forwards"):
        product.invoke(FUNCTION, event)
    items = {item["pk"]["S"]: item for item in product.ledger()}
    blamed = {"change": D1, "repository": D2, "latest": D2}
    for incident, rule in zip(incidents, causes, strict=True):
        item = items[f"incident#{incident.id}"]
        assert item["attributed_by"]["S"] == rule
        assert item["deployment"]["S"].startswith(blamed[rule].id)
        assert item["Incidents"]["M"]["state"]["S"] == "published"
    failed = items[f"deployment#{D2.id}"]
    assert len(failed["failed_by"]["SS"]) == 2
    assert failed["FailedChanges"]["M"]["state"]["S"] == "published"


A0 = Run("c0", at="07:40", pipeline=ADMIN)
OF_C1 = {"dora/commit": sha("acme/web", "c1")}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize(("at", "is_blamed"), [("09:00", False), ("11:00", True), ("12:00", False)])
def test_a_commit_failed_where_it_was_deployed_last_before_the_incident(
    product: Product, at: str, is_blamed: bool, order: tuple[int, ...]
) -> None:
    """Two pipelines deploy it. Both are known by another commit, from before."""
    other = Run("c1", at=at, pipeline=ADMIN)
    incident = Incident(1, "11:30", names=OF_C1)
    cause = other if is_blamed else D1
    outage = Outage(
        "both", [D0, A0, D1, other], incidents=[incident], caused_by={incident.number: cause}
    )
    outage.happened(product)
    first, second, *rest = outage.events("forwards")
    for event in [first, second, *(rest[place] for place in order)]:
        product.invoke(FUNCTION, event)
    assert blamed(product, incident) == cause.id
    found = {
        value: sums for value, sums in product.metrics().items() if value.metric == "FailedChanges"
    }
    assert set(found.values()) == {1}
    assert unattributed(product) == []


@pytest.mark.parametrize(
    ("recorded", "created", "cause"),
    [
        pytest.param(*times, cause, id=" ".join(times))
        for *times, cause in [
            ("10:00:00.8", "10:00", D0),
            ("10:00:00.8", "10:00:00.5", D0),
            ("10:00:00.2", "10:00:00.5", D1),
            ("10:00:00.009", "10:00:00.009", D0),
            ("09:59:59.99", "10:00", D1),
            ("09:59:59.99", "09:59:59.995", D1),
            ("09:59:59.99", "09:59:59.9", D0),
        ]
    ],
)
def test_an_incident_in_the_same_second_as_a_deployment(
    product: Product, recorded: str, created: str, cause: Run
) -> None:
    """CodePipeline's history decides, whose time may lie on either side of the event's."""
    deployment = Run("c1", at="10:00", started="09:50", recorded=recorded)
    incident = Incident(1, created, names=REPOSITORY)
    outage = Outage("second", [D0, deployment], incidents=[incident])
    events = sorted(outage.events("forwards"), key=lambda event: event["time"])
    if cause == D1:  # the other one's need not come
        events = events[1:]
    for order in permutations(events):
        product.reset()
        outage.happened(product)
        for event in order:
            product.invoke(FUNCTION, event)
        assert (blamed(product, incident), unattributed(product)) == (cause.id, [])
        found = {value.metric: each for value, each in product.metrics().items()}
        assert found == {"Changes": len(events) - 1, "Incidents": 1, "FailedChanges": 1}


def test_a_complete_prompt_event_costs_four_calls_and_a_repetition_two(product: Product) -> None:
    product.invoke(FUNCTION, deployed(product, trigger=False))  # it has its credentials now
    event = deployed(product) | {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert calls_of(product, FUNCTION, event) == {
        ("codepipeline", "GetPipelineExecution"): 1,
        ("dynamodb", "TransactWriteItems"): 1,
        ("cloudwatch", "PutMetricData"): 1,
        ("dynamodb", "UpdateItem"): 1,
    }
    assert calls_of(product, FUNCTION, again(event)) == {
        ("codepipeline", "GetPipelineExecution"): 1,
        ("dynamodb", "TransactWriteItems"): 1,
    }
