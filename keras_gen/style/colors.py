"""The colours of a painting for any picture, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_gen.style.distances import AXES, resampled

THUMBNAIL, KNOTS = 64, 12  # pixels a side from which a palette is known; quantiles on each axis
MIN_KNOT_DISTANCE = 0.01  # about a byte: a picture of few colours has equal quantiles
MIN_COLOR_VARIANCE = 1e-3  # so that pictures of nearly one colour are not stretched without limit
ROOT_STEPS = 18  # enough for eigenvalues that differ by a factor of 10⁵


def thumbnails(pictures):
    """Pictures of any size as 64×64 of their pixels: how often each colour occurs in the whole.

    Args:
        pictures: float tensor (b, height, width, channels).

    Returns:
        float32 (b, 64, 64, channels).
    """
    size = (THUMBNAIL, THUMBNAIL)
    return ops.image.resize(pictures, size, interpolation="nearest", data_format="channels_last")


@keras.saving.register_keras_serializable("keras_gen")
class ColorTransfer(keras.layers.Layer):
    """Gives pictures the colours of a painting in closed form: nothing is learned.

    First the linear map that changes them least, of all those after which the mean and the covariance are those of the
    painting: `A⁻¹ (A B² A)½ A⁻¹` with A² the covariance of the picture and B² that of the painting. Then, on each of
    three axes of colour, the rising function that gives them the painting's quantiles. What is left to a network begins
    with the right palette, whatever the photograph.

    Args:
        num_styles: number of paintings.
        channels: 1, 3 or 4, of the pictures.

    Call arguments:
        colors: float tensor (b, height, width, 1 or 3) in [-1, 1], the whole picture or a part of it.
        wholes: float tensor (b, 64, 64, 1 or 3), see `thumbnails`.
        styles: float tensor (b, num_styles), a weight for each painting, 1 in sum.

    Call returns:
        float32 tensor, shaped like `colors`.

    Source:
        Pitié and Kokaram, The linear Monge-Kantorovitch linear colour mapping (2007); Pitié, Kokaram and Dahyot,
        N-dimensional probability density function transfer (2005), of which this is the first iteration
    """

    def __init__(self, num_styles, channels=3, **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.num_styles = num_styles
        self.channels = channels
        self.colors = 3 if channels >= 3 else 1
        moments, knots = (num_styles, self.colors + 1, self.colors), (num_styles, self.colors, KNOTS)
        self.moments = self.add_weight(moments, "zeros", trainable=False, name="moments")
        self.knots = self.add_weight(knots, "zeros", trainable=False, name="knots")
        self.built = True

    def adapt(self, paintings: Sequence[np.ndarray]) -> None:
        """Stores the colours of paintings, uint8 arrays (height, width, channels), one for each style."""
        samples = [np.reshape(each[..., : self.colors] / 127.5 - 1, (1, -1, self.colors)) for each in paintings]
        samples = [each.astype("float32") for each in samples]
        self.moments.assign(np.concatenate([ops.convert_to_numpy(_moments(each)) for each in samples]))
        on_axes = [np.sort(each[0] @ self._axes, axis=0).T for each in samples]
        self.knots.assign(np.stack([ops.convert_to_numpy(resampled(each, KNOTS)) for each in on_axes]))

    @property
    def _axes(self):
        return AXES.T.astype("float32") if self.colors == 3 else np.ones((1, 1), "float32")

    def call(self, colors, wholes, styles):
        samples = ops.reshape(wholes, (-1, THUMBNAIL**2, self.colors))
        moments, wanted = _moments(samples), ops.tensordot(styles, self.moments, axes=1)
        ridge = MIN_COLOR_VARIANCE * np.eye(self.colors, dtype="float32")
        root, inverse = _roots(moments[:, 1:] + ridge)
        middle, _ = _roots(ops.matmul(ops.matmul(root, wanted[:, 1:] + ridge), root))
        change = ops.matmul(ops.matmul(ops.matmul(inverse, middle), inverse), self._axes)
        start = ops.matmul(wanted[:, :1], self._axes) - ops.matmul(moments[:, :1], change)
        samples = ops.matmul(samples, change) + start  # on the axes now
        ordered = ops.sort(ops.transpose(samples, (0, 2, 1)), axis=-1)
        known, targets = resampled(ordered, KNOTS), ops.tensordot(styles, self.knots, axes=1)
        moved = ops.matmul(colors, ops.expand_dims(change, 1)) + ops.expand_dims(start, 1)
        return ops.matmul(_interpolated(moved, known, targets), self._axes.T)

    def compute_output_shape(self, colors_shape, wholes_shape, styles_shape):
        return colors_shape

    def get_config(self):
        config = super().get_config()
        for name in ("dtype", "trainable"):
            config.pop(name)
        return {**config, "num_styles": self.num_styles, "channels": self.channels}


def _moments(samples):
    """The mean of colours (b, n, colours) and below it their covariance, (b, 1 + colours, colours)."""
    mean = ops.mean(samples, axis=1, keepdims=True)
    apart = samples - mean
    covariance = ops.matmul(ops.transpose(apart, (0, 2, 1)), apart) / samples.shape[1]
    return ops.concatenate([mean, covariance], axis=1)


def _interpolated(values, known, targets):
    """Values (b, height, width, n) through a rising piecewise linear function for each row and channel.

    From knots (b, n, k) to knots (b, n, k), and with a slope of 1 beyond them.
    """

    def knot(knots, place):
        return ops.reshape(knots[..., place], (-1, 1, 1, values.shape[-1]))

    first, last = knot(known, 0), knot(known, -1)
    made = knot(targets, 0) + ops.minimum(values - first, 0) + ops.maximum(values - last, 0)
    for place in range(KNOTS - 1):
        low, width = knot(known, place), ops.maximum(knot(known, place + 1) - knot(known, place), MIN_KNOT_DISTANCE)
        step = knot(targets, place + 1) - knot(targets, place)
        made = made + step * ops.clip((values - low) / width, 0.0, 1.0)
    return made


def _roots(matrices):
    """The square roots of positive definite matrices (b, n, n), and their inverses: Newton and Schulz, products alone.

    So any runtime can compute them. Small eigenvalues grow by half in each of the first steps.
    """
    eye = np.eye(matrices.shape[-1], dtype="float32")
    size = ops.sum(matrices * eye, axis=(1, 2), keepdims=True)  # `ops.trace` makes what ONNX Runtime has no kernel for
    root, inverse = matrices / size, ops.broadcast_to(eye, ops.shape(matrices))
    for _ in range(ROOT_STEPS):
        step = 1.5 * eye - 0.5 * ops.matmul(inverse, root)
        root, inverse = ops.matmul(root, step), ops.matmul(step, inverse)
    return root * ops.sqrt(size), inverse / ops.sqrt(size)
