"""Compares the model that a run delivers with the best one during the run, for every preset of a GAN.

Each row is a run of `train_gan.py` in its own process. Its model is loaded, and its Fréchet distance measured as in the
run. Beside it stand the least and the last one in `metrics.csv`, and the share of the time for watching.

Example:
  python -m benchmarks.delivered --data digits --epochs 20 --seeds 0 1 2
"""

from __future__ import annotations

import csv
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import GANS

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Options:
    """What to run."""

    data: str = "digits"
    """A name or a path, as for train_gan.py."""
    epochs: int = 20
    """Epochs of each run."""
    presets: tuple[str, ...] = tuple(name for name in GANS if name != "resnet")  # which needs a GPU
    """Some of those of train_gan.py."""
    seeds: tuple[int, ...] = (0,)
    """A run of each preset for each of these."""
    out: Path = Path("runs/delivered")
    """Folder of the runs; must not exist yet."""


def main(options: Options) -> None:
    """Prints a row for each run."""
    with one_line_errors():
        start_keras()
        from keras_gen import evaluation, features
        from keras_gen.models import saving

        images = keras_gen.load(options.data)
        net = features.FeatureNet.of(images)
        options.out.mkdir(parents=True)
    print("| preset | seed | least | last | delivered | delivered / least | watching |\n|" + " --- |" * 7)
    for preset in options.presets:
        for seed in options.seeds:
            folder = options.out / f"{preset}-{seed}"
            command = [sys.executable, ROOT / "train_gan.py", preset, "--data", options.data, "--seed", str(seed)]
            command += ["--epochs", str(options.epochs), "--run-dir", folder, "--export-dir", options.out / "exported"]
            process = subprocess.run(command, capture_output=True, text=True, check=True)
            with open(folder / "metrics.csv") as file:
                seen = [float(row["frechet"]) for row in csv.DictReader(file)]
            logs: dict[str, float] = {}
            monitor = evaluation.QualityMonitor(images.train, net)
            monitor.set_model(saving.load(folder))
            monitor.on_train_begin()
            monitor.on_epoch_end(0, logs)
            cells = [f"{value:.4g}" for value in (min(seen), seen[-1], logs["frechet"])]
            watching = re.findall(r"watching the quality took .*, (.*%)", process.stdout)
            print(
                f"| {preset} | {seed} | {' | '.join(cells)} | {logs['frechet'] / min(seen):.3f} | {watching[0]} |",
                flush=True,
            )


if __name__ == "__main__":
    main(parse(Options, __doc__))
