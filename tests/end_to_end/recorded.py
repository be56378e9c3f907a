"""Writes into the ledger what functions recorded of deployments, however long ago.

CloudWatch takes nothing older than two weeks, so no stage has a past that could be played.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stage.product import Product

PUBLISHED, TOO_OLD, PENDING = "published", "too-old-for-cloudwatch", "pending"


@dataclass(frozen=True)
class Deployment:
    """A deployment, and what was measured of it, in seconds."""

    at: datetime
    repository: str
    team: str | None = None
    commits: tuple[int, ...] = ()
    is_failed: bool = False
    is_rework: bool = False
    recovered_in: tuple[int, ...] = ()
    state: str = PUBLISHED

    def values(self) -> Iterator[tuple[str, list[int]]]:
        """Return each metric with its values."""
        yield "Deployments", [1]
        yield "Changes", [1]
        if self.commits:
            yield "LeadTimeForChanges", [max(self.commits)]
            yield "CommitLeadTime", list(self.commits)
        if self.is_failed:
            yield "FailedChanges", [1]
        if self.recovered_in:
            yield "TimeToRecovery", list(self.recovered_in)
        if self.is_rework:
            yield "ReworkDeployments", [1]


def record(product: Product, deployments: Iterable[Deployment]) -> None:
    """Let the ledger hold these deployments, too."""
    product.remember(_item(each, number) for number, each in enumerate(deployments))


def _item(deployment: Deployment, number: int) -> dict[str, Any]:
    at = deployment.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    pipeline = deployment.repository.replace("/", "-")[:100]
    item: dict[str, Any] = {
        "pk": {"S": f"deployment#{uuid.UUID(int=number, version=4)}"},
        "sk": {"S": f"111122223333#eu-west-1#{pipeline}"},
        "repository": {"S": deployment.repository},
        "deployed_at": {"S": at},
    }
    for metric, values in deployment.values():
        datapoint: dict[str, Any] = {"at": {"S": at}, "repository": {"S": deployment.repository}}
        if deployment.team:
            datapoint["team"] = {"S": deployment.team}
        datapoint["values"] = {"L": [{"N": str(value)} for value in values]}
        if deployment.state == PENDING:
            datapoint = {}
        item[metric] = {"M": {"state": {"S": deployment.state}, **datapoint}}
    return item
