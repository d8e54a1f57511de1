"""Latents: the numbers that a generator or a decoder turns into images."""

from __future__ import annotations

import numpy as np


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
