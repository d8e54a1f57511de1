"""What the subcommands share: which data to use, what is asked for, where the images go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from keras_gen.data import ImageData, Pictures, Split


def data_of(model, path: Path, name: str | None):
    """The data of a run, or the data with that name, in the form that the model takes."""
    from keras_gen.runs import options, preparation

    trained_with = options.read_options(path)
    if model.translates and (name or not trained_with):
        raise ValueError(f"expected the folder of a run and no --data: {path} translates the pictures of its run")
    name = name or trained_with.get("data")
    if name is None:
        raise ValueError(f"{path} does not say what it was trained on: give --data")
    *size, channels = model.image_shape
    return preparation.load_images({**trained_with, "data": name}, tuple(size), channels)


def pictures_of(
    model, path: Path, paths: tuple[str, ...], num: int | None, num_tested: int
) -> tuple[Pictures, ImageData | None]:
    """The first of the given pictures, in the form that the model takes; or of the run's test part, with its data.

    `num` pictures; if it is None, all that are given, or `num_tested` of a test part.
    """
    from keras_gen import data
    from keras_gen.runs import options

    if paths:
        loaded, found = None, data.pictures(paths, model.image_shape, options.read_options(path).get("fit", "crop"))
    else:
        loaded = data_of(model, path, None)
        found = data.Pictures.of_test_part(loaded)
    return found.take(num or (num_tested if found.is_test_part else len(found))), loaded


def training_images(model, path: Path) -> Split | None:
    """What the model of a run was trained on; None, and the reason on stderr, where that is no longer found."""
    from keras_gen.data.image_data import note

    try:
        loaded = data_of(model, path, None)
        recorded = json.loads((path / "config.json").read_text()).get("data", {}).get("sha256")
        if recorded in (None, loaded.fingerprint):
            return loaded.train
        reason = f"{loaded.source} does not hold the images that {path} was trained on"
    except (OSError, ValueError) as error:
        reason = str(error)
    note(f"no nearest training images: {reason}")
    return None


def asked(texts: tuple[str, ...], label: str | None) -> dict[str, str]:
    """`("species=elf", "hat=yes")` as a dict, and the label, if any."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"expected --where name=value …, received {text!r}")
    return dict(text.split("=", 1) for text in texts) | ({} if label is None else {"label": label})


def check_amount(num: int, seed: int) -> None:
    """Refuses to make fewer images than one, and a negative seed."""
    if num < 1 or seed < 0:
        raise ValueError(f"expected --num of 1 or more and --seed of 0 or more, received {num} and {seed}")


def check_out(out: Path, films: bool = False) -> None:
    """Refuses a path that cannot be written, before the model is loaded and makes anything."""
    from keras_gen import files, images

    formats = images.FILMS if films else ()
    if out.suffix not in (".npy", ".png", "", *formats):
        names = ", ".join(f"x{suffix}" for suffix in (*formats, ".npy"))
        raise ValueError(f"expected --out as {names}, x.png or a folder, received {out}")
    if out.suffix in formats:
        images.check_film(out)
    files.require_writable(out.parent)


def write(images: np.ndarray, out: Path, columns: int | None = None, names: Sequence[str] | None = None) -> Path:
    """Writes images as an array, a grid or a folder of files, depending on the name of `out`, and returns the name.

    The files in a folder have the names given, or else numbers.
    """
    import numpy as np

    from keras_gen import images as pixels

    if out.suffix == ".npy":
        np.save(out, images)
    elif out.suffix == ".png":
        pixels.save_png(out, pixels.grid(images, columns))
    else:
        for index, image in enumerate(images):
            pixels.save_png(out / f"{names[index] if names else f'{index:06d}'}.png", image)
    return out
