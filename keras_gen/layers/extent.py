"""How far maps reach: padding that goes round, reflection to a multiple, a cut to the size of others."""

from __future__ import annotations

import keras
from keras import ops

from keras_gen.registry import lookup

# The axes of (batch, height, width, channels) along which images are periodic.
WRAPS: dict[str, tuple[int, ...]] = {"none": (), "width": (2,), "both": (1, 2)}


@keras.saving.register_keras_serializable("keras_gen")
class CircularPadding2D(keras.layers.Layer):
    """Pads maps circularly along wrapped axes, `outputs[i] = maps[(i − before) mod size]`, with zeros along the others.

    For images that are periodic: panoramas along their width, tiles along both axes. A convolution of maps padded like
    this has no border.

    Args:
        padding: ((top, bottom), (left, right)), lines to add; along wrapped axes no more than the maps have.
        wrap: a name in `WRAPS`: "width" pads circularly along the width and with zeros along the height, "both"
            circularly along both, "none" with zeros alone.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        maps: float tensor (batch, height, width, channels).

    Call returns:
        Tensor (batch, top + height + bottom, left + width + right, channels).

    Raises:
        ValueError: for an unknown wrap.

    Example:
        >>> maps = ops.reshape(ops.arange(1.0, 4.0), (1, 1, 3, 1))
        >>> print(ops.convert_to_numpy(CircularPadding2D(((0, 1), (2, 1)))(maps))[0, :, :, 0])
        [[2. 3. 1. 2. 3. 1.]
         [0. 0. 0. 0. 0. 0.]]
    """

    def __init__(self, padding, wrap="width", **kwargs):
        super().__init__(**kwargs)
        lookup("wrap", WRAPS, wrap)
        self.padding = padding
        self.wrap = wrap

    def call(self, maps):
        for axis, (before, after) in enumerate(self.padding, start=1):
            if axis in WRAPS[self.wrap]:
                whole = (slice(None),) * axis  # of the axes before it; sizes need not be known
                last = [maps[(*whole, slice(-before, None))]] if before else []
                first = [maps[(*whole, slice(None, after))]] if after else []
                maps = ops.concatenate([*last, maps, *first], axis=axis)
            else:
                maps = ops.pad(maps, [(before, after) if each == axis else (0, 0) for each in range(4)])
        return maps

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "wrap": self.wrap}


@keras.saving.register_keras_serializable("keras_gen")
class CutLike(keras.layers.Layer):
    """Cuts the last rows and columns off maps that are larger than others, whatever their size is when they come.

    Call arguments:
        inputs: two tensors (batch, height, width, channels); the first is no smaller than the second.

    Returns:
        The first, in the height and width of the second.

    Example:
        >>> tuple(CutLike()([ops.zeros((2, 8, 12, 3)), ops.zeros((2, 7, 12, 1))]).shape)
        (2, 7, 12, 3)
    """

    def compute_output_shape(self, input_shape):
        maps, others = input_shape
        return (*maps[:1], *others[1:3], *maps[3:])

    def call(self, inputs):
        maps, others = inputs
        return maps[:, : ops.shape(others)[1], : ops.shape(others)[2]]


@keras.saving.register_keras_serializable("keras_gen")
class ReflectToMultiple(keras.layers.Layer):
    """Extends pictures downwards and to the right by their mirror image, to a multiple of pixels.

    Then strided convolutions with the padding "same" pad all pictures alike, and so begin at the same pixel in all.

    Args:
        multiple: int ≥ 1.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        pictures: float tensor (batch, height, width, channels). Where there is too little to mirror, the first row or
            column is repeated.

    Example:
        >>> tuple(ReflectToMultiple(4)(ops.zeros((1, 5, 8, 3))).shape)
        (1, 8, 8, 3)
    """

    def __init__(self, multiple, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, pictures):
        for axis in (1, 2):
            side = ops.shape(pictures)[axis]
            if isinstance(side, int) and side % self.multiple == 0:
                continue
            # No division of negative numbers, which ONNX rounds towards zero.
            indices = ops.arange((side + self.multiple - 1) // self.multiple * self.multiple)
            mirrored = ops.maximum(ops.minimum(indices, 2 * (side - 1) - indices), 0)
            pictures = ops.take(pictures, mirrored, axis=axis)
        return pictures

    def compute_output_shape(self, shape):
        rows, columns = (None if side is None else -(-side // self.multiple) * self.multiple for side in shape[1:3])
        return (shape[0], rows, columns, shape[3])

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}
