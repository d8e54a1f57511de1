"""Pictures that a model turns into images, and masks of what it fills in."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_gen import corruptions, images, masks
from keras_gen.inputs.base import Input, Request

BATCH_SIZE = 256  # for making pictures from images
# Masks to draw from, a constant of the step. Varied as they are, even the fewest are enough.
MIN_DRAWN, MAX_DRAWN, MAX_DRAWN_PIXELS = 64, 2_048, 2**22


@keras.saving.register_keras_serializable("keras_gen")
class Picture(Input):
    """A picture that the image depends on: one of a pair, a sketch, a damaged photograph.

    It is a column of the data (`Split.pictures[name]`, or `fit({"images": …, name: …})`), or is made from the images in
    the step by a `corruption`, so that no pairs are needed; "shrink" makes a smaller one.

    Args:
        name: as of `Input`.
        shape: (height, width, channels) of the picture, which a corruption must make from the images.
        corruption: a name in `corruptions.CORRUPTIONS`, or None for a column of the data.
        amount: of the corruption; None for its default.
        any_size: whether the networks take pictures of any height and width; those of a batch still have the `shape`.
        to_discriminator: as of `Input`.

    Raises:
        ValueError: for another shape or an unknown corruption.

    Example:
        >>> source = Picture("source", (8, 12, 1))
        >>> source.rows(2, seed=0, given=np.zeros((1, 8, 12, 1), "uint8")).shape  # one stands for all
        (2, 8, 12, 1)
        >>> small = Picture("small", (2, 3, 1), corruption="shrink", amount=4)  # of images (8, 12, 1)
        >>> tuple(small.tensor({"images": np.zeros((5, 8, 12, 1), "uint8")}).shape)
        (5, 2, 3, 1)
    """

    is_spatial = True

    def __init__(self, name, shape, *, corruption=None, amount=None, any_size=False, to_discriminator=True):
        super().__init__(name, to_discriminator)
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"expected the shape of {name} as (height, width, channels), received {shape}")
        self._shape = tuple(int(size) for size in shape)
        self.corruption = corruption
        self.amount = amount
        self.any_size = any_size
        self._corrupt = None if corruption is None else corruptions.get(corruption, amount)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    def of_split(self, split) -> Any:
        if self._corrupt is not None:
            return None
        columns = {**split.pictures, **split.unpaired}
        if self.name not in columns:
            raise ValueError(
                f"expected a split with the pictures {self.name!r}, received {', '.join(columns) or 'images alone'}"
            )
        return columns[self.name]

    def given_of(self, split) -> Any:
        if self._corrupt is not None:
            return self.made_of(split.images)
        column = self.of_split(split)
        return column if len(column) == len(split) else column.take(np.arange(len(split)) % len(column), axis=0)

    def made_of(self, originals, seed: int = 0) -> np.ndarray:
        """The pictures that its corruption makes of images, uint8.

        Args:
            originals: uint8 (n, height, width, channels).
            seed: of what the corruption draws.

        Raises:
            ValueError: for a picture that is a column of the data.
        """
        corrupt, seeds = self._corrupt, keras.random.SeedGenerator(seed)
        if corrupt is None:
            raise ValueError(f"expected a picture made by a corruption, {self.name} is a column of the data")
        return images.in_batches(
            lambda batch: images.to_uint8(corrupt(images.to_float(batch), seed=seeds)),
            originals,
            batch_size=BATCH_SIZE,
        )

    def check(self, columns) -> None:
        if self.name in columns:
            images.check_range(columns[self.name], stacklevel=6)

    def tensor(self, columns, seed=None):
        if self._corrupt is not None and self.name not in columns:
            picture = self._corrupt(images.to_float(columns["images"]), seed=seed)
            if tuple(picture.shape[1:]) != self.shape:
                raise ValueError(
                    f"expected images from which {self.corruption} makes {self.name} of the shape {self.shape}, "
                    f"received {tuple(columns['images'].shape[1:])}, from which it makes {tuple(picture.shape[1:])}"
                )
            return picture
        column = self._column(columns)
        if tuple(column.shape[1:]) != self.shape:
            shape = ", ".join(map(str, ("batch", *self.shape)))
            raise ValueError(f"expected {self.name} as ({shape}), received {tuple(column.shape)}")
        return self.to_tensor(column)

    def rows(self, num, seed, where=None, given=None) -> np.ndarray:
        expected = ("height", "width", self.shape[2]) if self.any_size else self.shape
        shape = ", ".join(map(str, ("n", *expected)))
        if given is None:
            raise ValueError(f"expected {self.name} to be given, as uint8 ({shape}): given={{{self.name!r}: …}}")
        rows = np.asarray(given)
        if self.any_size and rows.ndim == 4:
            expected = (*rows.shape[1:3], self.shape[2])
        if rows.dtype != np.uint8 or rows.shape[1:] != expected or len(rows) not in (1, num):
            raise ValueError(
                f"expected {self.name} as uint8 ({shape}), {num} of them or one for all, received {rows.dtype} "
                f"{rows.shape}"
            )
        return np.repeat(rows, num, axis=0) if len(rows) != num else rows

    def shown(self, rows):
        return rows if rows.shape[-1] in (1, 3, 4) else rows[..., :1]

    def to_tensor(self, rows):
        return images.to_float(rows)

    @property
    def row(self) -> Request:
        if self.any_size:
            about = "a picture of any height and width, the same in all rows, uint8: 0 to 255."
            return Request("uint8", (None, None, self.shape[2]), about=about, asks_for=self.name)
        return Request("uint8", self.shape, about="a picture, uint8: 0 to 255.", asks_for=self.name)

    def requests(self) -> dict[str, Request]:
        return {self.name: self.row}

    def get_config(self) -> dict:
        return {
            "name": self.name,
            "shape": list(self.shape),
            "corruption": self.corruption,
            "amount": self.amount,
            "any_size": self.any_size,
            "to_discriminator": self.to_discriminator,
        }


@keras.saving.register_keras_serializable("keras_gen")
class Mask(Picture):
    """Where the model should fill in: uint8 (height, width, 1), nonzero in the hole; the network gets 0 and 1.

    It is a column of the data, or given, or, if it `is_drawn`, taken from a set that `masks.draw` makes: in a training
    step at random, mirrored or not, and every second one rolled along both axes.

    Args:
        name: as of `Input`.
        size: (height, width).
        is_drawn: whether masks are drawn where none are given.
        own: further masks to draw from, in half of all cases, uint8 (n, height, width, 1), of which at most 2,048 are
            kept, fewer of large ones; or a text, as `get_config` has them.
        to_discriminator: as of `Input`.

    Raises:
        ValueError: for masks of another size.

    Example:
        >>> mask = Mask("mask", (1, 2))
        >>> ops.convert_to_numpy(mask.to_tensor(np.array([[[[0], [255]]]], "uint8"))).ravel().tolist()
        [0.0, 1.0]
        >>> Mask("mask", (8, 12), is_drawn=True).rows(3, seed=0).shape
        (3, 8, 12, 1)
    """

    def __init__(self, name, size, *, is_drawn=False, own=None, to_discriminator=True):
        super().__init__(name, (*size, 1), to_discriminator=to_discriminator)
        self.is_drawn = is_drawn
        if isinstance(own, str):
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(own), np.uint8))
            bits = bits[: len(bits) - len(bits) % math.prod(size)]  # of the last byte some may be unused
            own = bits.reshape(-1, *self.shape)
        if own is not None and (tuple(own.shape[1:]) != self.shape or not len(own)):
            raise ValueError(f"expected masks of {name} as (n, {size[0]}, {size[1]}, 1), received {own.shape}")
        if own is not None and len(own) > self._num_drawn:
            own = own[np.sort(np.random.default_rng(0).permutation(len(own))[: self._num_drawn])]
        self.own = None if own is None else (np.asarray(own) != 0).astype(np.uint8)

    @property
    def _num_drawn(self) -> int:
        return min(MAX_DRAWN, max(MIN_DRAWN, MAX_DRAWN_PIXELS // math.prod(self.shape)))

    @functools.cached_property
    def drawn(self) -> np.ndarray:
        """The masks to draw from, uint8 (n, height, width, 1)."""
        drawn = masks.draw((self.shape[0], self.shape[1]), self._num_drawn)
        if self.own is None:
            return drawn
        return np.concatenate([drawn, masks.HOLE * np.resize(self.own, drawn.shape)])

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the own masks, as hex; None without any."""
        return None if self.own is None else hashlib.sha256(np.ascontiguousarray(self.own).data).hexdigest()

    def check(self, columns) -> None:
        """Any number is accepted: nonzero is the hole."""

    def of_split(self, split) -> Any:
        return None if self.is_drawn and self.name not in split.pictures else super().of_split(split)

    def given_of(self, split) -> Any:
        given = self.of_split(split)
        return self.rows(len(split), 0) if given is None else given

    def rows(self, num, seed, where=None, given=None) -> np.ndarray:
        if given is None and self.is_drawn:
            return self.drawn[np.random.default_rng(seed).integers(len(self.drawn), size=num)]
        return super().rows(num, seed, where, given)

    def tensor(self, columns, seed=None):
        if self.name in columns or not self.is_drawn:
            return super().tensor(columns, seed)
        return self.to_tensor(self._varied(ops.shape(columns["images"])[0], seed))

    def _varied(self, num, seed):
        """Masks for a training step, a tensor (num, height, width, 1): random ones, mirrored, every second rolled."""
        draws = keras.random.uniform((num, 6), seed=seed)
        chosen = ops.cast(ops.floor(draws[:, 0] * len(self.drawn)), "int32")
        varied = ops.take(ops.convert_to_tensor(self.drawn), chosen, axis=0)
        is_rolled = draws[:, 1:2] < 0.5
        for axis, (mirror, shift) in {1: (draws[:, 2:3], draws[:, 3:4]), 2: (draws[:, 4:5], draws[:, 5:6])}.items():
            side = self.shape[axis - 1]
            lines = ops.arange(side, dtype="float32")[None]
            lines = ops.where(mirror < 0.5, side - 1 - lines, lines)
            lines = ops.where(is_rolled, ops.mod(lines + ops.floor(shift * side), side), lines)
            lines = ops.reshape(ops.cast(lines, "int32"), [-1, *(side if each == axis else 1 for each in (1, 2, 3))])
            varied = ops.take_along_axis(varied, ops.broadcast_to(lines, ops.shape(varied)), axis=axis)
        return varied

    def shown(self, rows):
        return np.where(rows != 0, np.uint8(255), np.uint8(0))

    def to_tensor(self, rows):
        return ops.cast(ops.not_equal(rows, 0), "float32")

    @property
    def row(self) -> Request:
        about = "a mask, uint8: nonzero where the model should fill in."
        return Request("uint8", self.shape, examples=(0, 255), about=about, asks_for=self.name)

    def get_config(self) -> dict:
        return {
            "name": self.name,
            "size": list(self.shape[:2]),
            "is_drawn": self.is_drawn,
            "own": None if self.own is None else np.packbits(self.own).tobytes().hex(),
            "to_discriminator": self.to_discriminator,
        }
