"""Tells a repository's history in steps, as scenarios write it down.

A history is `{"repository": "acme/web", "steps": […]}`; its default branch is that of the first
commit. The first key of a step says what happens:

    {"commit": "c1", "on": "main", "authored": TIME}
        and, if need be, "committed": TIME, "message": TEXT, "author": NAME
    {"commits": "c", "count": 300, "on": "main", "authored": TIME, "every": SECONDS}
        the commits c1 to c300, the first at that time
    {"branch": "feature/cart", "off": REVISION}
    {"pull_request": 12, "head": "feature/cart", "base": "main", "title": TEXT, "at": TIME}
    {"merge_pull_request": 12, "how": "merge" or "squash" or "rebase", "at": TIME}
        its new commit is labelled #12; commits rebased from c1 and c2 are c1' and c2'
    {"close_pull_request": 12}
    {"merge": REVISION, "into": "feature/cart", "label": "m1", "at": TIME}
        with Git, by hand
    {"push": REVISION, "to": "main", "at": TIME}
        what fast-forwards; "force_push" takes anything
    {"revert": "c1", "on": "main", "label": "r1", "at": TIME}
    {"cherry_pick": "c1", "on": "release", "label": "c1-again", "at": TIME}
    {"tag": "v1.0", "on": REVISION}
    {"delete_branch": "feature/cart"}
    {"prune": "c3"}
        Git forgets a commit that nothing leads to any more
    {"rename_repository": "acme/shop"}

A REVISION is a commit's label, a branch or a tag. The branch `jane:fix` is `fix` in Jane's fork.
Commits carry no files: what they change is of no interest here, so each could be an empty one.

Everywhere else in a scenario, `{{acme/web@c1}}` stands for the SHA of the commit labelled c1.
"""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stage.github.repository import Commit, PullRequest, Repository, State

if TYPE_CHECKING:
    from collections.abc import Callable

AUTHOR = "Ada Example"
GITHUB = "GitHub"
"""The committer of what is merged on the website."""

_REFERENCE = re.compile(r"\{\{([^{}@]+)@([^{}]+)\}\}")


def sha(repository: str, label: str) -> str:
    """Return the SHA of a commit. It depends on nothing but these two names."""
    return hashlib.sha1(f"{repository}@{label}".encode()).hexdigest()


def tell(history: dict[str, Any]) -> Repository:
    """Return the repository that comes of a history, or name the step that makes no sense."""
    return _tell(history).repository


def expand(document: Any) -> Any:
    """Return the document with the SHA of every commit that it refers to by label."""
    histories = {each["repository"]: _tell(each) for each in document.get("github", [])}

    def replace(found: re.Match[str]) -> str:
        name, label = found.groups()
        if name not in histories or sha(name, label) not in histories[name].labels:
            raise ValueError(f"{found[0]}: no history tells of this commit")
        return sha(name, label)

    return json.loads(_REFERENCE.sub(replace, json.dumps(document, ensure_ascii=False)))


def _tell(history: dict[str, Any]) -> "_Teller":
    first = next((step for step in history["steps"] if "on" in step), {"on": "main"})
    teller = _Teller(Repository(history["repository"], first["on"]))
    for number, step in enumerate(history["steps"], 1):
        (verb, subject), *details = step.items()
        where = f"{history['repository']}, step {number} ({verb} {subject})"
        try:
            teller.verbs[verb](subject, **dict(details))
        except KeyError as error:
            raise ValueError(f"{where}: there is no {error}") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from error
    return teller


