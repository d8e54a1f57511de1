"""Where on a panorama a pixel lies."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class Latitude(keras.layers.Layer):
    """Adds a channel that says how far up each row of pixels is: 1 at the upper edge, −1 at the lower one.

    The pixels of an equirectangular panorama become narrower towards its poles. A convolution, which sees a few pixels
    at a time, can tell by this channel which of them should vary little along the width.

    Call arguments:
        images: float tensor (batch, height, width, channels).

    Call returns:
        Tensor (batch, height, width, channels + 1).

    Example:
        >>> print(ops.convert_to_numpy(Latitude()(ops.zeros((1, 4, 1, 1))))[0, :, 0, 1])
        [ 0.75  0.25 -0.25 -0.75]
    """

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], input_shape[3] + 1)

    def call(self, images):
        height = ops.shape(images)[1]
        rows = ops.arange(height, dtype="float32")  # whole numbers below 256 alone are exact in half precision
        latitude = ops.cast(1 - (2 * rows + 1) / height, images.dtype)
        channel = ops.zeros_like(images[..., :1]) + latitude[:, None, None]
        return ops.concatenate([images, channel], axis=-1)
