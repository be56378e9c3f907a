"""What a repository on GitHub holds: Git's graph of commits, and the pull requests around it."""

import hashlib
import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

State = Literal["OPEN", "CLOSED", "MERGED"]


@dataclass(frozen=True)
class Commit:
    """A commit. Its place in the order of creation settles the order among equal times."""

    repository: "Repository" = field(repr=False, compare=False)
    sha: str
    parents: tuple[str, ...]
    message: str
    author: str
    authored: datetime
    committer: str
    committed: datetime
    place: int

    @property
    def headline(self) -> str:
        """Return the first line of the message."""
        return self.message.partition("\n")[0]


@dataclass
class PullRequest:
    """A pull request. What it once had stays when its branch is gone."""

    number: int
    title: str
    head: str
    base: str
    created: datetime
    head_sha: str
    commits: list[Commit]
    state: State = "OPEN"
    merged: datetime | None = None
    merge_commit: Commit | None = None
    introduced: list[Commit] = field(default_factory=list)

    @property
    def head_name(self) -> str:
        """Return the name of its head branch, wherever that is."""
        return self.head.rpartition(":")[2]

    @property
    def from_fork(self) -> bool:
        """Return whether its head branch is in a fork: such a branch is named `owner:branch`."""
        return ":" in self.head


@dataclass(frozen=True)
class Comparison:
    """Two commits, and what lies between them."""

    base: Commit
    head: Commit
    merge_base: Commit
    ahead: list[Commit]
    behind_by: int

    @property
    def status(self) -> str:
        """Return GitHub's word for it."""
        match bool(self.ahead), bool(self.behind_by):
            case True, True:
                return "diverged"
            case True, False:
                return "ahead"
            case False, True:
                return "behind"
            case _:
                return "identical"


class Repository:
    """A repository, with the branches of its forks: a fork shares the commits."""

    def __init__(self, name: str, default_branch: str) -> None:
        self.name = name
        self.id = int(hashlib.sha1(name.encode()).hexdigest()[:7], 16)
        self.former_names: list[str] = []
        self.default_branch = default_branch
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.pull_requests: dict[int, PullRequest] = {}

    def resolve(self, revision: str) -> Commit | None:
        """Find a commit by its SHA, an unambiguous part of that, a branch or a tag."""
        for known in (self.branches, self.tags):
            if revision in known:
                return self.commits[known[revision]]
        if revision in self.commits:
            return self.commits[revision]
        if len(revision) < 7:
            return None
        found = [commit for sha, commit in self.commits.items() if sha.startswith(revision)]
        return found[0] if len(found) == 1 else None

    def reachable(self, *tips: str) -> set[str]:
        """Return the commits of these tips' histories, tips included."""
        seen: set[str] = set()
        pending = list(tips)
        while pending:
            sha = pending.pop()
            if sha not in seen:
                seen.add(sha)
                pending += self.commits[sha].parents
        return seen

    def first_parents(self, sha: str) -> Iterator[Commit]:
        """Yield a commit and, going back, what its branch pointed to before it."""
        while True:
            commit = self.commits[sha]
            yield commit
            if not commit.parents:
                return
            sha = commit.parents[0]

    def between(self, base: str, head: str) -> list[Commit]:
        """Return what `git log base..head` shows, oldest first."""
        return self.in_order(self.reachable(head) - self.reachable(base))

    def in_order(self, shas: Collection[str]) -> list[Commit]:
        """Sort commits by time, but never a child before its parent."""
        waiting: dict[str, int] = {}
        children: dict[str, list[Commit]] = {}
        for sha in shas:
            parents = [parent for parent in self.commits[sha].parents if parent in shas]
            waiting[sha] = len(parents)
            for parent in parents:
                children.setdefault(parent, []).append(self.commits[sha])
        ready = [_by_time(self.commits[sha]) for sha, count in waiting.items() if not count]
        heapq.heapify(ready)
        ordered = []
        while ready:
            commit = heapq.heappop(ready)[2]
            ordered.append(commit)
            for child in children.get(commit.sha, []):
                waiting[child.sha] -= 1
                if not waiting[child.sha]:
                    heapq.heappush(ready, _by_time(child))
        return ordered

    def compare(self, base: Commit, head: Commit) -> Comparison:
        """Compare by three dots."""
        common = self.reachable(base.sha) & self.reachable(head.sha)
        inner = {parent for sha in common for parent in self.commits[sha].parents}
        return Comparison(
            base=base,
            head=head,
            merge_base=self.in_order(common - inner)[-1],
            ahead=self.between(base.sha, head.sha),
            behind_by=len(self.between(head.sha, base.sha)),
        )

    def associated(self, commit: Commit) -> list[PullRequest]:
        """Return the pull requests associated with a commit, in the order of their creation."""
        state = {"MERGED"} if commit.sha in self._on_default_branch else {"MERGED", "OPEN"}
        found = [each for each in self._by_commit.get(commit.sha, []) if each.state in state]
        return sorted(found, key=lambda each: (each.created, each.number))

    # A repository does not change once its story is told and the first question is asked.

    @cached_property
    def _on_default_branch(self) -> set[str]:
        return self.reachable(self.branches[self.default_branch])

    @cached_property
    def _by_commit(self) -> dict[str, list[PullRequest]]:
        index: dict[str, list[PullRequest]] = {}
        for pull_request in self.pull_requests.values():
            for sha in {each.sha for each in [*pull_request.commits, *pull_request.introduced]}:
                index.setdefault(sha, []).append(pull_request)
        return index


def _by_time(commit: Commit) -> tuple[datetime, int, Commit]:
    return commit.committed, commit.place, commit
