"""Models that make new images: what a GAN and an autoencoder with a prior have in common."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_gen import images
from keras_gen.inputs import Input, Request, request_names
from keras_gen.inputs.base import TAKEN
from keras_gen.inputs.conditions import MAX_COLUMNS
from keras_gen.layers import CircularPadding2D
from keras_gen.models import incoming
from keras_gen.models.drawing import Drawing

MAX_ROWS = 10  # of a picture with columns: 64 images in two columns would be too tall a strip


class Endpoint(NamedTuple):
    """One function of a model that a server offers.

    Attributes:
        function: a tensor (b, ...) for each input → dict of tensors (b, ...) by name; row i of each depends on row i of
            the inputs alone.
        inputs: the parts of a row of the request, by name.
    """

    function: Callable
    inputs: dict[str, Request]


class Generative(Drawing):
    """The side of a model that makes images: it draws what they are made from, takes data, shows and offers itself.

    Code that samples, shows, scores, exports or serves a model asks it what it can do (`generates`, `reconstructs`,
    `endpoints` …) and never checks its class.
    """

    best_by = "frechet"
    """The value in the logs, the smaller the better, by which a run keeps its best state."""

    verb = "generate"
    """What it does, as the name of a server's signature: makes images by seed, from nothing or from what is given."""

    task: str | None = None
    """What it does with the picture that it is given, such as "inpaint" or "translate"; None for new images."""

    repairs = False
    """Whether it has `repair`: what it makes is the picture, whole again."""

    translates = False
    """Whether it has `translate`: what it makes is the picture as one of another kind."""

    stylizes = False
    """Whether it has `stylize` and `styles`: what it makes is a picture of any size, repainted."""

    reconstructs = False
    """Whether it has `encode` and `reconstruct`."""

    takes_penalties = False
    """Whether gradient penalties can be used with its discriminator."""

    def fit(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.fit`, after a check of the data, see `check`; of a stream the first batch is checked."""
        x = self._checked(x, y, kwargs.get("sample_weight"), kwargs.get("class_weight"))
        validation = kwargs.get("validation_data")
        if isinstance(validation, tuple):
            kwargs["validation_data"] = (self._checked(*validation), *validation[1:])
        elif validation is not None:
            kwargs["validation_data"] = self._checked(validation)
        return super().fit(x, y, *args, **kwargs)  # type: ignore[misc]  # of the Keras model that the class is, too

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.evaluate`, after a check of the data, see `check`."""
        x = self._checked(x, y, kwargs.get("sample_weight"))
        return super().evaluate(x, y, *args, **kwargs)  # type: ignore[misc]

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """`keras.Model.train_on_batch`, after a check of the data, see `check`."""
        self._checked(x, y, sample_weight, class_weight)
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)  # type: ignore[misc]

    def _checked(self, x, y=None, sample_weight=None, class_weight=None):
        """Checks the first batch, and returns `x` to continue with, from which nothing is missing."""
        batch, x = incoming.first_batch(x, y, sample_weight)
        if batch is not None:
            images_of, targets, weights = batch
            self.check(images_of, targets, weights, class_weight)
        return x

    def check(self, x, y=None, sample_weight=None, class_weight=None) -> None:
        """Refuses data that would be accepted but mean something else.

        Args:
            x: images, or columns by name: all of an array, or a batch.
            y: the second part of the data.
            sample_weight: weights of images.
            class_weight: as of `fit`.

        Raises:
            ValueError: for images on another scale, NaN, labels that are not classes, and weights, which have no
                effect.
        """
        images.check_range(self.targets(x, y), stacklevel=5)
        if sample_weight is not None or class_weight is not None:
            raise ValueError(
                f"expected no sample_weight and no class_weight: this {self.family} weights all images equally. Repeat "
                "rare images instead"
            )
        if y is not None and self.conditions is None and not self.reconstructs:
            warnings.warn(
                f"labels that this {self.family} does not learn: it was made without `conditions`, so images cannot be "
                "requested by label. Fit the images alone, or make it with conditions=…",
                stacklevel=4,
            )
        columns = self.named(x, y)
        for each in self.inputs:
            each.check(columns)

    def targets(self, x, y=None):
        """The target images among the data of `fit`."""
        if isinstance(x, Mapping):
            if "images" not in x:
                raise ValueError(f"expected a column 'images' in the data to fit, received {', '.join(x) or 'none'}")
            return x["images"]
        return x[0] if isinstance(x, tuple | list) and x else x

    @property
    def adversarial(self) -> bool:
        """Whether its training is a game, which may collapse."""
        return hasattr(self, "players")

    def encode(self, images: np.ndarray, batch_size: int = 256, given: Mapping[str, np.ndarray] | None = None):
        """The latents of images, for a model that `reconstructs`."""
        raise ValueError(f"expected a model with an encoder, this {self.family} has none: see keras_gen.inversion")

    def columns_of(self, split) -> dict[str, Any]:
        """What `fit` needs beside the images of a `Split`: a column for each input that a batch holds, by name."""
        columns = {each.name: each.of_split(split) for each in self.inputs if each.in_batch}
        return {name: column for name, column in columns.items() if column is not None}

    def given_of(self, split, drawn_too: bool = False) -> dict[str, Any]:
        """What must be `given` to make images like those of a `Split`: a column for each input that cannot be drawn.

        Args:
            split: a `data.Split`.
            drawn_too: whether to add what could be drawn but is known, such as conditions.
        """
        wanted = [each for each in self.inputs if not each.is_drawn or (drawn_too and each.in_batch)]
        return {each.name: each.given_of(split) for each in wanted}

    @property
    def wrap(self) -> str:
        """How its images close, a name in `keras_gen.layers.WRAPS`: as the layers of its network pad maps."""
        layers = self.image_network._flatten_layers()
        return next((layer.wrap for layer in layers if isinstance(layer, CircularPadding2D)), "none")

    @property
    def facts(self) -> dict[str, Any]:
        """What a score card says about it besides its class and its size."""
        return {}

    def prepare(self, data) -> dict[str, Any]:
        """The tensors of a batch by name: `images`, and each input that a batch holds; float32.

        Args:
            data: what `fit` delivers: images, `(images, labels)`, or a dict of columns; with a column for each input of
                the model, in its order, `[images, *columns]` too.
        """
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        columns = self.named(x, y)
        seed = getattr(self, "seed_generator", None)
        return {
            "images": images.to_float(columns["images"]),
            **{each.name: each.tensor(columns, seed) for each in self.inputs if each.in_batch},
        }

    def named(self, x, y=None) -> dict[str, Any]:
        """The columns of `(x, y)` by name: `y` is conditions, a list has the images and a column for each input."""
        if isinstance(x, Mapping):
            columns = dict(x)
        elif isinstance(x, tuple | list):
            columns = dict(zip(["images", *(each.name for each in self.inputs if each.in_batch)], x, strict=False))
        else:
            columns = {"images": x}
        if y is not None and self.conditions is not None:
            columns[self.conditions.name] = y
        return columns

    def read_requests(self, inputs: Iterable[Input], values: Iterable, draw: Callable | None = None) -> list:
        """The tensors of inputs, from the values that a client sent for `requests_of` these inputs, in order."""
        left = iter(values)
        return [each.from_request([next(left) for _ in each.requests()], draw) for each in inputs]

    @property
    def request_names(self) -> dict[str, str]:
        """The names on a server of everything that users name: attributes, pictures and other inputs."""
        asked = [name for each in self.inputs for name in each.requests()]
        return request_names(dict.fromkeys((*asked, *(each.name for each in self.inputs if each.name not in TAKEN))))

    def requests_of(self, inputs: Iterable[Input]) -> dict[str, Request]:
        """What a client may send for some inputs in the user's own terms, by the server's names."""
        names = self.request_names
        return {names[name]: request for each in inputs for name, request in each.requests().items()}

    def rows_of(self, inputs: Iterable[Input]) -> dict[str, Request]:
        """What a client may send as rows of some inputs, by the server's names."""
        names = self.request_names
        return {
            names[each.name] if each.name in each.requests() or each.name not in TAKEN else each.name: each.row
            for each in inputs
        }

    def endpoints(self, discriminator: bool = False) -> dict[str, Endpoint]:
        """The functions that a server offers, by name, `serving_default` among them; new images by seed are added.

        Args:
            discriminator: whether to offer the discriminator's logits of images, for a model that can.

        Raises:
            ValueError: if it cannot.
        """
        if discriminator:
            raise ValueError(f"expected a GAN whose discriminator to keep, received a model of the kind {self.family}")

        def decode(*rows):
            return {"images": self.render(*rows)}

        return {"serving_default": Endpoint(decode, self.rows_of(self.inputs))}

    @property
    def grid_attribute(self) -> str | None:
        """The attribute whose values are the columns of `picture`: the first one, if it has no more than 16 values."""
        if self.conditions is None or self.conditions.attributes[0].width > MAX_COLUMNS:
            return None
        return self.conditions.names[0]

    def picture(self, num: int = 64, seed: int = 0, given: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """A grid of new images, the same ones for the same seed.

        For a model that is given pictures, these are above the images made from them. Otherwise, if the model has
        `grid_attribute`, each row is one latent and each column one value of that attribute; everything else is drawn
        like the training data.

        Args:
            num: images in the grid; with columns no more than these, in whole rows, at least one row and at most 10.
            seed: as for `sample`.
            given: as for `sample`; the grid has as many images as are given, `num` at most.

        Returns:
            uint8 array (height, width, channels), as from `images.grid`.
        """
        if any(each.is_spatial for each in self.inputs):
            given = {name: np.asarray(column[:num]) for name, column in (given or {}).items()}
            num = min(num, *map(len, given.values())) if given else num
            rows = self.draw(num, seed, given=given)
            shown = [
                images.match_shape(each.shown(row), self.image_shape)
                for each, row in zip(self.inputs, rows, strict=True)
                if each.is_spatial
            ]
            return images.stacks(*shown, self.decode(*rows), columns=min(num, MAX_COLUMNS))
        if self.conditions is None or self.grid_attribute is None:
            return images.grid(self.sample(num, seed))
        num_columns = len(self.conditions.attributes[0].sweep(MAX_COLUMNS))
        pictures, _ = self.sweep(self.grid_attribute, min(num, MAX_ROWS * num_columns), seed)
        return images.grid(pictures, num_columns)
