"""Hostile events for the compiled functions, under Lambda's runtime protocol and nothing else."""
