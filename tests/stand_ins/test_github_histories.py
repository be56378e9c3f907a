"""Histories as scenarios tell them, and what Git and GitHub make of them."""

from typing import Any

import pytest

from stage.github.repository import Comparison, Repository
from stage.github.story import expand, sha, tell

Step = dict[str, Any]

MORNING = "2026-11-02T08:00:00Z"
NOON = "2026-11-02T12:00:00Z"
EVENING = "2026-11-02T18:00:00Z"

ROOT: Step = {"commit": "c0", "on": "main", "authored": MORNING}
FEATURE: list[Step] = [
    ROOT,
    {"branch": "feature", "off": "main"},
    {"commit": "c1", "on": "feature", "authored": "2026-11-02T09:00:00Z", "author": "Ævar"},
    {"commit": "c2", "on": "feature", "authored": "2026-11-02T10:00:00Z"},
    {"pull_request": 7, "head": "feature", "base": "main", "title": "Add a cart", "at": NOON},
]


def told(*steps: Step) -> Repository:
    return tell({"repository": "acme/web", "steps": list(steps)})


def compared(repository: Repository, base: str, head: str) -> Comparison:
    commits = [
        repository.resolve(revision) or repository.commits[sha("acme/web", revision)]
        for revision in (base, head)
    ]
    return repository.compare(*commits)


def ahead(repository: Repository, base: str, head: str) -> list[str]:
    return [commit.message for commit in compared(repository, base, head).ahead]


def associated(repository: Repository, label: str) -> list[int]:
    commit = repository.commits[sha("acme/web", label)]
    return [each.number for each in repository.associated(commit)]


def merged(how: str) -> Repository:
    return told(*FEATURE, {"merge_pull_request": 7, "how": how, "at": EVENING})


def test_a_merge_commit_keeps_the_commits() -> None:
    repository = merged("merge")
    merge = repository.commits[sha("acme/web", "#7")]
    assert [each.sha for each in compared(repository, "c0", "main").ahead] == [
        sha("acme/web", label) for label in ("c1", "c2", "#7")
    ]
    assert merge.parents == (sha("acme/web", "c0"), sha("acme/web", "c2"))
    assert merge.message == "Merge pull request #7 from acme/feature\n\nAdd a cart"
    assert merge.authored.isoformat() == "2026-11-02T18:00:00+00:00"
    assert [associated(repository, label) for label in ("c1", "c2", "#7")] == [[7], [7], [7]]


def test_a_squash_hides_the_commits_and_their_dates() -> None:
    repository = merged("squash")
    squashed = repository.commits[sha("acme/web", "#7")]
    assert compared(repository, "c0", "main").ahead == [squashed]
    assert squashed.message == "Add a cart (#7)\n\n* c1\n\n* c2"
    assert squashed.parents == (sha("acme/web", "c0"),)
    assert squashed.authored.isoformat() == "2026-11-02T18:00:00+00:00"
    assert associated(repository, "#7") == [7]
    assert associated(repository, "c1") == [7]


def test_a_rebase_makes_new_commits_with_the_old_author_dates() -> None:
    repository = merged("rebase")
    first, second = compared(repository, "c0", "main").ahead
    assert (first.sha, second.sha) == (sha("acme/web", "c1'"), sha("acme/web", "c2'"))
    assert (first.author, first.authored.hour, first.committed.hour) == ("Ævar", 9, 18)
    assert repository.pull_requests[7].merge_commit == second
    assert associated(repository, "c1'") == [7]
    assert associated(repository, "c2'") == [7]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_pull_request_keeps_its_own_commits(how: str) -> None:
    repository = told(
        *FEATURE,
        {"merge_pull_request": 7, "how": how, "at": EVENING},
        {"delete_branch": "feature"},
    )
    pull_request = repository.pull_requests[7]
    assert [each.message for each in pull_request.commits] == ["c1", "c2"]
    assert (pull_request.head_name, pull_request.state) == ("feature", "MERGED")


def test_a_commit_on_no_default_branch_has_open_pull_requests_too() -> None:
    open_still = {"branch": "release", "off": "feature"}
    ready = {"pull_request": 8, "head": "release", "base": "main", "title": "Release", "at": NOON}
    assert associated(told(*FEATURE, open_still, ready), "c1") == [7, 8]
    closed = {"close_pull_request": 7}
    assert associated(told(*FEATURE, open_still, ready, closed), "c1") == [8]


def test_a_push_merges_the_pull_requests_that_it_contains() -> None:
    repository = told(
        *FEATURE,
        {"merge": "feature", "into": "main", "label": "m1", "at": EVENING},
        {"commit": "c3", "on": "main", "authored": "2026-11-02T19:00:00Z"},
    )
    pull_request = repository.pull_requests[7]
    assert pull_request.state == "MERGED"
    assert pull_request.merge_commit == repository.commits[sha("acme/web", "m1")]
    assert [each.message for each in pull_request.commits] == ["c1", "c2"]
    assert associated(repository, "c3") == []


def test_a_pull_request_has_no_commits_of_its_base() -> None:
    repository = told(
        *FEATURE,
        {"commit": "c3", "on": "main", "authored": "2026-11-02T13:00:00Z"},
        {"merge": "main", "into": "feature", "label": "update", "at": "2026-11-02T14:00:00Z"},
        {"merge_pull_request": 7, "how": "squash", "at": EVENING},
    )
    assert [each.message for each in repository.pull_requests[7].commits] == [
        "c1",
        "c2",
        "Merge branch 'main' into feature",
    ]


