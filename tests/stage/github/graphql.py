"""GitHub over GraphQL: GitHub's published schema, with resolvers for what is played."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import graphql
from graphql.execution.values import get_argument_values, get_variable_values

from stage import REPOSITORY
from stage.github.quota import Quota
from stage.github.repository import Commit, PullRequest, Repository
from stage.github.wire import Answer, refusal, utc

SCHEMA = REPOSITORY / "tests" / "node_modules" / "@octokit" / "graphql-schema" / "schema.graphql"
"""From the npm package in which GitHub's own SDK publishes it."""

_MOST_AT_ONCE = 100
_MOST_NODES = 500_000

Arguments = dict[str, Any]


class NotPlayed(Exception):
    """A question that GitHub would answer and the stage does not."""


class Refused(Exception):
    """An error to which GitHub gives a type."""

    def __init__(self, kind: str, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.path = path


@cache
def schema() -> graphql.GraphQLSchema:
    """Return GitHub's schema."""
    document = graphql.parse(SCHEMA.read_text(), no_location=True)
    return graphql.build_ast_schema(document, assume_valid=True)


def validate(query: str) -> list[str]:
    """Return what GitHub's schema says against a query."""
    try:
        document = graphql.parse(query)
    except graphql.GraphQLSyntaxError as error:
        return [error.message]
    return [error.message for error in graphql.validate(schema(), document)]


@dataclass(frozen=True)
class Query:
    """A query that has passed GitHub's checks, and what it may come to."""

    text: str
    document: graphql.DocumentNode
    operation: graphql.OperationDefinitionNode
    variables: dict[str, Any]
    repositories: list[str]
    nodes: int
    lists: int

    @property
    def name(self) -> str:
        """Return what the client calls it."""
        return self.operation.name.value if self.operation.name else "query"

    @property
    def cost(self) -> int:
        """Return its points: one for a hundred lists that GitHub may have to fetch."""
        return max(1, int(self.lists / 100 + 0.5))


def read(body: bytes) -> Query | Answer:
    """Read a query, or answer why GitHub would not begin with it."""
    try:
        request = json.loads(body)
    except ValueError:
        return refusal(400, "Problems parsing JSON")
    text = request.get("query") if isinstance(request, dict) else None
    if not isinstance(text, str):
        return _failed([{"message": "A query attribute must be specified and must be a string."}])
    try:
        document = graphql.parse(text)
    except graphql.GraphQLSyntaxError as error:
        return _failed([_say(error)])
    if errors := graphql.validate(schema(), document):
        return _failed([_say(error) for error in errors])
    operation = graphql.get_operation_ast(document, request.get("operationName"))
    if operation is None:
        return _failed([{"message": "The operation to execute is not named."}])
    given = request.get("variables") or {}
    variables = get_variable_values(schema(), list(operation.variable_definitions), given)
    if isinstance(variables, list):
        return _failed([_say(error) for error in variables])
    survey = _Survey(document, variables)
    try:
        survey.walk(operation.selection_set, "Query", ("query",), 1)
    except Refused as error:
        return _failed([{"type": error.kind, "path": [*error.path], "message": str(error)}])
    return Query(
        text, document, operation, given, sorted(survey.repositories), survey.nodes, survey.lists
    )


class _Survey:
    """Goes through a query before it is executed, and counts what it may come to at most."""

    def __init__(self, document: graphql.DocumentNode, variables: dict[str, Any]) -> None:
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, graphql.FragmentDefinitionNode)
        }
        self._variables = variables
        self.repositories: set[str] = set()
        self.nodes = 0
        self.lists = 0

    def walk(
        self, selections: graphql.SelectionSetNode, parent: str, path: tuple[str, ...], times: int
    ) -> None:
        """Go through what is selected of a type, so many times."""
        for node, definition in self._fields(selections, parent):
            arguments = get_argument_values(definition, node, self._variables)
            kind = graphql.get_named_type(definition.type).name
            here = (*path, (node.alias or node.name).value)
            size = 1
            if kind == "Repository" and parent == "Query":
                self.repositories.add(f"{arguments['owner']}/{arguments['name']}")
            elif kind.endswith("Connection"):
                size = _size(node.name.value, arguments, here)
                self.lists += times
                self.nodes += times * size
                if self.nodes > _MOST_NODES:
                    raise Refused(
                        "MAX_NODE_LIMIT_EXCEEDED",
                        f"By the time this query traverses to the {node.name.value} connection, "
                        f"it is requesting up to {self.nodes:,} possible nodes "
                        f"which exceeds the maximum limit of {_MOST_NODES:,}.",
                        here,
                    )
            if node.selection_set:
                self.walk(node.selection_set, kind, here, times * size)

    def _fields(
        self, selections: graphql.SelectionSetNode, parent: str
    ) -> Iterator[tuple[graphql.FieldNode, graphql.GraphQLField]]:
        known = getattr(schema().type_map[parent], "fields", {})
        for node in selections.selections:
            match node:
                case graphql.FieldNode() if node.name.value in known:
                    yield node, known[node.name.value]
                case graphql.InlineFragmentNode():
                    condition = node.type_condition
                    inner = condition.name.value if condition else parent
                    yield from self._fields(node.selection_set, inner)
                case graphql.FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    inner = fragment.type_condition.name.value
                    yield from self._fields(fragment.selection_set, inner)


