"""OpsCenter's operations, and the events that they cause."""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from stage.json_protocol import (
    Answer,
    Document,
    Pages,
    Refusal,
    check_output,
    read_request,
)
from stage.model import service_model, to_wire
from stage.opscenter import limits
from stage.opscenter.filters import searchable, select

_TARGET_PREFIX = service_model("ssm").metadata["targetPrefix"]
_PAGES = Pages("NextToken", "MaxResults", 50, "ValidationException")
_ISSUE = "/aws/issue"
_UNRESOLVED = ("Open", "InProgress")
_STATUSES = (*_UNRESOLVED, "Resolved")
_UNPLAYED = (
    "ActualStartTime",
    "ActualEndTime",
    "PlannedStartTime",
    "PlannedEndTime",
    "Notifications",
)
_REQUIRED = (
    "OpsItemId",
    "OpsItemType",
    "Title",
    "Description",
    "Source",
    "Status",
    "CreatedBy",
    "CreatedTime",
)
_EDITABLE = (
    "Title",
    "Description",
    "Priority",
    "Category",
    "Severity",
    "Status",
    "RelatedOpsItems",
)
_EVENT_DELAY = timedelta(seconds=5)
"""How much later than the change an event says that it is: on AWS a minute and more were seen."""

_TAGGING = ("ListTagsForResource", "AddTagsToResource", "RemoveTagsFromResource")


@dataclass(frozen=True)
class Caller:
    """Who calls, and where."""

    account: str
    region: str
    arn: str


@dataclass(frozen=True)
class _Kept:
    item: Document
    tags: dict[str, str]


