"""The figures as a picture: bars of Rust and Python, and a line where the empty function is."""

from collections.abc import Callable, Iterator, Sequence

from bench import FUNCTIONS
from bench.contestants import PYTHON, RUST
from bench.figures import Figures
from bench.report import Measured, find, the_empty

_WIDTH, _MARGIN, _PANEL = 1000, 24, 236
_NAMES, _NUMBERS = 170, 120
_BAR, _PAIR, _TOP = 15, 46, 44
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
_INK, _GREY, _PAGE = "#1b2430", "#5b6675", "#f4f6f8"
_COLOURS = {RUST: "#1f5fa8", PYTHON: "#c3cad3"}

_PANELS: tuple[tuple[str, str, Callable[[Figures], float]], ...] = (
    ("Cold start to the first answer", "ms", lambda of: of.cold_start * 1e3),
    ("A later event, median", "ms", lambda of: of.warm_p50 * 1e3),
    ("Peak memory", "MB", lambda of: of.memory / 1e6),
)


def picture(measured: Sequence[Measured]) -> str:
    """Return the picture as an SVG document."""
    height = _MARGIN + len(_PANELS) * (_PANEL + 12) + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="{_FONT}" font-size="13" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="{_PAGE}"/>',
    ]
    for place, (title, unit, value) in enumerate(_PANELS):
        parts += _panel(measured, title, unit, value, _MARGIN + place * (_PANEL + 12))
    parts += _legend(height - 18)
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    measured: Sequence[Measured],
    title: str,
    unit: str,
    value: Callable[[Figures], float],
    top: float,
) -> Iterator[str]:
    yield (
        f'<rect x="{_MARGIN}" y="{top}" width="{_WIDTH - 2 * _MARGIN}" height="{_PANEL}" rx="6" '
        'fill="#fff" stroke="#e3e7ec"/>'
    )
    yield _text(_MARGIN + 14, top + 26, f"{title}, {unit}", weight=600)
    most = max(value(each.figures) for each in measured)
    left = _MARGIN + _NAMES
    scale = (_WIDTH - 2 * _MARGIN - _NAMES - _NUMBERS) / most
    for row, function in enumerate(FUNCTIONS):
        y = top + _TOP + row * _PAIR
        yield _text(left - 10, y + _BAR + 5, function, anchor="end")
        own = value(find(measured, function, RUST).figures)
        for offset, language in enumerate((RUST, PYTHON)):
            length = value(find(measured, function, language).figures)
            bar = y + offset * (_BAR + 2)
            yield (
                f'<rect x="{left}" y="{bar}" width="{max(length * scale, 1):.1f}" '
                f'height="{_BAR}" rx="2" fill="{_COLOURS[language]}"/>'
            )
            times = "" if language == RUST else f" ({length / own:.0f} times)"
            yield _text(left + length * scale + 6, bar + 12, f"{_number(length)}{times}", size=12)
    floor = value(the_empty(measured).figures)
    x, bottom = left + floor * scale, top + _TOP + len(FUNCTIONS) * _PAIR - 10
    yield (
        f'<line x1="{x:.1f}" y1="{top + _TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke="{_INK}" '
        'stroke-dasharray="3 3"/>'
    )
    at = _WIDTH - _MARGIN - 14
    yield _text(at, top + 26, f"empty function: {_number(floor)}", colour=_GREY, anchor="end")


def _legend(y: float) -> Iterator[str]:
    x = float(_MARGIN + 14)
    for language, words in (
        (RUST, "this project, in Rust"),
        (PYTHON, "the same calls in Python, by boto3"),
    ):
        yield (
            f'<rect x="{x}" y="{y - 11}" width="14" height="14" rx="2" '
            f'fill="{_COLOURS[language]}"/>'
        )
        yield _text(x + 20, y, words)
        x += len(words) * 7 + 50
    yield f'<line x1="{x}" y1="{y - 5}" x2="{x + 22}" y2="{y - 5}" stroke="{_INK}" ' + (
        'stroke-dasharray="3 3"/>'
    )
    yield _text(x + 28, y, "a function in Rust that does nothing")


def _number(value: float) -> str:
    decimals = 0 if value >= 100 else 1 if value >= 1 else 2
    return f"{value:.{decimals}f}"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 13,
    weight: int = 400,
    colour: str = _INK,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{words}</text>'
    )
