"""The picture can be read: nothing is cut off, and no text lies on another."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations

import pytest

from dashboard.known import DAY, START, Known, Values
from stage.dashboard.body import synthesised
from stage.dashboard.catalogue import catalogue
from stage.dashboard.evaluate import panels
from stage.dashboard.picture import WIDTH, number, picture

_SVG = "{http://www.w3.org/2000/svg}"
_END = START + 14 * DAY
_WIDTH_OF_A_CHARACTER = 0.53  # of the font's size, on the average


@dataclass(frozen=True)
class Written:
    """A text and about where it is."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    def lies_on(self, other: "Written") -> bool:
        """Return whether both have a place in common."""
        beside = self.right <= other.left or other.right <= self.left
        apart = self.bottom <= other.top or other.bottom <= self.top
        return not beside and not apart


def texts(drawn: str) -> list[Written]:
    found = []
    for element in ET.fromstring(drawn).iter(f"{_SVG}text"):
        size, text = float(element.attrib["font-size"]), element.text or ""
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        width = len(text) * size * _WIDTH_OF_A_CHARACTER
        left = (
            x
            - width
            * {"start": 0, "middle": 0.5, "end": 1}[element.attrib.get("text-anchor", "start")]
        )
        found.append(Written(text, left, left + width, y - 0.7 * size, y))
    return found


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
