"""What of a photograph is kept: the local correlation of its luminance, whatever brightness and contrast become."""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_gen.corruptions.pixels import LUMA

WINDOW, WINDOW_SIGMA = 7, 1.5  # of local correlations
MIN_VARIANCE = 2e-3  # of luminance in a window, below which it counts as flat


def structure(images, originals, levels: int = 3):
    """How much of a photograph's structure is lost: one minus the local correlation of luminance, on several scales.

    `mean (1 − (cov + ε) / √((var + ε)(var′ + ε)))` over windows. Brightness and contrast may change freely, from place
    to place too; edges must stay where they are.

    Args:
        images: float tensor (b, height, width, 1, 3 or 4), in [-1, 1].
        originals: as `images`.
        levels: scales, each half as large; of small images fewer.

    Returns:
        float32 (b,): 0 for images whose luminance is a rising linear function of the originals', 2 for their negatives.

    Example:
        >>> photo = np.random.default_rng(0).standard_normal((1, 16, 16, 3)).astype("float32")
        >>> [round(float(structure(other, photo)[0]), 2) for other in (photo, 0.2 * photo + 0.5, -photo)]
        [0.0, 0.09, 1.97]
    """
    first, second = _luminance(images), _luminance(originals)
    lost = []
    for _ in range(levels):
        if min(first.shape[1:3]) < WINDOW:
            break
        moments = [first, second, first * first, second * second, first * second]
        window = ops.convert_to_tensor(_window())
        mean, other_mean, square, other_square, product = (ops.conv(each, window, padding="valid") for each in moments)
        variance = ops.relu(square - mean * mean) + MIN_VARIANCE
        other_variance = ops.relu(other_square - other_mean * other_mean) + MIN_VARIANCE
        covariance = product - mean * other_mean + MIN_VARIANCE
        lost.append(1 - ops.mean(covariance / ops.sqrt(variance * other_variance), axis=(1, 2, 3)))
        first, second = halved(first), halved(second)
    if not lost:
        raise ValueError(f"expected images of at least {WINDOW} pixels a side, received {tuple(images.shape)}")
    return sum(lost) / len(lost)


def halved(maps):
    """Maps (b, height, width, channels) of half the size, by means of 2×2 pixels; an odd last line is left out."""
    return ops.average_pool(maps, 2, 2, padding="valid")


def _luminance(images):
    weights = np.array(LUMA if images.shape[-1] >= 3 else (1.0,), "float32")
    return ops.sum(images[..., : len(weights)] * weights, axis=-1, keepdims=True)


def _window():
    line = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / WINDOW_SIGMA) ** 2)
    return (np.outer(line, line) / line.sum() ** 2).astype("float32")[..., None, None]
