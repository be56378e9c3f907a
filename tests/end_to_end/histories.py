"""A table of histories: what was committed, merged and deployed, and the lead times that follow.

Every number follows from the specification: deployed less authored, of each commit that reached
production for the first time. All commits of `main` before `c0` are none of ours: each history
begins with a deployment of `c0`, unless the first deployment is what it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from end_to_end.git import (
    Step,
    branch,
    cherry_picked,
    closed,
    commit,
    commits,
    force_pushed,
    merged,
    merged_by_hand,
    opened,
    pushed,
    reverted,
)
from end_to_end.pipelines import PAYMENTS, TRUNK_BASED, Pipeline, Run, moment


@dataclass(frozen=True)
class Ships:
    """The deployment ships these commits, in so many seconds each.

    `10:00 - 08:00 = 7200` is deployed less authored, and is checked.
    """

    lead_times: Mapping[str, str | int]
    since: str | None
    left_out: tuple[str, ...] = ()
    """Commits dated after the deployment."""

    @property
    def seconds(self) -> dict[str, int]:
        """Return the lead time of each commit."""
        return {label: seconds_of(given) for label, given in self.lead_times.items()}


@dataclass(frozen=True)
class Ignored:
    """The deployment gives no lead time, for this reason."""

    reason: str


@dataclass(frozen=True)
class Fails:
    """The function fails with an error of this type."""

    error_type: str


Outcome = Ships | Ignored | Fails | None
"""`None` for an execution whose event the test does not send, or that gives none."""


@dataclass(frozen=True)
class History:
    """A repository's history, its deployments, and the lead times of each."""

    name: str
    steps: list[Step]
    deployments: list[tuple[Run, Outcome]]
    repository: str = "acme/web"
    others: list[dict[str, Any]] = field(default_factory=list)

    @property
    def github(self) -> list[dict[str, Any]]:
        """Return the histories as the stage takes them."""
        return [{"repository": self.repository, "steps": self.steps}, *self.others]

    @property
    def runs(self) -> list[Run]:
        """Return all executions."""
        return [run for run, _ in self.deployments]


def seconds_of(given: str | int) -> int:
    """Return what `10:00 - 08:00 = 7200` states, once it is checked."""
    if isinstance(given, int):
        return given
    difference, _, result = given.partition(" = ")
    deployed, _, authored = difference.partition(" - ")
    seconds = (moment(deployed) - moment(authored)).total_seconds()
    if seconds != int(result):
        raise ValueError(f"{given}: it is {seconds}")
    return int(result)


ROOT = [commit("c0", "07:00")]
BEFORE: tuple[Run, Outcome] = (Run("c0", at="07:30"), Ships({"c0": "07:30 - 07:00 = 1800"}, None))

PUSHED = [*ROOT, commit("c1", "08:00"), commit("c2", "09:00")]

FEATURE = [
    *ROOT,
    branch("feature"),
    commit("c1", "08:00", on="feature"),
    commit("c2", "09:00", on="feature"),
    opened(1, "feature", "09:10"),
]
BOTH = {"c1": "10:00 - 08:00 = 7200", "c2": "10:00 - 09:00 = 3600"}
"""The lead times of a deployment of `PUSHED` or `FEATURE` at ten."""

TRUNK_BEFORE: tuple[Run, Outcome] = (
    Run("c0", at="07:30", ended="07:40", pipeline=PAYMENTS),
    Ships({"c0": "07:30 - 07:00 = 1800"}, None),
)

