"""The schema: which columns of a data set are conditions, and the rows that they make together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from keras_gen.data.image_data import ImageData, Split
from keras_gen.inputs.attributes import Attribute, Categorical, Continuous, can_be_asked_for, number_text
from keras_gen.inputs.base import Input, Request
from keras_gen.registry import lookup

Columns = Mapping[str, Sequence | np.ndarray]  # by name, all of one length

LABEL = "label"  # the attribute that stands for the classes of a data set

# More values than this are an id or free text rather than something to ask for, unless they are named.
MAX_VALUES = 100

MAX_COLUMNS = 16  # of a grid in which one attribute runs through its values

# Training rows that a schema keeps: a share of one half has a standard error of 0.8 %, at about 20 kB an attribute.
MAX_EXAMPLES = 4096


@keras.saving.register_keras_serializable("keras_gen")
class Conditions(Input):
    """What an image should show: attributes of any kinds, whose blocks stand side by side in one row per image.

    Keras saves it along with the model that holds it, examples included: a saved generator knows what can be
    requested, and what images are like when nothing is.

    Args:
        attributes: list of `Categorical` and `Continuous`, at least one, each with its own name.
        examples: columns of equal length by name, rows of the training data for `rows` to draw from; None to draw
            every attribute independently, all values equally likely.

    Raises:
        ValueError: for no attributes, a duplicate name, or examples that cannot be encoded.

    Example:
        >>> conditions = Conditions([Categorical("hat", ["no", "yes"]), Continuous("age", 0, 100, knots=3)])
        >>> rows = conditions.encode({"hat": [1, 0], "age": [25, np.nan]})
        >>> rows.tolist()
        [[0.0, 1.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]
        >>> conditions.decode(rows)
        {'hat': array([1, 0]), 'age': array([25., nan], dtype=float32)}
        >>> conditions.rows(1, seed=0, where={"hat": "yes", "age": 100}).tolist()
        [[0.0, 1.0, 0.0, 0.0, 1.0]]
    """

    is_drawn = True

    def __init__(self, attributes: Sequence[Attribute], examples: Columns | None = None):
        super().__init__("conditions")
        self.attributes = list(attributes)
        if not self.attributes or len(set(self.names)) < len(self.names):
            raise ValueError(
                f"expected at least one attribute, each with its own name, received {', '.join(self.names) or 0}"
            )
        self.examples: dict[str, np.ndarray] | None = None
        if examples is not None:
            self.encode(examples)  # what cannot be encoded should be refused now and not after training
            self.examples = {item.name: np.array(examples[item.name], item.dtype) for item in self.attributes}

    @classmethod
    def of(cls, data: ImageData, names: Sequence[str] | None = None) -> Conditions | None:
        """The schema of a data set, with up to 4096 rows of its training part as examples.

        The name "label" stands for the classes; an attribute of that name is used only where there are none. A column
        of numbers with just two values is `Categorical`, any other is `Continuous` from its least to its greatest.

        Args:
            data: `ImageData`.
            names: the attributes to take, in this order. By default the classes if there are at least two, or else
                every attribute with at least two values, without the categorical ones of more than 100.

        Returns:
            `Conditions`, or None when no names are given and the data have nothing to condition on.

        Raises:
            ValueError: for a name that the data do not have with at least two values.

        Example:
            >>> from keras_gen import load
            >>> [item.describe() for item in Conditions.of(load("digits")).attributes]
            ['label: 10 values, 0, 1, 2, …']
        """
        names = [names] if isinstance(names, str) else names
        if names is None and data.train.labels is not None and len(data.class_names or []) > 1:
            names = [LABEL]
        known = {item.name: item for item in attributes_of(data, names)}
        if names is None:
            names = learnable(data)
            if not names:
                return None
        unknown = [name for name in names if name not in known]
        if unknown:
            available = "; ".join(item.describe() for item in attributes_of(data)) or "nothing of two values or more"
            raise ValueError(f"unknown condition {unknown[0]!r}: {data.name} has {available}")
        schema = cls([known[name] for name in names])
        chosen = np.arange(len(data.train))
        if len(chosen) > MAX_EXAMPLES:
            chosen = np.random.default_rng(0).choice(chosen, MAX_EXAMPLES, replace=False)
        return cls(schema.attributes, {name: column[chosen] for name, column in schema.columns(data.train).items()})

    def __repr__(self):
        return f"Conditions({'; '.join(item.describe() for item in self.attributes)})"

    @property
    def names(self) -> list[str]:
        """The names of the attributes, in the order of their blocks."""
        return [item.name for item in self.attributes]

    @property
    def width(self) -> int:
        """The length of a row."""
        return sum(item.width for item in self.attributes)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.width,)

    def encode(self, columns: Columns) -> np.ndarray:
        """The rows of columns.

        Args:
            columns: for each attribute a column (n,), with -1 or NaN for missing values.

        Returns:
            float32 (n, width).

        Raises:
            ValueError: for other names, or columns of different lengths.
        """
        if set(columns) != set(self.names) or len({len(column) for column in columns.values()}) > 1:
            received = ", ".join(f"{name} ({len(column)})" for name, column in columns.items()) or "none"
            raise ValueError(f"expected columns of one length for {', '.join(self.names)}, received {received}")
        return np.concatenate([item.encode(columns[item.name]) for item in self.attributes], axis=1)

    def decode(self, rows) -> dict[str, np.ndarray]:
        """The columns of rows (n, width), the inverse of `encode`; ValueError for rows of another width."""
        rows = np.asarray(rows)
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise ValueError(f"expected rows of shape (n, {self.width}), received {rows.shape}")
        blocks = np.split(rows, np.cumsum([item.width for item in self.attributes])[:-1], axis=1)
        return {item.name: item.decode(block) for item, block in zip(self.attributes, blocks, strict=True)}

    def parse(self, where: Mapping[str, str | float]) -> dict[str, float]:
        """A user's request as values of the columns.

        Args:
            where: values or their texts by attribute, such as {"species": "elf", "age": "30"}.

        Returns:
            An index or a number by attribute, such as {"species": 1, "age": 30.0}.

        Raises:
            ValueError: for an unknown attribute or value, with the known ones, or a number out of its range.
        """
        known = {item.name: item for item in self.attributes}
        return {name: lookup("attribute", known, name).parse(value) for name, value in where.items()}

    def rows(
        self, num: int, seed: int, where: Mapping[str, str | float] | None = None, given: np.ndarray | None = None
    ) -> np.ndarray:
        """Conditions for new images, distributed like the training data except for what is requested.

        Whole examples are drawn, so that values that belong together stay together. With `where` they are drawn from
        those that have its categorical values, or from all if none has.

        Args:
            num: int ≥ 1.
            seed: int ≥ 0; the rows are a function of it, the same on every backend and machine.
            where: as for `parse`, the attributes that every row should have.
            given: rows (num, width) to take as they are, or one row for all; None to draw.

        Returns:
            float32 (num, width).

        Raises:
            ValueError: for fewer than one row, for given rows of another shape, and as `parse`.

        Example:
            >>> hat, age = Categorical("hat", ["no", "yes"]), Continuous("age", 0, 100)
            >>> conditions = Conditions([hat, age], examples={"hat": [0, 0, 1], "age": [10, 20, 70]})
            >>> conditions.decode(conditions.rows(2, seed=0, where={"hat": "yes"}))["age"].tolist()
            [70.0, 70.0]
        """
        if num < 1:
            raise ValueError(f"expected at least 1 row, received {num}")
        if given is not None:
            given = np.asarray(given, "float32")
            if given.shape[1:] != self.shape or len(given) not in (1, num):
                raise ValueError(f"expected {num} rows of conditions ({self.width},), or one, received {given.shape}")
            return np.repeat(given, num, axis=0) if len(given) != num else given
        asked = self.parse(where or {})
        # Its own stream: the latents that go with the rows are drawn with the same seed.
        (generator,) = np.random.default_rng(seed).spawn(1)
        columns = self._draw(num, asked, generator)
        return self.encode({**columns, **{name: np.full(num, value) for name, value in asked.items()}})

    def sweep(
        self, name: str, num: int, seed: int, where: Mapping[str, str | float] | None = None, most: int = MAX_COLUMNS
    ) -> tuple[np.ndarray, list[str]]:
        """Rows in which one attribute runs through its values while everything else stays the same.

        Args:
            name: the attribute.
            num: number of rows, rounded down to whole runs through the values, but at least one run; each
                run has different values of the other attributes.
            seed: as for `rows`.
            where: as for `rows`.
            most: int ≥ 1, the most values to run through.

        Returns:
            (float32 (n, width), the values as text): row by row of a grid with a column for each value.

        Raises:
            ValueError: for an unknown attribute, one that `where` fixes, and as `rows`.

        Example:
            >>> conditions = Conditions([Categorical("hat", ["no", "yes"])])
            >>> rows, values = conditions.sweep("hat", num=3, seed=0)
            >>> rows.tolist(), values
            ([[1.0, 0.0], [0.0, 1.0]], ['no', 'yes'])
        """
        attribute = lookup("attribute", {item.name: item for item in self.attributes}, name)
        if where and name in where:
            raise ValueError(f"expected {name} to run through its values or to be {where[name]}, received both")
        values = attribute.sweep(most)
        num_runs = max(1, num // len(values))
        columns = self.decode(np.repeat(self.rows(num_runs, seed, where), len(values), axis=0))
        return self.encode({**columns, name: np.tile(values, num_runs)}), [attribute.text(value) for value in values]

    def _draw(self, num: int, asked: dict[str, float], generator: np.random.Generator) -> dict[str, np.ndarray]:
        if self.examples is None:
            return {item.name: item.draw(num, generator) for item in self.attributes}
        fits = np.ones(len(self.examples[self.names[0]]), bool)
        for item in self.attributes:
            if isinstance(item, Categorical) and item.name in asked:
                fits &= self.examples[item.name] == asked[item.name]
        chosen = generator.choice(np.flatnonzero(fits) if fits.any() else len(fits), num)
        return {name: column[chosen] for name, column in self.examples.items()}

    def columns(self, split: Split) -> dict[str, np.ndarray]:
        """The columns of the attributes in a split, as `encode` takes them; ValueError if it lacks one.

        A number that is not among the values of a `Categorical` counts as missing.
        """
        found = columns_of(split)
        missing = [name for name in self.names if name not in found]
        if missing:
            raise ValueError(
                f"expected a split with {', '.join(missing)}, received {', '.join(found) or 'images alone'}"
            )
        columns = {}
        for item in self.attributes:
            column = found[item.name]
            if isinstance(item, Categorical) and column.dtype.kind == "f":
                column = item.decode(column[:, np.newaxis] == np.array(item.values, np.float32))
            columns[item.name] = column
        return columns

    def of_split(self, split: Split) -> np.ndarray:
        """The rows of a split, float32 (n, width): what `Batches(split, targets=...)` passes to a conditional model."""
        return self.encode(self.columns(split))

    def check(self, columns) -> None:
        own = columns.get(self.name)
        labels = {self.attributes[0].name: own} if len(self.attributes) == 1 and own is not None else columns
        for item in self.attributes:
            column = labels.get(item.name)
            if isinstance(item, Categorical) and _is_labels(column):
                low, high = int(ops.min(column)), int(ops.max(column))
                if low < -1 or high >= item.width:
                    raise ValueError(
                        f"expected {item.name} from 0 to {item.width - 1}, or -1 where it is missing, received "
                        f"{low} to {high}"
                    )

    def tensor(self, columns, seed=None):
        if self.name in columns:
            return self._from_rows(columns[self.name])
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise ValueError(
                'expected conditions beside the images, received images alone: fit({"images": …, "conditions": …})'
                if set(columns) == {"images"}
                else f"expected a column {missing[0]!r} beside the images, received {', '.join(columns)}"
            )
        return ops.concatenate([item.to_tensor(columns[item.name]) for item in self.attributes], axis=1)

    def _from_rows(self, rows):
        """The tensor of rows, or of integer labels where the schema has a single categorical attribute."""
        classes = len(self.attributes) == 1 and isinstance(self.attributes[0], Categorical)
        if classes and tuple(rows.shape[1:]) in ((), (1,)):
            if "int" not in keras.backend.standardize_dtype(rows.dtype):
                raise ValueError(f"expected labels as integers, received {rows.dtype}")
            return self.attributes[0].to_tensor(ops.reshape(rows, (-1,)))
        if tuple(rows.shape[1:]) != self.shape:
            raise ValueError(
                f"expected rows of conditions (batch, {self.width}), as conditions.of_split(data.train) makes them, "
                f"received {tuple(rows.shape)}"
            )
        return ops.cast(rows, "float32")

    def asked(self, rows) -> dict[str, np.ndarray]:
        return self.decode(rows)

    @property
    def row(self) -> Request:
        about = "one row of the network's own encoding; `generate` takes names instead."
        return Request("float32", self.shape, about=about)

    def requests(self) -> dict[str, Request]:
        return {item.name: item.request() for item in self.attributes}

    def from_request(self, values, draw=None):
        examples = self.examples or self.decode(self.rows(4096, seed=0))
        drawn = None if draw is None else draw(len(next(iter(examples.values()))))
        blocks = []
        for item, value in zip(self.attributes, values, strict=True):
            if drawn is not None:
                example = ops.take(ops.convert_to_tensor(examples[item.name]), drawn, axis=0)
                value = ops.where(item.is_missing(value), ops.cast(example, value.dtype), value)
            blocks.append(item.to_tensor(value))
        return ops.concatenate(blocks, axis=1)

    def describe(self) -> list[str]:
        return [item.describe() for item in self.attributes]

    def get_config(self) -> dict:
        examples = None
        if self.examples is not None:  # JSON has no NaN
            examples = {
                name: [None if value != value else value for value in column.tolist()]
                for name, column in self.examples.items()
            }
        attributes = [keras.saving.serialize_keras_object(item) for item in self.attributes]
        return {"attributes": attributes, "examples": examples}

    @classmethod
    def from_config(cls, config: dict) -> Conditions:
        attributes = [keras.saving.deserialize_keras_object(item) for item in config["attributes"]]
        return cls(attributes, config["examples"])


def _is_labels(column) -> bool:
    """Whether a column holds integers, (n,) or (n, 1), and not rows of conditions."""
    shape = tuple(getattr(column, "shape", ()))
    integers = "int" in str(getattr(column, "dtype", ""))
    return integers and 0 not in shape and (len(shape) == 1 or shape[1:] == (1,))


def columns_of(split: Split) -> dict[str, np.ndarray]:
    """All columns of a split by name; labels hide an attribute of their name."""
    return split.attributes if split.labels is None else {**split.attributes, LABEL: split.labels}


def learnable(data: ImageData) -> list[str]:
    """The names of everything that is known about each image of a data set, without ids and free text.

    These are the classes, and every attribute that can be requested by its name, with at least two values and, if it
    is categorical, no more than 100.

    Example:
        >>> from keras_gen import load
        >>> learnable(load("digits"))
        ['label']
    """
    return [
        item.name
        for item in attributes_of(data)
        if item.name == LABEL or isinstance(item, Continuous) or item.width <= MAX_VALUES
    ]


def attributes_of(data: ImageData, names: Sequence[str] | None = None) -> list[Attribute]:
    """An attribute for each column of the training data that holds two values or more, labels first.

    Those whose names cannot be asked for in `name=value` are left out, unless `names` has them.

    Raises:
        ValueError: for one of `names` that cannot be requested, and for values that cannot.
    """
    texts = dict(data.attribute_values)
    if data.class_names is not None:
        texts[LABEL] = data.class_names
    attributes: list[Attribute] = []
    for name, column in sorted(columns_of(data.train).items(), key=lambda item: item[0] != LABEL):
        numbers = np.unique(column[np.isfinite(column)])
        if not (can_be_asked_for(name) if names is None else name in names):
            continue
        if name in texts:
            attributes += [Categorical(name, texts[name])] if len(texts[name]) > 1 else []
        elif len(numbers) == 2:
            attributes.append(Categorical(name, [number_text(number) for number in numbers]))
        elif len(numbers) > 2:
            # Through their texts: anyone who reads "0 to 0.3" may ask for 0.3, though float32 has only 0.30000001192….
            low, high = (float(number_text(number)) for number in (numbers[0], numbers[-1]))
            attributes.append(Continuous(name, low, high))
    return attributes
