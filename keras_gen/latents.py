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
