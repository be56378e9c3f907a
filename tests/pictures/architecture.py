"""The architecture: the accounts, and the way of an event through them."""

from collections.abc import Iterator

from pictures.canvas import BLUE, GREEN, GREY, PURPLE, RED, card, document, path, text

_HEIGHT = 590
_LEGEND = (
    (BLUE, False, "events"),
    (PURPLE, False, "what functions ask and write"),
    (RED, True, "what failed, kept"),
)


def picture() -> str:
    """Draw it."""
    return document(
        _HEIGHT,
        "Events go from CodePipeline and OpsCenter over buses to four functions in the operations "
        "account, which ask what the event lacks, claim the deployment in the ledger and publish "
        "metrics; what fails waits in queues with alarms",
        [*_accounts(), *_arrows(), *_boxes(), *_legend()],
    )


def _accounts() -> Iterator[str]:
    yield from _account(16, 16, 190, 344, "tooling account", "one or many")
    yield from _account(16, 376, 190, 162, "application's account", "any number, or none")
    yield from _account(232, 16, 652, 426, "operations account")


def _account(
    x: float, y: float, width: float, height: float, name: str, number: str = ""
) -> Iterator[str]:
    yield card(x, y, width, height)
    yield text(x + 14, y + 26, name, weight=600)
    yield text(x + 14, y + 46, number, size=13, colour=GREY)


def _boxes() -> Iterator[str]:
    yield from _box(30, 76, 162, GREEN, "CodePipeline")
    yield from _box(30, 136, 162, BLUE, "default event bus", "rules forward")
    yield from _box(30, 220, 162, RED, "undelivered events")
    yield from _box(30, 290, 162, GREY, "read-only role", "for the functions")
    yield from _box(30, 436, 162, GREEN, "OpsCenter", "incidents: OpsItems", "and a read-only role")
    yield from _box(250, 56, 170, GREY, "archives", "events, to replay")
    yield from _box(250, 136, 170, BLUE, "four custom buses", "rules, once more")
    yield from _box(250, 300, 170, RED, "undelivered events", "queues")
    yield from _box(
        460, 96, 180, PURPLE, "functions", "deployment-frequency", "lead-time",
        "change-failure-rate", "mttr",
    )  # fmt: skip
    yield from _box(460, 300, 180, RED, "failed events", "queues")
    yield from _box(355, 388, 180, RED, "alarms, SNS topic")
    yield from _box(690, 66, 180, GREEN, "ledger, DynamoDB", "claims and traces")
    yield from _box(690, 150, 180, GREEN, "CloudWatch", "the metrics")
    yield from _box(690, 250, 180, GREEN, "dashboard, Grafana")
    yield from _box(690, 482, 180, GREY, "GitHub", "commits, pull requests")


def _arrows() -> Iterator[str]:
    yield path([(111, 112), (111, 136)], colour=BLUE, arrow=True)
    yield path([(192, 158), (250, 158)], colour=BLUE, arrow=True)
    yield path([(192, 464), (219, 464), (219, 178), (250, 178)], colour=BLUE, arrow=True)
    yield path([(420, 164), (460, 164)], colour=BLUE, arrow=True)
    yield path([(335, 136), (335, 112)], colour=BLUE, arrow=True)
    yield path([(111, 192), (111, 220)], colour=RED, dashed=True, arrow=True)
    yield path([(335, 192), (335, 300)], colour=RED, dashed=True, arrow=True)
    yield path([(570, 212), (570, 300)], colour=RED, dashed=True, arrow=True)
    yield path([(355, 356), (355, 372), (420, 372), (420, 388)], colour=RED, arrow=True)
    yield path([(530, 356), (530, 372), (470, 372), (470, 388)], colour=RED, arrow=True)
    yield path([(640, 110), (690, 94)], colour=PURPLE, arrow=True)
    yield path([(640, 170), (690, 178)], colour=PURPLE, arrow=True)
    yield path([(780, 206), (780, 250)], colour=PURPLE, arrow=True)
    yield path([(500, 212), (500, 272), (111, 272), (111, 290)], colour=PURPLE, arrow=True)
    yield path([(640, 200), (664, 200), (664, 510), (690, 510)], colour=PURPLE, arrow=True)
    yield path(
        [(620, 212), (620, 286), (650, 286), (650, 490), (192, 490)], colour=PURPLE, arrow=True
    )


def _box(x: float, y: float, width: float, colour: str, *lines: str) -> Iterator[str]:
    yield card(x, y, width, 16 + 20 * len(lines), stroke=colour)
    for row, line in enumerate(lines):
        weight = 600 if row == 0 else 400
        middle = x + width / 2
        yield text(middle, y + 23 + 20 * row, line, size=13, weight=weight, anchor="middle")


def _legend() -> Iterator[str]:
    x, y = 30.0, _HEIGHT - 22
    for colour, dashed, words in _LEGEND:
        yield path([(x, y - 4), (x + 30, y - 4)], colour=colour, dashed=dashed, arrow=True)
        yield text(x + 40, y, words, size=13, colour=GREY)
        x += 90 + 7 * len(words)
