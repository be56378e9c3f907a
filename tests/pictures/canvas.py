"""What the drawings are made of.

The background is light whatever the page around it, so that they can be read in GitHub's dark mode
too. Sizes are in pixels, and a page shows a drawing about as large as it is.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 900
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
INK, GREY, RULE, PAGE = "#1b2430", "#5b6675", "#e3e7ec", "#f4f6f8"
BLUE, RED, GREEN, PURPLE = "#1f5fa8", "#c0392b", "#2b7a4b", "#7a5fb0"


def document(height: float, title: str, parts: Iterable[str]) -> str:
    """Return an SVG document; whoever cannot see it is told its title."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" font-family="{FONT}" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height:.0f}" rx="8" fill="{PAGE}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 14,
    weight: int = 400,
    colour: str = INK,
    anchor: str = "start",
) -> str:
    """Return a line of text, which begins, ends or has its middle at `x`."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'
    )


def card(
    x: float, y: float, width: float, height: float, *, fill: str = "#fff", stroke: str = RULE
) -> str:
    """Return a box with round corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def path(
    points: Iterable[tuple[float, float]],
    *,
    colour: str = GREY,
    dashed: bool = False,
    arrow: bool = False,
    width: float = 1.5,
) -> str:
    """Return a line through points, with a head at its end if it is an arrow."""
    through = list(points)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in through)
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    drawn = (
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'
    )
    return drawn + (_head(through[-2], through[-1], colour) if arrow else "")


def _head(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    (x0, y0), (x, y) = start, end
    length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
    along, across = (x - x0) / length, (y - y0) / length
    back_x, back_y = x - 9 * along, y - 9 * across
    left = (back_x - 4 * across, back_y + 4 * along)
    right = (back_x + 4 * across, back_y - 4 * along)
    corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in ((x, y), left, right))
    return f'<polygon points="{corners}" fill="{colour}"/>'


def dot(x: float, y: float, colour: str) -> str:
    """Return a commit's mark."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'


def diamond(x: float, y: float, colour: str, *, hollow: bool = False) -> str:
    """Return a deployment's mark; a hollow one is of what does not count."""
    corners = f"{x:.1f},{y - 9:.1f} {x + 9:.1f},{y:.1f} {x:.1f},{y + 9:.1f} {x - 9:.1f},{y:.1f}"
    fill = "#fff" if hollow else colour
    return f'<polygon points="{corners}" fill="{fill}" stroke="{colour}" stroke-width="2"/>'


def triangle(x: float, y: float, colour: str) -> str:
    """Return an incident's mark."""
    corners = f"{x:.1f},{y - 8:.1f} {x + 8:.1f},{y + 6:.1f} {x - 8:.1f},{y + 6:.1f}"
    return f'<polygon points="{corners}" fill="{colour}"/>'
