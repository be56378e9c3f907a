"""However GitHub fails: a lead time is published whole, or nothing is and the retry does."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from end_to_end.deployments import error_type, without_permissions
from end_to_end.git import branch, commit, commits, merged, opened
from end_to_end.histories import BEFORE, BOTH, ROOT, Outcome, Ships
from end_to_end.pipelines import Run
from end_to_end.played import LEAD_TIME, in_cloudwatch, loaded
from stage import REPOSITORY, metrics
from stage.github import TOKEN
from stage.product import FunctionFailed, Product
from stage.scenario import Event

FOREVER = 1000
TOO_LONG = 100
"""So many seconds a function cannot wait for GitHub, and so fails at once."""

STEPS = [
    *ROOT,
    branch("feature"),
    commit("c1", "08:00", on="feature"),
    commit("c2", "09:00", on="feature"),
    commits("d", 101, "07:40", every=10),
    opened(1, "feature", "09:10"),
    merged(1, "squash", "09:30"),
]
PUSHED = {f"d{n}": 8400 - 10 * (n - 1) for n in range(1, 102)}
DEPLOYMENT: tuple[Run, Outcome] = (Run("#1", at="10:00"), Ships({**BOTH, **PUSHED}, since="c0"))

ASKED = ["rest", "rest", "graphql", "graphql"]
"""Two pages of the comparison, the pull requests of its commits, the commits of a pull request."""


@pytest.fixture
def event(product: Product) -> Event:
    """Return the event of a deployment that takes these four requests."""
    runs = [run for run, _ in (BEFORE, DEPLOYMENT)]
    github = [{"repository": "acme/web", "steps": STEPS}]
    return loaded(product, github, runs)[-1]


def check_published_whole(product: Product) -> None:
    """See in CloudWatch all values of the deployment, each once, and no other."""
    assert metrics.differences(product.statistics(), in_cloudwatch([DEPLOYMENT])) == []


def secret(product: Product) -> Any:
    """Return the name of the secret that holds the token."""
    return product.settings[LEAD_TIME]["GITHUB_TOKEN_SECRET_ID"]


@contextlib.contextmanager
def holding(product: Product, text: str) -> Iterator[None]:
    """Let the secret hold something else, for a while."""
    secrets = product.operations("secretsmanager")
    secrets.put_secret_value(SecretId=secret(product), SecretString=text)
    try:
        yield
    finally:
        secrets.put_secret_value(SecretId=secret(product), SecretString=TOKEN)


def test_the_deployment_takes_four_requests(product: Product, event: Event) -> None:
    product.invoke(LEAD_TIME, event)
    assert [each["api"] for each in product.emulator.github_requests()] == ASKED
    check_published_whole(product)


@pytest.mark.parametrize(
    ("kind", "requests", "seconds"),
    [
        (429, [1], 1),
        ("secondary-limit", [4], 1),
        ("rate-limit", [2], 1),
        ("rate-limit", [3], 1),
        (429, [1, 2, 3, 4], 0),
        ("secondary-limit", [1, 2, 3, 4], 0),
        (500, [1], 0),
        (502, [2], 0),
        (503, [3], 0),
        (504, [4], 0),
        ("slow", [1, 2, 3, 4], 0.2),
        ("cut-before", [1, 3], 0),
        ("cut-during", [2, 4], 0),
        ("garbled", [2, 3], 0),
        ("short", [1], 0),
        ("short", [2], 0),
        ("short", [3], 0),
        ("short", [4], 0),
        (401, [1], 0),
        (401, [4], 0),
    ],
)
def test_what_passes_costs_nothing(
    product: Product, event: Event, kind: str | int, requests: list[int], seconds: float
) -> None:
    for request in requests:
        product.emulator.fail_github(kind, after=request - 1, seconds=seconds)
    begun = time.monotonic()
    product.send(LEAD_TIME, event)
    product.emulator.settle()
    assert time.monotonic() - begun >= seconds
    (answer,) = product.emulator.answers()
    assert answer.get("answer", {}).get("outcome") == "published", answer
    asked = product.emulator.github_requests()
    assert len(asked) >= len(ASKED) + (len(requests) if kind != "slow" else 0)
    check_published_whole(product)
    assert product.messages("") == []


LASTING = [  # kind, API, error
    ("rate-limit", "rest", "GitHubRateLimited"),
    ("rate-limit", "graphql", "GitHubRateLimited"),
    ("secondary-limit", "graphql", "GitHubRateLimited"),
    (429, "rest", "GitHubRateLimited"),
    (503, "rest", "GitHubUnavailable"),
    ("short", "rest", "GitHubUnexpectedAnswer"),
    ("short", "graphql", "GitHubUnexpectedAnswer"),
    *(
        (status, api, error)
        for status, error in (
            (401, "GitHubUnauthorized"),
            (403, "GitHubForbidden"),
            (404, "GitHubNotFound"),
            (409, "GitHubEmptyRepository"),
            (422, "GitHubRefused"),
            (451, "GitHubBlockedForLegalReasons"),
        )
        for api in ("rest", "graphql")
    ),
]


@pytest.mark.parametrize(("kind", "api", "error"), LASTING)
def test_what_lasts_is_an_error_that_names_the_repository(
    product: Product, event: Event, kind: str | int, api: str, error: str
) -> None:
    product.emulator.fail_github(kind, api=api, times=FOREVER, seconds=TOO_LONG)
    with pytest.raises(FunctionFailed, match="acme/web") as failure:
        product.invoke(LEAD_TIME, event)
    assert failure.value.error_type == error
    assert f"`{error}`" in (REPOSITORY / "docs" / "operations.md").read_text()
    assert product.metrics() == {}
    product.emulator.heal()
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"  # the claim was given back
    check_published_whole(product)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (401, "valid token"),
        (403, r"accepted permissions: contents=read; pull_requests=read.*Contents: read"),
        (404, r"Contents: read.*Pull requests: read"),
    ],
)
def test_an_error_says_what_to_do(product: Product, event: Event, kind: int, message: str) -> None:
    product.emulator.fail_github(kind, times=FOREVER)
    with pytest.raises(FunctionFailed, match=message):
        product.invoke(LEAD_TIME, event)


def test_an_event_that_github_fails_for_long_waits_in_the_failure_queue(
    product: Product, event: Event
) -> None:
    product.emulator.fail_github("rate-limit", after=2, times=FOREVER, seconds=TOO_LONG)
    product.send(LEAD_TIME, event)
    product.emulator.settle()
    assert [error_type(each) for each in product.emulator.answers()] == ["GitHubRateLimited"]
    assert product.metrics() == {}
    (message,) = product.messages("FailedEvents")
    report = json.loads(message["Body"])
    assert report["requestPayload"] == event
    assert report["requestContext"]["approximateInvokeCount"] == 3
    product.emulator.heal()
    assert product.invoke(LEAD_TIME, report["requestPayload"])["outcome"] == "published"
    check_published_whole(product)


def test_a_renewed_token_is_read_without_a_new_start(product: Product, event: Event) -> None:
    with holding(product, "github_pat_revoked"):
        product.emulator.fail_github(401)  # so that the secret is read, and GitHub refuses it
        with pytest.raises(FunctionFailed, match="acme/web") as failure:
            product.invoke(LEAD_TIME, event)
    assert failure.value.error_type == "GitHubUnauthorized"
    assert [each["status"] for each in product.emulator.github_requests()] == [401, 401]
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"
    check_published_whole(product)
    read = [each for each in product.emulator.calls() if each["service"] == "secretsmanager"]
    assert len(read) == 2  # once after each 401 of the process with the revoked token


@pytest.mark.parametrize("text", ["two words", '{"token": "github_pat"}'])
def test_a_secret_that_is_no_token_is_not_sent(product: Product, event: Event, text: str) -> None:
    with holding(product, text):
        product.emulator.fail_github(401)
        with pytest.raises(FunctionFailed, match="secret holds no token") as failure:
            product.invoke(LEAD_TIME, event)
    assert failure.value.error_type == "GitHubUnauthorized"
    assert len(product.emulator.github_requests()) == 1
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"


@pytest.mark.parametrize("kind", ["throttle", "fail", "cut-before"])
def test_a_secret_that_cannot_be_read_at_once_is_read_then(
    product: Product, event: Event, kind: str
) -> None:
    product.emulator.fail_github(401)
    product.emulator.fault("secretsmanager", "GetSecretValue", kind)
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"
    check_published_whole(product)


@pytest.mark.parametrize(
    ("kind", "error"), [("throttle", "GitHubTokenThrottled"), ("fail", "GitHubTokenUnavailable")]
)
def test_a_secret_that_cannot_be_read_is_an_error(
    product: Product, event: Event, kind: str, error: str
) -> None:
    product.emulator.fail_github(401)
    product.emulator.fault("secretsmanager", "GetSecretValue", kind, times=FOREVER)
    with pytest.raises(FunctionFailed, match="GetSecretValue") as failure:
        product.invoke(LEAD_TIME, event)
    assert failure.value.error_type == error
    product.emulator.heal()
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"
    check_published_whole(product)


@pytest.mark.expects_refusals
def test_a_permission_to_read_the_secret_that_is_missing_is_named(
    product: Product, event: Event
) -> None:
    action = "secretsmanager:GetSecretValue"
    product.emulator.fail_github(401)
    with (
        without_permissions(product, product.account, "dora-lead-time", action),
        pytest.raises(FunctionFailed, match=action) as failure,
    ):
        product.invoke(LEAD_TIME, event)
    assert failure.value.error_type == "GitHubTokenAccessDenied"
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"


def test_a_secret_that_is_deleted_is_named(product: Product, event: Event) -> None:
    secrets = product.operations("secretsmanager")
    product.emulator.fail_github(401)
    secrets.delete_secret(SecretId=secret(product), RecoveryWindowInDays=7)
    try:
        with pytest.raises(FunctionFailed, match="dora-github-token") as failure:
            product.invoke(LEAD_TIME, event)
    finally:
        secrets.restore_secret(SecretId=secret(product))
    assert failure.value.error_type == "GitHubTokenNotFound"
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"
