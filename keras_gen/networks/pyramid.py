"""The pyramid of feature maps between an image (level 0) and the smallest map: its sizes and channels.

Any height and width will do: halving rounds up, and doubled maps are cut back.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from keras import layers

from keras_gen.layers import WRAPS

MAX_ATTENTION_SIDE = 16  # pixels a side; self-attention costs (height · width)²


def num_halvings(image_shape, rounded: Callable[[float], int] = math.floor) -> int:
    """How many times an image is halved, at least once, until its shorter side is about 4.

    Args:
        image_shape: (height, width, channels).
        rounded: `math.floor` for a side of 4 or a little more, `math.ceil` for one of 4 or a little less.

    Example:
        >>> [num_halvings((size, size, 1)) for size in (7, 28, 32, 64, 256)]
        [1, 2, 3, 4, 6]
        >>> [num_halvings((size, size, 1), math.ceil) for size in (7, 28, 32, 64, 256)]
        [1, 3, 3, 4, 6]
    """
    return max(1, rounded(math.log2(min(image_shape[:2]) / 4)))


def sizes(image_shape, halvings: int, wrap: str = "none") -> list[tuple[int, int]]:
    """(height, width) of the maps from the smallest to the image.

    Args:
        image_shape: (height, width, channels).
        halvings: how many times the image is halved.
        wrap: a name in `keras_gen.layers.WRAPS`, see `check_wrap`.

    Example:
        >>> sizes((7, 12, 3), 2)
        [(2, 3), (4, 6), (7, 12)]
    """
    check_wrap(image_shape, halvings, wrap)
    height, width = image_shape[:2]
    return [(math.ceil(height / 2**level), math.ceil(width / 2**level)) for level in range(halvings, -1, -1)]


def check_wrap(image_shape, halvings: int, wrap: str) -> None:
    """Refuses sizes along a wrapped axis that do not halve evenly, as `cut_to` would cut their maps at the seam.

    Args:
        image_shape: (height, width, channels).
        halvings: how many times the image is halved.
        wrap: a name in `keras_gen.layers.WRAPS`.

    Raises:
        ValueError: if a size is not a multiple of 2**halvings.

    Example:
        >>> check_wrap((7, 12, 3), halvings=2, wrap="width")
    """
    multiple = 2**halvings
    for axis in WRAPS[wrap]:
        side, size = ("height", "width")[axis - 1], image_shape[axis - 1]
        if size % multiple:
            raise ValueError(
                f"expected a {side} that is a multiple of {multiple} for wrap={wrap!r}, as the image is halved "
                f"{halvings} times, received a {side} of {size}: resize the images to a {side} of "
                f"{math.ceil(size / multiple) * multiple} or leave the {side} unwrapped"
            )


def channels(width: int, level: int) -> int:
    """Channels after `level` halvings: 1, 1, 2, 4, 8, 8, … times `width`, as most of the cost is in the large maps."""
    return width * min(8, 2 ** max(0, level - 1))


def cut_to(hidden, size: tuple[int, int]):
    """Cuts off the last row or column where doubling gave one more than an odd size."""
    excess = (hidden.shape[1] - size[0], hidden.shape[2] - size[1])
    if not any(excess):
        return hidden
    return layers.Cropping2D(((0, excess[0]), (0, excess[1])), dtype=hidden.dtype)(hidden)  # images stay float32


def attention_size(maps: list[tuple[int, int]]) -> tuple[int, int]:
    """The size of the maps that get self-attention: the largest up to 16×16, or otherwise the smallest.

    Example:
        >>> attention_size(sizes((28, 28, 1), 2))
        (14, 14)
    """
    small_enough = [size for size in maps if max(size) <= MAX_ATTENTION_SIDE]
    return small_enough[-1] if small_enough else maps[0]
