"""The primary rate limit of a token: so many points in an hour."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from stage.github.wire import utc

_HOUR = 3600


@dataclass
class Quota:
    """What a token may spend on one of the APIs, and has spent in this hour."""

    resource: str
    limit: int
    used: int = 0
    reset: int = 0

    @property
    def remaining(self) -> int:
        """Return what is left."""
        return max(0, self.limit - self.used)

    def renew(self) -> None:
        """Begin another hour where one is over."""
        if self.reset <= time.time():
            self.used, self.reset = 0, int(time.time()) + _HOUR

    @property
    def resets(self) -> str:
        """Return when the hour is over."""
        return utc(datetime.fromtimestamp(self.reset, UTC))

    def headers(self) -> dict[str, str]:
        """Return what every answer says of it."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": self.resource,
        }
