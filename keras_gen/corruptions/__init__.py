"""Corruptions of images, as functions of images and a seed.

A model that repairs images learns from images and their corrupted copies, and needs no pairs: the denoising
autoencoder, and any model with a `Picture` that has a corruption, take them by name. All are functions of float images
in [-1, 1], shaped (b, height, width, channels), of an amount, which has a default, and of a seed: an int or a
`keras.random.SeedGenerator`. Models do not belong here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from keras_gen.corruptions.compression import jpeg
from keras_gen.corruptions.photographs import faded, scratches, wear
from keras_gen.corruptions.pixels import blocks, gaussian, grey, identity, masking, salt_and_pepper, shrink
from keras_gen.registry import lookup

CORRUPTIONS: dict[str, Callable] = {
    "identity": identity,
    "gaussian": gaussian,
    "masking": masking,
    "salt_and_pepper": salt_and_pepper,
    "grey": grey,
    "blocks": blocks,
    "shrink": shrink,
    "scratches": scratches,
    "jpeg": jpeg,
    "faded": faded,
    "wear": wear,
}

# Linear, and again the same where they are applied to what they have made, enlarged by repetition: an image can be
# shifted to agree with the picture.
PROJECTIONS: dict[str, Callable] = {"grey": grey, "blocks": blocks, "shrink": shrink}

__all__ = ["CORRUPTIONS", "PROJECTIONS", "get", *CORRUPTIONS]


def get(name: str, amount: float | None = None) -> Callable:
    """The corruption of this name, as a function of images and a seed.

    Args:
        name: a name in `CORRUPTIONS`.
        amount: above 0; None for the corruption's default.

    Raises:
        ValueError: for an unknown name, with the known ones, and for an amount of 0 or less.

    Example:
        >>> from keras import ops
        >>> print(ops.convert_to_numpy(get("grey", 0.5)(ops.array([[[[1.0, 1.0, -1.0]]]]))).round(3).ravel())
        [ 0.886  0.886 -0.114]
    """
    corrupt = lookup("corruption", CORRUPTIONS, name)
    if amount is None:
        return corrupt
    if not amount > 0:
        raise ValueError(f"expected an amount of corruption above 0, received {amount}")
    return functools.partial(corrupt, amount=amount)
