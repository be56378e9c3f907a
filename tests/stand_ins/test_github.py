"""GitHub's stand-in, asked over HTTP, and held against GitHub's own descriptions of its APIs."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from stage.github import ROOT, TOKEN
from stage.github.app import GitHub
from stage.github.faults import Fault
from stage.github.graphql import validate
from stage.github.openapi import complaints
from stage.github.serving import serving
from stage.github.story import sha

COMPARE = "/repos/{owner}/{repo}/compare/{basehead}"
COMMIT = "/repos/{owner}/{repo}/commits/{ref}"
PULL_REQUEST_COMMITS = "/repos/{owner}/{repo}/pulls/{pull_number}/commits"

WEB = {
    "repository": "acme/web",
    "steps": [
        {"commit": "c0", "on": "main", "authored": "2026-11-01T08:00:00+02:00", "author": "Ævar Ð"},
        {"branch": "feature/big", "off": "main"},
        {
            "commits": "c",
            "count": 300,
            "on": "feature/big",
            "authored": "2026-11-01T09:00:00Z",
            "every": 60,
        },
        {
            "pull_request": 12,
            "head": "feature/big",
            "base": "main",
            "title": "Grow",
            "at": "2026-11-01T15:00:00Z",
        },
        {"merge_pull_request": 12, "how": "merge", "at": "2026-11-01T16:00:00Z"},
        {"delete_branch": "feature/big"},
        {"branch": "jane:fix/ü", "off": "main"},
        {"commit": "f1", "on": "jane:fix/ü", "authored": "2026-11-01T17:00:00Z"},
        {
            "pull_request": 13,
            "head": "jane:fix/ü",
            "base": "main",
            "title": "Fix",
            "at": "2026-11-01T17:00:00Z",
        },
        {"merge_pull_request": 13, "how": "squash", "at": "2026-11-01T18:00:00Z"},
        {"tag": "v1/ü", "on": "c0"},
    ],
}
SHOP = {
    "repository": "acme/shop",
    "steps": [
        {"commit": "s0", "on": "trunk", "authored": "2026-11-01T08:00:00Z"},
        {"rename_repository": "acme/store"},
    ],
}
C0, C300, MERGE = (sha("acme/web", label) for label in ("c0", "c300", "#12"))

PULL_REQUESTS = """
query PullRequests($owner: String!, $name: String!, $oid: GitObjectID!, $after: String) {
  rateLimit { cost limit remaining used nodeCount }
  repository(owner: $owner, name: $name) {
    commit: object(oid: $oid) {
      __typename
      ...shipped
    }
  }
}
fragment shipped on Commit {
  oid
  authoredDate
  committedDate
  messageHeadline
  parents(first: 2) { totalCount nodes { oid } }
  associatedPullRequests(first: 5) {
    nodes {
      number
      state
      merged
      mergedAt
      createdAt
      headRefName
      headRefOid
      baseRefName
      isCrossRepository
      mergeCommit { oid }
      commits(first: 100, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { commit { oid authoredDate message } }
      }
    }
  }
}
"""


@dataclass
class Reply:
    """What came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the document."""
        return json.loads(self.body)

    @property
    def links(self) -> dict[str, str]:
        """Return the paths of other pages by their relation."""
        links = (link.split("; ") for link in self.headers.get("link", "").split(", ") if link)
        return {relation[5:-1]: "/" + url[1:-1].split("/", 3)[3] for url, relation in links}


@dataclass
class Client:
    """Asks as the product does."""

    github: GitHub
    port: int
    loop: asyncio.AbstractEventLoop
    timeout: float = 30

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Reply:
        """Ask once, following nothing; a header that is None is left out."""
        usual = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {TOKEN}",
            "User-Agent": "tests",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | given).items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            text = body if body is None or isinstance(body, str) else json.dumps(body)
            connection.request(method, path, text, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, form: str, rest: str, repository: str = "acme/web", **headers: Any) -> Reply:
        """Ask over REST, and hold the answer against GitHub's description of it."""
        reply = self.ask("GET", f"{ROOT}/repos/{repository}/{rest}", **headers)
        if reply.status != 304:
            assert complaints(form, reply.status, reply.json) == []
        return reply

    def query(self, query: str, path: str = "/graphql", **variables: Any) -> Reply:
        """Ask over GraphQL."""
        document = {"query": query, "variables": variables}
        return self.ask("POST", f"{ROOT}{path}", document)

    def pull_requests(self, oid: str, name: str = "web", **more: Any) -> Reply:
        """Ask for the pull requests of a commit."""
        return self.query(PULL_REQUESTS, owner="acme", name=name, oid=oid, **more)


