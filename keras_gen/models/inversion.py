"""Inversion: finds the latents from which a generator makes given images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from keras_gen import images as pixels
from keras_gen.models.generative import Generative

NUM_TRIED = 2_000  # draws from which the starts of each image are chosen
LEARNING_RATE = 0.1  # of latents, which are standard normal; falls to 0
BATCH_PIXELS = 256 * 28**2  # pixels searched for together


@dataclasses.dataclass(frozen=True)
class Inversion:
    """The result for n images.

    Attributes:
        rows: by the name of each input, the rows from which the model makes the images, such as `latents` float32
            (n, latent_dim) and `conditions` float32 (n, conditions.width).
        images: uint8 (n, height, width, channels), what the model makes from these.
        errors: float64 (n,), mean squared error of each image, on the scale [-1, 1].
    """

    rows: dict[str, np.ndarray]
    images: np.ndarray
    errors: np.ndarray

    @property
    def latents(self) -> np.ndarray:
        """The latents, or the codes of an autoencoder, float32 (n, latent_dim)."""
        return next(iter(self.rows.values()))

    @property
    def conditions(self) -> np.ndarray | None:
        """The conditions, or None for an unconditional model."""
        return self.rows.get("conditions")


def invert(
    model: Generative,
    images: np.ndarray,
    conditions: np.ndarray | None = None,
    *,
    steps: int = 300,
    restarts: int = 4,
    seed: int = 0,
    given: Mapping[str, np.ndarray] | None = None,
) -> Inversion:
    """Finds latents that a model turns into given images, as nearly as it can.

    A model with an encoder computes the codes. For a GAN the search for each image starts at the `restarts` nearest of
    2,000 draws, minimises the squared error from each of them (Adam), and keeps the best result.

    Args:
        model: a GAN or an autoencoder.
        images: uint8 (n, height, width, channels) of the model's shape.
        conditions: float (n, conditions.width), what is known about the images; short for `given`. An autoencoder with
            conditions requires them; without them a GAN uses those of the draws at which the search starts.
        steps: of the descent, at least 1.
        restarts: starts for each image, at least 1.
        seed: of the draws.
        given: columns of the other inputs by name, such as pictures: all that cannot be drawn.

    Returns:
        The `Inversion`.

    Raises:
        ValueError: for images or conditions of another shape, a number out of its range, or a model without latents.

    Example:
        inversion = invert(gan, data.test.images[:8])
        gan.decode(inversion.latents, inversion.conditions)  # nearly these images

    Source:
        Zhu et al., Generative Visual Manipulation on the Natural Image Manifold (2016), section 3.1,
        https://arxiv.org/abs/1609.03552. Differs in that it starts at the nearest draws, without an encoder.
    """
    expected = tuple(model.image_shape)
    if images.dtype != np.uint8 or tuple(images.shape[1:]) != expected or not len(images):
        shape = ", ".join(map(str, ("n", *expected)))
        raise ValueError(f"expected uint8 images ({shape}), received {images.dtype} {images.shape}")
    if steps < 1 or restarts < 1:
        raise ValueError(f"expected at least 1 step and 1 restart, received {steps} and {restarts}")
    if model.latent_input is None:
        raise ValueError(f"expected a model with latents to search for, this {model.family} has none")
    names = [each.name for each in model.inputs]
    first, *others = names
    known = _known(model, len(images), {**(given or {}), **({} if conditions is None else {"conditions": conditions})})
    if model.reconstructs:
        rows = {first: model.encode(images, given=known), **{name: known[name] for name in others if name in known}}
    else:
        at_once = max(1, BATCH_PIXELS // (restarts * math.prod(expected)))
        parts = []
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            own = {name: column[part] for name, column in known.items()}
            starts = _nearest(model, images[part], own, restarts, seed)
            parts.append(_descend(model, images[part], starts, steps))
        rows = dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    found = model.decode(*rows.values())
    return Inversion(rows, found, _errors(images, found))


def _known(model, num, given) -> dict[str, np.ndarray]:
    """The rows of the given inputs, by the name of the input."""
    inputs = {each.name: each for each in model.inputs}
    for name, column in given.items():
        expected = (num, *inputs[name].shape) if name in inputs else "no"
        if name not in inputs or column.shape not in (expected, (1, *inputs[name].shape)):
            raise ValueError(f"expected {expected} {name}, received {column.shape}")
    return {name: inputs[name].rows(num, 0, given=column) for name, column in given.items()}


def _nearest(model, images, known, num, seed):
    """The draws whose images are nearest to each image, as rows of all inputs (n · num, …)."""
    if not known:
        drawn = model.draw(NUM_TRIED, seed)
        tried = model.decode(*drawn)
        chosen = np.concatenate([_best(image, tried, num) for image in images])
        return [rows[chosen] for rows in drawn]
    parts = []
    for index, image in enumerate(images):
        own = {name: column[index : index + 1] for name, column in known.items()}
        drawn = model.draw(NUM_TRIED, seed, given=own)
        chosen = _best(image, model.decode(*drawn), num)
        parts.append([rows[chosen] for rows in drawn])
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


def _best(image, tried, num):
    return np.argsort(_errors(tried, image[None]), kind="stable")[:num]


class _Descent(keras.Model):
    """Latents as weights, the distance of their images from given ones as the loss: the stock `fit` minimises it."""

    def __init__(self, render, latents, others, targets):
        super().__init__(name="descent")  # TensorFlow accepts no name that begins with an underscore
        self.render = render  # a function: the generator's weights do not belong to this model
        self.latents = self.add_weight(latents.shape, name="latents")
        self.latents.assign(latents)
        self.others = others
        self.targets = targets

    def call(self, inputs):
        return self.render(self.latents.value, *map(ops.convert_to_tensor, self.others))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # A sum over the images: each has its own latents, so they do not affect each other.
        return ops.sum(ops.mean(ops.square(y_pred - self.targets), axis=(1, 2, 3)))


def _descend(model, images, starts, steps):
    """The best latents (n, latent_dim) of each image over several restarts, and the rows beside them."""
    latents, *others = starts
    restarts = len(latents) // len(images)
    wanted = np.repeat(images, restarts, axis=0)
    descent = _Descent(model.render, latents, others, pixels.to_float(wanted))
    descent.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)))
    descent.fit(np.zeros((steps, 1)), batch_size=1, shuffle=False, verbose=0)  # the data only set the number of steps
    ends = [ops.convert_to_numpy(descent.latents.value), *others]
    errors = _errors(wanted, model.decode(*ends)).reshape(-1, restarts)
    best = np.arange(len(images)) * restarts + errors.argmin(axis=1)
    return [array[best] for array in ends]


def _errors(first, second):
    """Mean squared error of each image, on the scale [-1, 1]."""
    return np.mean(((first.astype("float32") - second) / 127.5) ** 2, axis=(1, 2, 3), dtype="float64")
