"""The mean of what is hidden, given what is known, if images were normally distributed: a linear prediction."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops
from sklearn.decomposition import PCA

from keras_gen import images as pixels

NUM_COMPONENTS = 256  # more gain little and cost as much as all of a small network
NUM_ITERATIONS = 10  # of the solver; more change the prediction by less than 0.1 dB
HEAVY_TAILS = 8.0  # times the residual variance: images are not normal, and large residuals must count for less
TINY = 1e-12  # in place of a division by zero, where the solution is exact
BATCH_SIZE = 256  # images that are read at a time
MAX_SIDE = 32  # larger images are predicted at a fraction of their size, as smoothly as it is in any case


@keras.saving.register_keras_serializable("keras_gen")
class ConditionalMean(keras.layers.Layer):
    """Predicts the hidden pixels of images from the known ones, in closed form.

    Images are modelled as x = μ + Bᵀw + ε, with w standard normal, ε independent normal noise of variance σ², and B the
    principal components of the training images times their standard deviations. With M, 1 where a pixel is known, the
    most probable w solves (I + B M Bᵀ / σ²) w = B M (x − μ) / σ². Conjugate gradients, preconditioned by the diagonal
    that the matrix would have if known pixels were spread evenly, solve it with operations that any runtime has. What
    the components do not explain of the known pixels is interpolated into the hole, so that the prediction continues
    them without a step.

    Call `adapt` with training images before use, as with `keras.layers.Normalization`.

    Args:
        num_components: rows of B, at most; the images or their values may allow fewer.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: float tensors, images (batch, height, width, channels) in [-1, 1] and masks (batch, height, width, 1), 1
            in the hole.

    Call returns:
        The prediction of all pixels, float32 (batch, height, width, channels): in the hole μ + Bᵀw and the interpolated
        rest, elsewhere the known pixels.

    Example:
        >>> dark_or_bright = np.repeat([0, 255], 10)[:, None, None, None] + np.zeros((20, 2, 3, 1))
        >>> predict = ConditionalMean(num_components=1)
        >>> known, mask = ops.ones((1, 2, 3, 1)), ops.reshape([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], (1, 2, 3, 1))
        >>> predict.build([known.shape, mask.shape])
        >>> predict.adapt(dark_or_bright.astype("uint8"))
        >>> round(float(predict([known, mask])[0, 1, 2, 0]), 1)
        1.0

    Source:
        Tipping and Bishop, Probabilistic Principal Component Analysis (1999), equation 6
    """

    def __init__(self, num_components=NUM_COMPONENTS, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.num_components = num_components

    def build(self, input_shape):
        self._small = Small(input_shape[0][1:])
        num_values = math.prod(self._small.shape)
        rows = min(self.num_components, num_values)
        self.mean = self.add_weight((num_values,), "zeros", trainable=False, name="mean")
        self.basis = self.add_weight((rows, num_values), "zeros", trainable=False, name="basis")
        self.precision = self.add_weight((), "ones", trainable=False, name="precision")

    def adapt(self, images):
        """Computes the components of training images.

        Args:
            images: uint8 (n, height, width, channels), an array in memory or on disk, n ≥ 2.
        """
        values = self._small.rows(images)
        pca = components(values, self.basis.shape[0])
        variances = pca.explained_variance_
        noise = (values.var(axis=0).sum() - variances.sum()) / values.shape[1]
        basis = np.zeros(self.basis.shape, np.float32)
        basis[: len(variances)] = pca.components_ * np.sqrt(variances)[:, None]
        self.mean.assign(pca.mean_)
        self.basis.assign(basis)
        self.precision.assign(1 / max(HEAVY_TAILS * noise, 1e-4))

    def call(self, inputs):
        images, masks = inputs
        known = 1.0 - masks
        weights = self._small.shrunk(known)
        small = self._small.shrunk(images * known) / ops.maximum(weights, 1e-6)  # the mean of what is known
        weights = ops.broadcast_to(weights, ops.shape(small))
        weights, small = (ops.reshape(each, (-1, self.mean.shape[0])) for each in (weights, small))

        def applied(w):  # (I + B M Bᵀ / σ²) w
            return w + self.precision * ops.matmul(ops.matmul(w, self.basis) * weights, ops.transpose(self.basis))

        variances = ops.sum(ops.square(self.basis), axis=1)
        diagonal = 1 + self.precision * ops.mean(weights, axis=1, keepdims=True) * variances
        residual = self.precision * ops.matmul((small - self.mean) * weights, ops.transpose(self.basis))
        solution, direction = ops.zeros_like(residual), residual / diagonal
        length = _products(residual, direction)
        for _ in range(NUM_ITERATIONS):
            image = applied(direction)
            step = length / ops.maximum(_products(direction, image), TINY)
            solution, residual = solution + step * direction, residual - step * image
            next_direction, previous = residual / diagonal, length
            length = _products(residual, next_direction)
            direction = next_direction + length / ops.maximum(previous, TINY) * direction
        predicted = self._small.enlarged(self.mean + ops.matmul(solution, self.basis))
        return predicted + interpolated((images - predicted) * known, known)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "num_components": self.num_components}


class Small:
    """Images at a fraction of their size, at which no side is above `MAX_SIDE`: as much as a linear prediction shows.

    Args:
        image_shape: (height, width, channels) of the images.

    Attributes:
        shape: (height, width, channels) at the fraction.

    Example:
        >>> Small((45, 70, 3)).shape
        (15, 24, 3)
    """

    def __init__(self, image_shape):
        height, width, channels = image_shape
        self.size = (height, width)
        self.factor = math.ceil(max(self.size) / MAX_SIDE)
        self.shape = (math.ceil(height / self.factor), math.ceil(width / self.factor), channels)

    def shrunk(self, images):
        """Tensor (b, height, width, channels) → the means of its blocks, (b, *shape) or with other channels."""
        if self.factor == 1:
            return images
        return ops.average_pool(images, self.factor, self.factor, padding="same")

    def enlarged(self, rows):
        """Tensor (b, values of `shape`) → (b, height, width, channels)."""
        images = ops.reshape(rows, (-1, *self.shape))
        return images if self.factor == 1 else ops.image.resize(images, self.size, interpolation="bilinear")

    def rows(self, images) -> np.ndarray:
        """uint8 (n, height, width, channels), in memory or on disk → float32 (n, values of `shape`)."""
        parts = np.array_split(np.arange(len(images)), math.ceil(len(images) / BATCH_SIZE))
        shrunk = (ops.convert_to_numpy(self.shrunk(pixels.to_float(np.asarray(images[part])))) for part in parts)
        return np.concatenate([part.reshape(len(part), -1) for part in shrunk])


def components(rows: np.ndarray, most: int) -> PCA:
    """The principal components of rows (n, values), at most `most` of them and n - 1."""
    with np.errstate(invalid="ignore"):  # scikit-learn divides by the variance, which equal images do not have
        return PCA(min(most, len(rows) - 1), svd_solver="randomized", iterated_power=2, random_state=0).fit(rows)


def interpolated(values, weights):
    """Fills the gaps between known values smoothly: each from the finest mean of its surroundings that has some.

    Args:
        values: float tensor (b, height, width, channels).
        weights: float tensor (b, height, width, 1), 1 where a value is known and 0 in a gap.

    Returns:
        Tensor like `values`, the same where they are known.

    Example:
        >>> values = ops.array([[[[1.0], [0.0], [0.0], [3.0]]]])
        >>> print(ops.convert_to_numpy(interpolated(values, ops.cast(values > 0, "float32"))).ravel())
        [1.  1.5 2.5 3. ]

    Source:
        Gortler et al., The Lumigraph (1996), section 3.4: pull-push
    """
    height, width = values.shape[1:3]
    if max(height, width) == 1:
        return values
    half = {"pool_size": 2, "strides": 2, "padding": "same"}
    small_weights = ops.average_pool(weights, **half)
    small = ops.average_pool(values * weights, **half) / ops.maximum(small_weights, TINY)
    # A mean of two of four values counts as much as one of all of them.
    small = interpolated(small, ops.minimum(2 * small_weights, 1.0))
    return weights * values + (1 - weights) * ops.image.resize(small, (height, width), interpolation="bilinear")


def _products(left, right):
    """The scalar product of each row with its partner, (b, 1)."""
    return ops.sum(left * right, axis=1, keepdims=True)
