"""A whole organisation's events give the true numbers, in any order and some of them twice.

All four functions see all of it. `test_lead_time_orders` looks into the ledger, too,
`test_incident_orders` at single moments, and `test_chaos` lets everything fail meanwhile.
"""

import os

import pytest

import organisation
from organisation.play import play
from stage.product import Product

ASKED_FOR = os.environ.get("ORGANISATION_SEEDS", "").split()
SIZE = int(os.environ.get("ORGANISATION_SIZE", organisation.SIZE))


@pytest.mark.parametrize("seed", [int(seed) for seed in ASKED_FOR] or organisation.SEEDS)
def test_the_numbers_are_the_true_ones(product: Product, seed: int) -> None:
    print(  # pytest shows it if the test fails, however it does
        f"seed {seed}; once more: cd tests && ORGANISATION_SEEDS={seed} ORGANISATION_SIZE={SIZE} "
        "python -m pytest end_to_end/test_organisation.py"
    )
    assert play(product, seed, SIZE, chaos=None).differences == []
