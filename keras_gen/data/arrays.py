"""Images in NumPy files: `.npz` with labels and attributes, `.npy` with images alone.

Nothing is unpickled and nothing is guessed: images are uint8 with the channels last, or the error says how to
convert them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_gen.data.image_data import (
    MAX_UNPACKED_BYTES,
    ImageData,
    MappedImages,
    Split,
    index_labels,
    index_values,
    note,
    to_float32,
    with_test,
)


def read_npz(path: Path) -> ImageData:
    """Reads `x_train`/`y_train`/`x_test`/`y_test` or `x`/`y`, with attributes.

    A column `attr_<name>` of ints points into the strings `values_<name>` (or `<name>_names`), -1 for none; without
    them its ints or strings are their own values. In a column of floats, what is not finite is missing. Columns are as
    long as the images; with `x_test`, as both parts together, `x_train` first.

    Returns:
        `ImageData`; labels that are not 0 … k - 1 are re-indexed and `class_names` keeps the originals.
    """
    arrays = open_npz(path)
    train_key = "x_train" if "x_train" in arrays else "x"
    if train_key not in arrays:
        raise ValueError(f"expected an array x_train or x in {path}, received {', '.join(arrays) or 'none'}")
    keys = [train_key, "x_test"] if train_key == "x_train" and "x_test" in arrays else [train_key]
    images = [checked_images(arrays[key], f"{key} in {path}") for key in keys]
    if images[0].shape[1:] != images[-1].shape[1:]:
        raise ValueError(
            f"expected x_train and x_test in {path} to hold images of one shape, received {images[0].shape[1:]} and "
            f"{images[-1].shape[1:]}"
        )
    label_keys = [key.replace("x", "y", 1) for key in keys]
    labels, class_names = read_labels(arrays, label_keys, path)
    columns, attribute_values = read_attributes(arrays, sum(map(len, images)), path)
    of_attributes = {form.format(name) for name in columns for form in ("attr_{}", "values_{}", "{}_names")}
    if unused := [key for key in arrays if key not in {*keys, *label_keys, *of_attributes}]:
        note(f"not used in {path}: {', '.join(unused)}. Labels of {' and '.join(keys)} are {' and '.join(label_keys)}")
    starts = np.cumsum([len(part) for part in images])[:-1]
    parts = {name: np.split(column, starts) for name, column in columns.items()}
    splits = [
        Split(images[part], labels[part], {name: columns[part] for name, columns in parts.items()})
        for part in range(len(keys))
    ]
    train, test = with_test(splits[0], splits[1] if len(splits) == 2 else None)
    return ImageData(
        name=path.stem,
        train=train,
        test=test,
        class_names=class_names,
        attribute_values=attribute_values,
        source=str(path),
    )


def read_npy(path: Path) -> ImageData:
    """Reads a single array of images and leaves it on disk."""
    train, test = with_test(Split(open_npy(path)), None)
    return ImageData(name=path.stem, train=train, test=test, source=str(path))


def open_npy(path: Path) -> MappedImages:
    """The images of an .npy, left on disk."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # np.load would open an .npz as well
    except FileNotFoundError:
        raise
    except Exception as error:  # on a file of another kind NumPy raises nearly anything
        raise ValueError(f"expected a NumPy array in {path}, received a file that does not open: {error}") from error
    return MappedImages(checked_images(array, str(path)))


def open_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz by name; other members of the zip file are left out."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            size = sum(part.file_size for part in file.zip.infolist())
            if size <= MAX_UNPACKED_BYTES:
                return {key: file[key] for key in file.files if f"{key}.npy" in file.zip.namelist()}
    except Exception as error:  # on a file of another kind NumPy and zipfile raise nearly anything
        raise ValueError(
            f"expected an .npz of plain arrays in {path}, received a file that does not open: {error}. "
            "Write it again with np.savez_compressed; arrays of Python objects are never unpickled."
        ) from error
    raise ValueError(
        f"expected an .npz of at most {MAX_UNPACKED_BYTES:,} bytes, {path} would unpack to {size:,}: write its "
        "images as .npy, which stays on disk"
    )


