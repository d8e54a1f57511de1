"""How far images are from the look of paintings: distances between distributions, one dimension at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import keras
import numpy as np
from keras import ops

from keras_gen.style.structure import halved

LEVELS = 4  # scales of an image, each half as large as the one before
PATCH = 7  # pixels on a side
DIRECTIONS = 192  # of patches, for each kind of map and each scale; in each step some of them are drawn
QUANTILES = 256  # of each projection that are stored
POINTS = 32  # patches along each axis that are compared in a step: more cost time and change little
MIN_SPREAD = 0.02  # of a painting's maps, so that what is nearly constant in it is not enlarged without limit
# Grey, and two axes of colour, all of the same length: in them the channels of paintings are nearly independent.
AXES = np.array([[3**-0.5, 3**-0.5, 3**-0.5], [2**-0.5, 0, -(2**-0.5)], [-(6**-0.5), 2 * 6**-0.5, -(6**-0.5)]])


def quantiles(values, num: int):
    """`num` quantiles at (i + ½) / num of samples, by linear interpolation between their order statistics.

    Args:
        values: float tensor (..., n).
        num: int ≥ 1.

    Returns:
        float tensor (..., num), ascending. With num = n these are the sorted values.

    Example:
        >>> [float(each) for each in quantiles(ops.array([3.0, 1.0, 2.0, 4.0]), 2)]
        [1.5, 3.5]
    """
    return resampled(ops.sort(values, axis=-1), num)


def resampled(ordered, num):
    """As `quantiles`, of samples that are in order already."""
    n = ordered.shape[-1]
    if num == n:
        return ordered
    places = np.clip((np.arange(num) + 0.5) * n / num - 0.5, 0, n - 1)
    below = np.floor(places).astype("int32")
    share = (places - below).astype("float32")
    above = np.minimum(below + 1, n - 1)
    return ops.take(ordered, below, axis=-1) * (1 - share) + ops.take(ordered, above, axis=-1) * share


def wasserstein(first, second):
    """The Wasserstein distance of samples in one dimension, `mean |F⁻¹ − G⁻¹|`.

    Samples of different sizes are compared by as many quantiles as the smaller one has.

    Args:
        first: float tensor (..., n).
        second: float tensor (..., m).

    Returns:
        float tensor (...).

    Example:
        >>> float(wasserstein(ops.array([0.0, 1.0]), ops.array([3.0, 5.0])))
        3.5
    """
    num = min(first.shape[-1], second.shape[-1])
    return ops.mean(ops.abs(quantiles(first, num) - quantiles(second, num)), axis=-1)


@keras.saving.register_keras_serializable("keras_gen")
class StyleDistance(keras.layers.Layer):
    """How far images are from the look of paintings: the sliced Wasserstein distance between their patches.

    An image is a pyramid of levels. From each level two kinds of patches are taken, those of the level itself and those
    of its detail, what the next level does not have; and the colours of its pixels. In each, the three axes of colour
    are divided by the spread that they have in the painting, so that fine and faint strokes count like large and strong
    ones. Patches are projected onto random directions, and the distributions of each projection compared, see
    `wasserstein`. Of a painting only quantiles are stored: a painting of any size is compared with images of any size.

    Between a photograph and a painting there is a style of each strength: its quantiles are `(1 − strength) ·
    photograph + strength · painting`, the shortest way from one distribution to the other.

    Args:
        num_styles: number of paintings.
        channels: 1, 3 or 4, of the images; the fourth, alpha, has no style.
        levels: scales, as far as the images are large enough.
        directions: of each kind and each level.
        seed: of the directions.

    Call arguments:
        images: float tensor (b, height, width, channels) in [-1, 1], of a known size.
        styles: int tensor (b,), which painting each is compared with.
        strengths: float tensor (b,) in [0, 1], or None for 1.
        originals: the photographs, as `images`; needed with strengths.
        num: directions to draw for this call; None for all, and the same points each time: then nothing is random.

    Call returns:
        float32 (b,), in units of the painting's own spread.

    Example:
        >>> painting = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("uint8")
        >>> distance = StyleDistance(1, directions=8)
        >>> distance.adapt([painting])
        >>> images = ops.cast(np.stack([painting, 0 * painting]), "float32") / 127.5 - 1
        >>> [round(float(each), 1) for each in distance(images, ops.zeros((2,), "int32"))]
        [0.0, 3.4]

    Source:
        patches: Elnekave and Weiss, Generating natural images with direct patch distributions matching (2022),
        https://arxiv.org/abs/2203.11862; slices: Heitz et al., A sliced Wasserstein loss for neural texture synthesis
        (2021), https://arxiv.org/abs/2006.07229. Differs: pyramids whose axes are whitened, colours, quantiles in place
        of a second set of patches, and strengths.
    """

    kinds: ClassVar = {"level": PATCH, "detail": PATCH, "color": 1}
    """The size of the patches of each kind."""

    def __init__(self, num_styles, channels=3, *, levels=LEVELS, directions=DIRECTIONS, seed=0, **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.num_styles = num_styles
        self.channels = channels
        self.levels = levels
        self.directions = directions
        self.seed = seed
        self.axes = 3 if channels >= 3 else 1
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._maps = [(kind, level) for level in range(levels) for kind in self.kinds]
        drawn = np.random.default_rng(seed)
        self._filters = {
            key: _unit(drawn.standard_normal((self.kinds[key[0]], self.kinds[key[0]], self.axes, directions)))
            for key in self._maps
        }
        shape = (len(self._maps), num_styles)
        self.scales = self.add_weight((*shape, self.axes), "ones", trainable=False, name="scales")
        self.tables = self.add_weight((*shape, directions, QUANTILES), "zeros", trainable=False, name="tables")
        self.floors = self.add_weight((num_styles,), "zeros", trainable=False, name="floors")
        self.built = True

    @property
    def min_side(self) -> int:
        """The smallest height and width of a painting."""
        return PATCH * 2 ** (self.levels - 1)

    def adapt(self, paintings: Sequence[np.ndarray]) -> None:
        """Stores what the paintings look like, and in `floors` how far another crop of each is from it.

        Args:
            paintings: uint8 arrays (height, width, channels), one for each style, of any sizes.

        Raises:
            ValueError: for another number of them, other channels, and paintings that are too small.
        """
        if len(paintings) != self.num_styles:
            raise ValueError(f"expected {self.num_styles} paintings, received {len(paintings)}")
        scales, tables = np.empty(self.scales.shape, "float32"), np.empty(self.tables.shape, "float32")
        for style, painting in enumerate(paintings):
            if painting.shape[-1] != self.channels or min(painting.shape[:2]) < self.min_side:
                raise ValueError(
                    f"expected paintings of {self.channels} channels and at least {self.min_side} pixels a side, "
                    f"received one of {painting.shape}"
                )
            maps = self._pyramid(ops.cast(painting[None], "float32") / 127.5 - 1)
            for place, key in enumerate(self._maps):
                spread = np.std(ops.convert_to_numpy(maps[key]), axis=(0, 1, 2))
                scales[place, style] = 1 / (spread + MIN_SPREAD)
                samples = ops.convert_to_numpy(self._projected(maps[key] * scales[place, style], self._filters[key]))
                ordered = np.sort(samples[0], axis=-1)  # by NumPy, which sorts many times faster than TensorFlow
                tables[place, style] = ops.convert_to_numpy(resampled(ordered, QUANTILES))
        self.scales.assign(scales)
        self.tables.assign(tables)
        self.floors.assign([self._floor(style, painting) for style, painting in enumerate(paintings)])

    def call(self, images, styles, strengths=None, originals=None, num=None):
        maps = self._pyramid(images)
        before = None if strengths is None else self._pyramid(originals)
        distances = []
        for place, key in enumerate(self._maps):
            if key not in maps:
                continue
            scale = ops.take(self.scales[place], styles, axis=0)[:, None, None]
            filters, table = self._filters[key], ops.take(self.tables[place], styles, axis=0)
            corner, step = None, max(1, min(maps[key].shape[1:3]) // POINTS)
            if num is not None:
                drawn = keras.random.randint((num,), 0, self.directions, seed=self.seed_generator)
                filters, table = ops.take(filters, drawn, axis=-1), ops.take(table, drawn, axis=1)
                corner = keras.random.randint((2,), 0, step, seed=self.seed_generator)
            samples = ops.sort(self._projected(maps[key] * scale, filters, step, corner), axis=-1)
            wanted = resampled(table, samples.shape[-1])
            if before is not None:
                own = ops.sort(self._projected(before[key] * scale, filters, step, corner), axis=-1)
                wanted = own + strengths[:, None, None] * (wanted - own)
            distances.append(ops.mean(ops.abs(samples - wanted), axis=(1, 2)))
        if not distances:
            raise ValueError(f"expected images of at least {PATCH} pixels a side, received {tuple(images.shape)}")
        return sum(distances) / len(distances)

    def _floor(self, style, painting) -> float:
        """The mean distance of the quarters of a painting from the whole: what another crop of it has."""
        height, width = (side // 2 for side in painting.shape[:2])
        crops = [painting[top : top + height, left : left + width] for top in (0, height) for left in (0, width)]
        floats = ops.cast(np.stack(crops), "float32") / 127.5 - 1
        return float(ops.mean(self(floats, np.full(4, style))))

    def _pyramid(self, images):
        """The maps of images (b, height, width, axes) by kind and level, as far as they hold a patch."""
        level = images[..., : self.axes]
        level = ops.matmul(level, AXES.T.astype("float32")) if self.axes == 3 else level
        maps: dict = {}
        for number in range(self.levels):
            if min(level.shape[1:3]) < PATCH:
                break
            smaller = halved(level)
            enlarged = ops.image.resize(smaller, level.shape[1:3], "bilinear", data_format="channels_last")
            maps |= {("level", number): level, ("detail", number): level - enlarged, ("color", number): level}
            level = smaller
        return maps

    def _projected(self, maps, filters, step=1, corner=None):
        """Projections of patches, (b, directions, patches): of all patches, or of every `step`th from a corner."""
        if corner is not None and step > 1:
            size = tuple(side - step + 1 for side in maps.shape[1:3])
            start = ops.concatenate([ops.zeros((1,), corner.dtype), corner, ops.zeros((1,), corner.dtype)])
            maps = ops.slice(maps, start, (maps.shape[0] or ops.shape(maps)[0], *size, maps.shape[3]))
        found = ops.conv(maps, filters, strides=step, padding="valid")
        return ops.transpose(ops.reshape(found, (-1, found.shape[1] * found.shape[2], found.shape[3])), (0, 2, 1))

    def get_config(self):
        config = super().get_config()
        for name in ("dtype", "trainable"):
            config.pop(name)
        names = ("num_styles", "channels", "levels", "directions", "seed")
        return {**config, **{name: getattr(self, name) for name in names}}


def _unit(directions):
    """Directions of length 1 as the filters of a convolution."""
    return (directions / np.sqrt(np.sum(directions**2, axis=(0, 1, 2)))).astype("float32")
