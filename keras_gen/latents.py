"""Latents: the numbers that a generator or a decoder turns into images."""

from __future__ import annotations

import numpy as np
import scipy.special


def normal(num: int, latent_dim: int, seed: int) -> np.ndarray:
    """Draws standard normal latents, the same ones on every backend and machine.

    Args:
        num: number of latents, at least 1.
        latent_dim: numbers per latent.
        seed: int ≥ 0.

    Returns:
        float32 array (num, latent_dim).

    Raises:
        ValueError: for fewer than one.

    Example:
        >>> normal(2, 3, seed=0).shape
        (2, 3)
    """
    if num < 1:
        raise ValueError(f"expected at least 1 latent, received {num}")
    return np.random.default_rng(seed).standard_normal((num, latent_dim)).astype("float32")


def truncate(latents: np.ndarray, limit: float) -> np.ndarray:
    """Maps standard normal latents to a normal distribution cut off at ± `limit`, keeping their order.

    `z → Φ⁻¹(Φ(−limit) + Φ(z) · (Φ(limit) − Φ(−limit)))`, number by number: latents near the middle, where a generator
    has practised most. The same draw, truncated more and more, is the same picture becoming more typical; drawing
    again until all numbers are small (Brock et al., 2019) gives the same distribution without that.

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
    low, high = scipy.special.ndtr([-limit, limit])
    return scipy.special.ndtri(low + scipy.special.ndtr(latents) * (high - low)).astype("float32")


def walk(stops: np.ndarray, frames: int, curved: bool = True) -> np.ndarray:
    """The way from one latent to the next, and from the last one back to the first.

    In many dimensions standard normal latents lie near a sphere, and the straight way between two of them leads
    through its inside, where a generator has never been; the curved one stays outside (spherical interpolation).

    Args:
        stops: float array (n, latent_dim), n ≥ 2.
        frames: latents from each stop up to the next one, the stop itself among them; at least 1.
        curved: whether to go around (White's slerp), for normal latents, or straight on.

    Returns:
        float32 array (n · frames, latent_dim).

    Raises:
        ValueError: for less than two stops or less than one frame.

    Example:
        >>> walk(np.array([[1.0, 0.0], [0.0, 1.0]]), frames=2).astype(float).round(3).tolist()
        [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0], [0.707, 0.707]]
        >>> walk(np.array([[0.0], [4.0]]), frames=2, curved=False).tolist()
        [[0.0], [2.0], [4.0], [2.0]]

    Source:
        White, Sampling Generative Networks (2016), section 2.1, https://arxiv.org/abs/1609.04468
    """
    if len(stops) < 2 or frames < 1:
        raise ValueError(f"expected at least 2 stops and 1 frame, received {len(stops)} and {frames}")
    starts, ends = np.asarray(stops, "float64")[:, None], np.roll(stops, -1, axis=0)[:, None]
    share = np.arange(frames)[None, :, None] / frames
    lengths = np.linalg.norm(starts, axis=-1, keepdims=True) * np.linalg.norm(ends, axis=-1, keepdims=True)
    angle = np.arccos(np.clip(np.sum(starts * ends, axis=-1, keepdims=True) / np.maximum(lengths, 1e-12), -1, 1))
    # np.sinc(x) is sin(πx) / πx, which is finite for two stops in one direction. Between opposite ones, of which no way
    # around is the shorter one, it goes straight on.
    whole = np.sinc(angle / np.pi)
    around = (whole > 1e-3) & curved
    weights = [
        np.where(around, part * np.sinc(part * angle / np.pi) / np.where(around, whole, 1.0), part)
        for part in (1 - share, share)
    ]
    return (weights[0] * starts + weights[1] * ends).reshape(-1, stops.shape[1]).astype("float32")


def direction(latents: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The way that latents go, on average, as a quantity grows; as long as their standard deviation along it.

    The way is the covariance of latents and quantity. Of a quantity that is 0 or 1 that is the way from the mean of the
    latents with 0 to the mean of those with 1, and latents moved along it stay among the others, as what goes
    together with the quantity goes along.

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
