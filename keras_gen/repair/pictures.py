"""One picture of a user: read as it is, given to a model in the model's channels, written as it was.

The rules for modes, orientation and 16 bits are those of `data.decoding`, but nothing is resized and transparency is
kept beside the colours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gen import images
from keras_gen.console import no_fraction
from keras_gen.data.decoding import read_header, to_channels, to_eight_bits, upright
from keras_gen.files import replacing
from keras_gen.repair.contract import Repairs, factor_of
from keras_gen.repair.crops import inpaint_picture
from keras_gen.repair.tiles import colorize_picture, luma_of, tiled
from keras_gen.repair.translation import in_channels, translated

KEPT = ("icc_profile", "dpi")  # of what a file says about its pixels: they remain the same pixels


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A picture of any size.

    Args:
        colors: uint8 (height, width, 1 or 3), grey or red, green and blue.
        alpha: uint8 (height, width), 0 where it is transparent; or None if the file has no transparency.
        about: what the file says about its pixels, by the names of Pillow.
    """

    colors: np.ndarray
    alpha: np.ndarray | None = None
    about: dict = dataclasses.field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.colors.shape[0], self.colors.shape[1]

    @property
    def is_colored(self) -> bool:
        """Whether it has three colours; a profile of a grey file does not fit to a coloured one."""
        return self.colors.shape[-1] == 3

    def pixels(self) -> np.ndarray:
        """Colours and alpha in one array, uint8 (height, width, 1 to 4)."""
        return self.colors if self.alpha is None else np.concatenate([self.colors, self.alpha[..., None]], axis=-1)


def read(path: Path) -> Picture:
    """Reads an image file: upright, first frame, 16 bits as 8, palettes as their colours.

    Args:
        path: the file.

    Returns:
        The `Picture`.

    Raises:
        ValueError: for values without a known scale, and for PostScript.
        OSError: if it cannot be read.
    """
    read_header(path)
    with Image.open(path) as image:
        is_grey = Image.getmodebase(image.mode) == "L"
        is_same = image.mode in ("L", "LA", "RGB", "RGBA", "P")  # a profile of other modes, as of CMYK, fits no longer
        about = {name: image.info[name] for name in KEPT if is_same and name in image.info}
        shown = to_eight_bits(upright(image, path))
        if not shown.has_transparency_data:
            pixels = np.asarray(shown.convert("L" if is_grey else "RGB"))
            return Picture(pixels[..., None] if is_grey else pixels, None, about)
        pixels = np.asarray(shown.convert("RGBA"))
        return Picture(pixels[..., : 1 if is_grey else 3], pixels[..., 3], about)


def save(path: Path, picture: Picture) -> Path:
    """Writes a picture as a PNG of 8 bits, which replaces an earlier one in one step; returns the path."""
    pixels = picture.pixels()
    with replacing(path) as unfinished:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(unfinished, "PNG", **picture.about)
    return path


def repair_picture(
    repairs: Repairs,
    picture: Picture,
    hole: np.ndarray | None = None,
    seed: int = 0,
    on_fraction: Callable[[float], None] = no_fraction,
) -> Picture:
    """Repairs one picture.

    A grey picture is given to a model of colours as equal red, green and blue, and comes back grey. A model of grey
    images gets each of the three colours by itself. Transparency is only changed by models of four channels.

    Args:
        repairs: the model.
        picture: of any size.
        hole: bool (height, width) where the task is "inpaint"; outside of it no byte changes.
        seed: int in [0, 2³¹).
        on_fraction: called with the fraction that is done.

    Returns:
        The `Picture`: of the same size and kind; "upscale" enlarges it, "colorize" makes it one of three colours,
        "translate" one of the colours that the model makes.

    Raises:
        ValueError: if the task is "inpaint" and there is no mask of the size of the picture, or another task and one.
    """
    if (repairs.task == "inpaint") != (hole is not None) or (hole is not None and hole.shape != picture.size):
        received = "none" if hole is None else f"one of {hole.shape}"
        expected = f"a mask of {picture.size}" if repairs.task == "inpaint" else "no mask"
        raise ValueError(f"expected {expected} to {repairs.task}, received {received}")
    if repairs.task == "translate":
        return translate_picture(repairs, picture, seed, on_fraction)
    if repairs.task == "colorize":
        colors = colorize_picture(repairs, luma_of(picture.colors), seed)
        about = {name: value for name, value in picture.about.items() if name != "icc_profile" or picture.is_colored}
        return dataclasses.replace(picture, colors=colors, about=about)
    given = for_model(picture, repairs.source_shape[2])
    made = []
    for index, pixels in enumerate(given):

        def on_part(fraction, index=index):
            on_fraction((index + fraction) / len(given))

        if hole is None:
            made.append(tiled(repairs, pixels, seed, on_part))
        else:
            made.append(inpaint_picture(repairs, pixels, hole, seed, on_part))
    repaired = of_model(np.concatenate(made, axis=-1), picture, 1 if hole is not None else factor_of(repairs))
    return repaired if hole is None else merged(picture, repaired, hole)