MERGING = [
    History(
        "a merge commit stands for the commits of its pull request",
        [*FEATURE, merged(1, "merge", "09:30")],
        [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "a squash is the commits that it hides",
        [*FEATURE, merged(1, "squash", "09:30")],
        [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "a rebase is the commits that it copies",
        [*FEATURE, merged(1, "rebase", "09:30")],
        [BEFORE, (Run("c2'", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "commits pushed to main are themselves",
        PUSHED,
        [BEFORE, (Run("c2", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "a pull request can be merged by a push",
        [*FEATURE, pushed("feature", "main", "09:30")],
        [BEFORE, (Run("c2", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "of a pull request that is pushed in two parts each is deployed once",
        [*FEATURE, pushed("c1", "main", "09:20"), pushed("c2", "main", "10:10")],
        [
            BEFORE,
            (Run("c1", at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("c2", at="10:30"), Ships({"c2": "10:30 - 09:00 = 5400"}, since="c1")),
        ],
    ),
    History(
        "a pull request merged with Git has no merge commit of its own either",
        [*FEATURE, merged_by_hand("feature", "main", "m1", "09:30")],
        [BEFORE, (Run("m1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "a merge without a pull request is a commit",
        [
            *ROOT,
            branch("feature"),
            commit("c1", "08:00", on="feature"),
            commit("c2", "09:00"),
            merged_by_hand("feature", "main", "m1", "09:30"),
        ],
        [
            BEFORE,
            (Run("m1", at="10:00"), Ships({**BOTH, "m1": "10:00 - 09:30 = 1800"}, since="c0")),
        ],
    ),
    History(
        "a pull request that was turned down does not count, its commits do",
        [
            *FEATURE,
            closed(1),
            merged_by_hand("feature", "main", "m1", "09:30"),
        ],
        [
            BEFORE,
            (Run("m1", at="10:00"), Ships({**BOTH, "m1": "10:00 - 09:30 = 1800"}, since="c0")),
        ],
    ),
    History(
        "two pull requests in a deployment",
        [
            *FEATURE,
            branch("other", off="c0"),
            commit("d1", "08:30", on="other"),
            opened(2, "other", "08:40"),
            merged(2, "squash", "09:20"),
            merged(1, "merge", "09:30"),
        ],
        [
            BEFORE,
            (Run("#1", at="10:00"), Ships({**BOTH, "d1": "10:00 - 08:30 = 5400"}, since="c0")),
        ],
    ),
    *(
        History(
            f"a pull request into a pull request's branch, by {inner} and then by {outer}",
            [
                *ROOT,
                branch("outer"),
                commit("c1", "08:00", on="outer"),
                branch("inner", off="outer"),
                commit("c2", "09:00", on="inner"),
                opened(2, "inner", "09:05", base="outer"),
                opened(1, "outer", "09:10"),
                merged(2, inner, "09:15"),
                merged(1, outer, "09:30"),
            ],
            [BEFORE, (Run(deployed, at="10:00"), Ships(BOTH, since="c0"))],
        )
        for inner, outer, deployed in (
            ("merge", "merge", "#1"),
            ("merge", "squash", "#1"),
            ("merge", "rebase", "c2'"),
            ("squash", "merge", "#1"),
            ("squash", "squash", "#1"),
            ("squash", "rebase", "#2'"),
            ("rebase", "merge", "#1"),
            ("rebase", "squash", "#1"),
            ("rebase", "rebase", "c2''"),
        )
    ),
    *(
        History(
            f"main is merged back into a branch that is then merged by {how}",
            [
                *ROOT,
                branch("feature"),
                commit("c1", "08:00", on="feature"),
                commit("d1", "08:20"),
                merged_by_hand("main", "feature", "m1", "08:30"),
                commit("c2", "09:00", on="feature"),
                opened(1, "feature", "09:10"),
                merged(1, how, "09:30"),
            ],
            [
                BEFORE,
                (
                    Run(deployed, at="10:00"),
                    Ships(
                        {
                            **BOTH,
                            "d1": "10:00 - 08:20 = 6000",
                            "m1": "10:00 - 08:30 = 5400",
                        },
                        since="c0",
                    ),
                ),
            ],
        )
        for how, deployed in (("merge", "#1"), ("squash", "#1"), ("rebase", "c2'"))
    ),
    History(
        "two pull requests, one upon the other, share their first commit",
        [
            *ROOT,
            branch("first"),
            commit("c1", "08:00", on="first"),
            branch("second", off="first"),
            commit("c2", "09:00", on="second"),
            opened(1, "first", "09:05"),
            opened(2, "second", "09:10"),
            merged(1, "squash", "09:20"),
            merged(2, "squash", "10:10"),
        ],
        [
            BEFORE,
            (Run("#1", at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("#2", at="10:30"), Ships({"c2": "10:30 - 09:00 = 5400"}, since="#1")),
        ],
    ),
    History(
        "two pull requests, one upon the other, in one deployment",
        [
            *ROOT,
            branch("first"),
            commit("c1", "08:00", on="first"),
            branch("second", off="first"),
            commit("c2", "09:00", on="second"),
            opened(1, "first", "09:05"),
            opened(2, "second", "09:10"),
            merged(1, "squash", "09:20"),
            merged(2, "squash", "09:30"),
        ],
        [BEFORE, (Run("#2", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    *(
        History(
            f"a branch is used again after it was merged by {how}",
            [
                *ROOT,
                branch("feature"),
                commit("c1", "08:00", on="feature"),
                opened(1, "feature", "08:10"),
                merged(1, how, "08:20"),
                commit("c2", "09:00", on="feature"),
                opened(2, "feature", "09:10"),
                merged(2, how, "10:10"),
            ],
            [
                BEFORE,
                (Run(first, at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
                (Run(second, at="10:30"), Ships({"c2": "10:30 - 09:00 = 5400"}, since=first)),
            ],
        )
        for how, first, second in (("merge", "#1", "#2"), ("squash", "#1", "#2"))
    ),
    History(
        "the branch is gone when its squash is deployed",
        [*FEATURE, merged(1, "squash", "09:30"), {"delete_branch": "feature"}],
        [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    *(
        History(
            f"a fork's pull request, merged by {how}",
            [
                *ROOT,
                branch("jane:fix"),
                commit("c1", "08:00", on="jane:fix", author="Jane Doe"),
                commit("c2", "09:00", on="jane:fix", author="Jane Doe"),
                opened(1, "jane:fix", "09:10"),
                merged(1, how, "09:30"),
                {"delete_branch": "jane:fix"},
            ],
            [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
        )
        for how in ("merge", "squash")
    ),
    History(
        "names in any script",
        [
            *ROOT,
            branch("feature/košík-🛒"),
            commit(
                "c1", "08:00", on="feature/košík-🛒", author="Žofie Ørsted", message="Přidat košík"
            ),
            commit("c2", "09:00", on="feature/košík-🛒", author="山田 花子", message="カート"),
            opened(1, "feature/košík-🛒", "09:10", title='Košík „nový" \\ 🛒'),
            merged(1, "squash", "09:30"),
        ],
        [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
]

TIMES = [
    History(
        "an author date is a moment, whatever its time zone",
        [*ROOT, commit("c1", "10:00+02:00"), commit("c2", "04:00-05:00")],
        [BEFORE, (Run("c2", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "the author's date counts, not the committer's",
        [
            *ROOT,
            commit("c1", "08:00", committed="2026-11-02T09:20:00Z"),
            commit("c2", "09:00", committed="2026-11-02T09:21:00Z"),
        ],
        [BEFORE, (Run("c2", at="10:00"), Ships(BOTH, since="c0"))],
    ),
    History(
        "seconds count, and days",
        [*ROOT, commit("c1", "01 23:59:59"), commit("c2", "09:59:59")],
        [
            BEFORE,
            (
                Run("c2", at="03 10:00:01"),
                Ships(
                    {
                        "c1": "03 10:00:01 - 01 23:59:59 = 122402",
                        "c2": "03 10:00:01 - 02 09:59:59 = 86402",
                    },
                    since="c0",
                ),
            ),
        ],
    ),
    History(
        "a commit dated after the deployment is left out",
        [*ROOT, commit("c1", "08:00"), commit("c2", "12:00"), commit("c3", "10:00:01")],
        [
            BEFORE,
            (
                Run("c3", at="10:00"),
                Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0", left_out=("c2", "c3")),
            ),
        ],
    ),
    History(
        "a commit dated at the deployment took no time",
        [*ROOT, commit("c1", "10:00")],
        [BEFORE, (Run("c1", at="10:00"), Ships({"c1": "10:00 - 10:00 = 0"}, since="c0"))],
    ),
    History(
        "all commits are dated after the deployment",
        [*ROOT, commit("c1", "12:00"), commit("c2", "12:30")],
        [BEFORE, (Run("c2", at="10:00"), Ignored("no-usable-commit-time"))],
    ),
    History(
        "a squash whose own commits are dated after the deployment",
        [
            *ROOT,
            branch("feature"),
            commit("c1", "12:00", on="feature"),
            commit("c2", "08:00", on="feature"),
            opened(1, "feature", "08:10"),
            merged(1, "squash", "08:20"),
        ],
        [
            BEFORE,
            (
                Run("#1", at="10:00"),
                Ships({"c2": "10:00 - 08:00 = 7200"}, since="c0", left_out=("c1",)),
            ),
        ],
    ),
    History(
        "an empty commit is a commit",
        [*ROOT, commit("c1", "08:00"), commit("empty", "09:00", message="chore: run the pipeline")],
        [
            BEFORE,
            (
                Run("empty", at="10:00"),
                Ships({"c1": "10:00 - 08:00 = 7200", "empty": "10:00 - 09:00 = 3600"}, since="c0"),
            ),
        ],
    ),
]

SIZES = [
    History(
        "300 commits fill three pages",
        [*ROOT, commits("c", 300, "07:40", every=20)],
        [
            BEFORE,
            (
                Run("c300", at="10:00"),
                Ships({f"c{n}": 8400 - 20 * (n - 1) for n in range(1, 301)}, since="c0"),
            ),
        ],
    ),
    *(
        History(
            f"a pull request of 300 commits is merged by {how}",
            [
                *ROOT,
                branch("feature"),
                commits("c", 300, "07:40", every=20, on="feature"),
                opened(1, "feature", "09:25"),
                merged(1, how, "09:30"),
            ],
            [
                BEFORE,
                (
                    Run(deployed, at="10:00"),
                    Ships({f"c{n}": 8400 - 20 * (n - 1) for n in range(1, 301)}, since="c0"),
                ),
            ],
        )
        for how, deployed in (("squash", "#1"), ("rebase", "c300'"))
    ),
    History(
        "200 commits of the same second are 200 values",
        [*ROOT, commits("c", 200, "08:00", every=0)],
        [
            BEFORE,
            (
                Run("c200", at="10:00"),
                Ships({f"c{n}": 2 * 3600 for n in range(1, 201)}, since="c0"),
            ),
        ],
    ),
]

FIRST = [
    History(
        "the first deployment of what was pushed ships that commit alone",
        PUSHED,
        [(Run("c2", at="10:00"), Ships({"c2": "10:00 - 09:00 = 3600"}, None))],
    ),
    *(
        History(
            f"the first deployment of a pull request, merged by {how}, ships its commits",
            [*FEATURE, merged(1, how, "09:30")],
            [(Run(deployed, at="10:00"), Ships(BOTH, None))],
        )
        for how, deployed in (("merge", "#1"), ("squash", "#1"), ("rebase", "c2'"))
    ),
    History(
        "the first deployment of a pull request, merged by a push, ships its commits",
        [*FEATURE, pushed("feature", "main", "09:30")],
        [(Run("c2", at="10:00"), Ships(BOTH, None))],
    ),
    History(
        "the first deployment of a pull request into a pull request's branch",
        [
            *ROOT,
            branch("outer"),
            commit("c1", "08:00", on="outer"),
            branch("inner", off="outer"),
            commit("c2", "09:00", on="inner"),
            opened(2, "inner", "09:05", base="outer"),
            opened(1, "outer", "09:10"),
            merged(2, "squash", "09:15"),
            merged(1, "merge", "09:30"),
        ],
        [(Run("#1", at="10:00"), Ships(BOTH, None))],
    ),
    History(
        "executions that never reached production do not come before",
        PUSHED,
        [
            (Run("c0", at="07:30", status="Failed"), None),
            (Run("c0", at="07:40", status="Stopped"), None),
            (Run("c1", at="08:30", status="Superseded"), None),
            (Run("c0", at="08:40", branch="develop"), Ignored("not-production")),
            (Run("c2", at="10:00"), Ships({"c2": "10:00 - 09:00 = 3600"}, None)),
        ],
    ),
    History(
        "a pipeline that had deployed another repository",
        PUSHED,
        [
            (
                Run("t1", at="07:30", pipeline=Pipeline("web", ("acme/theme",))),
                Ships({"t1": "07:30 - 07:00 = 1800"}, None),
            ),
            (Run("c2", at="10:00"), Ships({"c2": "10:00 - 09:00 = 3600"}, None)),
        ],
        others=[{"repository": "acme/theme", "steps": [commit("t1", "07:00")]}],
    ),
]

DEPLOYMENTS = [
    History(
        "a deployment ships what superseded and failed executions did not",
        [*ROOT, commit("c1", "08:00"), commit("c2", "09:00"), commit("c3", "09:30")],
        [
            BEFORE,
            (Run("c1", at="08:30", status="Superseded"), None),
            (Run("c2", at="09:25", status="Failed"), None),
            (
                Run("c3", at="10:00"),
                Ships({**BOTH, "c3": "10:00 - 09:30 = 1800"}, since="c0"),
            ),
        ],
    ),
    History(
        "a redeployment ships nothing",
        [*ROOT, commit("c1", "08:00")],
        [
            BEFORE,
            (Run("c1", at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("c1", at="11:00", trigger=False), Ignored("no-new-commits")),
        ],
    ),
    History(
        "a rollback ships nothing, and what it undid had been in production",
        [*ROOT, commit("c1", "08:00"), commit("c2", "10:30")],
        [
            BEFORE,
            (Run("c1", at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("c0", at="10:20", rollback=True), Ignored("rollback")),
            (Run("c2", at="11:00"), Ships({"c2": "11:00 - 10:30 = 1800"}, since="c1")),
        ],
    ),
    History(
        "an older commit is deployed anew",
        PUSHED,
        [
            BEFORE,
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (Run("c1", at="10:30", trigger=False), Ignored("no-new-commits")),
        ],
    ),
    History(
        "after an older commit a newer one is deployed again",
        PUSHED,
        [
            BEFORE,
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (Run("c1", at="10:30", trigger=False), Ignored("no-new-commits")),
            (Run("c2", at="11:00", trigger=False), Ignored("no-new-commits")),
        ],
    ),
    History(
        "after an older commit a new one is deployed",
        [*ROOT, commit("c1", "08:00"), commit("c2", "09:00"), commit("c3", "10:40")],
        [
            BEFORE,
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (Run("c1", at="10:30", trigger=False), Ignored("no-new-commits")),
            (Run("c3", at="11:00"), Ships({"c3": "11:00 - 10:40 = 1200"}, since="c1")),
        ],
    ),
    History(
        "an execution is retried and succeeds after a later one",
        [*ROOT, commit("c1", "08:00"), commit("c2", "09:00"), commit("c3", "10:10")],
        [
            BEFORE,
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (
                Run("c1", at="11:00", started="08:10", failed_first="08:20"),
                Ignored("no-new-commits"),
            ),
        ],
    ),
    History(
        "an execution is retried and succeeds before a later one",
        PUSHED,
        [
            BEFORE,
            (
                Run("c1", at="09:30", started="08:10", failed_first="08:20"),
                Ships({"c1": "09:30 - 08:00 = 5400"}, since="c0"),
            ),
            (
                Run("c2", at="10:00", started="09:05"),
                Ships({"c2": "10:00 - 09:00 = 3600"}, since="c1"),
            ),
        ],
    ),
    History(
        "a hotfix overtakes what is being developed",
        [
            *ROOT,
            branch("develop"),
            commit("d1", "07:45", on="develop"),
            branch("hotfix/oi-0000000000a1", off="c0"),
            commit("c1", "08:00", on="hotfix/oi-0000000000a1"),
            commit("c2", "09:00", on="hotfix/oi-0000000000a1"),
            opened(1, "hotfix/oi-0000000000a1", "09:10"),
            merged(1, "squash", "09:30"),
            merged_by_hand("main", "develop", "m1", "10:05"),
            opened(2, "develop", "10:10"),
            merged(2, "merge", "10:20"),
        ],
        [
            BEFORE,
            (Run("#1", at="10:00"), Ships(BOTH, since="c0")),
            (
                Run("#2", at="10:30"),
                Ships(
                    {"d1": "10:30 - 07:45 = 9900", "m1": "10:30 - 10:05 = 1500"},
                    since="#1",
                ),
            ),
        ],
    ),
    History(
        "work is reverted, and the revert is reverted",
        [
            *ROOT,
            commit("c1", "08:00"),
            reverted("c1", "r1", "10:05"),
            reverted("r1", "r2", "10:20"),
        ],
        [
            BEFORE,
            (Run("c1", at="10:00"), Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("r1", at="10:15"), Ships({"r1": "10:15 - 10:05 = 600"}, since="c1")),
            (Run("r2", at="10:30"), Ships({"r2": "10:30 - 10:20 = 600"}, since="r1")),
        ],
    ),
    History(
        "a branch is squashed, reverted, and landed again as it was",
        [
            *FEATURE,
            merged(1, "squash", "09:30"),
            reverted("#1", "r1", "10:05"),
            opened(2, "feature", "10:20"),
            merged(2, "squash", "10:25"),
        ],
        [
            BEFORE,
            (Run("#1", at="10:00"), Ships(BOTH, since="c0")),
            (Run("r1", at="10:15"), Ships({"r1": "10:15 - 10:05 = 600"}, since="#1")),
            (Run("#2", at="10:30"), Ships({"#2": "10:30 - 10:25 = 300"}, since="r1")),
        ],
    ),
    History(
        "a branch is squashed, reverted, and landed again with a correction",
        [
            *FEATURE,
            merged(1, "squash", "09:30"),
            reverted("#1", "r1", "10:05"),
            commit("c3", "10:10", on="feature"),
            opened(2, "feature", "10:20"),
            merged(2, "squash", "10:25"),
        ],
        [
            BEFORE,
            (Run("#1", at="10:00"), Ships(BOTH, since="c0")),
            (Run("r1", at="10:15"), Ships({"r1": "10:15 - 10:05 = 600"}, since="#1")),
            (Run("#2", at="10:30"), Ships({"c3": "10:30 - 10:10 = 1200"}, since="r1")),
        ],
    ),
    History(
        "a cherry-pick keeps its author's date, and the original comes later",
        [
            *ROOT,
            branch("develop"),
            commit("c1", "08:00", on="develop"),
            cherry_picked("c1", "main", "c1-again", "09:30"),
            opened(1, "develop", "10:10"),
            merged(1, "merge", "10:20"),
        ],
        [
            BEFORE,
            (Run("c1-again", at="10:00"), Ships({"c1-again": "10:00 - 08:00 = 7200"}, since="c0")),
            (Run("#1", at="10:30"), Ships({"c1": "10:30 - 08:00 = 9000"}, since="c1-again")),
        ],
    ),
    History(
        "main is force-pushed",
        [
            *ROOT,
            commit("c1", "08:00"),
            commit("c2", "09:00"),
            branch("rewritten", off="c1"),
            commit("c3", "10:10", on="rewritten"),
            force_pushed("rewritten", "main", "10:20"),
        ],
        [
            BEFORE,
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (Run("c3", at="10:30"), Ships({"c3": "10:30 - 10:10 = 1200"}, since="c2")),
        ],
    ),
    History(
        "main is force-pushed, and Git has forgotten what was in production",
        [
            *ROOT,
            commit("c1", "08:00"),
            commit("c2", "09:00"),
            branch("rewritten", off="c1"),
            commit("c3", "10:10", on="rewritten"),
            force_pushed("rewritten", "main", "10:20"),
            {"prune": "c2"},
        ],
        [
            BEFORE,
            (Run("c2", at="10:00"), None),
            (Run("c3", at="10:30"), Fails("GitHubNotFound")),
        ],
    ),
    History(
        "a tag starts a pipeline",
        [*FEATURE, merged(1, "squash", "09:30"), {"tag": "v1.0", "on": "#1"}],
        [BEFORE, (Run("#1", at="10:00", tag="v1.0"), Ships(BOTH, since="c0"))],
    ),
    History(
        "a pipeline is started by hand, and its events say nothing of commits",
        [*FEATURE, merged(1, "squash", "09:30")],
        [BEFORE, (Run("#1", at="10:00", trigger=False), Ships(BOTH, since="c0"))],
    ),
    History(
        "other branches are no deployments, nor do they come before any",
        [
            *FEATURE,
            merged(1, "squash", "09:30"),
        ],
        [
            BEFORE,
            (Run("c1", at="09:40", branch="feature"), Ignored("not-production")),
            (
                Run("c2", at="09:45", branch="feature", trigger=False),
                Ignored("not-production"),
            ),
            (Run("#1", at="10:00"), Ships(BOTH, since="c0")),
        ],
    ),
    History(
        "each pipeline of a monorepo has deployments of its own",
        PUSHED,
        [
            BEFORE,
            (
                Run("c1", at="09:30", pipeline=Pipeline("web-admin", ("acme/web",))),
                Ships({"c1": "09:30 - 08:00 = 5400"}, None),
            ),
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
            (
                Run("c2", at="10:30", pipeline=Pipeline("web-admin", ("acme/web",))),
                Ships({"c2": "10:30 - 09:00 = 5400"}, since="c1"),
            ),
        ],
    ),
    History(
        "of two sources the one that started the pipeline counts",
        PUSHED,
        [
            (
                Run(
                    "t1",
                    at="07:30",
                    pipeline=(bundle := Pipeline("b", ("acme/theme", "acme/web"))),
                    beside={"acme/web": "c0"},
                ),
                Ships({"t1": "07:30 - 07:00 = 1800"}, None),
            ),
            (
                Run(
                    "c1",
                    at="08:30",
                    pipeline=bundle,
                    source="acme/web",
                    beside={"acme/theme": "t1"},
                ),
                Ships({"c1": "08:30 - 08:00 = 1800"}, since="c0"),
            ),
            (
                Run("t2", at="09:30", pipeline=bundle, beside={"acme/web": "c1"}),
                Ships({"t2": "09:30 - 08:40 = 3000"}, since="t1"),
            ),
            (
                Run(
                    "c2",
                    at="10:00",
                    pipeline=bundle,
                    source="acme/web",
                    beside={"acme/theme": "t2"},
                ),
                Ships({"c2": "10:00 - 09:00 = 3600"}, since="c1"),
            ),
        ],
        others=[
            {"repository": "acme/theme", "steps": [commit("t1", "07:00"), commit("t2", "08:40")]}
        ],
    ),
    History(
        "a pipeline with a hundred failures between two deployments",
        PUSHED,
        [
            BEFORE,
            *(
                (
                    Run("c1", at=f"08:{10 + n // 10 * 2}:{n % 10 * 6:02}", status="Failed"),
                    None,
                )
                for n in range(110)
            ),
            (Run("c2", at="10:00"), Ships(BOTH, since="c0")),
        ],
    ),
    History(
        "a source elsewhere than on GitHub",
        ROOT,
        [
            (
                Run("c0", at="10:00", pipeline=Pipeline("legacy", ("acme/legacy",), "GitLab")),
                Ignored("unsupported-source"),
            ),
            (
                Run(
                    "c0",
                    at="10:30",
                    pipeline=Pipeline("legacy", ("acme/legacy",), "GitLab"),
                    trigger=False,
                ),
                Ignored("unsupported-source"),
            ),
        ],
    ),
    History(
        "a repository has another name now",
        [*FEATURE, merged(1, "squash", "09:30"), {"rename_repository": "acme/shop"}],
        [BEFORE, (Run("#1", at="10:00"), Ships(BOTH, since="c0"))],
    ),
]

BRANCHING_MODELS = [
    History(
        "a release of develop is what was developed",
        [
            *ROOT,
            branch("develop"),
            branch("one", off="develop"),
            commit("c1", "08:00", on="one"),
            opened(1, "one", "08:10", base="develop"),
            merged(1, "squash", "08:20"),
            branch("two", off="develop"),
            commit("c2", "09:00", on="two"),
            opened(2, "two", "09:05", base="develop"),
            merged(2, "merge", "09:10"),
            branch("release/1.0", off="develop"),
            commit("c3", "09:15", on="release/1.0"),
            opened(3, "release/1.0", "09:20"),
            merged(3, "merge", "09:30"),
            merged_by_hand("main", "develop", "m1", "09:40"),
        ],
        [
            BEFORE,
            (Run("#3", at="10:00"), Ships({**BOTH, "c3": "10:00 - 09:15 = 2700"}, since="c0")),
        ],
    ),
    History(
        "releases of develop are squashed, and develop goes on",
        [
            *ROOT,
            branch("develop"),
            branch("one", off="develop"),
            commit("c1", "08:00", on="one"),
            opened(1, "one", "08:10", base="develop"),
            merged(1, "squash", "08:20"),
            branch("two", off="develop"),
            commit("c2", "09:00", on="two"),
            opened(2, "two", "09:05", base="develop"),
            merged(2, "merge", "09:10"),
            opened(3, "develop", "09:20"),
            merged(3, "squash", "09:30"),
            branch("three", off="develop"),
            commit("c3", "09:50", on="three"),
            opened(4, "three", "10:05", base="develop"),
            merged(4, "squash", "10:10"),
            opened(5, "develop", "10:15"),
            merged(5, "squash", "10:20"),
        ],
        [
            BEFORE,
            (Run("#3", at="10:00"), Ships(BOTH, since="c0")),
            (Run("#5", at="10:30"), Ships({"c3": "10:30 - 09:50 = 2400"}, since="#3")),
        ],
    ),
    *(
        History(
            f"what is promoted to another branch later, by {how}, changes nothing",
            [
                *ROOT,
                branch("stable"),
                branch("feature"),
                commit("c1", "08:00", on="feature"),
                opened(1, "feature", "08:10"),
                merged(1, "squash", "08:20"),
                commit("c2", "09:00"),
                opened(9, "main", "10:05", base="stable"),
                merged(9, how, "10:10"),
            ],
            [BEFORE, (Run("c2", at="10:00"), Ships(BOTH, since="c0"))],
        )
        for how in ("merge", "squash", "rebase")
    ),
    History(
        "trunk-based: production is reached when its stage succeeds",
        PUSHED,
        [
            TRUNK_BEFORE,
            (
                Run("c2", at="10:00", ended="10:20", pipeline=PAYMENTS),
                Ships(BOTH, since="c0"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: a stage that fails after production takes nothing back",
        PUSHED,
        [
            TRUNK_BEFORE,
            (
                Run("c1", at="09:30", ended="09:50", status="Failed", pipeline=PAYMENTS),
                Ships({"c1": "09:30 - 08:00 = 5400"}, since="c0"),
            ),
            (
                Run("c2", at="10:00", ended="10:20", pipeline=PAYMENTS),
                Ships({"c2": "10:00 - 09:00 = 3600"}, since="c1"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: a production stage that fails is none",
        PUSHED,
        [
            TRUNK_BEFORE,
            (Run("c1", at="09:30", status="Failed", pipeline=PAYMENTS), None),
            (
                Run("c2", at="10:00", ended="10:20", pipeline=PAYMENTS),
                Ships(BOTH, since="c0"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: production is retried, while a later execution passes by",
        [*ROOT, commit("c1", "08:00"), commit("c2", "09:00"), commit("c3", "10:40")],
        [
            TRUNK_BEFORE,
            (
                Run("c2", at="10:00", ended="10:20", pipeline=PAYMENTS),
                Ships(BOTH, since="c0"),
            ),
            (
                Run(
                    "c1",
                    at="10:30",
                    started="08:10",
                    failed_first="08:20",
                    ended="10:35",
                    pipeline=PAYMENTS,
                ),
                Ignored("no-new-commits"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: the execution before is still under way after production",
        PUSHED,
        [
            TRUNK_BEFORE,
            (
                Run("c1", at="09:30", ended="10:30", status="InProgress", pipeline=PAYMENTS),
                Ships({"c1": "09:30 - 08:00 = 5400"}, since="c0"),
            ),
            (
                Run("c2", at="10:00", ended="10:20", pipeline=PAYMENTS),
                Ships({"c2": "10:00 - 09:00 = 3600"}, since="c1"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: a rollback ships nothing",
        [*ROOT, commit("c1", "08:00"), commit("c2", "10:10")],
        [
            TRUNK_BEFORE,
            (
                Run("c1", at="10:00", ended="10:05", pipeline=PAYMENTS),
                Ships({"c1": "10:00 - 08:00 = 7200"}, since="c0"),
            ),
            (
                Run("c0", at="10:20", rollback=True, ended="10:21", pipeline=PAYMENTS),
                Ignored("rollback"),
            ),
            (
                Run("c2", at="10:30", ended="10:35", pipeline=PAYMENTS),
                Ships({"c2": "10:30 - 10:10 = 1200"}, since="c1"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
    History(
        "trunk-based: any branch",
        [
            *ROOT,
            branch("hotfix"),
            commit("c1", "08:00", on="hotfix"),
            commit("c2", "09:00", on="hotfix"),
        ],
        [
            TRUNK_BEFORE,
            (
                Run("c2", at="10:00", ended="10:20", branch="hotfix", pipeline=PAYMENTS),
                Ships(BOTH, since="c0"),
            ),
        ],
        repository=TRUNK_BASED,
    ),
]

HISTORIES = [*MERGING, *TIMES, *SIZES, *FIRST, *DEPLOYMENTS, *BRANCHING_MODELS]
