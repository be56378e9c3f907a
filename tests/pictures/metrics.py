"""One picture for each metric: the same day, with what the metric looks at."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pictures.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    RED,
    RULE,
    WIDTH,
    card,
    diamond,
    document,
    dot,
    path,
    text,
    triangle,
)
from pictures.day import Day, Execution, middle

_MARGIN, _LEFT, _RIGHT = 16, 130, 50
_TOP, _LANE, _RESULT = 72, 62, 66
_FIRST, _LAST = 8, 16  # the hours of the axis


def deployment_frequency(day: Day) -> str:
    """Draw which executions count."""
    lane = _lane(0)
    parts = [_name(lane, "production")]
    for each in day.executions:
        parts.append(
            diamond(
                _x(each.at),
                lane,
                BLUE if each.is_deployment else GREY,
                hollow=not each.is_deployment,
            )
        )
        if each.is_deployment:
            parts.append(_above(each, lane, BLUE))
    failed = next(each for each in day.executions if not each.succeeded)
    below = lane + 32
    parts += [
        text(
            _x(failed.at), below, f"{failed.name} fails in its build:", colour=GREY, anchor="middle"
        ),
        text(_x(failed.at), below + 18, "not counted", colour=GREY, anchor="middle"),
        text(_x(day.rollback.at), below, "rollback:", colour=GREY, anchor="middle"),
        text(_x(day.rollback.at), below + 18, "not counted", colour=GREY, anchor="middle"),
    ]
    return _picture(
        "Deployment frequency: how often a change reaches production",
        2,
        parts,
        f"Deployments: {len(day.deployments)} on this day",
        "however often an event comes, its deployment counts once",
    )


def lead_time(day: Day) -> str:
    """Draw each deployment's commits and the time from the first."""
    parts: list[str] = []
    for number, each in enumerate(day.deployments):
        lane = _lane(number * 0.72)
        begin, end = _x(each.at - day.lead_time(each)), _x(each.at)
        parts += [
            _name(lane, f"{each.name} shipped"),
            path([(begin, lane), (end - 9, lane)], colour=BLUE, width=3),
            *(dot(_x(commit.authored), lane, PURPLE) for commit in day.commits(each)),
            diamond(end, lane, BLUE),
            text(
                (begin + end) / 2,
                lane - 12,
                _time(day.lead_time(each)),
                weight=600,
                colour=BLUE,
                anchor="middle",
            ),
        ]
    times = [day.lead_time(each) for each in day.deployments]
    return _picture(
        "Change lead time: from the first commit to production",
        0.72 * len(day.deployments) + 0.3,
        parts,
        f"LeadTimeForChanges: {', '.join(map(_time, times))}; median {_time(middle(times))}",
        "dots are commits; a commit counts with the deployment that brought it first",
    )


def change_fail_rate(day: Day) -> str:
    """Draw which deployments failed, and why."""
    lane, incidents = _lane(0), _lane(1.1)
    failed = day.failed()
    parts = [_name(lane, "production"), _name(incidents, "incidents")]
    for incident in day.incidents:
        x, cause = _x(incident.at), _x(day.latest(incident.at).at)
        parts += [
            path(
                [(x, incidents - 10), (cause + 4, lane + 12)], colour=RED, dashed=True, arrow=True
            ),
            triangle(x, incidents, RED),
        ]
    names = " and ".join(each.name for each in day.incidents)
    parts.append(
        text(
            _x(day.incidents[-1].at) + 16,
            incidents + 5,
            f"{names}: both caused by {day.latest(day.incidents[0].at).name}",
        )
    )
    for each in day.deployments:
        colour = RED if each in failed else BLUE
        parts += [diamond(_x(each.at), lane, colour), _above(each, lane, colour)]
    undone, back = _x(day.latest(day.rollback.at).at), _x(day.rollback.at)
    parts += [
        diamond(back, lane, GREY, hollow=True),
        path(
            [(back, lane + 12), (back, lane + 26), (undone, lane + 26), (undone, lane + 13)],
            colour=RED,
            dashed=True,
            arrow=True,
        ),
        text((undone + back) / 2, lane + 44, "rolled back", colour=GREY, anchor="middle"),
    ]
    changes = len(day.deployments)
    return _picture(
        "Change fail rate: how many changes had to be put right",
        2,
        parts,
        f"FailedChanges {len(failed)} ÷ Changes {changes} = {100 * len(failed) // changes} %",
        "a change fails once, however many incidents it causes",
    )


