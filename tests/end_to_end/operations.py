"""What operators do to have counted later what was not counted, as `docs/operations.md` says."""

import subprocess
import time
from datetime import datetime
from uuid import uuid4

from stage import REPOSITORY
from stage.product import Product
from stage.profiles import profiles

_REDRIVE_SECONDS = 120
_REPLAY_SECONDS = 120


def redrive(
    product: Product, queue: str, *, account: str = "", seconds: float = _REDRIVE_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Run `make redrive` with a profile for each of the accounts, as `make deploy` takes them."""
    accounts = {"operations": product.account, "queue": account or product.account}
    with profiles(product.emulator, accounts, product.region) as environment:
        return subprocess.run(
            ["make", "redrive", f"QUEUE={queue}", "CONFIG=infra/stage.config.ts"],
            cwd=REPOSITORY,
            env=environment
            | {f"PROFILE_{product.account}": "operations", "QUEUE_PROFILE": "queue"},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )


def replay(product: Product, function: str, since: datetime, until: datetime) -> None:
    """Replay what the function's bus had taken of these times, and wait until it is emitted."""
    events = product.operations("events")
    place = f"arn:aws:events:{product.region}:{product.account}"
    name = f"replay-{uuid4()}"
    events.start_replay(
        ReplayName=name,
        EventSourceArn=f"{place}:archive/dora-{function}",
        EventStartTime=since,
        EventEndTime=until,
        Destination={"Arn": f"{place}:event-bus/dora-{function}"},
    )
    deadline = time.monotonic() + _REPLAY_SECONDS
    while events.describe_replay(ReplayName=name)["State"] != "COMPLETED":
        assert time.monotonic() < deadline, "the replay does not end"
        time.sleep(0.05)
