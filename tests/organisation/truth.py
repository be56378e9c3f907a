"""What every metric must come to, by repository, team and day: told by who decided what happened.

Nothing here derives anything from events or records. The world says which deployment shipped which
commits, which one it made fail, and what ended what.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from stage.metrics import Statistics, Value

TEAMS = {
    "acme/web": "Storefront",
    "acme/shop": "Storefront",
    "acme/payments": "Payments",
    "acme/service-*": "Services",
}
"""The teams of its repositories, as `TEAM_BY_REPOSITORY` has them; some have none."""


def team_of(repository: str) -> str | None:
    """Return the team of a repository: no two of these patterns match the same one."""
    found = [team for pattern, team in TEAMS.items() if fnmatchcase(repository, pattern)]
    return found[0] if found else None


@dataclass(frozen=True)
class Fact:
    """One value of a metric, of an execution or an OpsItem.

    Whether it is published under the repository that it has is `certain`, unless it is an incident
    that does not name one: the documentation leaves that to what has arrived.
    """

    metric: str
    of: str
    at: datetime
    repository: str | None
    value: int = 1
    certain: bool = True

    def under(self) -> Iterator[dict[str, str]]:
        """Yield the dimension sets that it belongs to."""
        yield {}
        if self.repository is not None:
            yield {"Repository": self.repository}
            team = team_of(self.repository)
            if team is not None:
                yield {"Team": team}


@dataclass
class Truth:
    """All values."""

    facts: list[Fact] = field(default_factory=list)

    def numbers(
        self,
        moved: timedelta,
        *,
        uncertain: bool = True,
        repeated: Iterable[tuple[Value, float]] = (),
    ) -> dict[Value, Statistics]:
        """Return what CloudWatch must hold, all days moved by so many.

        `uncertain` says whether what may or may not be under a repository is taken to be there,
        `repeated` what is known to be there once more.
        """
        values: dict[Value, list[float]] = {}
        for number, each in repeated:
            values.setdefault(number, []).append(each)
        for fact in self.facts:
            day = (fact.at + moved).date().isoformat()
            for names in fact.under():
                if fact.certain or uncertain or not names:
                    value = Value(fact.metric, frozenset(names.items()), day)
                    values.setdefault(value, []).append(fact.value)
        return {value: Statistics.of(measured) for value, measured in values.items()}

    def differences(
        self,
        found: dict[Value, Statistics],
        moved: timedelta,
        repeated: Sequence[tuple[Value, float]] = (),
    ) -> list[str]:
        """Return a line for every number that CloudWatch has otherwise."""
        most = self.numbers(moved, repeated=repeated)
        least = self.numbers(moved, uncertain=False, repeated=repeated)
        lines = []
        for value in sorted(found.keys() | most.keys(), key=str):
            real, high, low = found.get(value), most.get(value), least.get(value)
            between = (
                value.metric == "Incidents"
                and (low.sum if low else 0) <= (real.sum if real else 0)
                and (real.sum if real else 0) <= (high.sum if high else 0)
            )
            if real != high and not between:
                lines.append(f"{value}: {real or 'nothing'} instead of {high or 'nothing'}")
        return lines
