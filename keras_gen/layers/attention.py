"""Self-attention between all places of a map."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class SelfAttention(keras.layers.Layer):
    """Every pixel attends to every other: `outputs = features + γ · attention(features)`, γ starts at 0.

    Convolutions are local; this makes distant parts of an image consistent. It costs (height · width)², so it is for
    small maps, of about 16×16. With γ at 0 a network begins as if the layer were not there.

    Differs from the paper in that queries · keys are divided by the root of their width, as
    `keras.layers.MultiHeadAttention` does.

    Args:
        kernel_constraint: constraint on all weights, γ among them.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        features: float tensor (batch, height, width, channels).

    Call returns:
        Tensor of the same shape.

    Example:
        >>> features = keras.ops.ones((2, 3, 4, 16))
        >>> bool(keras.ops.all(SelfAttention()(features) == features))
        True

    Source:
        Zhang et al., Self-Attention Generative Adversarial Networks (2018), equation 3, https://arxiv.org/abs/1805.08318
    """

    def __init__(self, kernel_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def build(self, input_shape):
        _, height, width, channels = input_shape
        self.attention = keras.layers.MultiHeadAttention(
            num_heads=1,
            key_dim=max(1, channels // 8),  # also for the values, as in the paper
            flash_attention=False,
            use_bias=False,
            kernel_constraint=self.kernel_constraint,
            dtype=self.dtype_policy,
        )
        self.attention.build((None, height * width, channels), (None, height * width, channels))
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros", constraint=self.kernel_constraint)

    def call(self, features):
        _, height, width, channels = features.shape
        pixels = ops.reshape(features, (-1, height * width, channels))
        # With the scores requested, no backend uses a fused kernel, which has no second derivative.
        attended, _ = self.attention(pixels, pixels, return_attention_scores=True)
        return features + self.gamma * ops.reshape(attended, (-1, height, width, channels))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "kernel_constraint": keras.constraints.serialize(self.kernel_constraint)}
