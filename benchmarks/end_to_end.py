"""The time from the command to what users wait for: help, the first picture, the first losses, a coverage.

Each row is a run of `train_gan.py` in its own process, timed from outside by the files that it writes.

Example:
  python -m benchmarks.end_to_end --data mnist --minutes 3 --coverage 0.5
"""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
import time
from pathlib import Path

from keras_gen.cli.command_line import one_line_errors, parse

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Options:
    """What to run."""

    data: str = "mnist"
    """A name or a path, as for train_gan.py."""
    presets: tuple[str, ...] = ("article", "fast")
    """Some of those of train_gan.py."""
    minutes: float = 3.0
    """Training time of each run."""
    coverage: float = 0.5
    """The coverage to wait for in the quality monitor: the share of training images with a generated one nearby."""
    out: Path = Path("runs/end_to_end")
    """Folder of the runs; must not exist yet."""


def seconds_until_help(*command: str) -> float:
    """How long a command takes to print its help."""
    begun_at = time.monotonic()
    subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, check=True)
    return time.monotonic() - begun_at


def time_run(preset: str, options: Options) -> dict[str, float | None]:
    """Seconds from the command to each event; None for an event that never came."""
    folder = options.out / preset
    begun_at = time.time()  # the times of files are times of day
    command = [sys.executable, ROOT / "train_gan.py", preset, "--data", options.data, "--minutes", str(options.minutes)]
    command += ["--run-dir", folder, "--export-dir", options.out / "exported"]
    subprocess.run(command, capture_output=True, check=True)
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    first_grid = (folder / "samples" / "step_0000000.png").stat().st_mtime
    # The clock of the metrics begins right before the first picture is drawn.
    reached = (float(row["seconds"]) for row in rows if float(row["coverage"]) >= options.coverage)
    until = next(reached, None)
    return {
        "first picture": first_grid - begun_at,
        "first epoch": first_grid + float(rows[0]["seconds"]) - begun_at,
        f"coverage {options.coverage:g}": None if until is None else first_grid + until - begun_at,
        "all": time.time() - begun_at,
    }


def main(options: Options) -> None:
    """Prints a table of seconds."""
    with one_line_errors():
        options.out.mkdir(parents=True)
    for command in (("-m", "keras_gen"), ("train_gan.py",)):
        print(f"{' '.join(command)} --help: {seconds_until_help(*command):.1f} s", flush=True)
    for preset in options.presets:
        events = time_run(preset, options)
        if preset == options.presets[0]:
            print(f"| preset | {' | '.join(events)} |\n|{' --- |' * (len(events) + 1)}")
        cells = ["–" if seconds is None else f"{seconds:.1f}" for seconds in events.values()]
        print(f"| {preset} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(parse(Options, __doc__))
