"""Scores the repair of images beside every simple method, those of OpenCV among them.

Writes the card of `score_repair` with two more columns: Telea's fast marching and the Navier-Stokes method. Without a
model the linear predictor is scored as one, to see the methods alone.

Needs OpenCV: `pip install opencv-python-headless`, part of `.[bench]`.

Example:
  python -m benchmarks.repair --data mnist --out runs/repair-mnist
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import tyro

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.cli.requests import data_of

RADIUS = 3  # pixels around each that is filled: the usual one of OpenCV's examples


@dataclasses.dataclass(frozen=True)
class Options:
    """What to score."""

    model: tyro.conf.Positional[Path | None] = None
    """Folder of a run or a .keras file of a model that repairs; by default the linear predictor."""
    data: str | None = None
    """The images that it was trained on, a name or a path; by default what the run says, without a model mnist."""
    num: int = 1_000
    """Images for each kind of hole, no more than half of the test images."""
    nets: int = 2
    """Feature nets."""
    out: Path = Path("runs/repair")
    """Folder of the card."""


def telea(images, corrupt=None):
    """Telea's method: pixels in the order of their distance from the border, by the gradients around them."""
    return _opencv("INPAINT_TELEA")


def navier_stokes(images, corrupt=None):
    """Continues the lines of equal brightness, as a fluid flows."""
    return _opencv("INPAINT_NS")


def _opencv(method: str):
    import cv2

    def channel(image, hole):
        return cv2.inpaint(np.ascontiguousarray(image), hole, RADIUS, getattr(cv2, method))

    def repair(pictures, holes):
        """Channel by channel: OpenCV takes no alpha."""
        filled = [
            np.stack([channel(picture[..., place], hole[..., 0]) for place in range(picture.shape[-1])], axis=-1)
            for picture, hole in zip(pictures, holes, strict=True)
        ]
        return np.where(holes != 0, np.stack(filled), pictures)

    return repair


OPENCV = {"Telea": telea, "Navier-Stokes": navier_stokes}


def main(options: Options) -> None:
    """Writes the card and prints its numbers."""
    with one_line_errors():
        start_keras()
        from keras_gen import evaluation
        from keras_gen.console import progress
        from keras_gen.evaluation.repair_baselines import LinearPredictor
        from keras_gen.models import saving

        model = None if options.model is None else saving.load(options.model)
        data = keras_gen.load(options.data or "mnist") if model is None else data_of(model, options.model, options.data)
        more = {name: evaluation.Baseline(make) for name, make in OPENCV.items()}
        task = evaluation.INPAINT._replace(baselines={**evaluation.INPAINT.baselines, **more})
        if model is None:
            linear = LinearPredictor.fit(data.train.images)
            name, repair = "linear predictor", lambda images, holes, seed: linear(images, holes)
        else:
            name = type(model).__name__

            def repair(images, holes, seed):
                return model.repair(images, holes, seed=seed)[:, 0]  # the first proposal for each

        about = {"class": name, "data": data.name, "path": str(options.model or "")}
    with progress() as on_progress:
        card, pictures = evaluation.score_repair(repair, data, about, options.num, task, options.nets, on_progress)
    page = evaluation.write(card, pictures, options.out)
    print("\n".join([*evaluation.lines(card), f"the card: {page}"]))


if __name__ == "__main__":
    main(parse(Options, __doc__))
