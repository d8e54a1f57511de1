"""What comes before the model: the images, and the options that depend on them. Everything is settled here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import keras

from keras_gen import data
from keras_gen.data import Batches, ImageData, Split
from keras_gen.files import slug
from keras_gen.registry import lookup
from keras_gen.runs import hardware
from keras_gen.runs.options import Options, TrainingOptions

OFF = (None, False, "none")  # values of an option that a builder without it implies


def prepare(options: Options) -> tuple[Options, ImageData]:
    """Loads the images and settles what depends on them: batch, precision, backend, name. Sets the random seeds.

    Args:
        options: resolved options; the backend has been chosen, since Keras is imported.

    Returns:
        (the settled options of the run, the images).

    Raises:
        ValueError: for data that cannot be used.
        OSError: for data that cannot be read.
    """
    images = load_images(vars(options), options.image_size, options.channels)
    suited = options.suited_to(images.image_shape)
    settled = dataclasses.replace(
        suited,
        precision=hardware.choose_precision(suited, images.image_shape),
        backend=keras.backend.backend(),
        name=options.name or f"{options.family}-{options.preset}-{slug(images.name)}",
    )
    keras.utils.set_random_seed(settled.seed)  # only now: a measurement may have drawn random numbers
    return settled, images


def load_images(options: Mapping[str, Any], image_size, channels: int | None) -> ImageData:
    """The images that the options of a run name; for a model that translates, the two kinds of pictures.

    Args:
        options: by name; pictures to translate keep the channels that they were loaded with.
        image_size: as of `data.load`.
        channels: as of `data.load`.
    """
    if options.get("translation") is None:
        return data.load(options["data"], image_size=image_size, channels=channels, fit=options.get("fit", "crop"))
    load = data.load_pairs if options["translation"] == "paired" else data.load_unpaired
    return load(options["data"], options["to"], image_size, channels=options["channels"], fit=options["fit"])


def batches(
    options: TrainingOptions, model: keras.Model, split: Split, batch_size: int | None = None, **how
) -> Batches:
    """The images of a split, and beside them the other inputs of the model.

    Args:
        options: all settled.
        model: the model.
        split: the images.
        batch_size: images in each batch; that of the options by default.
        **how: further arguments of `data.Batches`.
    """
    columns, ahead = model.columns_of(split), hardware.steps_per_launch()
    return Batches(split, batch_size or options.batch_size, seed=options.seed, columns=columns, ahead=ahead, **how)


def arguments(kind: str, builders: Mapping[str, Callable], name: str, options: TrainingOptions) -> dict[str, Any]:
    """The options that a builder gets: those for which some builder of its kind has a keyword argument, by name.

    An option that this builder does not have is left out if it is off. Otherwise the builder gets it and refuses it.

    Args:
        kind: what the table holds, for the message about an unknown name.
        builders: functions or classes by name.
        name: of the builder to be called.
        options: resolved options.

    Raises:
        ValueError: for an unknown name.
    """
    own = _keywords(lookup(kind, dict(builders), name))
    known = set().union(*map(_keywords, builders.values())) - {"name", "seed"}  # which are the run's
    values = {option: value for option, value in vars(options).items() if option in known and value is not None}
    return {option: value for option, value in values.items() if option in own or value not in OFF}


def _keywords(builder: Callable) -> set[str]:
    parameters = signature(builder).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY}
