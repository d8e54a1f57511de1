"""What a run would cost, from its first steps: `--dry-run`."""

from __future__ import annotations

import dataclasses
import time

import keras
from rich.console import Console
from rich.table import Table

from keras_gen.data import Batches, ImageData
from keras_gen.runs.options import TrainingOptions


def show(model: keras.Model, batches: Batches, options: TrainingOptions, images: ImageData) -> None:
    """Trains the model for a few steps and prints options, sizes and an estimate of the time.

    The model is slightly trained afterwards: discard it.

    Args:
        model: compiled model.
        batches: its training data.
        options: resolved options.
        images: the data, as they were loaded.
    """
    print("measuring a few steps …", flush=True)
    compiling, seconds = _measured(model, batches)
    table = Table("what", "value", title="dry run: nothing is written")
    for name, value in dataclasses.asdict(options).items():
        if value not in (None, {}) and name != "dry_run":
            text = " ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
            table.add_row(name.replace("_", "-"), text)
    table.add_section()
    table.add_row("image shape (height, width, channels)", str(images.image_shape))
    table.add_row("training, test images", f"{len(images.train):,}, {len(images.test):,}")
    table.add_row("classes", str(images.num_classes))
    table.add_row("skipped files", str(len(images.skipped)))
    table.add_section()
    for network in (layer for layer in model.layers if isinstance(layer, keras.Model)):
        table.add_row(f"parameters of the {network.name}", f"{network.count_params():,}")
    variables = (*model.variables, *model.optimizer.variables)
    state = sum(keras.ops.convert_to_numpy(variable.value).nbytes for variable in variables)
    pixels = getattr(batches.split.images, "nbytes", 0)  # none for a set that stays on disk
    table.add_row("memory, weights and optimizers", _megabytes(state))
    table.add_row("memory, training images", _megabytes(pixels))
    table.add_section()
    table.add_row("disk, checkpoints", _megabytes(4 * state))  # two, each with the best state beside the last one
    num_images = min(batches.batch_size, len(batches.split))
    table.add_row("compiling, once", _duration(compiling))
    table.add_row("one step", f"{1000 * seconds:.1f} ms, {num_images / seconds:,.0f} images/s")
    table.add_row("one epoch", f"{_steps(len(batches))}, {_duration(len(batches) * seconds)}")
    if options.epochs:
        table.add_row("training, by epochs", _duration(compiling + options.epochs * len(batches) * seconds))
    if options.minutes:
        steps = max(0, int((60 * options.minutes - compiling) / seconds))
        table.add_row("training, by minutes", f"{_duration(60 * options.minutes)}, about {_steps(steps)}")
    if options.score:
        table.add_row("score card, export", "follow: they take minutes, less with --no-score")
    Console().print(table)


def _measured(model, batches, steps=18) -> tuple[float, float]:
    """Seconds to compile one step, and the mean over the `steps` steps after it, including reading."""
    started = time.perf_counter()
    for _ in range(2):
        model.train_on_batch(*batches[0])
    compiled = time.perf_counter()
    for step in range(steps):
        model.train_on_batch(*batches[step % len(batches)])
    seconds = (time.perf_counter() - compiled) / steps
    return max(0.0, compiled - started - 2 * seconds), seconds


def _steps(num: int) -> str:
    return f"{num:,} step{'s' if num != 1 else ''}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
