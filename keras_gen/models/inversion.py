"""Inversion: finds the latents from which a generator makes given images, or the known part of them.

With a mask, only the known pixels count, so any trained model can also fill holes: `repair`.
"""

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
        errors: float64 (n,), mean squared error of each image, or of its known pixels, on the scale [-1, 1].
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
    masks: np.ndarray | None = None,
) -> Inversion:
    """Finds latents that a model turns into given images, as nearly as it can.

    A model with an encoder computes the codes. For a GAN the search for each image starts at the `restarts` nearest of
    2,000 draws, minimises the squared error from each of them (Adam), and keeps the best result. With masks, only the
    known pixels count, and a model with an encoder searches too: it starts at the code of the image whose hole has the
    mean colour of its known pixels.

    Args:
        model: a GAN or an autoencoder.
        images: uint8 (n, height, width, channels) of the model's shape.
        conditions: float (n, conditions.width), what is known about the images; short for `given`. An autoencoder with
            conditions requires them; without them a GAN uses those of the draws at which the search starts.
        steps: of the descent, at least 1.
        restarts: starts for each image, at least 1.
        seed: of the draws.
        given: columns of the other inputs by name, such as pictures: all that cannot be drawn.
        masks: uint8 (n, height, width, 1), nonzero where the image is not known; what it has there has no effect.

    Returns:
        The `Inversion`.

    Raises:
        ValueError: for images, masks or conditions of another shape, a number out of its range, or a model without
            latents.

    Example:
        inversion = invert(gan, data.test.images[:8])
        gan.decode(inversion.latents, inversion.conditions)  # nearly these images

    Source:
        Zhu et al., Generative Visual Manipulation on the Natural Image Manifold (2016), section 3.1,
        https://arxiv.org/abs/1609.03552. Differs in that it starts at the nearest draws, without an encoder.
    """
    known = _checked(model, images, masks, steps, restarts, given, conditions)
    if model.reconstructs and masks is None:
        first, *others = (each.name for each in model.inputs)
        rows = {first: model.encode(images, given=known), **{name: known[name] for name in others if name in known}}
    else:
        rows = _search(model, images, masks, known, steps, restarts, seed, from_codes=model.reconstructs)
    found = model.decode(*rows.values())
    return Inversion(rows, found, _errors(images, found, masks))


