"""`keras-gen panorama | tile`: worlds for virtual reality, textures for games."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from keras_gen.cli.requests import asked, check_amount
from keras_gen.paths import MODEL, require_path

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class _New:
    """What both commands take."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an exported SavedModel (with or without its version)."""
    num: int = 8
    """How many to make."""
    seed: int = 0
    """The same seed gives the same images."""
    label: str | None = None
    """The class to make, of a model that learned classes; short for --where label=…"""
    where: tuple[str, ...] = ()
    """As for keras-gen sample."""
    truncation: float | None = None
    """As for keras-gen sample."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.model, MODEL)

    def make(self, out: Path, *wraps: str) -> np.ndarray:
        """New images that close so, after a check of everything else: uint8 (num, height, width, channels)."""
        from keras_gen import files
        from keras_gen.cli import sampling

        check_amount(self.num, self.seed)
        if out.suffix:
            raise ValueError(f"expected --out as a folder, received {out}")
        files.require_writable(out)
        where = asked(self.where, self.label)
        return sampling.sample(self.model, self.num, self.seed, where, self.truncation, wraps=wraps)


@dataclasses.dataclass(frozen=True)
class Panorama(_New):
    """Make new panoramas, with a page to look around in them: for photo viewers, game engines, browsers, headsets.

    The model was trained with --wrap width on panoramas twice as wide as high.
    """

    format: Literal["jpg", "webp"] = "jpg"
    """Of the panoramas, which carry the metadata of photo spheres."""
    cube: int | None = None
    """Pixels a side of the cube faces; a quarter of the width by default."""
    out: Path = Path("vr")
    """Folder: 1.jpg …, six faces each in 1_cube/, and viewer.html with all of them."""

    def run(self) -> None:
        """Writes the panoramas, their faces and the page, and says where."""
        from keras_gen import images, worlds
        from keras_gen.console import progress

        if self.cube is not None and self.cube < 1:
            raise ValueError(f"expected --cube of 1 or more, received {self.cube}")
        made, files = self.make(self.out, "width", "both"), []
        height, width = made.shape[1:3]
        if width != 2 * height:
            raise ValueError(
                "expected panoramas twice as wide as high, this model makes images of "
                f"{height}×{width}: train it with --image-size {height} {2 * height} --wrap width"
            )
        with progress() as on_progress:
            for number, panorama in enumerate(made, start=1):
                on_progress("writing panoramas and the faces of their cubes", number / len(made))
                files.append(worlds.photo_sphere(self.out / f"{number}.{self.format}", panorama))
                for name, face in worlds.cube_faces(panorama, self.cube).items():
                    images.save_png(self.out / f"{number}_cube" / f"{name}.png", face)
        page = worlds.viewer(self.out / "viewer.html", files)
        print(f"{len(made)} panorama{'s' * (len(made) > 1)} of {made.shape[1:]}, seed {self.seed}: {self.out}")
        print(f"look around in any browser: {page}")


@dataclasses.dataclass(frozen=True)
class Tile(_New):
    """Make new tiles, whose opposite edges meet, each with a preview of three by three.

    The model was trained with --wrap both.
    """

    num: int = 16
    """How many to make."""
    out: Path = Path("tiles")
    """Folder: 1.png …, the previews in previews/."""

    def run(self) -> None:
        """Writes the tiles and their previews, and says where."""
        import numpy as np

        from keras_gen import images

        made = self.make(self.out, "both")
        for number, tile in enumerate(made, start=1):
            images.save_png(self.out / f"{number}.png", tile)
            images.save_png(self.out / "previews" / f"{number}.png", np.tile(tile, (3, 3, 1)))
        print(f"{len(made)} tile{'s' * (len(made) > 1)} of {made.shape[1:]}, seed {self.seed}: {self.out}")
