"""Applies a model to a whole picture of any size, in tiles or, to colour it, at once.

Tiles of a model of one size overlap by a quarter and are blended, so no tile ends where another begins. A model of any
size gets tiles that are larger than what is kept of them by all that their pixels depend on, so there is nothing to
blend: the tiles are the same as the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from keras_gen import images
from keras_gen.console import no_fraction
from keras_gen.repair.contract import BATCH, Repairs, factor_of, padding, size_of

TILE = 640  # pixels a side that are kept of an exact tile: a photograph of 12 megapixels needs less than 3 GB
START = 128  # exact tiles begin at a multiple of it: networks halve maps, and their noise repeats
MIN_SIDE = 8  # of what a model of any size gets: smaller pictures are extended
OVERLAP = 4  # a divisor: neighbouring tiles share at least 1/4 of their side
BAND = 256  # rows that are coloured at once
LUMA = np.array([19595, 38470, 7471])  # of 65,536: the weights of Pillow's mode L


def tiled(
    repairs: Repairs, pixels: np.ndarray, seed: int = 0, on_fraction: Callable[[float], None] = no_fraction
) -> np.ndarray:
    """Enlarges or restores one picture.

    Args:
        repairs: a model for "upscale" or "restore", for images with as many channels.
        pixels: uint8 (height, width, channels) of any size; one that is smaller than the model is reflected at its
            borders.
        seed: int in [0, 2³¹), the same for all tiles.
        on_fraction: called with the fraction that is done.

    Returns:
        uint8 (factor · height, factor · width, channels); enlarged, its blocks have the means of the pixels.
    """
    (height, width), size, factor = pixels.shape[:2], size_of(repairs), factor_of(repairs)
    lacking = padding((height, width), size)
    pixels = np.pad(pixels, (*lacking, (0, 0)), mode="reflect")
    (tops, row_shares), (lefts, column_shares) = (
        _axis(length, side, factor) for length, side in zip(pixels.shape[:2], size, strict=True)
    )
    side, wide = factor * size[0], factor * size[1]
    result = np.empty((factor * pixels.shape[0], factor * pixels.shape[1], repairs.image_shape[2]), np.uint8)
    strip = np.zeros((side, *result.shape[1:]), np.float32)  # one row of tiles: the sums need no more than that
    for index, top in enumerate(tops):
        for start in range(0, len(lefts), BATCH):
            part = range(start, min(start + BATCH, len(lefts)))
            tiles = np.stack([pixels[top : top + size[0], lefts[i] : lefts[i] + size[1]] for i in part])
            made = repairs.fill(tiles, None, np.full(len(part), seed, np.int64))
            for i, tile in zip(part, made, strict=True):
                share = row_shares[index][:, None, None] * column_shares[i][:, None]
                strip[:, factor * lefts[i] : factor * lefts[i] + wide] += share * tile
            on_fraction((index + part.stop / len(lefts)) / len(tops))
        finished = factor * (tops[index + 1] - top) if index + 1 < len(tops) else side
        result[factor * top : factor * top + finished] = np.round(strip[:finished])
        strip = np.concatenate([strip[finished:], np.zeros_like(strip[:finished])])
    if factor > 1:
        for start in range(0, len(pixels), BAND):
            rows = slice(factor * start, factor * (start + BAND))
            result[rows] = with_means(result[rows], pixels[start : start + BAND])
    top, left = (factor * before for before, _ in lacking)
    return result[top : top + factor * height, left : left + factor * width]


def with_means(enlarged: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Gives each block of an enlarged picture the mean of the pixel that it was made from, as far as bytes allow.

    Blending tiles shifts the means. Where the detail of a block would leave [0, 255] it becomes weaker.

    Args:
        enlarged: uint8 (factor · height, factor · width, channels).
        pixels: uint8 (height, width, channels).

    Example:
        >>> blocks = np.array([[0, 20], [20, 40]], np.uint8)[..., None]
        >>> with_means(blocks, np.array([[[30]]], np.uint8))[..., 0].tolist()
        [[10, 30], [30, 50]]
    """
    height, width, channels = pixels.shape
    factor = len(enlarged) // height
    blocks = enlarged.reshape(height, factor, width, factor, channels).astype(np.float32)
    kept = pixels[:, None, :, None].astype(np.float32)
    detail = blocks - blocks.mean(axis=(1, 3), keepdims=True)
    room = np.where(detail > 0, 255 - kept, kept) / np.maximum(np.abs(detail), 1e-3)
    scale = np.minimum(1, room.min(axis=(1, 3), keepdims=True))
    return np.rint(kept + scale * detail).astype(np.uint8).reshape(enlarged.shape)