def recovery_time(day: Day) -> str:
    """Draw how long each failure lasted."""
    lane, incidents = _lane(0), _lane(1.1)
    parts = [_name(lane, "production"), _name(incidents, "incidents")]
    for each in day.executions:
        if each.succeeded:
            ends = any(recovery.end == each for recovery in day.recoveries())
            colour = GREEN if ends else BLUE
            parts.append(diamond(_x(each.at), lane, colour, hollow=each.rollback))
            if not each.rollback:
                parts.append(_above(each, lane, colour))
    ended = set()
    for recovery in day.recoveries():
        begin, end = _x(recovery.begin.at), _x(recovery.end.at)
        if isinstance(recovery.begin, Execution):
            parts += [
                path([(begin + 9, lane), (end - 9, lane)], colour=GREEN, width=3),
                text(
                    (begin + end) / 2,
                    lane + 30,
                    f"rollback: {_time(recovery.time)}",
                    weight=600,
                    colour=GREEN,
                    anchor="middle",
                ),
            ]
        else:
            ended.add(recovery.begin)
            parts += [
                path(
                    [(begin, incidents), (end, incidents), (end, lane + 12)],
                    colour=GREEN,
                    width=3,
                    arrow=True,
                ),
                text(
                    end + 12,
                    incidents + 5,
                    f"{recovery.begin.name} ends with {recovery.end.name}: {_time(recovery.time)}",
                    weight=600,
                    colour=GREEN,
                ),
            ]
    for incident in day.incidents:
        parts.append(triangle(_x(incident.at), incidents, RED if incident not in ended else GREEN))
        if incident not in ended:
            parts.append(
                text(
                    _x(incident.at),
                    incidents + 28,
                    f"{incident.name}: nothing names it yet, no number",
                    colour=GREY,
                )
            )
    times = [recovery.time for recovery in day.recoveries()]
    return _picture(
        "Failed deployment recovery time: how long until production was right again",
        2.4,
        parts,
        f"TimeToRecovery: {', '.join(map(_time, times))}; median {_time(middle(times))}",
        "from the incident to the deployment that names it; or from what a rollback undid",
    )


def rework_rate(day: Day) -> str:
    """Draw which deployment was not planned."""
    lane = _lane(0)
    rework = day.rework()
    parts = [_name(lane, "production")]
    for each in day.deployments:
        colour = PURPLE if each in rework else BLUE
        parts += [diamond(_x(each.at), lane, colour), _above(each, lane, colour)]
    for each in rework:
        x = _x(each.at)
        parts += [
            path([(x, lane + 36), (x, lane + 12)], colour=PURPLE, arrow=True),
            text(x, lane + 54, f"from the branch {each.branch}", colour=PURPLE, anchor="middle"),
        ]
    changes = len(day.deployments)
    return _picture(
        "Deployment rework rate: how many deployments were made to fix an incident",
        2,
        parts,
        f"ReworkDeployments {len(rework)} ÷ Changes {changes} = {100 * len(rework) // changes} %",
        "rework: its branch, the branch of a pull request or a commit names an OpsItem",
    )


def _picture(title: str, lanes: float, parts: Iterable[str], result: str, why: str) -> str:
    bottom = _TOP + lanes * _LANE
    height = bottom + 24 + _RESULT + _MARGIN
    return document(
        height,
        f"{title}. {result}",
        [
            card(_MARGIN, _MARGIN, WIDTH - 2 * _MARGIN, bottom + 8),
            text(_MARGIN + 14, _MARGIN + 28, title, size=16, weight=600),
            *_axis(bottom),
            *parts,
            text(_MARGIN + 14, bottom + 56, result, size=16, weight=600),
            text(_MARGIN + 14, bottom + 80, why, colour=GREY),
        ],
    )


def _axis(bottom: float) -> Iterator[str]:
    for hour in range(_FIRST, _LAST + 1):
        x = _x_of(hour)
        yield path([(x, _TOP - 14), (x, bottom - 6)], colour=RULE)
        yield text(x, bottom + 12, f"{hour:02}:00", size=13, colour=GREY, anchor="middle")


def _name(y: float, words: str) -> str:
    return text(_LEFT - 24, y + 5, words, colour=INK, anchor="end")


def _above(each: Execution, y: float, colour: str) -> str:
    return text(_x(each.at), y - 16, each.name, weight=600, colour=colour, anchor="middle")


def _lane(number: float) -> float:
    return _TOP + 34 + number * _LANE


def _x(moment: datetime) -> float:
    return _x_of(moment.hour + moment.minute / 60)


def _x_of(hour: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (hour - _FIRST) / (_LAST - _FIRST)


def _time(length: timedelta) -> str:
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])
