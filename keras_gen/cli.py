"""`keras-gen`: what one does with a model after training, one subcommand each."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from keras_gen.command_line import one_line_errors, parse, start_keras

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class Sample:
    """Make new images with a trained GAN."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an exported SavedModel (with or without its version)."""
    num: int = 64
    """Number of images."""
    seed: int = 0
    """The same seed gives the same images."""
    label: str | None = None
    """The class to make, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """What the images shall show, such as species=elf hat=yes. All else is drawn like the training data."""
    sweep: str | None = None
    """An attribute that runs through its values, a column for each, in --num images. Of a run only."""
    truncation: float | None = None
    """Largest size of a latent's numbers, such as 1.5: smaller is more typical, less varied. Of a run only."""
    out: Path = Path("samples.png")
    """x.npy: one uint8 array (num, height, width, channels); x.png: one grid; else a folder of PNG files."""

    def run(self) -> None:
        """Writes the images and says where."""
        from keras_gen import sampling

        if self.num < 1 or self.seed < 0:
            raise ValueError(
                f"expected --num of 1 or more and --seed of 0 or more, received {self.num} and {self.seed}"
            )
        where = _pairs(self.where) | ({} if self.label is None else {"label": self.label})
        _check_out(self.out)
        columns = None
        if self.sweep is None:
            images = sampling.sample(self.model, self.num, self.seed, where, self.truncation)
        else:
            images, values = sampling.sweep(self.model, self.sweep, self.num, self.seed, where, self.truncation)
            columns = len(values)
            print(f"columns, {self.sweep}: {', '.join(values)}")
        print(f"{len(images)} images of {images.shape[1:]}, seed {self.seed}: {_write(images, self.out, columns)}")


@dataclasses.dataclass(frozen=True)
class Reconstruct:
    """Pass test images through a trained autoencoder; the grid shows each original above its reconstruction."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    data: str | None = None
    """Name or path of the images, as for train_ae.py; by default those that the run was trained on."""
    num: int = 20
    """Number of images, the first ones of the test part."""
    out: Path = Path("reconstructions.png")
    """x.png: one grid of originals and reconstructions; x.npy or a folder: the reconstructions alone."""

    def run(self) -> None:
        """Writes the reconstructions and says where and how far off they are."""
        import numpy as np

        from keras_gen import data, images, runs

        if self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        _check_out(self.out)
        model = runs.load_model(self.run_folder)
        if not hasattr(model, "reconstruct"):
            raise ValueError(
                f"expected an autoencoder, {self.run_folder} holds a {type(model).__name__}: try keras-gen sample"
            )
        trained_with = runs.read_options(self.run_folder)
        name = self.data or trained_with.get("data")
        if name is None:
            raise ValueError(f"{self.run_folder} does not say what it was trained on: give --data")
        *size, channels = model.image_shape
        fit = trained_with.get("fit", "crop")
        test = data.load(name, image_size=tuple(size), channels=channels, fit=fit).test
        originals = np.asarray(test.images[: self.num])
        reconstructions = model.reconstruct(originals)
        if self.out.suffix == ".png":
            place = images.save_png(self.out, images.pairs(originals, reconstructions))
        else:
            place = _write(reconstructions, self.out)
        error = np.mean(((originals.astype(float) - reconstructions) / 127.5) ** 2)
        print(f"{len(originals)} test images of {name}: {place}")
        print(f"mean squared error {error:.5f}, on the scale [-1, 1] of training")


@dataclasses.dataclass(frozen=True)
class Export:
    """Export a trained model as the next version that TF Serving loads, checked in a fresh process."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/."""
    name: str | None = None
    """Name of the exported model; by default the one that the run was given, or the name of the file."""

    def run(self) -> None:
        """Publishes the model and says where."""
        from keras_gen import export, runs

        name = self.name or runs.read_options(self.run_folder).get("name") or runs.slug(self.run_folder.stem)
        export.check_name(name)
        runs.require_writable(self.export_dir)
        print(export.publish(runs.load_model(self.run_folder), self.export_dir, name))


Command = Annotated[
    Annotated[Sample, tyro.conf.subcommand("sample")]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Annotated[Export, tyro.conf.subcommand("export")],
    tyro.conf.OmitSubcommandPrefixes,
]


def main() -> None:
    """Parses the command line and runs the subcommand."""
    command = parse(Command, "Use a trained model: make images, reconstruct images, export.")
    with one_line_errors():
        start_keras()
        command.run()


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """`("species=elf", "hat=yes")` as a dict."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"expected --where name=value …, received {text!r}")
    return dict(text.split("=", 1) for text in texts)


def _check_out(out: Path) -> None:
    """Before the model is loaded: what cannot be written need not be made."""
    from keras_gen import runs

    if out.suffix not in (".npy", ".png", ""):
        raise ValueError(f"expected --out as x.npy, x.png or a folder, received {out}")
    runs.require_writable(out.parent)


def _write(images: np.ndarray, out: Path, columns: int | None = None) -> Path:
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
