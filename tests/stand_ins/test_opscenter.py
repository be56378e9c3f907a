"""OpsCenter's stand-in, asked by AWS's own client."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from stage.emulator import DirectionRefused, Emulator, running

ACCOUNT, REGION = "444455556666", "eu-west-1"
OTHER_ACCOUNT = "111122223333"
ANA = f"arn:aws:iam::{ACCOUNT}:user/ana"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ISSUE = {"Title": "Checkout returns 5xx", "Description": "Since 10:31", "Source": "On-call"}


def ops_item_id(number: int) -> str:
    return f"oi-{number:012x}"


def arn(ops_item: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:ssm:{region}:{account}:opsitem/{ops_item}"


def record(number: int, *, tags: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "region": REGION,
        "opsItem": {
            "OpsItemId": ops_item_id(number),
            "OpsItemType": "/aws/issue",
            "Status": "Open",
            "CreatedBy": ANA,
            "CreatedTime": f"2026-11-20T{number:02}:31:07.629361Z",
            **ISSUE,
            **fields,
        },
        "tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }


def datum(value: Any, kind: str = "SearchableString") -> dict[str, str]:
    return {"Value": value if isinstance(value, str) else json.dumps(value), "Type": kind}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def empty(emulator: Emulator) -> Emulator:
    """Return the stage without OpsItems."""
    emulator.forget()
    return emulator


@pytest.fixture
def ssm(empty: Emulator) -> Any:
    return empty.client("ssm", ACCOUNT, REGION)


@pytest.fixture
def unchecked(empty: Emulator) -> Any:
    """Return a client that lets through what the SDK for Python would refuse by itself."""
    return empty.client("ssm", ACCOUNT, REGION, validate=False)


def refused(call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return dict(error.value.response)


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    error = refused(call, **parameters)["Error"]
    return error["Code"], error["Message"]


def create(ssm: Any, **parameters: Any) -> str:
    created: str = ssm.create_ops_item(**{**ISSUE, **parameters})["OpsItemId"]
    return created


def get(ssm: Any, ops_item: str) -> dict[str, Any]:
    item: dict[str, Any] = ssm.get_ops_item(OpsItemId=ops_item)["OpsItem"]
    return item


# What is loaded


def test_an_ops_item_is_as_it_was_loaded(ssm: Any, empty: Emulator) -> None:
    data = {"dora/repository": datum("acme/web"), "note": datum("x", "String")}
    empty.load_opscenter(
        [record(10, Severity="1", Category="Availability", Priority=2, OperationalData=data)]
    )
    at = datetime(2026, 11, 20, 10, 31, 7, 629000, tzinfo=UTC)  # the operations give milliseconds
    assert get(ssm, ops_item_id(10)) == {
        **ISSUE,
        "OpsItemId": ops_item_id(10),
        "OpsItemArn": arn(ops_item_id(10)),
        "OpsItemType": "/aws/issue",
        "Status": "Open",
        "CreatedBy": ANA,
        "CreatedTime": at,
        "LastModifiedBy": ANA,
        "LastModifiedTime": at,
        "Version": "1",
        "Severity": "1",
        "Category": "Availability",
        "Priority": 2,
        "OperationalData": data,
        "Notifications": [],
        "RelatedOpsItems": [],
    }


def test_what_services_of_aws_create_can_be_loaded(ssm: Any, empty: Emulator) -> None:
    data = {"/aws/alarm": datum("checkout-5xx"), "/aws/dedup": datum({"dedupString": "x"})}
    empty.load_opscenter(
        [
            record(1, Source="aws.cloudwatch", OperationalData=data),
            record(2, OpsItemType="/aws/changerequest", Status="PendingApproval"),
        ]
    )
    assert get(ssm, ops_item_id(1))["OperationalData"] == data
    assert get(ssm, ops_item_id(2))["Status"] == "PendingApproval"


def test_loading_replaces_what_was_there(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter([record(1)])
    empty.load_opscenter([record(2)])
    found = ssm.describe_ops_items()["OpsItemSummaries"]
    assert [each["OpsItemId"] for each in found] == [ops_item_id(2)]
    empty.forget()
    assert ssm.describe_ops_items()["OpsItemSummaries"] == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"OpsItemId": "oi-7"}, "regular expression"),
        ({"OpsItemId": "oi-0123456789AB"}, "regular expression"),
        ({"Status": "OPEN"}, "enum value set"),
        ({"Owner": "me"}, "unknown to the model"),
        ({"Priority": "2"}, "is not a integer"),
        ({"Priority": 6}, "less than or equal to 5"),
        ({"Severity": "5"}, "Severity must be one of"),
        ({"CreatedTime": "2026-11-20T10:31:07"}, "no offset from UTC"),
        ({"CreatedTime": "yesterday"}, "isoformat"),
        ({"OperationalData": {"/aws/resources": datum("none")}}, "another form"),
    ],
)
def test_a_record_that_opscenter_would_not_answer_with_is_refused(
    empty: Emulator, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DirectionRefused, match=complaint):
        empty.load_opscenter([record(1, **fields)])


def test_a_record_has_what_opscenter_cannot_fill_in(empty: Emulator) -> None:
    incomplete = record(1)
    del incomplete["opsItem"]["CreatedTime"]
    with pytest.raises(DirectionRefused, match="has no CreatedTime"):
        empty.load_opscenter([incomplete])


def test_a_tag_that_no_ops_item_has_is_refused(empty: Emulator) -> None:
    with pytest.raises(DirectionRefused, match="regular expression"):
        empty.load_opscenter([record(1, tags={"who?": "me"})])


# Creating


def test_a_new_ops_item_has_what_opscenter_fills_in(ssm: Any) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    answer = ssm.create_ops_item(
        **ISSUE, Severity="2", RelatedOpsItems=[{"OpsItemId": ops_item_id(9)}]
    )
    item = get(ssm, answer["OpsItemId"])
    assert answer["OpsItemArn"] == item["OpsItemArn"] == arn(answer["OpsItemId"])
    assert (item["Status"], item["OpsItemType"], item["Version"]) == ("Open", "/aws/issue", "1")
    assert item["CreatedBy"] == item["LastModifiedBy"] == ROOT
    assert before <= item["CreatedTime"] == item["LastModifiedTime"] <= datetime.now(UTC)
    assert item["RelatedOpsItems"] == [{"OpsItemId": ops_item_id(9)}]
    assert "OperationalData" not in item


@pytest.mark.parametrize(
    ("parameters", "code", "complaint"),
    [
        ({"Title": None}, "ValidationException", "Member must not be null"),
        ({"Title": ""}, "ValidationException", "length greater than or equal to 1"),
        ({"Title": "  "}, "ValidationException", "regular expression"),
        ({"Title": "x" * 1025}, "ValidationException", "length less than or equal to 1024"),
        ({"Description": "x" * 2049}, "ValidationException", "length less than or equal to 2048"),
        ({"Source": "x" * 129}, "ValidationException", "length less than or equal to 128"),
        ({"Priority": 0}, "ValidationException", "value greater than or equal to 1"),
        ({"Category": "x" * 65}, "ValidationException", "length less than or equal to 64"),
        ({"Category": "Beauty"}, "OpsItemInvalidParameterException", "Category must be one of"),
        ({"Severity": "5"}, "OpsItemInvalidParameterException", "Severity must be one of"),
        ({"Source": "my-AWS-tool"}, "OpsItemInvalidParameterException", "Source can't contain"),
        ({"Source": "amazonia"}, "OpsItemInvalidParameterException", "Source can't contain"),
        ({"Source": "amzn"}, "OpsItemInvalidParameterException", "Source can't contain"),
        ({"AccountId": OTHER_ACCOUNT}, "OpsItemAccessDeniedException", "specified account"),
        ({"AccountId": "me"}, "ValidationException", "regular expression"),
        ({"OpsItemType": "/aws/insight"}, "ValidationException", "does not play"),
        ({"Notifications": [{"Arn": "x"}]}, "ValidationException", "does not play Notifications"),
        ({"PlannedEndTime": 1}, "ValidationException", "does not play PlannedEndTime"),
        ({"Tags": [{"Key": "a?", "Value": ""}]}, "ValidationException", "regular expression"),
        (
            {"Tags": [{"Key": f"{number}", "Value": ""} for number in range(51)]},
            "OpsItemLimitExceededException",
            "too many tags",
        ),
    ],
)
def test_bad_fields_are_refused(
    unchecked: Any, parameters: dict[str, Any], code: str, complaint: str
) -> None:
    found_code, text = refusal(unchecked.create_ops_item, **{**ISSUE, **parameters})
    assert (found_code, complaint in text) == (code, True), text
    assert unchecked.describe_ops_items()["OpsItemSummaries"] == []


def test_the_largest_fields_are_taken(ssm: Any) -> None:
    largest = {
        "Title": "x" * 1024,
        "Description": "x" * 2048,
        "Source": "x" * 128,
        "Priority": 5,
        "Severity": "4",
        "Category": "Security",
        "OperationalData": {"x" * 128: datum("x" * 20 * 1024)},
    }
    item = get(ssm, create(ssm, **largest))
    assert {name: item[name] for name in largest} == largest


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("dora/é", datum("x" * 20481), "OpsItemLimitExceededException"),
        ("dora/é", datum("é" * 10241), "OpsItemLimitExceededException"),
        ("x" * 129, datum("x"), "ValidationException"),
        (" ", datum("x"), "ValidationException"),
        ("key", datum(" "), "ValidationException"),
        ("key", datum("x", "Number"), "ValidationException"),
        ("key", {"Value": "x"}, "OpsItemInvalidParameterException"),
        ("key", {"Type": "String"}, "OpsItemInvalidParameterException"),
        *(
            (f"{slash}{word}.key", datum("x"), "OpsItemInvalidParameterException")
            for slash in ("", "/")
            for word in ("amazon", "aws", "AWS", "amzn", "ssm")
        ),
        ("/aws/other", datum("x"), "OpsItemInvalidParameterException"),
        ("/aws/dedup", datum("x"), "OpsItemInvalidParameterException"),
        ("/aws/dedup", datum([]), "OpsItemInvalidParameterException"),
        ("/aws/dedup", datum({"dedupString": " "}), "OpsItemInvalidParameterException"),
        ("/aws/dedup", datum({"dedupString": 7}), "OpsItemInvalidParameterException"),
        ("/aws/resources", datum({"arn": "x"}), "OpsItemInvalidParameterException"),
        ("/aws/resources", datum(["x"]), "OpsItemInvalidParameterException"),
        ("/aws/resources", datum([{"arn": "x"}] * 101), "OpsItemLimitExceededException"),
        ("/aws/automations", datum([{"automationId": "x"}] * 11), "OpsItemLimitExceededException"),
    ],
)
def test_bad_operational_data_is_refused(
    unchecked: Any, key: str, value: dict[str, str], code: str
) -> None:
    assert refusal(unchecked.create_ops_item, **ISSUE, OperationalData={key: value})[0] == code
    kept = create(unchecked)
    edit = unchecked.update_ops_item
    assert refusal(edit, OpsItemId=kept, OperationalData={key: value})[0] == code


def test_an_error_says_more_than_its_message(unchecked: Any) -> None:
    answer = refused(unchecked.create_ops_item, **{**ISSUE, "Severity": "high"})
    assert answer["ParameterNames"] == ["Severity"]
    data = {"dora/é": datum("x" * 20481)}
    assert refused(unchecked.create_ops_item, **ISSUE, OperationalData=data)["Limit"] == 20480


@pytest.mark.parametrize("status", ["Open", "InProgress"])
def test_a_duplicate_of_an_unresolved_ops_item_is_not_created(ssm: Any, status: str) -> None:
    def duplicate(word: str, **parameters: Any) -> dict[str, Any]:
        data = {"/aws/dedup": datum({"dedupString": word})}
        return {**ISSUE, "OperationalData": data, **parameters}

    first = create(ssm, **duplicate("Checkout"))
    ssm.update_ops_item(OpsItemId=first, Status=status)
    answer = refused(ssm.create_ops_item, **duplicate("checkOUT"))
    assert answer["Error"]["Code"] == "OpsItemAlreadyExistsException"
    assert answer["OpsItemId"] == first
    create(ssm, **duplicate("cart"))
    create(ssm, **duplicate("checkout", Source="another"))
    of_other_resource = duplicate("checkout")
    of_other_resource["OperationalData"]["/aws/resources"] = datum([{"arn": "arn:aws:s3:::a"}])
    create(ssm, **of_other_resource)
    ssm.update_ops_item(OpsItemId=first, Status="Resolved")
    assert create(ssm, **duplicate("checkout")) != first


# Reading and editing


def test_what_does_not_exist_is_named(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter([record(1)])
    for operation in (ssm.get_ops_item, ssm.update_ops_item):
        code, text = refusal(operation, OpsItemId=ops_item_id(7))
        assert (code, ops_item_id(7) in text) == ("OpsItemNotFoundException", True)
    for account, region in [(OTHER_ACCOUNT, REGION), (ACCOUNT, "us-east-1")]:
        elsewhere = empty.client("ssm", account, region)
        assert refusal(elsewhere.get_ops_item, OpsItemId=ops_item_id(1))[0] == (
            "OpsItemNotFoundException"
        )
        assert elsewhere.describe_ops_items()["OpsItemSummaries"] == []


@pytest.mark.parametrize("wrong", ["oi-7", "OI-0123456789ab", "oi-0123456789AB", ""])
def test_an_id_has_one_form(unchecked: Any, wrong: str) -> None:
    for operation in ("get_ops_item", "update_ops_item", "delete_ops_item"):
        code, text = refusal(getattr(unchecked, operation), OpsItemId=wrong)
        assert code == "ValidationException"
        assert "pattern: ^(oi)-[0-9a-f]{12}$" in text


def test_the_ops_items_of_other_accounts_are_out_of_reach(ssm: Any) -> None:
    kept = create(ssm)
    assert ssm.get_ops_item(OpsItemId=kept, OpsItemArn=arn(kept))["OpsItem"]["OpsItemId"] == kept
    foreign = arn(kept, OTHER_ACCOUNT)
    for operation in (ssm.get_ops_item, ssm.update_ops_item):
        code, _ = refusal(operation, OpsItemId=kept, OpsItemArn=foreign)
        assert code == "OpsItemAccessDeniedException"


def test_an_edit_changes_what_it_names(ssm: Any, empty: Emulator) -> None:
    data = {"keep": datum("1"), "change": datum("1"), "delete": datum("1")}
    empty.load_opscenter([record(1, OperationalData=data, Severity="1")])
    before = get(ssm, ops_item_id(1))
    ssm.update_ops_item(
        OpsItemId=ops_item_id(1),
        Status="Resolved",
        Severity="3",
        OperationalData={"change": datum("2"), "add": datum("2", "String")},
        OperationalDataToDelete=["delete", "unknown"],
    )
    after = get(ssm, ops_item_id(1))
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        "Status",
        "Severity",
        "OperationalData",
        "Version",
        "LastModifiedBy",
        "LastModifiedTime",
    }
    assert (after["Status"], after["Severity"], after["Version"]) == ("Resolved", "3", "2")
    assert after["LastModifiedBy"] == ROOT
    assert {key: each["Value"] for key, each in after["OperationalData"].items()} == {
        "keep": "1",
        "change": "2",
        "add": "2",
    }


@pytest.mark.parametrize(
    ("parameters", "code", "complaint"),
    [
        ({"Status": "Done"}, "ValidationException", "enum value set"),
        ({"Status": "Approved"}, "ValidationException", "does not play"),
        ({"Severity": "0"}, "OpsItemInvalidParameterException", "Severity must be one of"),
        ({"Title": "x" * 1025}, "ValidationException", "less than or equal to 1024"),
        ({"ActualStartTime": 1}, "ValidationException", "does not play ActualStartTime"),
        (
            {"OperationalData": {"/aws/dedup": datum({"dedupString": "new"})}},
            "OpsItemInvalidParameterException",
            "can't be edited",
        ),
        (
            {"OperationalDataToDelete": ["/aws/dedup"]},
            "OpsItemInvalidParameterException",
            "can't be edited",
        ),
    ],
)
def test_a_bad_edit_changes_nothing(
    unchecked: Any, parameters: dict[str, Any], code: str, complaint: str
) -> None:
    data = {"/aws/dedup": datum({"dedupString": "old"})}
    kept = create(unchecked, OperationalData=data)
    before = get(unchecked, kept)
    found_code, text = refusal(unchecked.update_ops_item, OpsItemId=kept, **parameters)
    assert (found_code, complaint in text) == (code, True), text
    assert get(unchecked, kept) == before


def test_change_requests_are_not_edited_here(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter([record(1, OpsItemType="/aws/changerequest")])
    code, text = refusal(ssm.update_ops_item, OpsItemId=ops_item_id(1), Status="Resolved")
    assert (code, "does not play" in text) == ("ValidationException", True)


def test_a_deleted_ops_item_is_gone_and_may_be_deleted_again(ssm: Any) -> None:
    kept = create(ssm)
    for _ in range(2):
        ssm.delete_ops_item(OpsItemId=kept)
        assert refusal(ssm.get_ops_item, OpsItemId=kept)[0] == "OpsItemNotFoundException"


@pytest.mark.parametrize("body", [b'{"OpsItemId": 7}', b"[]", b"7", b"{", b"\xff"])
def test_a_body_of_another_shape_cannot_be_read(unchecked: Any, body: bytes) -> None:
    def replace_body(request: Any, **_: Any) -> None:
        request.data = body

    unchecked.meta.events.register("before-sign.ssm.*", replace_body)
    try:
        code, _ = refusal(unchecked.get_ops_item, OpsItemId=ops_item_id(1))
        assert code == "SerializationException"
    finally:
        unchecked.meta.events.unregister("before-sign.ssm.*", replace_body)


# Tags


def tags_of(ssm: Any, ops_item: str) -> dict[str, str]:
    answer = ssm.list_tags_for_resource(ResourceType="OpsItem", ResourceId=ops_item)
    return {tag["Key"]: tag["Value"] for tag in answer["TagList"]}


def test_tags_come_with_the_record_or_the_creation_and_can_change(
    ssm: Any, empty: Emulator
) -> None:
    empty.load_opscenter([record(1, tags={"dora/repository": "acme/web", "Größe": "10 m"})])
    assert tags_of(ssm, ops_item_id(1)) == {"dora/repository": "acme/web", "Größe": "10 m"}
    created = create(ssm, Tags=[{"Key": "team", "Value": ""}])
    assert tags_of(ssm, created) == {"team": ""}
    resource = {"ResourceType": "OpsItem", "ResourceId": created}
    more = [{"Key": "team", "Value": "a"}, {"Key": "dora/commit", "Value": "b"}]
    ssm.add_tags_to_resource(**resource, Tags=more)
    assert tags_of(ssm, created) == {"team": "a", "dora/commit": "b"}
    ssm.remove_tags_from_resource(**resource, TagKeys=["team", "unknown"])
    assert tags_of(ssm, created) == {"dora/commit": "b"}
    too_many = [{"Key": str(number), "Value": ""} for number in range(50)]
    code, _ = refusal(ssm.add_tags_to_resource, **resource, Tags=too_many)
    assert code == "TooManyTagsError"
    assert tags_of(ssm, created) == {"dora/commit": "b"}


@pytest.mark.parametrize("unknown", [ops_item_id(7), "oi-7", "mw-0123456789abcdef0"])
def test_what_does_not_exist_has_no_tags(ssm: Any, unknown: str) -> None:
    resource = {"ResourceType": "OpsItem", "ResourceId": unknown}
    assert refusal(ssm.list_tags_for_resource, **resource)[0] == "InvalidResourceId"
    assert refusal(ssm.add_tags_to_resource, **resource, Tags=[])[0] == "InvalidResourceId"
    assert refusal(ssm.remove_tags_from_resource, **resource, TagKeys=[])[0] == "InvalidResourceId"


def test_other_parts_of_systems_manager_are_left_to_the_emulator(ssm: Any) -> None:
    ssm.put_parameter(Name="/a/b", Value="1", Type="String", Overwrite=True)
    assert ssm.get_parameter(Name="/a/b")["Parameter"]["Value"] == "1"
    resource = {"ResourceType": "Parameter", "ResourceId": "/a/b"}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "team", "Value": "a"}])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "team", "Value": "a"}]
    assert refusal(ssm.list_ops_item_events)[0] == "InvalidAction"


# Searching


STORY = [
    record(
        1,
        Title="Cart is empty",
        Severity="1",
        Category="Availability",
        OperationalData={
            "dora/repository": datum("acme/web"),
            "secret": datum("hidden", "String"),
            "/aws/resources": datum([{"arn": "arn:aws:s3:::carts"}, {"arn": "arn:aws:s3:::x"}]),
        },
    ),
    record(
        2,
        Title="y" * 100 + "z",
        Status="InProgress",
        Source="CloudWatch",
        Priority=2,
        LastModifiedTime="2026-11-20T09:00:00Z",
        OperationalData={
            "/aws/automations": datum(
                [{"automationId": "run-1", "automationType": "AWS:SSM:Automation"}]
            ),
        },
    ),
    record(3, Status="Resolved", OpsItemType="/aws/insight", CreatedBy=ROOT),
]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], [3, 2, 1]),
        ([("Status", "Equal", ["Open"])], [1]),
        ([("Status", "Equal", ["Open", "InProgress"])], [2, 1]),
        ([("Status", "Equal", ["Open"]), ("Severity", "Equal", ["2"])], []),
        ([("Status", "Equal", ["Open"]), ("Severity", "Equal", ["1"])], [1]),
        ([("CreatedBy", "Equal", [ROOT])], [3]),
        ([("Source", "Equal", ["Cloud"])], []),
        ([("Source", "Contains", ["Cloud"])], [2]),
        ([("Priority", "Equal", ["2"])], [2]),
        ([("Title", "Equal", ["Cart is empty"])], [1]),
        ([("Title", "Equal", ["Cart"])], []),
        ([("Title", "Contains", ["Cart", "5xx"])], [3, 1]),
        ([("Title", "Equal", ["y" * 100])], [2]),
        ([("Title", "Contains", ["yz"])], [2]),
        ([("OpsItemId", "Equal", [ops_item_id(2)])], [2]),
        ([("CreatedTime", "GreaterThan", ["2026-11-20T01:31:07.629361Z"])], [3, 2]),
        ([("CreatedTime", "LessThan", ["2026-11-20T03:31:07+01:00"])], [1]),
        ([("LastModifiedTime", "GreaterThan", ["2026-11-20T08:00:00Z"])], [2]),
        ([("OperationalData", "Equal", ['{"key":"dora/repository","value":"acme/web"}'])], [1]),
        ([("OperationalData", "Equal", ['{"key":"secret","value":"hidden"}'])], []),
        ([("OperationalDataKey", "Equal", ["dora/repository"])], [1]),
        ([("OperationalDataKey", "Equal", ["secret"])], []),
        ([("OperationalDataValue", "Equal", ["acme"])], []),
        ([("OperationalDataValue", "Contains", ["acme"])], [1]),
        ([("ResourceId", "Contains", ["carts"])], [1]),
        ([("AutomationId", "Equal", ["run-1"])], [2]),
        ([("Category", "Equal", ["Availability"])], [1]),
        ([("OpsItemType", "Equal", ["/aws/insight"])], [3]),
        ([("AccountId", "Equal", [ACCOUNT])], [3, 2, 1]),
    ],
)
def test_filters_find_the_newest_first(
    ssm: Any, empty: Emulator, filters: list[tuple[str, str, list[str]]], found: list[int]
) -> None:
    empty.load_opscenter(STORY)
    wanted = [{"Key": key, "Operator": how, "Values": values} for key, how, values in filters]
    summaries = ssm.describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]
    assert [each["OpsItemId"] for each in summaries] == [ops_item_id(each) for each in found]


def test_a_summary_shows_less(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter(STORY[:1])
    (summary,) = ssm.describe_ops_items()["OpsItemSummaries"]
    whole = get(ssm, ops_item_id(1))
    missing = {"Description", "Version", "OpsItemArn", "Notifications", "RelatedOpsItems"}
    assert whole.keys() - summary.keys() == missing
    assert summary["OperationalData"].keys() == {"dora/repository", "/aws/resources"}
    assert summary["CreatedTime"] == whole["CreatedTime"]


@pytest.mark.parametrize(
    ("key", "operator", "values", "complaint"),
    [
        ("Owner", "Equal", ["me"], "enum value set"),
        ("Status", "Is", ["Open"], "enum value set"),
        ("Status", "Contains", ["Open"], "takes the operators Equal"),
        ("CreatedTime", "Equal", ["2026-11-20T00:00:00Z"], "operators GreaterThan, LessThan"),
        ("ResourceId", "Equal", ["x"], "takes the operators Contains"),
        ("Status", "Equal", [], "has no value"),
        ("Status", "Equal", ["open"], "does not take the value 'open'"),
        ("Severity", "Equal", ["high"], "does not take the value"),
        ("Priority", "Equal", ["high"], "does not take the value"),
        ("CreatedTime", "LessThan", ["yesterday"], "does not take the value"),
        ("CreatedTime", "LessThan", ["2026-11-20T00:00:00"], "does not take the value"),
        ("OperationalData", "Equal", ["dora/repository=x"], "does not take the value"),
        ("OperationalData", "Equal", ['{"key":"dora/repository"}'], "does not take the value"),
        ("Title", "Equal", ["x" * 101], "no more than 100 characters"),
        ("AccountId", "Equal", [OTHER_ACCOUNT], "does not play"),
        ("InsightByType", "Equal", ["x"], "does not play the key"),
        ("ActualEndTime", "LessThan", ["2026-11-20T00:00:00Z"], "does not play the key"),
    ],
)
def test_a_bad_filter_is_refused(
    unchecked: Any, key: str, operator: str, values: list[str], complaint: str
) -> None:
    bad = {"Key": key, "Operator": operator, "Values": values}
    code, text = refusal(unchecked.describe_ops_items, OpsItemFilters=[bad])
    assert (code, complaint in text) == ("ValidationException", True), text


def test_ops_items_come_in_pages(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter(
        [record(number % 24, OpsItemId=ops_item_id(number)) for number in range(51)]
    )
    paginator = ssm.get_paginator("describe_ops_items")
    for size, lengths in [(50, [50, 1]), (20, [20, 20, 11]), (None, [50, 1])]:
        pages = list(paginator.paginate(PaginationConfig={"PageSize": size}))
        found = [each["OpsItemId"] for page in pages for each in page["OpsItemSummaries"]]
        assert [len(page["OpsItemSummaries"]) for page in pages] == lengths
        assert len(set(found)) == 51


@pytest.mark.parametrize("size", [0, 51])
def test_a_page_has_1_to_50_ops_items(unchecked: Any, size: int) -> None:
    assert refusal(unchecked.describe_ops_items, MaxResults=size)[0] == "ValidationException"


def test_a_token_holds_for_its_own_request_only(ssm: Any, empty: Emulator) -> None:
    empty.load_opscenter(STORY)
    token = ssm.describe_ops_items(MaxResults=1)["NextToken"]
    for parameters in [{"NextToken": "made-up"}, {"NextToken": token, "MaxResults": 2}]:
        code, text = refusal(ssm.describe_ops_items, **parameters)
        assert (code, "token" in text) == ("ValidationException", True)


# Events


@pytest.fixture
def received(empty: Emulator) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a way to read what reaches a rule for OpsItems on the account's default bus."""
    events = empty.client("events", ACCOUNT, REGION)
    sqs = empty.client("sqs", ACCOUNT, REGION)
    queue = sqs.create_queue(QueueName="ops-items")["QueueUrl"]
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:ops-items"
    pattern = {"source": ["aws.ssm"], "detail-type": ["OpsItem Create", "OpsItem Update"]}
    events.put_rule(Name="ops-items", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ops-items", Targets=[{"Id": "queue", "Arn": target}])

    def read() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    yield read
    events.remove_targets(Rule="ops-items", Ids=["queue"])
    events.delete_rule(Name="ops-items")
    sqs.delete_queue(QueueUrl=queue)


def test_creating_and_editing_emit_events(
    ssm: Any, received: Callable[[], list[dict[str, Any]]]
) -> None:
    kept = create(ssm, Severity="1", OperationalData={"dora/repository": datum("acme/web")})
    (created,) = received()
    item = get(ssm, kept)
    created_time = created["detail"]["created-time"]
    assert {name: created[name] for name in created if name not in ("id", "time")} == {
        "version": "0",
        "detail-type": "OpsItem Create",
        "source": "aws.ssm",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [arn(kept)],
        "detail": {
            "created-by": ROOT,
            "created-time": created_time,
            "source": ISSUE["Source"],
            "status": "Open",
            "ops-item-id": kept,
            "title": ISSUE["Title"],
            "ops-item-type": "/aws/issue",
            "description": ISSUE["Description"],
        },
    }
    assert len(created_time) == len("2026-11-20T10:31:07.629361Z")
    exact = datetime.fromisoformat(created_time)
    assert timedelta() <= exact - item["CreatedTime"] < timedelta(milliseconds=1)
    emitted = datetime.fromisoformat(created["time"])
    assert timedelta(seconds=3) < emitted - exact <= timedelta(seconds=5)

    ssm.update_ops_item(OpsItemId=kept, Status="Resolved", Title="Solved")
    (updated,) = received()
    modified_time = updated["detail"]["modified-time"]
    assert updated["id"] != created["id"]
    assert updated["detail-type"] == "OpsItem Update"
    assert updated["resources"] == [arn(kept)]
    assert updated["detail"] == created["detail"] | {
        "status": "Resolved",
        "title": "Solved",
        "modified-by": ROOT,
        "modified-time": modified_time,
    }
    exact = datetime.fromisoformat(modified_time)
    assert timedelta() <= exact - get(ssm, kept)["LastModifiedTime"] < timedelta(milliseconds=1)


def test_what_is_loaded_read_refused_tagged_or_deleted_emits_nothing(
    ssm: Any, empty: Emulator, received: Callable[[], list[dict[str, Any]]]
) -> None:
    empty.load_opscenter([record(1)])
    resource = {"ResourceType": "OpsItem", "ResourceId": ops_item_id(1)}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "team", "Value": "a"}])
    assert refusal(ssm.update_ops_item, OpsItemId=ops_item_id(1), Severity="9")
    assert refusal(ssm.create_ops_item, **{**ISSUE, "Source": "aws"})
    get(ssm, ops_item_id(1))
    ssm.delete_ops_item(OpsItemId=ops_item_id(1))
    assert received() == []


