"""Images as bytes and as floats.

The only module that converts between uint8 in [0, 255] (data, PNG files, servers, metrics) and float32 in [-1, 1]
inside the models. It also resizes images, arranges them in grids and writes them to disk. Decoding belongs to `data`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import warnings
from pathlib import Path

import keras
import numpy as np
from PIL import Image

FILMS = (".gif", ".webp", ".mp4")

_ROUNDING = 1e-3  # how far rounding may leave [-1, 1]; a byte is 8e-3
_GRID_GREY = 128  # the grey between the images of a grid: visible beside black, white and transparent ones


def to_float(images):
    """Scales uint8 images to the range of networks.

    `float = uint8 / 127.5 - 1`. Floats are assumed to be scaled already and only cast, so a model accepts both
    the uint8 images of a data set and images that another network made.

    Args:
        images: tensor or array of any shape, uint8 in [0, 255] or float in [-1, 1].

    Returns:
        A float32 tensor of the same shape, in [-1, 1].

    Raises:
        ValueError: for other integer types, whose range is not known.

    Example:
        >>> keras.ops.convert_to_numpy(to_float(np.array([0, 255], "uint8"))).tolist()
        [-1.0, 1.0]
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype == "uint8":
        return keras.ops.cast(images, "float32") / 127.5 - 1.0
    if "float" not in dtype:
        raise ValueError(
            f"expected images as uint8 in [0, 255] or float in [-1, 1], received {dtype}: convert them first"
        )
    return keras.ops.cast(images, "float32")


def check_range(images, stacklevel: int = 3) -> None:
    """Refuses floats that are not on the scale of networks, [-1, 1], before anything is trained on them.

    Args:
        images: arrays or tensors of floats (n, height, width, channels), all of which are checked; anything else is
            left to `to_float`.
        stacklevel: of the warning; 3 is the caller's caller.

    Raises:
        ValueError: if values lie outside [-1, 1], as those of bytes that were only cast do, or are NaN.

    Warns:
        UserWarning: if all lie in [0, 1], some above 0.5: another common scale, whose black is grey here.

    Example:
        >>> check_range(np.array([0.0, 255.0]).reshape(2, 1, 1, 1))
        Traceback (most recent call last):
            ...
        ValueError: expected images as uint8 or as floats in [-1, 1], received floats from 0 to 255: images / 127.5 - 1
    """
    if len(getattr(images, "shape", ())) != 4 or "float" not in str(images.dtype) or 0 in tuple(images.shape):
        return
    # Computed by the library that holds the values; a NaN becomes both the minimum and the maximum.
    library = np if isinstance(images, np.ndarray) else keras.ops
    low, high = float(library.min(images)), float(library.max(images))
    if math.isnan(low) or math.isnan(high):
        raise ValueError("expected images as uint8 or as floats in [-1, 1], received NaN among them: leave those out")
    if low < -1 - _ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(
            f"expected images as uint8 or as floats in [-1, 1], received floats from {low:g} to {high:g}: "
            f"{'images / 127.5 - 1' if low >= 0 and high <= 255 else 'scale them'}"
        )
    if low >= 0 and high > 0.5:
        warnings.warn(
            f"images are expected as uint8 or as floats in [-1, 1]; these, from {low:g} to {high:g}, seem to be floats "
            "in [0, 1]: 2 * images - 1 converts them",
            stacklevel=stacklevel,
        )


def to_uint8(images):
    """Rounds float images to bytes, the inverse of `to_float`.

    `uint8 = round((float + 1) * 127.5)`, clipped to [0, 255]. Works on tensors inside a graph as well as on arrays.

    Args:
        images: float tensor or array of any shape, in [-1, 1].

    Returns:
        A uint8 tensor of the same shape.

    Example:
        >>> keras.ops.convert_to_numpy(to_uint8(np.array([-1.0, 0.0, 1.0]))).tolist()
        [0, 128, 255]
    """
    images = keras.ops.cast(images, "float32")
    return keras.ops.cast(keras.ops.clip(keras.ops.round((images + 1.0) * 127.5), 0.0, 255.0), "uint8")


