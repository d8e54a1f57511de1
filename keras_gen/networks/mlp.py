"""Plain dense networks: the article's generator and discriminator, and the two halves of an autoencoder like them."""

from __future__ import annotations

import math

import keras
from keras import layers

from keras_gen.networks.conditioning import discriminator_model, image_inputs, latent_inputs
from keras_gen.networks.kit import Kit


def generator(
    image_shape, latent_dim=100, condition_width=0, *, widths=(256, 512, 1024), wrap="none", name="generator"
):
    """Dense layers that widen up to the pixels, ReLU between them and tanh at the end.

    With the defaults and 28×28×1 images this is 100 → 256 → 512 → 1024 → 784 with 1,486,352 parameters.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        widths: units of the hidden layers.
        wrap: accepted because every architecture has it; it has no effect, as dense layers have no border.
        name: name of the model.

    Returns:
        Functional model, latents (batch, latent_dim) or [latents, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels) in [-1, 1].

    Example:
        >>> generator((28, 28, 1)).count_params()
        1486352
    """
    kit = Kit(wrap)
    inputs, hidden = latent_inputs(latent_dim, condition_width)
    for width in widths:
        hidden = kit.dense(width, activation="relu")(hidden)
    # float32 whatever the policy: the images are the output, and bfloat16 steps are wider than a byte's.
    pixels = kit.dense(math.prod(image_shape), activation="tanh", dtype="float32")(hidden)
    return keras.Model(inputs, layers.Reshape(image_shape, dtype="float32")(pixels), name=name)


def discriminator(
    image_shape,
    condition_width=0,
    mask_channels=0,
    *,
    widths=(1024, 512, 256),
    dropout=0.3,
    spectral_normalization=False,
    weight_clip=None,
    wrap="none",
    name="discriminator",
):
    """Dense layers that narrow from the pixels to one logit, LeakyReLU(0.2) and dropout between them.

    With the defaults and 28×28×1 images this is 784 → 1024 → 512 → 256 → 1 with 1,460,225 parameters.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        widths: units of the hidden layers.
        dropout: share of units dropped in training, in [0, 1).
        spectral_normalization: whether kernels are divided by their largest singular value (Miyato et al.).
        weight_clip: the largest size of a weight (the first WGAN: 0.01), or None for no limit.
        wrap: accepted because every architecture has it; it has no effect, as dense layers have no border.
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 logits (batch, 1); with conditions (batch,
        condition_width) or a mask, a list of images and these.

    Example:
        >>> discriminator((28, 28, 1)).count_params()
        1460225
    """
    kit = Kit(wrap, spectral_normalization, weight_clip)
    inputs, hidden = image_inputs(image_shape, condition_width, mask_channels)
    hidden = layers.Flatten()(hidden)
    for width in widths:
        hidden = kit.dense(width)(hidden)
        hidden = layers.LeakyReLU(0.2)(hidden)
        hidden = layers.Dropout(dropout)(hidden)
    return discriminator_model(inputs, hidden, kit.dense, name)


def encoder(image_shape, latent_dim=32, *, widths=(512, 256), wrap="none", name="encoder"):
    """Dense layers with ReLU that narrow from the pixels to a code.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        widths: units of the hidden layers.
        wrap: accepted because every architecture has it; it has no effect, as dense layers have no border.
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 codes (batch, latent_dim).

    Example:
        >>> encoder((8, 12, 3), latent_dim=4).output_shape
        (None, 4)
    """
    kit = Kit(wrap)
    images = keras.Input(image_shape, name="images")
    hidden = layers.Flatten()(images)
    for width in widths:
        hidden = kit.dense(width, activation="relu")(hidden)
    return keras.Model(images, kit.dense(latent_dim, dtype="float32")(hidden), name=name)


def decoder(image_shape, latent_dim=32, condition_width=0, *, widths=(256, 512), wrap="none", name="decoder"):
    """The mirror of `encoder`, a small `generator`: codes (batch, latent_dim) → images.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        condition_width: width of the rows of conditions, 0 for none.
        widths: units of the hidden layers.
        wrap: accepted because every architecture has it; it has no effect, as dense layers have no border.
        name: name of the model.

    Returns:
        Functional model, codes (batch, latent_dim) or [codes, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels) in [-1, 1].

    Example:
        >>> decoder((8, 12, 3), latent_dim=4).output_shape
        (None, 8, 12, 3)
    """
    return generator(image_shape, latent_dim, condition_width, widths=widths, wrap=wrap, name=name)
