"""What all architectures share: how conditions enter a generator, and how a discriminator scores images by them.

Conditions are float rows (batch, condition_width), a block of columns for each attribute. A missing value is a block
of zeros, and both ends are bias-free in the conditions, so a row of zeros is an image without conditions.
"""

from __future__ import annotations

import keras
from keras import layers

from keras_gen.layers import Latitude, RowProducts


def latent_inputs(latent_dim: int, condition_width: int = 0, embedding_dim: int = 64):
    """The beginning of a generator: latents, concatenated with the embedded conditions.

    Args:
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        embedding_dim: dimensions of the embedding of a row.

    Returns:
        `inputs, hidden`: the model's Input, or list of Inputs, and a tensor (batch, latent_dim) or (batch, latent_dim +
        embedding_dim).

    Example:
        >>> inputs, hidden = latent_inputs(100, condition_width=10)
        >>> [tensor.name for tensor in inputs], hidden.shape
        (['latents', 'conditions'], (None, 164))
    """
    latents = keras.Input((latent_dim,), name="latents")
    if not condition_width:
        return latents, latents
    conditions = keras.Input((condition_width,), name="conditions")
    # The same spread as the latents, or the generator hardly depends on the conditions at first.
    initializer = keras.initializers.RandomNormal(stddev=1.0)
    embedding = layers.Dense(embedding_dim, use_bias=False, kernel_initializer=initializer, name="embedding")
    return [latents, conditions], layers.Concatenate()([latents, embedding(conditions)])


def image_inputs(image_shape, condition_width: int = 0, mask_channels: int = 0, wrap: str = "none"):
    """The beginning of a discriminator.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        wrap: a name in `keras_gen.layers.WRAPS`: "width", for panoramas, adds a channel with the latitude.

    Returns:
        `inputs, hidden`: the list of the model's Inputs (images, then conditions and a mask if there are any), and the
        images with the mask and the latitude as further channels.
    """
    images = hidden = keras.Input(image_shape, name="images")
    inputs = [images]
    if condition_width:
        inputs.append(keras.Input((condition_width,), name="conditions"))
    if mask_channels:
        inputs.append(keras.Input((*image_shape[:2], mask_channels), name="mask"))
        hidden = layers.Concatenate()([images, inputs[-1]])
    return inputs, Latitude()(hidden) if wrap == "width" else hidden


def discriminator_model(inputs, features, dense=layers.Dense, name="discriminator"):
    """The end of a discriminator: `logits = w·features + b + (V conditions)·features`, the projection of the paper.

    Args:
        inputs: the list of `image_inputs`.
        features: tensor (batch, number of features) made from the images.
        dense: makes the dense layers: `keras.layers.Dense`, or `Kit.dense` of a kit.
        name: name of the model.

    Returns:
        Functional model, `inputs` → float32 logits (batch, 1).

    Example:
        >>> inputs, hidden = image_inputs((8, 12, 3), condition_width=10)
        >>> discriminator_model(inputs, layers.Flatten()(hidden)).output_shape
        (None, 1)

    Source:
        Miyato & Koyama, cGANs with Projection Discriminator (2018), equation 3, https://arxiv.org/abs/1802.05637
    """
    logits = dense(1, dtype="float32", name="logits")(features)
    conditions = [each for each in inputs if each.name == "conditions"]
    if not conditions:
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], logits, name=name)
    directions = dense(features.shape[-1], use_bias=False, dtype="float32", name="directions")(conditions[0])
    projection = RowProducts(dtype="float32", name="projection")([directions, features])
    return keras.Model(inputs, layers.Add(dtype="float32")([logits, projection]), name=name)