@pytest.fixture(scope="module")
def served() -> Iterator[Client]:
    github = GitHub()
    with serving(github) as (port, loop):
        yield Client(github, port, loop)


@pytest.fixture
def github(served: Client) -> Client:
    served.github.forget()
    served.github.load([WEB, SHOP])
    return served


def test_a_comparison_comes_in_pages_oldest_commit_first(github: Client) -> None:
    pages = [github.get(COMPARE, f"compare/{C0}...main?per_page=100")]
    while "next" in pages[-1].links:
        pages.append(github.get(COMPARE, pages[-1].links["next"].split("acme/web/")[1]))
    found = [commit["sha"] for page in pages for commit in page.json["commits"]]
    shipped = [*(f"c{number}" for number in range(1, 301)), "#12", "#13"]
    assert found == [sha("acme/web", label) for label in shipped]
    assert [set(page.links) for page in pages] == [
        {"next", "last"},
        {"prev", "next", "last", "first"},
        {"prev", "next", "last", "first"},
        {"prev", "first"},
    ]
    assert {page.json["total_commits"] for page in pages} == {302}
    assert ["files" in page.json for page in pages] == [True, False, False, False]


def test_a_comparison_without_pages_has_the_latest_250(github: Client) -> None:
    reply = github.get(COMPARE, f"compare/{C0}...main")
    assert reply.links == {}
    assert reply.json["total_commits"] == 302
    assert len(reply.json["commits"]) == 250
    assert reply.json["commits"][-1]["sha"] == sha("acme/web", "#13")


def test_a_page_has_30_and_at_most_100(github: Client) -> None:
    assert len(github.get(COMPARE, f"compare/{C0}...main?page=2").json["commits"]) == 30
    assert len(github.get(COMPARE, f"compare/{C0}...main?per_page=500").json["commits"]) == 100
    assert github.get(COMPARE, f"compare/{C0}...main?page=400").json["commits"] == []


@pytest.mark.parametrize(
    ("range_", "status", "ahead", "behind"),
    [
        (f"{C0}...{C300}", "ahead", 300, 0),
        (f"{C300}...{C0}", "behind", 0, 300),
        ("main...main", "identical", 0, 0),
        ("jane:fix%2F%C3%BC...main", "diverged", 1, 1),
        ("v1%2F%C3%BC...main", "ahead", 302, 0),
    ],
)
def test_what_is_compared_may_be_anything_that_names_a_commit(
    github: Client, range_: str, status: str, ahead: int, behind: int
) -> None:
    found = github.get(COMPARE, f"compare/{range_}").json
    assert (found["status"], found["ahead_by"], found["behind_by"]) == (status, ahead, behind)


def test_a_commit_has_its_dates_in_utc_and_an_account_only_where_github_knows_one(
    github: Client,
) -> None:
    first = github.get(COMMIT, f"commits/{C0}").json
    assert first["commit"]["author"]["date"] == "2026-11-01T06:00:00Z"
    assert first["commit"]["author"]["name"] == "Ævar Ð"
    assert first["author"] is None
    assert first["parents"] == []
    merge = github.get(COMMIT, "commits/main").json
    assert merge["author"]["login"] == "ada-example"
    assert merge["committer"]["login"] == "web-flow"


