"""From one picture of any kind to one uint8 array of the shape that was asked for.

The rules for modes, transparency, orientation and size live here and hold for files and arrays alike. Which files
make up a set belongs to `folder`.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from keras_gen.images import to_pil

ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap height and width

MAX_FILE_BYTES = 1024**3  # bytes: more than the most pixels that Pillow takes for no bomb, 16 bits each, not packed

FITS = {"crop": ImageOps.fit, "pad": ImageOps.pad, "stretch": lambda image, size, method: image.resize(size, method)}


@dataclass(frozen=True)
class Target:
    """What every image of a set becomes.

    Args:
        image_shape: (height, width, channels) with 1, 3 or 4 channels.
        fit: "crop" cuts what stands over, "pad" adds black (transparent with 4 channels), "stretch" distorts.
    """

    image_shape: tuple[int, int, int]
    fit: str = "crop"


class Header(NamedTuple):
    """What a file says about its image before it is decoded."""

    size: tuple[int, int]  # width, height, as seen upright
    is_grey: bool
    has_alpha: bool


def read_header(path: Path) -> Header:
    """Reads size and kind of an image file without decoding it."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a file")  # a pipe, say, which would be waited for
    if status.st_size > MAX_FILE_BYTES:
        raise ValueError("a file of more than 1 GiB")
    with Image.open(path) as image:
        # Only an EXIF block in front of the pixels: PNG may carry it behind them, and looking there decodes the file.
        turned = "exif" in image.info and image.getexif().get(ORIENTATION, 1) >= 5
        size = image.size[::-1] if turned else image.size
        return Header(size, Image.getmodebase(image.mode) == "L", image.has_transparency_data)


def decode(path: Path, target: Target) -> np.ndarray:
    """Decodes an image file: upright, first frame.

    Returns:
        uint8 array of `target.image_shape`.
    """
    with Image.open(path) as image:
        return render(ImageOps.exif_transpose(image), target)


def render(image: Image.Image, target: Target) -> np.ndarray:
    """Brings a Pillow picture of any mode to channels and size.

    Returns:
        uint8 array of `target.image_shape`.
    """
    height, width, channels = target.image_shape
    image = to_channels(to_eight_bits(image), channels)
    if image.size != (width, height):
        image = FITS[target.fit](image, (width, height), method=Image.Resampling.LANCZOS)
    pixels = np.array(image).reshape(target.image_shape)
    if channels == 4:
        pixels[pixels[..., 3] == 0] = 0  # one value for "nothing here", or a network learns invisible colours
    return pixels


def render_array(images, target: Target) -> np.ndarray:
    """Brings images that are decoded already to another shape, one at a time; returns them as they are if they fit.

    Args:
        images: uint8 array or array on disk (n, height, width, channels).
        target: the `Target` that each becomes.

    Returns:
        uint8 (n, *target.image_shape).
    """
    if tuple(images.shape[1:]) == target.image_shape:
        return images
    rendered = np.empty((len(images), *target.image_shape), np.uint8)
    for index in range(len(images)):
        rendered[index] = render(to_pil(images[index]), target)
    return rendered


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scales the 16-bit grey modes of Pillow (I;16, I;16B, I), which `convert` would clip at 255."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64).clip(0, 65535)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 255 · 257, rounded to nearest


def to_channels(image: Image.Image, channels: int) -> Image.Image:
    """Converts an 8-bit picture to L, RGB or RGBA; transparency that gets lost is laid on white."""
    if channels == 4:
        return image.convert("RGBA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")
