"""Trains GANs with other options, one after the other, and lets an independent judge score what they make.

`presets` measures each preset as it is; `stability` begins with the article's GAN and adds one remedy at a time. Each
row is what `train_gan.py` does with the options that stand in it. Prints a table and saves a picture of each row.

Example:
  python -m benchmarks.quality presets --data mnist --cache judge.keras --minutes 3
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any, Literal

import tyro

import keras_gen
import train_gan
from benchmarks.judge import COLUMNS, Judge, markdown_row
from keras_gen.command_line import one_line_errors, parse, start_keras
from keras_gen.options import GANOptions
from keras_gen.presets import GANS

NUM_SAMPLES = 10_000
PICTURE = 80  # images in a row's picture

# The options of each row, as one would type them after `train_gan.py`.
TABLES = {
    "presets": {name: name for name in GANS if name != "resnet"},  # which wants a GPU
    "stability": {
        "article": "article",
        "least squares": "article --loss least_squares",
        "hinge": "article --loss hinge",
        "relativistic": "article --loss relativistic",
        "β1 0.5": "article --beta-1 0.5",
        "averaged weights": "article --ema-decay 0.998",
        "packs of two": "article --pack-size 2",
        "labels": "cgan-article",
        "Wasserstein + gradient penalty": "article --loss wasserstein --penalties gradient_penalty --penalty-weight 10 "
        "--beta-1 0 --beta-2 0.9",
        "R1": "article --penalties r1 --penalty-weight 0.2",
        "R1 + R2": "article --penalties r1 r2 --penalty-weight 0.2",
        "relativistic + R1 + R2": "article --loss relativistic --penalties r1 r2 --penalty-weight 0.2",
        "all of them": "fast --network mlp",
        "all of them, convolutions": "fast",
    },
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to measure."""

    table: tyro.conf.Positional[Literal["presets", "stability"]]
    """The rows."""
    cache: Path
    """.keras file of the judge, see benchmarks/judge.py."""
    data: str = "mnist"
    """Labelled data set: a name or a path, as for train_gan.py."""
    minutes: float | None = None
    """Training time of each run."""
    epochs: int | None = None
    """Passes over the data of each run, on machines that are busy with something else."""
    seeds: tuple[int, ...] = (0,)
    """A run of each row for each of these."""
    only: tuple[str, ...] = ()
    """Names of the rows to measure; all by default."""
    out: Path = Path("runs/quality")
    """Folder of the pictures."""


def train(options: GANOptions, images):
    """The GAN that `train_gan.py` would train with resolved options, without the folder of a run."""
    import keras

    from keras_gen import callbacks

    keras.utils.set_random_seed(options.seed)
    gan, batches = train_gan.build(options, images)
    budget = callbacks.Budget(options.epochs, options.minutes)
    watchers = [budget, callbacks.StopOnNaN(), callbacks.ProgressBar(budget, every_seconds=60)]
    gan.fit(batches, epochs=options.epochs or sys.maxsize, shuffle=False, verbose=0, callbacks=watchers)
    return gan


def samples(gan, seed: int):
    """Images, the labels that were asked for, or None, and a picture of what one can ask for."""
    if gan.conditions is None:
        images = gan.sample(NUM_SAMPLES, seed)
        return images, None, keras_gen.images.grid(images[:PICTURE], columns=10)
    rows = gan.conditions.rows(NUM_SAMPLES, seed)
    draws = keras_gen.latents.normal(NUM_SAMPLES, gan.latent_dim, seed)
    pictures, values = gan.sweep(gan.conditions.names[0], num=PICTURE, seed=seed)
    picture = keras_gen.images.grid(pictures, len(values))
    return gan.decode(draws, rows), gan.conditions.decode(rows).get("label"), picture


def main(options: Options) -> None:
    """Prints one row for each run, below the floor."""
    rows = TABLES[options.table]
    with one_line_errors():
        start_keras()
        unknown = set(options.only) - set(rows)
        if unknown:
            raise ValueError(f"unknown rows {', '.join(unknown)}: expected some of {', '.join(rows)}")
        images = keras_gen.load(options.data)
        judge = Judge.load_or_train(images, options.cache)
    print(f"| {' | '.join(['run', *COLUMNS])} | seed | steps | minutes |\n|{' --- |' * (len(COLUMNS) + 4)}")
    print(f"{markdown_row('real training images', judge.floor(NUM_SAMPLES))} – | – | – |", flush=True)
    for name, command in rows.items():
        if options.only and name not in options.only:
            continue
        for seed in options.seeds:
            arguments = tyro.cli(GANOptions, args=command.split())
            budget: dict[str, Any] = {"minutes": options.minutes, "epochs": options.epochs, "seed": seed}
            started_at = time.monotonic()
            gan = train(dataclasses.replace(arguments, **budget).resolve(GANS), images)
            minutes, steps = (time.monotonic() - started_at) / 60, int(gan.optimizer.iterations)
            made, labels, picture = samples(gan, seed)
            keras_gen.images.save_png(options.out / f"{options.table}-{name.replace(' ', '-')}-{seed}.png", picture)
            row = markdown_row(f"{name} (`{command}`)", judge.score(made, labels))
            print(f"{row} {seed} | {steps:,} | {minutes:.1f} |", flush=True)


if __name__ == "__main__":
    main(parse(Options, __doc__))
