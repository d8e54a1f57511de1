"""Small convolutional networks without normalisation, for images of any height and width."""

from __future__ import annotations

import math

import keras
from keras import layers

# He et al., Delving Deep into Rectifiers (2015), equation 10, https://arxiv.org/abs/1502.01852
RELU = {"activation": "relu", "kernel_initializer": "he_normal"}


def encoder(image_shape, latent_dim=32, widths=(16, 32, 64), name="encoder"):
    """3×3 convolutions that halve the image (rounding up) once per width, then one dense layer to the code.

    Args:
        image_shape: (height, width, channels).
        latent_dim: numbers per code.
        widths: channels after each halving.
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 codes (batch, latent_dim).

    Example:
        >>> encoder((7, 12, 3), latent_dim=4).output_shape
        (None, 4)
    """
    images = hidden = keras.Input(image_shape, name="images")
    for width in widths:
        hidden = layers.Conv2D(width, 3, strides=2, padding="same", **RELU)(hidden)
    codes = layers.Dense(latent_dim, dtype="float32")(layers.Flatten()(hidden))
    return keras.Model(images, codes, name=name)


def decoder(image_shape, latent_dim=32, widths=(64, 32, 16), name="decoder"):
    """The mirror of `encoder`: doubles the image once per width, cutting back to odd sizes.

    Nearest-neighbour doubling before a stride-1 convolution, since a transposed convolution leaves a checkerboard
    (Odena et al., Deconvolution and Checkerboard Artifacts, 2016, https://doi.org/10.23915/distill.00003).

    The output is linear. On images that are mostly black, tanh saturates there within the first steps, while all
    weights still move in one direction, and never comes back. `images.to_uint8` clips what lies outside [-1, 1].

    Args:
        image_shape: (height, width, channels).
        latent_dim: numbers per code.
        widths: channels before each doubling.
        name: name of the model.

    Returns:
        Functional model, codes (batch, latent_dim) → float32 images (batch, height, width, channels), about [-1, 1].

    Example:
        >>> decoder((7, 12, 3), latent_dim=4).output_shape
        (None, 7, 12, 3)
    """
    height, width, channels = image_shape
    sizes = [(math.ceil(height / 2**level), math.ceil(width / 2**level)) for level in range(len(widths), -1, -1)]
    codes = keras.Input((latent_dim,), name="codes")
    hidden = layers.Dense(math.prod(sizes[0]) * widths[0], **RELU)(codes)
    hidden = layers.Reshape((*sizes[0], widths[0]))(hidden)  # (batch, smallest height, smallest width, widths[0])
    for filters, (rows, columns), (next_rows, next_columns) in zip(widths, sizes, sizes[1:], strict=False):
        hidden = layers.UpSampling2D()(hidden)
        excess = ((0, 2 * rows - next_rows), (0, 2 * columns - next_columns))  # one line where the next size is odd
        hidden = layers.Cropping2D(excess)(hidden)
        hidden = layers.Conv2D(filters, 3, padding="same", **RELU)(hidden)
    images = layers.Conv2D(channels, 3, padding="same", dtype="float32")(hidden)
    return keras.Model(codes, images, name=name)