def checked_images(array: np.ndarray, where: str) -> np.ndarray:
    """Images as uint8 (n, height, width, channels), or an error that says how to convert them."""
    if array.dtype != np.uint8:
        how = {"f": "np.round(x * 255).astype('uint8') for floats in [0, 1]", "b": "(x * 255).astype('uint8')"}
        way = how.get(
            array.dtype.kind,
            "x.astype('uint8') for numbers from 0 to 255, others scaled to these (x >> 4 for 12 bits, x >> 8 for 16)",
        )
        raise ValueError(
            f"expected uint8 images in [0, 255] as {where}, received {array.dtype}: convert them first, with {way}"
        )
    if not array.size:
        raise ValueError(f"expected images as {where}, received an empty array of shape {array.shape}")
    if array.ndim == 3 and array.shape[-1] not in (3, 4):  # (480, 640, 3) is one photo, not 480 narrow grey images
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4):
        channels_first = array.ndim == 4 and array.shape[1] in (1, 3, 4)
        hint = "move the channels last with np.moveaxis(x, 1, -1)" if channels_first else "reshape it"
        raise ValueError(
            f"expected (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels as {where}, received "
            f"{array.shape}: {hint}"
        )
    return array


def read_labels(arrays: dict, keys: list[str], path: Path) -> tuple[list, list[str] | None]:
    """The labels of each part and the names of the classes, or Nones when the file has no labels."""
    present = [key for key in keys if key in arrays]
    if not present:
        return [None] * len(keys), None
    if present != keys:
        raise ValueError(
            f"expected labels for both parts in {path} ({' and '.join(keys)}), received {present[0]} alone"
        )
    columns = []
    for key in keys:
        column = arrays[key]
        column = column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column
        if column.ndim != 1 or column.dtype.kind not in "biuU":
            hint = ": for one-hot rows use y.argmax(axis=1)" if column.ndim == 2 else ""
            raise ValueError(
                f"expected {key} in {path} to be integers or strings of shape (n,) or (n, 1), received {column.dtype} "
                f"{column.shape}{hint}"
            )
        if len(column) != len(arrays[key.replace("y", "x", 1)]):
            raise ValueError(
                f"expected {len(arrays[key.replace('y', 'x', 1)])} labels as {key} in {path}, one for each image, "
                f"received {len(column)}"
            )
        columns.append(column)
    return index_labels(*columns)


def read_attributes(arrays: dict, num_images: int, path: Path) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """The columns `attr_*` over all images, and the values that those of ints point into."""
    columns, attribute_values = {}, {}
    for key in arrays:
        if not key.startswith("attr_"):
            continue
        name, column = key.removeprefix("attr_"), arrays[key]
        values = arrays.get(f"values_{name}", arrays.get(f"{name}_names"))
        if column.shape != (num_images,):
            raise ValueError(f"expected {key} in {path} of shape ({num_images},), received {column.shape}")
        if values is None and column.dtype.kind == "f":
            columns[name] = to_float32(column)
        elif values is None and column.dtype.kind in "biuU":
            columns[name], attribute_values[name] = index_values(column)
        elif values is not None and column.dtype.kind in "iu" and values.dtype.kind == "U" and values.ndim == 1:
            columns[name], attribute_values[name] = column.astype(np.int64), values.tolist()
            if len(set(attribute_values[name])) < len(values):
                raise ValueError(f"expected each value of {key} in {path} only once, received {', '.join(values)}")
            if columns[name].min() < -1 or columns[name].max() >= len(values):
                raise ValueError(
                    f"expected {key} in {path} to point into its {len(values)} values (or -1 for none), received "
                    f"{columns[name].min()} to {columns[name].max()}"
                )
        else:
            raise ValueError(
                f"expected {key} in {path} as floats, strings or ints, or as ints that point into strings, received "
                f"{column.dtype}" + ("" if values is None else f" and values of {values.dtype}")
            )
    return columns, attribute_values