@pytest.mark.parametrize(
    ("loaded", "told"),
    [
        ("2026-11-20T10:31:07.629361Z", "2026-11-20T10:31:07.629361Z"),
        ("2026-11-20T11:31:07+01:00", "2026-11-20T10:31:07.000000Z"),
    ],
)
def test_an_edit_of_a_loaded_ops_item_tells_its_creation(
    ssm: Any,
    empty: Emulator,
    received: Callable[[], list[dict[str, Any]]],
    loaded: str,
    told: str,
) -> None:
    empty.load_opscenter([record(10, CreatedTime=loaded)])
    ssm.update_ops_item(OpsItemId=ops_item_id(10), Status="InProgress")
    (event,) = received()
    assert event["detail"]["created-time"] == told
    assert event["detail"]["created-by"] == ANA


# Permissions and failures


@pytest.fixture
def acting(empty: Emulator) -> Iterator[Callable[[str, str], Any]]:
    """Return a way to act as a role that may do one thing to one resource."""
    iam = empty.client("iam", ACCOUNT, REGION)
    sts = empty.client("sts", ACCOUNT, REGION)
    statement = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policy(statement))["Role"]

    def act(action: str, resource: str) -> Any:
        allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
        iam.put_role_policy(RoleName="reader", PolicyName="one", PolicyDocument=policy(allowed))
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="dora")["Credentials"]
        return boto3.client(
            "ssm",
            endpoint_url=empty.endpoint,
            region_name=REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    yield act
    iam.delete_role_policy(RoleName="reader", PolicyName="one")
    iam.delete_role(RoleName="reader")


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ALL = f"arn:aws:ssm:{REGION}:{ACCOUNT}:opsitem/*"
TAGGED = {"ResourceType": "OpsItem", "ResourceId": ops_item_id(1)}


@pytest.mark.parametrize(
    ("action", "resource", "operation", "parameters"),
    [
        ("GetOpsItem", ALL, "get_ops_item", {"OpsItemId": ops_item_id(1)}),
        ("UpdateOpsItem", ALL, "update_ops_item", {"OpsItemId": ops_item_id(1), "Priority": 1}),
        ("DeleteOpsItem", ALL, "delete_ops_item", {"OpsItemId": ops_item_id(1)}),
        ("ListTagsForResource", ALL, "list_tags_for_resource", TAGGED),
        ("AddTagsToResource", ALL, "add_tags_to_resource", {**TAGGED, "Tags": []}),
        ("RemoveTagsFromResource", ALL, "remove_tags_from_resource", {**TAGGED, "TagKeys": []}),
        ("DescribeOpsItems", "*", "describe_ops_items", {}),
        ("CreateOpsItem", "*", "create_ops_item", ISSUE),
    ],
)
def test_each_operation_has_its_own_permission(
    empty: Emulator,
    acting: Callable[[str, str], Any],
    action: str,
    resource: str,
    operation: str,
    parameters: dict[str, Any],
) -> None:
    empty.load_opscenter([record(1)])
    getattr(acting(f"ssm:{action}", resource), operation)(**parameters)
    elsewhere = f"arn:aws:ssm:{REGION}:{ACCOUNT}:opsitem/{ops_item_id(2)}"
    for other_action, other_resource in [("ssm:GetParameter", "*"), (f"ssm:{action}", elsewhere)]:
        denied = acting(other_action, other_resource)
        code, text = refusal(getattr(denied, operation), **parameters)
        named = arn(ops_item_id(1)) if resource == ALL else "*"
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: ssm:{action} on resource: {named} " in text


def test_an_ops_item_says_which_session_created_it(
    ssm: Any, acting: Callable[[str, str], Any]
) -> None:
    created = create(acting("ssm:CreateOpsItem", "*"))
    assert get(ssm, created)["CreatedBy"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/dora"


@pytest.mark.parametrize("operation", ["GetOpsItem", "ListTagsForResource"])
@pytest.mark.parametrize(
    ("kind", "code"), [("throttle", "ThrottlingException"), ("fail", "InternalServerError")]
)
def test_a_function_sees_opscenter_fail(
    empty: Emulator, acting: Callable[[str, str], Any], operation: str, kind: str, code: str
) -> None:
    empty.load_opscenter([record(1)])
    client = acting(f"ssm:{operation}", ALL)
    calls = {
        "GetOpsItem": lambda: client.get_ops_item(OpsItemId=ops_item_id(1)),
        "ListTagsForResource": lambda: client.list_tags_for_resource(**TAGGED),
    }
    empty.fault("ssm", operation, kind)
    assert refusal(calls[operation])[0] == code
    calls[operation]()
    assert [call for call in empty.calls() if call["service"] == "ssm"] == 2 * [
        {
            "service": "ssm",
            "operation": operation,
            "account": ACCOUNT,
            "resource": ops_item_id(1),
        }
    ]


@pytest.mark.parametrize("kind", ["cut-before", "cut-after"])
def test_a_function_loses_the_connection_to_opscenter(
    empty: Emulator, acting: Callable[[str, str], Any], kind: str
) -> None:
    empty.load_opscenter([record(1)])
    client = acting("ssm:GetOpsItem", ALL)
    empty.fault("ssm", "GetOpsItem", kind)
    with pytest.raises(ConnectionClosedError):
        client.get_ops_item(OpsItemId=ops_item_id(1))
    assert get(client, ops_item_id(1))["Status"] == "Open"


def test_opscenter_hangs_until_it_is_healed(
    empty: Emulator, acting: Callable[[str, str], Any]
) -> None:
    empty.load_opscenter([record(1)])
    client = acting("ssm:GetOpsItem", ALL)
    empty.fault("ssm", "GetOpsItem", "hang")
    with ThreadPoolExecutor() as aside:
        asked = aside.submit(client.get_ops_item, OpsItemId=ops_item_id(1))
        with pytest.raises(TimeoutError):
            asked.result(timeout=0.5)
        empty.heal()
        assert isinstance(asked.exception(timeout=10), ConnectionClosedError)


def test_nobody_is_served_without_credentials(empty: Emulator) -> None:
    nobody = boto3.client(
        "ssm",
        region_name=REGION,
        endpoint_url=empty.endpoint,
        config=Config(signature_version=UNSIGNED, proxies={}),
    )
    code, _ = refusal(nobody.get_ops_item, OpsItemId=ops_item_id(1))
    assert code == "MissingAuthenticationTokenException"
