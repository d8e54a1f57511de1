"""Trains GANs with other options, one after the other, and scores what they make.

`presets` measures each preset as it is; `stability` begins with the article's GAN and adds one remedy at a time;
`ablation` begins with all remedies on the article's kind of networks and leaves out one at a time. Each row is what
`train_gan.py` does with the options in it. The numbers are those of a score card, by its first feature net. Prints a
table and saves a picture of each row.

Example:
  python -m benchmarks.quality presets --data mnist --minutes 3
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any, Literal

import tyro

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import GANS
from keras_gen.runs.options import GANOptions

NUM_SAMPLES = 10_000  # no more than there are test images
PICTURE = 80  # images in the picture of each row
COLUMNS = ("classes", "confident", "frechet", "coverage", "precision", "recall", "label_kl", "reads_back")

# The options of each row, as one would type them after `train_gan.py`.
TABLES = {
    "presets": {
        **{name: name for name in GANS if name != "resnet"},  # which needs a GPU
        "fast, no labels": "fast --unconditional",
    },
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
    "ablation": {
        "all of them": "fast --network mlp",
        "without R1 + R2": "fast --network mlp --penalties",
        "without R2": "fast --network mlp --penalties r1",
        "without the relativistic loss": "fast --network mlp --loss non_saturating",
        "without either": "fast --network mlp --loss non_saturating --penalties",
        "without averaged weights": "fast --network mlp --ema-decay 0",
        "without labels": "fast --network mlp --unconditional",
        "β1 0.9": "fast --network mlp --beta-1 0.9",
        "a rate of 2e-4": "fast --network mlp --learning-rate 2e-4",
    },
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to measure."""

    table: tyro.conf.Positional[Literal["presets", "stability", "ablation"]]
    """The rows."""
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
    from keras_gen.runs import gan as story

    keras.utils.set_random_seed(options.seed)
    gan, batches = story.build(options, images)
    budget = callbacks.Budget(options.epochs, options.minutes)
    watchers = [budget, callbacks.StopOnNaN(), callbacks.ProgressBar(budget, every_seconds=60)]
    gan.fit(**batches.for_fit(), epochs=options.epochs or sys.maxsize, verbose=0, callbacks=watchers)
    return gan


def markdown_row(*cells) -> str:
    """One row of the table."""
    return f"| {' | '.join(map(str, cells))} |"


def numbers(scores: dict[str, float]) -> list[str]:
    """The cells of `COLUMNS`; a dash for what was not measured."""
    from keras_gen.evaluation import METRICS

    return [f"{scores[name]:{METRICS[name].form}}" if name in scores else "–" for name in COLUMNS]


def main(options: Options) -> None:
    """Prints one row for each run, below the floor."""
    rows = TABLES[options.table]
    with one_line_errors():
        start_keras()
        from keras_gen import evaluation, features

        unknown = set(options.only) - set(rows)
        if unknown:
            raise ValueError(f"unknown rows {', '.join(unknown)}: expected some of {', '.join(rows)}")
        images = keras_gen.load(options.data)
        net = features.FeatureNet.of(images)
        test, floor = features.real_sides(images, NUM_SAMPLES)
        real = net.extract(test.images)
        known = net.conditions.columns(floor) if net.conditions else {}
    print(markdown_row("run", *COLUMNS, "seed", "steps", "minutes"))
    print(markdown_row(*["---"] * (len(COLUMNS) + 4)))
    scores = evaluation.compare(real, net.extract(floor.images), known)
    print(markdown_row("real training images", *numbers(scores), "–", "–", "–"), flush=True)
    for name, command in rows.items():
        if options.only and name not in options.only:
            continue
        for seed in options.seeds:
            arguments = tyro.cli(GANOptions, args=command.split())
            budget: dict[str, Any] = {"minutes": options.minutes, "epochs": options.epochs, "seed": seed}
            started_at = time.monotonic()
            resolved = dataclasses.replace(arguments, **budget).resolve(GANS)
            gan = train(resolved.suited_to(images.image_shape), images)
            minutes, steps = (time.monotonic() - started_at) / 60, int(gan.optimizer.iterations)
            draws, conditions = gan.draw(len(test), seed)
            made, asked = gan.decode(draws, conditions), gan.conditions.decode(conditions) if gan.conditions else {}
            picture = options.out / f"{options.table}-{name.replace(' ', '-')}-{seed}.png"
            keras_gen.images.save_png(picture, gan.picture(PICTURE, seed))
            cells = numbers(evaluation.compare(real, net.extract(made), asked))
            print(markdown_row(f"{name} (`{command}`)", *cells, seed, f"{steps:,}", f"{minutes:.1f}"), flush=True)


if __name__ == "__main__":
    main(parse(Options, __doc__))
