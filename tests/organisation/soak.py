"""Plays a large organisation in chaos, and prints what it met with: `make soak`."""

import argparse
import sys
import time

from organisation.play import Chaos, Outcome, play
from stage.product import staged

_STARTED = time.monotonic()
_SHOWN = 20
_WIDTH = 44


def main() -> int:
    """Play it; return 0 if every number is the true one, else 1."""
    parser = argparse.ArgumentParser(prog="python -m organisation.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.02, help="of calls that fail")
    parser.add_argument("--peace", action="store_true", help="nothing fails")
    parser.add_argument(
        "--no-window", action="store_true", help="nothing fails between publishing and confirming"
    )
    arguments = parser.parse_args()
    chaos = Chaos(window=not arguments.no_window, share=arguments.share, patience=120)
    with staged(_progress) as product:
        _progress(f"playing about {arguments.events} events of seed {arguments.seed}")
        outcome = play(
            product,
            arguments.seed,
            arguments.events,
            None if arguments.peace else chaos,
            _progress,
        )
    _tell(outcome)
    if outcome.differences:
        print(f"Once more: make soak {' '.join(_settings(arguments))}")
        return 1
    return 0


def _settings(arguments: argparse.Namespace) -> list[str]:
    """Return how `make` is told the same."""
    how = [f"--share={arguments.share}"]
    how += ["--peace"] * arguments.peace + ["--no-window"] * arguments.no_window
    return [f"SEED={arguments.seed}", f"EVENTS={arguments.events}", f"SOAK='{' '.join(how)}'"]


def _tell(outcome: Outcome) -> None:
    print()
    rows = [*outcome.figures.items(), *sorted(outcome.hits.items())]
    rows += [
        ("values repeated in the window", len(outcome.repeated)),
        ("numbers compared", outcome.compared),
        ("differences", len(outcome.differences)),
        ("seconds", round(time.monotonic() - _STARTED)),
    ]
    for name, figure in rows:
        print(f"{name:<{_WIDTH}}{figure:>8}")
    for line in outcome.differences[:_SHOWN]:
        print(line)


def _progress(text: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.0f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
