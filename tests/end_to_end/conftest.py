"""One stage for all tests, and a clean slate for each."""

from collections.abc import Iterator

import pytest

from stage.product import Product, staged


@pytest.fixture(scope="session")
def stage() -> Iterator[Product]:
    """Bring the product up once."""
    with staged(progress=lambda _: None) as product:
        yield product


@pytest.fixture
def product(stage: Product) -> Product:
    """Return the product with nothing counted and nothing remembered."""
    stage.reset()
    return stage