def _axis(length, side, factor):
    """Along one axis: where tiles begin, and how much each pixel of their results counts, in sum 1 everywhere."""
    number = math.ceil((length - side) / (side - side // OVERLAP)) + 1
    starts = np.round(np.linspace(0, length - side, number)).astype(int)
    distance = np.minimum(np.arange(factor * side), np.arange(factor * side)[::-1]) + 0.5
    shares = np.repeat(np.minimum(distance, factor * side / OVERLAP)[None], number, axis=0)
    total = np.zeros(factor * length)
    for start, share in zip(factor * starts, shares, strict=True):
        total[start : start + factor * side] += share
    for start, share in zip(factor * starts, shares, strict=True):
        share /= total[start : start + factor * side]
    return starts, shares.astype(np.float32)


def in_exact_tiles(
    paint: Callable[[np.ndarray, Callable[[float], None]], np.ndarray],
    pixels: np.ndarray,
    reach: int | None,
    on_fraction: Callable[[float], None] = no_fraction,
) -> np.ndarray:
    """Applies a model of any size to a picture, or to its tiles with what is around them.

    Args:
        paint: uint8 (height, width, channels) of at least 8 pixels a side, and a function to call with the fraction
            that is done → uint8 of this height and width.
        pixels: uint8 (height, width, channels) of any size.
        reach: pixels around it on which a pixel may depend; None if on all of them.
        on_fraction: called with the fraction that is done.

    Returns:
        uint8, of the height and width of the pixels: what `paint` makes of all of them at once.

    Example:
        >>> picture = np.arange(2700, dtype="uint8").reshape(3, 900, 1)
        >>> bool((in_exact_tiles(lambda tile, _: 255 - tile, picture, reach=4) == 255 - picture).all())
        True
    """
    height, width = pixels.shape[:2]
    lacking = [(0, max(0, MIN_SIDE - side)) for side in (height, width)]
    pixels = np.pad(pixels, (*lacking, (0, 0)), mode="edge")
    if reach is None or max(height, width) <= TILE + 2 * reach:
        return paint(pixels, on_fraction)[:height, :width]
    rows, columns = ([*_cuts(side, reach)] for side in pixels.shape[:2])
    strips = []
    for index, (top, bottom, above, below) in enumerate(rows):
        strip = []
        for number, (left, right, before, after) in enumerate(columns):
            tile = paint(pixels[above:below, before:after], no_fraction)
            strip.append(tile[top - above : bottom - above, left - before : right - before].copy())
            on_fraction((index + (number + 1) / len(columns)) / len(rows))
        strips.append(np.concatenate(strip, axis=1))
    return np.concatenate(strips)[:height, :width]


def _cuts(side: int, reach: int) -> Iterator[tuple[int, int, int, int]]:
    """Along one axis: where what is kept of each tile begins and ends, and the tile itself."""
    for start in range(0, side, TILE):
        end = min(side, start + TILE)
        yield start, end, max(0, (start - reach) // START * START), min(side, end + reach)


def colorize_picture(repairs: Repairs, luma: np.ndarray, seed: int = 0) -> np.ndarray:
    """Colours one picture: the model sees all of it, shrunk to its size, and only what it adds to grey is enlarged.

    The picture keeps its own luma exactly: Pillow's mode L of the result is the luma given. Where a colour would leave
    [0, 255] it is made paler.

    Args:
        repairs: a model for "colorize".
        luma: uint8 (height, width) of any size.
        seed: int in [0, 2³¹).

    Returns:
        uint8 (height, width, 3).
    """
    height, width = luma.shape
    rows, columns = size_of(repairs)
    scale = min(rows / height, columns / width)
    inner = max(1, min(rows, round(height * scale))), max(1, min(columns, round(width * scale)))
    small = np.asarray(Image.fromarray(luma).resize(inner[::-1], Image.Resampling.LANCZOS))
    lacking = padding(inner, (rows, columns))
    (top, _), (left, _) = lacking
    padded = np.pad(small, lacking, mode="reflect")
    grey = np.repeat(padded[..., None], repairs.source_shape[2], axis=-1)
    if grey.shape[-1] == 4:
        grey[..., 3] = 255
    made = repairs.fill(grey[None], None, np.array([seed], np.int64))[0][top : top + inner[0], left : left + inner[1]]
    colors = made[..., :3].astype(np.float32)
    tint = colors - (colors @ LUMA.astype(np.float32) / 65536)[..., None]
    planes = [Image.fromarray(np.ascontiguousarray(tint[..., channel])) for channel in range(3)]
    result = np.empty((height, width, 3), np.uint8)
    for first in range(0, height, BAND):
        last = min(first + BAND, height)
        box = (0, first * inner[0] / height, inner[1], last * inner[0] / height)
        bands = [plane.resize((width, last - first), Image.Resampling.BILINEAR, box=box) for plane in planes]
        result[first:last] = tinted(luma[first:last], np.stack([np.asarray(band) for band in bands], axis=-1))
    return result


def tinted(luma: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """Adds colour to luma and keeps it exactly.

    Args:
        luma: uint8 (height, width).
        tint: float32 (height, width, 3), what to add to each of red, green and blue, without luma itself.

    Returns:
        uint8 (height, width, 3), whose mode L in Pillow is `luma`.

    Example:
        >>> luma = np.array([[0, 100, 250]], "uint8")
        >>> tinted(luma, np.float32([100, -51, 0]) * np.ones((1, 3, 1), "float32")).tolist()
        [[[0, 0, 0], [200, 49, 100], [255, 247, 250]]]
    """
    grey = luma[..., None].astype(np.float32)
    room = np.where(tint > 0, 255 - grey, grey) / np.maximum(np.abs(tint), 1e-6)
    # Rounding changes the luma by less than 0.5, so it is rounded back to what it was.
    return np.round(grey + tint * np.minimum(1, room.min(axis=-1, keepdims=True))).astype(np.uint8)


def luma_of(colors: np.ndarray) -> np.ndarray:
    """The luma of a picture, as Pillow's mode L: uint8 (height, width, 1 or 3) → uint8 (height, width)."""
    return np.asarray(images.to_pil(colors).convert("L"))
