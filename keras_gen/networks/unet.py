"""A U-Net that turns pictures into images: it makes anew what is missing or damaged, differently for other latents."""

from __future__ import annotations

import math

import keras
from keras import layers

from keras_gen.conditional_mean import ConditionalMean
from keras_gen.layers import DataConsistency, leaky_clip
from keras_gen.linear_prediction import LinearPrediction
from keras_gen.networks.conditioning import latent_inputs
from keras_gen.networks.conv import HE_TRANSPOSED, NEAR_GREY
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import channels, cut_to, num_halvings, sizes

UNITS = 128  # of the dense layer that sees all of the picture
HARD, PER_PIXEL = 32, 16  # images up to the first are drawn pixel by pixel; further ones fade over 1 pixel for each 16


def generator(
    image_shape,
    latent_dim=64,
    condition_width=0,
    *,
    source_shape=None,
    masked=False,
    corruption=None,
    amount=None,
    width=32,
    wrap="none",
    name="generator",
):
    """Halves the picture to at most 4 pixels on its shorter side and doubles it again; each size sees its way down.

    At the smallest size a dense layer combines all places, latents and conditions: what is made in a hole depends on
    the far side of the image. As in `conv.generator`, no map of many channels has the full size, and the image is a sum
    to which each size contributes, beginning with the picture itself. The sum ends in a leaky clip.

    What the picture says about the image is kept. With a mask its known pixels are copied, and what it holds in the
    hole is not seen; its linear prediction continues them. In images larger than 32 pixels, what is added to that fades
    towards the border of the hole: there is no step, and a thin hole is hardly more than interpolated. With a
    corruption, such as "grey" or "shrink", the image begins with its linear prediction too, and has the luma or the
    block means of the picture, see `layers.DataConsistency`.

    Args:
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        source_shape: shape of the picture; by default the image's, or a half of its height and width, a quarter …
        masked: whether a mask, 1 in the hole, comes with the picture.
        corruption: how the picture is made from the image, if nothing else is lost: a name in
            `corruptions.PROJECTIONS`, or None.
        amount: of the corruption.
        width: channels at half size; smaller maps have two, four and eight times as many.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, [latents (batch, latent_dim), conditions (batch, condition_width) if any, picture (batch,
        *source_shape), mask (batch, height, width, 1) if masked] → float32 images (batch, height, width, channels),
        about [-1, 1].

    Example:
        >>> generator((7, 12, 3), 4, masked=True, width=8).output_shape
        (None, 7, 12, 3)

    Source:
        Ronneberger et al., U-Net (2015), https://arxiv.org/abs/1505.04597
    """
    if masked and corruption is not None:
        raise ValueError(f"expected a mask or a corruption, received both ({corruption}): it would show what is hidden")
    kit = Kit(wrap)
    *maps, full = sizes(image_shape, num_halvings(image_shape, math.ceil), wrap)
    drawn, code = latent_inputs(latent_dim, condition_width)
    picture = keras.Input(source_shape or image_shape, name="picture")
    inputs = [*(drawn if isinstance(drawn, list) else [drawn]), picture]
    start = seen = _enlarged(picture, image_shape, kit)
    if corruption is not None:
        start = LinearPrediction(image_shape, name="linear_prediction")(picture)
        seen = layers.Concatenate()([seen, start])
    elif picture.shape[-1] != image_shape[-1]:
        start = kit.conv2d(image_shape[-1], 1, dtype="float32")(start)
    if masked:
        mask = keras.Input((*image_shape[:2], 1), name="mask")
        inputs.append(mask)
        known = picture * (1.0 - mask)
        start = known + mask * ConditionalMean(name="conditional_mean")([known, mask])
        seen = layers.Concatenate()([start, mask])

    def activated(layer, hidden):
        return layers.LeakyReLU(0.2)(layer(hidden))

    hidden, passed = seen, []
    for level in range(1, len(maps) + 1):
        halved = kit.conv2d(channels(width, level), 3, strides=2, kernel_initializer="he_normal")
        hidden = activated(halved, hidden)
        passed.append(hidden)
    whole = activated(kit.dense(UNITS, kernel_initializer="he_normal"), layers.Flatten()(hidden))
    whole = kit.dense(math.prod(hidden.shape[1:]), kernel_initializer="he_normal")(layers.Concatenate()([whole, code]))
    hidden = layers.Reshape(hidden.shape[1:])(whole)

    pixels = {"filters": image_shape[-1], "kernel_initializer": NEAR_GREY, "dtype": "float32"}
    image = None
    for size, beside in zip(maps, reversed(passed), strict=True):
        filters = beside.shape[-1]
        if image is not None:
            doubled = kit.conv2d_transpose(filters, kernel_initializer=HE_TRANSPOSED)
            hidden = cut_to(activated(doubled, hidden), size)
            image = cut_to(kit.up_sampling("bilinear", dtype="float32")(image), size)
        hidden = layers.Add()([hidden, beside])
        hidden = activated(kit.conv2d(filters, 3, kernel_initializer="he_normal"), hidden)
        shown = kit.conv2d(kernel_size=1, **pixels)(hidden)
        image = shown if image is None else image + shown
    doubled = kit.conv2d_transpose(width // 2, kernel_initializer=HE_TRANSPOSED)
    hidden = layers.Concatenate()([cut_to(activated(doubled, hidden), full), seen])
    image = cut_to(kit.up_sampling("bilinear", dtype="float32")(image), full)
    image = image + kit.conv2d(kernel_size=3, **pixels)(hidden)
    if masked:
        reach = max(0, min(image_shape[:2]) - HARD) // PER_PIXEL
        faded = kit.smoothing(2 * reach + 1, dtype="float32")(mask)
        image = image * faded * faded
    image = start + image
    image = layers.Activation(leaky_clip, dtype="float32")(image)
    if masked:
        image = image * mask + known
    if corruption is not None:
        image = DataConsistency(corruption, amount, dtype="float32")([image, picture])
    return keras.Model(inputs, image, name=name)


def _enlarged(picture, image_shape, kit):
    """The picture at the size of the image."""
    factor = image_shape[0] // picture.shape[1]
    if factor & (factor - 1) or tuple(side * factor for side in picture.shape[1:3]) != tuple(image_shape[:2]):
        raise ValueError(
            f"expected a picture of the size of the image {image_shape}, a half, a quarter …, received one of "
            f"{picture.shape[1:]}"
        )
    for _ in range(factor.bit_length() - 1):
        picture = kit.up_sampling("bilinear", dtype="float32")(picture)
    return picture
