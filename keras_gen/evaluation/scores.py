"""The numbers of a score card: their names, what they say, and how they are computed from two sets of images.

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
        better: which direction is better, or "" where neither is: nearest to the floor is best, or nothing is.
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
    "density": Metric("how densely the generated images lie among real ones", "higher"),
    "coverage": Metric("share of real images with a generated one nearby: is any kind left out?", "higher"),
    "diversity": Metric("mean distance between the features of two images, as a share of that for real images", ""),
    "confident": Metric(f"share of images that are classified with a probability above {MIN_CONFIDENCE}", ""),
    "classes": Metric(
        "share of the classes that are made at all (at least a tenth as often as among real images)", "higher"
    ),
    "label_kl": Metric(
        "Kullback-Leibler divergence of the generated classes from those of real images, nats", "lower", ".4f"
    ),
    "class_frechet": Metric("Fréchet distance within a class, mean over the classes", "lower"),
    "reads_back": Metric("how well images show what was asked for, mean over the attributes", "higher"),
    "classification": Metric("accuracy on real images of a classifier trained on generated ones", "higher"),
    "mse": Metric("mean squared error of reconstructions, pixels in [0, 1]", "lower", ".5f"),
    "psnr": Metric("peak signal-to-noise ratio of reconstructions, dB", "higher", ".2f"),
    "ssim": Metric(
        "structural similarity of reconstructions, of repaired images as a whole, or of translations", "higher"
    ),
    "out_of_range": Metric(
        "share of output values beyond [-1, 1] by more than 1 %, clipped: no fault where black or white is intended",
        "",
        ".4f",
    ),
    # Of panoramas and tiles, see `seams`.
    "seam_step": Metric("mean step across the edges that should meet, as a share of that inside: 1 is no seam", ""),
    "seam_auc": Metric("how well windows across these edges are told from windows inside: 0.5 is not at all", ""),
    "top_spread": Metric("how much the top row varies along the width, as a share of the equator", ""),
    "bottom_spread": Metric("how much the bottom row varies along the width, as a share of the equator", ""),
    # Of repair, see `repair`. What was not known: the hole, or all of an image that was degraded as a whole.
    "repair_psnr": Metric(
        "peak signal-to-noise ratio of one proposal where the image was not known, dB", "higher", ".2f"
    ),
    "repair_mae": Metric("mean absolute error of one proposal where the image was not known, bytes", "lower", ".2f"),
    "mean_psnr": Metric("as repair_psnr, of the mean of the proposals", "higher", ".2f"),
    "mean_mae": Metric("as repair_mae, of the mean of the proposals", "lower", ".2f"),
    "luma_ssim": Metric("what is kept: structural similarity of the luma to that of the picture", "higher"),
    "style_distance": Metric("sliced Wasserstein distance to the painting, as a share of the photograph's", "lower"),
    "separability": Metric("error of a linear classifier of real and repaired images; 0.5: not separable", "higher"),
    "reads_again": Metric("share whose main attribute is classified as in the original, or in the picture", "higher"),
    "reads_again_all": Metric("how well all attributes agree with those classified in the original, mean", "higher"),
    "spread": Metric("squared error of one proposal over that of the mean of infinitely many: 2 is right", ""),
    "variance": Metric("variance of a value between the proposals, bytes²", "", ".1f"),
    "seam": Metric("mean step across the border of the hole, as a share of that in the originals: 1 is no seam", ""),
    "known_changed": Metric("known bytes that the proposals change", "lower", ".0f"),
    # Of translation, see `translation`.
    "l1": Metric("mean absolute difference of a translation from what it should be, bytes", "lower", ".2f"),
    "mean_l1": Metric("as l1, of the mean of several translations", "lower", ".2f"),
    "alpha_iou": Metric("share of what is opaque in the translation or in what it should be that is in both", "higher"),
    "edges": Metric("correlation of the slopes of a translation and of its picture", "higher"),
}


def metric_of(name: str) -> Metric:
    """The metric behind the name of a score, which may have the part of the card before it.

    Example:
        >>> metric_of("50-60/seam") is METRICS["seam"]
        True
    """
    return METRICS[name.rpartition("/")[2]]


def compare(real: Extracted, fake: Extracted, asked: dict[str, np.ndarray] | None = None) -> dict[str, float]:
    """All numbers that follow from two sets of images.

    Args:
        real: what a feature net extracts from real images.
        fake: what it extracts from as many images to score.
        asked: what was asked of each of these, columns by attribute, or None.

    Returns:
        Numbers by names in `METRICS`: the distances, and of the rest those that the net, what was asked for and the
        number of images allow.
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
    """The first categorical attribute that a feature net extracts: the classes, where the data have some."""
    attributes = seen.conditions.attributes if seen.conditions else []
    return next((item for item in attributes if isinstance(item, Categorical)), None)


def by_class(real: Extracted, fake: Extracted) -> dict[str, dict[str, float]]:
    """How often each class is made and how good it is, as a feature net classifies the images.

    Args:
        real: as for `compare`.
        fake: as for `compare`.

    Returns:
        For each class among the real images: `real` and `made`, its shares of the images, and `frechet`, the distance
        of the generated images of that class from the real ones, left out for fewer than two of either. Empty for a
        net without classes.
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
    # One more image of each class: a class that is not made is bad, but not infinitely so.
    smoothed = shares * len(fake.features) + 1
    scores = {
        "confident": float(np.mean(fake.probabilities(attribute.name).max(axis=-1) > MIN_CONFIDENCE)),
        "classes": float(np.mean(shares >= MIN_CLASS_SHARE * real_shares)),
        "label_kl": float(scipy.stats.entropy(smoothed, real_shares)),  # which divides both by their sums
    }
    # Only if all are made: the mean over the remaining classes would look better the fewer they are.
    return scores | ({"class_frechet": float(np.mean(distances))} if len(distances) == len(classes) else {})
