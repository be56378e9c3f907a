"""Builds incidents for tests: the OpsItems that OpsCenter keeps, and the events of their creation.

Times are written as in `pipelines`. An event says a minute later than OpsCenter that it happened,
as on AWS.
"""

from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

from end_to_end.pipelines import REGION, moment
from stage.scenario import Event, OpsItems

ACCOUNT = "444455556666"
TYPE = "/aws/issue"
_EVENT_DELAY = timedelta(seconds=61)


@dataclass(frozen=True)
class Incident:
    """An OpsItem: `number` makes its id, and `names` is its operational data."""

    number: int
    at: str
    _: KW_ONLY
    names: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    severity: str = "2"
    source: str = "CloudWatch"
    account: str = ACCOUNT

    @property
    def id(self) -> str:
        """Return its id."""
        return ops_item_id(self.number)

    @property
    def record(self) -> dict[str, Any]:
        """Return it as the stage's OpsCenter takes it."""
        return {
            "account": self.account,
            "region": REGION,
            "opsItem": {
                "OpsItemId": self.id,
                "OpsItemType": TYPE,
                "Title": "Checkout returns 5xx",
                "Description": "Alarm checkout-5xx is in ALARM",
                "Source": self.source,
                "Status": "Open",
                "Severity": self.severity,
                "CreatedBy": self._creator,
                "CreatedTime": self._created,
                "OperationalData": {
                    key: {"Type": "SearchableString", "Value": value}
                    for key, value in self.names.items()
                },
            },
            "tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }

    @property
    def event(self) -> Event:
        """Return the event of its creation."""
        at = moment(self.at).astimezone(UTC) + _EVENT_DELAY
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "OpsItem Create",
            "source": "aws.ssm",
            "account": self.account,
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [f"arn:aws:ssm:{REGION}:{self.account}:opsitem/{self.id}"],
            "detail": {
                "created-by": self._creator,
                "created-time": self._created,
                "source": self.source,
                "status": "Open",
                "ops-item-id": self.id,
                "title": "Checkout returns 5xx",
                "ops-item-type": TYPE,
                "description": "Alarm checkout-5xx is in ALARM",
            },
        }

    @property
    def _creator(self) -> str:
        return f"arn:aws:iam::{self.account}:user/ana"

    @property
    def _created(self) -> str:
        return f"{moment(self.at).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def ops_item_id(number: int) -> str:
    """Return the id of an OpsItem of these tests."""
    return f"oi-{number:012x}"


def ops_items(incidents: list[Incident]) -> OpsItems:
    """Return what OpsCenter keeps."""
    return [incident.record for incident in incidents]
