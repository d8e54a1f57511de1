"""Masks: where images have holes, drawn from a seed.

A mask is uint8 (height, width, 1), 255 in the hole and 0 where the image is known; whoever reads one takes every
nonzero value for the hole. What is drawn depends on the seed, and on no backend of Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

HOLE = 255
GREY = 128  # what is shown in a hole
SHARES = (0.05, 0.6)  # of an image that is a hole, in training: more leaves too little to learn from
MAX_TRIES = 1_000  # masks drawn for one whose share lies in narrow limits


def strokes(size: tuple[int, int], share: float, random: np.random.Generator) -> np.ndarray:
    """Bent strokes, as of a brush, until they cover `share` of the image.

    Args:
        size: (height, width).
        share: in (0, 1), the least share of the hole.
        random: what is drawn comes from it.

    Returns:
        bool (height, width).
    """
    height, width = size
    side = min(size)
    canvas = Image.new("1", (width, height))
    pen = ImageDraw.Draw(canvas)
    while (hole := np.asarray(canvas)).mean() < share:
        thickness = max(1, round(side * random.uniform(0.03, 0.1)))
        place, angle = random.uniform((0, 0), (width, height)), random.uniform(0, 2 * math.pi)
        for _ in range(random.integers(2, 6)):
            angle += random.uniform(-1, 1)
            end = place + random.uniform(0.1, 0.4) * side * np.array([math.cos(angle), math.sin(angle)])
            pen.line([*place, *end], fill=1, width=thickness)
            if thickness > 2:  # a round joint
                pen.ellipse([*(end - thickness / 2), *(end + thickness / 2)], fill=1)
            place = end
    return hole.copy()


def boxes(size: tuple[int, int], share: float, random: np.random.Generator) -> np.ndarray:
    """Rectangles, one or several, until they cover `share` of the image; as `strokes`."""
    hole = np.zeros(size, bool)
    parts = random.integers(1, 4)  # about so many
    while hole.mean() < share:
        stretch = random.uniform(0.6, 1.6)
        sides = np.sqrt(share / parts) * np.array([stretch, 1 / stretch]) * size
        extent = np.clip(np.round(sides), 1, size).astype(int)
        top, left = random.integers(0, np.array(size) - extent + 1)
        hole[top : top + extent[0], left : left + extent[1]] = True
    return hole


def halves(size: tuple[int, int], share: float, random: np.random.Generator) -> np.ndarray:
    """All of the image on one side of a line, such as its left half; as `strokes`."""
    hole = np.zeros(size, bool)
    if random.random() < 0.5:
        hole[: round(share * size[0])] = True
    else:
        hole[:, : round(share * size[1])] = True
    return hole if random.random() < 0.5 else hole[::-1, ::-1]


KINDS: dict[str, Callable] = {"strokes": strokes, "boxes": boxes, "halves": halves}


def draw(
    size: tuple[int, int],
    num: int,
    seed: int = 0,
    shares: tuple[float, float] = SHARES,
    kinds: Sequence[str] = ("strokes", "boxes", "halves"),
) -> np.ndarray:
    """Masks of all kinds in turn.

    Args:
        size: (height, width).
        num: number of masks.
        seed: the same seed gives the same masks.
        shares: the least and the greatest share of a hole.
        kinds: names in `KINDS`.

    Returns:
        uint8 (num, height, width, 1), 255 in the hole.

    Raises:
        ValueError: for shares out of (0, 1), or so narrow that no mask of the size has one.

    Example:
        >>> draw((8, 12), num=2).shape
        (2, 8, 12, 1)
    """
    low, high = shares
    if not 0 < low < high < 1:
        raise ValueError(f"expected the least and the greatest share of a hole, in (0, 1), received {shares}")
    random = np.random.default_rng(seed)

    def mask(kind):
        for _ in range(MAX_TRIES):
            hole = KINDS[kind](size, random.uniform(low, high), random)
            if low <= hole.mean() <= high:
                return hole
        raise ValueError(f"expected shares that {kind} of {size[0]}×{size[1]} can have, received {low} to {high}")

    holes = [mask(kinds[index % len(kinds)]) for index in range(num)]
    return HOLE * np.stack(holes).astype(np.uint8)[..., None]


def centre(size: tuple[int, int]) -> np.ndarray:
    """A box of half the height and half the width in the middle, uint8 (height, width, 1)."""
    height, width = size
    mask = np.zeros((*size, 1), np.uint8)
    mask[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2] = HOLE
    return mask


def damaged(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Images without what is in their holes: grey, and opaque where there is alpha.

    Args:
        images: uint8 (n, height, width, channels).
        holes: (n, height, width, 1), nonzero in the holes.

    Example:
        >>> damaged(np.zeros((1, 1, 2, 1), np.uint8), np.array([[[[0], [1]]]]))[..., 0].tolist()
        [[[0, 128]]]
    """
    blank = np.array([GREY] * min(images.shape[-1], 3) + [255] * (images.shape[-1] == 4), np.uint8)
    return np.where(holes != 0, blank, images)
