"""What a run that repairs adds to that of a GAN: the picture and the mask that its networks take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from keras_gen.data.finding import find_images
from keras_gen.inputs import Input, Mask, Picture
from keras_gen.repair.holes import THRESHOLD, decode_mask
from keras_gen.runs.options import GANOptions


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
        factor = int(options.amount or 1)
        if height % factor or width % factor:
            raise ValueError(
                f"expected images of a multiple of --amount {factor} pixels a side, received {height}×{width}: give an "
                "--image-size that is"
            )
        shape = (height // factor, width // factor, channels)
    picture = Picture("picture", shape, corruption=options.corruption, amount=options.amount, to_discriminator=False)
    if options.task != "inpaint":
        return [picture]
    own = None if options.mask_dir is None else own_masks(Path(options.mask_dir), (height, width))
    return [picture, Mask("mask", (height, width), is_drawn=True, own=own)]


def own_masks(folder: Path, size: tuple[int, int]) -> np.ndarray:
    """The masks in a folder, uint8 (n, height, width, 1), 1 where they are white.

    Args:
        folder: with images of any size, as `keras-gen inpaint` takes them.
        size: (height, width) to which they are stretched.

    Raises:
        ValueError: where there are none, or one is a hole everywhere or nowhere.
    """
    files = [folder / file for file in find_images(folder)[0]] if folder.is_dir() else []
    if not files:
        raise ValueError(f"expected --mask-dir with a folder of masks, found none in {folder}")
    height, width = size
    found = [np.asarray(decode_mask(file).resize((width, height), Image.Resampling.BOX)) >= THRESHOLD for file in files]
    if wrong := [file.name for file, mask in zip(files, found, strict=True) if mask.all() or not mask.any()]:
        raise ValueError(
            f"expected masks with a hole, white, and something known, black; {', '.join(wrong[:3])} is all of one at "
            f"{height}×{width}"
        )
    return np.stack(found).astype(np.uint8)[..., None]
