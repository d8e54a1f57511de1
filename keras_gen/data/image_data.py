"""The classes of a loaded data set: two splits, their names and where they come from.

The images of a split are an ndarray, or behave like one and stay on disk (`MappedImages` here, `FolderImages` in
`folder`): both have `shape`, `dtype`, `len`, indexing that returns uint8 ndarrays, and `take`. Other modules read.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

MAX_UNPACKED_BYTES = 8 * 1024**3  # bytes that a compressed file may become: a few megabytes could fill any memory

# The share of a set without a test part that is held out as one.
TEST_FRACTION = 0.1

INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")  # as text; Python converts no more than 4300 digits

MIN_SCORED_IMAGES = 20  # on each side of a score

# With fewer images, a discriminator that sees them again and again begins to memorise them.
MIN_IMAGES_UNAUGMENTED = 10_000


class MappedImages:
    """Rows of a memory-mapped array, copied only when they are asked for.

    Args:
        array: `np.memmap` of uint8, (rows, height, width, channels).
        rows: int array (n,), the rows that belong to this selection; all of them by default.
    """

    dtype = np.dtype("uint8")

    def __init__(self, array: np.ndarray, rows: np.ndarray | None = None):
        self.array = array
        self.rows = np.arange(len(array)) if rows is None else rows
        self.shape = (len(self.rows), *array.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index) -> np.ndarray:
        return np.array(self.array[self.rows[index]])

    def take(self, indices: np.ndarray, axis: int = 0) -> MappedImages:
        """Narrows the selection, in the manner of `np.ndarray.take`, without reading an image."""
        return MappedImages(self.array, self.rows.take(indices, axis=axis))


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: images and what is known about each.

    Args:
        images: uint8 (n, height, width, channels), an ndarray or an array that stays on disk.
        labels: int64 (n,), the class of each image as an index into `ImageData.class_names`, or None.
        attributes: columns of length n by name: int64 indices into `ImageData.attribute_values[name]` (-1 =
            missing), or float32 (NaN = missing).
        pictures: further pictures of each image by name, uint8 (n, height, width, channels) of any size, in memory or
            on disk: what the image was made from, a mask.
        unpaired: pictures by name that belong to no image of the split: any number of them, uint8 (m, height, width,
            channels). `take` leaves them as they are, `hold_out` cuts them too.
        groups: int64 (n,); images of one group (frames of a character, crops of a photograph) stay in one part when the
            split is cut. None: each image is its own.

    Raises:
        ValueError: when labels or a column are not as long as the images.

    Example:
        >>> split = Split(np.zeros((10, 8, 12, 3), "uint8"), labels=np.arange(10) % 2)
        >>> rest, held_out = split.hold_out(0.2)
        >>> len(rest), held_out.labels.tolist()
        (8, [0, 1])
    """

    images: Any = field(repr=False)
    labels: np.ndarray | None = None
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict, repr=False)
    groups: np.ndarray | None = None
    unpaired: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self):
        columns = [("labels", self.labels), *self.attributes.items(), *self.pictures.items(), ("groups", self.groups)]
        for name, column in columns:
            if column is None:
                continue
            if len(column) != len(self.images):
                raise ValueError(f"expected {len(self.images)} {name}, one for each image, received {len(column)}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices) -> Split:
        """The images at `indices` (ints, in this order) with their labels and attributes; decodes nothing."""
        indices = np.asarray(indices, dtype=np.int64)
        return Split(
            self.images.take(indices, axis=0),
            None if self.labels is None else self.labels[indices],
            {name: column[indices] for name, column in self.attributes.items()},
            {name: pictures.take(indices, axis=0) for name, pictures in self.pictures.items()},
            None if self.groups is None else self.groups[indices],
            self.unpaired,
        )

    def some(self, num: int, seed: int = 0) -> Split:
        """`num` images at random (all, if there are fewer), the same ones each time, in their order.

        Files are often ordered by class: the first images would be those of the first classes.
        """
        return self.take(np.sort(np.random.default_rng(seed).permutation(len(self))[:num]))

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the images and of every column, as hex."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())

        def update(images):
            for start in range(0, len(images), 256):  # in blocks: the set may be larger than memory
                digest.update(np.ascontiguousarray(images[start : start + 256]).data)

        update(self.images)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels).data)
        for name, column in sorted(self.attributes.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(column).data)
        for name, pictures in sorted({**self.pictures, **self.unpaired}.items()):
            digest.update(f"{name}{tuple(pictures.shape)}".encode())
            update(pictures)
        if self.groups is not None:
            digest.update(b"groups")
            digest.update(np.ascontiguousarray(self.groups).data)
        return digest.hexdigest()

    def hold_out(self, fraction: float, seed: int = 0) -> tuple[Split, Split]:
        """Cuts the split in two at random, the same way each time.

        Each class is cut in the same proportion where that is possible: labels are known, no class has a single
        image, and each part has room for every class. Where there are `groups`, whole groups are held out instead,
        that fraction of them.

        Args:
            fraction: the share to hold out, in (0, 1); at least one image is held out and one is left.
            seed: int; the cut is a function of it, the labels and the number of images.

        Returns:
            (rest, held_out), two splits in shuffled order.

        Raises:
            ValueError: for fewer than 2 images or groups, or a fraction outside (0, 1).
        """
        if not 0 < fraction < 1:
            raise ValueError(f"expected a fraction between 0 and 1, received {fraction}")
        rest, held_out = self._cut(fraction, seed)
        cuts = {name: Split(pictures)._cut(fraction, seed) for name, pictures in self.unpaired.items()}
        for name, (rest_of_it, held_out_of_it) in cuts.items():
            rest = replace(rest, unpaired={**rest.unpaired, name: rest_of_it.images})
            held_out = replace(held_out, unpaired={**held_out.unpaired, name: held_out_of_it.images})
        return rest, held_out

    def _cut(self, fraction: float, seed: int) -> tuple[Split, Split]:
        if len(self) < 2:
            raise ValueError(f"expected at least 2 images, to hold one out, received {len(self)}")
        if self.groups is not None:
            return self._hold_out_groups(self.groups, fraction, seed)
        num_held_out = min(max(1, round(len(self) * fraction)), len(self) - 1)
        rest, held_out = train_test_split(
            np.arange(len(self)),
            test_size=num_held_out,
            random_state=seed,
            stratify=self.labels if self._can_stratify(num_held_out) else None,
        )
        return self.take(rest), self.take(held_out)

    def _hold_out_groups(self, groups: np.ndarray, fraction: float, seed: int) -> tuple[Split, Split]:
        num_groups = len(np.unique(groups))
        if num_groups < 2:
            raise ValueError("expected at least 2 groups of images, to hold one out, received 1")
        num_held_out = min(max(1, round(num_groups * fraction)), num_groups - 1)
        cut = GroupShuffleSplit(1, test_size=num_held_out, random_state=seed)
        rest, held_out = next(cut.split(np.arange(len(self)), groups=groups))
        return self.take(rest), self.take(held_out)

    def _can_stratify(self, num_held_out: int) -> bool:
        if self.labels is None:
            return False
        _, counts = np.unique(self.labels, return_counts=True)
        return counts.min() >= 2 and len(counts) <= min(num_held_out, len(self) - num_held_out)


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set as `load` returns it.

    Args:
        name: the name it was loaded by, or that of its file or folder.
        train: the `Split` to learn from.
        test: the `Split` to score with, never to train or stop on.
        class_names: list of str, the class behind each label, or None without labels.
        attribute_values: by attribute, the list of str that its int64 column points into.
        licence: what its makers allow.
        source: who made it and where it was read from.
        skipped: (path, reason) of each file that could not be read.

    Example:
        >>> from keras_gen import load
        >>> data = load("digits")
        >>> data.image_shape, data.num_classes, len(data.train)
        ((8, 8, 1), 10, 1438)
    """

    name: str
    train: Split
    test: Split
    class_names: list[str] | None = None
    attribute_values: dict[str, list[str]] = field(default_factory=dict)
    licence: str = "not stated"
    source: str = ""
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image."""
        return tuple(self.train.images.shape[1:])

    @property
    def num_classes(self) -> int:
        """The number of classes, 0 without labels."""
        return len(self.class_names or [])

    @property
    def fingerprint(self) -> str:
        """That of the training split: the same for two runs that learned from the same bytes."""
        return self.train.fingerprint


