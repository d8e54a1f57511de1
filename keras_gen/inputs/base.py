"""The base class of all inputs of a model."""

from __future__ import annotations

import abc
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops


class Request(NamedTuple):
    """One value of a row that a client sends to a server.

    Attributes:
        dtype: "uint8", "int64", "float32", or "text".
        shape: of a row; None for a side of any length.
        choices: all valid texts; an empty text leaves the value open. Inputs get the index, -1 for an open one.
        examples: values that a client may send, of which the first leaves it open; of a mask those of its pixels, and
            none for a picture.
        about: what it means, in a sentence.
        asks_for: the name in the user's own words, which may differ from the name that a server accepts.
    """

    dtype: str
    shape: tuple[int | None, ...] = ()
    choices: tuple[str, ...] = ()
    examples: tuple = ()
    about: str = ""
    asks_for: str = ""


# Names that nothing of the user's may have on a server: our own inputs, and Python's name for TensorFlow's function.
TAKEN = ("seed", "to_seed", "fraction", "truncation", "yaw", "images", "latents", "codes", "conditions", "self")


def request_names(asked: Iterable[str]) -> dict[str, str]:
    """Unique names of letters, digits and _ that a server accepts for inputs, by the names that they stand for.

    Example:
        >>> request_names(["hair colour", "seed", "帽子"])
        {'hair colour': 'hair_colour', 'seed': 'condition_seed', '帽子': 'condition_3'}
    """
    names: dict[str, str] = {}
    for number, own in enumerate(asked, start=1):
        name = re.sub(r"\W", "_", own, flags=re.ASCII)
        name = name if name.strip("_") else str(number)
        taken = {other.lower() for other in (*TAKEN, *names.values())}  # TensorFlow does not distinguish Hat from hat
        while name.lower() in taken or keyword.iskeyword(name) or not name[0].isalpha():
            name = f"condition_{name}"
        names[own] = name
    return names


def check_names(inputs: Sequence[Input]) -> None:
    """Refuses inputs of the same name, and noise that is not the first of them.

    Raises:
        ValueError: with the names.
    """
    names = [name for each in inputs for name in dict.fromkeys((each.name, *each.names))]
    if len(set(names)) < len(names) or any(not each.in_batch for each in inputs[1:]):
        raise ValueError(f"expected inputs with different names, noise first, received {', '.join(names)}")


class Input(abc.ABC):
    """One thing that a model is given for each image that it makes.

    A model lists its inputs in the order in which its networks take them; the code that samples, shows, scores and
    serves it loops over them. A new kind is a subclass here, registered with
    `keras.saving.register_keras_serializable`, with `get_config`, `name`, `shape` and `rows`.

    Three forms of a value: a *column* holds it for the images of a data set, *rows* are what `decode` takes (columns,
    checked and in the network's order), and the *tensor* is what the network gets, float32.

    Args:
        name: key of the column in a batch, and in `given`.
        to_discriminator: whether the discriminator sees it beside the image.
    """

    is_spatial = False
    """Whether it matches the image pixel by pixel, so that augmentation moves both, and a grid can show it."""

    in_batch = True
    """Whether a batch has a column of it besides the images; noise has none."""

    is_drawn = False
    """Whether it can be drawn from a seed; an input that cannot must be given."""

    def __init__(self, name: str, to_discriminator: bool = True):
        if not name or name == "images":
            raise ValueError(f"expected a name other than images for the input, received {name!r}")
        self.name = name
        self.to_discriminator = to_discriminator

    @property
    def names(self) -> list[str]:
        """The names that `where` may ask for."""
        return []

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the network's tensor, for one image."""

    @abc.abstractmethod
    def rows(self, num: int, seed: int, where: Mapping | None = None, given=None) -> np.ndarray:
        """Rows for `num` images, as `decode` takes them.

        Args:
            num: int ≥ 1.
            seed: int ≥ 0, for what is drawn.
            where: requested values by name, of which this input uses those in `names`.
            given: a column of `num` values, or of one value for all; None to draw.

        Raises:
            ValueError: for values of another kind, or where nothing is given and nothing can be drawn.
        """

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Rows of an input that `is_spatial` as pictures, uint8 (n, height, width, 1, 3 or 4), for a grid."""
        return rows

    def of_split(self, split) -> Any:
        """The column of a data set's `Split` that `fit` reads; None where nothing is read.

        Raises:
            ValueError: if the split lacks it.
        """
        return None

    def given_of(self, split) -> Any:
        """The column to pass as `given` for the images of a split; by default what `fit` reads."""
        return self.of_split(split)

    def to_tensor(self, rows):
        """The network's float32 tensor (b, *shape) of rows."""
        return ops.convert_to_tensor(rows)

    def tensor(self, columns: Mapping[str, Any], seed=None):
        """The network's tensor of a batch.

        Args:
            columns: tensors by name, as `fit` reads them; `columns["images"]` are the images.
            seed: a `keras.random.SeedGenerator`, for what is drawn in the step.

        Raises:
            ValueError: if the batch lacks the column.
        """
        return self.to_tensor(self._column(columns))

    def check(self, columns: Mapping[str, Any]) -> None:  # noqa: B027  most have nothing to refuse
        """Refuses columns, where present, that would be accepted but mean something else.

        Raises:
            ValueError: with what was expected and what was received.
        """

    def _column(self, columns):
        if self.name not in columns:
            raise ValueError(
                f"expected a column {self.name!r} beside the images, received {', '.join(columns)}: "
                f'fit({{"images": …, "{self.name}": …}})'
            )
        return columns[self.name]

    @property
    def row(self) -> Request:
        """A row as `decode` takes it, which a server may accept too."""
        return Request("float32", self.shape)

    def asked(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What rows ask for, as columns by attribute; empty for an input that no image can be checked against."""
        return {}

    def requests(self) -> dict[str, Request]:
        """What a client may send to a server in the user's own terms, by name; the server draws everything else."""
        return {}

    def from_request(self, values: Sequence, draw: Callable | None = None):
        """The network's tensor for the values of `requests`, in order.

        Args:
            values: a tensor (b, *shape) for each request; for a text the index of the choice.
            draw: `draw(num)` gives int32 (b,) in [0, num), by the seed of each row; None where there are no seeds:
                open values are then missing.
        """
        if len(values) != 1:
            raise ValueError(f"expected {type(self).__name__} to say in `from_request` what {len(values)} values mean")
        return self.to_tensor(values[0])

    def describe(self) -> list[str]:
        """What can be asked for, as lines for the user."""
        return []

    @abc.abstractmethod
    def get_config(self) -> dict:
        """The constructor's arguments."""

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)