def test_a_pull_request_into_the_branch_of_another_belongs_to_both() -> None:
    repository = told(
        *FEATURE,
        {"branch": "detail", "off": "feature"},
        {"commit": "d1", "on": "detail", "authored": "2026-11-02T13:00:00Z"},
        {"pull_request": 8, "head": "detail", "base": "feature", "title": "Detail", "at": NOON},
        {"merge_pull_request": 8, "how": "squash", "at": "2026-11-02T14:00:00Z"},
        {"merge_pull_request": 7, "how": "merge", "at": EVENING},
    )
    assert associated(repository, "d1") == [8]
    assert associated(repository, "#8") == [7, 8]
    assert [each.headline for each in repository.pull_requests[7].commits] == [
        "c1",
        "c2",
        "d1 (#8)",
    ]


def test_a_fork_is_named_in_the_merge() -> None:
    repository = told(
        ROOT,
        {"branch": "jane:fix", "off": "main"},
        {"commit": "f1", "on": "jane:fix", "authored": NOON},
        {"pull_request": 3, "head": "jane:fix", "base": "main", "title": "Fix", "at": NOON},
        {"merge_pull_request": 3, "how": "merge", "at": EVENING},
    )
    pull_request = repository.pull_requests[3]
    assert (pull_request.head_name, pull_request.from_fork) == ("fix", True)
    assert pull_request.merge_commit is not None
    assert pull_request.merge_commit.headline == "Merge pull request #3 from jane/fix"


def test_what_diverged_has_commits_on_both_sides() -> None:
    repository = told(*FEATURE, {"commit": "c3", "on": "main", "authored": NOON})
    comparison = compared(repository, "feature", "main")
    assert (comparison.status, comparison.behind_by) == ("diverged", 2)
    assert [each.message for each in comparison.ahead] == ["c3"]
    assert comparison.merge_base.message == "c0"
    assert compared(repository, "c0", "main").status == "ahead"
    assert compared(repository, "main", "c0").status == "behind"
    assert compared(repository, "main", "main").status == "identical"


def test_a_child_never_comes_before_its_parent_however_the_clocks_go() -> None:
    repository = told(
        {"commit": "c0", "on": "main", "authored": EVENING},
        {"commit": "c1", "on": "main", "authored": NOON},
        {"commit": "c2", "on": "main", "authored": MORNING},
    )
    assert ahead(repository, "c0", "main") == ["c1", "c2"]


def test_a_force_push_leaves_commits_behind_until_they_are_pruned() -> None:
    steps: list[Step] = [
        ROOT,
        {"branch": "new", "off": "main"},
        {"commit": "lost", "on": "main", "authored": NOON},
        {"commit": "kept", "on": "new", "authored": NOON},
        {"force_push": "kept", "to": "main", "at": EVENING},
    ]
    repository = told(*steps)
    assert compared(repository, "lost", "main").status == "diverged"
    assert ahead(repository, "lost", "main") == ["kept"]
    assert sha("acme/web", "lost") not in told(*steps, {"prune": "lost"}).commits


def test_reverts_and_cherry_picks_are_commits_of_their_own() -> None:
    repository = told(
        *FEATURE,
        {"cherry_pick": "c1", "on": "main", "label": "c1-again", "at": NOON},
        {"revert": "c1-again", "on": "main", "label": "undo", "at": EVENING},
    )
    picked, reverted = compared(repository, "c0", "main").ahead
    assert (picked.message, picked.authored.hour, picked.committed.hour) == ("c1", 9, 12)
    assert reverted.message == f'Revert "c1"\n\nThis reverts commit {picked.sha}.'


def test_a_revision_is_a_branch_a_tag_or_a_sha_not_a_label() -> None:
    repository = told(ROOT, {"tag": "v1.0", "on": "c0"})
    commit = repository.commits[sha("acme/web", "c0")]
    assert repository.resolve("main") == commit
    assert repository.resolve("v1.0") == commit
    assert repository.resolve(commit.sha) == commit
    assert repository.resolve(commit.sha[:7]) == commit
    assert repository.resolve("c0") is None


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({"bless": "c0"}, r"step 6 \(bless c0\): there is no 'bless'"),
        ({"commit": "c3", "on": "gone", "authored": NOON}, "there is no 'gone'"),
        ({"commit": "c1", "on": "main", "authored": NOON}, "there is a commit c1 already"),
        ({"commit": "c3", "on": "main", "authored": "2026-11-02T08:00:00"}, "no time zone"),
        ({"commit": "c3", "on": "main", "written": NOON}, "unexpected keyword argument"),
        ({"merge_pull_request": 7, "how": "rebase-ff", "at": NOON}, "no way to merge"),
        ({"merge_pull_request": 9, "how": "merge", "at": NOON}, "there is no 9"),
        ({"push": "c0", "to": "feature", "at": NOON}, "does not fast-forward"),
        ({"delete_branch": "feature"}, "pull request 7 is open"),
        ({"prune": "c1"}, "something still leads to it"),
        ({"branch": "feature", "off": "main"}, "it exists"),
    ],
)
def test_a_step_that_makes_no_sense_is_named(step: Step, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        told(*FEATURE, step)


def test_a_document_refers_to_commits_by_label() -> None:
    document = {
        "github": [{"repository": "acme/web", "steps": FEATURE}],
        "commit": "{{acme/web@c2}}",
    }
    assert expand(document)["commit"] == sha("acme/web", "c2")
    assert expand(document)["github"] == document["github"]
    with pytest.raises(ValueError, match="acme/web@c9"):
        expand(document | {"commit": "{{acme/web@c9}}"})