def with_test(train: Split, test: Split | None) -> tuple[Split, Split]:
    """(train, test); if a set has no test part, a tenth of it is held out as one."""
    return train.hold_out(TEST_FRACTION) if test is None else (train, test)


def index_labels(*columns: np.ndarray) -> tuple[list[np.ndarray], list[str]]:
    """Turns labels of any integers or strings into indices 0 … k - 1.

    Args:
        *columns: arrays (n,) that share their classes, such as those of train and test.

    Returns:
        (an int64 array for each column, the k original labels as strings: sorted by number where all are integers, even
        as strings, and otherwise as text).

    Example:
        >>> index_labels(np.array([7, 3]), np.array([7]))
        ([array([1, 0]), array([1])], ['3', '7'])
        >>> index_labels(np.array(["10", "9"]))
        ([array([1, 0])], ['9', '10'])
    """
    values, indices = np.unique(np.concatenate(columns), return_inverse=True)
    names = [str(value) for value in values]
    if all(map(INTEGER.fullmatch, names)):
        order = sorted(range(len(names)), key=lambda index: (int(names[index]), names[index]))
        names = [names[index] for index in order]
        indices = np.argsort(order)[indices]
    starts = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(indices.astype(np.int64), starts), names


def index_values(column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Indices into the sorted values of a column; -1, or an empty string, is a missing value and becomes -1."""
    missing = column == ("" if column.dtype.kind == "U" else -1)
    (indices,), values = index_labels(column[~missing])
    result = np.full(len(column), -1, np.int64)
    result[~missing] = indices
    return result, values


def to_float32(column) -> np.ndarray:
    """A column of numbers as float32; what is infinite, before or after the conversion, is missing: NaN."""
    with np.errstate(over="ignore"):
        result = np.asarray(column).astype(np.float32)
    return np.where(np.isfinite(result), result, np.float32(np.nan))


def note(line: str) -> None:
    """Prints a line for the user on stderr, so that stdout holds only the requested output."""
    print(line, file=sys.stderr)
