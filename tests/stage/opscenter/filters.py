"""The filters of `DescribeOpsItems`: their keys, operators and values, and what they find.

AWS documents no operators for `Category`, `CreatedBy`, `OpsItemType` and `Severity`; here it is
`Equal`. Of keys that only change requests, access requests and insights have, none is played.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from stage.json_protocol import Document, Refusal
from stage.model import service_model
from stage.opscenter import limits

_LONGEST_TITLE = 100
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equal": lambda found, wanted: bool(found == wanted),
    "Contains": lambda found, wanted: wanted in found,
    "GreaterThan": lambda found, wanted: bool(found > wanted),
    "LessThan": lambda found, wanted: bool(found < wanted),
}


def select(items: Iterable[Document], filters: list[Document], account: str) -> Iterator[Document]:
    """Yield the OpsItems that every filter finds: one of its values is enough."""
    readers = [_reader(each, account) for each in filters]
    for item in items:
        if all(reader(item) for reader in readers):
            yield item


def searchable(item: Document) -> dict[str, Document]:
    """Return the operational data that can be found, and that lists show."""
    data: dict[str, Document] = item.get("OperationalData", {})
    return {key: datum for key, datum in data.items() if datum["Type"] == "SearchableString"}


def _reader(wanted: Document, account: str) -> Callable[[Document], bool]:
    key, operator = wanted["Key"], wanted["Operator"]
    if key not in _KEYS:
        raise _bad_filter(f"The stage does not play the key {key}.")
    operators, parse, read = _KEYS[key]
    if operator not in operators:
        raise _bad_filter(f"{key} takes the operators {', '.join(operators)}, not {operator}.")
    if not wanted["Values"]:
        raise _bad_filter(f"{key} has no value.")
    if key == "AccountId" and wanted["Values"] != [account]:
        raise _bad_filter("The stage does not play OpsItems of other accounts.")
    if (
        key == "Title"
        and operator == "Equal"
        and any(len(value) > _LONGEST_TITLE for value in wanted["Values"])
    ):
        raise _bad_filter(f"A filter's title has no more than {_LONGEST_TITLE} characters.")
    values = [_parsed(parse, key, value) for value in wanted["Values"]]
    compare = _COMPARISONS[operator]

    def finds(item: Document) -> bool:
        return any(compare(found, value) for found in read(item, operator) for value in values)

    return finds


def _parsed(parse: Callable[[str], Any], key: str, value: str) -> Any:
    try:
        return parse(value)
    except (ValueError, TypeError, KeyError) as error:
        raise _bad_filter(f"{key} does not take the value '{value}'.") from error


def _bad_filter(message: str) -> Refusal:
    return Refusal("ValidationException", message)


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError
    return instant


def _one_of(choices: Iterable[str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError
        return value

    return parse


def _pair(value: str) -> tuple[str, str]:
    pair = json.loads(value)
    return pair["key"], pair["value"]


def _member(name: str) -> Callable[[Document, str], list[Any]]:
    return lambda item, _: [item[name]] if name in item else []


def _time(name: str) -> Callable[[Document, str], list[Any]]:
    return lambda item, _: [datetime.fromisoformat(item[name])]


def _title(item: Document, operator: str) -> list[str]:
    return [item["Title"][:_LONGEST_TITLE] if operator == "Equal" else item["Title"]]


_EQUAL = ("Equal",)
_TEXT = ("Equal", "Contains")
_ORDER = ("GreaterThan", "LessThan")
_STATUSES = service_model("ssm").shape_for("OpsItemStatus").enum

_KEYS: dict[
    str, tuple[tuple[str, ...], Callable[[str], Any], Callable[[Document, str], Iterable[Any]]]
] = {
    "AccountId": (_EQUAL, str, lambda item, _: [item["OpsItemArn"].split(":")[4]]),
    "AutomationId": (
        _EQUAL,
        str,
        lambda item, _: limits.related(item, limits.AUTOMATIONS, "automationId"),
    ),
    "Category": (_EQUAL, _one_of(limits.CATEGORIES), _member("Category")),
    "CreatedBy": (_EQUAL, str, _member("CreatedBy")),
    "CreatedTime": (_ORDER, _instant, _time("CreatedTime")),
    "LastModifiedTime": (_ORDER, _instant, _time("LastModifiedTime")),
    "OperationalData": (
        _EQUAL,
        _pair,
        lambda item, _: [(key, datum["Value"]) for key, datum in searchable(item).items()],
    ),
    "OperationalDataKey": (_EQUAL, str, lambda item, _: searchable(item)),
    "OperationalDataValue": (
        _TEXT,
        str,
        lambda item, _: [datum["Value"] for datum in searchable(item).values()],
    ),
    "OpsItemId": (_EQUAL, str, _member("OpsItemId")),
    "OpsItemType": (_EQUAL, str, _member("OpsItemType")),
    "Priority": (_EQUAL, int, _member("Priority")),
    "ResourceId": (
        ("Contains",),
        str,
        lambda item, _: limits.related(item, limits.RESOURCES, "arn"),
    ),
    "Severity": (_EQUAL, _one_of(limits.SEVERITIES), _member("Severity")),
    "Source": (_TEXT, str, _member("Source")),
    "Status": (_EQUAL, _one_of(_STATUSES), _member("Status")),
    "Title": (_TEXT, str, _title),
}
