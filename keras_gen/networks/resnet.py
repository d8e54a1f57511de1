"""Residual networks without normalisation, after Huang et al., The GAN is dead; long live the GAN! (2024),
https://arxiv.org/abs/2501.05441: for a GPU, and for images up to 256 pixels a side.

A block is `x + 1×1(LeakyReLU(3×3(LeakyReLU(1×1(x)))))`. Its last convolution starts at 0, so a deep network starts as a
shallow one. The others are scaled by `L^(−1/(2m − 2))` for L blocks of m convolutions, so that one step changes the
output by as much as in a shallow one (Zhang et al., Fixup Initialization, 2019, https://arxiv.org/abs/1901.09321).
"""

from __future__ import annotations

import keras
from keras import layers

from keras_gen.layers import LearnedBasis
from keras_gen.networks.conditioning import discriminator_model, image_inputs, latent_inputs
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import attention_size, channels, cut_to, num_halvings, sizes


def generator(
    image_shape,
    latent_dim=64,
    condition_width=0,
    *,
    width=64,
    blocks=1,
    groups=1,
    attention=False,
    wrap="none",
    name="generator",
):
    """Residual blocks at every size, from learned maps of about 4×4 up to the image, with bilinear doubling between.

    Differs from the paper in the tanh at the end, which the paper does not have: many pixels of drawings and digits are
    at the ends of the range, where a linear output overshoots and is recognised as fake by that alone. Differs also in
    the blocks, whose inner convolutions are as wide as their outer ones and by default not grouped.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        width: channels at full and half size; smaller maps have two, four and eight times as many.
        blocks: residual blocks at each size.
        groups: groups of the 3×3 convolutions. Leave 1 on a CPU, where Keras compiles each grouped layer by itself.
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
    hidden = _up(hidden, kit, image_shape, width, blocks, groups, attention)
    near_grey = keras.initializers.VarianceScaling(0.1)  # where tanh is steep
    pixels = kit.conv2d(image_shape[-1], 1, activation="tanh", kernel_initializer=near_grey, dtype="float32")
    return keras.Model(inputs, pixels(hidden), name=name)


def discriminator(
    image_shape,
    condition_width=0,
    mask_channels=0,
    *,
    width=64,
    blocks=1,
    groups=1,
    attention=False,
    spectral_normalization=False,
    weight_clip=None,
    wrap="none",
    name="discriminator",
):
    """The mirror of `generator`: residual blocks at every size, average pooling between, a dense layer of features.

    Average pooling equals bilinear halving at even sizes, and it has a second derivative.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        width: channels at full and half size; smaller maps have two, four and eight times as many.
        blocks: residual blocks at each size.
        groups: groups of the 3×3 convolutions. Leave 1 on a CPU, where Keras compiles each grouped layer by itself.
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
    last = "he_normal" if spectral_normalization else "zeros"  # W/σ is not defined at 0
    hidden = _down(hidden, kit, width, blocks, groups, attention, last)
    features = kit.dense(hidden.shape[-1], kernel_initializer="he_normal")(layers.Flatten()(hidden))
    return discriminator_model(inputs, layers.LeakyReLU(0.2)(features), kit.dense, name)


def encoder(image_shape, latent_dim=32, *, width=32, blocks=1, wrap="none", name="encoder"):
    """The body of `discriminator`, then one dense layer to the code.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        width: channels at full and half size; smaller maps have two, four and eight times as many.
        blocks: residual blocks at each size.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 codes (batch, latent_dim).

    Example:
        >>> encoder((7, 12, 3), latent_dim=4, width=8).output_shape
        (None, 4)
    """
    kit = Kit(wrap)
    images = keras.Input(image_shape, name="images")
    hidden = layers.Flatten()(_down(images, kit, width, blocks))
    return keras.Model(images, kit.dense(latent_dim, dtype="float32")(hidden), name=name)


def decoder(image_shape, latent_dim=32, condition_width=0, *, width=32, blocks=1, wrap="none", name="decoder"):
    """The body of `generator` with a linear output, for the reason that `conv.decoder` gives.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        condition_width: width of the rows of conditions, 0 for none.
        width: channels at full and half size; smaller maps have two, four and eight times as many.
        blocks: residual blocks at each size.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, codes (batch, latent_dim) or [codes, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels), about [-1, 1].

    Example:
        >>> decoder((7, 12, 3), latent_dim=4, width=8).output_shape
        (None, 7, 12, 3)
    """
    kit = Kit(wrap)
    inputs, hidden = latent_inputs(latent_dim, condition_width)
    pixels = kit.conv2d(image_shape[-1], 1, dtype="float32")
    return keras.Model(inputs, pixels(_up(hidden, kit, image_shape, width, blocks)), name=name)


def _up(hidden, kit, image_shape, width, blocks, groups=1, attention=False):
    """Vectors (batch, n) → maps of the image's size with `width` channels."""
    maps = sizes(image_shape, num_halvings(image_shape), kit.wrap)
    hidden = kit.dense(channels(width, len(maps) - 1), kernel_initializer="lecun_normal")(hidden)
    hidden = LearnedBasis(*maps[0])(hidden)
    for level, size in zip(range(len(maps) - 1, -1, -1), maps, strict=True):
        if size != maps[0]:
            hidden = cut_to(kit.up_sampling("bilinear")(hidden), size)
        hidden = _widened(hidden, kit, channels(width, level))
        for _ in range(blocks):
            hidden = _block(hidden, kit, groups, depth=blocks * len(maps))
        if attention and size == attention_size(maps):
            hidden = kit.self_attention()(hidden)
    return hidden


def _down(images, kit, width, blocks, groups=1, attention=False, last="zeros"):
    """Images → maps of about 4×4; `last` initializes the last convolution of each block."""
    maps = sizes(images.shape[1:], num_halvings(images.shape[1:]), kit.wrap)
    hidden = images
    for level, size in enumerate(reversed(maps)):
        hidden = _widened(hidden, kit, channels(width, level))
        if level > 0:
            hidden = kit.average_pooling()(hidden)
        for _ in range(blocks):
            hidden = _block(hidden, kit, groups, blocks * len(maps), last)
        if attention and size == attention_size(maps):
            hidden = kit.self_attention()(hidden)
    return hidden


def _widened(hidden, kit, filters):
    """A linear 1×1 convolution where the number of channels changes."""
    if hidden.shape[-1] == filters:
        return hidden
    return kit.conv2d(filters, 1, kernel_initializer="lecun_normal")(hidden)


def _block(hidden, kit, groups, depth, last_initializer="zeros"):
    """One residual block of a network that has `depth` of them."""
    filters = hidden.shape[-1]
    # He's variance times the square of L^(−1/(2m − 2)), with m = 3 convolutions.
    fixup = {"class_name": "VarianceScaling", "config": {"scale": 2 * depth**-0.5}}
    residual = kit.conv2d(filters, 1, kernel_initializer=fixup)(hidden)
    residual = layers.LeakyReLU(0.2)(residual)
    residual = kit.conv2d(filters, 3, groups=groups, kernel_initializer=fixup)(residual)
    residual = layers.LeakyReLU(0.2)(residual)
    residual = kit.conv2d(filters, 1, use_bias=False, kernel_initializer=last_initializer)(residual)
    return layers.Add()([hidden, residual])
