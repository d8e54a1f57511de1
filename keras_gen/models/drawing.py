"""Latents and everything else that images are made from: drawn, varied one at a time, and turned into images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np

from keras_gen import images, latents
from keras_gen.inputs import Conditions, Input, Noise
from keras_gen.registry import lookup

MAX_DIRECTION_IMAGES, MIN_DIRECTION_IMAGES = 2_000, 200  # from which directions are computed
MAX_DIRECTION_VALUES = 2_000 * 128**2  # of all of them together


class Drawing:
    """The side of a model that draws its inputs and makes images from them.

    A subclass defines `inputs` and `image_network`; where latents are not standard normal, also `noise_dim`,
    `num_choices`, `from_noise` and `truncate`.
    """

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

    def _latents(self, num, seed, truncation):
        noise = latents.normal(num, self.noise_dim, seed)
        if truncation is not None:
            noise = self.truncate(noise, truncation)
        return images.in_batches(self.from_noise, noise, batch_size=4096)


def _same(others, num):
    """The first row of each, `num` times, for images with the same inputs."""
    return [np.repeat(rows[:1], num, axis=0) for rows in others]
