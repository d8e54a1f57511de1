"""Models that make new images: what a GAN and an autoencoder with a prior have in common."""

from __future__ import annotations

import math

import keras
import numpy as np

from keras_gen import images, latents
from keras_gen.inputs import Conditions
from keras_gen.inputs.conditions import MAX_COLUMNS

MAX_ROWS = 10  # of a picture with columns: two of them in 64 images are a strip that nobody can look at
MAX_DIRECTION_IMAGES, MIN_DIRECTION_IMAGES = 2_000, 200  # images by which directions are found
MAX_DIRECTION_VALUES = 2_000 * 128**2  # values of images that are looked at together


class Generative:
    """The side of a model that draws numbers and makes images of them.

    A class that is one has `conditions`, a schema or None, and defines `latent_dim` and `image_network`; where images
    are not made of standard normal numbers, `noise_dim`, `num_choices`, `from_noise` and `truncate` too.
    """

    conditions: Conditions | None = None

    def fit(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.fit`, after a look at the range of the images to be made, see `images.check_range`.

        These are `y` where an autoencoder is given targets, else `x`, or its first part.
        """
        given = x[0] if isinstance(x, tuple | list) and x else x
        images.check_range(y if np.ndim(y) == 4 else given)
        return super().fit(x, y, *args, **kwargs)  # type: ignore[misc]  # of the Keras model that the class is, too

    @property
    def latent_dim(self) -> int:
        """Numbers per latent."""
        raise NotImplementedError

    @property
    def image_network(self) -> keras.Model:
        """The network that makes images of latents; with conditions, of [latents, rows]."""
        raise NotImplementedError

    def render(self, *inputs):
        """Images of latents, on the scale of networks.

        Args:
            *inputs: latents (b, latent_dim); with conditions, rows (b, conditions.width) too.

        Returns:
            float32 tensor (b, height, width, channels), about [-1, 1].
        """
        return self.image_network(list(inputs) if len(inputs) > 1 else inputs[0], training=False)

    @property
    def generates(self) -> bool:
        """Whether it can make images as it is."""
        return True

    @property
    def normal_latents(self) -> bool:
        """Whether latents are distributed like the noise that they are made of: standard normal."""
        return True

    @property
    def noise_dim(self) -> int:
        """Standard normal numbers that one image is made of."""
        return self.latent_dim

    @property
    def num_choices(self) -> int:
        """Numbers of the noise, at its front, that truncation leaves as they are."""
        return 0

    def from_noise(self, noise):
        """Latents (b, latent_dim) of standard normal noise (b, noise_dim): the noise itself, unless said otherwise."""
        return noise

    def truncate(self, noise: np.ndarray, limit: float) -> np.ndarray:
        """Noise cut off at ± `limit`, see `latents.truncate`."""
        return latents.truncate(noise, limit)

    def sample(
        self, num: int, seed: int = 0, where: dict | None = None, truncation: float | None = None, batch_size: int = 256
    ) -> np.ndarray:
        """Makes new images.

        Args:
            num: number of images.
            seed: the same seed gives the same latents and conditions, on every backend.
            where: what is asked for, such as `{"species": "elf", "hat": "yes"}`; everything else is drawn like the
                training data.
            truncation: noise stays within ± this number, see `latents.truncate`: smaller is more typical, less varied.
            batch_size: images made at a time.

        Returns:
            uint8 array (num, height, width, channels).

        Raises:
            ValueError: for an attribute or a value that the conditions do not have.
        """
        return self.decode(*self.draw(num, seed, where, truncation), batch_size)

    def draw(
        self, num: int, seed: int = 0, where: dict | None = None, truncation: float | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """What `sample` makes images of, for who wants to know what was asked for: `decode(*draw(…))` is `sample(…)`.

        Args:
            num: as for `sample`.
            seed: as for `sample`.
            where: as for `sample`.
            truncation: as for `sample`.

        Returns:
            Latents float32 (num, latent_dim) and conditions float32 (num, conditions.width), or None without.
        """
        draws = self._latents(num, seed, truncation)
        if self.conditions is None:
            if where:
                raise ValueError(f"expected no conditions: this model was trained without, received {where}")
            return draws, None
        return draws, self.conditions.rows(num, seed, where)

    def sweep(
        self, attribute: str, num: int = 64, seed: int = 0, where: dict | None = None, truncation: float | None = None
    ) -> tuple[np.ndarray, list[str]]:
        """Makes images in which one attribute runs through its values while latents and all else stay.

        Args:
            attribute: name of an attribute of the conditions.
            num: number of images, rounded down to whole rows of the grid, of which there is at least one.
            seed: as for `sample`.
            where: as for `sample`.
            truncation: as for `sample`.

        Returns:
            (uint8 array (n, height, width, channels), the values as text): row by row of a grid with one latent in
            each row and one value in each column.

        Raises:
            ValueError: for an unconditional model, an attribute or value that the conditions do not have, or an
                attribute that `where` holds fast.
        """
        if self.conditions is None:
            raise ValueError(f"expected a conditional model, received one without conditions: no {attribute} to vary")
        rows, values = self.conditions.sweep(attribute, num, seed, where)
        draws = self._latents(len(rows) // len(values), seed, truncation)
        return self.decode(np.repeat(draws, len(values), axis=0), rows), values

    @property
    def columns(self) -> str | None:
        """The attribute whose values are the columns of `picture`: the first one, if it has no more than 16."""
        if self.conditions is None or self.conditions.attributes[0].width > MAX_COLUMNS:
            return None
        return self.conditions.names[0]

    def picture(self, num: int = 64, seed: int = 0) -> np.ndarray:
        """What it makes, at a glance: a grid of new images, the same ones for the same seed.

        If the model has `columns`, each row is one latent and each column one value of that attribute; all else is
        drawn like the training data.

        Args:
            num: images in the grid; with columns no more than these, in whole rows, at least one row and at most 10.
            seed: as for `sample`.

        Returns:
            uint8 array (height, width, channels), as of `images.grid`.
        """
        if self.conditions is None or self.columns is None:
            return images.grid(self.sample(num, seed))
        num_columns = len(self.conditions.attributes[0].sweep(MAX_COLUMNS))
        pictures, _ = self.sweep(self.columns, min(num, MAX_ROWS * num_columns), seed)
        return images.grid(pictures, num_columns)

    def walk(
        self,
        stops: int = 5,
        frames: int = 16,
        seed: int = 0,
        where: dict | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Images that turn into each other: from one new image over others back to the first, see `latents.walk`.

        Args:
            stops: number of new images, at least 2.
            frames: images from each of them up to the next one.
            seed: as for `sample`.
            where: as for `sample`; what is not asked for is that of the first image, all the way.
            truncation: as for `sample`.

        Returns:
            uint8 array (stops · frames, height, width, channels).
        """
        draws, rows = self.draw(stops, seed, where, truncation)
        way = latents.walk(draws, frames, self.normal_latents)
        return self.decode(way, _same(rows, len(way)))

    def directions(self, num: int = 8, seed: int = 0, where: dict | None = None) -> np.ndarray:
        """Directions of the latents in which the images change the most, found without labels.

        The principal components of images of one kind are quantities, and `latents.direction` says how latents go
        as each of them grows.

        Args:
            num: number of directions, no more than `latent_dim`.
            seed: of the images looked at.
            where: as for `sample`; what is not asked for is that of the first image in all of them.

        Returns:
            float32 array (num, latent_dim), the most important one first, each as long as the standard deviation of the
            latents along it.

        Raises:
            ValueError: for a number of directions out of its range.

        Source:
            The idea, if not the layer that is looked at, is that of Härkönen et al., GANSpace (2020),
            https://arxiv.org/abs/2004.02546
        """
        from sklearn.decomposition import PCA  # half a second that only this needs

        if not 1 <= num <= self.latent_dim:
            raise ValueError(f"expected 1 to {self.latent_dim} directions, received {num}")
        values = math.prod(self.image_network.output_shape[1:])
        draws, rows = self.draw(
            max(MIN_DIRECTION_IMAGES, min(MAX_DIRECTION_IMAGES, MAX_DIRECTION_VALUES // values)), seed, where
        )
        made = self.decode(draws, _same(rows, len(draws)))
        changes = PCA(num, random_state=0).fit_transform(made.reshape(len(made), -1).astype("float32"))
        return np.stack([latents.direction(draws, change) for change in changes.T])

    def traverse(
        self,
        starts: np.ndarray,
        directions: np.ndarray,
        steps: int = 9,
        reach: float = 3.0,
        conditions: np.ndarray | None = None,
    ) -> np.ndarray:
        """Images from one side of each start to the other, along a direction, the start in the middle.

        Args:
            starts: float array (n, latent_dim) or (latent_dim,).
            directions: float array (n, latent_dim) or (latent_dim,), as of `directions` or `latents.direction`.
            steps: images in each row, at least 2.
            reach: how far to go on both sides, in lengths of the direction.
            conditions: float array (n, conditions.width) or (conditions.width,), for a conditional model.

        Returns:
            uint8 array (n · steps, height, width, channels), row by row.

        Raises:
            ValueError: for less than two steps.
        """
        if steps < 2:
            raise ValueError(f"expected at least 2 steps, received {steps}")
        shifts = np.linspace(-reach, reach, steps, dtype="float32")[:, None]
        ways = np.atleast_2d(starts)[:, None] + shifts * np.atleast_2d(directions)[:, None]
        if conditions is not None:
            conditions = np.broadcast_to(np.atleast_2d(conditions), (len(ways), conditions.shape[-1]))
            conditions = np.repeat(conditions, steps, axis=0)
        return self.decode(ways.reshape(-1, self.latent_dim), conditions)

    def decode(self, latents: np.ndarray, conditions: np.ndarray | None = None, batch_size: int = 256) -> np.ndarray:
        """The images of latents.

        Args:
            latents: float array (n, latent_dim).
            conditions: float array (n, conditions.width), for a conditional model.
            batch_size: latents decoded at a time.

        Returns:
            uint8 array (n, height, width, channels).

        Raises:
            ValueError: if conditions are missing or not expected.
        """
        if (conditions is None) != (self.conditions is None):
            raise ValueError(f"expected {'no ' if self.conditions is None else ''}conditions beside the latents")
        inputs = (latents,) if conditions is None else (latents, conditions)

        def make(*batch):
            return images.to_uint8(self.render(*batch))

        return images.in_batches(make, *inputs, batch_size=batch_size)

    def _latents(self, num, seed, truncation):
        noise = latents.normal(num, self.noise_dim, seed)
        if truncation is not None:
            noise = self.truncate(noise, truncation)
        return images.in_batches(self.from_noise, noise, batch_size=4096)


def _same(rows, num):
    """The first row, `num` times, for images of one kind."""
    return None if rows is None else np.repeat(rows[:1], num, axis=0)
