"""Latents: the vectors that a generator or a decoder turns into images."""

from __future__ import annotations

import math

import numpy as np
import scipy.special
from keras import ops


def normal(num: int, latent_dim: int, seed: int) -> np.ndarray:
    """Draws standard normal latents, the same ones on every backend and machine.

    Args:
        num: number of latents, at least 1.
        latent_dim: dimensions of the latents.
        seed: int ≥ 0.

    Returns:
        float32 array (num, latent_dim).

    Raises:
        ValueError: for fewer than one latent.

    Example:
        >>> normal(2, 3, seed=0).shape
        (2, 3)
    """
    if num < 1:
        raise ValueError(f"expected at least 1 latent, received {num}")
    return np.random.default_rng(seed).standard_normal((num, latent_dim)).astype("float32")


def truncate(latents: np.ndarray, limit: float) -> np.ndarray:
    """Maps standard normal latents to a normal distribution cut off at ± `limit`, keeping their order.

    Elementwise, see `cut_off`: the result is near the centre, where a generator was trained most. With a smaller and
    smaller limit the same draw gives the same picture, ever more typical; drawing again until all values are small
    (Brock et al., 2019) gives the same distribution, but other pictures.

    Args:
        latents: float array of any shape, standard normal.
        limit: float > 0; large ones change nothing.

    Returns:
        float32 array of the same shape, within ± limit.

    Raises:
        ValueError: for a limit that is not above 0.

    Example:
        >>> truncate(np.array([-9.0, 0.0, 9.0]), 1.5).tolist()
        [-1.5, 0.0, 1.5]

    Source:
        Brock et al., Large Scale GAN Training (2019), section 3.1, https://arxiv.org/abs/1809.11096
    """
    if not limit > 0:
        raise ValueError(f"expected a truncation above 0, received {limit}")
    # Far out the probabilities round to 1, whose inverse is infinite.
    return np.clip(cut_off(np.asarray(latents, "float64"), limit, scipy.special), -limit, limit).astype("float32")


def cut_off(noise, limit, special):
    """The formula of `truncate`, for arrays and on servers alike: `√2 · erf⁻¹(erf(limit / √2) · erf(noise / √2))`.

    With the distribution function `Φ(z) = (1 + erf(z / √2)) / 2` this is the quantile of the truncated distribution,
    `Φ⁻¹(Φ(−limit) + Φ(z) · (Φ(limit) − Φ(−limit)))`, and symmetric to the last digit.

    Args:
        noise: float64 array or tensor.
        limit: float, or float64 of a shape that broadcasts.
        special: the library with `erf` and `erfinv` for these: `scipy.special` or `tf.math`.
    """
    return math.sqrt(2) * special.erfinv(special.erf(limit / math.sqrt(2)) * special.erf(noise / math.sqrt(2)))


def between(starts, ends, fractions, curved: bool = True):
    """Latents on the paths from starts to ends.

    In many dimensions standard normal latents lie near a sphere. The straight path between two of them leads through
    its inside, where a generator was never trained; the curved path stays near it (spherical interpolation).

    Args:
        starts: float tensor (b, latent_dim).
        ends: float tensor (b, latent_dim).
        fractions: float tensor (b, 1), the position on the path, in [0, 1].
        curved: whether the path is curved (White's slerp), for normal latents, or straight.

    Returns:
        Tensor (b, latent_dim).

    Source:
        White, Sampling Generative Networks (2016), section 2.1, https://arxiv.org/abs/1609.04468
    """
    lengths = ops.norm(starts, axis=1, keepdims=True) * ops.norm(ends, axis=1, keepdims=True)
    cosines = ops.sum(starts * ends, axis=1, keepdims=True) / ops.maximum(lengths, 1e-12)
    angles = ops.arccos(ops.clip(cosines, -1.0, 1.0))
    # Between equal and between opposite latents no curved path is the shortest: straight.
    whole = ops.sin(angles)
    around = ops.logical_and(whole > 1e-3, curved)

    def weights(parts):
        return ops.where(around, ops.sin(parts * angles) / ops.where(around, whole, 1.0), parts)

    return weights(1.0 - fractions) * starts + weights(fractions) * ends


def walk(stops: np.ndarray, frames: int, curved: bool = True) -> np.ndarray:
    """The path from one latent to the next, and from the last one back to the first, see `between`.

    Args:
        stops: float array (n, latent_dim), n ≥ 2.
        frames: latents from each stop to the next one, including the first of the two; at least 1.
        curved: as for `between`.

    Returns:
        float32 array (n · frames, latent_dim).

    Raises:
        ValueError: for fewer than two stops or fewer than one frame.

    Example:
        >>> walk(np.array([[1.0, 0.0], [0.0, 1.0]]), frames=2).astype(float).round(3).tolist()
        [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0], [0.707, 0.707]]
        >>> walk(np.array([[0.0], [4.0]]), frames=2, curved=False).tolist()
        [[0.0], [2.0], [4.0], [2.0]]
    """
    if len(stops) < 2 or frames < 1:
        raise ValueError(f"expected at least 2 stops and 1 frame, received {len(stops)} and {frames}")
    starts, ends = (np.repeat(each, frames, axis=0).astype("float32") for each in (stops, np.roll(stops, -1, axis=0)))
    fractions = np.tile(np.arange(frames, dtype="float32") / frames, len(stops))[:, None]
    return ops.convert_to_numpy(between(starts, ends, fractions, curved))


def direction(latents: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The direction of latents, on average, as a quantity grows; as long as their standard deviation along it.

    The direction is that of the covariance of latents and quantity. For a quantity that is 0 or 1, it leads from the
    mean of the latents with 0 to the mean of those with 1. Latents moved along it stay within their distribution, as
    everything that is correlated with the quantity changes too.

    Args:
        latents: float array (n, latent_dim).
        values: array (n,) of numbers or truth values, not all the same.

    Returns:
        float32 array (latent_dim,).

    Raises:
        ValueError: if all values are the same.

    Example:
        >>> latents = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]])
        >>> direction(latents, [True, True, False, False]).tolist()
        [2.0, 0.0]

    Source:
        Radford et al. (2015), section 6.3.2, https://arxiv.org/abs/1511.06434; Larsen et al. (2016), section 4.1.1,
        https://arxiv.org/abs/1512.09300
    """
    values = np.asarray(values, "float64")
    if not np.ptp(values):
        raise ValueError(f"expected a quantity that varies, received {len(values)} times {values[0]}")
    centred = np.asarray(latents, "float64") - np.mean(latents, axis=0)
    way = (values - values.mean()) @ centred
    way /= max(np.linalg.norm(way), 1e-12)
    return (way * np.std(centred @ way)).astype("float32")
