"""Translates one picture of any size and kind, with a model of any size in tiles, with one of a fixed size as a whole.

A model of a fixed size has learned from pictures that were shrunk to its size, and sees others in the same way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from keras_gen.console import no_fraction
from keras_gen.data.decoding import to_channels
from keras_gen.images import resized
from keras_gen.repair.contract import Repairs, padding, size_of
from keras_gen.repair.tiles import in_exact_tiles

REACH = 64  # pixels around it on which a place may depend: 42 in the networks of the presets, and a margin


def translated(
    repairs: Repairs, pixels: np.ndarray, seed: int = 0, on_fraction: Callable[[float], None] = no_fraction
) -> np.ndarray:
    """Translates the pixels of one picture.

    Args:
        repairs: a model for "translate".
        pixels: uint8 (height, width, channels of its source), of any size.
        seed: int in [0, 2³¹).
        on_fraction: called with the fraction that is done.

    Returns:
        uint8 (height, width, channels of its images). Of a model of a fixed size as sharp as that size allows.
    """
    seeds = np.array([seed], np.int64)
    if repairs.any_size:
        return in_exact_tiles(lambda part, _: repairs.fill(part[None], None, seeds)[0], pixels, REACH, on_fraction)
    size, (height, width) = size_of(repairs), pixels.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = max(1, min(size[0], round(height * scale))), max(1, min(size[1], round(width * scale)))
    lacking = padding(inner, size)
    given = np.pad(resized(pixels, inner), (*lacking, (0, 0)), mode="reflect")
    made = repairs.fill(given[None], None, seeds)[0]
    top, left = (before for before, _ in lacking)
    return resized(made[top : top + inner[0], left : left + inner[1]], (height, width))


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Pixels of 1 to 4 channels in those of a model, as pictures to train on are converted.

    Where transparency is lost, the background is white; of four channels, what is transparent has no colour.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    converted = np.array(to_channels(image, channels)).reshape(*pixels.shape[:2], channels)
    if channels == 4:
        converted[converted[..., 3] == 0] = 0
    return converted
