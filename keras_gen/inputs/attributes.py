"""The kinds of attributes: each turns one column of a data set into a block of numbers, and back.

Every block is a soft one-hot: weights that sum to 1, or zeros where the value is missing. A new kind is a subclass of
`Attribute` here; this module does not know which columns a data set has.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
from keras import ops

from keras_gen.inputs.base import Request


def can_be_asked_for(name: str) -> bool:
    """Whether a name can stand in `name=value` on a command line."""
    return bool(name) and "=" not in name and not name.startswith("-") and name == name.strip()


@dataclass(frozen=True)
class Attribute(abc.ABC):
    """The base of the kinds of attributes: one column of a data set, one block of a row.

    Args:
        name: str, as in `name=value` on a command line: no `=` in it, no `-` in front, no blanks around it.

    Raises:
        ValueError: for any other name.
    """

    name: str

    dtype: ClassVar[str]  # of a column

    def __post_init__(self):
        if not can_be_asked_for(self.name):
            raise ValueError(
                f"expected a name that can stand in name=value, received {self.name!r}: rename the attribute"
            )

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """The number of columns of the block."""

    @abc.abstractmethod
    def encode(self, column) -> np.ndarray:
        """The blocks of a column (n,): float32 (n, width), zeros where a value is missing."""

    @abc.abstractmethod
    def to_tensor(self, column):
        """Like `encode`, for a tensor (b,) inside a step or on a server: a float32 tensor (b, width)."""

    @abc.abstractmethod
    def is_missing(self, column):
        """Where the values of a column, an array or a tensor, are missing: bool (n,)."""

    @abc.abstractmethod
    def request(self) -> Request:
        """What a client may send to a server, see `Request`."""

    @abc.abstractmethod
    def decode(self, rows) -> np.ndarray:
        """The column (n,) that blocks (n, width) encode; zeros are a missing value."""

    @abc.abstractmethod
    def parse(self, value: str | float) -> float:
        """A user's request as a value of the column; ValueError, with the valid values, for anything else."""

    @abc.abstractmethod
    def text(self, value: float) -> str:
        """A value of a column as text that `parse` accepts."""

    @abc.abstractmethod
    def describe(self) -> str:
        """The name and the values, as one line for the user."""

    @abc.abstractmethod
    def sweep(self, num: int) -> np.ndarray:
        """A column of at most `num` (≥ 1) different values, spread over the whole range, to show in order."""

    @abc.abstractmethod
    def draw(self, num: int, generator: np.random.Generator) -> np.ndarray:
        """A column of `num` values at random, all equally likely."""

    def get_config(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
@dataclass(frozen=True)
class Categorical(Attribute):
    """One of several values: a one-hot block. A binary attribute is one with two values, such as "no" and "yes".

    A column is int64 (n,): indices into `values`, -1 where missing. `decode` takes the largest weight of a block.

    Args:
        name: as for `Attribute`.
        values: at least two different str, in the order of the indices. `parse` accepts exactly these; a number
            stands for its text.

    Raises:
        ValueError: for fewer values or duplicates; from `encode` for indices out of range.

    Example:
        >>> species = Categorical("species", ["dwarf", "elf", "orc"])
        >>> species.encode([1, -1]).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
        >>> species.decode([[0.1, 0.2, 0.7]]).tolist(), species.parse("elf")
        ([2], 1)
    """

    values: list[str]

    dtype = "int64"

    def __post_init__(self):
        super().__post_init__()
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(
                f"expected at least two different values for the attribute {self.name}, received {self.values}"
            )

    @property
    def width(self) -> int:
        return len(self.values)

    def encode(self, column) -> np.ndarray:
        column = np.asarray(column)
        if column.dtype.kind not in "iu" or ((column < -1) | (column >= self.width)).any():
            raise ValueError(
                f"expected ints from -1 (missing) to {self.width - 1} as a column of {self.name}, received "
                f"{column.dtype} such as {', '.join(map(str, column[:5]))}"
            )
        return (column[:, np.newaxis] == np.arange(self.width)).astype(np.float32)

    def to_tensor(self, column):
        return ops.one_hot(column, self.width, dtype="float32")  # of -1, and of any other index: zeros

    def is_missing(self, column):
        return column < 0

    def request(self) -> Request:
        names = ", ".join(f"`{value}`" for value in self.values)
        about = f"one of {names}; an empty text for any. Any other text is refused, with the whole batch."
        return Request("text", (), tuple(self.values), ("", *self.values), about, self.name)

    def decode(self, rows) -> np.ndarray:
        rows = np.asarray(rows)
        return np.where(rows.any(axis=1), rows.argmax(axis=1), -1)

    def parse(self, value: str | float) -> int:
        text = number_text(value) if isinstance(value, float | np.floating) else str(value)
        if text not in self.values:
            raise ValueError(f"unknown {self.name} {text!r}: expected one of {listed(self.values, 20)}")
        return self.values.index(text)

    def text(self, value: float) -> str:
        return self.values[int(value)]

    def describe(self) -> str:
        return f"{self.name}: {self.width} values, {listed(self.values, 3)}"

    def sweep(self, num: int) -> np.ndarray:
        return np.linspace(0, self.width - 1, min(num, self.width)).round().astype(self.dtype)

    def draw(self, num: int, generator: np.random.Generator) -> np.ndarray:
        return generator.integers(self.width, size=num)


@keras.saving.register_keras_serializable("keras_gen")
@dataclass(frozen=True)
class Continuous(Attribute):
    """A number: the weights of the two knots it lies between, in a block of equally spaced knots.

    `weight_k = max(0, 1 − |t − k|)` with `t = (value − low) / (high − low) · (knots − 1)`, the hat functions of
    linear interpolation; `value = Σ weight_k · knot_k` gives it back. A column is float32 (n,), NaN where missing.

    Args:
        name: as for `Attribute`.
        low: float, the value of the first knot.
        high: float above `low`, the value of the last knot. `encode` clips values to [low, high], since the data to
            score with may go a little further than those to learn from; `parse` refuses values outside.
        knots: int ≥ 2, the width.

    Raises:
        ValueError: unless low < high, both finite, with at least 2 knots.

    Example:
        >>> age = Continuous("age", 0, 100, knots=5)
        >>> age.encode([50, 56.25, np.nan]).tolist()
        [[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.75, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
        >>> age.decode([[0.0, 0.0, 0.75, 0.25, 0.0]]).tolist()
        [56.25]
    """

    low: float
    high: float
    knots: int = 8

    dtype = "float32"

    def __post_init__(self):
        super().__post_init__()
        if not -math.inf < self.low < self.high < math.inf or self.knots < 2:
            raise ValueError(
                f"expected low < high and at least 2 knots for the attribute {self.name}, received {self.low}, "
                f"{self.high} and {self.knots} knots"
            )

    @property
    def width(self) -> int:
        return self.knots

    def encode(self, column) -> np.ndarray:
        values = np.clip(np.asarray(column, np.float64), self.low, self.high)
        position = (values - self.low) / (self.high - self.low) * (self.knots - 1)
        distance = np.abs(position[:, np.newaxis] - np.arange(self.knots))
        return np.fmax(0, 1 - distance).astype(np.float32)  # fmax prefers 0 to NaN: a missing value gives zeros

    def to_tensor(self, column):
        column = ops.clip(ops.cast(column, "float32"), self.low, self.high)
        position = (column - self.low) / (self.high - self.low) * (self.knots - 1)
        weights = 1.0 - ops.abs(position[:, None] - ops.arange(self.knots, dtype="float32"))
        return ops.where(ops.isnan(weights), 0.0, ops.maximum(weights, 0.0))

    def is_missing(self, column):
        return np.isnan(column) if isinstance(column, np.ndarray) else ops.isnan(column)

    def request(self) -> Request:
        about = f"a number from {self.low:g} to {self.high:g}, others are clipped; NaN for any."
        return Request("float32", (), (), (math.nan, self.low, self.high), about, self.name)

    def decode(self, rows) -> np.ndarray:
        rows = np.asarray(rows)
        # Relative to `low` and not to 0, so that rounding is small compared with the range, not only with the value.
        values = self.low + rows @ np.linspace(0, self.high - self.low, self.knots)
        return np.where(rows.any(axis=1), values, np.nan).astype(self.dtype)

    def parse(self, value: str | float) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise ValueError(f"expected {self._range()}, received {value!r}")
        return number

    def text(self, value: float) -> str:
        return number_text(value)

    def describe(self) -> str:
        return self._range()

    def _range(self) -> str:
        return f"{self.name}: {number_text(self.low)} to {number_text(self.high)}"

    def sweep(self, num: int) -> np.ndarray:
        return np.linspace(self.low, self.high, num).astype(self.dtype)

    def draw(self, num: int, generator: np.random.Generator) -> np.ndarray:
        return generator.uniform(self.low, self.high, num).astype(self.dtype)


def number_text(number: float) -> str:
    """The shortest text that means the same float32: 1.0 is "1" and np.float32(0.1) is "0.1"."""
    return np.format_float_positional(np.float32(number), trim="-")


def listed(values: Sequence[str], most: int) -> str:
    """The first values, and "…" if there are more than `most`."""
    return ", ".join([*values[:most], *(["…"] if len(values) > most else [])])
