"""Words for the steps of a history (see `stage.github.story`), with times as `pipelines` has them.

Each is one step, so that a table of histories can be read.
"""

from typing import Any

from end_to_end.pipelines import written

Step = dict[str, Any]


def commit(label: str, authored: str, *, on: str = "main", **more: str) -> Step:
    """Somebody commits to a branch."""
    return {"commit": label, "on": on, "authored": written(authored), **more}


def commits(prefix: str, count: int, first: str, *, every: int, on: str = "main") -> Step:
    """Somebody commits to a branch, every so many seconds."""
    step = {"commits": prefix, "count": count, "on": on, "authored": written(first)}
    return {**step, "every": every}


def branch(name: str, *, off: str = "main") -> Step:
    """A branch begins."""
    return {"branch": name, "off": off}


def opened(number: int, head: str, at: str, *, base: str = "main", title: str = "Do it") -> Step:
    """Somebody asks for a branch to be pulled."""
    return {"pull_request": number, "head": head, "base": base, "title": title, "at": written(at)}


def merged(number: int, how: str, at: str) -> Step:
    """A pull request is merged on the website."""
    return {"merge_pull_request": number, "how": how, "at": written(at)}


def closed(number: int) -> Step:
    """A pull request is turned down."""
    return {"close_pull_request": number}


def merged_by_hand(revision: str, into: str, label: str, at: str) -> Step:
    """Somebody merges with Git, and pushes."""
    return {"merge": revision, "into": into, "label": label, "at": written(at)}


def pushed(revision: str, to: str, at: str) -> Step:
    """A branch is fast-forwarded."""
    return {"push": revision, "to": to, "at": written(at)}


def force_pushed(revision: str, to: str, at: str) -> Step:
    """A branch is made to point elsewhere."""
    return {"force_push": revision, "to": to, "at": written(at)}


def reverted(revision: str, label: str, at: str) -> Step:
    """Somebody undoes a commit on the main branch."""
    return {"revert": revision, "on": "main", "label": label, "at": written(at)}


def cherry_picked(revision: str, on: str, label: str, at: str) -> Step:
    """Somebody repeats a commit on another branch."""
    return {"cherry_pick": revision, "on": on, "label": label, "at": written(at)}
