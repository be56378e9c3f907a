"""Search expressions: which metrics one finds.

Of their language only what the dashboard uses is read: a schema, and one exact metric name.
"""

import re
from dataclasses import dataclass

_QUERY = re.compile(r'\{"(?P<namespace>[^"]+)",(?P<dimension>\w+)\} MetricName="(?P<metric>\w+)"')


class NotASearch(Exception):
    """A text that CloudWatch, or this, cannot read."""


@dataclass(frozen=True)
class Search:
    """All metrics of a name that have this dimension and no other."""

    namespace: str
    dimension: str
    metric: str


def parse(text: str) -> Search:
    """Read a search expression."""
    found = _QUERY.fullmatch(text)
    if found is None:
        raise NotASearch(f"{text} is no search that is known here")
    return Search(found["namespace"], found["dimension"], found["metric"])
