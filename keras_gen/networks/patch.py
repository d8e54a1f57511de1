"""A discriminator that scores patches: each by itself, wherever it is."""

from __future__ import annotations

from keras import layers

from keras_gen.networks.conditioning import discriminator_model, image_inputs
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import check_wrap, num_halvings

MAX_HALVINGS = 3  # patches of 31×31 pixels


def discriminator(
    image_shape,
    condition_width=0,
    mask_channels=0,
    *,
    width=32,
    spectral_normalization=False,
    weight_clip=None,
    wrap="none",
    name="discriminator",
):
    """3×3 convolutions that halve the image at most three times; the logit is the mean over all places.

    A place has a receptive field of 31×31 pixels. What is further apart is not compared: it learns textures, colours
    and edges, and leaves what is where to the picture that is translated.

    Args:
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask, or of a picture, that comes with the images, 0 for none.
        width: channels at half size; smaller maps have two and four times as many.
        spectral_normalization: whether kernels are divided by their largest singular value (Miyato et al.).
        weight_clip: the largest size of a weight, or None for no limit.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, images (batch, height, width, channels) → float32 logits (batch, 1); with conditions (batch,
        condition_width) or a mask, a list of images and these.

    Example:
        >>> discriminator((28, 28, 1)).output_shape
        (None, 1)

    Source:
        Isola et al., Image-to-Image Translation with Conditional Adversarial Networks (2017), section 3.2.2,
        https://arxiv.org/abs/1611.07004
    """
    kit = Kit(wrap, spectral_normalization, weight_clip)
    halvings = min(MAX_HALVINGS, num_halvings(image_shape))
    check_wrap(image_shape, halvings, wrap)
    inputs, hidden = image_inputs(image_shape, condition_width, mask_channels, wrap)
    for level in range(halvings):
        halved = kit.conv2d(width * 2**level, 3, strides=2, kernel_initializer="he_normal")
        hidden = layers.LeakyReLU(0.2)(halved(hidden))
    last = kit.conv2d(width * 2**halvings // 2, 3, kernel_initializer="he_normal")
    features = layers.GlobalAveragePooling2D()(layers.LeakyReLU(0.2)(last(hidden)))
    return discriminator_model(inputs, features, kit.dense, name)
