"""Noise: the latents, which make two images of one request differ."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import latents
from keras_gen.inputs.base import Input, Request


@keras.saving.register_keras_serializable("keras_gen")
class Noise(Input):
    """Latents, drawn from a standard normal distribution: anew in each training step, and by a seed afterwards.

    Args:
        size: dimensions for each image.
        name: as of `Input`.

    Raises:
        ValueError: for fewer than one dimension.

    Example:
        >>> Noise(4).rows(2, seed=0).shape
        (2, 4)
    """

    in_batch = False
    is_drawn = True

    def __init__(self, size: int, name: str = "latents"):
        super().__init__(name, to_discriminator=False)
        if size < 1:
            raise ValueError(f"expected at least 1 number of noise, received {size}")
        self.size = size

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    def rows(self, num, seed, where=None, given=None) -> np.ndarray:
        if given is None:
            return latents.normal(num, self.size, seed)
        rows = np.asarray(given, "float32")
        if rows.shape[1:] != self.shape or len(rows) not in (1, num):
            raise ValueError(
                f"expected {self.name} as numbers (n, {self.size}), {num} of them or one for all, received {rows.shape}"
            )
        return np.repeat(rows, num, axis=0) if len(rows) != num else rows

    @property
    def row(self) -> Request:
        return Request("float32", self.shape, about="standard normal numbers.")

    def draw(self, num, seed):
        """Latents of a training step, float32 tensor (num, size); `seed` is a `keras.random.SeedGenerator`."""
        return keras.random.normal((num, self.size), seed=seed)

    def get_config(self) -> dict:
        return {"size": self.size, "name": self.name}
