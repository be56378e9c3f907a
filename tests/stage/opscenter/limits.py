"""What an OpsItem may hold: the rules that AWS documents, and its service model does not know."""

import json
from collections.abc import Callable
from typing import Any

from stage.json_protocol import Document, Refusal

CATEGORIES = ("Availability", "Cost", "Performance", "Recovery", "Security")
SEVERITIES = ("1", "2", "3", "4")
MOST_TAGS = 50
DEDUPLICATION = "/aws/dedup"
RESOURCES = "/aws/resources"
AUTOMATIONS = "/aws/automations"

_CHOICES = {"Category": CATEGORIES, "Severity": SEVERITIES}
_FOREIGN_SOURCES = ("aws", "amazon", "amzn")
_FOREIGN_KEYS = ("amazon", "aws", "amzn", "ssm", "/amazon", "/aws", "/amzn", "/ssm")
_LARGEST_VALUE = 20 * 1024
_MOST_RESOURCES = 100
_MOST_AUTOMATIONS = 10


def check(request: Document) -> None:
    """Refuse a request to create or edit an OpsItem that breaks a rule."""
    if any(word in request.get("Source", "").lower() for word in _FOREIGN_SOURCES):
        raise invalid("Source", f"Source can't contain {', '.join(_FOREIGN_SOURCES)}.")
    for key in request.get("OperationalData", {}):
        if key not in _KEYS_OF_AWS and key.lower().startswith(_FOREIGN_KEYS):
            raise invalid("OperationalData", f"{key} begins with a word that AWS keeps for itself.")
    check_values(request)


def check_values(item: Document) -> None:
    """Refuse values that no OpsItem has, not even one that a service of AWS created."""
    for member, choices in _CHOICES.items():
        if item.get(member, choices[0]) not in choices:
            raise invalid(member, f"{member} must be one of {', '.join(choices)}.")
    for key, datum in item.get("OperationalData", {}).items():
        _check_datum(key, datum)


def invalid(member: str, message: str) -> Refusal:
    """Return the error for a member with a wrong value."""
    return Refusal("OpsItemInvalidParameterException", message, ParameterNames=[member])


def too_much(message: str, limit: int) -> Refusal:
    """Return the error for what exceeds a quota."""
    return Refusal("OpsItemLimitExceededException", message, Limit=limit)


def deduplication(item: Document) -> tuple[str, str, str] | None:
    """Return what no two unresolved OpsItems may share: upper and lower case are the same."""
    data = item.get("OperationalData", {})
    if DEDUPLICATION not in data:
        return None
    word = json.loads(data[DEDUPLICATION]["Value"])["dedupString"]
    return item["Source"], word.lower(), ",".join(sorted(related(item, RESOURCES, "arn")))


def related(item: Document, key: str, member: str) -> list[str]:
    """Return the resources or the runs of a runbook that an OpsItem is about."""
    value = item.get("OperationalData", {}).get(key, {}).get("Value", "[]")
    return [each[member] for each in json.loads(value)]


def _check_datum(key: str, datum: Document) -> None:
    if datum.get("Value") is None or datum.get("Type") is None:
        raise invalid("OperationalData", f"{key} must have a Value and a Type.")
    if len(datum["Value"].encode()) > _LARGEST_VALUE:
        raise too_much(f"The value of {key} is larger than 20 KB.", _LARGEST_VALUE)
    if key in _KEYS_OF_AWS:
        try:
            _KEYS_OF_AWS[key](json.loads(datum["Value"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise invalid("OperationalData", f"The value of {key} has another form.") from error


def _check_deduplication(value: Any) -> None:
    if not value["dedupString"].strip():
        raise ValueError


def _check_resources(value: Any) -> None:
    _check_list(value, "arn", _MOST_RESOURCES)


def _check_automations(value: Any) -> None:
    _check_list(value, "automationId", _MOST_AUTOMATIONS)


def _check_list(value: Any, member: str, most: int) -> None:
    if not isinstance(value, list) or not all(isinstance(each[member], str) for each in value):
        raise ValueError
    if len(value) > most:
        raise too_much(f"There are more than {most}.", most)


_KEYS_OF_AWS: dict[str, Callable[[Any], None]] = {
    DEDUPLICATION: _check_deduplication,
    RESOURCES: _check_resources,
    AUTOMATIONS: _check_automations,
}