def repair(
    model: Generative,
    images: np.ndarray,
    masks: np.ndarray,
    *,
    num: int = 1,
    seed: int = 0,
    steps: int = 300,
    restarts: int = 4,
    given: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Fills holes in images with what a trained model makes there, without further training.

    Latents are searched for whose image matches the known pixels, see `invert`; the hole gets the pixels of that image,
    everything else stays as it is. Where the known pixels leave it open what is in the hole, proposals differ: each
    starts at its own draws. An autoencoder without a prior has none: its one proposal starts at the code of the image.

    Args:
        model: a GAN or an autoencoder.
        images: uint8 (n, height, width, channels) of the model's shape.
        masks: uint8 (n, height, width, 1), nonzero in the hole; what the image has there has no effect.
        num: proposals for each image, at least 1. The first are the same for any number of them.
        seed: of the draws. An image's proposals depend on it and on the image, not on the other images.
        steps: of the descent, at least 1.
        restarts: starts for each proposal, of which the best is kept, at least 1.
        given: columns of the other inputs by name, such as pictures: all that cannot be drawn.

    Returns:
        uint8 (n, num, height, width, channels). Known pixels are those of the images, byte for byte.

    Raises:
        ValueError: as `invert`, for fewer than one proposal, and for several from an autoencoder without a prior.

    Example:
        hole = masks.centre((28, 28))[None]
        proposals = repair(gan, data.test.images[:1], hole, num=8)[0]  # eight ways to complete the image

    Source:
        Yeh et al., Semantic Image Inpainting with Deep Generative Models (2017), section 3,
        https://arxiv.org/abs/1607.07539. Differs: the error is squared and weighs all known pixels equally, without
        the prior loss, so no discriminator is needed; the search starts at the nearest draws; the hole is pasted,
        without Poisson blending.
    """
    known = _checked(model, images, masks, steps, restarts, given)
    if num < 1:
        raise ValueError(f"expected at least 1 proposal, received {num}")
    if num > 1 and not model.generates:
        raise ValueError(
            f"expected one proposal of this {model.family}, received {num}: others start at codes drawn from a prior, "
            "which it lacks, see keras_gen.evaluation.choose_prior"
        )
    proposals = []
    for index in range(num):
        own = int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
        from_codes = model.reconstructs and not model.generates
        rows = _search(model, images, masks, known, steps, restarts, own, from_codes)
        proposals.append(np.where(masks != 0, model.decode(*rows.values()), images))
    return np.stack(proposals, axis=1)


def _checked(model, images, masks, steps, restarts, given, conditions=None) -> dict[str, np.ndarray]:
    """Refuses what cannot be inverted; the rows of the given inputs, by name."""
    expected = tuple(model.image_shape)
    if images.dtype != np.uint8 or tuple(images.shape[1:]) != expected or not len(images):
        shape = ", ".join(map(str, ("n", *expected)))
        raise ValueError(f"expected uint8 images ({shape}), received {images.dtype} {images.shape}")
    of_masks = (len(images), *expected[:2], 1)
    if masks is not None and (masks.dtype != np.uint8 or masks.shape != of_masks):
        raise ValueError(f"expected uint8 masks {of_masks}, received {masks.dtype} {masks.shape}")
    if steps < 1 or restarts < 1:
        raise ValueError(f"expected at least 1 step and 1 restart, received {steps} and {restarts}")
    if model.latent_input is None:
        raise ValueError(f"expected a model with latents to search for, this {model.family} has none")
    return _known(model, len(images), {**(given or {}), **({} if conditions is None else {"conditions": conditions})})


def _known(model, num, given) -> dict[str, np.ndarray]:
    """The rows of the given inputs, by the name of the input."""
    inputs = {each.name: each for each in model.inputs}
    for name, column in given.items():
        expected = (num, *inputs[name].shape) if name in inputs else "no"
        if name not in inputs or column.shape not in (expected, (1, *inputs[name].shape)):
            raise ValueError(f"expected {expected} {name}, received {column.shape}")
    return {name: inputs[name].rows(num, 0, given=column) for name, column in given.items()}


def _search(model, images, masks, known, steps, restarts, seed, from_codes) -> dict[str, np.ndarray]:
    """The rows whose images are nearest, by the names of the inputs; the descent starts at codes or at draws."""
    at_once = max(1, BATCH_PIXELS // ((1 if from_codes else restarts) * math.prod(images.shape[1:])))
    parts = []
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        own = {name: column[part] for name, column in known.items()}
        holes = None if masks is None else masks[part]
        if from_codes:
            starts = _encoded(model, images[part], holes, own)
        else:
            starts = _nearest(model, images[part], holes, own, restarts, seed)
        parts.append(_descend(model, images[part], holes, starts, steps))
    names = [each.name for each in model.inputs]
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def _encoded(model, images, masks, known):
    """The codes of images whose holes have the mean colour of the known pixels, and the rows beside them."""
    others = [each.name for each in model.inputs[1:]]
    if missing := [name for name in others if name not in known]:
        raise ValueError(f"expected {', '.join(missing)} beside the images, received images alone")
    is_known = masks == 0
    num_known = is_known.sum(axis=(1, 2), keepdims=True)
    means = (images * is_known).sum(axis=(1, 2), keepdims=True) / np.maximum(num_known, 1)
    fillings = np.where(num_known > 0, np.round(means), 128).astype(np.uint8)  # grey where nothing is known
    return [model.encode(np.where(is_known, images, fillings), given=known), *(known[name] for name in others)]


def _nearest(model, images, masks, known, num, seed):
    """The draws whose images are nearest to each image, as rows of all inputs (n · num, …)."""
    holes = [None] * len(images) if masks is None else masks
    if not known:
        drawn = model.draw(NUM_TRIED, seed)
        tried = model.decode(*drawn)
        chosen = np.concatenate([_best(image, tried, hole, num) for image, hole in zip(images, holes, strict=True)])
        return [rows[chosen] for rows in drawn]
    parts = []
    for index, (image, hole) in enumerate(zip(images, holes, strict=True)):
        own = {name: column[index : index + 1] for name, column in known.items()}
        drawn = model.draw(NUM_TRIED, seed, given=own)
        chosen = _best(image, model.decode(*drawn), hole, num)
        parts.append([rows[chosen] for rows in drawn])
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


def _best(image, tried, hole, num):
    errors = _errors(tried, image[None], None if hole is None else hole[None])
    return np.argsort(errors, kind="stable")[:num]


class _Descent(keras.Model):
    """Latents as weights, the distance of their images from given ones as the loss: the stock `fit` minimises it."""

    def __init__(self, render, latents, others, targets, weights=None):
        super().__init__(name="descent")  # TensorFlow accepts no name that begins with an underscore
        self.render = render  # a function: the generator's weights do not belong to this model
        self.latents = self.add_weight(latents.shape, name="latents")
        self.latents.assign(latents)
        self.others = others
        self.targets = targets
        self.pixel_weights = weights

    def call(self, inputs):
        return self.render(self.latents.value, *map(ops.convert_to_tensor, self.others))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # A sum over the images: each has its own latents, so they do not affect each other.
        squares = ops.square(y_pred - self.targets)
        if self.pixel_weights is not None:
            return ops.sum(ops.sum(squares * self.pixel_weights, axis=(1, 2, 3)))
        return ops.sum(ops.mean(squares, axis=(1, 2, 3)))


def _descend(model, images, masks, starts, steps):
    """The best latents (n, latent_dim) of each image over several restarts, and the rows beside them."""
    latents, *others = starts
    restarts = len(latents) // len(images)
    wanted = np.repeat(images, restarts, axis=0)
    holes = None if masks is None else np.repeat(masks, restarts, axis=0)
    weights = None if holes is None else ops.convert_to_tensor(_pixel_weights(holes, images.shape[-1]))
    descent = _Descent(model.render, latents, others, pixels.to_float(wanted), weights)
    descent.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)))
    descent.fit(np.zeros((steps, 1)), batch_size=1, shuffle=False, verbose=0)  # the data only set the number of steps
    ends = [ops.convert_to_numpy(descent.latents.value), *others]
    errors = _errors(wanted, model.decode(*ends), holes).reshape(-1, restarts)
    best = np.arange(len(images)) * restarts + errors.argmin(axis=1)
    return [array[best] for array in ends]


def _errors(first, second, masks=None):
    """Mean squared error of each image, or of its known pixels, on the scale [-1, 1]."""
    squares = ((first.astype("float32") - second) / 127.5) ** 2
    if masks is None:
        return np.mean(squares, axis=(1, 2, 3), dtype="float64")
    return np.sum(squares * _pixel_weights(masks, squares.shape[-1]), axis=(1, 2, 3), dtype="float64")


def _pixel_weights(masks, channels):
    """Weights (n, height, width, 1) with which a sum is the mean over the known values; all 0 where none is known."""
    known = masks == 0
    return (known / np.maximum(channels * known.sum(axis=(1, 2, 3), keepdims=True), 1)).astype("float32")