def in_batches(function, *inputs: np.ndarray, batch_size: int) -> np.ndarray:
    """Applies a function of tensors to arrays batch by batch, so that any number of rows fits in memory.

    Args:
        function: tensors (batch, ...) → tensor (batch, ...).
        *inputs: arrays (n, ...) with the same n ≥ 1.
        batch_size: rows at a time.

    Returns:
        The outputs as one array (n, ...).

    Example:
        >>> in_batches(lambda batch: batch * 2, np.arange(5.0), batch_size=2).tolist()
        [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    starts = range(0, len(inputs[0]), batch_size)
    batches = ([np.asarray(array[start : start + batch_size]) for array in inputs] for start in starts)
    return np.concatenate([keras.ops.convert_to_numpy(function(*batch)) for batch in batches])


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Arranges images in rows on a grey background, with fixed scaling: equal bytes stay equal bytes.

    Args:
        images: uint8 array (n, height, width, channels), n ≥ 1.
        columns: images per row; by default the smallest number for which the grid is at least as wide as high.

    Returns:
        uint8 array (rows · (height + 1) + 1, columns · (width + 1) + 1, channels), with a line of one pixel
        around each image.

    Example:
        >>> grid(np.zeros((4, 8, 12, 3), "uint8")).shape
        (19, 27, 3)
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise ValueError(
            f"expected at least one uint8 image as (n, height, width, channels), received {images.dtype} {images.shape}"
        )
    num, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(num)), num)
    rows = math.ceil(num / columns)
    canvas = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), _GRID_GREY, np.uint8)
    for index, image in enumerate(images):
        top, left = 1 + index // columns * (height + 1), 1 + index % columns * (width + 1)
        canvas[top : top + height, left : left + width] = image
    return canvas


def stacks(*parts: np.ndarray, columns: int = 10) -> np.ndarray:
    """A grid in which images that belong together are stacked, such as originals above their reconstructions.

    Args:
        *parts: uint8 arrays (n, height, width, channels) of one shape, n ≥ 1, from the top row to the bottom row.
        columns: stacks side by side.

    Returns:
        uint8 array, as from `grid`.

    Example:
        >>> stacks(np.zeros((3, 8, 12, 1), "uint8"), np.ones((3, 8, 12, 1), "uint8"), columns=2).shape
        (37, 27, 1)
    """
    columns = min(columns, len(parts[0]))
    rows = []
    for start in range(0, len(parts[0]), columns):
        for part in parts:
            row = part[start : start + columns]
            blank = np.full((columns - len(row), *row.shape[1:]), _GRID_GREY, np.uint8)
            rows.append(np.concatenate([row, blank]))
    return grid(np.concatenate(rows), columns)


def match_shape(pictures: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Pictures of any size and channels, converted to a shape to show them beside images: enlarged without smoothing.

    Args:
        pictures: uint8 array (n, height, width, channels) with 1, 3 or 4 channels.
        image_shape: (height, width, channels) of the result.

    Returns:
        uint8 array (n, *image_shape).

    Example:
        >>> match_shape(np.full((2, 4, 6, 1), 7, "uint8"), (8, 12, 3)).shape
        (2, 8, 12, 3)
    """
    height, width, channels = image_shape
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    shown = [to_pil(picture).convert(mode).resize((width, height), Image.Resampling.NEAREST) for picture in pictures]
    return np.stack([np.asarray(picture).reshape(image_shape) for picture in shown])


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """One uint8 image at another (height, width), by Lanczos; colours are mixed by how opaque they are.

    Args:
        image: uint8 array (height, width, channels) with 1, 3 or 4 channels.
        size: (height, width) of the result.

    Returns:
        uint8 array (*size, channels): the image itself where it has that size.

    Example:
        >>> resized(np.full((4, 6, 1), 7, "uint8"), (8, 3)).shape
        (8, 3, 1)
    """
    if image.shape[:2] == tuple(size):
        return image
    height, width = size
    return np.asarray(to_pil(image).resize((width, height), Image.Resampling.LANCZOS)).reshape(*size, image.shape[-1])


def to_pil(image: np.ndarray) -> Image.Image:
    """The Pillow picture of one uint8 image (height, width, channels) with 1, 3 or 4 channels."""
    return Image.fromarray(image[:, :, 0] if image.shape[-1] == 1 else image)


def png_bytes(image: np.ndarray) -> bytes:
    """Encodes one uint8 image (height, width, channels) as PNG, without loss."""
    buffer = io.BytesIO()
    to_pil(image).save(buffer, format="PNG")
    return buffer.getvalue()


def save_png(path: str | Path, image: np.ndarray) -> Path:
    """Writes one uint8 image (height, width, channels) as a PNG file and makes the folders above it.

    Returns:
        The path written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(image))
    return path


def save_film(path: str | Path, frames: np.ndarray, seconds: float = 0.08) -> Path:
    """Writes images as a film.

    WebP is without loss, except of colours that are transparent; GIF has 256 colours; both loop. MP4 (H.264) has no
    transparency.

    Args:
        path: ends with a name in `FILMS`; its folder is made when missing.
        frames: uint8 array (n, height, width, channels). MP4 makes odd sizes even.
        seconds: for which each is shown, to the hundredth.

    Returns:
        The path.

    Raises:
        ValueError: for another format.
        ImportError: for MP4 without imageio-ffmpeg.
    """
    path = Path(path)
    check_film(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mp4":
        return _save_video(path, frames, seconds)
    first, *others = map(to_pil, frames)
    exact = {"lossless": True} if path.suffix == ".webp" else {"disposal": 2}
    first.save(path, save_all=True, append_images=others, duration=round(1000 * seconds), loop=0, **exact)
    return path


def _save_video(path, frames, seconds):
    import imageio_ffmpeg  # of an extra

    _, height, width, channels = frames.shape
    odd = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    colors = np.pad(np.repeat(frames, 3, axis=-1) if channels == 1 else frames[..., :3], odd, mode="edge")
    writer = imageio_ffmpeg.write_frames(
        path, colors.shape[2:0:-1], fps=round(1 / seconds, 2), codec="libx264", quality=9, macro_block_size=2
    )
    with contextlib.closing(writer):
        writer.send(None)
        for frame in colors:
            writer.send(np.ascontiguousarray(frame))
    return path


def check_film(path: Path) -> None:
    """Refuses what `save_film` cannot write, before anything is made; as it raises."""
    if path.suffix not in FILMS:
        raise ValueError(f"expected a film {', '.join(FILMS)}, received {path}")
    if path.suffix == ".mp4" and not importlib.util.find_spec("imageio_ffmpeg"):
        raise ImportError("x.mp4 needs imageio-ffmpeg: pip install 'keras_gen[film]'")