def test_a_pull_request_has_at_most_250_commits_over_rest(github: Client) -> None:
    pages = [
        github.get(PULL_REQUEST_COMMITS, f"pulls/12/commits?per_page=100&page={page}").json
        for page in (1, 2, 3, 4)
    ]
    assert [len(page) for page in pages] == [100, 100, 50, 0]


def test_pull_requests_have_all_their_commits_over_graphql(github: Client) -> None:
    found: list[str] = []
    after = None
    while True:
        reply = github.pull_requests(C300, after=after).json
        assert "errors" not in reply
        (pull_request,) = reply["data"]["repository"]["commit"]["associatedPullRequests"]["nodes"]
        found += [node["commit"]["oid"] for node in pull_request["commits"]["nodes"]]
        if not pull_request["commits"]["pageInfo"]["hasNextPage"]:
            break
        after = pull_request["commits"]["pageInfo"]["endCursor"]
    assert found == [sha("acme/web", f"c{number}") for number in range(1, 301)]
    del pull_request["commits"]
    assert pull_request == {
        "number": 12,
        "state": "MERGED",
        "merged": True,
        "mergedAt": "2026-11-01T16:00:00Z",
        "createdAt": "2026-11-01T15:00:00Z",
        "headRefName": "feature/big",
        "headRefOid": C300,
        "baseRefName": "main",
        "isCrossRepository": False,
        "mergeCommit": {"oid": MERGE},
    }


def test_a_query_says_what_it_costs(github: Client) -> None:
    github.pull_requests(C300)
    reply = github.pull_requests(C300).json
    assert reply["data"]["rateLimit"] == {
        "cost": 1,  # 1 list of parents + 1 of pull requests + 5 of commits: less than 100
        "limit": 5000,
        "remaining": 4998,
        "used": 2,
        "nodeCount": 2 + 5 + 5 * 100,
    }
    many = "".join(
        f'c{number}: object(oid: "{C300}") {{ ... on Commit {{ associatedPullRequests(first: 5) {{'
        "nodes { commits(first: 50) { totalCount } } } } }"
        for number in range(100)
    )
    query = (
        f'{{ rateLimit {{ cost nodeCount }} repository(owner: "acme", name: "web") {{ {many} }} }}'
    )
    assert github.query(query).json["data"]["rateLimit"] == {
        "cost": 6,  # 100 * (1 list of pull requests + 5 of commits) / 100
        "nodeCount": 100 * (5 + 5 * 50),
    }


@pytest.mark.parametrize(
    ("selection", "kind"),
    [
        ("object(oid: $oid) { ... on Commit { parents { totalCount } } }", "MISSING_PAGINATION"),
        ("pullRequest(number: 12) { commits(first: 101) { totalCount } }", "EXCESSIVE_PAGINATION"),
        ("pullRequest(number: 12) { commits(first: 0) { totalCount } }", "EXCESSIVE_PAGINATION"),
        (
            "object(oid: $oid) { ... on Commit { associatedPullRequests(first: 100) { nodes {"
            "commits(first: 100) { nodes { commit { associatedPullRequests(first: 100) {"
            "totalCount } } } } } } } }",
            "MAX_NODE_LIMIT_EXCEEDED",
        ),
        ("pullRequest(number: 99) { title }", "NOT_FOUND"),
        ('pullRequest(number: 12) { commits(first: 1, after: "x") { totalCount } }', "INVALID_CUR"),
    ],
)
def test_a_query_that_asks_too_much_or_for_nothing_is_an_error_with_200(
    github: Client, selection: str, kind: str
) -> None:
    query = f"""query($oid: GitObjectID = "{C0}") {{
        repository(owner: "acme", name: "web") {{ head: object(oid: $oid) {{ oid }} {selection} }}
    }}"""
    reply = github.query(query)
    assert reply.status == 200
    (error,) = reply.json["errors"]
    assert error["type"].startswith(kind)


