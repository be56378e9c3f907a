"""Tests of what the dashboard says, computes and shows, without a stage."""
