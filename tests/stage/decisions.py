"""Keeps book of what IAM decided about roles: whether this one may do that to this.

The emulator evaluates the policies of the templates (`AUTH` is true) and refuses what they do not
allow. It is asked about every call that a function makes, be it with its own role or with one that
it assumed, and also where Lambda and EventBridge act in a role's name.
"""

from dataclasses import asdict, dataclass
from typing import Any

from ministack.core import iam_evaluator

_CONDITION_KEYS = ("cloudwatch:namespace",)  # those that policies of roles name


@dataclass(frozen=True)
class Decision:
    """One decision, and all that it was about."""

    role: str
    action: str
    resource: str
    conditions: tuple[tuple[str, str], ...]
    allowed: bool


class Decisions:
    """The book."""

    def __init__(self) -> None:
        self._made: dict[Decision, None] = {}

    def note(self, role: str, question: Any, *, allowed: bool) -> None:
        """Note what was decided; a decision that is in the book already changes nothing."""
        known = question.service_context
        conditions = tuple((key, known[key]) for key in _CONDITION_KEYS if key in known)
        decision = Decision(role, question.action, question.resource_arn, conditions, allowed)
        self._made[decision] = None

    def take(self) -> list[dict[str, Any]]:
        """Return what is in the book, and begin a new one."""
        made, self._made = self._made, {}
        return [asdict(each) for each in made]


class _PoliciesOfRole(list[Any]):
    """A role's policies, which say whose they are: policies of resources are evaluated too."""

    def __init__(self, role: str, policies: list[Any]) -> None:
        super().__init__(policies)
        self.role = role


def install(decisions: Decisions) -> None:
    """Look over IAM's shoulder."""
    gather, evaluate = iam_evaluator._gather_role_policies, iam_evaluator.evaluate

    def gather_named(name: str, account: str) -> Any:
        return _PoliciesOfRole(f"arn:aws:iam::{account}:role/{name}", gather(name, account))

    def evaluate_and_note(question: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(question, policies, *limits)
        if isinstance(policies, _PoliciesOfRole):
            decisions.note(policies.role, question, allowed=result.decision == "Allow")
        return result

    iam_evaluator._gather_role_policies = gather_named
    iam_evaluator.evaluate = evaluate_and_note
