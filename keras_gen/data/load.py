"""The single entry point for data: a name or a path in, `ImageData` out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from keras_gen.data.arrays import read_npy, read_npz
from keras_gen.data.decoding import FITS, Target, render_array
from keras_gen.data.finding import SUFFIXES, is_archive, unpack_hint
from keras_gen.data.folder import read_folder
from keras_gen.data.idx import is_idx_folder, read_idx
from keras_gen.data.image_data import ImageData, Split, note
from keras_gen.data.named import DATASETS
from keras_gen.paths import require_data


def load(
    name_or_path: str | Path,
    image_size: int | tuple[int, int] | None = None,
    *,
    channels: int | None = None,
    fit: str = "crop",
) -> ImageData:
    """Loads images by the name of a data set or from a file or folder.

    A path may be

    - an `.npz` with uint8 `x_train`, `x_test` (and `y_train`, `y_test`), or `x` (and `y`); columns `attr_<name>` with
      `values_<name>` become attributes;
    - an `.npy` with images, left on disk;
    - a folder in the IDX format of MNIST;
    - a folder of images: sub-folders are classes, or `train` and `test` with classes inside (also as `training`,
      `test_set`, `trainA`, `seg_test` …; `val` takes the place of a missing `test`, and is left out beside one), also
      below a single folder, as archives unpack; `attributes.csv` in it adds a column for each image. A set too large
      for memory is decoded batch by batch instead. Folders that systems make, such as `@eaDir`, are left out.

    Values of 16 bits are divided by 257, whatever the largest one of an image or a set is: a set that uses only the
    lower bits, as 12-bit scans do, stays dark, and a note on stderr says how to convert its files. Classes are sorted
    by number where all are integers, and otherwise as text.

    If a set has no test part, a tenth is held out as one, at random, the same images each time.

    Args:
        name_or_path: a key of `DATASETS`, or a path. Names win.
        image_size: int for square images or (height, width); the size of the set by default.
        channels: 1, 3 or 4; those of the set by default.
        fit: "crop", "pad" or "stretch": how images of another size reach `image_size`.

    Returns:
        `ImageData`, the same on each call.

    Raises:
        FileNotFoundError: when there is neither such a name nor such a path.
        ValueError: when the path holds no images, or something is wrong with what it holds or with an argument.

    Example:
        >>> load("digits", image_size=(8, 12), channels=3, fit="pad").image_shape
        (8, 12, 3)
    """
    size = checked_size(image_size)
    if channels not in (None, 1, 3, 4):
        raise ValueError(f"expected 1, 3 or 4 channels, received {channels!r}")
    if fit not in FITS:
        raise ValueError(f"expected fit to be one of {', '.join(FITS)}, received {fit!r}")
    if name_or_path in DATASETS:
        if Path(name_or_path).exists():
            note(f"{name_or_path} is the data set of that name; ./{name_or_path} would be what lies here")
        return reshaped(DATASETS[str(name_or_path)](), size, channels, fit)
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        if is_idx_folder(path):
            return reshaped(read_idx(path), size, channels, fit)
        return read_folder(path, size, channels, fit)
    require_data(name_or_path)
    if path.suffix.lower() == ".npz":
        return reshaped(read_npz(path), size, channels, fit)
    if path.suffix.lower() == ".npy":
        return reshaped(read_npy(path), size, channels, fit)
    raise ValueError(f"expected an .npz, an .npy or a folder of images, received {describe_file(path)}")


def describe_file(path: Path) -> str:
    """Describes a file that is not a data set, and says what to pass instead where that is known."""
    if is_archive(path):
        return f"the archive {path}: {unpack_hint(path)}"
    if path.suffix.lower() in SUFFIXES:
        return f"the file {path}, a single image: give the folder that it lies in"
    if "idx1-ubyte" in path.name or "idx3-ubyte" in path.name:
        return f"the file {path}, part of an IDX set: give the folder that it lies in"
    return f"the file {path}"


def checked_size(image_size) -> tuple[int, int] | None:
    """`image_size` as (height, width)."""
    if image_size is None:
        return None
    size = (image_size, image_size) if isinstance(image_size, int | np.integer) else image_size
    if not (
        isinstance(size, (tuple, list))
        and len(size) == 2
        and all(isinstance(s, int | np.integer) and s > 0 for s in size)
    ):
        raise ValueError(f"expected image_size as a positive int or (height, width), received {image_size!r}")
    return int(size[0]), int(size[1])


def reshaped(data: ImageData, size: tuple[int, int] | None, channels: int | None, fit: str) -> ImageData:
    """The same data set with images of another size or number of channels."""
    height, width, own_channels = data.image_shape
    target = Target((*(size or (height, width)), channels or own_channels), fit)

    def render_split(split: Split) -> Split:
        return dataclasses.replace(split, images=render_array(split.images, target))

    return dataclasses.replace(data, train=render_split(data.train), test=render_split(data.test))
