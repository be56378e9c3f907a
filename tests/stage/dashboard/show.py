"""Plays a scenario and draws the dashboard that it leads to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stage.dashboard.body import chosen, deployed
from stage.dashboard.evaluate import Panel, panels
from stage.dashboard.picture import picture
from stage.dashboard.source import CloudWatch
from stage.product import Product, Progress, staged
from stage.scenario import load_scenario

DAYS = 14  # CloudWatch takes nothing older, so a stage has no longer past


def draw(scenario: Path, file: Path, progress: Progress) -> int:
    """Write the dashboard, as it is after a scenario, to a file."""
    loaded = load_scenario(scenario)
    with staged(progress) as product:
        progress(f"AWS emits {len(loaded.steps)} events on the accounts' buses")
        product.play(loaded)
        progress("evaluating the dashboard")
        file.write_text(drawn(product, {}))
    progress(f"wrote {file}")
    return 0


def drawn(product: Product, choices: dict[str, str]) -> str:
    """Return the deployed dashboard as an SVG document, with the viewer's choices."""
    body, shown, end = evaluated(product, choices)
    return picture(body, shown, choices, end - timedelta(days=1), DAYS)


def evaluated(
    product: Product, choices: dict[str, str], days: int = DAYS
) -> tuple[dict[str, Any], list[Panel], datetime]:
    """Return the deployed dashboard, with the viewer's choices and values, and where they end."""
    cloudwatch = product.operations("cloudwatch")
    body = chosen(deployed(cloudwatch), choices)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=days)
    return body, panels(body, CloudWatch(cloudwatch), start, midnight), midnight
