"""From images back to latents: the numbers that a generator has to be given to make them."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_gen import images as pixels
from keras_gen.models.generative import Generative

NUM_TRIED = 2_000  # draws among which each image finds its beginnings
LEARNING_RATE = 0.1  # of latents, which are standard normal; falls to 0
BATCH_PIXELS = 256 * 28**2  # pixels searched for together


class Inversion(NamedTuple):
    """What was found for n images.

    Attributes:
        latents: float32 (n, latent_dim).
        conditions: float32 (n, conditions.width), or None for an unconditional model.
        images: uint8 (n, height, width, channels), what the model makes of these.
        errors: float64 (n,), mean squared error of each image, on the scale [-1, 1].
    """

    latents: np.ndarray
    conditions: np.ndarray | None
    images: np.ndarray
    errors: np.ndarray


def invert(
    model: Generative,
    images: np.ndarray,
    conditions: np.ndarray | None = None,
    *,
    steps: int = 300,
    restarts: int = 4,
    seed: int = 0,
) -> Inversion:
    """Finds latents that a model turns into given images, as nearly as it can.

    A model that has an encoder is asked for the codes. For a GAN each image begins at the `restarts` nearest of 2,000
    draws, descends from each of them along the squared error (Adam), and keeps the best end.

    Args:
        model: a GAN or an autoencoder.
        images: uint8 (n, height, width, channels) of the model's shape.
        conditions: float (n, conditions.width), what is known of the images. An autoencoder with conditions wants
            them; a GAN that is not told takes those of the draws that an image begins at.
        steps: of the descent, at least 1.
        restarts: beginnings for each image, at least 1.
        seed: of the draws.

    Returns:
        The `Inversion`.

    Raises:
        ValueError: for images or conditions of another shape, or a number out of its range.

    Example:
        inversion = invert(gan, data.test.images[:8])
        gan.decode(inversion.latents, inversion.conditions)  # nearly these images

    Source:
        Zhu et al., Generative Visual Manipulation on the Natural Image Manifold (2016), section 3.1,
        https://arxiv.org/abs/1609.03552. Differs: from the nearest draws, without an encoder.
    """
    expected = tuple(model.image_network.output_shape[1:])
    if images.dtype != np.uint8 or tuple(images.shape[1:]) != expected or not len(images):
        shape = ", ".join(map(str, ("n", *expected)))
        raise ValueError(f"expected uint8 images ({shape}), received {images.dtype} {images.shape}")
    if steps < 1 or restarts < 1:
        raise ValueError(f"expected at least 1 step and 1 restart, received {steps} and {restarts}")
    width = None if model.conditions is None else (len(images), model.conditions.width)
    if conditions is not None and conditions.shape != width:
        raise ValueError(f"expected {width or 'no'} conditions, received {conditions.shape}")
    if hasattr(model, "encode"):
        latents = model.encode(images)
        found = model.decode(latents, conditions)
        return Inversion(latents, conditions, found, _errors(images, found))
    drawn = [array for array in model.draw(NUM_TRIED, seed) if array is not None]
    at_once = max(1, BATCH_PIXELS // (restarts * math.prod(expected)))
    parts = []
    for first in range(0, len(images), at_once):
        part = slice(first, first + at_once)
        starts = _nearest(model, images[part], drawn, None if conditions is None else conditions[part], restarts)
        parts.append(_descend(model, images[part], starts, steps))
    latents, *rows = map(np.concatenate, zip(*parts, strict=True))
    conditions = rows[0] if rows else None
    found = model.decode(latents, conditions)
    return Inversion(latents, conditions, found, _errors(images, found))


def _nearest(model, images, drawn, conditions, num):
    """Of the draws, latents alone or beside conditions, those that make what is nearest to each image: (n · num, …)."""
    if conditions is None:
        tried = model.decode(*drawn)
        chosen = np.concatenate([_best(image, tried, num) for image in images])
        return [array[chosen] for array in drawn]
    latents = drawn[0]
    tries = (model.decode(latents, np.repeat(row[None], len(latents), axis=0)) for row in conditions)
    chosen = np.concatenate([_best(image, tried, num) for image, tried in zip(images, tries, strict=True)])
    return [latents[chosen], np.repeat(conditions, num, axis=0)]


def _best(image, tried, num):
    return np.argsort(_errors(tried, image[None]), kind="stable")[:num]


class _Descent(keras.Model):
    """Latents as weights, the distance of their images from given ones as the loss: the stock `fit` does the rest."""

    def __init__(self, render, latents, conditions, targets):
        super().__init__(name="descent")  # a name with an underscore at the front is none for TensorFlow
        self.render = render  # a function: the generator's own weights are none of this model
        self.latents = self.add_weight(latents.shape, name="latents")
        self.latents.assign(latents)
        self.conditions = conditions
        self.targets = targets

    def call(self, inputs):
        return self.render(self.latents.value, *map(ops.convert_to_tensor, self.conditions))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # A sum over the images, each of which has latents of its own: none is in the other's way.
        return ops.sum(ops.mean(ops.square(y_pred - self.targets), axis=(1, 2, 3)))


def _descend(model, images, starts, steps):
    """The best latents (n, latent_dim) of each image, and the conditions beside them, of several restarts."""
    latents, *conditions = starts
    restarts = len(latents) // len(images)
    wanted = np.repeat(images, restarts, axis=0)
    descent = _Descent(model.render, latents, conditions, pixels.to_float(wanted))
    descent.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)))
    descent.fit(np.zeros((steps, 1)), batch_size=1, shuffle=False, verbose=0)  # the data only count the steps
    ends = [ops.convert_to_numpy(descent.latents.value), *conditions]
    errors = _errors(wanted, model.decode(*ends)).reshape(-1, restarts)
    best = np.arange(len(images)) * restarts + errors.argmin(axis=1)
    return [array[best] for array in ends]


def _errors(first, second):
    """Mean squared error of each image, on the scale [-1, 1]."""
    return np.mean(((first.astype("float32") - second) / 127.5) ** 2, axis=(1, 2, 3), dtype="float64")
