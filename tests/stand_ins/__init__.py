"""Tests of the stand-ins themselves: they must refuse what the real services refuse."""
