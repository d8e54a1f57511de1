"""Modes in the plane that a GAN must not drop: 25 Gaussians on a grid and 8 on a ring, for every loss and penalty.

The protocol is PacGAN's (Lin et al., 2018, https://arxiv.org/abs/1712.04086): the ring has radius 1 and deviation 0.01,
the grid spacing 2 and deviation 0.05. Of 2,500 samples, one is of high quality within three deviations of the nearest
mean, and a mode is covered if it is nearest to one such sample. The reverse KL divergence is that of the nearest modes
of all samples from the uniform distribution. 98.9 % of the data themselves are of high quality.

A point is an image of one pixel with two channels. Networks (`networks.mlp`), rate, batch and steps are the same for
all rows of the table; they are not PacGAN's.

Example:
  python -m benchmarks.toys --toys grid --losses relativistic --penalties r1+r2 --seeds 5
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.stats

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.registry import lookup

NUM_SAMPLES = 2_500
HIGH_QUALITY = 3  # standard deviations
SOLVED = 0.95  # of high quality, and all modes
EXTENT = 1.25  # the border of the picture, relative to the outermost coordinate of a mean

LATENT_DIM = 2  # of more dimensions, more samples lie between the modes
WIDTHS = (128, 128, 128)  # two layers give far less sharp borders in as many steps
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
STEPS_PER_EXECUTION = 100


class Toy(NamedTuple):
    """A mixture of round Gaussians of equal weight in the plane.

    Attributes:
        means: float (modes, 2).
        deviation: float, the standard deviation along each axis.
    """

    means: np.ndarray
    deviation: float

    @property
    def extent(self) -> float:
        """Half the side of the square that becomes [-1, 1]²."""
        return EXTENT * float(np.abs(self.means).max())

    def draw(self, num: int, seed: int) -> np.ndarray:
        """`num` points (num, 2)."""
        generator = np.random.default_rng(seed)
        modes = generator.integers(len(self.means), size=num)
        return self.means[modes] + self.deviation * generator.standard_normal((num, 2))

    def to_images(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 2) as float32 images (n, 1, 1, 2) in about [-1, 1]."""
        return (points / self.extent).astype("float32").reshape(-1, 1, 1, 2)

    def to_points(self, images: np.ndarray) -> np.ndarray:
        """The inverse of `to_images`."""
        return images.reshape(-1, 2) * self.extent

    def score(self, points: np.ndarray) -> dict[str, float]:
        """How well points (n, 2) are drawn from this mixture.

        Returns:
            Dict of `modes` covered, the share of `high_quality` and `kl`, in nats.
        """
        distances = np.linalg.norm(points[:, None] - self.means, axis=-1)  # (n, modes)
        nearest = distances.argmin(axis=1)
        good = distances.min(axis=1) < HIGH_QUALITY * self.deviation
        shares = np.bincount(nearest, minlength=len(self.means)) / len(points)
        return {
            "modes": len(np.unique(nearest[good])),
            "high_quality": float(good.mean()),
            "kl": float(scipy.stats.entropy(shares, np.full_like(shares, 1 / len(shares)))),
        }


_AXIS = np.arange(-4.0, 5.0, 2.0)
_ANGLES = np.arange(8) * math.pi / 4

TOYS = {
    "grid": Toy(np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1).reshape(-1, 2), deviation=0.05),
    "ring": Toy(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1), deviation=0.01),
}

# Names and weights of penalties. Slopes count per unit of the square [-1, 1]², in which a mode is 0.01 wide: weights
# that suit images would keep the discriminator from separating a mode from what lies beside it.
PENALTIES: dict[str, dict[str, float]] = {
    "none": {},
    "gradient_penalty": {"gradient_penalty": 0.1},
    "r1": {"r1": 0.005},
    "r1+r2": {"r1": 0.005, "r2": 0.005},
    "dragan": {"dragan": 0.1},
}


