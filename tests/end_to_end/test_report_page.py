"""The report's page in a browser: whole, quiet, readable, on any screen and on paper.

Debian's Chromium renders it (`apt-get install chromium`).
"""

import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from stage import EVENTS, REPOSITORY
from stage.dora import asked, dora
from stage.product import Product
from stage.scenario import load_scenario

AXE = REPOSITORY / "tests" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDTHS = (360, 820, 1400)
PAPER: ViewportSize = {"width": 794, "height": 1123}
DAYS = 90
REPOSITORIES = 300


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser."""
    chromium = shutil.which("chromium")
    assert chromium, "the page is tested in Debian's Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def items_of(repositories: int) -> Iterator[dict[str, Any]]:
    """Yield deployments of many repositories, as the functions record them."""
    chance = random.Random(1)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(repositories):
        repository = f"acme/{'a-service-with-a-very-long-name-' * (number % 3)}{number}"
        for _ in range(3):
            at = (now - timedelta(seconds=chance.randrange(86_400, DAYS * 86_400))).isoformat()
            claim = {"claim": {"S": "0"}, "state": {"S": "published"}, "at": {"S": at}}
            claim |= {"repository": {"S": repository}, "team": {"S": f"Team {number % 20}"}}
            once = {"M": claim | {"unit": {"S": "Count"}, "value": {"N": "1"}}}
            age = {"N": str(chance.randrange(900_000))}
            identity = f"{chance.getrandbits(32):08x}-0000-4000-8000-{chance.getrandbits(48):012x}"
            yield {
                "pk": {"S": f"deployment#{identity}"},
                "sk": {"S": "111122223333#eu-west-1#web"},
                "repository": {"S": repository},
                "deployed_at": {"S": at},
                **dict.fromkeys(("Deployments", "Changes"), once),
                **({"FailedChanges": once} if chance.random() < 0.2 else {}),
                "LeadTimeForChanges": {"M": claim | {"unit": {"S": "Seconds"}, "value": age}},
            }


@pytest.fixture(params=["empty", "small", "large"])
def file(request: pytest.FixtureRequest, product: Product, tmp_path: Path) -> Path:
    """Write the page of an organisation of this size."""
    if request.param == "small":
        product.play(load_scenario(EVENTS / "scenarios" / "mixed-organisation.json"))
    if request.param == "large":
        product.remember(items_of(REPOSITORIES))
    page = tmp_path / "report.html"
    period = ["--last", f"{DAYS}d"]
    result = dora(product, "report", *period, "--format", "html", "--output", str(page))
    assert result.returncode == 0, result.stderr
    told = asked(product, "report", *period)
    (tmp_path / "values").write_text(
        "\n".join(
            str(number["value"])
            for scope in told["scopes"]
            for number in scope["numbers"]
            if number["value"] is not None
        )
    )
    return page


def opened(page: Page, file: Path) -> list[str]:
    """Open the file; return what the page says or asks for meanwhile, which should be nothing."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(file.as_uri())
    heard.remove(file.as_uri())
    return heard


def wrong(page: Page) -> list[str]:
    """Return what does not fit, and what not everybody can read, as the page is shown now."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    return [f"{wide} pixels stand out"] * (wide > 0) + [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_whole_and_accessible(browser: Browser, file: Path, scheme: Any) -> None:
    for width in WIDTHS:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        assert opened(page, file) == []
        assert wrong(page) == [], width
        nameless = page.eval_on_selector_all(
            "svg", "all => all.filter(one => !one.querySelector('title + desc')).length"
        )
        assert nameless == 0
        context.close()


def test_the_page_shows_the_numbers_of_the_report(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    opened(page, file)
    shown = page.eval_on_selector_all("data", "all => all.map(one => one.value)")
    wanted = (file.parent / "values").read_text().splitlines()
    assert [float(value) for value in shown] == [float(value) for value in wanted]
    page.close()


def test_the_page_can_be_printed(browser: Browser, file: Path) -> None:
    page = browser.new_page(color_scheme="dark", viewport=PAPER)
    opened(page, file)
    page.emulate_media(media="print")
    assert wrong(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
