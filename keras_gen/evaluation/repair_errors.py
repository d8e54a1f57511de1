"""How close repaired images are to the originals, and how proposals vary: arithmetic on uint8 images and holes.

All sums are pooled over the images of a set, so that a number does not depend on how small the hole of one image is.
A hole is uint8 (n, height, width, 1), nonzero where an image was not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_gen.evaluation.reconstruction import MIN_SSIM_SIDE, structural_similarity

LEAST_ERROR = 0.5**2  # squared, in all: images that are equal byte for byte have no noise, and no finite PSNR
MAX_SSIM_IMAGES = 250  # which takes a millisecond for each image; it varies little between images


class Proposals(NamedTuple):
    """Several proposals for each of a set of images.

    Attributes:
        first: uint8 (n, height, width, channels), the first proposal for each image.
        shown: the proposals for the first few images, a list of uint8 arrays.
        mean: uint8 (n, height, width, channels), the mean of all proposals.
        scores: numbers by names in `METRICS`.
    """

    first: np.ndarray
    shown: list[np.ndarray]
    mean: np.ndarray
    scores: dict[str, float]


def psnr(squared_error: float, num_values: int) -> float:
    """Peak signal-to-noise ratio in dB for a range of 255, from a sum of squared errors in bytes².

    Limited: without any error it is that of half a byte in a single value.

    Example:
        >>> round(psnr(400 * 51**2, 400), 2)  # 51 is 0.2 of 255
        13.98
    """
    return float(10 * np.log10(255**2 * num_values / max(squared_error, LEAST_ERROR)))


def image_errors(originals: np.ndarray, repaired: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    """How close repaired images are.

    Args:
        originals: uint8 (n, height, width, channels).
        repaired: uint8, the same shape.
        hole: see above.

    Returns:
        `repair_psnr` and `repair_mae` over all values in the holes, alpha among them; `ssim` of the whole of at most
        250 images, left out below 11 pixels per side; `seam`, where there is a border.
    """
    error = _errors(originals, repaired, hole)
    errors = {
        "repair_psnr": psnr(float(np.sum(error**2, dtype=np.float64)), error.size),
        "repair_mae": float(np.abs(error).mean(dtype=np.float64)),
    }
    if min(originals.shape[1:3]) >= MIN_SSIM_SIDE:
        errors["ssim"] = structural_similarity(originals[:MAX_SSIM_IMAGES], repaired[:MAX_SSIM_IMAGES])
    step = seam(originals, repaired, hole)
    return errors if step is None else errors | {"seam": step}


def seam(originals: np.ndarray, repaired: np.ndarray, hole: np.ndarray) -> float | None:
    """The mean absolute difference of neighbours across the border of the holes, as a share of that in the originals.

    1 where the border is as in the originals. More: it shows. Less: it is blurred.

    Args:
        originals: uint8 (n, height, width, channels).
        repaired: uint8, the same shape.
        hole: see above.

    Returns:
        The share, or None for holes without a border and originals that are constant across it.

    Example:
        >>> original = np.array([0, 10, 20], "uint8").reshape(1, 1, 3, 1)
        >>> repaired = np.array([0, 10, 40], "uint8").reshape(1, 1, 3, 1)
        >>> seam(original, repaired, np.array([0, 0, 1]).reshape(1, 1, 3, 1))
        3.0
    """

    def steps(images):
        total = 0
        for axis in (1, 2):
            crossing = np.diff(hole != 0, axis=axis)  # of booleans: where exactly one of two neighbours is in the hole
            total += int(np.sum(np.abs(np.diff(images.astype(np.int16), axis=axis)) * crossing))
        return total

    true_steps = steps(originals)
    return steps(repaired) / true_steps if true_steps else None


def propose(
    repair: Callable, given: np.ndarray, hole: np.ndarray | None, originals: np.ndarray, num: int, num_shown: int
) -> Proposals:
    """Makes proposals and measures them.

    A proposal has the squared error `D₁` in the hole and the mean of P of them `D_P`, each a mean over values, images
    and proposals; V is the variance between proposals, unbiased. The mean of P has a part V / P that more proposals
    would average out, so that the mean of infinitely many has `D∞ = D_P − V / P`, and `D₁ = D∞ + V`. The spread is
    `D₁ / D∞ = 1 + V / D∞`.

    If proposals are drawn from the posterior, then the original and the proposals are independent draws from one
    distribution with mean μ and variance V: the squared error of μ is V and that of one proposal V + V, so the spread
    is 2. (That of the mean of P is V + V / P, and the plain ratio 2 / (1 + 1 / P), for eight 1.78.) One answer that is
    always the same has a spread of 1. More than 2: proposals vary more than what is known allows.

    Args:
        repair: `repair(given, hole, seed) -> images`.
        given: uint8, what the model is given.
        hole: see above; None where all of an image is to be repaired.
        originals: uint8 (n, height, width, channels).
        num: P, at least 2.
        num_shown: images whose proposals are kept.

    Returns:
        The proposals, with the scores `repair_psnr` and `repair_mae`, mean over the proposals; `mean_psnr`, `mean_mae`;
        `spread`, left out where the mean has no error; `variance`; with holes also `known_changed`.

    Raises:
        ValueError: if the repaired images have another type or shape than the originals.
    """
    where = np.ones((*originals.shape[:3], 1), np.uint8) if hole is None else hole
    total = np.zeros(originals.shape, np.int32)
    squared, absolute, changed = 0.0, 0.0, 0
    shown, first = [], originals
    for seed in range(num):
        images = np.asarray(repair(given, hole, seed))
        if images.dtype != np.uint8 or images.shape != originals.shape:
            raise ValueError(
                f"expected repaired images as uint8 {originals.shape}, received {images.dtype} {images.shape}"
            )
        error = _errors(originals, images, where)
        squared, absolute = (
            squared + float(np.sum(error**2, dtype=np.float64)),
            absolute + float(np.sum(np.abs(error), dtype=np.float64)),
        )
        changed += int(np.sum((images != originals) & (where == 0)))
        total += images
        shown.append(images[:num_shown])
        first = images if seed == 0 else first
    mean = total / num
    error = _errors(originals, mean, where)
    one, of_mean = squared / num / error.size, float(np.mean(error**2, dtype=np.float64))  # D₁, D_P
    variance = max(0.0, (one - of_mean) * num / (num - 1))  # V: the biased one is D₁ − D_P
    of_infinite = of_mean - variance / num  # D∞
    scores = {
        "repair_psnr": psnr(squared / num, error.size),
        "repair_mae": absolute / num / error.size,
        "mean_psnr": psnr(of_mean * error.size, error.size),
        "mean_mae": float(np.abs(error).mean(dtype=np.float64)),
        "variance": variance,
    }
    if of_infinite > 0:
        scores["spread"] = one / of_infinite
    if hole is not None:
        scores["known_changed"] = float(changed)
    return Proposals(first, shown, np.rint(mean).astype(np.uint8), scores)


def _errors(originals: np.ndarray, others: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The differences in the holes, all channels, as one long row."""
    where = np.broadcast_to(hole != 0, originals.shape)
    return others[where].astype(np.float32) - originals[where]
