"""Turns a picture of any kind into a uint8 array of the requested shape.

The rules for modes, transparency, orientation and size live here and hold for files and arrays alike. Which files
make up a set belongs to `folder`.

A file becomes the same bytes in any set, so 16-bit values are divided by 257 whatever the largest one is: a picture
that a model gets later is then as bright as those that it learned from. Values without such a scale (floats, values
below 0 or above 65,535) are refused.
"""

from __future__ import annotations

import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from keras_gen.images import to_pil

ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap height and width

SAMPLE_FORMAT, SIGNED = 339, 2  # of TIFF
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0

MAX_FILE_BYTES = 1024**3  # more than the most pixels that Pillow does not take for a bomb, 16 bits each

WHITE_16 = 65535
DEPTHS = (8, 10, 12, 14)  # bits of scanners and cameras; a set that uses 15 of 16 is only dark
EIGHT_BITS = ((np.arange(WHITE_16 + 1) + 128) // 257).astype(np.uint8)  # 65535 = 255 · 257, rounded to nearest

FITS = {"crop": ImageOps.fit, "pad": ImageOps.pad, "stretch": lambda image, size, method: image.resize(size, method)}


@dataclass(frozen=True)
class Target:
    """What every image of a set becomes.

    Args:
        image_shape: (height, width, channels) with 1, 3 or 4 channels.
        fit: "crop" cuts off the excess, "pad" adds black (transparent with 4 channels), "stretch" distorts.
    """

    image_shape: tuple[int, int, int]
    fit: str = "crop"


class Header(NamedTuple):
    """What the header of a file says about its image."""

    size: tuple[int, int]  # width, height, as seen upright
    is_grey: bool
    has_alpha: bool


class Peak:
    """The largest value of the 16-bit images of a set, searched for until one uses the two highest bits."""

    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()  # files are decoded by many threads

    @property
    def needs_more(self) -> bool:
        """Whether further images can change the number of bits that the set uses."""
        return self.value < 2 ** DEPTHS[-1]

    def add(self, value: int) -> None:
        """Records the largest value of an image."""
        with self._lock:
            self.value = max(self.value, value)


def read_header(path: Path) -> Header:
    """Reads size and kind of an image file without decoding it.

    Raises:
        ValueError: for what is not a file or is too large, for values without a known scale, and for PostScript.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a file")  # such as a pipe, whose reader would wait forever
    if status.st_size > MAX_FILE_BYTES:
        raise ValueError("a file of more than 1 GiB")
    with Image.open(path) as image:
        check_kind(image)
        # Only an EXIF block before the pixels: PNG may have it after them, and reading that decodes the file.
        turned = "exif" in image.info and image.getexif().get(ORIENTATION, 1) >= 5
        size = image.size[::-1] if turned else image.size
        return Header(size, Image.getmodebase(image.mode) == "L", image.has_transparency_data)


def check_kind(image: Image.Image) -> None:
    """Refuses, by the header, values whose black and white are not known, and an image that is a program."""
    if image.format == "EPS":
        raise ValueError("PostScript, which would be executed: convert it to .png")
    if image.mode == "F":
        raise ValueError("floating-point values of unknown range: save bytes, np.round(255 * x) for x in [0, 1]")
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if image.mode.startswith("I") and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        raise ValueError("a TIFF in which 0 is white: convert it to a .png of 8 bits")
    if image.mode == "L" and np.any(np.equal(tags.get(SAMPLE_FORMAT, 0), SIGNED)):
        raise ValueError("a TIFF of signed values: convert it to a .png of 8 bits")


def decode(path: Path, target: Target, peak: Peak | None = None) -> np.ndarray:
    """Decodes an image file: upright, first frame.

    Args:
        path: the file.
        target: the `Target` that it becomes.
        peak: records the largest value of a file of 16-bit values, which the result no longer shows.

    Returns:
        uint8 array of `target.image_shape`.

    Raises:
        ValueError: for values without a known scale, and for PostScript.
    """
    with Image.open(path) as image:
        stored = stored_mode(image)
        picture = upright(image, path)
        pixels = render(picture, target)
        if peak and peak.needs_more and (picture.mode.startswith("I") or ";16" in stored):
            peak.add(largest_value(picture))
        return pixels


def upright(image: Image.Image, path: Path) -> Image.Image:
    """The picture in a file that was opened, as it is seen, with its transparent colour on the scale of its pixels.

    Raises:
        ValueError: for values without a known scale, and for PostScript.
    """
    check_kind(image)
    correct_transparency(image, path, stored_mode(image))
    return ImageOps.exif_transpose(image)


def stored_mode(image: Image.Image) -> str:
    """What the file holds, such as RGB;16B for what becomes RGB; Pillow forgets it once the pixels are loaded."""
    tile = getattr(image, "tile", None)
    return str(tile[0][3]) if tile else ""


def largest_value(image: Image.Image) -> int:
    """The largest 16-bit value of a file; of colours Pillow keeps the high byte only, so it is exact to that byte."""
    values = np.asarray(image)
    if values.ndim == 2:
        return int(values.max())
    return int(values[..., :3].max() if values.shape[-1] == 4 else values.max()) << 8 | 255


def correct_transparency(image: Image.Image, path: Path, stored: str) -> None:
    """Converts the transparent colour of a PNG (its chunk tRNS) to the scale of the pixels as Pillow decodes them.

    Pillow scales grey values of 2 and 4 bits to 8 and cuts colours of 16 bits down to 8, but leaves the transparent
    colour as it is in the file.
    """
    key = image.info.get("transparency")
    scale = {"L;2": 85, "L;4": 17}.get(stored)  # 255 = 3 · 85 = 15 · 17
    if scale is not None and isinstance(key, int) and key * scale <= 255:
        image.info["transparency"] = key * scale
    if stored == "RGB;16B" and isinstance(key, tuple):
        with Image.open(path) as same:
            same.tile = [tile._replace(args="RGB;16L") for tile in same.tile]  # the low bytes, which `image` has lost
            low = np.asarray(same)
        values = np.asarray(image).astype(np.uint16) << 8 | low
        image.putalpha(Image.fromarray(np.where((values == key).all(axis=-1), 0, 255).astype(np.uint8)))
        image.info.pop("transparency", None)


def render(image: Image.Image, target: Target) -> np.ndarray:
    """Converts a Pillow picture of any mode to the channels and size of a target.

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
    """Converts decoded images to another shape, one at a time; returns them as they are if they already fit.

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
    """Scales the 16-bit grey modes of Pillow (I;16, I;16B, I), which `convert` would clip at 255.

    Returns:
        A picture of mode L, or LA where one grey value stands for transparency.

    Raises:
        ValueError: for values outside [0, 65535], whose scale is not known.
    """
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.dtype.itemsize > 2 and not (values.min() >= 0 and values.max() <= WHITE_16):
        raise ValueError(
            f"values from {values.min():,} to {values.max():,}, outside 0 to {WHITE_16:,}: convert it to 8 bits, with "
            "one scale for all images"
        )
    grey = Image.fromarray(EIGHT_BITS[values])
    if isinstance(key := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return grey


def to_channels(image: Image.Image, channels: int) -> Image.Image:
    """Converts an 8-bit picture to L, RGB or RGBA; where transparency is lost, the background is white."""
    if channels == 4:
        return image.convert("RGBA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")
