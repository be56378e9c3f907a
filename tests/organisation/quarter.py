"""A quarter of a simulated organisation: played, reported, and held against the truth.

It comes after another quarter, with which it is compared. Its last two weeks are in CloudWatch, and
so on the dashboard. All of it is in the ledger, and so in reports.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from organisation.play import with_teams
from organisation.telling import Told, tell
from organisation.truth import Fact, team_of
from organisation.world import BEGIN, Happened, World
from stage.product import Product, Progress

SEED = 7
EVENTS = 2000
DAYS = 91
ORDINARY = 4
"""So many times as often as trouble is what is ordinary: the rest of the world is not as calm."""
_GITHUB_POINTS = 1_000_000
_AT_ONCE = 200


@dataclass(frozen=True)
class Scope:
    """All, or a repository, or a team."""

    kind: str = "all"
    name: str | None = None

    def covers(self, fact: Fact) -> bool:
        """Return whether the fact counts here."""
        if self.kind == "all":
            return True
        if fact.repository is None:
            return False
        return self.name == (
            fact.repository if self.kind == "repository" else team_of(fact.repository)
        )


@dataclass(frozen=True)
class Quarter:
    """The quarter that ends with yesterday."""

    happened: Happened
    told: Told

    @property
    def until(self) -> datetime:
        """Return its end: the last midnight."""
        return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def since(self) -> datetime:
        """Return its begin."""
        return self.until - timedelta(days=DAYS)

    @cached_property
    def scopes(self) -> list[Scope]:
        """Return everybody that has a deployment."""
        names = {
            fact.repository
            for fact in self.happened.truth.facts
            if fact.metric == "Deployments" and fact.repository
        }
        teams = {team for team in map(team_of, names) if team}
        return [
            Scope(),
            *(Scope("team", name) for name in sorted(teams)),
            *(Scope("repository", name) for name in sorted(names)),
        ]

    def values(self, metric: str, scope: Scope, since: datetime, until: datetime) -> list[float]:
        """Return the true values of a metric in a period."""
        return [
            fact.value
            for fact in self.happened.truth.facts
            if fact.metric == metric
            and scope.covers(fact)
            and since <= fact.at + self.told.moved < until
        ]


def imagined() -> Quarter:
    """Make the quarter up."""
    first = BEGIN - timedelta(days=2 * DAYS - 12)
    happened = World(SEED, EVENTS, begin=first, ordinary=ORDINARY).happened
    return Quarter(happened, tell(happened))


def play(product: Product, quarter: Quarter, progress: Progress) -> None:
    """Let the quarter happen, in the order of time as far as that can matter."""
    told, emulator = quarter.told, product.emulator
    product.load(told.services)
    emulator.limit_github(_GITHUB_POINTS)
    in_time = sorted(told.events, key=lambda event: str(event["time"]))
    parts = [*told.early, *_chunks(in_time), told.late]
    count, done = sum(map(len, parts)), 0
    with with_teams(product):
        for events in parts:
            for event in events:
                emulator.emit(event)
            emulator.settle()
            done += len(events)
            progress(f"{done} of {count} events of a quarter are handled")


def _chunks(events: list[dict[str, object]]) -> Iterable[list[dict[str, object]]]:
    return (events[at : at + _AT_ONCE] for at in range(0, len(events), _AT_ONCE))
