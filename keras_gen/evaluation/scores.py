"""The numbers of a score card: what each is called, what it says, and how it comes from two sets of images.

A new number is a function of two `Extracted`, a line where `compare` calls it, and a row in `METRICS`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import scipy.stats

from keras_gen.evaluation.distances import (
    MIN_IMAGES_PER_FEATURE,
    frechet_distance,
    frechet_distance_at_infinity,
    kernel_distance,
    neighbourhoods,
    spread,
)
from keras_gen.features import Extracted
from keras_gen.inputs import Categorical

MIN_CONFIDENCE = 0.9
MIN_CLASS_SHARE = 0.1  # of the share that the class has among real images


class Metric(NamedTuple):
    """One kind of number.

    Attributes:
        about: what it says, for the page.
        better: which direction is better, or "" where neither is: the nearer to the floor, or no judgement.
        form: format specification.
    """

    about: str
    better: Literal["lower", "higher", ""]
    form: str = ".3f"


METRICS = {
    "frechet": Metric("Fréchet distance of the features: quality and variety in one number", "lower"),
    "frechet_infinity": Metric("the same, extrapolated to infinitely many generated images", "lower"),
    "kernel": Metric("kernel distance (MMD², cubic) of the features, unbiased", "lower", ".4f"),
    "precision": Metric("share of generated images that lie among real ones", "higher"),
    "recall": Metric("share of real images that lie among generated ones", "higher"),
    "density": Metric("how thick the generated images lie among real ones", "higher"),
    "coverage": Metric("share of real images with a generated one nearby: no kind is left out", "higher"),
    "diversity": Metric("mean distance of two features, as a share of that between real images", ""),
    "confident": Metric(f"share of images that are read with a probability above {MIN_CONFIDENCE}", ""),
    "classes": Metric("share of the classes that are made at all (a tenth as often as in reality, or more)", "higher"),
    "label_kl": Metric(
        "Kullback-Leibler divergence of the classes made from those of real images, nats", "lower", ".4f"
    ),
    "class_frechet": Metric("Fréchet distance within a class, mean over the classes", "lower"),
    "reads_back": Metric("how well what was asked for is read in the image, mean over the attributes", "higher"),
    "classification": Metric("accuracy on real images of a classifier that learned from generated ones", "higher"),
    "mse": Metric("mean squared error of reconstructions, pixels in [0, 1]", "lower", ".5f"),
    "psnr": Metric("peak signal-to-noise ratio of reconstructions, dB", "higher", ".2f"),
    "ssim": Metric("structural similarity of reconstructions", "higher"),
    "out_of_range": Metric(
        "share of output values beyond [-1, 1] by more than 1 %, cut off: no fault where black or white is meant",
        "",
        ".4f",
    ),
}


def compare(real: Extracted, fake: Extracted, asked: dict[str, np.ndarray] | None = None) -> dict[str, float]:
    """All numbers that two sets of images give.

    Args:
        real: what a feature net sees in real images.
        fake: what it sees in as many images that are to be judged.
        asked: what each of these was asked to be, columns by attribute, or None.

    Returns:
        Numbers by names in `METRICS`: the distances, and as much of the rest as the net can read, was asked for and can
        be said of so many images.
    """
    scores = {
        "frechet": frechet_distance(real.features, fake.features),
        "kernel": kernel_distance(real.features, fake.features, num_resamples=2).value,
        **neighbourhoods(real.features, fake.features),
    }
    if len(fake.features) >= MIN_IMAGES_PER_FEATURE * fake.features.shape[1]:
        scores["frechet_infinity"] = frechet_distance_at_infinity(real.features, fake.features)
    if (real_spread := spread(real.features)) > 0:
        scores["diversity"] = spread(fake.features) / real_spread
    attribute = main_attribute(real)
    if attribute is not None:
        scores |= _class_scores(fake, attribute, by_class(real, fake))
    agreements = fake.read_back(asked or {})
    if agreements:
        scores["reads_back"] = float(np.mean(list(agreements.values())))
    return scores


def main_attribute(seen: Extracted) -> Categorical | None:
    """The first categorical attribute that a feature net reads: the classes, where the data have some."""
    attributes = seen.conditions.attributes if seen.conditions else []
    return next((item for item in attributes if isinstance(item, Categorical)), None)


def by_class(real: Extracted, fake: Extracted) -> dict[str, dict[str, float]]:
    """How often each class is made and how good it is, as a feature net reads the classes.

    Args:
        real: as for `compare`.
        fake: as for `compare`.

    Returns:
        For each class that is among the real images `real` and `made`, its shares of the images, and `frechet`, the
        distance of what is made to the real images of that class, left out for less than two of either. Empty for a
        net that reads no classes.
    """
    attribute = main_attribute(real)
    if attribute is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for index, name in enumerate(attribute.values):
        is_real, is_made = (seen.columns[attribute.name] == index for seen in (real, fake))
        if is_real.any():
            found[name] = {"real": float(is_real.mean()), "made": float(is_made.mean())}
            if min(is_real.sum(), is_made.sum()) >= 2:
                found[name]["frechet"] = frechet_distance(real.features[is_real], fake.features[is_made])
    return found


def _class_scores(fake: Extracted, attribute: Categorical, classes: dict[str, dict[str, float]]) -> dict[str, float]:
    real_shares, shares = (np.array([found[side] for found in classes.values()]) for side in ("real", "made"))
    distances = [found["frechet"] for found in classes.values() if "frechet" in found]
    # One image more of each class: a class that is not made is bad, not infinitely so.
    smoothed = shares * len(fake.features) + 1
    scores = {
        "confident": float(np.mean(fake.probabilities(attribute.name).max(axis=-1) > MIN_CONFIDENCE)),
        "classes": float(np.mean(shares >= MIN_CLASS_SHARE * real_shares)),
        "label_kl": float(scipy.stats.entropy(smoothed, real_shares)),  # which divides both by their sums
    }
    # Only if all are made: the mean over those that are left would look the better the fewer they are.
    return scores | ({"class_frechet": float(np.mean(distances))} if len(distances) == len(classes) else {})