def _size(connection: str, arguments: Arguments, path: Sequence[str]) -> int:
    for name in ("first", "last"):
        size: int | None = arguments.get(name)
        if size is None:
            continue
        if 1 <= size <= _MOST_AT_ONCE:
            return size
        raise Refused(
            "EXCESSIVE_PAGINATION",
            f"Requesting {size} records on the `{connection}` connection exceeds "
            f"the `{name}` limit of {_MOST_AT_ONCE} records.",
            path,
        )
    raise Refused(
        "MISSING_PAGINATION_BOUNDARIES",
        f"You must provide a `first` or `last` value to properly paginate "
        f"the `{connection}` connection.",
        path,
    )


@dataclass(frozen=True)
class _Context:
    """Whom a query asks. Enterprise Server has no quota."""

    find: Callable[[str], Repository | None]
    query: Query
    quota: Quota | None
    short: bool


def answer(
    query: Query,
    find: Callable[[str], Repository | None],
    quota: Quota | None,
    *,
    short: bool = False,
) -> Answer:
    """Answer a query; `short` leaves a part of each list out, and says nothing of it."""
    result = graphql.execute_sync(
        schema(),
        query.document,
        context_value=_Context(find, query, quota, short),
        variable_values=query.variables,
        operation_name=query.operation.name.value if query.operation.name else None,
        field_resolver=_resolve,
        type_resolver=lambda *_: "Commit",
    )
    for error in result.errors or []:
        if isinstance(error.original_error, NotPlayed):
            return refusal(501, str(error.original_error))
    document: dict[str, Any] = {"data": result.data}
    if result.errors:
        document["errors"] = [_say(error) for error in result.errors]
    return Answer(200, document)


def _failed(errors: list[dict[str, Any]]) -> Answer:
    return Answer(200, {"data": None, "errors": errors})


def _say(error: graphql.GraphQLError) -> dict[str, Any]:
    original = error.original_error
    kind = {"type": original.kind} if isinstance(original, Refused) else {}
    return {**kind, **error.formatted}


def _resolve(source: Any, info: graphql.GraphQLResolveInfo, **arguments: Any) -> Any:
    """Ask whoever plays the field. What the client left at its default is not asked for."""
    kind, name = info.parent_type.name, info.field_name
    table = "Connection" if kind.endswith("Connection") else kind
    play = _PLAYED.get(table, {}).get(name)
    known = info.parent_type.fields[name].args
    asked = {
        each: value
        for each, value in arguments.items()
        if value is not None and value != known[each].default_value
    }
    strange = asked.keys() - _ARGUMENTS.get(f"{kind}.{name}", _PAGES)
    if play is None or strange:
        of = f" with {', '.join(sorted(strange))}" if strange else ""
        raise NotPlayed(f"The stage does not play {kind}.{name}{of}.")
    return play(info.context, source, asked)


def _repository(context: _Context, _: Any, asked: Arguments) -> Repository:
    name = f"{asked['owner']}/{asked['name']}"
    found = context.find(name)
    if found is None:
        raise Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
    return found


def _object(_: _Context, repository: Repository, asked: Arguments) -> Commit | None:
    oid = asked.get("oid")
    if oid is None:
        return repository.resolve(asked.get("expression", ""))
    if not re.fullmatch(r"[0-9a-f]{40}", oid):
        raise graphql.GraphQLError(f'Could not coerce value "{oid}" to GitObjectID')
    return repository.commits.get(oid)


def _pull_request(_: _Context, repository: Repository, asked: Arguments) -> PullRequest:
    number = asked["number"]
    found = repository.pull_requests.get(number)
    if found is None:
        raise Refused("NOT_FOUND", f"Could not resolve to a PullRequest with the number {number}.")
    return found


