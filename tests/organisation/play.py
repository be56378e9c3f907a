"""Plays an organisation on the stage, in peace or in chaos, and compares every number.

In peace, events come in any order and some of them twice. In chaos, some come as two copies at the
same moment and some much later than others, everything fails by the schedule of `stage.chaos`,
processes are killed, the machine is started anew in the middle; and what was not counted is sent
again in the ways of `docs/operations.md`: from the failure queues, and from the archives.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from end_to_end.deployments import FUNCTIONS, again
from end_to_end.operations import redrive, replay
from end_to_end.settings import with_settings
from organisation.telling import Told, tell
from organisation.truth import TEAMS
from organisation.world import World
from stage.metrics import Value
from stage.product import FunctionFailed, Product
from stage.scenario import Event

Progress = Callable[[str], None]

REPEATED = 0.15
COPIED = 0.05
DELAYED = 0.05
_POINTS = 1_000_000
"""What GitHub's token may spend: days pass in minutes here, and its hours do not."""
_AT_ONCE = 8
_AWAY_SECONDS = 2
_ROUNDS = 20
_MOST_ACTS = 10
_PROGRESS_SECONDS = 15
_PROGRESS_EVENTS = 1000


@dataclass(frozen=True)
class Chaos:
    """How bad it gets: which share of calls fails, and whether also in the one window.

    `patience` is the longest time-out of a function, in seconds, that a process is frozen until.
    """

    window: bool
    share: float = 0.02
    patience: int = 30


@dataclass
class Outcome:
    """What came of it."""

    differences: list[str]
    compared: int
    figures: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    """How often which fault hit."""
    repeated: list[tuple[Value, float]] = field(default_factory=list)
    """The values that were published once more, since a fault fell into the window."""


def play(
    product: Product, seed: int, size: int, chaos: Chaos | None, progress: Progress = lambda _: None
) -> Outcome:
    """Play the organisation of a seed."""
    happened = World(seed, size).happened
    told = tell(happened)
    with with_teams(product):
        product.load(told.services)
        product.emulator.limit_github(_POINTS)
        playing = _Play(product, seed, told, chaos, progress)
        playing.run()
    progress("reading the metrics back")
    found = product.statistics()
    lost = product.emulator.unconfirmed()
    repeated = [
        (Value(each["metric"], frozenset(each["dimensions"].items()), each["day"]), value)
        for taken in lost
        if taken["faults"]
        for each in taken["data"]
        for value in each["values"]
    ]
    differences = happened.truth.differences(found, told.moved, repeated)
    differences += [
        f"unconfirmed, and nothing failed: {each}" for each in lost if not each["faults"]
    ]
    left = product.messages("FailedEvents") + product.messages("Undelivered")
    differences += [f"not handled: {each['Body'][:2000]}" for each in left]
    playing.figures["hits in the window"] = len(lost)
    wanted = happened.truth.numbers(told.moved)
    return Outcome(
        differences, len(wanted.keys() | found.keys()), playing.figures, playing.hits, repeated
    )


@contextmanager
def with_teams(product: Product) -> Iterator[None]:
    """Let the functions know the teams of its repositories."""
    with ExitStack() as stack:
        for function in FUNCTIONS:
            settings = with_settings(product, function, TEAM_BY_REPOSITORY=json.dumps(TEAMS))
            stack.enter_context(settings)
        yield