def averaged(proposals: Iterable[Picture]) -> Picture:
    """The mean of proposals for one picture, rounded to bytes: what is the same in all of them stays the same.

    Args:
        proposals: at least one, of one size; each is read once, as they may be large.

    Example:
        >>> mean = averaged(Picture(np.full((1, 1, 3), value, np.uint8)) for value in (1, 2, 4))
        >>> mean.colors.tolist()
        [[[2, 2, 2]]]
    """
    total, num, has_alpha = np.zeros((), np.uint32), 0, False
    for each in proposals:
        alpha = np.full(each.size, 255, np.uint8) if each.alpha is None else each.alpha
        pixels = np.concatenate([each.colors, alpha[..., None]], axis=-1)
        total, num = total + pixels, num + 1
        has_alpha |= each.alpha is not None
    mean = ((total + num // 2) // num).astype(np.uint8)
    return dataclasses.replace(each, colors=mean[..., :-1], alpha=mean[..., -1] if has_alpha else None)


def translate_picture(
    repairs: Repairs, picture: Picture, seed: int = 0, on_fraction: Callable[[float], None] = no_fraction
) -> Picture:
    """Translates one picture; transparency is the model's where it makes some, and otherwise the picture's own."""
    made = translated(repairs, in_channels(picture.pixels(), repairs.source_shape[2]), seed, on_fraction)
    alpha = picture.alpha
    if made.shape[-1] == 4:
        made, alpha = made[..., :3], made[..., 3]
        alpha = None if picture.alpha is None and (alpha == 255).all() else alpha
    is_same = made.shape[-1] == picture.colors.shape[-1]
    about = {name: value for name, value in picture.about.items() if name != "icc_profile" or is_same}
    return Picture(made, alpha, about)


def merged(picture: Picture, repaired: Picture, hole: np.ndarray) -> Picture:
    """The repaired pixels in the hole and the picture's own outside of it, whatever models and conversions do there."""
    colors, alpha = picture.colors.copy(), picture.alpha
    colors[hole] = repaired.colors[hole]
    if alpha is not None and repaired.alpha is not None:
        alpha = np.where(hole, repaired.alpha, alpha)
    return dataclasses.replace(picture, colors=colors, alpha=alpha)


def for_model(picture, channels):
    """The picture as one array in the channels of the model, or one for each of its colours."""
    colors = picture.colors
    if channels == 1:
        return [colors[..., channel : channel + 1] for channel in range(colors.shape[-1])]
    if colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    if channels == 3:
        return [colors]
    alpha = np.full(picture.size, 255, np.uint8) if picture.alpha is None else picture.alpha
    pixels = np.concatenate([colors, alpha[..., None]], axis=-1)
    pixels[alpha == 0] = 0  # as `decoding.render` does for training
    return [pixels]


def of_model(pixels, picture, factor):
    """What a model made, as a picture of the kind that it was made from."""
    alpha = picture.alpha
    if pixels.shape[-1] == 4:
        alpha = None if alpha is None else pixels[..., 3]
        pixels = pixels[..., :3] if alpha is not None else np.asarray(to_channels(images.to_pil(pixels), 3))
    elif alpha is not None and factor > 1:
        height, width = picture.size
        larger = Image.fromarray(alpha).resize((factor * width, factor * height), Image.Resampling.BICUBIC)
        alpha = np.asarray(larger)
    if picture.colors.shape[-1] == 1 and pixels.shape[-1] == 3:
        pixels = luma_of(pixels)[..., None]
    return dataclasses.replace(picture, colors=pixels, alpha=alpha)
