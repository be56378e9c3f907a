"""The function's log says what was left out of a number, and nothing of a person."""

import json
import re
from typing import Any

import pytest

from end_to_end.git import branch, commit, merged, opened
from end_to_end.histories import BEFORE, ROOT
from end_to_end.pipelines import AUTHOR, Run
from end_to_end.played import LEAD_TIME, loaded
from stage.github import TOKEN
from stage.github.story import AUTHOR as COMMITTER
from stage.github.story import sha
from stage.product import FunctionFailed, Product

NAME, MESSAGE, TITLE = "Žofie Ørsted", "Přidat košík", "Košík pro všechny"
STEPS = [
    *ROOT,
    branch("feature"),
    commit("c1", "08:00", on="feature", author=NAME, message=MESSAGE),
    commit("c2", "12:00", on="feature", author=NAME, message=MESSAGE),
    opened(1, "feature", "12:10", title=TITLE),
    merged(1, "squash", "12:20"),
]


def log(product: Product) -> list[dict[str, Any]]:
    """Return what the function wrote since the stage is up."""
    functions = product.operations("lambda")
    configuration = functions.get_function_configuration(FunctionName=LEAD_TIME)
    group = configuration["LoggingConfig"]["LogGroup"]
    pages = product.operations("logs").get_paginator("filter_log_events")
    lines = [
        line
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
        for line in event["message"].splitlines()
    ]
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_commit_that_is_left_out_is_named_and_no_person_is(product: Product) -> None:
    github = [{"repository": "acme/web", "steps": STEPS}]
    event = loaded(product, github, [BEFORE[0], Run("#1", at="10:00")])[-1]
    before = len(log(product))
    for kind in (401, 403, "short"):
        product.emulator.fail_github(kind, times=2)
        with pytest.raises(FunctionFailed):
            product.invoke(LEAD_TIME, event)
        product.emulator.heal()
    assert product.invoke(LEAD_TIME, event)["outcome"] == "published"

    lines = log(product)
    (left_out,) = [each for each in lines[before:] if "commit" in each]
    assert left_out["level"] == "WARN"
    assert left_out["repository"] == "acme/web"
    assert left_out["commit"] == sha("acme/web", "c2")
    written = json.dumps(lines, ensure_ascii=False)
    assert event["detail"]["execution-id"] in written
    personal = [NAME, MESSAGE, TITLE, COMMITTER, *AUTHOR.values(), TOKEN, "Bearer"]
    assert [each for each in personal if each in written] == []
    assert re.findall(r"\S+\w@\w\S+", written) == []
