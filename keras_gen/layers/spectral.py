"""Spectral normalisation: dense and convolutional layers whose largest singular value is 1 while W itself is kept."""

from __future__ import annotations

import keras
from keras import ops


class _SpectrallyNormalized(keras.layers.Layer):
    """A mix-in for `Dense` or `Conv2D`: their `kernel` is W/σ, the weight that is trained is W."""

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(self._kernel.shape[-1],),
            initializer="random_normal",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",  # all replicas hold the same W
        )

    def call(self, inputs, training=False):
        if training:
            _, u = self._singular_vectors()
            self.u.assign(u)
        return super().call(inputs)

    @property
    def kernel(self):
        """W/σ, in the precision of W."""
        matrix = self._matrix()
        v, u = self._singular_vectors()
        sigma = ops.dot(ops.matmul(v, matrix), u)  # differentiated by W, with u and v constant
        normalized = matrix / (sigma + keras.backend.epsilon())
        return ops.reshape(ops.cast(normalized, self._kernel.dtype), self._kernel.shape)

    def _matrix(self):
        # One column for each unit or filter. In float32, as bfloat16 sums are too coarse for σ.
        return ops.reshape(ops.cast(self._kernel, "float32"), (-1, self._kernel.shape[-1]))

    def _singular_vectors(self):
        matrix = ops.stop_gradient(self._matrix())
        v = ops.normalize(ops.matmul(matrix, self.u))  # (inputs,)
        return v, ops.normalize(ops.matmul(v, matrix))  # (units,)

    # Dense and Conv2D would save their `kernel`, which is W/σ, and forget u.

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


@keras.saving.register_keras_serializable("keras_gen")
class SpectralDense(_SpectrallyNormalized, keras.layers.Dense):
    """A `keras.layers.Dense` that computes with W/σ(W), so that its slope is at most 1.

    `σ = uᵀ W v` estimates the largest singular value of W by one step of power iteration. u is a saved weight that
    takes one step at each call in training, so σ follows W during training. u and v are constants for the gradient, σ
    is not: a larger W has no advantage. `keras.layers.SpectralNormalization` is different: it overwrites W.

    Args:
        *args: as for `keras.layers.Dense`.
        **kwargs: as for `keras.layers.Dense`.

    Call arguments:
        inputs: float tensor (..., inputs).
        training: whether u takes a step.

    Call returns:
        Tensor (..., units).

    Example:
        >>> layer = SpectralDense(1, kernel_initializer="ones", use_bias=False)
        >>> outputs = layer(keras.ops.array([[3.0, 4.0]]))  # σ((1, 1)) = √2, and (3 + 4) / √2 = 4.95
        >>> round(float(outputs[0, 0]), 2)
        4.95

    Source:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018), equation 8 and algorithm 1,
        https://arxiv.org/abs/1802.05957
    """


@keras.saving.register_keras_serializable("keras_gen")
class SpectralConv2D(_SpectrallyNormalized, keras.layers.Conv2D):
    """A `keras.layers.Conv2D` that computes with W/σ(W), see `SpectralDense`.

    As in the paper, W is taken as a matrix with the weights of one filter in a row (here, transposed, in a column). Its
    σ is not the slope of the convolution, which uses each pixel several times: that may be up to
    √(kernel height · width) times as steep.

    Args:
        *args: as for `keras.layers.Conv2D`.
        **kwargs: as for `keras.layers.Conv2D`.

    Call arguments:
        inputs: float tensor (batch, height, width, channels).
        training: whether u takes a step.

    Call returns:
        Tensor (batch, new height, new width, filters).

    Example:
        >>> SpectralConv2D(2, 3)(keras.ops.ones((1, 5, 7, 3))).shape
        TensorShape([1, 3, 5, 2])

    Source:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018), section 2.1,
        https://arxiv.org/abs/1802.05957
    """
