"""`keras-gen sample | interpolate | traverse`: new images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro

from keras_gen.cli.requests import asked, check_amount, check_out, data_of, write
from keras_gen.paths import MODEL, RUN, require_data, require_path


@dataclasses.dataclass(frozen=True)
class Sample:
    """Make new images with a trained GAN or autoencoder."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an exported SavedModel (with or without its version)."""
    num: int = 64
    """Number of images."""
    seed: int = 0
    """The same seed gives the same images from the same run or export, but not those of a server's seeds."""
    label: str | None = None
    """The class to make, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """What the images should show, such as species=elf hat=yes. Everything else is drawn like the training data."""
    sweep: str | None = None
    """An attribute that runs through its values, a column for each: as many whole rows as --num allows, but at least one. For a run or a .keras file only."""  # noqa: E501
    truncation: float | None = None
    """Largest absolute value in the latents, such as 1.5: smaller is more typical and less varied."""
    out: Path = Path("samples.png")
    """x.npy: one uint8 array (num, height, width, channels); x.png: one grid; else a folder of PNG files."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.model, RUN if self.sweep else MODEL)

    def run(self) -> None:
        """Writes the images and says where."""
        from keras_gen.cli import sampling

        check_amount(self.num, self.seed)
        where = asked(self.where, self.label)
        check_out(self.out)
        columns = None
        if self.sweep is None:
            images = sampling.sample(self.model, self.num, self.seed, where, self.truncation)
        else:
            images, values = sampling.sweep(self.model, self.sweep, self.num, self.seed, where, self.truncation)
            columns = len(values)
            print(f"columns, {self.sweep}: {', '.join(values)}")
        print(f"{len(images)} images of {images.shape[1:]}, seed {self.seed}: {write(images, self.out, columns)}")


@dataclasses.dataclass(frozen=True)
class Interpolate:
    """Make new images that turn into each other, from the first through the others back to the first."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    stops: int = 5
    """Number of new images on the way."""
    frames: int = 16
    """Images from each of these to the next."""
    seed: int = 0
    """The same seed gives the same images."""
    label: str | None = None
    """The class to make all the way, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """As for keras-gen sample, all the way."""
    truncation: float | None = None
    """As for keras-gen sample."""
    turn: float = 0.0
    """Degrees by which the view turns to the right on the way, for panoramas: 360 for an endless loop."""
    out: Path = Path("walk.gif")
    """x.gif or x.webp: an endless loop; x.mp4, with imageio-ffmpeg; x.png: a grid, a row from each stop to the next; x.npy; else a folder of PNG files."""  # noqa: E501

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.model, RUN)

    def run(self) -> None:
        """Writes the images and says where."""
        from keras_gen import images
        from keras_gen.cli import sampling

        if self.stops < 2 or self.frames < 1 or self.seed < 0:
            raise ValueError(
                "expected --stops of 2 or more, --frames of 1 or more and --seed of 0 or more, received "
                f"{self.stops}, {self.frames} and {self.seed}"
            )
        where = asked(self.where, self.label)
        check_out(self.out, films=True)
        made = sampling.walk(self.model, self.stops, self.frames, self.seed, where, self.truncation, self.turn)
        is_film = self.out.suffix in images.FILMS
        place = images.save_film(self.out, made) if is_film else write(made, self.out, self.frames)
        print(f"{len(made)} images of {made.shape[1:]} through {self.stops} new ones, seed {self.seed}: {place}")


@dataclasses.dataclass(frozen=True)
class Traverse:
    """Move new images along directions of the latents: those in which they change the most, or that of an attribute."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    along: str | None = None
    """What should grow from left to right, an attribute of the data that is not a condition of the model, such as label=3, hat=yes or age: each row starts from its own image. Without it each row is a direction, and all rows start from one image."""  # noqa: E501
    num: int = 8
    """Number of rows."""
    steps: int = 9
    """Images per row; the one in the middle is the start."""
    reach: float = 3.0
    """How far to go on both sides, in standard deviations of the latents."""
    seed: int = 0
    """The same seed gives the same images."""
    label: str | None = None
    """The class of all images, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """As for keras-gen sample, in all images."""
    data: str | None = None
    """For --along: name or path of labelled images, as for keras-gen train; by default those of the run."""
    out: Path = Path("traversal.png")
    """x.png: a grid; x.npy; else a folder of PNG files."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.model, RUN)
        if self.data is not None:
            require_data(self.data)

    def run(self) -> None:
        """Writes the images and says where."""
        from keras_gen import evaluation
        from keras_gen.cli import sampling
        from keras_gen.console import progress

        if self.num < 1 or self.steps < 2 or self.seed < 0 or not self.reach > 0:
            raise ValueError(
                "expected --num of 1 or more, --steps of 2 or more, --seed of 0 or more and --reach above 0, received "
                f"{self.num}, {self.steps}, {self.seed} and {self.reach}"
            )
        check_out(self.out)
        model = sampling.load(self.model)
        where = asked(self.where, self.label)
        if self.along is None:
            with progress() as on_progress:
                on_progress(f"looking for {self.num} directions of the latents")
                directions = model.directions(self.num, self.seed, where)
            starts, *others = model.draw(1, self.seed, where)
        else:
            attribute, _, value = self.along.partition("=")
            data = data_of(model, self.model, self.data)
            with progress() as on_progress:
                directions = evaluation.attribute_direction(
                    model, data, attribute, value or None, self.seed, on_progress
                )
            starts, *others = model.draw(self.num, self.seed, where)
        images = model.traverse(starts, directions, self.steps, self.reach, *others)
        print(f"{len(images)} images of {images.shape[1:]}, seed {self.seed}: {write(images, self.out, self.steps)}")
