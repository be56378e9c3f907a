"""What is written in a drawing, and where."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

_SVG = "{http://www.w3.org/2000/svg}"
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
    """Return the texts of an SVG document."""
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
