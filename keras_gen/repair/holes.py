"""Where pictures have holes: masks in files, transparency, or a colour painted over them.

A hole is bool (height, width), True where the picture is not known. Whatever could be meant in two ways is refused,
with the option that settles it.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from scipy import ndimage

from keras_gen.data.decoding import read_header, to_eight_bits, upright
from keras_gen.data.finding import find_images, printable
from keras_gen.paths import MASK, require_path
from keras_gen.repair.pictures import Picture

POLARITIES = ("white", "black")
MAX_SHARE = 0.6  # of a picture; a mask with more is more likely to be inverted
MAX_GREY_SHARE = 0.01  # of a mask: the soft edges of drawn lines have less
THRESHOLD = 128
NEAR = 48  # difference in bytes of what is nearly a colour
MAX_NEAR = 2.0  # of what is nearly a colour beside it, times the pixels that have exactly it
BAND = 512  # rows for which distances are computed at once, which takes 40 bytes a pixel
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
NUMBERED = re.compile(r"(.+)_mask\d*")


class Holes:
    """Finds the hole of each picture.

    Args:
        given: a folder of masks, one mask for all pictures, "alpha" for what is not opaque, or a colour "#rrggbb" for
            the pixels that have exactly it.
        polarity: "white" or "black", the hole in masks that are files; None: what is not black, if that is plausible.
        grow: by how many pixels the hole reaches further than that.
        feather: over how many pixels inside the hole it is blended with the nearest known ones.

    Raises:
        ValueError: for another polarity, a negative number, or a colour that is none.
        FileNotFoundError: if there is no such file or folder.
    """

    def __init__(self, given: str, polarity: str | None = None, grow: int = 0, feather: int = 0):
        if polarity not in (None, *POLARITIES) or min(grow, feather) < 0:
            raise ValueError(
                "expected --hole as white or black and --grow and --feather of 0 or more, received "
                f"{polarity}, {grow} and {feather}"
            )
        self.given, self.polarity, self.grow, self.feather = given, polarity, grow, feather
        is_color = COLOR.fullmatch(given)
        self.color = np.frombuffer(bytes.fromhex(given[1:]), np.uint8) if is_color else None
        self.path = None if is_color or given == "alpha" else Path(given).expanduser()
        if self.path and given.startswith("#"):
            raise ValueError(f"expected --mask as a colour such as #ff00ff, six digits, received {given}")
        if self.path:
            require_path(given, MASK)
        if polarity and not self.path:
            raise ValueError(f"expected no --hole with --mask {given}: it is for masks that are files")
        self.files = _by_picture(self.path) if self.path and self.path.is_dir() else {}

    def file_of(self, picture: PurePosixPath, folder: Path) -> Path | None:
        """The mask of a picture, by its name without the suffix: the same, or with _mask or _mask001 behind it.

        Args:
            picture: its path below `folder`.
            folder: of all pictures; it may hold the masks too.

        Returns:
            The file, or None if there is none. Always None for transparency and colours.
        """
        if not self.path or not self.path.is_dir():
            return self.path
        found = self.files.get(picture.with_suffix(""), []) or self.files.get(PurePosixPath(picture.stem), [])
        own = (folder / picture).resolve()
        return next((path for path in found if path.resolve() != own), None)

    def described(self) -> str:
        """What marks the holes, in words."""
        if self.path:
            return f"holes of {self.given}"
        return f"holes of exactly {self.given}" if self.color is not None else "holes where pictures are transparent"

    def is_mask(self, picture: PurePosixPath, pictures: set[PurePosixPath]) -> bool:
        """Whether a file beside the pictures is the mask of one of them, by its name; `pictures` have no suffix."""
        name = NUMBERED.fullmatch(picture.stem)
        return name is not None and picture.with_name(name[1]) in pictures

    def of(self, picture: Picture, mask: Path | None) -> np.ndarray:
        """The hole of a picture: what is marked, and `grow` pixels around it; arguments and errors as for `marked`."""
        hole = self.marked(picture, mask)
        return within(hole, self.grow) if self.grow and hole.any() else hole

    def marked(self, picture: Picture, mask: Path | None) -> np.ndarray:
        """What is marked as the hole of a picture.

        Args:
            picture: the picture.
            mask: its file, from `file_of`.

        Returns:
            bool (height, width).

        Raises:
            ValueError: for a mask of another size, or one that may be inverted or no mask; if a colour or transparency
                that should mark the hole is not found, or hardly any of the pixels near a colour has exactly it.
        """
        if mask is not None:
            hole = read_mask(mask, picture.size, self.polarity)
        elif self.color is not None:
            hole = (picture.colors == self.color).all(axis=-1)
            if not hole.any():
                raise ValueError(f"no pixel is exactly {self.given}: JPEG changes colours, so mark holes in a .png")
            near = within(hole, 2) & (np.abs(picture.colors.astype(np.int16) - self.color) <= NEAR).all(axis=-1)
            if near.sum() > MAX_NEAR * hole.sum():
                raise ValueError(
                    f"{hole.sum()} pixels are exactly {self.given} and {near.sum() - hole.sum()} beside them nearly: "
                    "JPEG and soft brushes change colours, so mark holes with a hard brush in a .png"
                )
        else:
            hole = np.zeros(picture.size, bool) if picture.alpha is None else picture.alpha < 255
            if not hole.any():
                raise ValueError("nothing is transparent: give the holes with --mask")
        return hole


def _by_picture(folder: Path) -> dict[PurePosixPath, list[Path]]:
    """The masks of a folder by the names of the pictures that they are for, equal names first."""
    masks: dict[PurePosixPath, list[Path]] = {}
    found, _, _ = find_images(folder)
    for file in found:
        masks.setdefault(file.with_suffix(""), []).append(folder / file)
    for file in found:
        if name := NUMBERED.fullmatch(file.stem):
            masks.setdefault(file.with_name(name[1]), []).append(folder / file)
    return masks


def decode_mask(path: Path, polarity: str | None = None) -> Image.Image:
    """The picture of a mask, upright and grey; what is transparent in it is known.

    Args:
        path: the file.
        polarity: "white" or "black": the hole. None for white.
    """
    read_header(path)
    with Image.open(path) as image:
        shown = to_eight_bits(upright(image, path))
        if shown.has_transparency_data:
            shown = shown.convert("RGBA")
            known = "white" if polarity == "black" else "black"
            shown = Image.alpha_composite(Image.new("RGBA", shown.size, known), shown)
        return shown.convert("L")


def read_mask(path: Path, size: tuple[int, int], polarity: str | None = None) -> np.ndarray:
    """Reads a mask from a file.

    Args:
        path: the file; what is transparent in it is known.
        size: (height, width) of the picture.
        polarity: "white" or "black": the hole, up to middle grey. None: the hole is whatever is not black.

    Returns:
        bool (height, width), True in the hole.

    Raises:
        ValueError: for another size. Without a polarity also if more than 60 % would be a hole, or if more than 1 % of
            the pixels are shades of grey.
    """
    name = printable(PurePosixPath(path.name))
    values = np.asarray(decode_mask(path, polarity))
    if values.shape != size:
        raise ValueError(
            f"expected masks of the size of their pictures: {name} is {values.shape[1]}×{values.shape[0]}, its picture "
            f"{size[1]}×{size[0]}"
        )
    if polarity:
        return (values < THRESHOLD) if polarity == "black" else values >= THRESHOLD
    counts = np.bincount(values.ravel(), minlength=256)
    grey, share = counts[1:255].sum() / values.size, 1 - counts[0] / values.size
    if grey > MAX_GREY_SHARE and (counts > 0).sum() > 2:
        raise ValueError(
            f"{grey:.0%} of the mask {name} is neither black nor white: give --hole white or --hole black, which "
            "divides at middle grey"
        )
    if share > MAX_SHARE:
        raise ValueError(
            f"{share:.0%} of {name} would be a hole, as the white of a mask is: give --hole black if the black is, or "
            "--hole white to confirm"
        )
    return values > 0


def within(hole: np.ndarray, distance: int) -> np.ndarray:
    """The pixels no further than `distance` from a hole, which are those of the hole too.

    Example:
        >>> within(np.array([[0, 0, 0, 1, 0]], bool), 1).tolist()
        [[False, False, True, True, True]]
    """
    result = hole.copy()
    for band, inner in _bands(hole, distance):
        if hole[band].any():
            result[band][inner] |= ndimage.distance_transform_edt(~hole[band])[inner] <= distance
    return result


def soften(picture: Picture, hole: np.ndarray, feather: int) -> None:
    """Blends the border of a filled hole with the nearest known pixels, in place; only pixels of the hole change.

    A pixel of the hole at the distance d ≤ feather from the nearest known one keeps the share d / (feather + 1). What
    was in the hole before, often damage, has no part in it.

    Args:
        picture: the repaired one.
        hole: bool (height, width).
        feather: number of pixels.
    """
    for band, inner in _bands(hole, feather):
        if not hole[band].any() or hole[band].all():
            continue
        distances, nearest = ndimage.distance_transform_edt(hole[band], return_indices=True)
        ring = np.zeros_like(hole[band])
        ring[inner] = (hole[band] & (distances <= feather))[inner]
        share = distances[ring, None] / (feather + 1)
        known = tuple(axis[ring] for axis in nearest)
        for pixels in (picture.colors, *([] if picture.alpha is None else [picture.alpha[..., None]])):
            part = pixels[band]
            part[ring] = np.round(share * part[ring] + (1 - share) * part[known])


def _bands(hole, reach):
    """Rows in bands, each with `reach` more on both sides, and the slice of the band's own rows in it."""
    for first in range(0, len(hole), BAND):
        start = max(0, first - reach - 1)
        yield slice(start, first + BAND + reach + 1), slice(first - start, first - start + BAND)
