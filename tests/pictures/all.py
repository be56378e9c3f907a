"""All pictures, by the names of their files."""

from pictures import architecture, metrics
from pictures.day import Day
from stage import REPOSITORY

FOLDER = REPOSITORY / "docs" / "pictures"


def pictures() -> dict[str, str]:
    """Return each picture as an SVG document."""
    day = Day()
    day.check()
    return {
        "deployment-frequency.svg": metrics.deployment_frequency(day),
        "lead-time.svg": metrics.lead_time(day),
        "change-fail-rate.svg": metrics.change_fail_rate(day),
        "recovery-time.svg": metrics.recovery_time(day),
        "rework-rate.svg": metrics.rework_rate(day),
        "architecture.svg": architecture.picture(),
    }
