"""A contact sheet: what was done to each picture, side by side."""

from __future__ import annotations

import numpy as np
from PIL import Image

from keras_gen import images
from keras_gen.repair.pictures import Picture

MAX_ROWS = 20
MAX_COLUMNS = 10  # of which the first one or two show the picture as it was
SIDE = 256  # of a thumbnail
HOLE_COLOR = (255, 0, 255)  # what no photograph has
GREY = 128


def thumbnail(picture: Picture, hole: np.ndarray | None = None) -> np.ndarray:
    """A picture shrunk to 256 pixels at most, on white, its hole in magenta.

    Args:
        picture: of any size.
        hole: bool (height, width), or None. A hole of one pixel is still seen.

    Returns:
        uint8 (height, width, 3).
    """
    shown = images.to_pil(picture.colors).convert("RGB")
    shown.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    if picture.alpha is not None:
        alpha = Image.fromarray(picture.alpha).resize(shown.size)
        shown = Image.composite(shown, Image.new("RGB", shown.size, "white"), alpha)
    pixels = np.array(shown)
    if hole is not None:
        for axis in (0, 1):
            starts = np.arange(pixels.shape[axis]) * hole.shape[axis] // pixels.shape[axis]
            hole = np.maximum.reduceat(hole, starts, axis=axis)
        pixels[hole] = HOLE_COLOR
    return pixels


def contact_sheet(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Thumbnails in rows, each in the middle of a grey cell.

    Args:
        rows: of each picture the same number of thumbnails, uint8 (height, width, 3).

    Returns:
        uint8 (height, width, 3).

    Example:
        >>> contact_sheet([[np.zeros((8, 12, 3), "uint8"), np.zeros((16, 24, 3), "uint8")]]).shape
        (18, 51, 3)
    """
    thumbnails = [each for row in rows for each in row]
    height, width = (max(each.shape[axis] for each in thumbnails) for axis in (0, 1))
    cells = np.full((len(thumbnails), height, width, 3), GREY, np.uint8)
    for cell, each in zip(cells, thumbnails, strict=True):
        top, left = (height - each.shape[0]) // 2, (width - each.shape[1]) // 2
        cell[top : top + each.shape[0], left : left + each.shape[1]] = each
    return images.grid(cells, len(rows[0]))
