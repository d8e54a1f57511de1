"""A fully convolutional network from pictures to images of the same size, which may be any."""

from __future__ import annotations

import keras
from keras import layers

from keras_gen.layers import CutLike, ReflectToMultiple, leaky_clip
from keras_gen.networks.conv import HE_TRANSPOSED, NEAR_GREY
from keras_gen.networks.kit import Kit
from keras_gen.networks.pyramid import check_wrap

NUM_HALVINGS = 2
FEATURES = "features_"  # how the names of the layers begin whose maps describe the picture
# Half of He's variance in each of the two layers of a block: sums of blocks without normalisation grow no further.
IN_BLOCK = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_in"}}


def generator(image_shape, *, source_channels=None, width=32, blocks=4, wrap="none", name="generator"):
    """Halves the picture twice, changes it in residual blocks, doubles it twice and adds the result to the picture.

    Nothing in it depends on the size of the picture, on its other end or on the rest of a batch: no dense layer, no
    normalisation. Pictures are extended to a multiple of four pixels inside, so kernels are at the same places in all
    sizes. So a model that was trained on crops translates whole pictures, and tiles of one that begin at such places
    and overlap enough agree. It begins near the picture itself, which it then changes, as long as both have the same
    channels.

    The layers whose names begin with `FEATURES` are its encoder: maps at a half and a quarter of the size, and after
    half of the blocks and all of them.

    Args:
        image_shape: (height, width, channels).
        source_channels: channels of the picture; by default those of the image.
        width: channels at half size; twice as many at a quarter.
        blocks: residual blocks at a quarter of the size, at least 2.
        wrap: the axes along which images are periodic: "none", "width" (panoramas) or "both" (tiles).
        name: name of the model.

    Returns:
        Functional model, pictures (batch, height, width, source_channels) → float32 images (batch, height, width,
        channels), about [-1, 1].

    Example:
        >>> generator((7, 12, 3), source_channels=1, width=8).output_shape
        (None, 7, 12, 3)

    Source:
        The shape is that of Johnson et al., Perceptual Losses for Real-Time Style Transfer (2016),
        https://arxiv.org/abs/1603.08155; differs: no normalisation, which depends on all of a picture, and skips
    """
    if blocks < 2:
        raise ValueError(f"expected at least 2 residual blocks, received {blocks}")
    kit, features = Kit(wrap), iter(range(NUM_HALVINGS + 2))
    check_wrap(image_shape, NUM_HALVINGS, wrap)

    def activated(layer, hidden, **names):
        return layers.LeakyReLU(0.2, **names)(layer(hidden))

    def named():
        return {"name": f"{FEATURES}{next(features)}"}

    picture = keras.Input((*image_shape[:2], source_channels or image_shape[-1]), name="picture")
    extended = hidden = ReflectToMultiple(2**NUM_HALVINGS)(picture)
    passed = []
    for level in range(1, NUM_HALVINGS + 1):
        halved = kit.conv2d(level * width, 3, strides=2, kernel_initializer="he_normal")
        hidden = activated(halved, hidden, **named())
        passed.append(hidden)
    for block in range(1, blocks + 1):
        first = activated(kit.conv2d(2 * width, 3, kernel_initializer=IN_BLOCK), hidden)
        change = kit.conv2d(2 * width, 3, kernel_initializer=IN_BLOCK)(first)
        hidden = layers.Add(**(named() if block in (blocks // 2, blocks) else {}))([hidden, change])
    *earlier, _ = passed
    for beside in reversed(earlier):
        doubled = kit.conv2d_transpose(beside.shape[-1], kernel_initializer=HE_TRANSPOSED)
        hidden = layers.Add()([activated(doubled, hidden), beside])
    doubled = kit.conv2d_transpose(width // 2, kernel_initializer=HE_TRANSPOSED)
    hidden = layers.Concatenate()([activated(doubled, hidden), extended])
    pixels = {"filters": image_shape[-1], "dtype": "float32"}
    image = kit.conv2d(kernel_size=3, kernel_initializer=NEAR_GREY, **pixels)(hidden)
    image = CutLike(dtype="float32")([image, picture])
    image = image + (picture if picture.shape[-1] == image_shape[-1] else kit.conv2d(kernel_size=1, **pixels)(picture))
    return keras.Model(picture, layers.Activation(leaky_clip, dtype="float32")(image), name=name)


def of_any_size(network: keras.Model) -> keras.Model:
    """The same layers for pictures of any height and width.

    Args:
        network: of `generator`, without `wrap`.

    Example:
        >>> of_any_size(generator((8, 12, 3), width=8)).output_shape
        (None, None, None, 3)
    """
    picture = keras.Input((None, None, network.input_shape[-1]), name="picture")
    return keras.models.clone_model(network, input_tensors=picture, clone_function=lambda layer: layer)


def encoder(network: keras.Model) -> keras.Model:
    """The layers of a `generator` that describe the picture: pictures → a list of maps, the largest first."""
    names = sorted(layer.name for layer in network.layers if layer.name.startswith(FEATURES))
    return keras.Model(network.input, [network.get_layer(name).output for name in names], name="encoder")