def test_a_query_is_held_against_the_schema(github: Client) -> None:
    assert validate(PULL_REQUESTS) == []
    assert validate("{ repository(owner: 1) { name } }") != []
    assert validate("{") != []
    for wrong in ("{ viewer { shoeSize } }", "{", "query($x: Int!) { rateLimit { cost } }"):
        reply = github.query(wrong)
        assert reply.status == 200
        assert reply.json["data"] is None
    assert github.ask("POST", f"{ROOT}/graphql", "{").status == 400


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { login } }",
        '{ repository(owner: "acme", name: "web") { description } }',
        '{ repository(owner: "acme", name: "web", followRenames: false) { nameWithOwner } }',
        '{ repository(owner: "acme", name: "web") { pullRequest(number: 12) {'
        "commits(last: 1) { totalCount } } } }",
    ],
)
def test_what_is_not_played_is_refused_over_graphql(github: Client, query: str) -> None:
    reply = github.query(query)
    assert reply.status == 501
    assert "The stage does not play" in reply.json["message"]


def test_what_is_not_played_is_refused_over_rest(github: Client) -> None:
    assert github.ask("GET", f"{ROOT}/repos/acme/web/commits/{C0}/pulls").status == 501
    assert github.ask("PUT", f"{ROOT}/repos/acme/web/commits/{C0}").status == 501
    assert github.ask("GET", f"{ROOT}/user").status == 501


def test_what_does_not_exist_is_not_found(github: Client) -> None:
    missing = "f" * 40
    assert github.get(COMPARE, f"compare/{missing}...main").status == 404
    assert github.get(COMPARE, f"compare/{C0}..main").status == 404
    assert github.get(COMPARE, "compare/main...main", "acme/secret").status == 404
    assert github.get(PULL_REQUEST_COMMITS, "pulls/99/commits").status == 404
    reply = github.get(COMMIT, f"commits/{missing}")
    assert (reply.status, reply.json["message"]) == (422, f"No commit found for SHA: {missing}")
    over_graphql = github.pull_requests(missing).json
    assert over_graphql["data"]["repository"] == {"commit": None}
    assert "errors" not in over_graphql
    over_graphql = github.pull_requests(C0, name="secret").json
    assert over_graphql["data"]["repository"] is None
    (error,) = over_graphql["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository"])


def test_a_renamed_repository_is_redirected_over_rest_and_found_over_graphql(
    github: Client,
) -> None:
    reply = github.get(COMPARE, "compare/trunk...trunk?page=1", "acme/shop")
    assert reply.status == 301
    moved_to = reply.headers["location"].removeprefix(f"http://127.0.0.1:{github.port}")
    assert github.ask("GET", moved_to).json["status"] == "identical"
    assert github.get(COMPARE, "compare/trunk...trunk", "ACME/Store").status == 200
    found = github.query('{ repository(owner: "acme", name: "shop") { nameWithOwner } }').json
    assert found["data"]["repository"]["nameWithOwner"] == "acme/store"


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Authorization", None, 401),
        ("Authorization", "Bearer another", 401),
        ("Authorization", f"Basic {TOKEN}", 401),
        ("Authorization", f"token {TOKEN}", 200),
        ("User_Agent", None, 403),
        ("X_GitHub_Api_Version", "2020-01-01", 400),
        ("X_GitHub_Api_Version", "2026-03-10", 200),
        ("X_GitHub_Api_Version", None, 200),
    ],
)
def test_a_request_needs_its_headers(
    github: Client, header: str, value: str | None, status: int
) -> None:
    headers: dict[str, Any] = {header: value}
    assert github.get(COMMIT, f"commits/{C0}", **headers).status == status
    if status in (401, 403):
        body = {"query": "{ rateLimit { cost } }"}
        assert github.ask("POST", f"{ROOT}/graphql", body, **headers).status == status


