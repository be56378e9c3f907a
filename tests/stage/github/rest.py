"""GitHub over REST: commits, comparisons, and the commits of pull requests."""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode

from stage.github.repository import Commit, Repository
from stage.github.story import AUTHOR, GITHUB
from stage.github.wire import Answer, Request, refusal, utc

_LOGINS = {AUTHOR: "ada-example", GITHUB: "web-flow"}
"""Who has an account. Of all others, GitHub knows only what Git says."""

_PER_PAGE, _MOST_PER_PAGE = 30, 100
_WITHOUT_PAGES = 250
"""So many commits has a comparison that is asked for without pages, and a pull request at most."""

Play = Callable[["_Question", str], Answer]


class _Question:
    """A request about a repository."""

    def __init__(self, request: Request, repository: Repository, short: bool) -> None:
        self.request = request
        self.repository = repository
        self.short = short
        self.url = f"{request.base}/repos/{repository.name}"
        self.html_url = f"https://github.com/{repository.name}"


def operation(request: Request) -> tuple[str, str]:
    """Return what a request asks for, and of which repository, named or numbered."""
    about, rest = _split(request.path)
    return next((name for name, (form, _) in _PLAYED.items() if form.fullmatch(rest)), ""), about


def answer(
    request: Request, find: Callable[[str], Repository | None], *, short: bool = False
) -> Answer:
    """Answer a request; `short` leaves a part out, and says nothing of it."""
    about, rest = _split(request.path)
    played = [(play, found) for form, play in _PLAYED.values() if (found := form.fullmatch(rest))]
    if not played or request.method != "GET":
        return refusal(501, f"The stage does not play {request.method} {request.path}.")
    repository = find(about)
    if repository is None:
        return refusal(404, "Not Found")
    if about.casefold() in map(str.casefold, repository.former_names):
        query = f"?{request.query}" if request.query else ""
        moved_to = f"{request.base}/repositories/{repository.id}/{rest}{query}"
        moved = refusal(301, "Moved Permanently", {"Location": moved_to})
        moved.document["url"] = moved_to
        return moved
    ((play, found),) = played
    return play(_Question(request, repository, short), unquote(found[1]))


def _split(path: str) -> tuple[str, str]:
    form = r"/(?:repos/(?P<name>[^/]+/[^/]+)|repositories/(?P<id>\d+))/(?P<rest>.+)"
    found = re.fullmatch(form, path)
    return (unquote(found["name"] or found["id"]), found["rest"]) if found else ("", "")


def _compare(question: _Question, range_: str) -> Answer:
    repository, request = question.repository, question.request
    base, dots, head = range_.partition("...")
    commits = [repository.resolve(revision) for revision in (base, head)]
    if not dots or commits[0] is None or commits[1] is None:
        return refusal(404, "Not Found")
    comparison = repository.compare(commits[0], commits[1])
    links: dict[str, str] = {}
    if {"page", "per_page"} & request.parameters.keys():
        shown, links = _page(question, comparison.ahead)
    else:
        shown = comparison.ahead[-_WITHOUT_PAGES:]
    if question.short:
        shown, links = shown[: len(shown) // 2], {}
    between = f"{comparison.base.sha}...{comparison.head.sha}"
    document = {
        "url": f"{question.url}/compare/{range_}",
        "html_url": f"{question.html_url}/compare/{range_}",
        "permalink_url": f"{question.html_url}/compare/{between}",
        "diff_url": f"{question.html_url}/compare/{range_}.diff",
        "patch_url": f"{question.html_url}/compare/{range_}.patch",
        "base_commit": _commit(question, comparison.base),
        "merge_base_commit": _commit(question, comparison.merge_base),
        "status": comparison.status,
        "ahead_by": len(comparison.ahead),
        "behind_by": comparison.behind_by,
        "total_commits": len(comparison.ahead),
        "commits": [_commit(question, each) for each in shown],
    }
    if _number(request, "page", 1) == 1:
        document["files"] = []
    return Answer(200, document, links)


def _one_commit(question: _Question, revision: str) -> Answer:
    commit = question.repository.resolve(revision)
    if commit is None:
        return refusal(422, f"No commit found for SHA: {revision}")
    changes = {"stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []}
    return Answer(200, _commit(question, commit) | changes)


def _commits_of_pull_request(question: _Question, number: str) -> Answer:
    pull_request = question.repository.pull_requests.get(int(number))
    if pull_request is None:
        return refusal(404, "Not Found")
    shown, links = _page(question, pull_request.commits[:_WITHOUT_PAGES])
    if question.short:
        shown, links = shown[: len(shown) // 2], {}
    return Answer(200, [_commit(question, each) for each in shown], links)


_PLAYED: dict[str, tuple[re.Pattern[str], Play]] = {
    "compare": (re.compile(r"compare/(.+)"), _compare),
    "commit": (re.compile(r"commits/([^/]+)"), _one_commit),
    "pull-request-commits": (re.compile(r"pulls/(\d+)/commits"), _commits_of_pull_request),
}


def _page(question: _Question, commits: list[Commit]) -> tuple[list[Commit], dict[str, str]]:
    """Cut out one page, and link to the others."""
    request = question.request
    size = min(_number(request, "per_page", _PER_PAGE), _MOST_PER_PAGE)
    page = _number(request, "page", 1)
    last = max(1, -(-len(commits) // size))
    pages = {}
    if page > 1:
        pages["prev"] = min(page - 1, last)
    if page < last:
        pages |= {"next": page + 1, "last": last}
    if page > 1:
        pages["first"] = 1
    links = ", ".join(
        f"<{request.base}{request.path}?{urlencode(request.parameters | {'page': number})}>; "
        f'rel="{relation}"'
        for relation, number in pages.items()
    )
    return commits[(page - 1) * size : page * size], {"Link": links} if links else {}


def _number(request: Request, name: str, default: int) -> int:
    """Read a number as GitHub does: what is none counts as not given."""
    text = request.parameters.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else default


def _commit(question: _Question, commit: Commit) -> dict[str, Any]:
    def git_user(name: str, date: str) -> dict[str, str]:
        return {"name": name, "email": f"{_slug(name)}@users.example", "date": date}

    url, html_url = question.url, question.html_url
    tree = hashlib.sha1(f"tree of {commit.sha}".encode()).hexdigest()
    return {
        "sha": commit.sha,
        "node_id": base64.b64encode(f"Commit{commit.sha}".encode()).decode(),
        "commit": {
            "author": git_user(commit.author, utc(commit.authored)),
            "committer": git_user(commit.committer, utc(commit.committed)),
            "message": commit.message,
            "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
            "url": f"{url}/git/commits/{commit.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{url}/commits/{commit.sha}",
        "html_url": f"{html_url}/commit/{commit.sha}",
        "comments_url": f"{url}/commits/{commit.sha}/comments",
        "author": _account(question, commit.author),
        "committer": _account(question, commit.committer),
        "parents": [
            {
                "sha": parent,
                "url": f"{url}/commits/{parent}",
                "html_url": f"{html_url}/commit/{parent}",
            }
            for parent in commit.parents
        ],
    }


def _account(question: _Question, name: str) -> dict[str, Any] | None:
    if name not in _LOGINS:
        return None
    login = _LOGINS[name]
    url = f"{question.request.base}/users/{login}"
    number = len(login)
    return {
        "login": login,
        "id": number,
        "node_id": base64.b64encode(f"User{number}".encode()).decode(),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": "User",
        "site_admin": False,
    }


def _slug(name: str) -> str:
    return re.sub(r"\W+", ".", name.casefold()).strip(".")
