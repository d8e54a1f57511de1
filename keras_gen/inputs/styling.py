"""Which style an image should have, and how much of it: requested when pictures are made, drawn in training."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_gen.inputs.base import Input, Request
from keras_gen.registry import lookup


@keras.saving.register_keras_serializable("keras_gen")
class Styling(Input):
    """A style and its strength, from 0, the picture as it is, to 1. No data hold it: each training step draws it.

    A row has a weight for each style, 1 for the one that was asked for, and then the strength. Other weights mix
    styles.

    Args:
        styles: names of the styles, at least one, all different.
        name: as of `Input`.

    Raises:
        ValueError: for no styles or duplicates.

    Example:
        >>> styling = Styling(["scream", "wave"])
        >>> styling.rows(1, seed=0, where={"style": "wave", "strength": 0.5}).tolist()
        [[0.0, 1.0, 0.5]]
    """

    is_drawn = True

    def __init__(self, styles: Sequence[str], name: str = "styling"):
        super().__init__(name, to_discriminator=False)
        self.styles = list(styles)
        if not self.styles or len(set(self.styles)) < len(self.styles) or not all(self.styles):
            raise ValueError(f"expected different names of styles, at least one, received {self.styles}")

    @property
    def names(self) -> list[str]:
        return ["style", "strength"]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.styles) + 1,)

    def rows(self, num, seed, where=None, given=None) -> np.ndarray:
        """As of `Input`: what is not asked for is drawn if it is the style, and 1 if it is the strength."""
        if given is not None:
            rows = np.asarray(given, "float32")
            if rows.shape[1:] != self.shape or len(rows) not in (1, num):
                raise ValueError(f"expected {num} rows of {self.name} {self.shape}, or one, received {rows.shape}")
            return np.repeat(rows, num, axis=0) if len(rows) != num else rows
        where = where or {}
        strength = check_strength(where.get("strength", 1.0))
        if "style" in where:
            chosen = np.full(num, self.index(where["style"]))
        else:
            chosen = np.random.default_rng(seed).integers(len(self.styles), size=num)
        rows = np.zeros((num, *self.shape), "float32")
        rows[np.arange(num), chosen] = 1
        rows[:, -1] = strength
        return rows

    def index(self, style: str) -> int:
        """The number of a style; ValueError, with the known names, for another one."""
        return lookup("style", {name: number for number, name in enumerate(self.styles)}, style)

    def tensor(self, columns, seed=None):
        if self.name in columns:
            return ops.cast(columns[self.name], "float32")
        num = ops.shape(columns["images"])[0]
        chosen = keras.random.randint((num,), 0, len(self.styles), seed=seed)
        strength = ops.sqrt(keras.random.uniform((num, 1), seed=seed))  # strong styles have more to learn
        return ops.concatenate([ops.one_hot(chosen, len(self.styles), dtype="float32"), strength], axis=1)

    def requests(self) -> dict[str, Request]:
        named = f"{', '.join(self.styles)}; an empty text is {self.styles[0]}."
        return {
            "style": Request("text", (), tuple(self.styles), ("", *self.styles), f"one of {named}", "style"),
            "strength": Request("float32", (), (), (1.0, 0.5, 0.0), "from 0, the picture itself, to 1; others are "
            "clipped, and NaN is 1.", "strength"),
        }  # fmt: skip

    def from_request(self, values, draw=None):
        style, strength = values
        chosen = ops.one_hot(ops.maximum(ops.cast(style, "int32"), 0), len(self.styles), dtype="float32")
        strength = ops.where(ops.isnan(strength), 1.0, ops.clip(strength, 0.0, 1.0))
        return ops.concatenate([chosen, ops.reshape(strength, (-1, 1))], axis=1)

    def describe(self) -> list[str]:
        return [f"style: {', '.join(self.styles)}", "strength: 0 to 1"]

    def get_config(self) -> dict:
        return {"styles": self.styles, "name": self.name}


def check_strength(strength) -> float:
    """The strength as a number; ValueError if it is not in [0, 1]."""
    try:
        number = float(strength)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 1:
        raise ValueError(f"expected a strength from 0 to 1, received {strength}")
    return number
