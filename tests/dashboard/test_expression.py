"""Expressions are read as CloudWatch reads them, and what it could not read is refused."""

import pytest

from stage.dashboard.expression import (
    Call,
    Name,
    NotAnExpression,
    Number,
    Operation,
    Text,
    names,
    parse,
)


def test_products_bind_closer_than_sums_and_sums_closer_than_comparisons() -> None:
    assert parse("a + b * 2 > c") == Operation(
        ">",
        Operation("+", Name("a"), Operation("*", Name("b"), Number(2))),
        Name("c"),
    )


def test_operators_of_one_rank_go_from_left_to_right() -> None:
    assert parse("a - b - c") == Operation("-", Operation("-", Name("a"), Name("b")), Name("c"))
    assert parse("a / b / c") == Operation("/", Operation("/", Name("a"), Name("b")), Name("c"))


def test_parentheses_bind_closest() -> None:
    assert parse("a / (b / 2)") == Operation("/", Name("a"), Operation("/", Name("b"), Number(2)))


def test_a_search_has_its_texts_and_its_period() -> None:
    assert parse("SEARCH('{\"DORA\",Team} MetricName=\"Changes\"', 'Sum', 60)") == Call(
        "SEARCH", (Text('{"DORA",Team} MetricName="Changes"'), Text("Sum"), Number(60))
    )


def test_the_ids_that_an_expression_needs_are_found_wherever_they_stand() -> None:
    assert set(names(parse("IF(a > 0, 100 * FILL(b, 0) / PERIOD(c))"))) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "(a",
        "a)",
        "a b",
        "IF(a)",
        "IF(a, b, c, d)",
        "FILL(a)",
        "if(a, b)",  # functions are in capitals
        "Changes",  # ids begin with a small letter
        "MEDIAN(a)",
        "SEARCH('a",
        "a ? b",
        "100 % a",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(NotAnExpression):
        parse(text)
