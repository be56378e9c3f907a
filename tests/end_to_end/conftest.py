"""One stage for all tests, a clean slate for each, and a book of what roles did in all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.permissions import Call
from stage.product import Product, staged

HERE = Path(__file__).parent
LAST = HERE / "test_least_privilege.py"

_selected = pytest.StashKey[bool]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that some tests are left out."""
    if items:
        items[0].config.stash[_selected] = True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those tests come last that look at what the others did."""
    items.sort(key=lambda item: item.path == LAST)


@pytest.fixture(scope="session")
def stage() -> Iterator[Product]:
    """Bring the product up once."""
    with staged(progress=lambda _: None) as product:
        yield product


@pytest.fixture(scope="session")
def calls() -> list[Call]:
    """Return what roles did in the tests so far."""
    return []


@pytest.fixture
def product(stage: Product, calls: list[Call], request: pytest.FixtureRequest) -> Iterator[Product]:
    """Return the product with nothing counted and nothing remembered."""
    stage.reset()
    yield stage
    stage.emulator.settle()
    refusals = request.node.get_closest_marker("expects_refusals") is not None
    for decision in stage.emulator.take_decisions():
        conditions = dict(decision.pop("conditions"))
        calls.append(
            Call(
                test=request.node.name,
                expects_refusals=refusals,
                conditions=conditions,
                **decision,
            )
        )


@pytest.fixture
def whole_run(request: pytest.FixtureRequest) -> None:
    """Skip a test that can judge only when all others ran, and well."""
    config, session = request.config, request.session
    ran = {item.path for item in session.items}
    missing = sorted(path.name for path in HERE.glob("test_*.py") if path not in ran)
    if missing:
        pytest.skip(f"not all tests run: {missing[0]} does not")
    if config.stash.get(_selected, False) or any("::" in each for each in config.args):
        pytest.skip("not all tests run: some are chosen by name")
    if session.testsfailed:
        pytest.skip("tests failed, so not all calls were made")
