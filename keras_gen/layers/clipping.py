"""Bounds: of weights after each step, and of pixels, with a slope beyond them."""

from __future__ import annotations

import keras
from keras import ops

LEAK = 0.02  # slope of `leaky_clip` beyond [-1, 1]


@keras.saving.register_keras_serializable("keras_gen")
class ClipWeights(keras.constraints.Constraint):
    """Keeps weights in [-limit, limit] after each step of the optimizer: `w ← clip(w, −c, c)`.

    This is how the first WGAN bounds the slope of its critic; a gradient penalty does it better.

    Args:
        limit: float > 0, 0.01 in the paper.

    Raises:
        ValueError: if `limit` is not positive.

    Example:
        >>> ClipWeights(0.5)(keras.ops.array([-2.0, 0.25, 0.75])).numpy().tolist()
        [-0.5, 0.25, 0.5]

    Source:
        Arjovsky et al., Wasserstein GAN (2017), algorithm 1, https://arxiv.org/abs/1701.07875
    """

    def __init__(self, limit=0.01):
        if limit <= 0:
            raise ValueError(f"expected a limit > 0 for the weights, received {limit}")
        self.limit = limit

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("keras_gen")
def leaky_clip(x):
    """`clip(x, -1, 1)` plus 0.02 of what is cut off: an activation for generators whose slope never vanishes.

    Most pixels of drawings are exactly black, white or transparent. tanh only approaches these values, as its slope
    vanishes on the way: a haze remains. And in its first steps a generator is pushed towards the most frequent value.
    If tanh saturates there, the generator arrives before the discriminator objects, and without a slope it cannot
    recover. The discriminator gets values beyond [-1, 1], and `images.to_uint8` cuts them off.

    Example:
        >>> [round(float(x), 2) for x in leaky_clip(ops.array([-11.0, 0.5, 2.0]))]
        [-1.2, 0.5, 1.02]
    """
    inside = ops.clip(x, -1.0, 1.0)
    return inside + LEAK * (x - inside)