class OpsCenter:
    """OpsCenter in every account and Region."""

    def __init__(self, emit: Callable[[Document], None]) -> None:
        self._emit = emit
        self._kept: dict[tuple[str, str, str], _Kept] = {}

    def load(self, records: Iterable[Document]) -> None:
        """Take over these OpsItems, and forget those of before."""
        loaded = {}
        for record in records:
            kept = _read_record(record)
            loaded[record["account"], record["region"], kept.item["OpsItemId"]] = kept
        self._kept = loaded

    def answer(self, caller: Caller, target: str, body: bytes) -> Answer:
        """Answer one request that `plays` says is one of these: the status and the document."""
        operation = target.partition(".")[2]
        try:
            request = read_request("ssm", operation, body, _UNPLAYED)
            output = service_model("ssm").operation_model(operation).output_shape
            return 200, to_wire(output, _OPERATIONS[operation](self, caller, request))
        except Refusal as refusal:
            return refusal.answer("ssm")

    def _create(self, caller: Caller, request: Document) -> Document:
        if request.get("AccountId", caller.account) != caller.account:
            raise _other_account()
        if request.get("OpsItemType", _ISSUE) != _ISSUE:
            raise _unplayed(f"to create {request['OpsItemType']}")
        limits.check(request)
        tags = _merged({}, request.get("Tags", []))
        if len(tags) > limits.MOST_TAGS:
            raise limits.too_much("There are too many tags.", limits.MOST_TAGS)
        self._refuse_duplicate(caller, request)
        given = (*_EDITABLE, "Source", "OperationalData")
        item = _complete(
            caller.account,
            caller.region,
            {name: request[name] for name in given if name in request}
            | {
                "OpsItemId": f"oi-{secrets.token_hex(6)}",
                "OpsItemType": _ISSUE,
                "Status": "Open",
                "CreatedBy": caller.arn,
                "CreatedTime": datetime.now(UTC).isoformat(),
            },
        )
        self._kept[caller.account, caller.region, item["OpsItemId"]] = _Kept(item, tags)
        self._tell(caller, "OpsItem Create", item, item["CreatedTime"], {})
        return {"OpsItemId": item["OpsItemId"], "OpsItemArn": item["OpsItemArn"]}

    def _get(self, caller: Caller, request: Document) -> Document:
        return {"OpsItem": _in_milliseconds(self._find(caller, request).item)}

    def _describe(self, caller: Caller, request: Document) -> Document:
        found = select(self._items(caller), request.get("OpsItemFilters", []), caller.account)
        newest_first = sorted(
            found, key=lambda item: datetime.fromisoformat(item["CreatedTime"]), reverse=True
        )
        return _PAGES.cut(request, [_summary(item) for item in newest_first], "OpsItemSummaries")

    def _update(self, caller: Caller, request: Document) -> Document:
        item = self._find(caller, request).item
        if item["OpsItemType"] != _ISSUE:
            raise _unplayed(f"to edit {item['OpsItemType']}")
        if request.get("Status", "Open") not in _STATUSES:
            raise _unplayed(f"that an issue becomes {request['Status']}")
        limits.check(request)
        data = dict(item.get("OperationalData", {}))
        before = data.get(limits.DEDUPLICATION)
        for key in request.get("OperationalDataToDelete", []):
            data.pop(key, None)
        data |= request.get("OperationalData", {})
        if data.get(limits.DEDUPLICATION) != before:
            raise limits.invalid("OperationalData", f"{limits.DEDUPLICATION} can't be edited.")
        if data or "OperationalData" in item:
            item["OperationalData"] = data
        item |= {name: request[name] for name in _EDITABLE if name in request}
        at = datetime.now(UTC).isoformat()
        item |= {
            "LastModifiedBy": caller.arn,
            "LastModifiedTime": at,
            "Version": str(int(item["Version"]) + 1),
        }
        modified = {"modified-by": caller.arn, "modified-time": _in_microseconds(at)}
        self._tell(caller, "OpsItem Update", item, at, modified)
        return {}

    def _delete(self, caller: Caller, request: Document) -> Document:
        self._kept.pop((caller.account, caller.region, request["OpsItemId"]), None)
        return {}

    def _list_tags(self, caller: Caller, request: Document) -> Document:
        tags = self._find_tags(caller, request)
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _add_tags(self, caller: Caller, request: Document) -> Document:
        tags = self._find_tags(caller, request)
        merged = _merged(tags, request["Tags"])
        if len(merged) > limits.MOST_TAGS:
            raise Refusal("TooManyTagsError", "There are too many tags.")
        tags |= merged
        return {}

    def _remove_tags(self, caller: Caller, request: Document) -> Document:
        tags = self._find_tags(caller, request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _items(self, caller: Caller) -> Iterator[Document]:
        here = caller.account, caller.region
        return (kept.item for (*place, _), kept in self._kept.items() if tuple(place) == here)

    def _find(self, caller: Caller, request: Document) -> _Kept:
        ops_item_id = request["OpsItemId"]
        own_arn = _arn(caller.account, caller.region, ops_item_id)
        if request.get("OpsItemArn", own_arn) != own_arn:
            raise _other_account()
        kept = self._kept.get((caller.account, caller.region, ops_item_id))
        if kept is None:
            raise Refusal("OpsItemNotFoundException", f"OpsItem ID {ops_item_id} does not exist.")
        return kept

    def _find_tags(self, caller: Caller, request: Document) -> dict[str, str]:
        kept = self._kept.get((caller.account, caller.region, request["ResourceId"]))
        if kept is None:
            raise Refusal("InvalidResourceId", f"There is no OpsItem {request['ResourceId']}.")
        return kept.tags

    def _refuse_duplicate(self, caller: Caller, request: Document) -> None:
        wanted = limits.deduplication(request)
        if wanted is None:
            return
        for item in self._items(caller):
            if item["Status"] in _UNRESOLVED and limits.deduplication(item) == wanted:
                raise Refusal(
                    "OpsItemAlreadyExistsException",
                    f"OpsItem {item['OpsItemId']} already exists.",
                    OpsItemId=item["OpsItemId"],
                )

    def _tell(
        self, caller: Caller, detail_type: str, item: Document, at: str, modified: Document
    ) -> None:
        time = datetime.fromisoformat(at) + _EVENT_DELAY
        self._emit(
            {
                "version": "0",
                "id": str(uuid4()),
                "detail-type": detail_type,
                "source": "aws.ssm",
                "account": caller.account,
                "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
                "region": caller.region,
                "resources": [item["OpsItemArn"]],
                "detail": {
                    "created-by": item["CreatedBy"],
                    "created-time": _in_microseconds(item["CreatedTime"]),
                    "source": item["Source"],
                    "status": item["Status"],
                    "ops-item-id": item["OpsItemId"],
                    "title": item["Title"],
                    "ops-item-type": item["OpsItemType"],
                    "description": item["Description"],
                    **modified,
                },
            }
        )


_OPERATIONS: dict[str, Callable[[OpsCenter, Caller, Document], Document]] = {
    "CreateOpsItem": OpsCenter._create,
    "GetOpsItem": OpsCenter._get,
    "DescribeOpsItems": OpsCenter._describe,
    "UpdateOpsItem": OpsCenter._update,
    "DeleteOpsItem": OpsCenter._delete,
    "ListTagsForResource": OpsCenter._list_tags,
    "AddTagsToResource": OpsCenter._add_tags,
    "RemoveTagsFromResource": OpsCenter._remove_tags,
}


def plays(target: str, body: bytes) -> bool:
    """Tell whether a request is for OpsCenter, and not for another part of Systems Manager."""
    prefix, _, operation = target.partition(".")
    if prefix != _TARGET_PREFIX:
        return False
    if operation in _TAGGING:
        return _member(body, "ResourceType") == "OpsItem"
    return operation in _OPERATIONS


def resource_arn(account: str, region: str, body: bytes) -> str:
    """Return what IAM is asked about: an OpsItem, or anything where a request names none."""
    ops_item_id = _member(body, "OpsItemId") or _member(body, "ResourceId")
    return _arn(account, region, ops_item_id) if ops_item_id else "*"


def _member(body: bytes, name: str) -> str:
    """Return a member of a request, however broken the request is."""
    try:
        return str(json.loads(body)[name])
    except (ValueError, TypeError, KeyError):
        return ""


def _read_record(record: Document) -> _Kept:
    item, tags = record["opsItem"], record.get("tags", [])
    missing = [name for name in _REQUIRED if name not in item]
    if missing:
        raise ValueError(f"{item.get('OpsItemId', 'an OpsItem')} has no {', '.join(missing)}")
    item = _complete(record["account"], record["region"], item)
    where = item["OpsItemId"]
    check_output("ssm", "GetOpsItem", {"OpsItem": item}, where)
    check_output("ssm", "ListTagsForResource", {"TagList": tags}, where)
    for name in ("CreatedTime", "LastModifiedTime"):
        if datetime.fromisoformat(item[name]).tzinfo is None:
            raise ValueError(f"{where}: {name} has no offset from UTC")
    try:
        limits.check_values(item)
    except Refusal as refusal:
        raise ValueError(f"{where}: {refusal}") from refusal
    return _Kept(item, _merged({}, tags))


def _complete(account: str, region: str, item: Document) -> Document:
    """Add what OpsCenter adds to every OpsItem."""
    return {
        "OpsItemArn": _arn(account, region, item["OpsItemId"]),
        "LastModifiedBy": item["CreatedBy"],
        "LastModifiedTime": item["CreatedTime"],
        "Version": "1",
        "Notifications": [],
        "RelatedOpsItems": [],
        **item,
    }


def _merged(tags: dict[str, str], more: list[dict[str, str]]) -> dict[str, str]:
    return tags | {tag["Key"]: tag["Value"] for tag in more}


def _summary(item: Document) -> Document:
    shape = service_model("ssm").shape_for("OpsItemSummary")
    summary = {name: value for name, value in item.items() if name in shape.members}
    if "OperationalData" in item:
        summary["OperationalData"] = searchable(item)
    return _in_milliseconds(summary)


def _in_milliseconds(item: Document) -> Document:
    """The operations tell times less exactly than the events do."""
    return item | {
        name: datetime.fromisoformat(item[name]).isoformat(timespec="milliseconds")
        for name in ("CreatedTime", "LastModifiedTime")
    }


def _in_microseconds(time: str) -> str:
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _arn(account: str, region: str, ops_item_id: str) -> str:
    return f"arn:aws:ssm:{region}:{account}:opsitem/{ops_item_id}"


def _other_account() -> Refusal:
    return Refusal(
        "OpsItemAccessDeniedException",
        "You don't have permission to view OpsItems in the specified account.",
    )


def _unplayed(what: str) -> Refusal:
    return Refusal("ValidationException", f"The stage does not play {what}.")
