"""The local stage: the product's own templates and binaries, run on one machine without AWS.

The emulator ministack plays the services that it knows, the stand-ins of this package play the
rest, and everything is reached over one endpoint on the loopback interface.
"""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EVENTS = REPOSITORY / "events"
HOME = REPOSITORY / "target" / "stage"
CDK_OUT = HOME / "cdk.out"
