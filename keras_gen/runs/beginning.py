"""The beginning of a run: its folder, new or resumed, and a few lines on what is about to happen."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_gen.data import MIN_SCORED_IMAGES, Batches, ImageData, Split, doctor
from keras_gen.export import check_name
from keras_gen.export.card import image_counts
from keras_gen.files import locked, new_folder, require_writable, slug
from keras_gen.runs import provenance, resuming
from keras_gen.runs.options import Options
from keras_gen.runs.run import Run, write_config


def begin(
    options: Options, images: ImageData, model: keras.Model, batches: Batches, held_out: Split | None = None
) -> Run[Options]:
    """Creates the folder of a run, or opens that of the run to resume, and prints what is trained on what.

    Args:
        options: as of `preparation.prepare`.
        images: the data.
        model: compiled model.
        batches: what `fit` will get; for a resumed run they are moved to where it stopped.
        held_out: training images that the model is not trained on, or None.

    Raises:
        ValueError: if the folder already holds a run, it or the export folder cannot be written, no folder can have
            the name, or another process trains in it; for a resumed run, if it is over or its data have changed.
    """
    time = f"{provenance.now():%Y%m%d-%H%M%S}"
    directory = options.run_dir or new_folder(Path("runs") / f"{time}-{options.preset}-{slug(images.name)}")
    if (directory / "config.json").exists() and not options.resume:
        raise ValueError(f"{directory} already holds a run: give another --run-dir, or --resume it")
    check_name(options.name)
    require_writable(directory)
    require_writable(options.export_dir)
    directory.mkdir(parents=True, exist_ok=True)
    lock = locked(directory)
    config = provenance.record(options, images, model, held_out)
    run = Run(options, images, model, batches, held_out, directory, config, lock)
    if options.resume:
        resuming.resume(run)
    write_config(run)
    _introduce(run)
    return run


def _introduce(run: Run) -> None:
    """Prints what is trained on what, what is wrong with the images, and what can be asked for."""
    images, conditions = run.images, run.model.conditions
    print(f"{run.model.family} on {images.name}, {images.image_shape}: {image_counts(run.config['data'])}")
    sides = 2 if run.model.repairs else 1  # one half of the test images is repaired, the other compared with
    findings = doctor.examine(images, min_scored=sides * MIN_SCORED_IMAGES * run.options.score)
    run.warnings = [finding.text for finding in findings if finding.serious]
    for warning in run.warnings:
        print(f"! {warning}")
    if conditions:
        print("it can be asked for", "; ".join(run.config["conditions"]))
        unlearned = [name for name in images.train.attributes if name not in conditions.names]
        if unlearned:
            print(f"not learned: {', '.join(unlearned)} (--condition says what to learn)")
    elif run.options.conditional:
        print("no labels or attributes to learn: nothing can be asked for")
