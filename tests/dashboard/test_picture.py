"""The picture can be read: nothing is cut off, and no text lies on another."""

import re
from itertools import combinations

import pytest

from dashboard.known import DAY, START, Known, Values
from dashboard.written import texts
from stage.dashboard.body import synthesised
from stage.dashboard.catalogue import catalogue
from stage.dashboard.evaluate import panels
from stage.dashboard.picture import WIDTH, number, picture

_END = START + 14 * DAY


def everything(values: Values) -> Known:
    who = [None, "acme/web", "acme/a-repository-with-a-name-that-is-rather-long", "Team"]
    return Known({(name, each): values for name in catalogue().metrics for each in who})


@pytest.mark.parametrize(
    "metrics",
    [
        pytest.param(Known({}), id="without data"),
        pytest.param(everything([1, None, 3] * 5), id="small"),
        pytest.param(everything([123456.789] * 14), id="large"),
    ],
)
def test_no_text_is_cut_off_or_lies_on_another(metrics: Known) -> None:
    body = synthesised()
    written = texts(picture(body, panels(body, metrics, START, _END), {}, _END, 14))
    assert [each for each in written if each.left < 0 or each.right > WIDTH] == []
    on_each_other = [
        (one.text, other.text) for one, other in combinations(written, 2) if one.lies_on(other)
    ]
    assert on_each_other == []


def test_a_gap_is_not_bridged() -> None:
    body = synthesised()
    lines = {}
    cases: dict[str, Values] = {"whole": [1, 2, 3], "gap": [1, None, 3]}
    for name, values in cases.items():
        metrics = Known({("Deployments", None): values})
        (panel,) = [
            each
            for each in panels(body, metrics, START, _END)
            if each.title == "Deployments by day"
        ]
        drawn = picture({**body, "widgets": body["widgets"][:1]}, [panel], {}, _END, 14)
        lines[name] = len(re.findall(r'stroke-width="2"', drawn))
    assert lines == {"whole": 2, "gap": 0}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.4236, "0.42"), (4, "4"), (20.402, "20.4"), (48.4, "48.4"), (1234.5, "1,234")],
)
def test_a_number_has_the_digits_that_say_something(value: float, text: str) -> None:
    assert number(value) == text
