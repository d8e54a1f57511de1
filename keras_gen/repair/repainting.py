"""Repaints a file or a folder of pictures: any size stays that size, films stay films, transparency stays.

Large pictures are repainted in tiles. Each tile is larger than what is kept of it by all that its pixels depend on, so
there is nothing to blend: the tiles are the same as the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np

from keras_gen.console import OnProgress, no_fraction, no_progress
from keras_gen.repair import films, sheet
from keras_gen.repair.folder import Outcome, Plan, one_after_another
from keras_gen.repair.pictures import Picture, of_model
from keras_gen.repair.tiles import BAND, LUMA, in_exact_tiles, luma_of, tinted
from keras_gen.repair.translation import in_channels
from keras_gen.style import thumbnails

MAX_THUMBNAIL_FRAMES = 16  # of a film


class Repaints(Protocol):
    """A model that repaints pictures of any size.

    Attributes:
        channels: of the pictures that it takes and returns.
        reach: pixels around it on which a pixel may depend; None if on all of them.
        strength: from 0 to 1; at 0 pictures are returned as they are, without asking the model.
    """

    @property
    def channels(self) -> int: ...

    @property
    def reach(self) -> int | None: ...

    @property
    def strength(self) -> float: ...

    def paint(self, pixels: np.ndarray, whole: np.ndarray, on_fraction: Callable[[float], None]) -> np.ndarray:
        """Repaints a picture or a part of one.

        Args:
            pixels: uint8 (height, width, channels), at least 8 pixels a side.
            whole: uint8 (64, 64, channels), a thumbnail of the whole, see `style.thumbnails`.
            on_fraction: called with the fraction that is done.

        Returns:
            uint8, of the shape of the pixels.
        """
        ...


def repaint(
    repaints: Repaints, plan: Plan, keep_colors: bool = False, on_progress: OnProgress = no_progress
) -> Outcome:
    """Repaints the pictures of a plan and writes them, with a contact sheet of the first 20.

    Args:
        repaints: the model, with its style and strength.
        plan: from `plan`.
        keep_colors: whether to take only the luma of what the model paints, and the colours of the picture.
        on_progress: called with what is done and the fraction.

    Returns:
        The `Outcome`.

    Raises:
        ValueError: if no picture could be read.
        OSError: if a result cannot be written.
    """

    def make(file, film, places, on_fraction):
        made, wholes = [], wholes_of(film.frames, repaints.channels)
        for index, frame in enumerate(film.frames):

            def on_part(fraction, index=index):
                on_fraction((index + fraction) / len(film.frames))

            on_part(0.0)
            made.append(repaint_picture(repaints, frame, keep_colors, wholes, on_part))
        (place,) = places
        films.write(place, film._replace(frames=made))
        return [sheet.thumbnail(film.frames[0]), sheet.thumbnail(made[0])]

    return one_after_another(plan, "repainting", make, on_progress)


def repaint_picture(
    repaints: Repaints,
    picture: Picture,
    keep_colors: bool = False,
    wholes: list[np.ndarray] | None = None,
    on_fraction: Callable[[float], None] = no_fraction,
) -> Picture:
    """Repaints one picture; a grey one stays grey, and transparency is as it was.

    Args:
        repaints: the model, with its style and strength.
        picture: of any size.
        keep_colors: as of `repaint`.
        wholes: from `wholes_of`, for a frame of a film; by default of the picture.
        on_fraction: called with the fraction that is done.

    Returns:
        The `Picture`, of the same size and kind.
    """
    if repaints.strength == 0:
        return picture
    given = on_white(picture, repaints.channels)
    made, wholes = [], wholes or wholes_of([picture], repaints.channels)
    for index, (pixels, own) in enumerate(zip(given, wholes, strict=True)):

        def on_part(fraction, index=index):
            on_fraction((index + fraction) / len(given))

        def paint(part, on_part, own=own):
            return repaints.paint(part, own, on_part)

        made.append(in_exact_tiles(paint, pixels, repaints.reach, on_part))
    painted = of_model(np.concatenate(made, axis=-1), picture, 1)
    colors = with_colors(painted.colors, picture.colors) if keep_colors and picture.is_colored else painted.colors
    return dataclasses.replace(picture, colors=colors)


def on_white(picture: Picture, channels: int) -> list[np.ndarray]:
    """What a model gets of a picture: no colours that are hidden where it is transparent, as in training.

    Args:
        picture: of any size and kind.
        channels: of the model.

    Returns:
        uint8 (height, width, channels): one array, or for a model of grey images one for each colour.

    Example:
        >>> hidden = Picture(np.zeros((1, 1, 3), "uint8"), alpha=np.zeros((1, 1), "uint8"))
        >>> [each.tolist() for each in on_white(hidden, 3)]
        [[[[255, 255, 255]]]]
    """
    if channels > 1:
        return [in_channels(picture.pixels(), channels)]
    colors = in_channels(picture.pixels(), picture.colors.shape[-1])
    return [colors[..., channel : channel + 1] for channel in range(colors.shape[-1])]


def wholes_of(frames: list[Picture], channels: int) -> list[np.ndarray]:
    """Thumbnails of a picture or of a whole film, whose frames would flicker if each had its own colours.

    Args:
        frames: one picture, or pictures of the same size.
        channels: of the model.

    Returns:
        For each array that the model gets of a picture uint8 (64, 64, channels), see `style.thumbnails`.
    """
    some = frames[:: -(-len(frames) // MAX_THUMBNAIL_FRAMES)]
    by_array = zip(*(on_white(frame, channels) for frame in some), strict=True)
    shown = (thumbnails(keras.ops.cast(np.concatenate(arrays)[None], "float32")) for arrays in by_array)
    return [keras.ops.convert_to_numpy(each)[0].astype("uint8") for each in shown]


def with_colors(painted: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """The luma of one picture, exactly, with the colours of another, paler where they would leave [0, 255].

    Args:
        painted: uint8 (height, width, 3).
        colors: uint8 (height, width, 3).

    Example:
        >>> grey, red = np.full((1, 1, 3), 76, "uint8"), np.array([[[255, 0, 0]]], "uint8")
        >>> with_colors(grey, red).tolist()
        [[[254, 0, 0]]]
    """
    made = np.empty_like(painted)
    for first in range(0, len(made), BAND):
        rows = slice(first, first + BAND)
        own = colors[rows].astype(np.float32)
        made[rows] = tinted(luma_of(painted[rows]), own - (own @ LUMA.astype(np.float32) / 65536)[..., None])
    return made