@dataclass(frozen=True)
class _Page:
    """A part of a connection."""

    name: str
    items: Sequence[Any]
    start: int
    end: int
    short: bool

    @property
    def nodes(self) -> Sequence[Any]:
        end = self.start + (self.end - self.start) // 2 if self.short else self.end
        return self.items[self.start : end]

    @property
    def info(self) -> dict[str, Any]:
        return {
            "hasNextPage": self.end < len(self.items) and not self.short,
            "hasPreviousPage": self.start > 0,
            "startCursor": self._cursor(self.start + 1) if self.nodes else None,
            "endCursor": self._cursor(self.end) if self.nodes else None,
        }

    def _cursor(self, place: int) -> str:
        return base64.b64encode(f"{self.name}:{place}".encode()).decode()


def _page(context: _Context, name: str, items: Sequence[Any], asked: Arguments) -> _Page:
    start = 0
    if "after" in asked:
        try:
            owner, _, place = base64.b64decode(asked["after"]).decode().rpartition(":")
            start = int(place)
        except ValueError:
            owner = ""
        if owner != name:
            raise Refused(
                "INVALID_CURSOR_ARGUMENTS",
                f"`{asked['after']}` does not appear to be a valid cursor.",
            )
    end = min(start + asked["first"], len(items))
    return _Page(name, items, start, end, context.short)


def _parents(context: _Context, commit: Commit, asked: Arguments) -> _Page:
    parents = [commit.repository.commits[parent] for parent in commit.parents]
    return _page(context, f"parents of {commit.sha}", parents, asked)


def _associated(context: _Context, commit: Commit, asked: Arguments) -> _Page:
    found = commit.repository.associated(commit)
    return _page(context, f"pull requests of {commit.sha}", found, asked)


def _commits(context: _Context, pull_request: PullRequest, asked: Arguments) -> _Page:
    return _page(context, f"commits of {pull_request.number}", pull_request.commits, asked)


def _rate_limit(context: _Context, *_: Any) -> dict[str, Any] | None:
    if context.quota is None:
        return None
    return {
        "cost": context.query.cost,
        "nodeCount": context.query.nodes,
        "limit": context.quota.limit,
        "remaining": context.quota.remaining,
        "used": context.quota.used,
        "resetAt": context.quota.resets,
    }


def _given(attribute: str) -> Callable[..., Any]:
    return lambda _context, source, _asked: getattr(source, attribute)


def _date(attribute: str) -> Callable[..., Any]:
    def play(_context: _Context, source: Any, _asked: Arguments) -> str | None:
        at = getattr(source, attribute)
        return at and utc(at)

    return play


def _member(name: str) -> Callable[..., Any]:
    return lambda _context, source, _asked: source[name]


_PAGES = {"first", "after"}
_ARGUMENTS = {
    "Query.repository": {"owner", "name"},
    "Query.rateLimit": set(),
    "Repository.object": {"oid", "expression"},
    "Repository.pullRequest": {"number"},
}
_PLAYED: dict[str, dict[str, Callable[..., Any]]] = {
    "Query": {"repository": _repository, "rateLimit": _rate_limit},
    "Repository": {
        "nameWithOwner": _given("name"),
        "object": _object,
        "pullRequest": _pull_request,
    },
    "Commit": {
        "oid": _given("sha"),
        "message": _given("message"),
        "messageHeadline": _given("headline"),
        "authoredDate": _date("authored"),
        "committedDate": _date("committed"),
        "parents": _parents,
        "associatedPullRequests": _associated,
    },
    "PullRequest": {
        "number": _given("number"),
        # Every commit of a pull request is of the repository that the request was made in.
        "repository": lambda _context, source, _asked: source.commits[0].repository,
        "title": _given("title"),
        "state": _given("state"),
        "merged": lambda _context, source, _asked: source.state == "MERGED",
        "mergedAt": _date("merged"),
        "createdAt": _date("created"),
        "headRefName": _given("head_name"),
        "headRefOid": _given("head_sha"),
        "baseRefName": _given("base"),
        "isCrossRepository": _given("from_fork"),
        "mergeCommit": _given("merge_commit"),
        "commits": _commits,
    },
    "PullRequestCommit": {"commit": lambda _context, source, _asked: source},
    "Connection": {
        "totalCount": lambda _context, page, _asked: len(page.items),
        "nodes": _given("nodes"),
        "pageInfo": _given("info"),
    },
    "PageInfo": {
        name: _member(name)
        for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
    },
    "RateLimit": {
        name: _member(name)
        for name in ("cost", "nodeCount", "limit", "remaining", "used", "resetAt")
    },
}
