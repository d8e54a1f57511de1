"""`keras-gen evaluate | compare`: how good a model is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import tyro

from keras_gen.cli.requests import data_of
from keras_gen.paths import RUN, require_data, require_path


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score a trained model, or images, against the test part of the data: a card with every number and its floor."""

    model: tyro.conf.Positional[Path]
    """Folder of a run, a .keras file, or an .npy file of uint8 images (n, height, width, channels)."""
    data: str | None = None
    """Name or path of the images, as for keras-gen train; by default those of the run. An .npy file needs it."""
    num: int = 10_000
    """Images on each side, no more than the test part has."""
    truncation: float | None = None
    """As for keras-gen sample."""
    features: Literal["own", "inception"] = "own"
    """Features of networks trained on the data, or of InceptionV3 if Keras has its weights on disk."""
    out: Path | None = None
    """Folder of scorecard.json, scorecard.html and pictures. By default the run's own, or scorecard-<name> for anything but the usual card of a run."""  # noqa: E501

    def check(self) -> None:
        """Refuses what is not there."""
        if self.model.suffix == ".npy":
            self.model.stat()
        else:
            require_path(self.model, RUN)
        if self.data is not None:
            require_data(self.data)

    def run(self) -> None:
        """Writes the card and prints its numbers."""
        from keras_gen import evaluation, files
        from keras_gen.console import progress

        if self.num < 1:
            raise ValueError(f"expected --num of 1 or more, received {self.num}")
        usual = self.model.is_dir() and dataclasses.replace(self, model=Path()) == Evaluate(Path(), out=self.out)
        out = self.out or (self.model if usual else Path(f"scorecard-{self.model.stem}"))
        files.require_writable(out)
        with progress() as on_progress:
            card, pictures = self._score(on_progress)
        card.model["path"] = str(self.model)
        page = evaluation.write(card, pictures, out)
        print("\n".join([*evaluation.lines(card), f"the card: {page}"]))

    def _score(self, on_progress):
        import numpy as np

        from keras_gen import data, evaluation
        from keras_gen.data.arrays import checked_images
        from keras_gen.models import saving

        if self.model.suffix == ".npy":
            if self.data is None:
                raise ValueError("expected --data: a file of images does not say which data to compare it with")
            if self.truncation is not None:
                raise ValueError("expected no --truncation: these images are already made")
            images = checked_images(np.load(self.model), str(self.model))
            *size, channels = images.shape[1:]
            on_progress(f"reading {self.data} at the size of these images, {size[0]}×{size[1]}×{channels}")
            real = data.load(self.data, image_size=tuple(size), channels=channels)
            made = data.Split(images)

            def draw(num, seed):
                return made.some(num, seed).images, {}

            about = {"class": "images", "data": real.name, "truncation": None}
            num = min(self.num, len(made))
            return evaluation.score_images(draw, real, about, num, self.features, on_progress, num_draws=1)
        model = saving.load(self.model)
        return evaluation.score(
            model, data_of(model, self.model, self.data), self.num, self.truncation, self.features, on_progress
        )


@dataclasses.dataclass(frozen=True)
class Compare:
    """Put the score cards of two or more runs side by side; cards that were made in different ways are refused."""

    cards: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with a scorecard.json, or such files."""

    def check(self) -> None:
        """Refuses what is not there."""
        if len(self.cards) < 2:
            raise ValueError(f"expected at least two score cards, received {len(self.cards)}")
        for path in self.cards:
            path.stat()
            if path.is_dir() and not (path / "scorecard.json").exists():
                raise FileNotFoundError(f"{path} has no score card: keras-gen evaluate {path} makes one")

    def run(self) -> None:
        """Prints the table."""
        from rich.console import Console
        from rich.table import Table

        from keras_gen import evaluation

        files = {str(path): path / "scorecard.json" if path.is_dir() else path for path in self.cards}
        header, *rows = evaluation.side_by_side({name: evaluation.ScoreCard.load(file) for name, file in files.items()})
        table = Table()
        for name in header:
            table.add_column(name, overflow="fold")  # names that are cut off may look the same
        for row in rows:
            table.add_row(*row)
        Console().print(table)