def train(toy: Toy, loss: str, penalty: str, seed: int, steps: int, seconds: float | None = None):
    """A GAN trained on a toy, each step on points that were never used before.

    Args:
        toy: the mixture.
        loss: a name in `keras_gen.losses.LOSSES`.
        penalty: a key of `PENALTIES`.
        seed: source of the weights, the points and the latents.
        steps: steps of each player.
        seconds: ends the run, with its schedules, before that; None for no limit.
    """
    import keras

    from keras_gen import callbacks, networks, penalties, schedules

    keras.utils.set_random_seed(seed)
    gan = keras_gen.GAN(
        networks.mlp.generator((1, 1, 2), LATENT_DIM, widths=WIDTHS),
        networks.mlp.discriminator((1, 1, 2), widths=WIDTHS, dropout=0.0),
        ema_decay=0.999,
        seed=seed,
    )
    gan.compile(
        keras.optimizers.Adam(beta_1=0.0, beta_2=0.99),
        keras.optimizers.Adam(beta_1=0.0, beta_2=0.99),
        loss=loss,
        penalties=[penalties.get(name, weight) for name, weight in PENALTIES[penalty].items()],
        hyperparameters={"learning_rate": schedules.RATES["late"](LEARNING_RATE)},
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    points = toy.to_images(toy.draw(steps * BATCH_SIZE, seed))
    budget = callbacks.Budget(epochs=1, minutes=seconds and seconds / 60)
    gan.fit(points, batch_size=BATCH_SIZE, shuffle=False, verbose=0, callbacks=[budget])
    return gan


def sample(toy: Toy, gan, seed: int) -> np.ndarray:
    """2,500 points (n, 2) of the averaged generator; not by `gan.sample`, whose bytes are as wide as a mode."""
    import keras

    draws = keras_gen.latents.normal(NUM_SAMPLES, gan.latent_dim, seed)
    return toy.to_points(keras.ops.convert_to_numpy(gan(draws)))


def picture(toy: Toy, samples: dict[tuple[str, str], np.ndarray], path: Path) -> None:
    """Writes small pictures of samples, a row per loss and a column per penalty, with the data faint behind them.

    Args:
        toy: the mixture.
        samples: by (loss, penalty), points (n, 2).
        path: PNG file.
    """
    from matplotlib.figure import Figure

    losses, penalties = (list(dict.fromkeys(names)) for names in zip(*samples, strict=True))
    figure = Figure(figsize=(2 * len(penalties) + 0.5, 2 * len(losses) + 0.5), layout="constrained")
    grid = figure.subplots(len(losses), len(penalties), squeeze=False)
    data = toy.draw(NUM_SAMPLES, seed=0)
    for row, loss in enumerate(losses):
        for column, penalty in enumerate(penalties):
            axes = grid[row, column]
            axes.scatter(*data.T, s=6, color="0.85", linewidths=0)
            axes.scatter(*samples[loss, penalty].T, s=1.5, color="tab:blue", linewidths=0)
            axes.set(xlim=(-toy.extent, toy.extent), ylim=(-toy.extent, toy.extent), xticks=[], yticks=[], aspect=1)
            if row == 0:
                axes.set_title(penalty, fontsize=8)
            if column == 0:
                axes.set_ylabel(loss, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


@dataclasses.dataclass(frozen=True)
class Options:
    """What to compare."""

    toys: tuple[str, ...] = tuple(TOYS)
    """grid, ring."""
    losses: tuple[str, ...] = ()
    """Names of losses as for train_gan.py; all by default."""
    penalties: tuple[str, ...] = tuple(PENALTIES)
    """none, gradient_penalty, r1, r1+r2, dragan."""
    seeds: int = 5
    """Runs of each pair."""
    steps: int = 14_000
    """Steps of each player in a run."""
    seconds: float | None = None
    """Wall-clock budget of a run, if it ends before its steps."""
    quick: bool = False
    """One run of 1,000 steps for each pair, to check that everything works."""
    out: Path = Path("runs/toys")
    """Folder of the pictures, one for each toy, of the first seed."""


def main(options: Options) -> None:
    """Prints a table, a row for each toy, loss and penalty, and draws the samples."""
    if options.quick:
        options = dataclasses.replace(options, seeds=1, steps=1_000)
    with one_line_errors():
        start_keras()
        names = options.losses or tuple(keras_gen.losses.LOSSES)
        for name in options.toys:
            lookup("toy", TOYS, name)
        for name in names:
            keras_gen.losses.get(name)
        for name in options.penalties:
            lookup("penalty", PENALTIES, name)
    print("| toy | loss | penalty | modes | high quality | KL | solved | seconds |\n|" + " --- |" * 8)
    for toy_name in options.toys:
        toy, samples = TOYS[toy_name], {}
        for loss, penalty in itertools.product(names, options.penalties):
            started_at = time.monotonic()
            runs = [
                sample(toy, train(toy, loss, penalty, seed, options.steps, options.seconds), seed)
                for seed in range(options.seeds)
            ]
            seconds = (time.monotonic() - started_at) / options.seeds
            samples[loss, penalty] = runs[0]
            print(markdown_row([toy_name, loss, penalty], toy, runs, seconds), flush=True)
        picture(toy, samples, options.out / f"{toy_name}.png")


def markdown_row(names: list[str], toy: Toy, runs: list[np.ndarray], seconds: float) -> str:
    """One row of the table: means over the runs, and how many of them have all modes and 95 % of high quality."""
    scores = [toy.score(points) for points in runs]
    modes, quality, kl = (np.mean([score[name] for score in scores]) for name in ("modes", "high_quality", "kl"))
    solved = sum(score["modes"] == len(toy.means) and score["high_quality"] >= SOLVED for score in scores)
    cells = [*names, f"{modes:.1f}", f"{quality:.1%}", f"{kl:.3f}", f"{solved}/{len(runs)}", f"{seconds:.0f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(parse(Options, __doc__))
