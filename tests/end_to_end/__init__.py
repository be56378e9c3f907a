"""Tests of the product as it is deployed: templates, event buses, compiled functions."""
