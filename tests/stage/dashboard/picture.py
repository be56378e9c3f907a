"""Draws what the dashboard shows, as an SVG, from its body and its values.

It follows the console in what is where and what is drawn, not in every pixel. The background is
light whatever the page around it, so that it can be read in GitHub's dark mode too.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Any

from stage.dashboard.evaluate import Drawn, Panel

WIDTH = 1280
_MARGIN = 16
_BAR = 44
_COLUMN = (WIDTH - 2 * _MARGIN) / 24
_ROW = 40
_GAP = 8
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
_INK, _GREY, _RULE, _PAGE = "#1b2430", "#5b6675", "#e3e7ec", "#f4f6f8"
_NOTHING, _NONE = "no data", "--"
_LEFT, _RIGHT, _TOP = 44, 14, 36
_LEGEND_ROW = 17
_CHARACTER = 6.6  # how wide one of 12 pixels is, on the average
_TABLE_ROW = 22


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float


def picture(
    body: dict[str, Any], panels: Sequence[Panel], choices: dict[str, str], end: datetime, days: int
) -> str:
    """Return the dashboard as an SVG document."""
    rows = max(widget["y"] + widget["height"] for widget in body["widgets"])
    height = _BAR + rows * _ROW + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="{_FONT}" font-size="12" fill="{_INK}">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{_PAGE}"/>',
        *_controls(body["variables"], choices, end, days),
    ]
    for widget in body["widgets"]:
        if widget["type"] == "text":
            box = _box(widget["x"], widget["y"], widget["width"], widget["height"])
            parts += _text_widget(widget["properties"]["markdown"], box)
    for panel in panels:
        box = _box(*panel.place)
        parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="6" fill="#fff" stroke="{_RULE}"/>'
        )
        parts += _DRAW[panel.properties["view"]](panel, box)
    return "\n".join([*parts, "</svg>", ""])


def number(value: float) -> str:
    """Return a number as a reader needs it: three digits that say something."""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _box(x: int, y: int, width: int, height: int) -> _Box:
    return _Box(
        _MARGIN + x * _COLUMN + _GAP / 2,
        _BAR + y * _ROW + _GAP / 2,
        width * _COLUMN - _GAP,
        height * _ROW - _GAP,
    )


def _controls(
    variables: list[dict[str, Any]], choices: dict[str, str], end: datetime, days: int
) -> Iterator[str]:
    x = _MARGIN + _GAP / 2
    for variable in variables:
        label = variable["label"]
        yield _text(x, 29, label, fill=_GREY, size=13)
        x += len(label) * 7.6 + 8
        options = [each["label"] for each in variable.get("values", [])]
        chosen = choices.get(label) or (options[0] if options else "▾")
        for option in options or [chosen]:
            width = len(option) * 7.4 + 22
            is_chosen = option == chosen and bool(options or label in choices)
            fill, ink = ("#1f5fa8", "#fff") if is_chosen else ("#fff", _INK)
            yield (
                f'<rect x="{x:.1f}" y="12" width="{width:.1f}" height="26" rx="13" fill="{fill}" '
                f'stroke="#c3cad3"/>'
            )
            yield _text(x + width / 2, 29, option, fill=ink, size=13, anchor="middle")
            x += width + 6
        x += 18
    until = f"{days} days to {_date(end)} {end.year}, UTC"
    yield _text(WIDTH - _MARGIN - _GAP / 2, 29, until, fill=_GREY, size=13, anchor="end")


def _text_widget(markdown: str, box: _Box) -> Iterator[str]:
    heading, _, rest = markdown.partition("\n")
    yield _text(box.x, box.y + 20, heading.lstrip("# "), size=20, weight=600)
    plain = rest.replace("**", "")
    for row, words in enumerate(textwrap.wrap(plain, int(box.width / 7.4))):
        yield _text(box.x, box.y + 44 + row * 18, words, fill=_GREY, size=13)


def _tile(panel: Panel, box: _Box) -> Iterator[str]:
    yield _text(box.x + 12, box.y + 23, panel.title, size=13, weight=600)
    if not any(line.series for line in panel.lines):
        yield from _badge(box.x + box.width / 2, box.y + box.height / 2 + 8, _NOTHING)
        return
    each_width = (box.width - 20) / len(panel.lines)
    for place, line in enumerate(panel.lines):
        x = box.x + 12 + place * each_width
        colour = line.colour if line.series else _GREY
        yield _text(x, box.y + 69, _latest(line), size=34, weight=600, fill=colour)
        yield _text(x, box.y + 94, line.label, fill=_GREY, size=13)


def _graph(panel: Panel, box: _Box) -> Iterator[str]:
    yield _text(box.x + 12, box.y + 22, panel.title, size=13, weight=600)
    axis = panel.properties["yAxis"]["left"]
    legend = _legend_rows(panel.lines, box.width - 24)
    plot = _Box(
        box.x + _LEFT,
        box.y + _TOP,
        box.width - _LEFT - _RIGHT,
        box.height - _TOP - 22 - len(legend) * _LEGEND_ROW,
    )
    unit_x = box.x + box.width - _RIGHT
    yield _text(unit_x, box.y + 22, axis["label"], fill=_GREY, anchor="end")
    annotations = panel.properties.get("annotations", {}).get("horizontal", [])
    values = [value for line in panel.lines for value in line.series.values()]
    heights = [*values, *(annotation["value"] for annotation in annotations)]
    top = _nice(max([*heights, 1]) * 1.08)

    def height_of(value: float) -> float:
        return plot.y + plot.height * (1 - min(value, top) / top)

    for tick in (0, top / 2, top):
        y = height_of(tick)
        yield _line(plot.x, y, plot.x + plot.width, y, _RULE)
        yield _text(plot.x - 6, y + 4, number(tick), fill=_GREY, size=12, anchor="end")
    yield from _time_axis(panel.times, plot)
    yield from _bands(annotations, height_of, plot)
    for before, line in enumerate(panel.lines):
        radius = 3.5 + 3.6 / len(panel.lines) * (
            len(panel.lines) - 1 - before
        )  # equal values stay visible
        yield from _series(line, panel.times, height_of, plot, radius)
    if not values:
        middle = plot.y + plot.height / 2
        yield from _badge(plot.x + plot.width / 2, middle, _NOTHING)
    yield from _legend(legend, box.x + 12, plot.y + plot.height + 36)


def _bands(annotations: list[dict[str, Any]], height_of: Any, plot: _Box) -> Iterator[str]:
    for annotation in annotations:
        y = height_of(annotation["value"])
        yield _line(plot.x, y, plot.x + plot.width, y, annotation["color"], dashed=True)
    below, x = plot.y + plot.height + _LEGEND_ROW, plot.x + 4
    for annotation in sorted(annotations, key=lambda each: float(each["value"])):
        y, label = height_of(annotation["value"]), annotation["label"]
        x = plot.x + 4 if below - y >= 13 else x  # lines that lie close have labels side by side
        yield _halo(x, y - 3, label, annotation["color"])
        below, x = y, x + len(label) * _CHARACTER + 10


def _series(
    line: Drawn, times: list[datetime], height_of: Any, plot: _Box, radius: float
) -> Iterator[str]:
    place = {at: plot.x + plot.width * (n + 0.5) / len(times) for n, at in enumerate(times)}
    for before, after in pairwise(times):
        if before in line.series and after in line.series:
            yield _line(
                place[before],
                height_of(line.series[before]),
                place[after],
                height_of(line.series[after]),
                line.colour,
                width=2,
            )
    for at, value in line.series.items():
        yield (
            f'<circle cx="{place[at]:.1f}" cy="{height_of(value):.1f}" r="{radius:.1f}" '
            f'fill="{line.colour}" stroke="#fff" stroke-width="1"/>'
        )


def _time_axis(times: list[datetime], plot: _Box) -> Iterator[str]:
    most = max(1, int(plot.width / 62))
    step = -(-len(times) // most)
    for n, at in enumerate(times):
        if n % step == 0:
            x = plot.x + plot.width * (n + 0.5) / len(times)
            yield _text(
                x, plot.y + plot.height + 15, _date(at), fill=_GREY, size=12, anchor="middle"
            )


def _latest(line: Drawn) -> str:
    return number(list(line.series.values())[-1]) if line.series else _NONE


def _legend_rows(lines: list[Drawn], width: float) -> list[list[tuple[str, str, float]]]:
    rows: list[list[tuple[str, str, float]]] = [[]]
    used = 0.0
    for line in lines:
        label = line.label.replace("${LAST}", _latest(line))
        needed = len(label) * _CHARACTER + 30
        if rows[-1] and used + needed > width:
            rows.append([])
            used = 0.0
        rows[-1].append((label, line.colour, needed))
        used += needed
    return rows


def _legend(rows: list[list[tuple[str, str, float]]], left: float, top: float) -> Iterator[str]:
    for number_of_row, row in enumerate(rows):
        x, y = left, top + number_of_row * _LEGEND_ROW - 2
        for label, colour, width in row:
            yield f'<rect x="{x:.1f}" y="{y - 8:.1f}" width="12" height="8" fill="{colour}"/>'
            yield _text(x + 17, y, label)
            x += width


def _table(panel: Panel, box: _Box) -> Iterator[str]:
    yield _text(box.x + 12, box.y + 22, panel.title, size=13, weight=600)
    if not panel.lines:
        yield from _badge(box.x + box.width / 2, box.y + box.height / 2 + 8, _NOTHING)
        return
    columns = panel.properties["table"]
    summed = "SUM" in columns["summaryColumns"]
    times = panel.times if columns["showTimeSeriesData"] else []
    heads = [_date(at) for at in times] + (["sum"] if summed else [])
    right = box.x + box.width - 14
    column = min(92.0, (box.width - 150) / len(heads))
    places = [right - column * (len(heads) - 1 - n) for n in range(len(heads))]
    y = box.y + 46
    yield _text(box.x + 12, y, "from" if times else "", fill=_GREY)
    for x, head in zip(places, heads, strict=True):
        yield _text(x, y, head, fill=_GREY, size=12, anchor="end")
    characters = int((places[0] - 56 - box.x) / 7.2)
    fitting = int((box.height - 54) / _TABLE_ROW)
    for line in panel.lines[:fitting]:
        yield _line(box.x + 12, y + 6, right, y + 6, _RULE)
        y += _TABLE_ROW
        yield _text(box.x + 12, y, _shortened(line.label, characters), size=13)
        cells = [number(line.series[at]) if at in line.series else _NONE for at in times]
        cells += [number(sum(line.series.values()))] if summed else []
        for x, cell in zip(places, cells, strict=True):
            yield _text(x, y, cell, size=13, anchor="end")


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _badge(x: float, y: float, text: str) -> Iterator[str]:
    width = len(text) * 7.4 + 24
    yield (
        f'<rect x="{x - width / 2:.1f}" y="{y - 13:.1f}" width="{width:.1f}" height="26" rx="13" '
        f'fill="{_PAGE}" stroke="{_RULE}"/>'
    )
    yield _text(x, y + 4, text, fill=_GREY, size=13, anchor="middle")


def _text(
    x: float,
    y: float,
    text: str,
    *,
    fill: str = _INK,
    size: int = 12,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _halo(x: float, y: float, text: str, fill: str) -> str:
    """Write upon lines, and stay readable."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="12" '
        f'stroke="#fff" stroke-width="3" paint-order="stroke">{escape(text)}</text>'
    )


def _line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    colour: str,
    *,
    width: float = 1,
    dashed: bool = False,
) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashes}/>'
    )


def _nice(value: float) -> float:
    """Return the next number that reads well on an axis."""
    magnitude = 10.0 ** (len(f"{value:.0f}") - 1)
    steps = (2, 4, 6, 8, 10)
    return next(step * magnitude for step in steps if step * magnitude >= value)


def _date(at: datetime) -> str:
    return re.sub(r"^0", "", at.strftime("%d %b"))


_DRAW = {"singleValue": _tile, "timeSeries": _graph, "table": _table}
