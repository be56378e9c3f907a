"""The language of metric mathematics, as much of it as the dashboard uses.

What is not here does not parse: an expression that needs more of the language needs it here, with
the meaning that AWS documents, and in `evaluate`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z]\w*)|(?P<text>'[^']*')"
    r"|(?P<sign>==|!=|>=|<=|[-+*/><(),]))"
)
_COMPARISONS = ("==", "!=", ">=", "<=", ">", "<")
_ARGUMENTS = {"IF": (2, 3), "FILL": (2,), "PERIOD": (1,), "SEARCH": (2, 3)}


class NotAnExpression(Exception):
    """A text that CloudWatch, or this, cannot read."""


@dataclass(frozen=True)
class Number:
    """A scalar."""

    value: float


@dataclass(frozen=True)
class Text:
    """What stands between single quotes."""

    value: str


@dataclass(frozen=True)
class Name:
    """The id of another line."""

    value: str


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Operation:
    """Two operands and what to do with them."""

    sign: str
    left: "Expression"
    right: "Expression"


Expression = Number | Text | Name | Call | Operation


def parse(text: str) -> Expression:
    """Read an expression."""
    return _Parser(text).whole()


def names(expression: Expression) -> Iterator[str]:
    """Yield the ids that an expression references."""
    match expression:
        case Name(value):
            yield value
        case Call(_, arguments):
            for argument in arguments:
                yield from names(argument)
        case Operation(_, left, right):
            yield from names(left)
            yield from names(right)


def calls(expression: Expression, function: str) -> Iterator[Call]:
    """Yield the calls of a function."""
    match expression:
        case Call(name, arguments):
            if name == function:
                yield expression
            for argument in arguments:
                yield from calls(argument, function)
        case Operation(_, left, right):
            yield from calls(left, function)
            yield from calls(right, function)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenise(text))
        self._at = 0

    def whole(self) -> Expression:
        expression = self._comparison()
        if self._at < len(self._tokens):
            raise self._error(f"{self._peek()!r} is not expected")
        return expression

    def _tokenise(self, text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise self._error(f"{text[at:]!r} is not expected")
            yield found.lastgroup, found[found.lastgroup]
            at = found.end()

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._peek() in _COMPARISONS:
            return Operation(self._next()[1], left, self._sum())
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while self._peek() in ("+", "-"):
            left = Operation(self._next()[1], left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._operand()
        while self._peek() in ("*", "/"):
            left = Operation(self._next()[1], left, self._operand())
        return left

    def _operand(self) -> Expression:
        kind, token = self._next()
        match kind:
            case "number":
                return Number(float(token))
            case "text":
                return Text(token[1:-1])
            case "name" if self._peek() == "(":
                return self._call(token)
            case "name" if token[0].islower():
                return Name(token)
        if token != "(":
            raise self._error(f"{token!r} is not expected")
        inner = self._comparison()
        self._expect(")")
        return inner

    def _call(self, function: str) -> Call:
        if function not in _ARGUMENTS:
            raise self._error(f"{function} is no function that is known here")
        self._expect("(")
        arguments = [self._comparison()]
        while self._peek() == ",":
            self._next()
            arguments.append(self._comparison())
        self._expect(")")
        if len(arguments) not in _ARGUMENTS[function]:
            raise self._error(f"{function} has {len(arguments)} arguments")
        return Call(function, tuple(arguments))

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._error("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._error(f"{sign!r} is missing")
        self._at += 1

    def _error(self, what: str) -> NotAnExpression:
        return NotAnExpression(f"{self._text}: {what}")
