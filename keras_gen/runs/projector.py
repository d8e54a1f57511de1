"""Codes for TensorBoard's projector: a cloud of points, each drawn as its image, to rotate in a browser."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gen import images as pixels

MAX_SPRITE_SIDE = 8192  # pixels per side that browsers can draw


def write(
    directory: str | Path,
    codes: np.ndarray,
    images: np.ndarray,
    columns: Mapping[str, list[str]] | None = None,
    name: str = "codes",
) -> Path:
    """Writes what the projector reads: `tensorboard --logdir` the folder or one above it, and open PROJECTOR.

    Args:
        directory: folder to write to; created if missing. TensorBoard reads one projector per folder.
        codes: float array (n, d).
        images: uint8 (n, height, width, channels), drawn in place of the points; shrunk where all of them together
            would be too large for a browser.
        columns: what is known of each image as text, to colour and search by.
        name: of the cloud.

    Returns:
        The path of `projector_config.pbtxt`.

    Raises:
        ValueError: if there is not one image, or one text of each column, for each code.

    Example:
        write("runs/RUN/tensorboard/codes", autoencoder.encode(images), images, {"label": ["3", "1", …]})
    """
    columns = columns or {}
    lengths = {"images": len(images), **{column: len(texts) for column, texts in columns.items()}}
    for kind, length in lengths.items():
        if length != len(codes):
            raise ValueError(f"expected {len(codes)} {kind}, one for each code, received {length}")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    np.savetxt(directory / "codes.tsv", codes, fmt="%.6g", delimiter="\t")
    lines = [f'  tensor_name: "{name}"', '  tensor_path: "codes.tsv"']
    if columns:
        with (directory / "metadata.tsv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerows([list(columns)] if len(columns) > 1 else [])  # the header of a single column is a value
            writer.writerows(zip(*columns.values(), strict=True))
        lines.append('  metadata_path: "metadata.tsv"')
    sprite, (height, width) = _sprite(images)
    pixels.save_png(directory / "sprite.png", sprite)
    lines += ["  sprite {", '    image_path: "sprite.png"', f"    single_image_dim: {width}"]
    lines += [f"    single_image_dim: {height}", "  }"]
    path = directory / "projector_config.pbtxt"
    path.write_text("\n".join(["embeddings {", *lines, "}", ""]))
    return path


def _sprite(images):
    """One picture of all images, as many rows as columns, row by row, and the (height, width) of each."""
    height, width = images.shape[1:3]
    side = math.ceil(math.sqrt(len(images)))
    scale = min(1.0, MAX_SPRITE_SIDE / (side * max(height, width)))
    size = (max(1, int(height * scale)), max(1, int(width * scale)))
    if scale < 1:
        small = [pixels.to_pil(image).resize(size[::-1], Image.Resampling.BOX) for image in images]
        images = np.stack([np.asarray(image).reshape(*size, -1) for image in small])
    canvas = np.zeros((side * side, *images.shape[1:]), np.uint8)
    canvas[: len(images)] = images
    rows = canvas.reshape(side, side, *images.shape[1:]).swapaxes(1, 2)
    return rows.reshape(side * size[0], side * size[1], -1), size
