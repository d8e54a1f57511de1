"""Small convolutional networks without normalisation, for images of any height and width."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from keras_gen.layers import leaky_clip
from keras_gen.networks.conditioning import discriminator_model, image_inputs, latent_inputs
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import attention_size, channels, check_wrap, cut_to, num_halvings, sizes

# He et al., Delving Deep into Rectifiers (2015), equation 10, https://arxiv.org/abs/1502.01852
RELU: dict[str, Any] = {"activation": "relu", "kernel_initializer": "he_normal"}

# A pixel of a 4×4 transposed convolution with stride 2 sums over 2×2 pixels, not 4×4: four times He's variance. The
# pixels' fan is what Keras calls fan_out here. (Configs, not objects: layers that share an initializer start equal.)
HE_TRANSPOSED = {"class_name": "VarianceScaling", "config": {"scale": 8.0, "mode": "fan_out"}}
NEAR_GREY = {"class_name": "RandomNormal", "config": {"stddev": 0.03}}  # nothing is clipped at first

UNITS = 64  # of the dense layer that combines places: 256 learn as slowly as none (docs/experiments.md)


def generator(
    image_shape, latent_dim=64, condition_width=0, *, width=32, attention=False, wrap="none", name="generator"
):
    """A dense layer, 3×3 convolutions, 4×4 transposed ones that double, LeakyReLU(0.2); each size adds to the image.

    Small and without normalisation, for two CPU cores: at 28×28×1 with ten classes 484,771 parameters and 0.011 GFLOP
    an image. No map of many channels has the full size, where it would cost more than everything else. The stride of
    a transposed convolution divides its size, so every pixel sums over the same number of taps and no checkerboard is
    built in (Odena et al., 2016, https://doi.org/10.23915/distill.00003).

    The image is a sum: maps of each size contribute to it, doubled bilinearly to its size (the output skips of
    Karras et al., StyleGAN2, 2020, figure 7b, https://arxiv.org/abs/1912.04958), and the last convolution adds the
    detail. So the large maps need not carry colours and outlines, which they would not learn in a run of minutes.
    The sum ends in a leaky clip.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        width: channels at half size; smaller maps have two, four and eight times as many.
        attention: whether to add self-attention at the largest maps of at most 16×16.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, latents (batch, latent_dim) or [latents, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels), about [-1, 1].

    Example:
        >>> generator((28, 28, 1), condition_width=10).count_params()
        484771
    """
    kit = Kit(wrap)
    inputs, hidden = latent_inputs(latent_dim, condition_width)
    maps = sizes(image_shape, num_halvings(image_shape), wrap)
    widths = [channels(width, level) for level in range(len(maps) - 1, 0, -1)]
    pixels = {"filters": image_shape[-1], "kernel_initializer": NEAR_GREY, "dtype": "float32"}

    def doubled(hidden, size, **kwargs):
        return cut_to(kit.conv2d_transpose(**kwargs)(hidden), size)

    hidden = kit.dense(math.prod(maps[0]) * widths[0], kernel_initializer="he_normal")(hidden)
    hidden = layers.LeakyReLU(0.2)(layers.Reshape((*maps[0], widths[0]))(hidden))
    image = None
    for filters, size, next_size in zip(widths, maps[:-1], maps[1:], strict=True):
        if image is not None:
            hidden = doubled(hidden, size, filters=filters, kernel_initializer=HE_TRANSPOSED)
            hidden = layers.LeakyReLU(0.2)(hidden)
        hidden = kit.conv2d(filters, 3, kernel_initializer="he_normal")(hidden)
        hidden = layers.LeakyReLU(0.2)(hidden)
        if attention and size == attention_size(maps[:-1]):
            hidden = kit.self_attention()(hidden)
        shown = kit.conv2d(kernel_size=1, **pixels)(hidden)
        image = shown if image is None else image + shown
        image = cut_to(kit.up_sampling("bilinear", dtype="float32")(image), next_size)
    image = image + doubled(hidden, maps[-1], **pixels)
    return keras.Model(inputs, layers.Activation(leaky_clip, dtype="float32")(image), name=name)


def discriminator(
    image_shape,
    condition_width=0,
    mask_channels=0,
    *,
    width=32,
    attention=False,
    spectral_normalization=False,
    weight_clip=None,
    wrap="none",
    name="discriminator",
):
    """3×3 convolutions that halve the image to at most 4 pixels on its shorter side, a dense layer, LeakyReLU(0.2).

    At 28×28×1 with ten classes 224,513 parameters and 0.0045 GFLOP an image: R1 and R2 pass through it about seven
    times as often as a plain loss, so savings here count most. A place of the last map has a receptive field of 15×15
    pixels of 28×28. The dense layer of 64 units combines the places: without it a logit is a sum over them, and an
    image passes if each patch is right on its own. No logit depends on the other images of the batch, and every layer
    has a second derivative, so every gradient penalty may be used.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        width: channels at half size; smaller maps have two, four and eight times as many.
        attention: whether to add self-attention at the largest maps of at most 16×16.
        spectral_normalization: whether kernels are divided by their largest singular value (Miyato et al.).
        weight_clip: the largest size of a weight (the first WGAN: 0.01), or None for no limit.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 logits (batch, 1); with conditions (batch,
        condition_width) or a mask, a list of images and these.

    Example:
        >>> discriminator((28, 28, 1), condition_width=10).count_params()
        224513
    """
    kit = Kit(wrap, spectral_normalization, weight_clip)
    inputs, hidden = image_inputs(image_shape, condition_width, mask_channels, wrap)
    *maps, _ = sizes(image_shape, num_halvings(image_shape, math.ceil), wrap)
    for level, size in enumerate(reversed(maps), start=1):
        halved = kit.conv2d(channels(width, level), 3, strides=2, kernel_initializer="he_normal")
        hidden = layers.LeakyReLU(0.2)(halved(hidden))
        if attention and size == attention_size(maps):
            hidden = kit.self_attention()(hidden)
    features = kit.dense(UNITS, kernel_initializer="he_normal")(layers.Flatten()(hidden))
    return discriminator_model(inputs, layers.LeakyReLU(0.2)(features), kit.dense, name)


def encoder(image_shape, latent_dim=32, *, widths=(16, 32, 64), wrap="none", name="encoder"):
    """3×3 convolutions that halve the image (rounding up) once per width, then one dense layer to the code.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        widths: channels after each halving.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 codes (batch, latent_dim).

    Example:
        >>> encoder((7, 12, 3), latent_dim=4).output_shape
        (None, 4)
    """
    kit = Kit(wrap)
    check_wrap(image_shape, len(widths), wrap)
    images = hidden = keras.Input(image_shape, name="images")
    for width in widths:
        hidden = kit.conv2d(width, 3, strides=2, **RELU)(hidden)
    codes = kit.dense(latent_dim, dtype="float32")(layers.Flatten()(hidden))
    return keras.Model(images, codes, name=name)


def decoder(image_shape, latent_dim=32, condition_width=0, *, widths=(64, 32, 16), wrap="none", name="decoder"):
    """The mirror of `encoder`: doubles the image once per width, cutting back to odd sizes.

    Nearest-neighbour doubling before a stride-1 convolution, since a transposed convolution leaves a checkerboard
    (Odena et al., Deconvolution and Checkerboard Artifacts, 2016, https://doi.org/10.23915/distill.00003).

    The output is linear. On images that are mostly black, tanh saturates within the first steps, while all weights
    still move in one direction, and never recovers. `images.to_uint8` clips what lies outside [-1, 1].

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        condition_width: width of the rows of conditions, 0 for none.
        widths: channels before each doubling.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, codes (batch, latent_dim) or [codes, conditions (batch, condition_width)] → float32 images
        (batch, height, width, channels), about [-1, 1].

    Example:
        >>> decoder((7, 12, 3), latent_dim=4).output_shape
        (None, 7, 12, 3)
    """
    kit = Kit(wrap)
    start, *maps = sizes(image_shape, len(widths), wrap)
    inputs, hidden = latent_inputs(latent_dim, condition_width)
    hidden = kit.dense(math.prod(start) * widths[0], **RELU)(hidden)
    hidden = layers.Reshape((*start, widths[0]))(hidden)  # (batch, smallest height, smallest width, widths[0])
    for filters, size in zip(widths, maps, strict=True):
        hidden = cut_to(kit.up_sampling()(hidden), size)
        hidden = kit.conv2d(filters, 3, **RELU)(hidden)
    images = kit.conv2d(image_shape[-1], 3, dtype="float32")(hidden)
    return keras.Model(inputs, images, name=name)
