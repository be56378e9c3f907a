"""What failed in production, by whose fault, and what ended it: how a table says so.

Every number follows from the specification, and none from the order in which events come, unless
the table says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from end_to_end.git import Step
from end_to_end.histories import seconds_of
from end_to_end.incidents import Incident, ops_items
from end_to_end.pipelines import TRUNK_BASED, Run, moment, recent, records
from end_to_end.played import dimension_sets
from stage.metrics import Statistics, Value
from stage.product import Product
from stage.scenario import Event, Services, move

Order = Literal["forwards", "backwards"]
COUNTS = ("Changes", "FailedChanges", "Incidents")
RECOVERIES = ("TimeToRecovery", "ReworkDeployments")


@dataclass(frozen=True)
class Outage:
    """Executions and incidents, and what must be told of them."""

    name: str
    runs: list[Run]
    _: KW_ONLY
    incidents: list[Incident] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    repository: str = "acme/web"
    """The one whose history the steps are."""
    histories: Mapping[str, list[Step]] = field(default_factory=dict)
    """Those of several repositories instead."""
    caused_by: Mapping[int, Run] = field(default_factory=dict)
    """The deployment that an incident, by its number, is attributed to."""
    undone: tuple[Run, ...] = ()
    """The deployments that were rolled back."""
    recovered: tuple[tuple[Run, str], ...] = ()
    """What ended an incident or a failed change, and after how long."""
    rework: tuple[Run, ...] = ()
    orders: tuple[Order, ...] = ("forwards", "backwards")
    known: tuple[int, ...] = ()
    """The incidents, by number, whose deployment is known even before its event has come."""

    def happened(self, product: Product) -> None:
        """Let the services know all this, in recent days."""
        told = self.histories or ({self.repository: self.steps} if self.steps else {})
        github = [{"repository": name, "steps": steps} for name, steps in told.items()]
        services = Services(records(self.runs), github, ops_items(self.incidents))
        days = recent(self.runs)
        product.load(
            Services(
                move(services.codepipeline, days),
                move(services.github, days),
                move(services.opscenter, days),
            )
        )

    def events(self, order: Order) -> list[Event]:
        """Return what the services emit, in the order in which it happened, or in the opposite."""
        told: list[tuple[Any, Event]] = [
            (moment(run.at), run.event) for run in self.runs if run.reached_production
        ]
        told += [(moment(incident.at), incident.event) for incident in self.incidents]
        told.sort(key=lambda each: each[0], reverse=order == "backwards")
        moved: list[Event] = move([event for _, event in told], recent(self.runs))
        return moved

    def numbers(self, metrics: Iterable[str], order: Order = "forwards") -> dict[Value, Statistics]:
        """Return all that CloudWatch must hold of these metrics."""
        values: dict[Value, list[float]] = {}
        days = recent(self.runs)

        def add(metric: str, at: str, repository: str | None, value: float = 1) -> None:
            if metric in metrics:
                day = (moment(at) + days).date().isoformat()
                for dimensions in dimension_sets(repository):
                    values.setdefault(Value(metric, dimensions, day), []).append(value)

        for run in filter(is_change, self.runs):
            add("Changes", run.at, run.repository)
        for run in {run.id: run for run in [*self.caused_by.values(), *self.undone]}.values():
            add("FailedChanges", run.at, run.repository)
        for incident in self.incidents:
            add("Incidents", incident.at, self._repository(incident, order))
        for run, duration in self.recovered:
            add("TimeToRecovery", run.at, run.repository, seconds_of(duration))
        for run in self.rework:
            add("ReworkDeployments", run.at, run.repository)
        return {value: Statistics.of(measured) for value, measured in values.items()}

    def _repository(self, incident: Incident, order: Order) -> str | None:
        """Return the one that it names, else that of its deployment where that is known."""
        named = {**incident.tags, **incident.names}
        if "dora/repository" in named:
            return named["dora/repository"]
        cause = self.caused_by.get(incident.number)
        is_known = order == "forwards" or incident.number in self.known
        return cause.repository if cause and is_known else None


def is_change(run: Run) -> bool:
    """Return whether an execution is a production deployment of a change."""
    if run.rollback or not run.reached_production:
        return False
    return run.repository == TRUNK_BASED or (run.status == "Succeeded" and run.branch == "main")


def blamed(product: Product, incident: Incident) -> str | None:
    """Return the execution that the ledger attributes an incident to."""
    for item in product.ledger():
        if item["pk"]["S"] == f"incident#{incident.id}" and "deployment" in item:
            execution: str = item["deployment"]["S"].partition("#")[0]
            return execution
    return None


def unattributed(product: Product) -> list[str]:
    """Return the incidents of which the ledger says that no deployment is known."""
    return [
        item["pk"]["S"]
        for item in product.ledger()
        if item.get("attributed_by", {}).get("S") == "unattributed"
    ]
