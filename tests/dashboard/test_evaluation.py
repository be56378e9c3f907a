"""Metric mathematics has the meaning that the CloudWatch User Guide gives it."""

import random
from datetime import timedelta

import pytest

from dashboard.known import START, Known, Values, days, written
from stage.dashboard.body import line
from stage.dashboard.evaluate import Evaluation, NotATimeSeries
from stage.dashboard.source import Range

A: Values = [30, 20, 0, 0]
B: Values = [20, None, 20, None]


@pytest.mark.parametrize(
    ("expression", "a", "b", "result"),
    [
        pytest.param("a < b", A, B, [0, 0, 1, 0], id="a missing value compares as 0"),
        pytest.param("a >= 30", A, B, [1, 0, 0, 0], id="compare with a number"),
        pytest.param("a + b", A, B, [50, 20, 20, 0], id="a missing value adds 0"),
        pytest.param("a - b", [1, None], [None, 2], [1, -2], id="missing on either side"),
        pytest.param("a / b", A, B, [1.5, None, 0, None], id="what is divided by 0 is dropped"),
        pytest.param("a / b", [None, None], [4, None], [0, None], id="nothing divided"),
        pytest.param("a / 2", [4, None], [], [2, None], id="a number adds no values"),
        pytest.param("FILL(a, 7)", [1, None, 0], [], [1, 7, 0], id="fill"),
        pytest.param("FILL(a, 7)", [], [], [7, 7], id="fill what has no value at all"),
        pytest.param("IF(a, b)", [1, 0, None], [5, 6, 7], [5, None, None], id="if without else"),
        pytest.param(
            # the guide's first table
            "IF(a, b, 100 * a)",
            [1, 1, 0, 0, None],
            [30, None, 0, 0, 30],
            [30, 0, 0, 0, None],
            id="a missing value that was chosen is 0",
        ),
        pytest.param(
            # the guide's second table
            "IF(a, 5, b)",
            [1, 1, 0, 0, None],
            [0, 0, 20, None, 20],
            [5, 5, 20, None, None],
            id="an else without a value is dropped",
        ),
        pytest.param(
            # the guide's third table
            "IF(a, b, 5)",
            [1, 1, 0, 0, None],
            [30, None, 0, 0, 30],
            [30, 0, 5, 5, None],
            id="an else that is a number",
        ),
        pytest.param("IF(1 == 1, a, b)", [1, None], [2, 2], [1, None], id="a choice of series"),
        pytest.param("IF(1 == 2, a, b)", [1, 1], [2, None], [2, None], id="the other choice"),
        pytest.param("IF(1 == 2, a)", [1, 1], [], [None, None], id="no choice"),
        pytest.param("a / (PERIOD(a) / 43200)", [6, None], [], [3, None], id="the period"),
    ],
)
def test_expressions_mean_what_the_guide_says(
    expression: str, a: Values, b: Values, result: Values
) -> None:
    over = days(len(result))
    lines = [
        line(["DORA", "A", {"id": "a", "stat": "Sum", "visible": False}]),
        line(["DORA", "B", {"id": "b", "stat": "Sum", "visible": False}]),
        line([{"expression": expression}]),
    ]
    evaluation = Evaluation(lines, Known({("A", None): a, ("B", None): b}), over)
    (drawn,) = evaluation.drawn(lines[-1])
    assert written(drawn.series, over) == result


def test_a_number_cannot_be_drawn() -> None:
    lines = [line([{"expression": "1 + 2"}])]
    with pytest.raises(NotATimeSeries):
        Evaluation(lines, Known({}), days(1)).drawn(lines[0])


def test_a_search_draws_what_has_values() -> None:
    text = "SEARCH('{\"DORA\",Team} MetricName=\"A\"', 'Sum', 86400) / 2"
    lines = [line([{"expression": text, "label": "${PROP('Dim.Team')}"}])]
    metrics = Known({("A", "x"): [2, None], ("A", "y"): [None, None], ("A", "z"): [4, 6]})
    drawn = Evaluation(lines, metrics, days(2)).drawn(lines[0])
    assert [(each.label, written(each.series, days(2))) for each in drawn] == [
        ("x", [1, None]),
        ("z", [2, 3]),
    ]


def test_periods_cover_the_range() -> None:
    week = Range(START, START + timedelta(days=14), timedelta(days=7))
    assert week.times()[0] <= START < week.times()[1]
    assert week.times()[-1] < week.end <= week.times()[-1] + week.period
    whole = Range(START, START + timedelta(days=14), timedelta(days=14))
    assert whole.times() == [START]


RATE = "IF(changes > 0, 100 * FILL(some, 0) / changes)"


def rate(changes: Values, failed: Values) -> Values:
    over = days(len(changes))
    lines = [
        line(["DORA", "Changes", {"id": "changes", "stat": "Sum", "visible": False}]),
        line(["DORA", "FailedChanges", {"id": "some", "stat": "Sum", "visible": False}]),
        line([{"expression": RATE}]),
    ]
    metrics = Known({("Changes", None): changes, ("FailedChanges", None): failed})
    (drawn,) = Evaluation(lines, metrics, over).drawn(lines[-1])
    return written(drawn.series, over)


def test_a_rate_is_0_without_failures_and_nothing_without_changes() -> None:
    assert rate([4, 4, None, 1], [1, None, None, 1]) == [25, 0, None, 100]


def test_a_rate_is_0_where_nothing_has_ever_failed() -> None:
    assert rate([3, None], []) == [0, None]


@pytest.mark.parametrize("seed", range(20))
def test_a_rate_is_never_above_100(seed: int) -> None:
    chance = random.Random(seed)
    changes: Values = [chance.choice([None, 1, 2, 50]) for _ in range(30)]
    failed: Values = [
        None if each is None else chance.choice([None, each, chance.randint(1, int(each))])
        for each in changes
    ]
    for has, percent in zip(changes, rate(changes, failed), strict=True):
        assert (percent is None) == (has is None)
        assert percent is None or 0 <= percent <= 100
