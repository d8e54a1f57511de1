"""The record of one training run and its folder: what was asked for, what is trained on what, where it continues.

runs/<time>-<preset>-<data>/
config.json      every option, resolved; versions; git commit; the data and its hash
metrics.csv      the losses of each epoch        curves.png   the same as a picture
tensorboard/     scalars and images              samples/     step_<number>.png
checkpoints/     final.keras, the best model of the run; step_<number>.npz, from which --resume goes on
report.html      all of it on one page
paintings/       of a stylizer: the paintings that it learns from, as it sees them
scorecard.json   how good it is, and how that was measured; scorecard.html the same with pictures
priors.csv       of an autoencoder: the priors that were tried; priors.png, new.png  images that they make;
                 tensorboard/codes  its codes for the projector

The modules beside this one read and change the record, in this order: preparation, beginning, resuming, watching,
attempts, delivering. `gan.py` and `autoencoder.py` call them.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Generic

import filelock
import keras

from keras_gen.data import Batches, ImageData, Split
from keras_gen.files import replace_file
from keras_gen.models.checkpoints import Checkpoint
from keras_gen.runs.options import Options


@dataclasses.dataclass
class Run(Generic[Options]):
    """One training run, new or resumed.

    Args:
        options: all settled; after a collapse those of the next attempt.
        images: the data, as they were loaded: what is recorded, watched and scored.
        model: compiled.
        batches: what `fit` gets, at the position where it begins.
        held_out: training images that the model is not trained on, or None.
        directory: the folder.
        config: what `config.json` holds.
        lock: of the folder, until the run is delivered or this process ends.
        checkpoint: from which `fit` goes on, or None for the first step.
        over: whether a process trained it to its end and then could not finish it.
        warnings: what is wrong with the images, in sentences.
    """

    options: Options
    images: ImageData
    model: keras.Model
    batches: Batches
    held_out: Split | None
    directory: Path
    config: dict
    lock: filelock.BaseFileLock
    checkpoint: Checkpoint | None = None
    over: bool = False
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def initial_epoch(self) -> int:
        """What to give `fit`: 0, or for a resumed run the epoch in which it stopped."""
        return self.checkpoint.epoch if self.checkpoint else 0

    @property
    def epochs(self) -> int:
        """What to give `fit`: the options' epochs, or so many that the minutes end first; no more when it is over."""
        return self.initial_epoch if self.over else self.options.epochs or 10**9


def write_config(run: Run) -> None:
    """Replaces `config.json` as a whole, or leaves the one that was there."""
    text = json.dumps(run.config, indent=2, default=str) + "\n"
    replace_file(run.directory / "config.json", lambda file: file.write(text.encode()))
