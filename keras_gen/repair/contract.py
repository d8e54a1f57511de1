"""What a model must offer so that its repairs and translations reach the pictures of a user."""

from __future__ import annotations

from typing import Protocol

import numpy as np

BATCH = 32  # crops or tiles that a model gets at once


class Repairs(Protocol):
    """A model that repairs or translates images of one size.

    Attributes:
        varies: whether other seeds give other proposals.
        any_size: whether it takes images of any height and width, not those of its shapes alone.
        task: one of `models.repairer.TASKS`, or "translate". For "colorize" the images given are grey already:
            equal channels, the luma of Pillow's mode L.
        source_shape: (height, width, channels) of the images that it takes.
        image_shape: (height, width, channels) of those that it returns: for "upscale" a whole multiple of the source,
            else of the same height and width.
    """

    @property
    def varies(self) -> bool: ...

    @property
    def any_size(self) -> bool: ...

    @property
    def task(self) -> str: ...

    @property
    def source_shape(self) -> tuple[int, int, int]: ...

    @property
    def image_shape(self) -> tuple[int, int, int]: ...

    def fill(self, images: np.ndarray, masks: np.ndarray | None, seeds: np.ndarray) -> np.ndarray:
        """Repairs images, each by itself.

        Args:
            images: uint8 (n, *source_shape).
            masks: uint8 (n, height, width, 1), nonzero in the hole; None for every task but "inpaint".
            seeds: int64 (n,), in [0, 2³¹).

        Returns:
            uint8 (n, *image_shape). Row i depends on row i of the arguments alone.
        """
        ...


def size_of(repairs: Repairs) -> tuple[int, int]:
    """The (height, width) of the images that a model takes."""
    return repairs.source_shape[0], repairs.source_shape[1]


def factor_of(repairs: Repairs) -> int:
    """How many times larger the images are that a model returns.

    Raises:
        ValueError: if the two shapes are not whole multiples of each other.
    """
    factor, rest = divmod(repairs.image_shape[0], repairs.source_shape[0])
    if not factor or rest or repairs.image_shape[1] != factor * repairs.source_shape[1]:
        raise ValueError(
            f"expected a model whose results are a whole number of times as large as what it takes, received "
            f"{repairs.source_shape} and {repairs.image_shape}"
        )
    return factor


def padding(shape: tuple[int, ...], size: tuple[int, int]) -> list[tuple[int, int]]:
    """What a picture smaller than a model lacks, before and after it on each axis.

    Example:
        >>> padding((5, 20), (8, 8))
        [(1, 2), (0, 0)]
    """
    lacking = [max(0, side - length) for length, side in zip(shape, size, strict=True)]
    return [(number // 2, number - number // 2) for number in lacking]
