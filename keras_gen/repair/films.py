"""Animated pictures: their frames, and how long each is shown."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from keras_gen.files import replacing
from keras_gen.repair.pictures import Picture, save

DURATION = 100  # milliseconds, of a frame that does not say it


class Film(NamedTuple):
    """An animated picture.

    Attributes:
        frames: all of one size.
        durations: of each frame, in milliseconds; empty for a picture that does not move.
    """

    frames: list[Picture]
    durations: list[int]

    @property
    def moves(self) -> bool:
        """Whether it has several frames."""
        return len(self.frames) > 1


def is_film(path: Path) -> bool:
    """Whether a file is a GIF of several frames."""
    if path.suffix.lower() != ".gif":
        return False
    with Image.open(path) as image:
        return getattr(image, "n_frames", 1) > 1


def read_film(path: Path) -> Film:
    """Reads the frames of a GIF, in colours, with transparency where it has some."""
    frames, durations = [], []
    with Image.open(path) as image:
        for frame in ImageSequence.Iterator(image):
            pixels = np.asarray(frame.convert("RGBA"))
            alpha = None if (pixels[..., 3] == 255).all() else pixels[..., 3]
            frames.append(Picture(pixels[..., :3], alpha))
            durations.append(int(frame.info.get("duration", DURATION)))
    return Film(frames, durations)


def save_film(path: Path, film: Film) -> Path:
    """Writes a GIF that loops; what is less than half opaque is transparent, which is all that the format has."""
    shown = []
    for frame in film.frames:
        pixels = frame.pixels()
        if pixels.shape[-1] in (2, 4):
            pixels = pixels.copy()
            pixels[..., -1] = np.where(pixels[..., -1] < 128, 0, 255)
        shown.append(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    first, *others = (image.convert("RGBA" if image.has_transparency_data else "RGB") for image in shown)
    with replacing(path) as unfinished:
        first.save(unfinished, "GIF", save_all=True, append_images=others, duration=film.durations, loop=0, disposal=2)
    return path


def write(path: Path, film: Film) -> None:
    """Writes a picture to its PNG file, and a film to a GIF of the same name."""
    if film.moves:
        save_film(path.with_suffix(".gif"), film)
    else:
        save(path, film.frames[0])
