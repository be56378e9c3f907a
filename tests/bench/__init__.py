"""Measures the functions as they are deployed: their start, their speed, their memory, their calls.

In one run, under the same stand-in of Lambda and with the same answers of AWS and GitHub, beside an
empty function in Rust and beside one in Python that makes the same calls.
"""

from pathlib import Path

from stage import REPOSITORY

HERE = Path(__file__).parent
HOME = REPOSITORY / "target" / "bench"
FUNCTIONS = ("deployment-frequency", "lead-time", "change-failure-rate", "mttr")
REGION = "eu-west-1"
ACCOUNT = "999988887777"
"""Where the functions run. Their pipelines and incidents are in the accounts of the samples."""
TOOLING_ACCOUNT, INCIDENT_ACCOUNT = "111122223333", "444455556666"
