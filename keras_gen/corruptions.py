"""Corruptions of images, as functions of images and a seed.

A model that repairs images learns from images and their corrupted copies, and needs no pairs: the denoising
autoencoder, and any model with a `Picture` that has a corruption, take them by name. All are functions of float images
in [-1, 1], shaped (b, height, width, channels), of an amount, which has a default, and of a seed. Models do not belong
here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
from keras import ops

from keras_gen.registry import lookup


def identity(images, amount=1.0, seed=None):
    """Leaves images as they are: for a model that hides a part of them by itself."""
    return images


def gaussian(images, amount=0.5, seed=None):
    """Adds normal noise with the standard deviation `amount`, on the scale [-1, 1]."""
    return images + keras.random.normal(ops.shape(images), stddev=amount, seed=seed)


def masking(images, amount=0.5, seed=None):
    """Turns the share `amount` of the pixels grey, all channels of a pixel alike."""
    return ops.where(_places(images, seed) < amount, 0.0, images)


def salt_and_pepper(images, amount=0.5, seed=None):
    """Turns the share `amount` of the pixels black or white, equally likely, all channels of a pixel alike."""
    places = _places(images, seed)
    return ops.where(places < amount / 2, -1.0, ops.where(places < amount, 1.0, images))


def grey(images, amount=1.0, seed=None):
    """Removes the share `amount` of the colour: towards the mean of red, green and blue; alpha is not changed.

    Example:
        >>> images = ops.array([[[[1.0, 0.0, -1.0, 0.5]]]])
        >>> ops.convert_to_numpy(grey(images)).ravel().tolist()
        [0.0, 0.0, 0.0, 0.5]
    """
    colors, alpha = images[..., :3], images[..., 3:]
    mean = ops.mean(colors, axis=-1, keepdims=True)
    return ops.concatenate([colors + amount * (mean - colors), alpha], axis=-1)


def blocks(images, amount=2, seed=None):
    """Replaces squares of `amount` pixels a side by their mean, like a picture of a fraction of the size.

    Raises:
        ValueError: if the height or the width is not a multiple of `amount`, a whole number.

    Example:
        >>> images = ops.reshape(ops.array([0.0, 1.0, 0.5, 0.5]), (1, 2, 2, 1))
        >>> ops.convert_to_numpy(blocks(images)).ravel().tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    height, width, channels = images.shape[1:]
    side = int(amount)
    if side != amount or height % side or width % side:
        raise ValueError(f"expected images of a multiple of {amount} pixels a side, received {height}×{width}")
    cut = ops.reshape(images, (-1, height // side, side, width // side, side, channels))
    return ops.reshape(ops.mean(cut, axis=(2, 4), keepdims=True) + ops.zeros_like(cut), (-1, height, width, channels))


def _places(images, seed):
    """Uniform numbers (b, height, width, 1)."""
    return keras.random.uniform((*ops.shape(images)[:-1], 1), seed=seed)


# Linear, with A(A⁺(picture)) = picture where A⁺ repeats what A has made smaller: an image can be shifted to agree with
# the picture.
PROJECTIONS = {"grey": grey}

CORRUPTIONS: dict[str, Callable] = {
    "identity": identity,
    "gaussian": gaussian,
    "masking": masking,
    "salt_and_pepper": salt_and_pepper,
    "grey": grey,
    "blocks": blocks,
}


def get(name: str, amount: float | None = None) -> Callable:
    """The corruption of this name, as a function of images and a seed.

    Args:
        name: a name in `CORRUPTIONS`.
        amount: above 0; None for the corruption's default.

    Raises:
        ValueError: for an unknown name, with the known ones, and for an amount of 0 or less.

    Example:
        >>> ops.convert_to_numpy(get("grey", 0.5)(ops.array([[[[1.0, 0.0, -1.0]]]]))).ravel().tolist()
        [0.5, 0.0, -0.5]
    """
    corrupt = lookup("corruption", CORRUPTIONS, name)
    if amount is None:
        return corrupt
    if not amount > 0:
        raise ValueError(f"expected an amount of corruption above 0, received {amount}")
    return functools.partial(corrupt, amount=amount)
