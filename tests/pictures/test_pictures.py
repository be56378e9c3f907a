"""The drawings in the docs are what is drawn, and can be read."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

from dashboard.written import texts
from pictures.all import FOLDER, pictures
from pictures.canvas import WIDTH
from pictures.day import Day
from stage import REPOSITORY

DRAWN = pictures()


@pytest.mark.parametrize("name", DRAWN)
def test_the_file_is_what_is_drawn(name: str) -> None:
    assert (FOLDER / name).read_text() == DRAWN[name], "run `make pictures`"


def test_every_file_is_drawn_and_shown() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(DRAWN)
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    shown = {
        name
        for page in pages
        for name in re.findall(r"!\[.+\]\(\S*pictures/(\S+)\)", page.read_text())
    }
    assert shown == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_every_text_has_a_place_of_its_own(name: str) -> None:
    written = texts(DRAWN[name])
    height = float(ET.fromstring(DRAWN[name]).attrib["height"])
    for each in written:
        assert each.left >= 8, each
        assert each.right <= WIDTH - 8, each
        assert each.bottom <= height - 8, each
    assert not [(one, other) for one, other in combinations(written, 2) if one.lies_on(other)]


def test_the_day_is_the_worked_example() -> None:
    day = Day()
    day.check()
    assert [each.name for each in day.deployments] == ["D1", "D2", "D4", "D5"]
    assert [each.name for each in day.failed()] == ["D1", "D4"]
    assert [each.name for each in day.rework()] == ["D2"]


def test_other_numbers_are_not_drawn() -> None:
    day = Day()
    day.deployments.pop()
    with pytest.raises(ValueError, match="'Deployments': 3"):
        day.check()
