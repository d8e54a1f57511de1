"""Models that make new images: what a GAN and an autoencoder with a prior have in common."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_gen import images, latents
from keras_gen.inputs import Conditions, Input, Noise, Request, request_names
from keras_gen.inputs.base import TAKEN
from keras_gen.inputs.conditions import MAX_COLUMNS
from keras_gen.models import incoming
from keras_gen.registry import lookup

MAX_ROWS = 10  # of a picture with columns: 64 images in two columns would be too tall a strip
MAX_DIRECTION_IMAGES, MIN_DIRECTION_IMAGES = 2_000, 200  # from which directions are computed
MAX_DIRECTION_VALUES = 2_000 * 128**2  # of all of them together


class Endpoint(NamedTuple):
    """One function of a model that a server offers.

    Attributes:
        function: a tensor (b, ...) for each input → dict of tensors (b, ...) by name; row i of each depends on row i of
            the inputs alone.
        inputs: the parts of a row of the request, by name.
    """

    function: Callable
    inputs: dict[str, Request]


class Generative:
    """The side of a model that draws latents and makes images from them.

    A subclass defines `inputs` and `image_network`; where latents are not standard normal, also `noise_dim`,
    `num_choices`, `from_noise` and `truncate`. Code that samples, shows, scores, exports or serves a model asks it
    what it can do (`generates`, `reconstructs`, `endpoints` …) and never checks its class.
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

    @property
    def family(self) -> str:
        """The kind of model, as one word for names and messages."""
        return type(self).__name__.lower()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Its inputs for each image, in the order in which its networks take them, noise first."""
        raise NotImplementedError

    @property
    def latent_input(self) -> Noise | None:
        """The noise among its inputs, or None for a model without: a function of what it is given."""
        return next((each for each in self.inputs if isinstance(each, Noise)), None)

    @property
    def conditions(self) -> Conditions | None:
        """The attributes among its inputs, or None."""
        return next((each for each in self.inputs if isinstance(each, Conditions)), None)

    @property
    def latent_dim(self) -> int:
        """The dimensions of the latents."""
        if self.latent_input is None:
            raise ValueError(f"expected a model with latents, this {self.family} has none: each image has one answer")
        return self.latent_input.size

    @property
    def image_network(self) -> keras.Model:
        """The network that makes images from the tensors of all inputs."""
        raise NotImplementedError

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images."""
        return tuple(self.image_network.output_shape[1:])

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

    def render(self, *rows):
        """Images from the rows of all inputs, on the scale of networks.

        Args:
            *rows: a tensor (b, ...) for each input, such as latents (b, latent_dim) and rows of conditions.

        Returns:
            float32 tensor (b, height, width, channels), about [-1, 1].
        """
        return self.render_tensors(*(each.to_tensor(row) for each, row in zip(self.inputs, rows, strict=True)))

    def render_tensors(self, *tensors):
        """Images from the network's tensors, float32: the one place where images are made outside training."""
        return self.image_network(list(tensors) if len(tensors) > 1 else tensors[0], training=False)

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
    def generates(self) -> bool:
        """Whether it can make images now."""
        return True

    @property
    def normal_latents(self) -> bool:
        """Whether latents are distributed like the noise that they are made from: standard normal."""
        return True

    @property
    def noise_dim(self) -> int:
        """Dimensions of the standard normal noise for one image."""
        return 0 if self.latent_input is None else self.latent_dim

    @property
    def num_choices(self) -> int:
        """The number of first dimensions of the noise that truncation leaves as they are."""
        return 0

    def from_noise(self, noise):
        """Latents (b, latent_dim) from standard normal noise (b, noise_dim): the noise itself, unless overridden."""
        return noise

    def truncate(self, noise: np.ndarray, limit: float) -> np.ndarray:
        """Noise cut off at ± `limit`, see `latents.truncate`."""
        return latents.truncate(noise, limit)

    def sample(
        self,
        num: int,
        seed: int = 0,
        where: dict | None = None,
        truncation: float | None = None,
        batch_size: int = 256,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Makes new images.

        A server's `generate` takes a seed for each row and makes other images than this for the same seed.

        Args:
            num: number of images.
            seed: the same seed gives the same latents and conditions, on every backend.
            where: requested values, such as `{"species": "elf", "hat": "yes"}`; everything else is drawn like the
                training data.
            truncation: noise stays within ± this number, see `latents.truncate`: smaller is more typical, less varied.
            batch_size: images made at a time.
            given: pictures and masks by name, uint8 (num, height, width, channels), or one for all; for a model that
                has such inputs.

        Returns:
            uint8 array (num, height, width, channels).

        Raises:
            ValueError: for an attribute or a value that the conditions do not have, and for inputs that are given but
                not expected, or expected but not given.
        """
        return self.decode(*self.draw(num, seed, where, truncation, given), batch_size=batch_size)

    def draw(
        self,
        num: int,
        seed: int = 0,
        where: dict | None = None,
        truncation: float | None = None,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, ...]:
        """The inputs from which `sample` makes images: `decode(*draw(…))` is `sample(…)`.

        Args:
            num: as for `sample`.
            seed: as for `sample`.
            where: as for `sample`.
            truncation: as for `sample`.
            given: as for `sample`; rows of drawn inputs too, which are then not drawn.

        Returns:
            An array of `num` rows for each input: latents float32 (num, latent_dim), then conditions float32 (num,
            conditions.width) where there are any, then pictures.
        """
        given = dict(given or {})
        names = [each.name for each in self.inputs]
        if foreign := [name for name in given if name not in names]:
            raise ValueError(f"expected {', '.join(names)} to be given, received {', '.join(foreign)}")
        if truncation is not None and self.latent_input is None:
            raise ValueError(f"expected no truncation: this {self.family} has no latents, received {truncation}")
        askable = {name: each for each in self.inputs for name in each.names}
        if where and not askable:
            raise ValueError(f"expected no conditions: this model was trained without, received {where}")
        for name in where or {}:
            if lookup("attribute", askable, name).name in given:
                raise ValueError(f"expected {name} to be requested or its rows to be given, received both")

        def rows(each):
            if isinstance(each, Noise) and each.name not in given:
                return self._latents(num, seed, truncation)
            asked = {name: value for name, value in (where or {}).items() if name in each.names}
            return each.rows(num, seed, where=asked, given=given.get(each.name))

        return tuple(map(rows, self.inputs))

    def sweep(
        self,
        attribute: str,
        num: int = 64,
        seed: int = 0,
        where: dict | None = None,
        truncation: float | None = None,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, list[str]]:
        """Makes images in which one attribute runs through its values while latents and everything else stay the same.

        Args:
            attribute: name of an attribute of the conditions.
            num: number of images, rounded down to whole rows of the grid, but at least one row.
            seed: as for `sample`.
            where: as for `sample`.
            truncation: as for `sample`.
            given: as for `sample`, for each row of the grid.

        Returns:
            (uint8 array (n, height, width, channels), the values as text): row by row of a grid with one latent in
            each row and one value in each column.

        Raises:
            ValueError: for an unconditional model, an attribute or value that the conditions do not have, or an
                attribute that `where` fixes.
        """
        if self.conditions is None:
            raise ValueError(f"expected a conditional model, received one without conditions: no {attribute} to vary")
        rows, values = self.conditions.sweep(attribute, num, seed, where)
        drawn = self.draw(len(rows) // len(values), seed, truncation=truncation, given=given)
        repeated = [
            rows if each is self.conditions else np.repeat(row, len(values), axis=0)
            for each, row in zip(self.inputs, drawn, strict=True)
        ]
        return self.decode(*repeated), values

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

    def walk(
        self,
        stops: int = 5,
        frames: int = 16,
        seed: int = 0,
        where: dict | None = None,
        truncation: float | None = None,
        given: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Images that turn into each other: from one new image through others back to the first, see `latents.walk`.

        Args:
            stops: number of new images, at least 2.
            frames: images from each of them to the next one.
            seed: as for `sample`.
            where: as for `sample`; everything else is as in the first image, all the way.
            truncation: as for `sample`.
            given: as for `sample`; those of the first image are used all the way.

        Returns:
            uint8 array (stops · frames, height, width, channels).
        """
        if self.latent_input is None:
            raise ValueError(f"expected a model with latents to walk between, this {self.family} has none")
        draws, *others = self.draw(stops, seed, where, truncation, given)
        way = latents.walk(draws, frames, self.normal_latents)
        return self.decode(way, *_same(others, len(way)))

    def directions(
        self, num: int = 8, seed: int = 0, where: dict | None = None, given: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Directions of the latents in which the images change the most, found without labels.

        Each principal component of images with the same conditions is a quantity, and `latents.direction` gives the
        direction of the latents in which it grows.

        Args:
            num: number of directions, no more than `latent_dim`.
            seed: of the images that are analysed.
            where: as for `sample`; everything else is as in the first image.
            given: as for `sample`; those of the first image are used for all.

        Returns:
            float32 array (num, latent_dim), the most important one first, each as long as the standard deviation of the
            latents along it.

        Raises:
            ValueError: for a number of directions out of its range.

        Source:
            The idea, though not the layer that is analysed, is that of Härkönen et al., GANSpace (2020),
            https://arxiv.org/abs/2004.02546
        """
        from sklearn.decomposition import PCA  # takes half a second and is needed only here

        if not 1 <= num <= self.latent_dim:
            raise ValueError(f"expected 1 to {self.latent_dim} directions, received {num}")
        fitting = MAX_DIRECTION_VALUES // math.prod(self.image_shape)
        num_images = max(MIN_DIRECTION_IMAGES, min(MAX_DIRECTION_IMAGES, fitting))
        given = {name: column[:1] for name, column in (given or {}).items()}
        draws, *others = self.draw(num_images, seed, where, given=given)
        made = self.decode(draws, *_same(others, len(draws)))
        changes = PCA(num, random_state=0).fit_transform(made.reshape(len(made), -1).astype("float32"))
        return np.stack([latents.direction(draws, change) for change in changes.T])

    def traverse(
        self,
        starts: np.ndarray,
        directions: np.ndarray,
        steps: int = 9,
        reach: float = 3.0,
        conditions: np.ndarray | None = None,
        *others: np.ndarray,
    ) -> np.ndarray:
        """Images along a direction, from one side of each start to the other, with the start in the middle.

        Args:
            starts: float array (n, latent_dim) or (latent_dim,).
            directions: float array (n, latent_dim) or (latent_dim,), as from `directions` or `latents.direction`.
            steps: images in each row, at least 2.
            reach: how far to go on both sides, in lengths of the direction.
            conditions: rows (n, conditions.width) or one row, for a model that has them; otherwise of its next input.
            *others: for each further input an array (n, ...) or one row (...).

        Returns:
            uint8 array (n · steps, height, width, channels), row by row.

        Raises:
            ValueError: for fewer than two steps.
        """
        if steps < 2:
            raise ValueError(f"expected at least 2 steps, received {steps}")
        shifts = np.linspace(-reach, reach, steps, dtype="float32")[:, None]
        ways = np.atleast_2d(starts)[:, None] + shifts * np.atleast_2d(directions)[:, None]
        rows = []
        for each, other in zip(self.inputs[1:], [] if conditions is None else [conditions, *others], strict=False):
            wide = np.broadcast_to(np.asarray(other).reshape(-1, *each.shape), (len(ways), *each.shape))
            rows.append(np.repeat(wide, steps, axis=0))
        return self.decode(ways.reshape(-1, self.latent_dim), *rows)

    def decode(self, *rows: np.ndarray | None, batch_size: int = 256) -> np.ndarray:
        """Makes the images of rows.

        Args:
            *rows: for each input an array (n, ...), as `draw` returns them: latents (n, latent_dim), conditions (n,
                conditions.width), pictures. None stands for no input.
            batch_size: images made at a time.

        Returns:
            uint8 array (n, height, width, channels).

        Raises:
            ValueError: if an input is missing or not expected.
        """
        arrays = [row for row in rows if row is not None]
        if len(arrays) != len(self.inputs):
            names = ", ".join(each.name for each in self.inputs)
            raise ValueError(f"expected rows of {names}, received {len(arrays)} array{'s' * (len(arrays) != 1)}")
        return images.in_batches(lambda *batch: images.to_uint8(self.render(*batch)), *arrays, batch_size=batch_size)

    def _latents(self, num, seed, truncation):
        noise = latents.normal(num, self.noise_dim, seed)
        if truncation is not None:
            noise = self.truncate(noise, truncation)
        return images.in_batches(self.from_noise, noise, batch_size=4096)


def _same(others, num):
    """The first row of each, `num` times, for images with the same inputs."""
    return [np.repeat(rows[:1], num, axis=0) for rows in others]