class _Play:
    """One play."""

    def __init__(
        self, product: Product, seed: int, told: Told, chaos: Chaos | None, progress: Progress
    ) -> None:
        self._product, self._emulator = product, product.emulator
        self._seed, self._told, self._chaos, self._progress = seed, told, chaos, progress
        self._chance = random.Random(seed)
        self._acts = 0
        self.figures: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()

    def run(self) -> None:
        """Play all of it: what is told first, what comes in any order, and what is told last."""
        told = self._told
        for events in told.early:
            with self._in_chaos():
                self._emit(events)
                self._settle()
        with self._in_chaos():
            self._play_in_any_order(told.events)
        with self._in_chaos():
            self._emit(told.late)
            self._settle()
        tally = self._emulator.tally()
        self.figures["invocations"] = tally["invocations"]
        self.figures["retries"] = tally["attempts"] - tally["invocations"]
        self.figures["failed three times"] = sum(tally["errors"].values())

    def _play_in_any_order(self, events: list[Event]) -> None:
        chance = self._chance
        repeated = chance.sample(events, int(len(events) * REPEATED))
        self.figures["duplicates"] += len(repeated)
        bunches = [[event] for event in [*events, *map(again, repeated)]]
        delayed: list[Event] = []
        if self._chaos:
            copied = chance.sample(events, int(len(events) * COPIED))
            self.figures["copies at the same moment"] += len(copied)
            bunches += [[again(event), again(event)] for event in copied]
        chance.shuffle(bunches)
        if self._chaos:
            count = int(len(bunches) * DELAYED)
            delayed = [event for bunch in bunches[:count] for event in bunch]
            bunches = bunches[count:]
            self.figures["delayed"] += len(delayed)
        half = len(bunches) // 2
        self._emit([event for bunch in bunches[:half] for event in bunch])
        if self._chaos:
            self._progress("the machine is started anew")
            self._emulator.restart(_AWAY_SECONDS)
        self._emit([event for bunch in bunches[half:] for event in bunch])
        self._settle()
        if self._chaos:
            self._redrive_by_hand()
            self._emit(delayed)
            self._replay(events)
            self._settle()

    def _emit(self, events: list[Event]) -> None:
        for number, event in enumerate(events, 1):
            self._emulator.emit(event)
            if number % _PROGRESS_EVENTS == 0:
                self._progress(f"{number} of {len(events)} events are sent")
        self.figures["events sent"] += len(events)

    def _settle(self) -> None:
        while not self._emulator.is_idle(_PROGRESS_SECONDS):
            tally = self._emulator.tally()
            self._progress(f"{tally['invocations']} invocations are over, {tally['open']} are not")
        if self._chaos is None:
            self._redrive()

    # Chaos, and its end.

    @contextmanager
    def _in_chaos(self) -> Iterator[None]:
        """Let all fail, if anything is to, and then let nothing be left that was not handled."""
        if self._chaos:
            self._acts += 1
            self._emulator.begin_chaos(
                seed=self._seed * _MOST_ACTS + self._acts,
                share=self._chaos.share,
                window=self._chaos.window,
                patience=self._chaos.patience,
            )
        yield
        if self._chaos:
            self._end_chaos()

    def _end_chaos(self) -> None:
        """Redrive while everything still fails, and then until nothing is left."""
        self._product.end_leases()
        self._redrive()
        self.hits.update(self._emulator.chaos_hits())
        self._emulator.heal()
        self._emulator.settle()
        self._product.end_leases()
        for _ in range(_ROUNDS):
            if not self._redrive():
                break
        self._progress(f"{self.figures['redriven']} were redriven so far")

    def _redrive_by_hand(self) -> None:
        """Redrive the shortest queue as an operator does."""
        waiting = [
            (int(count), queue) for queue in map(_queue, FUNCTIONS) if (count := self._count(queue))
        ]
        if waiting:
            count, queue = min(waiting)
            self._progress(f"make redrive QUEUE={queue} ({count} events)")
            redrive(self._product, queue, seconds=60 + 20 * count)
            self.figures["redriven by make redrive"] += count

    def _count(self, queue: str) -> int:
        sqs = self._product.operations("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        names = ["ApproximateNumberOfMessages"]
        return int(
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]]
        )

    def _redrive(self) -> int:
        """Do what `make redrive` does, for all queues and many events at once."""
        sqs = self._product.operations("sqs")
        received = []
        for function in FUNCTIONS:
            url = sqs.get_queue_url(QueueName=_queue(function))["QueueUrl"]
            while found := sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600
            ).get("Messages"):
                received += [(function, url, message) for message in found]

        def send(each: tuple[str, str, dict[str, Any]]) -> None:
            function, url, message = each
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            try:
                self._product.invoke(function, json.loads(message["Body"])["requestPayload"])
            except FunctionFailed:
                sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                sqs.delete_message(**handle)

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(send, received))
        self.figures["redriven"] += len(received)
        return len(received)

    def _replay(self, events: list[Event]) -> None:
        """Replay some day from the archive of each function."""
        days = sorted({datetime.fromisoformat(event["time"]).date() for event in events})
        for function in FUNCTIONS:
            day = self._chance.choice(days)
            since = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self._progress(f"replaying {day} to {function}")
            replay(self._product, function, since, since + timedelta(days=1))
            self.figures["days replayed"] += 1


def _queue(function: str) -> str:
    return f"dora-{function}-failed-events"
