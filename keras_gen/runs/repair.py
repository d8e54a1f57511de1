"""What a run that repairs adds to that of a GAN: the picture and the mask that its networks take."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_gen import data
from keras_gen.inputs import Input, Mask, Picture
from keras_gen.runs.options import GANOptions

MAX_OWN_MASKS = 1_000  # of the user's own shapes


def inputs_of(options: GANOptions, image_shape: tuple[int, int, int]) -> list[Input]:
    """The inputs besides noise and conditions: for a repairer its picture, and its mask where there are holes.

    Args:
        options: resolved options.
        image_shape: (height, width, channels).

    Raises:
        ValueError: for images that do not suit the task.
    """
    if options.task is None:
        return []
    height, width, channels = image_shape
    if options.task == "colorize" and channels == 1:
        raise ValueError("expected images with colours to learn from, received grey ones")
    shape = image_shape
    if options.task == "upscale":
        factor = int(options.amount or 2)
        if factor < 2 or height % factor or width % factor:
            raise ValueError(
                f"expected images of a multiple of --amount {options.amount:g} pixels a side, received "
                f"{height}×{width}: give an --image-size that is"
            )
        shape = (height // factor, width // factor, channels)
    picture = Picture("picture", shape, corruption=options.corruption, amount=options.amount, to_discriminator=False)
    if options.task != "inpaint":
        return [picture]
    own = None if options.mask_dir is None else own_masks(options.mask_dir, (height, width))
    return [picture, Mask("mask", (height, width), is_drawn=True, own=own)]


def own_masks(folder: Path, size: tuple[int, int]) -> np.ndarray:
    """The masks in a folder, uint8 (n, height, width, 1), where what is lighter than grey is the hole.

    Args:
        folder: with images of any size.
        size: (height, width).

    Raises:
        ValueError: where no mask has a hole.
    """
    found = data.load(folder, image_size=size, channels=1, fit="stretch")
    masks = np.concatenate([np.asarray(split.images[:MAX_OWN_MASKS]) for split in (found.train, found.test)])
    masks = (masks >= 128).astype(np.uint8)
    with_holes = masks[masks.any(axis=(1, 2, 3))]
    if not len(with_holes):
        raise ValueError(f"expected masks that are white in the hole, found none in {folder}")
    return with_holes
