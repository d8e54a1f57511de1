"""Products of rows: with a basis that is learned, and with each other."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class LearnedBasis(keras.layers.Layer):
    """Scales learned maps: `outputs[b, y, x, c] = scales[b, c] · basis[y, x, c]`, the beginning of a generator.

    A dense layer to the same maps would need as many weights for each of its inputs.

    Args:
        height: rows of the maps.
        width: columns of the maps.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        scales: float tensor (batch, channels).

    Call returns:
        Tensor (batch, height, width, channels).

    Example:
        >>> LearnedBasis(4, 6)(keras.ops.ones((2, 16))).shape
        TensorShape([2, 4, 6, 16])

    Source:
        Huang et al., The GAN is dead; long live the GAN! (2024), section 4, https://arxiv.org/abs/2501.05441
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape):
        shape = (self.height, self.width, input_shape[-1])
        self.basis = self.add_weight(name="basis", shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0))

    def call(self, scales):
        return scales[:, None, None, :] * self.basis

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("keras_gen")
class RowProducts(keras.layers.Layer):
    """The scalar product of each row with its partner: `outputs[b] = Σ_j left[b, j] · right[b, j]`.

    `keras.layers.Dot(axes=1)` computes the same as b matrix products, which takes a CPU several times as long.

    Args:
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: two float tensors (batch, features).

    Call returns:
        Tensor (batch, 1).

    Example:
        >>> RowProducts()([keras.ops.array([[1.0, 2.0]]), keras.ops.array([[3.0, 4.0]])]).numpy().tolist()
        [[11.0]]
    """

    def call(self, inputs):
        left, right = inputs
        return ops.sum(left * right, axis=1, keepdims=True)
