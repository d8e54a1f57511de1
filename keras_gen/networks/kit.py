"""The layers of all architectures, for both players: padding, resampling, spectral normalisation, weight clipping.

An architecture decides which layer goes where. This module decides how borders are padded and weights are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from keras import layers

from keras_gen.layers import WRAPS, CircularPadding2D, ClipWeights, SelfAttention, SpectralConv2D, SpectralDense
from keras_gen.registry import lookup


@dataclass(frozen=True)
class Kit:
    """Makes the layers of a network. Each method is named after a Keras layer and returns a callable like it.

    Layers that wrap have no seam: rolling the input of convolutional layers along a wrapped axis by the pixels that one
    output pixel covers rolls the output by exactly one pixel. This is for panoramas ("width") and tiles ("both"). With
    `wrap="none"` the layers are plain Keras layers.

    Args:
        wrap: a name in `keras_gen.layers.WRAPS`, the axes along which images are periodic. Maps are padded circularly
            along these axes, with zeros along the others. Sizes along them must halve evenly, see
            `pyramid.check_wrap`.
        spectral_normalization: whether the kernels of dense layers and convolutions are divided by their largest
            singular value.
        weight_clip: float > 0, the largest size of a weight, biases too, or None for no limit.

    Raises:
        ValueError: for an unknown wrap; and for spectral normalisation with a clip, as clipping W only coarsens W/σ.

    Example:
        >>> kit = Kit(wrap="width", spectral_normalization=True)
        >>> kit.conv2d(16, 3, strides=2)(layers.Input((8, 12, 3))).shape
        (None, 4, 6, 16)
    """

    wrap: str = "none"
    spectral_normalization: bool = False
    weight_clip: float | None = None

    def __post_init__(self):
        lookup("wrap", WRAPS, self.wrap)
        if self.spectral_normalization and self.weight_clip is not None:
            raise ValueError(
                "expected spectral_normalization or weight_clip, received both "
                f"(weight_clip={self.weight_clip}): drop one"
            )

    def dense(self, units: int, **kwargs) -> layers.Layer:
        """A dense layer."""
        dense = SpectralDense if self.spectral_normalization else layers.Dense
        return dense(units, **self._clipped("kernel", "bias"), **kwargs)

    def conv2d(self, filters: int, kernel_size: int, strides: int = 1, **kwargs) -> Callable:
        """A convolution with the padding "same"; its kernel is at least as large as its stride."""
        wraps = self.wrap != "none" and kernel_size > 1
        conv2d = SpectralConv2D if self.spectral_normalization else layers.Conv2D
        kwargs |= {"padding": "valid" if wraps else "same", **self._clipped("kernel", "bias")}
        convolution = conv2d(filters, kernel_size, strides, **kwargs)

        def convolved(maps):
            # A size that is not known is a multiple of the stride.
            padding = [_same_padding(size or strides, kernel_size, strides) for size in maps.shape[1:3]]
            return convolution(CircularPadding2D(padding, self.wrap, dtype=convolution.dtype_policy)(maps))

        return convolved if wraps else convolution

    def conv2d_transpose(self, filters: int, **kwargs) -> Callable:
        """A 4×4 transposed convolution that doubles the size of maps."""
        return self._continued(layers.Conv2DTranspose(filters, 4, strides=2, padding="same", **kwargs), 1, factor=2)

    def up_sampling(self, interpolation: str = "nearest", **kwargs) -> Callable:
        """Doubles the size of maps, "nearest" or "bilinear"; has no second derivative on TensorFlow."""
        doubling = layers.UpSampling2D(interpolation=interpolation, **kwargs)
        return doubling if interpolation == "nearest" else self._continued(doubling, 1, factor=2)

    def average_pooling(self) -> layers.Layer:
        """Halves the size of maps, rounding up."""
        return layers.AveragePooling2D(2, padding="same")  # no window crosses a seam, as wrapped sizes are even

    def smoothing(self, side: int, **kwargs) -> Callable:
        """The mean of the square of `side` pixels, an odd number, around each pixel: of what lies in the image."""
        return self._continued(layers.AveragePooling2D(side, strides=1, padding="same", **kwargs), side // 2)

    def batch_normalization(self) -> layers.Layer:
        """Batch normalisation."""
        return layers.BatchNormalization(**self._clipped("gamma", "beta"))

    def self_attention(self) -> layers.Layer:
        """Self-attention, which has no borders."""
        return SelfAttention(**self._clipped("kernel"))

    def _clipped(self, *weights):
        clip = None if self.weight_clip is None else ClipWeights(self.weight_clip)
        return {f"{weight}_constraint": clip for weight in weights}

    def _continued(self, layer, margin, factor=1):
        """`layer`, which multiplies sizes by `factor` and sees `margin` pixels around each, also beyond the seams."""
        if self.wrap == "none":
            return layer
        margins = [margin * (axis in WRAPS[self.wrap]) for axis in (1, 2)]

        def continued(maps):
            padding = [(each, each) for each in margins]
            padded = CircularPadding2D(padding, self.wrap, dtype=layer.dtype_policy)(maps)
            return layers.Cropping2D([factor * each for each in margins], dtype=layer.dtype_policy)(layer(padded))

        return continued


def _same_padding(size, kernel_size, strides):
    """(before, after) of the padding "same", the larger half after."""
    total = (math.ceil(size / strides) - 1) * strides + kernel_size - size
    return total // 2, total - total // 2
