"""Keeps book of what IAM decided about roles: whether this one may do that to this.

The emulator evaluates the policies of the templates (`AUTH` is true) and refuses what they do not
allow. It is asked about every call that a function makes, be it with its own role or with one that
it assumed, and also where Lambda and EventBridge act in a role's name.
"""

from dataclasses import asdict, dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn

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

    def note(self, question: Any, allowed: bool) -> None:
        """Note what was decided; a decision that is in the book already changes nothing."""
        arn = parse_arn(question.principal_arn)
        kind, _, session = arn.resource.partition("/")
        if kind != "assumed-role":
            return
        known = question.service_context
        decision = Decision(
            role=f"arn:aws:iam::{arn.account_id}:role/{session.split('/')[0]}",
            action=question.action,
            resource=question.resource_arn,
            conditions=tuple((key, known[key]) for key in _CONDITION_KEYS if key in known),
            allowed=allowed,
        )
        self._made[decision] = None

    def take(self) -> list[dict[str, Any]]:
        """Return what is in the book, and begin a new one."""
        made, self._made = self._made, {}
        return [asdict(each) for each in made]


def install(decisions: Decisions) -> None:
    """Look over IAM's shoulder."""
    evaluate = iam_evaluator.evaluate

    def evaluate_and_note(question: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(question, policies, *limits)
        decisions.note(question, result.decision == "Allow")
        return result

    iam_evaluator.evaluate = evaluate_and_note
