"""An organisation that is made up from a seed, with the true value of every metric."""
