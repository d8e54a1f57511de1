"""Plain dense networks: the article's generator and discriminator, and the autoencoder's halves alike."""

from __future__ import annotations

import math

import keras
from keras import layers


def generator(image_shape, latent_dim=100, widths=(256, 512, 1024), name="generator"):
    """Dense layers that widen up to the pixels, ReLU between them and tanh at the end.

    With the defaults and 28×28×1 images this is 100 → 256 → 512 → 1024 → 784 with 1,486,352 parameters.

    Args:
        image_shape: (height, width, channels).
        latent_dim: numbers per latent.
        widths: units of the hidden layers.
        name: name of the model.

    Returns:
        Functional model, latents (batch, latent_dim) → float32 images (batch, height, width, channels) in [-1, 1].

    Example:
        >>> generator((28, 28, 1)).count_params()
        1486352
    """
    latents = hidden = keras.Input((latent_dim,), name="latents")
    for width in widths:
        hidden = layers.Dense(width, activation="relu")(hidden)
    # float32 whatever the policy: the images are the output, and bfloat16 steps are wider than a byte's.
    pixels = layers.Dense(math.prod(image_shape), activation="tanh", dtype="float32")(hidden)
    return keras.Model(latents, layers.Reshape(image_shape, dtype="float32")(pixels), name=name)


def discriminator(image_shape, widths=(1024, 512, 256), dropout=0.3, name="discriminator"):
    """Dense layers that narrow from the pixels to one logit, LeakyReLU(0.2) and dropout between them.

    With the defaults and 28×28×1 images this is 784 → 1024 → 512 → 256 → 1 with 1,460,225 parameters.

    Args:
        image_shape: (height, width, channels).
        widths: units of the hidden layers.
        dropout: share of units dropped in training, in [0, 1).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 logits (batch, 1).

    Example:
        >>> discriminator((28, 28, 1)).count_params()
        1460225
    """
    images = keras.Input(image_shape, name="images")
    hidden = layers.Flatten()(images)
    for width in widths:
        hidden = layers.Dense(width)(hidden)
        hidden = layers.LeakyReLU(0.2)(hidden)
        hidden = layers.Dropout(dropout)(hidden)
    return keras.Model(images, layers.Dense(1, dtype="float32")(hidden), name=name)


def encoder(image_shape, latent_dim=32, widths=(512, 256), name="encoder"):
    """Dense layers with ReLU that narrow from the pixels to a code.

    Args:
        image_shape: (height, width, channels).
        latent_dim: numbers per code.
        widths: units of the hidden layers.
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 codes (batch, latent_dim).

    Example:
        >>> encoder((8, 12, 3), latent_dim=4).output_shape
        (None, 4)
    """
    images = keras.Input(image_shape, name="images")
    hidden = layers.Flatten()(images)
    for width in widths:
        hidden = layers.Dense(width, activation="relu")(hidden)
    return keras.Model(images, layers.Dense(latent_dim, dtype="float32")(hidden), name=name)


def decoder(image_shape, latent_dim=32, widths=(256, 512), name="decoder"):
    """The mirror of `encoder`, which is a small `generator`: codes (batch, latent_dim) → images.

    Args:
        image_shape: (height, width, channels).
        latent_dim: numbers per code.
        widths: units of the hidden layers.
        name: name of the model.

    Returns:
        Functional model, codes (batch, latent_dim) → float32 images (batch, height, width, channels) in [-1, 1].

    Example:
        >>> decoder((8, 12, 3), latent_dim=4).output_shape
        (None, 8, 12, 3)
    """
    return generator(image_shape, latent_dim, widths, name)
