"""What a deployment costs in requests to GitHub: three for a hundred commits, 25 for a thousand."""

from collections.abc import Iterator

import pytest

from end_to_end.git import Step, branch, commits, merged, opened
from end_to_end.histories import BEFORE, ROOT
from end_to_end.pipelines import Run
from end_to_end.played import LEAD_TIME, loaded
from stage.github import graphql
from stage.product import Product

FEW, MANY = 3, 25


def pull_requests(count: int, size: int, how: str) -> list[Step]:
    """Tell of so many pull requests of so many commits each, one after another."""

    def told() -> Iterator[Step]:
        for number in range(1, count + 1):
            head = f"feature-{number}"
            yield branch(head)
            yield commits(f"c{number}-", size, "07:40", every=1, on=head)
            yield opened(number, head, "09:00")
            yield merged(number, how, "09:10")

    return list(told())


def in_many_pull_requests(count: int) -> list[Step]:
    """Tell of two commits that went into so many branches before they were squashed into main."""

    def told() -> Iterator[Step]:
        yield branch("feature")
        yield commits("c", 2, "07:40", every=1, on="feature")
        for number in range(1, count + 1):
            yield branch(f"release-{number}")
            yield opened(number, "feature", "09:00", base=f"release-{number}")
            yield merged(number, "squash", "09:05")
        yield opened(count + 1, "feature", "09:10")
        yield merged(count + 1, "squash", "09:20")

    return list(told())


@pytest.mark.parametrize(
    ("steps", "deployed", "shipped", "bound"),
    [
        pytest.param([commits("c", 1, "08:00", every=1)], "c1", 1, FEW, id="1 pushed"),
        pytest.param([commits("c", 10, "08:00", every=1)], "c10", 10, FEW, id="10 pushed"),
        pytest.param([commits("c", 100, "08:00", every=1)], "c100", 100, FEW, id="100 pushed"),
        pytest.param([commits("c", 1000, "08:00", every=1)], "c1000", 1000, MANY, id="1000 pushed"),
        *(
            pytest.param(
                pull_requests(count, size, how),
                f"c{count}-{size}'" if how == "rebase" else f"#{count}",
                count * size,
                bound,
                id=f"{count} of {size}, {how}",
            )
            for count, size, bound in (
                (1, 1, FEW),
                (1, 100, FEW),
                (10, 10, FEW),
                (100, 1, FEW),
                (1, 1000, MANY),
                (100, 10, MANY),
            )
            for how in ("merge", "squash", "rebase")
        ),
        pytest.param(
            [
                branch("outer"),
                commits("c", 50, "07:40", every=1, on="outer"),
                branch("inner", off="outer"),
                commits("d", 50, "08:40", every=1, on="inner"),
                opened(2, "inner", "09:00", base="outer"),
                opened(1, "outer", "09:05"),
                merged(2, "squash", "09:10"),
                merged(1, "squash", "09:20"),
            ],
            "#1",
            100,
            FEW + 1,  # the third request finds the inner one
            id="a squash in a squash",
        ),
        pytest.param(
            in_many_pull_requests(30),
            "#31",
            2,
            FEW + 2,  # they do not all come along with a commit, and each must be looked into
            id="in many pull requests",
        ),
    ],
)
def test_requests_are_few(
    product: Product, steps: list[Step], deployed: str, shipped: int, bound: int
) -> None:
    github = [{"repository": "acme/web", "steps": [*ROOT, *steps]}]
    event = loaded(product, github, [BEFORE[0], Run(deployed, at="10:00")])[-1]
    answer = product.invoke(LEAD_TIME, event)
    assert len(answer["metrics"][-1]["values"]) == shipped
    asked = product.emulator.github_requests()
    assert [each["status"] for each in asked] == [200] * len(asked)
    assert len(asked) <= bound
    for query in {each["query"] for each in asked if each["api"] == "graphql"}:
        assert graphql.validate(query) == []


def test_a_repetition_asks_nothing(product: Product) -> None:
    github = [{"repository": "acme/web", "steps": ROOT}]
    (event,) = loaded(product, github, [BEFORE[0]])
    product.invoke(LEAD_TIME, event)
    asked = len(product.emulator.github_requests())
    assert product.invoke(LEAD_TIME, event) == {"outcome": "duplicate"}
    assert len(product.emulator.github_requests()) == asked == 1


@pytest.fixture
def enterprise(product: Product) -> Iterator[None]:
    """Have the repositories on a GitHub Enterprise Server, for a while."""
    functions, settings = product.operations("lambda"), product.settings[LEAD_TIME]
    moved = {**settings, "GITHUB_API_URL": f"{product.emulator.github}/api/v3/"}

    def configure(variables: dict[str, str]) -> None:
        functions.update_function_configuration(
            FunctionName=LEAD_TIME, Environment={"Variables": variables}
        )

    configure(moved)
    yield
    configure(settings)


@pytest.mark.usefixtures("enterprise")
def test_an_enterprise_server_is_asked_at_its_own_paths(product: Product) -> None:
    github = [{"repository": "acme/web", "steps": [*ROOT, *pull_requests(1, 10, "squash")]}]
    event = loaded(product, github, [BEFORE[0], Run("#1", at="10:00")])[-1]
    answer = product.invoke(LEAD_TIME, event)
    assert len(answer["metrics"][-1]["values"]) == 10
    asked = product.emulator.github_requests()
    assert [(each["api"], each["status"]) for each in asked] == [
        ("rest", 200),
        ("graphql", 200),
        ("graphql", 200),
    ]
