"""Corruptions of single pixels and of blocks of them: noise, holes, grey, a smaller size."""

from __future__ import annotations

import keras
from keras import ops

LUMA = (0.299, 0.587, 0.114)  # red, green, blue in Y of Rec. ITU-R BT.601, which Pillow's "L" uses


def identity(images, amount=1, seed=None):
    """The images as they are, for a model that hides parts of them by itself; `amount` has no effect.

    Example:
        >>> tuple(identity(ops.zeros((2, 8, 12, 3))).shape)
        (2, 8, 12, 3)
    """
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
    """Removes the share `amount` of the colour: towards the luma, `0.299 red + 0.587 green + 0.114 blue`.

    A grey picture that Pillow makes (`convert("L")`) has the same values. Alpha is not changed, nor are images of one
    channel. With an amount of 1, a second time changes nothing.

    Args:
        images: float tensor (b, height, width, 1, 3 or 4).
        amount: in (0, 1], or a tensor that broadcasts to (b, height, width, 1).
        seed: has no effect.

    Returns:
        A tensor like `images`.

    Example:
        >>> images = ops.array([[[[1.0, 0.0, -1.0, 0.5]]]])
        >>> print(ops.convert_to_numpy(grey(images)).round(3).ravel())
        [0.185 0.185 0.185 0.5  ]

    Source:
        Recommendation ITU-R BT.601, section 2.5.1, https://www.itu.int/rec/R-REC-BT.601
    """
    if images.shape[-1] == 1:
        return images
    colors, alpha = images[..., :3], images[..., 3:]
    luma = ops.sum(colors * ops.convert_to_tensor(LUMA, "float32"), axis=-1, keepdims=True)
    return ops.concatenate([colors + amount * (luma - colors), alpha], axis=-1)


def blocks(images, amount=2, seed=None):
    """Replaces squares of `amount` pixels a side by their mean, like a picture of a fraction of the size.

    Raises:
        ValueError: if the height or the width is not a multiple of `amount`, a whole number.

    Example:
        >>> images = ops.reshape(ops.array([0.0, 1.0, 0.5, 0.5]), (1, 2, 2, 1))
        >>> ops.convert_to_numpy(blocks(images)).ravel().tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    means, side = shrink(images, amount), int(amount)
    return ops.repeat(ops.repeat(means, side, axis=1), side, axis=2)


def shrink(images, amount=2, seed=None):
    """Pictures of a fraction of the size: the mean of each square of `amount` pixels a side, as PIL's `Image.reduce`.

    Args:
        images: float tensor (b, height, width, channels).
        amount: a whole number, which divides the height and the width.
        seed: has no effect.

    Returns:
        float tensor (b, height / amount, width / amount, channels).

    Raises:
        ValueError: if the height or the width is not a multiple of `amount`, a whole number.

    Example:
        >>> tuple(shrink(ops.zeros((2, 8, 12, 3)), 4).shape)
        (2, 2, 3, 3)
    """
    height, width, channels = images.shape[1:]
    side = int(amount)
    if side != amount or height % side or width % side:
        raise ValueError(f"expected images of a multiple of {amount} pixels a side, received {height}×{width}")
    cut = ops.reshape(images, (-1, height // side, side, width // side, side, channels))
    return ops.mean(cut, axis=(2, 4))


def _places(images, seed):
    """Uniform numbers (b, height, width, 1)."""
    return keras.random.uniform((*ops.shape(images)[:-1], 1), seed=seed)
