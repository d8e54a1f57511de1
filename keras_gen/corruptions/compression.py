"""What JPEG compression does to images, without the file: the loss is in the rounding of cosine coefficients."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_gen.corruptions.pixels import LUMA

SIDE = 8  # pixels of a block
QUALITIES = (10, 100)  # from which it is drawn; below 10, little more than the mean of each block is left

# ITU-T T.81, annex K: tables K.1 for luminance and K.2 for chrominance, by vertical and horizontal frequency.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * SIDE,) * 4,
)


def jpeg(images, amount=None, seed=None):
    """Compresses images as JPEG files do, with the artefacts of blocks and edges that these have.

    In blocks of 8×8 pixels: `round(DCT(Y, Cb, Cr) / table(quality)) · table(quality)`, and back. Alpha is not changed.

    Args:
        images: float tensor (b, height, width, 1, 3 or 4).
        amount: the quality, 1 to 100 or a float tensor (b,) of such: the higher, the less is lost. By default it is
            drawn for each image, from 10 to 100.
        seed: for the quality, where it is drawn.

    Returns:
        A float tensor like `images`, in [-1, 1].

    Raises:
        ValueError: for another quality.

    Example:
        >>> tuple(jpeg(ops.zeros((2, 8, 12, 3)), 50).shape)
        (2, 8, 12, 3)

    Source:
        ITU-T T.81 (1992), annex A.3.3 and A.3.4, https://www.w3.org/Graphics/JPEG/itu-t81.pdf, and the qualities of
        libjpeg. Differs from most files in that colours have the full resolution, `subsampling=0` in Pillow.
    """
    num = ops.shape(images)[0]
    if amount is None:
        quality = keras.random.uniform((num,), *QUALITIES, seed=seed)
    elif isinstance(amount, int | float) and not 1 <= amount <= 100:
        raise ValueError(f"expected a quality of JPEG from 1 to 100, received {amount}")
    else:
        quality = ops.broadcast_to(ops.cast(amount, "float32"), (num,))
    height, width, channels = images.shape[1:]
    colors, alpha = images[..., :3], images[..., 3:]
    levels = _to_levels(ops.clip(colors, -1.0, 1.0))
    for axis, size in ((1, height), (2, width)):  # the last row and column, again, up to a multiple of 8
        levels = ops.take(levels, np.minimum(np.arange(-(-size // SIDE) * SIDE), size - 1), axis=axis)
    blocks = ops.reshape(levels, (-1, levels.shape[1] // SIDE, SIDE, levels.shape[2] // SIDE, SIDE, levels.shape[3]))
    basis = ops.convert_to_tensor(cosines())
    tables = ops.reshape(quantization_tables(quality, levels.shape[3]), (-1, 1, SIDE, 1, SIDE, levels.shape[3]))
    coded = ops.round(ops.einsum("ui,brisjc,vj->brusvc", basis, blocks, basis) / tables) * tables
    restored = ops.reshape(ops.einsum("ui,brusvc,vj->brisjc", basis, coded, basis), (-1, *levels.shape[1:]))
    restored = ops.clip(_from_levels(restored[:, :height, :width]), -1.0, 1.0)
    return ops.concatenate([restored, alpha], axis=-1) if channels > 3 else restored


def quantization_tables(quality, channels):
    """What the coefficients are divided by, whole numbers of 1 to 255.

    Args:
        quality: float tensor (b,), 1 to 100.
        channels: 1, or 3 for luminance and twice chrominance.

    Returns:
        float32 tensor (b, 8, 8, channels).

    Example:
        >>> tables = quantization_tables(ops.array([50.0, 75.0, 100.0]), 3)
        >>> ops.convert_to_numpy(tables)[:, 0, 0].tolist()
        [[16.0, 17.0, 17.0], [8.0, 9.0, 9.0], [1.0, 1.0, 1.0]]
    """
    standard = np.stack([LUMINANCE, CHROMINANCE, CHROMINANCE][:channels], axis=-1).astype("float32")
    quality = ops.reshape(quality, (-1, 1, 1, 1))
    percent = ops.floor(ops.where(quality < 50, 5000 / quality, 200 - 2 * quality))  # libjpeg's are whole, too
    return ops.clip(ops.floor((standard * percent + 50) / 100), 1.0, 255.0)


def cosines():
    """The orthonormal basis of the discrete cosine transform (type II), float32 (8 frequencies, 8 places).

    Example:
        >>> np.allclose(cosines() @ cosines().T, np.eye(8), atol=1e-6)
        True
    """
    frequencies, places = np.ogrid[:SIDE, :SIDE]
    basis = np.cos((2 * places + 1) * frequencies * np.pi / (2 * SIDE)) * np.sqrt(2 / SIDE)
    basis[0] /= np.sqrt(2)
    return basis.astype("float32")


def _color_matrix():
    """Y, Cb and Cr by red, green and blue, (3, 3): JFIF's, with Cb and Cr around 0."""
    luma = np.array(LUMA)
    blue, red = np.eye(3)[2] - luma, np.eye(3)[0] - luma
    return np.stack([luma, blue / (2 * blue[2]), red / (2 * red[0])])


def _to_levels(colors):
    """Whole numbers around 0, as libjpeg has them, from -128: Y, or Y, Cb and Cr."""
    shades = (colors + 1.0) * 127.5
    if colors.shape[-1] == 1:
        return ops.round(shades) - 128.0
    mixed = ops.matmul(shades, ops.convert_to_tensor(_color_matrix().T, "float32"))
    return ops.round(mixed - ops.convert_to_tensor((128.0, 0.0, 0.0), "float32"))


def _from_levels(levels):
    if levels.shape[-1] == 1:
        return (levels + 128.0) / 127.5 - 1.0
    mixed = levels + ops.convert_to_tensor((128.0, 0.0, 0.0), "float32")
    return ops.matmul(mixed, ops.convert_to_tensor(np.linalg.inv(_color_matrix()).T, "float32")) / 127.5 - 1.0
