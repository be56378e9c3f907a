"""A schedule of faults, made up from a seed: which call of which operation meets with which fault.

The n-th call of an operation meets with the same one for the same seed; which invocation makes that
call is left to how the invocations run beside each other. Now and then an operation is down for
many calls in a row, so that retries do not suffice.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stage.github.faults import Kind

Fault = Literal["throttle", "fail", "conflict", "cut-before", "cut-after", "slow", "stuck"]
Death = Literal["kill-before", "kill-after", "freeze"]

_GITHUB: "tuple[Kind | int, ...]" = (
    *("cut-before", "cut-during", "garbled", "slow", "rate-limit", "secondary-limit"),
    *(429, 500, 502, 503, 504),
)
_OFTEN: dict[Fault, int] = {
    "throttle": 8,
    "fail": 8,
    "conflict": 8,
    "cut-before": 6,
    "cut-after": 6,
    "slow": 3,
    "stuck": 3,
}
_SELDOM_ASKED = {"cloudwatch": 4, "github": 4, "secretsmanager": 10, "ssm": 3, "sts": 10}
"""What makes up for it that some services are called less often than others."""
_OUTAGE = 24
"""For how many calls an operation is down."""
_FROZEN = range(60, 1_000_000, 10_000)
_IN_CONFLICT = ("dynamodb UpdateItem", "dynamodb PutItem", "dynamodb TransactWriteItems")
"""What another's transaction on the same item can stop."""
_IN_THE_WINDOW: set[Fault] = {"cut-after", "slow"}
"""What loses CloudWatch's answer when it has taken the values."""


class Chaos:
    """The schedule, and how often it hit.

    `share` is of calls, and more of those that functions make seldom. A tenth as many end the
    process, and half as many meet with an outage. `window` says whether faults may fall between
    CloudWatch's taking a value and its confirmation; `patience` is the longest time-out of a
    function that is waited for.
    """

    def __init__(self, *, seed: int, share: float, window: bool, patience: int) -> None:
        self.window = window
        self.patience = patience
        self._seed = seed
        self._share = share
        self._turns: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()

    def fault(self, service: str, operation: str, *, calm: bool) -> Fault | None:
        """Return what the next call of an operation meets with; no outage if it is `calm`."""
        lossy = service == "cloudwatch" and not self.window
        name = f"{service} {operation}"
        kinds = [
            kind
            for kind in _OFTEN
            if not (lossy and kind in _IN_THE_WINDOW)
            and (kind != "conflict" or name in _IN_CONFLICT)
        ]
        turn = self._turn(name)
        if (outage := self._outage(name, turn)) and not calm:
            down: Fault = outage.choice(("throttle", "fail", "cut-before"))
            self._hit(service, down)
            return down
        chance = self._chance(name, "call", turn)
        if chance.random() >= self._share * _SELDOM_ASKED.get(service, 1):
            return None
        (kind,) = chance.choices(kinds, [_OFTEN[kind] for kind in kinds])
        self._hit(service, kind)
        return kind

    def death(self, service: str, operation: str, function: str, timeout: int) -> Death | None:
        """Return how the process of a function ends that makes the next call, if it does."""
        is_patient = timeout <= self.patience
        if is_patient and self._turn("calls of processes that may freeze") in _FROZEN:
            return "freeze"
        name = f"{service} {operation} of {function}"
        chance = self._chance(name, "death", self._turn(name))
        if chance.random() >= self._share / 10:
            return None
        return chance.choice(("kill-before", "kill-after"))

    def github(self, api: str) -> "Kind | int | None":
        """Return what the next request to GitHub meets with."""
        turn = self._turn(f"github {api}")
        if outage := self._outage(api, turn):
            down: Kind | int = outage.choice((500, 502, 503, "cut-before"))
            self._hit("github", str(down))
            return down
        chance = self._chance(api, "call", turn)
        if chance.random() >= self._share * _SELDOM_ASKED["github"]:
            return None
        kind = chance.choice(_GITHUB)
        self._hit("github", str(kind))
        return kind

    def _outage(self, name: str, turn: int) -> random.Random | None:
        """Return what decides how an operation is down, if it is: first after a few dozen calls."""
        number, period = turn // _OUTAGE, int(2 / self._share)
        first = self._chance(name, "first outage", 0).randint(1, 3)
        return self._chance(name, "outage", number) if number % period == first else None

    def moments(self) -> Iterator[float]:
        """Yield after how many seconds each time a process is to be killed, wherever it is."""
        chance = random.Random(f"{self._seed} moments")
        while True:
            yield chance.uniform(0.5, 5)

    def ended(self, how: str) -> None:
        """Note that a process was ended."""
        self.hits[f"function: {how}"] += 1

    def _hit(self, service: str, kind: str) -> None:
        self.hits[f"{service}: {kind}"] += 1

    def _turn(self, name: str) -> int:
        self._turns[name] += 1
        return self._turns[name]

    def _chance(self, name: str, what: str, turn: int) -> random.Random:
        return random.Random(f"{self._seed} {name} {what} {turn}")
