"""The page of `dora report`, in a browser: on a phone and a wide screen, by day, by night, printed.

It must need nothing from elsewhere, fit, and be readable for everybody: axe-core judges that.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from end_to_end.recorded import PENDING, TOO_OLD, Deployment, record
from stage import REPOSITORY
from stage.dora import dora
from stage.product import Product

CHROMIUM = Path("/usr/bin/chromium")
# None of it is to reach out: a page that does is seen by its requests, and the browser asks nobody.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = REPOSITORY / "tests" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"phone": 360, "tablet": 820, "desktop": 1400}
LONG = (
    "acme/the-gateway-of-all-payments-in-southern-and-northern-europe-without-any-hyphen-"
    + "x" * 40
)


def deployments(size: str) -> Iterator[Deployment]:
    """Return what happened in an organisation of a size, in 180 days."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    repositories = {"empty": [], "small": ["acme/web", "acme/payments", LONG]}.get(
        size, [f"acme/service-{number:03}" for number in range(299)] + [LONG]
    )
    for number, repository in enumerate(repositories):
        every = 1 + number % 3 if size == "small" else 15 + number % 40
        for ago in range(1 + number % every, 180, every):
            turn = ago // every + 3 * number
            yield Deployment(
                midnight - timedelta(days=ago, hours=-9, minutes=-(number % 600)),
                repository,
                ("Checkout", "Search", "Ångström", "Data")[number % 4] + f" {number % 10 // 4}",
                commits=(3600 + 7919 * (turn % 23), 1800) if turn % 4 else (),
                is_failed=turn % 7 == 0,
                is_rework=turn % 11 == 0,
                recovered_in=(900 + 4001 * (turn % 9),) if turn % 7 == 1 else (),
                state=PENDING if turn == 40 else "published" if ago < 14 else TOO_OLD,
            )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is not there: install it, such as by `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["empty", "small", "large"])
def file(
    stage: Product, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the page of an organisation."""
    stage.reset()
    record(stage, deployments(request.param))
    file = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    result = dora(stage, "report", "--last", "90d", "--format", "html", "--output", str(file))
    assert result.returncode == 0, result.stderr
    return file


def opened(browser: Browser, file: Path, width: int, scheme: Any) -> tuple[Page, list[str]]:
    """Open a page, and return it with what went wrong: messages, and requests to elsewhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: wrong.append(request.url) if request.url != file.as_uri() else None,
    )
    page.goto(file.as_uri(), wait_until="networkidle")
    return page, wrong


def violations(page: Page) -> list[str]:
    """Return what axe-core finds: missing names, contrast, landmarks, order of headings."""
    page.add_script_tag(content=AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def overflows(page: Page) -> list[str]:
    """Return what is wider than the page, unless it scrolls by itself."""
    found: list[str] = page.evaluate(
        """() => [...document.body.querySelectorAll('*')]
            .filter(each => !each.closest('.wide > *'))
            .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
            .map(each => each.outerHTML.slice(0, 120))"""
    )
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("the page scrolls sideways")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_everybody_can_read_it(
    browser: Browser, file: Path, width: str, scheme: str
) -> None:
    page, wrong = opened(browser, file, WIDTHS[width], scheme)
    assert overflows(page) == []
    assert violations(page) == []
    assert wrong == []
    page.context.close()


def test_it_can_be_printed(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, 794, "dark")  # A4
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert overflows(page) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert violations(page) == []
    assert wrong == []
    page.context.close()


def test_its_plots_say_what_they_show(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, 1400, "light")
    plots = page.get_by_role("img").all()
    assert len(plots) == (0 if file.stem == "empty" else 4)
    for plot in plots:
        assert plot.locator("title").text_content()
        assert plot.locator("desc").text_content()
    page.context.close()


def test_a_reader_finds_the_numbers_by_headings_and_by_the_table(
    browser: Browser, file: Path
) -> None:
    page, _ = opened(browser, file, 360, "light")
    headings = [each.text_content() for each in page.get_by_role("heading", level=2).all()]
    assert headings[0] == "The five numbers"
    rows = page.locator("tbody tr")
    assert rows.count() == {"empty": 0, "small": 3 + 3, "large": 12 + 300}[file.stem]
    assert page.locator("tbody th[scope=row]").count() == rows.count()
    assert page.locator("html").get_attribute("lang") == "en"
    page.context.close()
