"""A network that repaints pictures of any size: convolutions whose channels are scaled and shifted by a style.

Of the whole picture it is given a thumbnail, for its palette. Otherwise each pixel depends on its surroundings, so a
large picture can be made in tiles.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from keras_gen.layers import CutLike, ReflectToMultiple, leaky_clip
from keras_gen.networks.conv import HE_TRANSPOSED, NEAR_GREY
from keras_gen.networks.kit import Kit
from keras_gen.style import THUMBNAIL, ColorTransfer

MULTIPLE = 4  # of pixels a side, to which pictures are enlarged inside
BLOCKS = 4  # of two convolutions each, at a quarter of the size
PERIOD = 128  # of the noise, in pixels of the picture
REACH = 64  # pixels on each side that a pixel may depend on, with a margin


@keras.saving.register_keras_serializable("keras_gen")
class Texture(layers.Layer):
    """Adds channels of fixed noise to maps: something to paint with where a picture is flat.

    The noise is the same everywhere in a pattern that repeats, so that tiles which begin where the pattern does get
    the noise of the whole.

    Args:
        period: of the pattern, in pixels of these maps.
        num: channels.
        seed: of the noise.

    Example:
        >>> maps = Texture(4, num=2)(ops.zeros((1, 6, 9, 3)))
        >>> tuple(maps.shape), bool(ops.all(maps[:, :2, :4] == maps[:, 4:, 4:8]))
        ((1, 6, 9, 5), True)
    """

    def __init__(self, period, num=2, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.period = period
        self.num = num
        self.seed = seed
        drawn = np.random.default_rng(seed).standard_normal((1, period, period, num))
        self._pattern = drawn.astype("float32")

    def call(self, maps):
        batch, height, width, _ = ops.shape(maps)
        rows, columns = (ops.arange(side) % self.period for side in (height, width))
        noise = ops.take(ops.take(ops.convert_to_tensor(self._pattern), rows, axis=1), columns, axis=2)
        noise = ops.broadcast_to(ops.cast(noise, maps.dtype), (batch, height, width, self.num))
        return ops.concatenate([maps, noise], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:3], shape[3] + self.num)

    def get_config(self):
        return {**super().get_config(), "period": self.period, "num": self.num, "seed": self.seed}


def stylizer(channels, num_styles, *, width=32, wrap="none", name="stylizer"):
    """Repaints pictures: gives them the palette of the painting in closed form, and adds what is not linear.

    For that it halves the picture twice, changes it there, and doubles it again; each convolution is followed by a
    scale and a shift of its channels, which a dense layer makes from the style and its strength. `image = picture +
    strength · (painted − picture)`, so a strength of 0 returns the picture. Alpha is copied.

    Args:
        channels: 1, 3 or 4, of the pictures.
        num_styles: number of styles.
        width: channels at half size; at a quarter of the size there are twice as many.
        wrap: the axes along which pictures are periodic: "none", "width" (panoramas) or "both" (tiles). Sizes along
            these are multiples of 4.
        name: name of the model.

    Returns:
        Functional model, [picture (batch, height, width, channels) of any size from 4 pixels, styling (batch,
        num_styles + 1), the whole picture as `style.thumbnails` shows it] → float32 images of the size of the picture,
        about [-1, 1].

    Example:
        >>> made = stylizer(3, 2, width=8)([ops.zeros((1, 7, 12, 3)), ops.ones((1, 3)), ops.zeros((1, 64, 64, 3))])
        >>> tuple(made.shape)
        (1, 7, 12, 3)

    Source:
        A small network for several styles: Dumoulin et al., A learned representation for artistic style (2017),
        https://arxiv.org/abs/1610.07629; strength as an input: Babaeizadeh and Ghiasi, Adjustable real-time style
        transfer (2019), https://arxiv.org/abs/1811.08560. Differs: nothing is
        normalised, and there is noise.
    """
    kit = Kit(wrap)
    num_colors = 3 if channels >= 3 else 1
    picture = keras.Input((None, None, channels), name="picture")
    styling = keras.Input((num_styles + 1,), name="styling")
    whole = keras.Input((THUMBNAIL, THUMBNAIL, channels), name="whole")
    colors, strength = picture[..., :num_colors], styling[:, -1:]
    recolored = ColorTransfer(num_styles, channels, name="color_transfer")(
        colors, whole[..., :num_colors], styling[:, :-1]
    )

    def modulated(maps):
        filters = maps.shape[-1]
        scale, shift = (layers.Reshape((1, 1, filters))(layers.Dense(filters)(styling)) for _ in range(2))
        return maps * (1.0 + scale) + shift

    def activated(layer, maps):
        return layers.LeakyReLU(0.2)(modulated(layer(maps)))

    def conv(filters, size=3, **options):
        return kit.conv2d(filters, size, **{"kernel_initializer": "he_normal", **options})

    full = Texture(PERIOD)(ReflectToMultiple(MULTIPLE)(recolored))
    half = activated(conv(width, strides=2), full)
    hidden = Texture(PERIOD // 4, seed=1)(activated(conv(2 * width, strides=2), half))
    hidden = activated(conv(2 * width), hidden)
    for _ in range(BLOCKS):
        inner = activated(conv(2 * width), hidden)
        hidden = hidden + modulated(conv(2 * width, kernel_initializer="glorot_normal")(inner))
        hidden = layers.LeakyReLU(0.2)(hidden)
    hidden = activated(kit.conv2d_transpose(width, kernel_initializer=HE_TRANSPOSED), hidden)
    hidden = activated(kit.conv2d_transpose(width // 2, kernel_initializer=HE_TRANSPOSED), hidden + half)
    hidden = layers.Concatenate()([hidden, activated(conv(width // 2), full)])
    painted = kit.conv2d(num_colors, 3, kernel_initializer=NEAR_GREY, dtype="float32")(hidden)
    painted = CutLike(dtype="float32")([painted, colors]) + recolored
    image = colors + layers.Reshape((1, 1, 1))(strength) * (painted - colors)
    image = layers.Activation(leaky_clip, dtype="float32")(image)
    if channels == 4:
        image = layers.Concatenate(dtype="float32")([image, picture[..., 3:]])
    return keras.Model([picture, styling, whole], image, name=name)
