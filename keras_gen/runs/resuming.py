"""Resuming a run that another process began: from its newest checkpoint, bit for bit."""

from __future__ import annotations

import json
import math

from keras_gen.models import checkpoints
from keras_gen.runs import provenance
from keras_gen.runs.run import Run


def resume(run: Run) -> None:
    """Moves a run and its batches to where it stopped; one that died before its first checkpoint starts over.

    Args:
        run: as new, with the folder of the run to resume. The history in that folder is kept.

    Raises:
        ValueError: if the run is over, or its data or what is held out of them have changed.
    """
    before = json.loads((run.directory / "config.json").read_text())
    if before["data"]["sha256"] != run.images.fingerprint:
        raise ValueError(f"{run.directory} was trained on other images than {run.images.name} has now")
    if before["data"].get("masks") != run.config["data"]["masks"]:
        raise ValueError(f"{run.directory} was trained with other masks than {run.options.mask_dir} has now")
    num_now = run.config["data"]["held_out_images"]
    if before["data"].get("held_out_images", None if num_now else 0) != num_now:  # it would learn from other images
        raise ValueError(
            f"{run.directory} did not hold out the {num_now:,} training images that this version does: resume it with "
            "the version of keras_gen that began it"
        )
    run.checkpoint = checkpoints.newest(run.directory / checkpoints.FOLDER)
    if run.checkpoint is None:
        print(f"{run.directory} has no checkpoint yet: it starts over")
    else:
        _move_to(run, run.checkpoint, finished=bool(before.get("finished")))
    at = {
        "at": provenance.now().isoformat(timespec="seconds"),
        "step": run.checkpoint.step if run.checkpoint else 0,
    }
    run.config |= {
        "started": before["started"],
        "resumed": [*before.get("resumed", []), at],
        "troubles": before["troubles"],
    }


def _move_to(run, checkpoint, finished):
    run.batches.start_at(checkpoint.epoch, checkpoint.batch)
    minutes = checkpoint.callbacks["Budget"]["seconds"] / 60
    run.over = checkpoint.epoch >= (run.options.epochs or math.inf) or minutes >= (run.options.minutes or math.inf)
    if run.over and finished:
        epochs = f"{checkpoint.epoch} epoch{'s' * (checkpoint.epoch != 1)}"
        raise ValueError(
            f"{run.directory} is over, after {epochs} in {minutes:.1f} minutes: "
            "more --epochs or --minutes train it longer"
        )
    print(
        f"resuming {run.directory} at step {checkpoint.step:,}, {minutes:.1f} minutes into it"
        + run.over * ", to finish it"
    )
