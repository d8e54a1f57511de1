"""Pictures for a trained model: the user's own, all of them, in their order and by name.

Nothing is held out, and two pictures are enough, unlike where `load` reads a set to learn from.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from keras_gen.data.arrays import checked_images, open_npy, open_npz, read_attributes, read_labels
from keras_gen.data.attributes import read_attributes_csv
from keras_gen.data.decoding import FITS, Target, render_array
from keras_gen.data.finding import find_images, note_left_out, printable
from keras_gen.data.folder import decode_all, read_headers, report_skipped
from keras_gen.data.idx import is_idx_folder
from keras_gen.data.image_data import ImageData, Split, index_labels
from keras_gen.data.load import load
from keras_gen.data.named import DATASETS
from keras_gen.data.parts import part_of
from keras_gen.paths import require_pictures


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures in the shape of a model.

    Args:
        split: the images and what is known about each.
        names: a unique name for each picture: its path below the folder that holds all, without the suffix, or its
            number.
        source: the name of that folder, of the file or of the data set.
        how: what was done to the pictures: "as 28×28×1", or "cropped to 28×28×1" where the size was another one.
        class_names: the class behind each label, or None without labels.
        attribute_values: by attribute, the texts that its int64 column points into.
        files: the files that they were read from; none for arrays.
        is_test_part: whether they are the test part of a data set.
    """

    split: Split
    names: list[str]
    source: str
    how: str
    class_names: list[str] | None = None
    attribute_values: dict[str, list[str]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list, repr=False)
    is_test_part: bool = False

    def __len__(self) -> int:
        return len(self.split)

    def take(self, num: int) -> Pictures:
        """The first `num` pictures, or all if there are fewer."""
        return replace(self, split=self.split.take(range(min(num, len(self)))), names=self.names[:num])

    @classmethod
    def of_test_part(cls, data: ImageData, target: Target | None = None) -> Pictures:
        """The test part of a data set, in its own shape or in that of a target."""
        target = target or Target(data.image_shape)
        split = replace(data.test, images=render_array(data.test.images, target))
        how = describe(target, is_resized=data.image_shape[:2] != target.image_shape[:2])
        names = numbered_names(len(split))
        return cls(split, names, data.name, how, data.class_names, data.attribute_values, is_test_part=True)


def pictures(
    paths: str | Path | Iterable[str | Path], image_shape: tuple[int, int, int], fit: str = "crop"
) -> Pictures:
    """Reads pictures for a model.

    Args:
        paths: image files, and folders, of which all image files are read, sorted by path; or a single `.npz` or
            `.npy`, of which all images are read; or the name of a data set or a folder in IDX format, of which the test
            part is read. Folders that systems make are left out. Files that are not images are skipped, with the
            reason.
        image_shape: (height, width, channels) of the model.
        fit: "crop", "pad" or "stretch": how pictures of another size reach that shape.

    Returns:
        The `Pictures`. Those of folders have the labels of the sub-folders that they lie in, if all do, and those of a
        single folder the columns of its `attributes.csv`.

    Raises:
        FileNotFoundError: for a path that does not exist.
        ValueError: when no picture can be read, or something is wrong with a file or an argument.

    Example:
        >>> found = pictures("digits", (8, 12, 3), fit="pad")
        >>> len(found), found.how
        (359, 'padded to 8×12×3')
    """
    if fit not in FITS:
        raise ValueError(f"expected fit to be one of {', '.join(FITS)}, received {fit!r}")
    height, width, channels = image_shape
    target = Target((height, width, channels), fit)
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise ValueError("expected at least one path of pictures, received none")
    sets = [path for path in paths if is_set(path)]
    if sets and len(paths) > 1:
        raise ValueError(
            f"expected one data set, or any number of image files and folders, received {sets[0]} beside others"
        )
    return read_set(sets[0], target) if sets else read_files([Path(path).expanduser() for path in paths], target)


def is_set(path: str | Path) -> bool:
    """Whether a path stands for a whole data set, by its name or format."""
    file = Path(path).expanduser()
    is_array = file.suffix.lower() in (".npz", ".npy") and not file.is_dir()
    return str(path) in DATASETS or is_array or (file.is_dir() and is_idx_folder(file))


