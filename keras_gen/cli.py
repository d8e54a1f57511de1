"""`keras-gen`: what one does with a model after training, one subcommand each."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from keras_gen.command_line import one_line_errors, parse, start_keras

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class Sample:
    """Make new images with a trained GAN or autoencoder."""

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
    """An attribute that runs through its values, a column for each: whole rows of no more than --num images, but at least one. Of a run only."""  # noqa: E501
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
        where = _asked(self.where, self.label)
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
class Interpolate:
    """Let new images turn into each other, from one over others back to the first."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    stops: int = 5
    """Number of new images on the way."""
    frames: int = 16
    """Images from each of these up to the next one."""
    seed: int = 0
    """The same seed gives the same images."""
    label: str | None = None
    """The class to make all the way, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """As for keras-gen sample, all the way."""
    truncation: float | None = None
    """As for keras-gen sample."""
    out: Path = Path("walk.gif")
    """x.gif: a film without end; x.png: a grid, a row from each stop to the next; x.npy; else a folder of PNG files."""

    def run(self) -> None:
        """Writes the images and says where."""
        from keras_gen import images, sampling

        if self.stops < 2 or self.frames < 1 or self.seed < 0:
            raise ValueError(
                "expected --stops of 2 or more, --frames of 1 or more and --seed of 0 or more, received "
                f"{self.stops}, {self.frames} and {self.seed}"
            )
        where = _asked(self.where, self.label)
        _check_out(self.out, films=True)
        made = sampling.walk(self.model, self.stops, self.frames, self.seed, where, self.truncation)
        place = images.save_gif(self.out, made) if self.out.suffix == ".gif" else _write(made, self.out, self.frames)
        print(f"{len(made)} images of {made.shape[1:]}, {self.stops} of them new, seed {self.seed}: {place}")


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

        from keras_gen import images, runs

        if self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        _check_out(self.out)
        model = runs.load_model(self.run_folder)
        if not hasattr(model, "reconstruct"):
            raise ValueError(
                f"expected an autoencoder, {self.run_folder} holds a {type(model).__name__}: try keras-gen sample"
            )
        loaded = _data_of(model, self.run_folder, self.data)
        shown = loaded.test.take(range(min(self.num, len(loaded.test))))
        originals = np.asarray(shown.images[:])
        reconstructions = model.reconstruct(originals, model.conditions and model.conditions.of_split(shown))
        if self.out.suffix == ".png":
            place = images.save_png(self.out, images.pairs(originals, reconstructions))
        else:
            place = _write(reconstructions, self.out)
        error = np.mean(((originals.astype(float) - reconstructions) / 127.5) ** 2)
        print(f"{len(originals)} test images of {loaded.name}: {place}")
        print(f"mean squared error {error:.5f}, on the scale [-1, 1] of training")


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score a trained model, or images, against the test part of the data: a card with every number and its floor."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an .npy file of uint8 images (n, height, width, channels)."""
    data: str | None = None
    """Name or path of the images, as for train_gan.py; by default those of the run. An .npy file needs it."""
    num: int = 10_000
    """Images on each side, no more than the test part has."""
    truncation: float | None = None
    """As for keras-gen sample."""
    features: Literal["own", "inception"] = "own"
    """Features of networks that learn from the data, or of InceptionV3 if Keras has its weights on disk."""
    out: Path | None = None
    """Folder of scorecard.json, scorecard.html and pictures. By default the run's own, or scorecard-<name> for anything but the usual card of a run."""  # noqa: E501

    def run(self) -> None:
        """Writes the card and prints its numbers."""
        from keras_gen import evaluation, runs
        from keras_gen.command_line import progress

        if self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        usual = self.model.is_dir() and dataclasses.replace(self, model=Path()) == Evaluate(Path(), out=self.out)
        out = self.out or (self.model if usual else Path(f"scorecard-{self.model.stem}"))
        runs.require_writable(out)
        with progress() as tell:
            card, pictures = self._judged(tell)
        card.model["path"] = str(self.model)
        page = evaluation.write(card, pictures, out)
        print("\n".join([*evaluation.lines(card), f"the card: {page}"]))

    def _judged(self, tell):
        import numpy as np

        from keras_gen import data, evaluation, runs
        from keras_gen.data.arrays import checked_images

        if self.model.suffix == ".npy":
            if self.data is None:
                raise ValueError("expected --data: a file of images does not say what it should look like")
            if self.truncation is not None:
                raise ValueError("expected no --truncation: these images are made already")
            images = checked_images(np.load(self.model), str(self.model))
            *size, channels = images.shape[1:]
            tell(f"reading {self.data} at the size of these images, {size[0]}×{size[1]}×{channels}")
            real = data.load(self.data, image_size=tuple(size), channels=channels)
            made = data.Split(images)

            def draw(num, seed):
                return made.some(num, seed).images, {}

            about = {"class": "images", "data": real.name, "truncation": None}
            num = min(self.num, len(made))
            return evaluation.score_images(draw, real, about, num, self.features, tell, num_draws=1)
        model = runs.load_model(self.model)
        return evaluation.score(
            model, _data_of(model, self.model, self.data), self.num, self.truncation, self.features, tell
        )


@dataclasses.dataclass(frozen=True)
class Compare:
    """Put the score cards of two or more runs side by side; cards that were made in different ways are refused."""

    cards: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with a scorecard.json, or such files."""

    def run(self) -> None:
        """Prints the table."""
        from rich.console import Console
        from rich.table import Table

        from keras_gen import evaluation

        if len(self.cards) < 2:
            raise ValueError(f"expected at least two score cards, received {len(self.cards)}")
        files = {str(path): path / "scorecard.json" if path.is_dir() else path for path in self.cards}
        header, *rows = evaluation.side_by_side({name: evaluation.ScoreCard.load(file) for name, file in files.items()})
        table = Table()
        for name in header:
            table.add_column(name, overflow="fold")  # a name that is cut off cannot be told from another
        for row in rows:
            table.add_row(*row)
        Console().print(table)


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
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Interpolate, tyro.conf.subcommand("interpolate")]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Annotated[Export, tyro.conf.subcommand("export")],
    tyro.conf.OmitSubcommandPrefixes,
]


def main() -> None:
    """Parses the command line and runs the subcommand."""
    command = parse(Command, "Use a trained model: make images, score it, compare scores, reconstruct images, export.")
    with one_line_errors():
        start_keras()
        command.run()


def _data_of(model, path: Path, name: str | None):
    """The data of a run, or those of that name, as the model takes them."""
    from keras_gen import data, runs

    trained_with = runs.read_options(path)
    name = name or trained_with.get("data")
    if name is None:
        raise ValueError(f"{path} does not say what it was trained on: give --data")
    *size, channels = model.image_shape
    return data.load(name, image_size=tuple(size), channels=channels, fit=trained_with.get("fit", "crop"))


def _asked(texts: tuple[str, ...], label: str | None) -> dict[str, str]:
    """`("species=elf", "hat=yes")` as a dict, and the label, if any."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"expected --where name=value …, received {text!r}")
    return dict(text.split("=", 1) for text in texts) | ({} if label is None else {"label": label})


def _check_out(out: Path, films: bool = False) -> None:
    """Before the model is loaded: what cannot be written need not be made."""
    from keras_gen import runs

    if out.suffix not in (".npy", ".png", "", *([".gif"] if films else [])):
        raise ValueError(f"expected --out as {'x.gif, ' if films else ''}x.npy, x.png or a folder, received {out}")
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
