"""Likelihoods: how probable images are given their reconstructions, as Keras losses.

A loss here is the negative logarithm of a density, summed over all values of an image, in nats. A VAE needs it on this
scale, as its other loss is in nats too; a mean over pixels would be hundreds of times too weak.
"""

from __future__ import annotations

import math

import keras
from keras import ops

_BYTE = 2 / 255  # on the scale [-1, 1]
MIN_VARIANCE = _BYTE**2 / 12  # that of the rounding to bytes: no prediction can be better


@keras.saving.register_keras_serializable("keras_gen")
class Gaussian(keras.losses.Loss):
    """A normal density with one standard deviation for all values, the best one for the batch: nothing to tune.

    `D/2 · log(2π σ²) + Σ (x − x̂)² / 2σ²` with σ² the mean squared error of the batch; D values per image. Its gradient
    is that of `D/2 · log MSE`.

    Example:
        >>> images, reconstructions = ops.zeros((2, 2, 2, 1)), ops.full((2, 2, 2, 1), 0.5)
        >>> round(float(Gaussian()(images, reconstructions)), 4)  # 4/2 · (log(2π · 0.25) + 1)
        2.9032

    Source:
        Rybkin et al., Simple and Effective VAE Training with Calibrated Decoders (2021), section 4,
        https://arxiv.org/abs/2006.13202
    """

    def __init__(self, reduction="sum_over_batch_size", name="gaussian", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        squares = ops.square(y_true - y_pred)
        variance = ops.stop_gradient(ops.maximum(ops.mean(squares), MIN_VARIANCE))
        size = math.prod(y_pred.shape[1:])
        return size / 2 * ops.log(2 * math.pi * variance) + _summed(squares) / (2 * variance)


@keras.saving.register_keras_serializable("keras_gen")
class Bernoulli(keras.losses.Loss):
    """The cross-entropy of black and white, each value the probability of white: for mostly black-and-white images.

    Both sides are converted from [-1, 1] to [0, 1]; reconstructions outside are clipped.

    Example:
        >>> images, reconstructions = ops.ones((1, 1, 2, 1)), ops.zeros((1, 1, 2, 1))
        >>> round(float(Bernoulli()(images, reconstructions)), 4)  # 2 log 2
        1.3863
    """

    def __init__(self, reduction="sum_over_batch_size", name="bernoulli", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        return _summed(ops.binary_crossentropy((y_true + 1) / 2, (y_pred + 1) / 2))


LIKELIHOODS = {"gaussian": Gaussian, "bernoulli": Bernoulli}


# Keras losses for probabilities, counts and directions: on [-1, 1] they are unbounded below, or NaN.
_OF_OTHER_SCALES = (
    *("crossentropy", "categorical", "poisson", "kldivergence", "cosinesimilarity", "logarithmic", "percentage"),
    *("hinge", "ctc", "tversky", "dice", "circle"),
)


def get(identifier):
    """A likelihood of this module by name, or any regression loss that `keras.losses.get` knows; None stays None.

    Raises:
        ValueError: for a loss that needs a scale other than that of images, [-1, 1].

    Example:
        >>> get("bernoulli").name, get("mse").__name__
        ('bernoulli', 'mean_squared_error')
    """
    if isinstance(identifier, str) and identifier in LIKELIHOODS:
        return LIKELIHOODS[identifier]()
    loss = keras.losses.get(identifier)
    name = getattr(loss, "__name__", type(loss).__name__)
    of_keras = getattr(loss, "__module__", "").startswith("keras.")
    if of_keras and any(part in name.lower().replace("_", "") for part in _OF_OTHER_SCALES):
        raise ValueError(
            f"expected a loss for images in [-1, 1], received {name}, which is for other values: 'bernoulli' is the "
            "cross-entropy of black and white; 'gaussian', 'mse', 'mae' and 'huber' suit all images"
        )
    return loss


def _summed(values):
    """(b, ...) → (b,)."""
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1)