def read_set(path: str | Path, target: Target) -> Pictures:
    """The test part of a set that has a name or is in IDX format, or all images of a file of arrays."""
    file = Path(path).expanduser()
    if str(path) in DATASETS or file.is_dir():
        return Pictures.of_test_part(load(path), target)
    split, class_names, attribute_values = read_npy(file) if file.suffix.lower() == ".npy" else read_npz(file)
    how = describe(target, is_resized=split.images.shape[1:3] != target.image_shape[:2])
    split = replace(split, images=render_array(split.images, target))
    return Pictures(split, numbered_names(len(split)), file.name, how, class_names, attribute_values)


def read_npy(file: Path) -> tuple[Split, None, dict[str, list[str]]]:
    """All images of an .npy, left on disk."""
    return Split(open_npy(file)), None, {}


def read_npz(file: Path) -> tuple[Split, list[str] | None, dict[str, list[str]]]:
    """All images of an .npz, those of x_train before those of x_test, with labels and attributes."""
    if not file.exists():
        raise FileNotFoundError(f"expected pictures, found no {file}")
    arrays = open_npz(file)
    keys = ["x_train", "x_test"] if "x_test" in arrays else ["x_train" if "x_train" in arrays else "x"]
    if keys[0] not in arrays:
        raise ValueError(f"expected an array x or x_train in {file}, received {', '.join(arrays) or 'none'}")
    images = np.concatenate([checked_images(arrays[key], f"{key} in {file}") for key in keys])
    parts, class_names = read_labels(arrays, [key.replace("x", "y", 1) for key in keys], file)
    labels = None if class_names is None else np.concatenate(parts)
    columns, attribute_values = read_attributes(arrays, len(images), file)
    return Split(images, labels, columns), class_names, attribute_values


def read_files(paths: list[Path], target: Target) -> Pictures:
    """The pictures of files and folders, in the order of the paths."""
    require_pictures(paths)
    paths = [Path(os.path.abspath(path)) for path in paths]  # a link keeps its own name
    base = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))
    found: list[PurePosixPath] = []
    skipped: list[tuple[str, str]] = []
    for path in paths:
        own = PurePosixPath(path.relative_to(base).as_posix())
        if not path.is_dir():
            found.append(own)
            continue
        images, others, left_out = find_images(path)
        note_left_out(left_out)
        found += [own / file for file in images]
        skipped += [(printable(own / file), f"{file.suffix} is not read: convert it to .png") for file in others]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow finds odd in a file that it can read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        headers, unreadable = read_headers(base, found)
        files = [file for file in found if file in headers]
        pixels, reasons = decode_all(base, files, target)
    good = np.array([why is None for why in reasons], bool)
    skipped += unreadable + [(printable(file), why) for file, why in zip(files, reasons, strict=True) if why]
    if not good.any():
        raise ValueError(f"expected at least 1 readable image, received none; {skipped[0][0]} ({skipped[0][1]})")
    report_skipped(skipped, int(good.sum()))
    files = [file for file, is_good in zip(files, good, strict=True) if is_good]
    columns, attribute_values = read_attributes_csv(base, list(map(str, files))) if paths == [base] else ({}, {})
    labels, class_names = read_classes(files)
    height, width, _ = target.image_shape
    return Pictures(
        Split(pixels, labels, columns),
        unique_names([str(file.with_suffix("")) for file in files]),
        base.name,
        describe(target, is_resized=any(headers[file].size != (width, height) for file in files)),
        class_names,
        attribute_values,
        [base / file for file in files],
    )


def read_classes(files: list[PurePosixPath]) -> tuple[np.ndarray | None, list[str] | None]:
    """Labels by the first folder of each file that is not a part such as train; Nones if a file has no such folder."""
    folders = [next((name for name in file.parts[:-1] if not part_of(name)), None) for file in files]
    if None in folders:
        return None, None
    (labels,), class_names = index_labels(np.array(folders))
    return labels, class_names


def numbered_names(num: int) -> list[str]:
    """Names for pictures without one."""
    return [f"{index:06d}" for index in range(num)]


def unique_names(names: list[str]) -> list[str]:
    """The names, where the second, third … of equal ones get a number."""
    taken: dict[str, None] = {}
    for name in names:
        candidate, count = name, 1
        while candidate in taken or (count > 1 and candidate in names):
            count += 1
            candidate = f"{name}-{count}"
        taken[candidate] = None
    return list(taken)


def describe(target: Target, is_resized: bool) -> str:
    """What was done to pictures to fit a target."""
    done = {"crop": "cropped to", "pad": "padded to", "stretch": "stretched to"}[target.fit] if is_resized else "as"
    return f"{done} {'×'.join(map(str, target.image_shape))}"
