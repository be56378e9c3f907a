"""An organisation that is made up from a seed, with the true value of every metric."""

SIZE = 250
"""About how many events a small one has."""
SEEDS = (0, 30)
"""Small ones that know every kind of thing together; if the world changes, it may be others."""