class _Teller:
    """Does the steps."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._origin = repository.name
        self.labels: dict[str, str] = {}
        self.verbs: dict[str, Callable[..., None]] = {
            "commit": self._commit,
            "commits": self._commits,
            "branch": self._branch,
            "pull_request": self._pull_request,
            "merge_pull_request": self._merge_pull_request,
            "close_pull_request": self._close_pull_request,
            "merge": self._merge,
            "push": self._push,
            "force_push": self._force_push,
            "revert": self._revert,
            "cherry_pick": self._cherry_pick,
            "tag": self._tag,
            "delete_branch": self._delete_branch,
            "prune": self._prune,
            "rename_repository": self._rename,
        }

    def _commit(
        self,
        label: str,
        *,
        on: str,
        authored: str,
        committed: str | None = None,
        message: str | None = None,
        author: str = AUTHOR,
    ) -> None:
        written = _time(authored)
        made = _time(committed) if committed else written
        parents = self._tip(on)
        commit = self._add(label, parents, message or label, author, written, author, made)
        self._move(on, commit, made)

    def _commits(self, prefix: str, *, count: int, on: str, authored: str, every: int) -> None:
        for number in range(count):
            at = _time(authored) + timedelta(seconds=number * every)
            self._commit(f"{prefix}{number + 1}", on=on, authored=at.isoformat())

    def _branch(self, name: str, *, off: str) -> None:
        if name in self.repository.branches:
            raise ValueError("it exists")
        self.repository.branches[name] = self._find(off).sha

    def _pull_request(self, number: int, *, head: str, base: str, title: str, at: str) -> None:
        repository = self.repository
        if number in repository.pull_requests:
            raise ValueError("it exists")
        tip = repository.branches[head]
        commits = repository.between(repository.branches[base], tip)
        if not commits:
            raise ValueError(f"{base} has all commits of {head}")
        opened = PullRequest(number, title, head, base, _time(at), tip, commits)
        repository.pull_requests[number] = opened

    def _merge_pull_request(self, number: int, *, how: str, at: str) -> None:
        merging = self._open(number)
        made = _time(at)
        base = self.repository.branches[merging.base]
        label = f"#{number}"
        match how:
            case "merge":
                owner = merging.head.rpartition(":")[0] or self.repository.name.split("/")[0]
                message = (
                    f"Merge pull request #{number} from {owner}/{merging.head_name}"
                    f"\n\n{merging.title}"
                )
                parents = (base, merging.head_sha)
                introduced = [self._add(label, parents, message, AUTHOR, made, GITHUB, made)]
            case "squash":
                message = _squashed_message(merging)
                introduced = [self._add(label, (base,), message, AUTHOR, made, GITHUB, made)]
            case "rebase":
                introduced = self._rebase(merging.commits, base, made)
            case _:
                raise ValueError(f"{how} is no way to merge")
        self._end(merging, "MERGED", introduced, made)
        self._move(merging.base, introduced[-1], made)

    def _rebase(self, commits: list[Commit], onto: str, made: datetime) -> list[Commit]:
        rebased: list[Commit] = []
        for each in commits:
            if len(each.parents) < 2:
                parent = rebased[-1].sha if rebased else onto
                label = f"{self.labels[each.sha]}'"
                rebased.append(
                    self._add(
                        label, (parent,), each.message, each.author, each.authored, GITHUB, made
                    )
                )
        return rebased

    def _close_pull_request(self, number: int) -> None:
        self._end(self._open(number), "CLOSED", [], None)

    def _merge(self, revision: str, *, into: str, label: str, at: str) -> None:
        made = _time(at)
        parents = (*self._tip(into), self._find(revision).sha)
        kind = "branch " if revision in self.repository.branches else ""
        message = f"Merge {kind}'{revision}' into {into}"
        self._move(into, self._add(label, parents, message, AUTHOR, made, AUTHOR, made), made)

    def _push(self, revision: str, *, to: str, at: str) -> None:
        tip = self._find(revision)
        before = self.repository.branches[to]
        if before not in self.repository.reachable(tip.sha):
            raise ValueError("it does not fast-forward")
        self._move(to, tip, _time(at))

    def _force_push(self, revision: str, *, to: str, at: str) -> None:
        self._move(to, self._find(revision), _time(at))

    def _revert(self, revision: str, *, on: str, label: str, at: str) -> None:
        undone, made = self._find(revision), _time(at)
        message = f'Revert "{undone.headline}"\n\nThis reverts commit {undone.sha}.'
        commit = self._add(label, self._tip(on), message, AUTHOR, made, AUTHOR, made)
        self._move(on, commit, made)

    def _cherry_pick(self, revision: str, *, on: str, label: str, at: str) -> None:
        picked, made = self._find(revision), _time(at)
        commit = self._add(
            label, self._tip(on), picked.message, picked.author, picked.authored, AUTHOR, made
        )
        self._move(on, commit, made)

    def _tag(self, name: str, *, on: str) -> None:
        self.repository.tags[name] = self._find(on).sha

    def _delete_branch(self, name: str) -> None:
        for each in self.repository.pull_requests.values():
            if each.state == "OPEN" and name in (each.head, each.base):
                raise ValueError(f"pull request {each.number} is open")
        del self.repository.branches[name]

    def _prune(self, label: str) -> None:
        repository = self.repository
        pulled = [each.head_sha for each in repository.pull_requests.values()]
        tips = [*repository.branches.values(), *repository.tags.values(), *pulled]
        gone = self._find(label).sha
        kept = {sha for sha in repository.commits if gone in repository.reachable(sha)} - {gone}
        if kept or gone in repository.reachable(*tips):
            raise ValueError("something still leads to it")
        del repository.commits[gone]

    def _rename(self, name: str) -> None:
        self.repository.former_names.append(self.repository.name)
        self.repository.name = name

    def _add(
        self,
        label: str,
        parents: tuple[str, ...],
        message: str,
        author: str,
        authored: datetime,
        committer: str,
        committed: datetime,
    ) -> Commit:
        commits = self.repository.commits
        commit = Commit(
            repository=self.repository,
            sha=sha(self._origin, label),
            parents=parents,
            message=message,
            author=author,
            authored=authored,
            committer=committer,
            committed=committed,
            place=len(self.labels),
        )
        if commit.sha in self.labels:
            raise ValueError(f"there is a commit {label} already")
        self.labels[commit.sha] = label
        commits[commit.sha] = commit
        return commit

    def _find(self, revision: str) -> Commit:
        by_label = self.repository.commits.get(sha(self._origin, revision))
        found = by_label or self.repository.resolve(revision)
        if found is None:
            raise KeyError(revision)
        return found

    def _tip(self, branch: str) -> tuple[str, ...]:
        branches = self.repository.branches
        return (branches[branch],) if branches else ()

    def _move(self, branch: str, tip: Commit, at: datetime) -> None:
        """Let a branch point to a commit, and GitHub see what that means for pull requests."""
        repository = self.repository
        repository.branches[branch] = tip.sha
        for each in repository.pull_requests.values():
            if each.state != "OPEN" or branch not in (each.head, each.base):
                continue
            if branch == each.base and each.head_sha in repository.reachable(tip.sha):
                self._end(each, "MERGED", [self._introduction(each, tip)], at)
                continue
            each.head_sha = repository.branches[each.head]
            each.commits = repository.between(repository.branches[each.base], each.head_sha)

    def _introduction(self, merged: PullRequest, tip: Commit) -> Commit:
        """Find the commit with which a branch came to have a pull request's commits."""
        found = tip
        for each in self.repository.first_parents(tip.sha):
            if merged.head_sha not in self.repository.reachable(each.sha):
                break
            found = each
        return found

    def _open(self, number: int) -> PullRequest:
        found = self.repository.pull_requests[number]
        if found.state != "OPEN":
            raise ValueError(f"it is {found.state.lower()}")
        return found

    def _end(
        self, pull_request: PullRequest, state: State, introduced: list[Commit], at: datetime | None
    ) -> None:
        pull_request.state = state
        pull_request.introduced = introduced
        if introduced:
            pull_request.merged = at
            pull_request.merge_commit = introduced[-1]


def _squashed_message(squashed: PullRequest) -> str:
    """Word the commit as GitHub does by default: a single commit keeps its own words."""
    subject, _, body = squashed.commits[0].message.partition("\n")
    if len(squashed.commits) > 1:
        subject = squashed.title
        body = "\n\n".join(f"* {each.message}" for each in squashed.commits)
    return f"{subject} (#{squashed.number})\n\n{body.strip()}".strip()


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at.astimezone(UTC)
