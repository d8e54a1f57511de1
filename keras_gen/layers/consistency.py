"""The last layer of a repair: what the picture says about the image is kept."""

from __future__ import annotations

import keras
from keras import ops

from keras_gen import corruptions
from keras_gen.registry import lookup


@keras.saving.register_keras_serializable("keras_gen")
class DataConsistency(keras.layers.Layer):
    """Makes images agree with the pictures that they are made from: `A⁺ picture + s · (images − A⁺A images)`.

    A is the corruption by which pictures are made from images, A⁺ repeats what A has made smaller. So only what A
    removes is taken from the images: the chroma of a pixel, the detail of a block. It is scaled by the largest s ≤ 1
    with which the result stays in [-1, 1]. Then the luma of each pixel, or the mean of each block, is that of the
    picture, in bytes too; and what is black, white or transparent in the picture is so in the image.

    Args:
        corruption: a name in `corruptions.PROJECTIONS`.
        amount: of the corruption; None for its default.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: float tensors, images (batch, height, width, channels) and pictures in [-1, 1] of their size, or smaller
            by a whole factor.

    Call returns:
        Tensor like the images.

    Raises:
        ValueError: for another corruption, after which A(A⁺(picture)) would not be the picture.

    Example:
        >>> agree = DataConsistency("grey")
        >>> images = agree([ops.array([[[[0.5, -0.5, 0.0]]]]), ops.array([[[[0.2, 0.2, 0.2]]]])])
        >>> round(float(corruptions.grey(images)[0, 0, 0, 0]), 4)
        0.2

    Source:
        Wang et al., Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model (2023), equation 6,
        https://arxiv.org/abs/2212.00490. Differs by s.
    """

    def __init__(self, corruption, amount=None, **kwargs):
        super().__init__(**kwargs)
        self.corruption = corruption
        self.amount = amount
        lookup("corruption that keeps what it leaves", corruptions.PROJECTIONS, corruption)
        if corruption == "grey" and amount not in (None, 1):
            raise ValueError(f"expected all of the colour to be removed, an amount of 1, received {amount}")
        self._corrupt = corruptions.get(corruption, amount)

    def call(self, inputs):
        images, pictures = inputs
        removed = images - _repeated(self._corrupt(images), images)
        kept = _repeated(pictures, images)
        # How often what was removed fits between the picture and the end of the range in its direction.
        room = (1.0 - ops.sign(removed) * kept) / ops.maximum(ops.abs(removed), 1e-6)
        return kept + ops.clip(self._least(room), 0.0, 1.0) * removed

    def _least(self, room):
        """The least of all values that A combines, in the place of each of them."""
        if self.corruption == "grey":
            return ops.min(room, axis=-1, keepdims=True)
        side = int(self.amount or 2)
        return _repeated(-ops.max_pool(-room, side, side), room)

    def get_config(self):
        return {**super().get_config(), "corruption": self.corruption, "amount": self.amount}


def _repeated(maps, images):
    """Maps repeated to the size of images."""
    for axis in (1, 2):
        maps = ops.repeat(maps, images.shape[axis] // maps.shape[axis], axis=axis)
    return maps
