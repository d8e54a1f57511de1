"""Random operations on images: pure functions of images and of random numbers, differentiable in the images."""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from keras_gen.layers import WRAPS


def flip(images, numbers):
    """Mirrors half of the images left to right.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); the first column is used.

    Returns:
        Tensor like `images`.

    Example:
        >>> print(ops.convert_to_numpy(flip(ops.array([[[[1.0], [2.0]]]]), ops.zeros((1, 3)))).ravel())
        [2. 1.]
    """
    return ops.where(_per_image(numbers[:, 0]) < 0.5, ops.flip(images, axis=2), images)


def translation(images, numbers, wrap="none"):
    """Shifts each image by whole pixels, up to an eighth of its height and width; the gap is filled with zeros.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.
        wrap: a name in `keras_gen.layers.WRAPS`: along these axes the image is rolled, without zeros.

    Returns:
        Tensor like `images`.

    Example:
        >>> images = ops.reshape(ops.arange(1.0, 5.0), (1, 4, 1, 1))
        >>> print(ops.convert_to_numpy(translation(images, ops.array([[0.9, 0.0, 0.0]]))).ravel())  # up by one
        [2. 3. 4. 0.]
    """
    return _moved(images, numbers, wrap, mirrors=False)


def shift(images, numbers, wrap="none"):
    """As `translation`, but the gap is filled with what lies at the edge, mirrored, and so without a step.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.
        wrap: as of `translation`.

    Returns:
        Tensor like `images`.

    Example:
        >>> images = ops.reshape(ops.arange(1.0, 5.0), (1, 4, 1, 1))
        >>> print(ops.convert_to_numpy(shift(images, ops.array([[0.9, 0.0, 0.0]]))).ravel())  # up by one
        [2. 3. 4. 3.]
    """
    return _moved(images, numbers, wrap, mirrors=True)


def roll(images, numbers, wrap="both"):
    """Rolls each image by any number of pixels along the axes on which it wraps: panoramas turn, tiles start elsewhere.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.
        wrap: a name in `keras_gen.layers.WRAPS`.

    Returns:
        Tensor like `images`.

    Example:
        >>> images = ops.reshape(ops.arange(1.0, 5.0), (1, 1, 4, 1))
        >>> print(ops.convert_to_numpy(roll(images, ops.array([[0.0, 0.25, 0.0]]), "width")).ravel())  # by one
        [2. 3. 4. 1.]
    """
    for axis in WRAPS[wrap]:
        size = images.shape[axis]
        lines = ops.arange(size, dtype="float32") + _whole(numbers[:, axis - 1], size)
        images = _taken(images, ops.mod(lines, size), axis)
    return images


def cutout(images, numbers):
    """Sets a rectangle of half the height and half the width to zero; its centre may lie anywhere in the image.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.

    Returns:
        Tensor like `images`.

    Example:
        >>> print(ops.convert_to_numpy(cutout(ops.ones((1, 4, 1, 1)), ops.array([[0.0, 0.0, 0.0]]))).ravel())
        [0. 1. 1. 1.]
    """
    height, width = images.shape[1:3]
    rows, columns = _stripes(height, numbers[:, 0]), _stripes(width, numbers[:, 1])
    inside = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])  # (b, height, width, 1)
    return ops.where(inside, 0.0, images)


def color(images, numbers):
    """Changes brightness, saturation and contrast, in this order; a fourth channel, alpha, is not changed.

    Args:
        images: float tensor (b, height, width, 3 or 4). Values may leave [-1, 1].
        numbers: float tensor (b, 3), uniform in [0, 1).

    Returns:
        Tensor like `images`.

    Raises:
        ValueError: for channels other than RGB or RGBA.

    Example:
        >>> print(ops.convert_to_numpy(color(ops.zeros((1, 1, 1, 3)), ops.array([[0.75, 0.5, 0.5]]))).ravel())
        [0.25 0.25 0.25]
    """
    if images.shape[-1] not in (3, 4):
        raise ValueError(
            f"expected RGB or RGBA images for the augmentation 'color', received images with {images.shape[-1]} "
            "channel(s): grey has no colours to change. augment.policy_for names operations that suit the data"
        )
    colors, alpha = images[..., :3], images[..., 3:]
    brightness, saturation, contrast = (_per_image(numbers[:, column]) for column in range(3))
    colors = colors + (brightness - 0.5)
    grey = ops.mean(colors, axis=-1, keepdims=True)
    colors = grey + 2 * saturation * (colors - grey)
    mean = ops.mean(colors, axis=(1, 2, 3), keepdims=True)
    colors = mean + (0.5 + contrast) * (colors - mean)
    return ops.concatenate([colors, alpha], axis=-1)


def _per_image(numbers):
    return numbers[:, None, None, None]


def _whole(numbers, count):
    """Uniform numbers in [0, 1) → whole numbers from 0 to count − 1, all equally likely; float32 (b, 1)."""
    return ops.floor(numbers * count)[:, None]


def _moved(images, numbers, wrap, mirrors):
    for axis in (1, 2):
        lines = _shifted(images.shape[axis], numbers[:, axis - 1], axis in WRAPS[wrap], mirrors)
        images = _taken(images, lines, axis)
    return images


def _taken(images, lines, axis):
    """Line i of each image, a row or a column, is its line `lines[i]`, or zeros where it has none: (b, size) of these.

    The product with a matrix per image, whose row i has its one at column `lines[i]`.
    """
    matrices = ops.equal(lines[:, :, None], ops.arange(images.shape[axis], dtype="float32"))
    product = {1: "bij,bjkc->bikc", 2: "blk,bikc->bilc"}[axis]
    return ops.einsum(product, ops.cast(matrices, images.dtype), images)


def _shifted(size, numbers, wraps, mirrors):
    """Which of `size` lines, (b, size), each line becomes, when they are shifted by at most an eighth."""
    most = (size + 4) // 8
    lines = ops.arange(size, dtype="float32")
    source = lines + _whole(numbers, 2 * most + 1) - most  # (b, size)
    if wraps:
        source = ops.mod(source, size)
    elif mirrors:
        source = size - 1 - ops.abs(size - 1 - ops.abs(source))
    return source


def _stripes(size, numbers):
    """Which of `size` lines lie in a stripe of half of them, cut off at the border; bool (b, size)."""
    extent = (size + 1) // 2
    first = _whole(numbers, size + 1 - extent % 2) - extent // 2
    lines = ops.arange(size, dtype="float32")
    return ops.logical_and(first <= lines, lines < first + extent)


# Operations on positions, which are applied to pictures and masks too; the others change only colours.
GEOMETRIC: dict[str, Callable] = {
    "roll": roll,
    "flip": flip,
    "translation": translation,
    "shift": shift,
    "cutout": cutout,
}
WRAPPING = ("roll", "translation", "shift")  # they take a `wrap`
EXACT = ("roll", "flip")  # an image is as real afterwards
OPERATIONS: dict[str, Callable] = {**GEOMETRIC, "color": color}
