"""Spoils real images in known ways and prints how the score card's numbers respond.

Each rung is made from training images and compared with the test split by the first feature net. A number that claims
to measure a kind of damage must rise or fall from rung to rung; the copy check must find copies, and nothing else.

Example:
  python -m benchmarks.ladder --data mnist
"""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.ndimage

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras

NUM_IMAGES = 10_000  # no more than there are test images
COLUMNS = (
    "frechet",
    "frechet_infinity",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "diversity",
    "label_kl",
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What to spoil."""

    data: str = "mnist"
    """Labelled data set: a name or a path, as for train_gan.py."""


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    """Adds normal noise to every value; its deviation is in bytes."""
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return (images + noise).clip(0, 255).astype(np.uint8)


def blurred(images: np.ndarray, deviation: float) -> np.ndarray:
    """Blurs with a Gaussian; its deviation is in pixels."""
    return scipy.ndimage.gaussian_filter(images, (0, deviation, deviation, 0))


def rungs(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """What is compared, by name: `images` spoilt in several ways and degrees."""
    rare = np.flatnonzero(labels == 0)[: len(images) // 100]
    per_class = np.array([np.flatnonzero(labels == label)[0] for label in np.unique(labels)])
    kept = np.flatnonzero(labels != 0)
    return {
        "training images": images,
        "noise of 10 bytes": noisy(images, 10),
        "noise of 30": noisy(images, 30),
        "noise of 90": noisy(images, 90),
        "blur of 0.5 pixels": blurred(images, 0.5),
        "blur of 1": blurred(images, 1.0),
        "blur of 2": blurred(images, 2.0),
        "one class dropped": images[np.resize(kept, len(images))],
        "one class nearly dropped": images[np.resize(np.concatenate([kept, rare]), len(images))],
        "one image of each class": images[np.resize(per_class, len(images))],
        "a tenth of the images, ten times": images[np.resize(np.arange(len(images) // 10), len(images))],
    }


def main(options: Options) -> None:
    """Prints a row for each rung."""
    with one_line_errors():
        start_keras()
        from keras_gen import evaluation, features

        data = keras_gen.load(options.data)
        net = features.FeatureNet.of(data)
    test, held_out = features.real_sides(data, NUM_IMAGES)
    real = net.extract(test.images)
    rest, unseen = data.test.hold_out(0.5)  # to the copy check, the images of a generator that does not copy
    print(f"| rung | {' | '.join(COLUMNS)} | copies |\n|{' --- |' * (len(COLUMNS) + 2)}")
    for name, images in rungs(held_out.images[:], held_out.labels).items():
        scores = evaluation.compare(real, net.extract(images))
        copies = evaluation.copy_check(data.train.images, data.test.images, images[:1_000])
        cells = [f"{scores[column]:{evaluation.METRICS[column].form}}" for column in COLUMNS]
        print(f"| {name} | {' | '.join(cells)} | {copies.copies:.0%} |", flush=True)
    honest = evaluation.copy_check(data.train.images, rest.images, noisy(unseen.images[:1_000], 10))
    print(f"| noise of 10 on unseen images |{' – |' * len(COLUMNS)} {honest.copies:.0%} |")


if __name__ == "__main__":
    main(parse(Options, __doc__))
