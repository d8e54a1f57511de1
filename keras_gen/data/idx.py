"""MNIST's own format: big-endian IDX files in a folder, plain (memory-mapped) or gzipped.

Images are `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, and the same with `t10k` for the test part; labels
and the test part may be absent. Some mirrors write `.idx3-ubyte`.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from keras_gen.data.image_data import MAX_UNPACKED_BYTES, ImageData, MappedImages, Split, index_labels, with_test


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds the training images of a set in IDX format."""
    return find_idx(folder, "train-images", 3) is not None


def read_idx(folder: Path) -> ImageData:
    """Reads the two parts of a folder in IDX format.

    Raises:
        ValueError: for a file that is not what its name says, or truncated, and when one part alone has labels.
    """
    parts = ["train", "t10k"] if find_idx(folder, "t10k-images", 3) else ["train"]
    images = [map_images(file) for part in parts if (file := find_idx(folder, f"{part}-images", 3))]
    label_files = [file for part in parts if (file := find_idx(folder, f"{part}-labels", 1))]
    labels: list = [None] * len(parts)
    class_names = None
    if len(label_files) == len(parts):
        labels, class_names = index_labels(*[read_array(file, 1) for file in label_files])
    elif label_files:
        raise ValueError(f"expected labels for both train and t10k in {folder}, received {label_files[0].name} alone")
    splits = [Split(part, column) for part, column in zip(images, labels, strict=True)]
    if splits[0].images.shape[1:] != splits[-1].images.shape[1:]:
        raise ValueError(f"expected images of one shape in {folder}, received two: {[s.images.shape for s in splits]}")
    train, test = with_test(splits[0], splits[1] if len(splits) == 2 else None)
    return ImageData(
        name=folder.name,
        train=train,
        test=test,
        class_names=class_names,
        source=str(folder),
    )


def find_idx(folder: Path, stem: str, num_dims: int) -> Path | None:
    """The file of this part, under any of its four names."""
    names = [f"{stem}{mark}idx{num_dims}-ubyte{suffix}" for suffix in ("", ".gz") for mark in "-."]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def map_images(path: Path) -> np.ndarray | MappedImages:
    """Images (n, height, width, 1): memory-mapped from a plain file, in memory from a gzipped one."""
    array = read_array(path, 3)[..., np.newaxis]
    return array if path.suffix == ".gz" else MappedImages(array)


def read_array(path: Path, num_dims: int) -> np.ndarray:
    """Reads one file: two zero bytes, 8 for uint8, the number of dimensions, each as a 4-byte int, the bytes."""
    start = 4 + 4 * num_dims
    head = first_bytes(path, start)
    if len(head) < start or head[:4].tolist() != [0, 0, 8, num_dims]:
        raise ValueError(
            f"expected an IDX file of uint8 with {num_dims} dimensions, which begins with bytes 0 0 8 {num_dims}, "
            f"received {head[:4].tolist()} in {path}"
        )
    shape = tuple(head[4:].view(">u4").tolist())
    size = math.prod(shape)
    if path.suffix == ".gz" and size > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"expected at most {MAX_UNPACKED_BYTES:,} bytes in {path}, received {size:,} by its header: unpack it first"
        )
    data = first_bytes(path, start + size + 1)[start:]  # one byte more, to see whether the file is too long
    if len(data) != size:
        received = "more" if len(data) > size else len(data)
        raise ValueError(f"expected {size} bytes for {shape} in {path}, received {received}: download it again")
    return data.reshape(shape)


def first_bytes(path: Path, most: int) -> np.ndarray:
    """Up to `most` bytes of a file, unpacked; those of a plain file are read only when they are used."""
    if path.suffix != ".gz":
        return np.memmap(path, np.uint8, mode="r")[:most] if path.stat().st_size else np.empty(0, np.uint8)
    try:
        with gzip.open(path) as file:
            return np.frombuffer(file.read(most), np.uint8)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"expected a whole gzip file, received {path}: {error}. Download it again.") from error
