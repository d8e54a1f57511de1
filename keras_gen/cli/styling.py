"""`keras-gen stylize`: photographs repainted, by a trained model or by optimising the picture itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro

from keras_gen.paths import MODEL, PICTURES, require_path

STEPS = 200  # of the optimisation of a picture


@dataclasses.dataclass(frozen=True)
class Stylize:
    """Repaint photographs like a painting: with a model that learned its style, or, with --style, without any model.

    Examples: keras-gen stylize runs/RUN --data photos/ --style-name wave --strength 0.7 --out painted/;
    keras-gen stylize photo.jpg --style painting.jpg --steps 200
    """

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an exported SavedModel; with --style the photograph, or a folder of them."""
    data: Path | None = None
    """For a model: an image file or a folder of them, of any size and kind. Films (GIF) stay films."""
    style_name: str | None = None
    """For a model: one of the styles that it learned, by the name of the painting's file; the first by default."""
    strength: float = 1.0
    """How much of the style: from 0, the photograph itself, to 1."""
    keep_colors: bool = False
    """Take only the luma of what is painted, and keep the photograph's colours."""
    style: Path | None = None
    """A painting: the picture itself is optimised, which needs no training and takes seconds to minutes for each."""
    steps: int | None = None
    """For --style: steps of the optimisation; 200 by default."""
    style_size: int | None = None
    """For --style: shorter side to which the painting is resized: larger means larger strokes."""
    seed: int | None = None
    """For --style: the same seed gives the same bytes; 0 by default."""
    out: Path = Path("stylized")
    """Folder for the results, PNG files of 8 bits with the names of the pictures, and contact_sheet.png."""

    @property
    def photographs(self) -> Path:
        """What is repainted."""
        return self.data or self.model

    def check(self) -> None:
        """Refuses what cannot be, before Keras is imported."""
        if self.style is not None and self.style_name is not None:
            raise ValueError("expected no --style-name with --style: it names a style that a model has learned")
        own = {"--steps": self.steps, "--style-size": self.style_size, "--seed": self.seed}
        given = {name: value for name, value in own.items() if value is not None}
        if given and self.style is None:
            raise ValueError(f"expected {', '.join(given)} with --style alone: a model has learned its styles")
        if any(value < (0 if name == "--seed" else 1) for name, value in given.items()):
            received = ", ".join(f"{name} {value}" for name, value in given.items())
            raise ValueError(
                f"expected --steps and --style-size of 1 or more and --seed of 0 or more, received {received}"
            )
        if (self.data is None) == (self.style is None):
            raise ValueError(
                "expected --data with photographs for a trained model, or --style with a painting for a photograph, "
                f"received {'both' if self.data else 'neither'}"
            )
        require_path(self.photographs, PICTURES)
        require_path(self.model, MODEL)

    def run(self) -> None:
        """Writes the repainted pictures and says where."""
        from keras_gen import repair
        from keras_gen.cli.stylizers import load_stylizer, optimizer
        from keras_gen.console import progress
        from keras_gen.inputs.styling import check_strength

        strength = check_strength(self.strength)
        plan = repair.plan(self.photographs, self.out, animates=True)
        if self.style is None:
            repaints = load_stylizer(self.model, self.style_name, strength)
        else:
            repaints = optimizer(self.style, self.steps or STEPS, strength, self.style_size, self.seed or 0)
        with progress() as on_progress:
            outcome = repair.repaint(repaints, plan, self.keep_colors, on_progress)
        print(f"{outcome.pictures} picture{'' if outcome.pictures == 1 else 's'}: {self.out}")
        print(f"before and after: {outcome.contact_sheet}")
