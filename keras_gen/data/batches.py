"""Batches for `fit`, in an order that depends only on a seed and the number of the epoch, on every Keras backend."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_gen.data.image_data import Split


class Batches(keras.utils.PyDataset):
    """Feeds a split to `fit`, one uint8 batch at a time.

    `order = np.random.default_rng((seed, epoch)).permutation(n)`: no state, so a run that continues at epoch k with
    `Batches(..., epoch=k)` sees what an uninterrupted run would have seen. `fit(**batches.for_fit())` reads them in the
    fastest way for the backend. They can also be given to `fit` as they are: an epoch is one pass, so leave
    `steps_per_epoch` alone, and pass `shuffle=False`, because Keras would otherwise shuffle the order of the batches
    with Python's global random. For validation, pass `shuffle=False, drop_remainder=False` here too.

    Args:
        split: a `Split` with at least one image.
        batch_size: int ≥ 1. A smaller split yields one batch of all its images.
        seed: int ≥ 0.
        shuffle: bool; False keeps the order of the split.
        drop_remainder: bool; True leaves out the last images of the order if they do not fill a batch, so that
            all batches have one shape and XLA compiles one program. They differ from epoch to epoch.
        epoch: int ≥ 0, the epoch to begin with: that of `fit(initial_epoch=...)`. The attribute of this name
            increases with each whole pass; `start_at` sets it.
        skip: int ≥ 0, the number of batches of the first epoch that are not read, see `start_at`.
        columns: arrays by name, of as many rows as the split has images: what a model takes beside images, as
            `model.columns_of(split)` returns it. Arrays that stay on disk are read batch by batch. Those that are
            `unpaired` in the split have any length and their own order: each row is read once before one is repeated.
        targets: array of as many rows as the split has images, the second part of each batch: `split.labels`, or
            `conditions.of_split(split)`.
        ahead: int ≥ 1, full batches that are read at a time and transferred to the device together: the transfer of a
            small batch takes longer than its copy. Above 1, batches are tensors of the backend.

    Returns:
        By index, `(images,)` or `(images, targets)`: uint8 (b, height, width, channels) and (b, ...) of the targets.
        With columns the images are a dict, `{"images": …, <name>: …}`.

    Raises:
        ValueError: for an empty split, a batch_size below 1, or columns or targets of another length.

    Example:
        >>> from keras_gen import data
        >>> batches = Batches(data.load("digits").train, batch_size=32, seed=1)
        >>> len(batches), batches[0][0].shape
        (44, (32, 8, 8, 1))
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_remainder: bool = True,
        epoch: int = 0,
        skip: int = 0,
        columns: Mapping[str, Any] | None = None,
        targets: np.ndarray | None = None,
        ahead: int = 1,
    ):
        super().__init__()
        if not len(split):
            raise ValueError("expected a split with at least one image, received an empty one")
        if batch_size < 1:
            raise ValueError(f"expected a batch_size of at least 1, received {batch_size}")
        for name, column in {**(columns or {}), **({} if targets is None else {"targets": targets})}.items():
            if len(column) != len(split) and not (name in split.unpaired and len(column)):
                raise ValueError(f"expected {len(split)} {name}, one for each image, received {len(column)}")
        self.split = split
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.drop_remainder = drop_remainder
        self.columns = dict(columns or {})
        self.targets = targets
        self.ahead = ahead
        self.start_at(epoch, skip)

    def start_at(self, epoch: int, batch: int = 0) -> None:
        """Moves to a batch of an epoch, to continue a run that stopped there.

        Args:
            epoch: int ≥ 0, whose order the batches follow from now on.
            batch: int ≥ 0; those before it are not read but returned as zeros.
        """
        self.epoch = epoch
        self.skip = batch
        self._rows_of_epoch = self.rows_of(epoch)
        self._together: dict[int, list] = {}  # parts of the batches that were read ahead, by the index of the first
        self._is_read = False  # to its last batch

    @property
    def parts(self) -> list:
        """What a batch has rows of: the images, the columns, the targets."""
        return [self.split.images, *self.columns.values(), *([] if self.targets is None else [self.targets])]

    def nested(self, parts: Sequence) -> tuple:
        """The rows of `parts` as `fit` gets them."""
        images, *columns = parts[: 1 + len(self.columns)]
        named = {"images": images, **dict(zip(self.columns, columns, strict=True))} if self.columns else images
        return (named, *parts[1 + len(self.columns) :])

    def for_fit(self) -> dict[str, Any]:
        """The arguments with which `fit` gets these batches, from `epoch` on; this object does not change.

        On TensorFlow `x` is a native data set without an end, which is faster than a generator: there
        `steps_per_execution` must divide `len(batches)`.

        Returns:
            Dict with `x`, `shuffle` and, for data without an end, `steps_per_epoch`.

        Example:
            `gan.fit(**batches.for_fit(), epochs=3)`
        """
        if keras.backend.backend() != "tensorflow":
            return {"x": copy.copy(self), "shuffle": False}
        from keras_gen.data import native

        return {"x": native.dataset(self), "steps_per_epoch": len(self), "shuffle": False}

    @property
    def places(self) -> list[int]:
        """For each of the `parts`, the column of `rows_of` with its indices: 0, unless it is unpaired."""
        unpaired = [name for name in self.columns if name in self.split.unpaired]
        of_columns = [1 + unpaired.index(name) if name in unpaired else 0 for name in self.columns]
        return [0, *of_columns, *([] if self.targets is None else [0])]

    def rows_of(self, epoch: int) -> np.ndarray:
        """The indices of all images in the order of an epoch, int64 (n, 1 + number of unpaired columns).

        Unpaired columns have an order each, of as many rows, independent of that of the images.
        """
        lengths = dict(zip(self.places, map(len, self.parts), strict=True))
        return np.stack([self._order(epoch, place, length) for place, length in sorted(lengths.items())], axis=1)

    def _order(self, epoch, place, length):
        """As many indices below `length` as there are images; for the images themselves (place 0) all of them once."""
        num = len(self.split)
        if not self.shuffle:
            return np.arange(num) % length
        if place == 0:
            return np.random.default_rng((self.seed, epoch)).permutation(num)
        # Rounds of all pictures run through the epochs, so that each is read once before one is repeated.
        first, last = epoch * num // length, ((epoch + 1) * num - 1) // length
        keys = [(self.seed, each, place) for each in range(first, last + 1)]
        start = epoch * num - first * length
        return np.concatenate([np.random.default_rng(key).permutation(length) for key in keys])[start : start + num]

    def __len__(self) -> int:
        full, remainder = divmod(len(self.split), self.batch_size)
        return full if full and self.drop_remainder else full + (remainder > 0)

    def __getitem__(self, index: int) -> tuple:
        is_full = (index + 1) * self.batch_size <= len(self.split)
        self._is_read = self._is_read or index == len(self) - 1
        return self.nested(self._ahead(index) if self.ahead > 1 and is_full else self._rows(index, 1))

    def _rows(self, index, num):
        """The consecutive rows of each part for `num` batches from `index` on."""
        chosen = self._rows_of_epoch[index * self.batch_size : (index + num) * self.batch_size]
        if index + num <= self.skip:
            return [np.zeros((len(chosen), *part.shape[1:]), part.dtype) for part in self.parts]
        return [part[chosen[:, place]] for part, place in zip(self.parts, self.places, strict=True)]

    def _ahead(self, index):
        """The parts of a full batch, taken from those that are read together."""
        first = index - index % self.ahead
        if first not in self._together:
            num = min(self.ahead, len(self.split) // self.batch_size - first)
            shape = (num, self.batch_size)
            # The backend splits them in one program; a slice for each batch would be a program each.
            self._together = {
                first: [
                    list(keras.ops.convert_to_tensor(rows.reshape(*shape, *rows.shape[1:])))
                    for rows in self._rows(first, num)
                ]
            }
        return [part[index - first] for part in self._together[first]]

    def on_epoch_end(self):
        """Moves on to the order of the next epoch."""
        # The first call of a fit ends no epoch: Keras resets its iterator after it has read one batch at most, to build
        # the model.
        if self._is_read:
            self.start_at(self.epoch + 1)
