"""What the subcommands have in common: which data, what is asked for, where the images go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


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


def write(images: np.ndarray, out: Path, columns: int | None = None) -> Path:
    """Writes images as an array, a grid or a folder of files, by the name of `out`, and gives the name back."""
    import numpy as np

    from keras_gen import images as pixels

    if out.suffix == ".npy":
        np.save(out, images)
    elif out.suffix == ".png":
        pixels.save_png(out, pixels.grid(images, columns))
    else:
        for index, image in enumerate(images):
            pixels.save_png(out / f"{index:06d}.png", image)
    return out
