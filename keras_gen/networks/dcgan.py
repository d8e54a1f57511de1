"""The networks of Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks (2016), https://arxiv.org/abs/1511.06434: strided convolutions with batch normalisation, for any size.
"""

from __future__ import annotations

import math

import keras
from keras import layers

from keras_gen.networks.conditioning import discriminator_model, image_inputs, latent_inputs
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import attention_size, channels, cut_to, num_halvings, sizes

# Section 4: all weights from N(0, 0.02²). (A config, not an object: layers that share an initializer start equal.)
NORMAL = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


def generator(
    image_shape,
    latent_dim=100,
    condition_width=0,
    *,
    width=64,
    batch_normalization=True,
    attention=False,
    wrap="none",
    name="generator",
):
    """4×4 transposed convolutions that double dense maps of about 4×4 up to the image, ReLU between and tanh last.

    At 64×64 the maps are 4 → 8 → 16 → 32 → 64, at 28×28 7 → 14 → 28. Differs from the paper in the size of the kernels:
    those of 5×5 there overlap unevenly at a stride of 2.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        width: channels at half size; smaller maps have two, four and eight times as many. 128 in the paper.
        batch_normalization: whether to normalise after every layer but the last.
        attention: whether to add self-attention at the largest maps of at most 16×16.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, latents (batch, latent_dim) or [latents, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels) in [-1, 1].

    Example:
        >>> generator((28, 20, 3), width=8).output_shape
        (None, 28, 20, 3)
    """
    kit = Kit(wrap)
    inputs, hidden = latent_inputs(latent_dim, condition_width)
    *maps, full_size = sizes(image_shape, num_halvings(image_shape), wrap)
    widths = [channels(width, level) for level in range(len(maps), 0, -1)]

    def finish(hidden):
        if batch_normalization:
            hidden = kit.batch_normalization()(hidden)
        hidden = layers.ReLU()(hidden)
        return kit.self_attention()(hidden) if attention and hidden.shape[1:3] == attention_size(maps) else hidden

    def doubled(hidden, filters, **kwargs):
        return kit.conv2d_transpose(filters, kernel_initializer=NORMAL, **kwargs)(hidden)

    no_bias = {"use_bias": not batch_normalization}  # subtracting the mean would remove it
    hidden = kit.dense(math.prod(maps[0]) * widths[0], kernel_initializer=NORMAL, **no_bias)(hidden)
    hidden = finish(layers.Reshape((*maps[0], widths[0]))(hidden))
    for filters, size in zip(widths[1:], maps[1:], strict=True):
        hidden = finish(cut_to(doubled(hidden, filters, **no_bias), size))
    images = doubled(hidden, image_shape[-1], activation="tanh", dtype="float32")
    return keras.Model(inputs, cut_to(images, full_size), name=name)


def discriminator(
    image_shape,
    condition_width=0,
    mask_channels=0,
    *,
    width=64,
    batch_normalization=True,
    attention=False,
    spectral_normalization=False,
    weight_clip=None,
    wrap="none",
    name="discriminator",
):
    """4×4 convolutions with stride 2 and LeakyReLU(0.2) down to maps of about 4×4, then one logit.

    With batch normalisation a logit depends on the other images of the batch, so no gradient penalty may be used.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        width: channels at half size; smaller maps have two, four and eight times as many. 128 in the paper.
        batch_normalization: whether to normalise after every convolution but the first.
        attention: whether to add self-attention at the largest maps of at most 16×16.
        spectral_normalization: whether kernels are divided by their largest singular value (Miyato et al.).
        weight_clip: the largest size of a weight (the first WGAN: 0.01), or None for no limit.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 logits (batch, 1); with conditions (batch,
        condition_width) or a mask, a list of images and these.

    Example:
        >>> discriminator((28, 20, 3), width=8).output_shape
        (None, 1)
    """
    kit = Kit(wrap, spectral_normalization, weight_clip)
    inputs, hidden = image_inputs(image_shape, condition_width, mask_channels, wrap)
    *maps, _ = sizes(image_shape, num_halvings(image_shape), wrap)
    for level, size in enumerate(reversed(maps), start=1):
        normalized = batch_normalization and level > 1
        convolution = kit.conv2d(
            channels(width, level), 4, strides=2, kernel_initializer=NORMAL, use_bias=not normalized
        )
        hidden = convolution(hidden)
        if normalized:
            hidden = kit.batch_normalization()(hidden)
        hidden = layers.LeakyReLU(0.2)(hidden)
        if attention and size == attention_size(maps):
            hidden = kit.self_attention()(hidden)
    return discriminator_model(inputs, layers.Flatten()(hidden), kit.dense, name)
