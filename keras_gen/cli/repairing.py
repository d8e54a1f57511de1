"""`keras-gen inpaint | colorize | upscale | restore | translate`: the user's own pictures, through a model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import tyro

from keras_gen.paths import MASK, MODEL, PICTURES, require_path
from keras_gen.runs.fields import Switch

if TYPE_CHECKING:
    from keras_gen.repair import Holes, Repairs


@dataclasses.dataclass(frozen=True)
class Repair:
    """What the five commands share."""

    task: ClassVar[str]
    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an exported SavedModel (with or without its version)."""
    data: Path
    """An image file or a folder of them, of any size: grey, colour, palette, transparent, 8 or 16 bits. They should be like those that the model was trained on: of others it makes noise, without a warning."""  # noqa: E501
    out: Path
    """Folder for the results, PNG files of 8 bits with the names of the pictures, and contact_sheet.png."""
    num: int = 1
    """Proposals for each picture: name.png for one, name_1.png, name_2.png … for several."""
    mean: Switch = False
    """Write the mean of the --num proposals in place of them, as name.png: with --num 8 it has less error than any one, and is more blurred."""  # noqa: E501
    seed: int = 0
    """The same seed gives the same bytes for a picture of the same name from the same run, or from the same export, whatever else is in its folder."""  # noqa: E501

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.data, PICTURES)
        require_path(self.model, MODEL)

    def run(self) -> None:
        """Writes the repaired pictures and says where."""
        from keras_gen import repair
        from keras_gen.console import progress

        if self.seed < 0:
            raise ValueError(f"expected --seed of 0 or more, received {self.seed}")
        animates = self.task == "translate"
        plan = repair.plan(self.data, self.out, self.holes(), self.num, mean=self.mean, animates=animates)
        repairs = self.load()
        if self.num > 1 and not repairs.varies:
            raise ValueError(f"expected --num 1, received {self.num}: this model has one answer for each picture")
        with progress() as on_progress:
            outcome = repair.repair(repairs, plan, self.seed, on_progress)
        proposals = f", {'the mean of ' * self.mean}{self.num} proposals each" if self.num > 1 else ""
        print(f"{outcome.pictures} picture{'' if outcome.pictures == 1 else 's'}{proposals}: {self.out}")
        if plan.holes is not None:
            print(f"{plan.holes.described()}: {outcome.hole_pixels:,} pixels filled")
        if outcome.unmarked:
            print(f"{outcome.unmarked} of them without a hole, written as they are")
        print(f"before and after: {outcome.contact_sheet}")

    def load(self) -> Repairs:
        """The model, for the task."""
        from keras_gen.cli.repairers import load_repairer

        return load_repairer(self.model, self.task)

    def holes(self) -> Holes | None:
        """Where the holes are; None for tasks that change the whole picture."""
        return None


@dataclasses.dataclass(frozen=True)
class Inpaint(Repair):
    """Fill holes in pictures: scratches, stains, what is painted over or erased. Nothing else changes, to the byte.

    Examples: keras-gen inpaint runs/RUN --data damaged/ --mask masks/ --num 4;
    keras-gen inpaint runs/RUN --data scan.png --mask "#ff00ff" --grow 2
    """

    task: ClassVar[str] = "inpaint"
    out: Path = Path("inpainted")
    mask: str = "alpha"
    """Where the holes are. A folder with a mask for each picture (x.png, x_mask.png or x_mask001.png for x.jpg); one mask for all; alpha: whatever is not opaque; or a colour such as "#ff00ff" that marks them exactly."""  # noqa: E501
    hole: Literal["white", "black"] | None = None
    """Which part of a mask is the hole, divided at middle grey. By default all that is not black, if that is no more than 60 %."""  # noqa: E501
    grow: int = 0
    """Pixels by which each hole grows: 2 removes the soft edge of a scratch. 0, the default, keeps whatever the mask leaves, to the byte (of 16 bits the upper 8)."""  # noqa: E501
    feather: int = 0
    """Pixels inside the grown hole over which its border is blended with what is around it."""

    def check(self) -> None:
        """As of every repair; a mask that is neither alpha nor a colour is a path."""
        if self.mask != "alpha" and not self.mask.startswith("#"):
            require_path(self.mask, MASK)
        super().check()

    def holes(self) -> Holes:
        """The masks, which are searched for before the model is loaded."""
        from keras_gen.repair import Holes

        return Holes(self.mask, self.hole, self.grow, self.feather)


@dataclasses.dataclass(frozen=True)
class Colorize(Repair):
    """Colour pictures. Each keeps its own luma and so all its detail: only colour is added.

    Example: keras-gen colorize runs/RUN --data grey/ --num 4 --out coloured/
    """

    task: ClassVar[str] = "colorize"
    out: Path = Path("colorized")


@dataclasses.dataclass(frozen=True)
class Translate(Repair):
    """Translate pictures into another kind: what train_gan.py pix2pix, translate or cyclegan has learned.

    A model of pix2pix sees each picture as a whole, shrunk to its own size; the others work at full resolution, large
    pictures in tiles. All frames of a GIF are translated.

    Example: keras-gen translate runs/RUN --data photos/ --out paintings/
    """

    task: ClassVar[str] = "translate"
    back: bool = False
    """The other way, of a model of cyclegan: pictures like those of --to become like those of --data."""
    out: Path = Path("translated")
    """Folder for the results, PNG files of 8 bits (GIFs of several frames as GIF) with the names of the pictures, and contact_sheet.png."""  # noqa: E501

    def load(self) -> Repairs:
        """The model, in the direction that was asked for."""
        from keras_gen.cli.repairers import load_repairer

        return load_repairer(self.model, self.task, self.back)


@dataclasses.dataclass(frozen=True)
class Upscale(Repair):
    """Enlarge pictures by the factor that the model has learned.

    Example: keras-gen upscale runs/RUN --data small.png --out large/
    """

    task: ClassVar[str] = "upscale"
    out: Path = Path("upscaled")


@dataclasses.dataclass(frozen=True)
class Restore(Repair):
    """Restore whole pictures: whatever damage the model has learned to remove, such as noise or blur.

    Example: keras-gen restore runs/RUN --data noisy/ --out restored/
    """

    task: ClassVar[str] = "restore"
    out: Path = Path("restored")
