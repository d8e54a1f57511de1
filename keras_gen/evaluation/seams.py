"""Whether images close: panoramas at their left and right edges, tiles at all edges, and what poles look like.

Nothing here compares with other images: the numbers of real ones are the floor.
"""

from __future__ import annotations

import math

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_gen.data.seams import seam_step, steps
from keras_gen.layers import WRAPS

WINDOW = 8  # pixels a side, of what the classifier sees
NUM_WINDOWS = 4  # of each image across the seam, and as many inside
NUM_FOLDS = 5
MAX_IMAGES = 1_000


def seam_scores(images: np.ndarray, wrap: str, seed: int = 0) -> dict[str, float]:
    """What shows at the edges of images that should wrap.

    Args:
        images: uint8 (n, height, width, channels), n ≥ 5, of which the first 1,000 are read; they may stay on disk.
        wrap: a name in `keras_gen.layers.WRAPS`.
        seed: int, of the places that the classifier sees.

    Returns:
        `seam_step`, see `data.seams.seam_step`, and `seam_auc`, see `seam_auc`; of panoramas, which wrap along their
        width alone, `top_spread` and `bottom_spread` too, see `pole_spread`. Nothing for images that do not wrap.

    Example:
        >>> ramps = np.tile(np.arange(24, dtype="uint8")[:, None], (5, 12, 1, 3))
        >>> round(seam_scores(ramps, "width")["seam_step"], 3)  # 23 from the last column to the first one, 1 elsewhere
        23.0
    """
    axes = WRAPS[wrap]
    if not axes:
        return {}
    images = np.asarray(images[:MAX_IMAGES])
    scores = {"seam_step": seam_step(images, axes), "seam_auc": seam_auc(images, axes, seed)}
    if axes == WRAPS["width"]:
        scores["top_spread"], scores["bottom_spread"] = pole_spread(images)
    return scores


def seam_auc(images: np.ndarray, axes: tuple[int, ...], seed: int = 0) -> float:
    """How well a classifier tells windows across the seam from windows inside: 0.5 is not at all, 1 always.

    A logistic regression on the steps from pixel to pixel along the axis, means over the window. It is tested on images
    that it was not fitted to. The windows inside lie a multiple of a power of two away, up to a quarter of the size.

    Args:
        images: uint8 (n, height, width, channels), n ≥ 5.
        axes: along which they wrap.
        seed: int, of the places.

    Returns:
        The area under the ROC curve, the mean over the axes.
    """
    random = np.random.default_rng(seed)
    return float(np.mean([_auc(np.moveaxis(steps(images, axis), axis, 2), random) for axis in axes]))


def pole_spread(images: np.ndarray) -> tuple[float, float]:
    """How much the first and the last row of panoramas vary along the width, as shares of the rows at the equator.

    The first row of a panorama is a single place of the world, a little around a pole, and hardly varies.

    Args:
        images: uint8 (n, height, width, channels).

    Returns:
        (top, bottom): of standard deviations along the width, the means over images and channels.
    """
    middle = images.shape[1] // 2

    def spread(rows):
        return float(np.std(rows, axis=2, dtype=np.float64).mean())

    equator = max(spread(images[:, middle - 1 : middle + 1]), 1e-9)
    return spread(images[:, :1]) / equator, spread(images[:, -1:]) / equator


def _auc(found, random):
    """The area for steps (n, lines, places), of which the last place is the seam."""
    num, num_lines, size = found.shape
    half = min(WINDOW, size // 2) // 2
    extent = min(WINDOW, num_lines)
    # A network that doubles maps leaves traces of its strides, so places are compared with others of the same phase.
    period = math.gcd(size, 2 ** int(math.log2(max(1, size // 4))))
    inside = [place for place in range(size - 1 - period, 0, -period) if half <= place <= size - 1 - half]
    profiles, is_seam = [], []
    for _ in range(NUM_WINDOWS):
        for centre in (np.full(num, size - 1), random.choice(inside or [size // 2], num)):
            places = (centre[:, None] + np.arange(-half + 1, half)) % size
            first = random.integers(0, num_lines - extent + 1, num)
            lines = first[:, None] + np.arange(extent)
            windows = found[np.arange(num)[:, None, None], lines[:, :, None], places[:, None, :]]
            profiles.append(np.log1p(windows.mean(axis=1)))
            is_seam.append(np.broadcast_to(centre == size - 1, num))
    features, answers = np.concatenate(profiles), np.concatenate(is_seam)
    groups = np.tile(np.arange(num), len(profiles))
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression()),
        features,
        answers,
        groups=groups,
        cv=GroupKFold(min(NUM_FOLDS, num)),
        method="decision_function",
    )
    return roc_auc_score(answers, predicted)
