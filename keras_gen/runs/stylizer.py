"""The run of a stylizer, in order: photographs, paintings, the network, training, what it delivers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from keras_gen import callbacks, networks, schedules
from keras_gen import images as pixels
from keras_gen.data import Batches, ImageData
from keras_gen.data.folder import reason
from keras_gen.data.pictures import unique_names
from keras_gen.models.painting import fitted
from keras_gen.models.stylizer import Stylizer
from keras_gen.repair.pictures import read
from keras_gen.repair.translation import in_channels
from keras_gen.runs import attempts, beginning, delivering, dry_run, hardware, preparation, watching
from keras_gen.runs.options import StylizerOptions
from keras_gen.runs.run import Run
from keras_gen.style import StyleDistance

NUM_SHOWN = 16  # photographs of the grid
LAST_RATE = 0.01  # of the learning rate
PAINTINGS = "paintings"  # in the folder of a run, which goes on without the files that were given


def prepare(options: StylizerOptions) -> Run[StylizerOptions] | None:
    """Everything before the first step; errors here are the user's to fix.

    Args:
        options: resolved options.

    Returns:
        The run that `train` takes, or None after a dry run.
    """
    options, images = preparation.prepare(options)
    paintings = paintings_of(options, images.image_shape)
    stylizer, batches = build(options, images, paintings)
    if options.dry_run:
        dry_run.show(stylizer, batches, options, images)
        return None
    run = beginning.begin(options, images, stylizer, batches)
    for name, painting in paintings.items():
        pixels.save_png(run.directory / PAINTINGS / f"{name}.png", painting)
    return run


def train(run: Run[StylizerOptions]) -> None:
    """Trains a prepared run and delivers the model."""
    shown = run.images.train.some(NUM_SHOWN)
    grid = callbacks.SampleGrid(
        run.directory / "samples",
        num=NUM_SHOWN,
        every=run.options.sample_every,
        given=run.model.given_of(shown),
        tensorboard=run.directory / "tensorboard" / "samples",
    )
    watchers = watching.watch(run, grid)
    attempts.train(run, watchers, lambda: compile_stylizer(run.model, run.options))
    delivering.deliver(run, watchers)


def build(options: StylizerOptions, images: ImageData, paintings: dict[str, np.ndarray]) -> tuple[Stylizer, Batches]:
    """The compiled stylizer that the options ask for, and the batches to train it with.

    Args:
        options: resolved options.
        images: the photographs.
        paintings: as of `paintings_of`.
    """
    channels = images.image_shape[2]
    distance = StyleDistance(len(paintings), channels, seed=options.seed)
    builds = preparation.arguments("stylizer network", networks.STYLIZERS, options.network, options)
    stylizer = Stylizer(
        networks.stylizer(options.network, channels, len(paintings), **builds),
        distance,
        list(paintings),
        images.image_shape,
        content_weight=options.content_weight,
        seed=options.seed,
    )
    stylizer.adapt(list(paintings.values()))
    compile_stylizer(stylizer, options)
    return stylizer, preparation.batches(options, stylizer, images.train)


def paintings_of(options: StylizerOptions, image_shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """The paintings by the names of their files, uint8 (height, width, channels), the shorter side as large as asked.

    A run that is resumed has kept them: the files may have been moved or changed since.

    Args:
        options: resolved options.
        image_shape: of the photographs.

    Raises:
        ValueError: where one cannot be read.
    """
    names = unique_names([Path(file).stem for file in options.style])
    kept = [Path(options.run_dir or "") / PAINTINGS / f"{name}.png" for name in names]
    if options.resume and all(file.exists() for file in kept):
        return {name: read(file).pixels() for name, file in zip(names, kept, strict=True)}
    side = options.style_size or max(StyleDistance(1, image_shape[2]).min_side, min(image_shape[:2]))
    found = [fitted(painting_of(Path(file), image_shape[2]), side) for file in options.style]
    return dict(zip(names, found, strict=True))


def painting_of(file: Path, channels: int) -> np.ndarray:
    """The picture in a file as uint8 (height, width, channels): grey, RGB, or RGBA, as photographs to train on.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        picture = read(file.expanduser())
    except Exception as error:  # on a bad file Pillow raises nearly anything
        raise ValueError(f"expected --style with an image file, received {file}: {reason(file, error)}") from error
    return in_channels(picture.pixels(), channels)


def compile_stylizer(stylizer: Stylizer, options: StylizerOptions) -> None:
    """Gives the stylizer its optimizer.

    Args:
        stylizer: the model.
        options: resolved options.
    """
    rate = options.learning_rate
    stylizer.compile(
        keras.optimizers.Adam(rate),
        schedules.Cosine(rate, LAST_RATE * rate),
        steps_per_execution=hardware.steps_per_launch(),
    )