def test_a_new_token_takes_the_place_of_the_old(github: Client) -> None:
    github.github.token = "another"
    assert github.get(COMMIT, f"commits/{C0}").status == 401
    assert github.get(COMMIT, f"commits/{C0}", Authorization="Bearer another").status == 200


def test_an_answer_that_the_client_has_costs_nothing(github: Client) -> None:
    first = github.get(COMPARE, f"compare/{C0}...main?page=1")
    again = github.get(COMPARE, f"compare/{C0}...main?page=1", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    other = github.get(COMPARE, f"compare/{C0}...main?page=2", If_None_Match=first.headers["etag"])
    assert other.status == 200
    remaining = [each.headers["x-ratelimit-remaining"] for each in (first, again, other)]
    assert remaining == ["4999", "4999", "4998"]


def test_the_two_apis_have_limits_of_their_own(github: Client) -> None:
    github.github.limit("rest", 1)
    assert github.get(COMMIT, f"commits/{C0}").status == 200
    refused = github.get(COMMIT, f"commits/{C0}")
    assert refused.status == 403
    assert refused.headers["x-ratelimit-resource"] == "core"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert time.time() < int(refused.headers["x-ratelimit-reset"]) <= time.time() + 3600
    assert "errors" not in github.pull_requests(C0).json
    github.github.limit("graphql", 0)
    reply = github.pull_requests(C0)
    assert reply.status == 200
    assert reply.headers["x-ratelimit-remaining"] == "0"
    assert [error["type"] for error in reply.json["errors"]] == ["RATE_LIMITED"]


def test_enterprise_server_has_other_paths_and_no_limits(github: Client) -> None:
    github.github.limit("rest", 0)
    reply = github.ask("GET", f"{ROOT}/api/v3/repos/acme/web/compare/{C0}...main?page=1")
    assert complaints(COMPARE, reply.status, reply.json) == []
    assert reply.links["next"].startswith(f"{ROOT}/api/v3/repos/acme/web/compare/")
    assert not [name for name in reply.headers if name.startswith("x-ratelimit")]
    over_graphql = github.query("{ rateLimit { cost } }", path="/api/graphql")
    assert over_graphql.json == {"data": {"rateLimit": None}}


def test_every_request_is_on_record(github: Client) -> None:
    github.get(COMPARE, "compare/main...main?page=1")
    github.get(COMMIT, "commits/main", "acme/secret")
    github.pull_requests(C0)
    assert github.github.requests == [
        {
            "api": "rest",
            "method": "GET",
            "path": "/repos/acme/web/compare/main...main?page=1",
            "operation": "compare",
            "repository": "acme/web",
            "query": "",
            "status": 200,
        },
        {
            "api": "rest",
            "method": "GET",
            "path": "/repos/acme/secret/commits/main",
            "operation": "commit",
            "repository": "acme/secret",
            "query": "",
            "status": 404,
        },
        {
            "api": "graphql",
            "method": "POST",
            "path": "/graphql",
            "operation": "PullRequests",
            "repository": "acme/web",
            "query": PULL_REQUESTS,
            "status": 200,
        },
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 451, 500, 502, 503, 504])
def test_a_status_can_be_let_happen(github: Client, status: int) -> None:
    github.github.fail(Fault(status))
    github.github.fail(Fault(status, api="graphql"))
    reply = github.ask("GET", f"{ROOT}/repos/acme/web/compare/main...main")
    assert reply.status == status
    if status in (502, 504):
        assert reply.headers["content-type"] == "text/html"
    elif status != 451:  # which no description has
        assert complaints(COMPARE, status, reply.json) == []
    over_graphql = github.pull_requests(C0)
    if status in (403, 404):
        assert over_graphql.status == 200
        assert over_graphql.json["data"] == {"repository": None}
        (error,) = over_graphql.json["errors"]
        assert error["type"] == {403: "FORBIDDEN", 404: "NOT_FOUND"}[status]
    else:
        assert over_graphql.status == status
    assert github.get(COMPARE, "compare/main...main").status == 200


