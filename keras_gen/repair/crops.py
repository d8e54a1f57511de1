"""Fills the holes of a picture of any size with a model of one size, in crops around the holes.

A hole that is thin compared with the model is filled at the picture's own resolution. In a thick one a crop would see
hardly anything that is known, so the picture is first shrunk, by halves, until the hole is thin there. What was filled
is enlarged, and each level above repeats the middle of its crops with that around it. Crops overlap, and their results
are blended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from keras_gen.console import no_fraction
from keras_gen.masks import HOLE
from keras_gen.repair.contract import BATCH, Repairs, padding, size_of

CONTEXT = 8  # a divisor: in a thick hole 1/8 of a crop at each side is not filled, it shows how the hole continues
MARGIN = 4  # a divisor: each pixel is further than 1/4 of a crop from the sides of at least one crop


@dataclass
class _Level:
    """The picture at one resolution.

    Attributes:
        pixels: uint8 (height, width, channels), filled in place.
        hole: bool (height, width), what is not known.
        inside: the slices of the picture in them, without what was added to reach the size of the model.
        needed: bool, the part of the hole that is filled at this level.
        thick: bool, the part of `needed` that is filled at the next level first.
    """

    pixels: np.ndarray
    hole: np.ndarray
    inside: tuple[slice, slice]
    needed: np.ndarray
    thick: np.ndarray


def inpaint_picture(
    repairs: Repairs,
    pixels: np.ndarray,
    hole: np.ndarray,
    seed: int = 0,
    on_fraction: Callable[[float], None] = no_fraction,
) -> np.ndarray:
    """Fills the holes of one picture.

    Args:
        repairs: a model that inpaints, for images of any size with as many channels.
        pixels: uint8 (height, width, channels) of any size.
        hole: bool (height, width).
        seed: int in [0, 2³¹), the same for all crops: neighbours that start from the same latents agree more.
        on_fraction: called with the fraction that is done.

    Returns:
        uint8, of the shape of `pixels`, with the same bytes outside of the hole.

    Example:
        restored = inpaint_picture(repairs, photograph, scratches)  # (3000, 4000, 3)
    """
    size = size_of(repairs)
    levels = _pyramid(pixels, hole, size)
    plans = [cover(level.needed, size) for level in levels]
    total, done = max(1, sum(map(len, plans))), 0

    def on_batch(number):
        nonlocal done
        done += number
        on_fraction(done / total)

    coarse = None
    for level, windows in zip(reversed(levels), reversed(plans), strict=True):
        if coarse is not None:
            thick = level.thick[level.inside]
            level.pixels[level.inside][thick] = _enlarged(coarse, thick.shape)[thick]
        _fill(repairs, level, windows, seed, on_batch)
        coarse = level.pixels[level.inside]
    return levels[0].pixels[levels[0].inside]


def cover(needed: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Places windows so that each pixel lies well inside one of them, or at the border of the picture.

    From the top, each window takes what is left around the first pixel that no other has: one window for a small hole,
    a chain of them along a scratch.

    Args:
        needed: bool (height, width), not smaller than `size`.
        size: (height, width) of the windows.

    Returns:
        int array (n, 2), the top and the left of each window.

    Example:
        >>> hole = np.zeros((100, 100), bool)
        >>> hole[50:60, 0:9] = True
        >>> cover(hole, (32, 32)).tolist()
        [[39, 0]]
    """
    (height, width), (rows, columns) = needed.shape, size
    margins = [side // MARGIN for side in size]
    core_rows, core_columns = rows - 2 * margins[0], columns - 2 * margins[1]
    left, windows = needed.copy(), []
    for row in np.flatnonzero(needed.any(axis=1)):
        while (open_columns := np.flatnonzero(left[row])).size:
            column = open_columns[0]
            start = max(0, column - core_columns + 1)
            near = left[row : row + core_rows, start : column + core_columns]
            down, across = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
            middle = start + (across[0] + across[-1] + 1) // 2 - core_columns // 2
            place = (
                np.clip(row + (down[-1] + 1) // 2 - core_rows // 2 - margins[0], 0, height - rows),
                np.clip(np.clip(middle, column - core_columns + 1, column) - margins[1], 0, width - columns),
            )
            windows.append(place)
            left[_inside(place, size, needed.shape, margins)] = False
    return np.array(windows, int).reshape(-1, 2)


def _pyramid(pixels, hole, size) -> list[_Level]:
    """The picture, and halves of it until no part of the hole is thick, or it is no larger than the model."""
    levels, needed = [], hole
    while True:
        thick = _thick(needed, hole, size) if max(np.subtract(hole.shape, size)) > 0 else np.zeros_like(hole)
        lacking = padding(hole.shape, size)
        top, left = (slice(before, before + length) for (before, _), length in zip(lacking, hole.shape, strict=True))
        levels.append(
            _Level(
                np.pad(pixels, (*lacking, (0, 0)), mode="reflect"),
                np.pad(hole, lacking, mode="reflect"),
                (top, left),
                np.pad(needed, lacking),
                np.pad(thick, lacking),
            )
        )
        if not thick.any():
            return levels
        pixels, hole, needed = _halved(levels[-1])


def _thick(needed, hole, size):
    """The connected parts of a hole into which a rectangle of half the model's height and width fits."""
    half = [min(side // 2 + 1, length) for side, length in zip(size, hole.shape, strict=True)]
    inner = ndimage.minimum_filter(hole.view(np.uint8), half, mode="constant").astype(bool) & needed
    if not inner.any():
        return np.zeros_like(hole)
    labels, number = ndimage.label(needed)
    is_thick = np.zeros(number + 1, bool)
    is_thick[labels[inner]] = True
    return is_thick[labels]


def _halved(level):
    """A level at half its resolution: the mean of the known pixels of each 2×2; a hole where all four are unknown."""
    pixels, hole, thick = (each[level.inside] for each in (level.pixels, level.hole, level.thick))
    odd = [(0, length % 2) for length in hole.shape]
    pixels = np.pad(pixels, (*odd, (0, 0)), mode="edge")
    known, thick = ~np.pad(hole, odd, mode="edge"), np.pad(thick, odd)
    places = [(slice(row, None, 2), slice(column, None, 2)) for row in (0, 1) for column in (0, 1)]
    number = np.add.reduce([known[place].astype(np.uint16) for place in places])
    total = np.add.reduce([pixels[place] * known[place][..., None].astype(np.uint16) for place in places])
    mean = (total + number[..., None] // 2) // np.maximum(number, 1)[..., None]
    hole = number == 0
    return mean.astype(np.uint8), hole, hole & np.logical_or.reduce([thick[place] for place in places])


def _enlarged(pixels, shape):
    """Twice as large, cut to a shape. Each channel alone: Pillow would mix colours by their alpha."""
    height, width = pixels.shape[0] * 2, pixels.shape[1] * 2
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in _planes(pixels)]
    return np.stack([np.asarray(plane)[: shape[0], : shape[1]] for plane in planes], axis=-1)


def _planes(pixels):
    return [np.ascontiguousarray(pixels[..., channel]) for channel in range(pixels.shape[-1])]


def _fill(repairs, level, windows, seed, on_batch):
    """Fills what is needed at one level, in place. All crops see the picture as it was before."""
    height, width = size = size_of(repairs)
    unknown = level.hole & ~level.thick  # nothing stands there yet, so every crop fills it
    places = np.flatnonzero(level.needed)  # sums of these pixels alone, not of the whole picture
    sums = np.zeros((len(places), level.pixels.shape[-1]), np.float32)
    weights = np.zeros((len(places), 1), np.float32)
    for start in range(0, len(windows), BATCH):
        crops, masks, shares = [], [], []
        for top, left in windows[start : start + BATCH]:
            window = slice(top, top + height), slice(left, left + width)
            whole, inner = (_share((top, left), size, level.hole.shape, part) for part in (0, CONTEXT))
            crops.append(level.pixels[window])
            masks.append(unknown[window] | (level.thick[window] & (inner > 0)))
            shares.append(np.where(level.thick[window], inner, whole) * level.needed[window])
        seeds = np.full(len(crops), seed, np.int64)
        filled = repairs.fill(np.stack(crops), np.stack(masks)[..., None] * np.uint8(HOLE), seeds)
        for (top, left), share, result in zip(windows[start : start + BATCH], shares, filled, strict=True):
            rows, columns = np.nonzero(share)
            found = np.searchsorted(places, (rows + top) * level.hole.shape[1] + columns + left)
            share = share[rows, columns, None]
            sums[found] += share * result[rows, columns]
            weights[found] += share
        on_batch(len(crops))
    level.pixels.reshape(-1, sums.shape[1])[places] = np.round(sums / weights)


def _share(place, size, shape, context):
    """How much each pixel of a crop counts: the more, the nearer it is to the middle, up to the picture's border.

    Neighbours then turn into each other over all of the way between their middles. With a `context` that part of the
    crop at each side does not count.
    """
    ramps = []
    for start, side, length in zip(place, size, shape, strict=True):
        margin = side // context if context else 0
        before = np.full(side, side) if start == 0 else np.arange(side) - margin + 0.5
        after = np.full(side, side) if start + side == length else side - margin - np.arange(side) - 0.5
        ramps.append(np.clip(np.minimum(before, after) / (side / 2 - margin), 0, 1).astype(np.float32))
    return ramps[0][:, None] * ramps[1]


def _inside(place, size, shape, margins):
    """The slices of a window without its margins, which it has only where the picture continues."""
    return tuple(
        slice(start + (margin if start > 0 else 0), start + side - (margin if start + side < length else 0))
        for start, side, length, margin in zip(place, size, shape, margins, strict=True)
    )
