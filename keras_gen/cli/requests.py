"""What the subcommands have in common: which data, what is asked for, where the images go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from keras_gen.data import ImageData, Pictures, Split


def data_of(model, path: Path, name: str | None):
    """The data of a run, or those of that name, as the model takes them."""
    from keras_gen import data
    from keras_gen.runs import options

    trained_with = options.read_options(path)
    name = name or trained_with.get("data")
    if name is None:
        raise ValueError(f"{path} does not say what it was trained on: give --data")
    *size, channels = model.image_shape
    return data.load(name, image_size=tuple(size), channels=channels, fit=trained_with.get("fit", "crop"))


def pictures_of(
    model, path: Path, paths: tuple[str, ...], num: int | None, num_tested: int
) -> tuple[Pictures, ImageData | None]:
    """The first pictures of those given, as the model takes them, or of the test part of the run's data, with these.

    `num` of them; if it is None, all pictures given, and `num_tested` of a test part.
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
    """What the model of a run learned from; None, and the reason on stderr, where that cannot be found any more."""
    from keras_gen.data.image_data import note

    try:
        loaded = data_of(model, path, None)
        recorded = json.loads((path / "config.json").read_text()).get("data", {}).get("sha256")
        if recorded in (None, loaded.fingerprint):
            return loaded.train
        reason = f"{loaded.source} does not hold what {path} learned from"
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


def check_out(out: Path, films: bool = False) -> None:
    """Before the model is loaded: what cannot be written need not be made."""
    from keras_gen import files

    if out.suffix not in (".npy", ".png", "", *([".gif"] if films else [])):
        raise ValueError(f"expected --out as {'x.gif, ' if films else ''}x.npy, x.png or a folder, received {out}")
    files.require_writable(out.parent)


def write(images: np.ndarray, out: Path, columns: int | None = None, names: Sequence[str] | None = None) -> Path:
    """Writes images as an array, a grid or a folder of files, by the name of `out`, and gives the name back.

    The files have the names, or numbers.
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