def test_faults_come_when_and_where_they_are_told(github: Client) -> None:
    github.github.fail(Fault(503, api="rest", times=2, after=1))
    found = [github.get(COMPARE, "compare/main...main").status for _ in range(4)]
    assert found == [200, 503, 503, 200]
    github.github.fail(Fault(503, api="rest"))
    assert github.pull_requests(C0).status == 200
    github.github.heal()
    assert github.get(COMPARE, "compare/main...main").status == 200
    with pytest.raises(ValueError, match="does not fail in this way"):
        Fault(418)


def test_a_rate_limit_can_be_let_happen(github: Client) -> None:
    for kind in ("rate-limit", "secondary-limit"):
        github.github.fail(Fault(kind, times=2, seconds=7))
        over_rest, over_graphql = github.get(COMMIT, "commits/main"), github.pull_requests(C0)
        if kind == "rate-limit":
            assert (over_rest.status, over_graphql.status) == (403, 200)
            assert over_graphql.json["errors"][0]["type"] == "RATE_LIMITED"
            for reply in (over_rest, over_graphql):
                assert reply.headers["x-ratelimit-remaining"] == "0"
                assert int(reply.headers["x-ratelimit-reset"]) <= time.time() + 7
        else:
            assert (over_rest.status, over_graphql.status) == (403, 403)
            for reply in (over_rest, over_graphql):
                assert reply.headers["retry-after"] == "7"
                assert reply.headers["x-ratelimit-remaining"] != "0"


@pytest.mark.parametrize("kind", ["cut-before", "cut-during"])
def test_a_connection_can_be_cut(github: Client, kind: Any) -> None:
    github.github.fail(Fault(kind))
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        github.get(COMPARE, f"compare/{C0}...main?per_page=100")
    assert github.get(COMPARE, "compare/main...main").status == 200


def test_an_answer_can_be_garbled(github: Client) -> None:
    github.github.fail(Fault("garbled", times=2))
    for reply in (
        github.ask("GET", f"{ROOT}/repos/acme/web/compare/main...main"),
        github.pull_requests(C0),
    ):
        assert reply.status == 200
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            _ = reply.json


def test_a_list_can_be_short_without_a_word_of_it(github: Client) -> None:
    github.github.fail(Fault("short", times=3))
    reply = github.get(COMPARE, f"compare/{C0}...main?per_page=100")
    assert (reply.json["total_commits"], len(reply.json["commits"])) == (302, 50)
    assert reply.links == {}
    assert len(github.get(PULL_REQUEST_COMMITS, "pulls/12/commits").json) == 15
    query = """{ repository(owner: "acme", name: "web") { pullRequest(number: 12) {
        commits(first: 100) { totalCount pageInfo { hasNextPage } nodes { commit { oid } } }
    } } }"""
    found = github.query(query).json["data"]["repository"]["pullRequest"]["commits"]
    assert (found["totalCount"], len(found["nodes"])) == (300, 50)
    assert found["pageInfo"] == {"hasNextPage": False}


def test_an_answer_can_be_slow(github: Client) -> None:
    github.github.fail(Fault("slow", seconds=1))
    begin = time.monotonic()
    assert github.get(COMPARE, "compare/main...main").status == 200
    assert time.monotonic() - begin >= 1


def test_what_hangs_is_let_go_of_when_the_faults_are_healed(github: Client) -> None:
    github.github.fail(Fault("hang", times=2))
    impatient = Client(github.github, github.port, github.loop, timeout=0.2)
    with pytest.raises(TimeoutError):
        impatient.get(COMPARE, "compare/main...main")
    github.loop.call_soon_threadsafe(github.github.heal)
    assert github.get(COMPARE, "compare/main...main").status == 200
