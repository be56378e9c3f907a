"""Runs a function with other settings than it was deployed with, for a while."""

import contextlib
from collections.abc import Iterator

from stage.product import Product


@contextlib.contextmanager
def with_settings(product: Product, function: str, **settings: str) -> Iterator[None]:
    """Deploy the function anew with these settings, and then as it was."""
    functions = product.operations("lambda")
    before = product.settings[function]
    functions.update_function_configuration(
        FunctionName=function, Environment={"Variables": {**before, **settings}}
    )
    try:
        yield
    finally:
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": before}
        )
