"""New images from anything that holds a trained generator: a run, a `.keras` file or an exported SavedModel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_gen import images as pixels
from keras_gen.export import published_versions, recorded_inputs
from keras_gen.export.interface import InputOfExport, maker_of
from keras_gen.models import saving
from keras_gen.models.generative import Generative
from keras_gen.paths import MODEL, require_path
from keras_gen.registry import lookup

OPTIONS = {"seed", "truncation", "yaw"}  # inputs that are not attributes


def sample(
    path: str | Path,
    num: int,
    seed: int = 0,
    where: dict | None = None,
    truncation: float | None = None,
    given: Mapping[str, np.ndarray] | None = None,
    wraps: Sequence[str] = (),
) -> np.ndarray:
    """Makes images.

    The seed fixes the images. A run and the SavedModel made from it draw different images for the same seed: a server
    draws each row from its own seed.

    Args:
        path: folder of a run, a `.keras` file, a SavedModel, or the folder of its versions (the newest is taken).
        num: number of images.
        seed: int ≥ 0.
        where: what is asked of a conditional model, such as `{"label": "3"}`.
        truncation: see `Generative.sample`.
        given: see `Generative.sample`.
        wraps: names in `keras_gen.layers.WRAPS`, how its images may close; of an export only whether they do is known.
            Nothing for any.

    Returns:
        uint8 array (num, height, width, channels).

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if the model there is not a generator, does not know what it is asked for, or its images
            do not close so.
    """
    version = saved_model(path)
    if version is None:
        model = load(path)
        _check_verb(model.verb, path, given)
        _check_wrap(wraps, model.wrap)
        return model.sample(num, seed, where, truncation, given=given)
    return _sample_saved_model(version, num, seed, where or {}, truncation, given or {}, wraps)


def sweep(
    path: str | Path,
    attribute: str,
    num: int,
    seed: int = 0,
    where: dict | None = None,
    truncation: float | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Makes images in which one attribute runs through its values.

    Args:
        path: folder of a run or a `.keras` file.
        attribute: as for `Generative.sweep`.
        num: as for `Generative.sweep`.
        seed: as for `Generative.sweep`.
        where: as for `Generative.sweep`.
        truncation: as for `Generative.sweep`.

    Returns:
        (uint8 array (n, height, width, channels) row by row, the value in each column).

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if it is not conditional, does not have the attribute or is asked for one value of it.
    """
    return load(path).sweep(attribute, num, seed, where, truncation)


def walk(
    path: str | Path,
    stops: int,
    frames: int,
    seed: int = 0,
    where: dict | None = None,
    truncation: float | None = None,
    turn: float = 0.0,
) -> np.ndarray:
    """Makes images that turn into each other.

    Args:
        path: folder of a run or a `.keras` file.
        stops: as for `Generative.walk`.
        frames: as for `Generative.walk`.
        seed: as for `Generative.walk`.
        where: as for `Generative.walk`.
        truncation: as for `Generative.walk`.
        turn: degrees by which the view turns to the right on the way, of a model whose images wrap.

    Returns:
        uint8 array (stops · frames, height, width, channels).

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if the model makes no images, does not know what it is asked for, or cannot turn.
    """
    model = load(path)
    if turn and model.wrap == "none":
        raise ValueError(f"expected no --turn: the images of this model do not wrap, received {turn:g}")
    made = model.walk(stops, frames, seed, where, truncation)
    if not turn:
        return made
    shifts = np.rint(turn / 360 * made.shape[2] * np.arange(len(made)) / len(made)).astype(int)
    return np.stack([np.roll(image, -shift, axis=1) for image, shift in zip(made, shifts, strict=True)])


def load(path: str | Path) -> Generative:
    """The trained model of a run or a `.keras` file, as `saving.load`; ValueError if it makes no images."""
    model = saving.load(path)
    if not isinstance(model, Generative):
        raise ValueError(f"expected a model that makes images, {path} holds a {type(model).__name__}")
    return model


def saved_model(path: str | Path) -> Path | None:
    """The SavedModel at a path: the newest version in the folder of an exported model, the folder itself, or None.

    Raises:
        FileNotFoundError: if there is nothing at the path.
    """
    require_path(path, MODEL)
    versions = published_versions(path)
    candidate = Path(path) / str(versions[-1]) if versions else Path(path)
    return candidate if (candidate / "saved_model.pb").exists() else None


def open_value(spec) -> str | float:
    """What leaves an option of a signature to the model."""
    return "" if spec.dtype == "string" else np.nan


def _check_verb(verb: str, path: str | Path, given) -> None:
    """Refuses a model that repairs pictures where none are given."""
    if verb != Generative.verb and not given:
        raise ValueError(f"expected a model that makes images from nothing, this one does not: keras-gen {verb} {path}")


def _check_wrap(wraps: Sequence[str], wrap: str) -> None:
    """Refuses a model whose images should close and do not."""
    if wraps and wrap not in wraps:
        closes = "do not close" if wrap == "none" else f"close as with --wrap {wrap}"
        raise ValueError(f"expected a model trained with --wrap {' or '.join(wraps)}, the images of this one {closes}")


def _sample_saved_model(
    path: Path,
    num: int,
    seed: int,
    where: Mapping,
    truncation: float | None,
    given: Mapping[str, np.ndarray],
    wraps: Sequence[str],
) -> np.ndarray:
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures
    maker = maker_of(signatures)
    if maker is None:
        raise ValueError(f"expected a model with the signature `generate`, {path} has {', '.join(signatures)}")
    _check_verb(maker, path, given)
    generate = signatures[maker]
    specs = dict(generate.structured_input_signature[1])
    _check_wrap(wraps, wraps[0] if wraps and "yaw" in specs else "none")
    recorded = recorded_inputs(path) or {name: InputOfExport(name, []) for name in sorted(specs.keys() - OPTIONS)}
    pictures = {own: each.name for own, each in recorded.items() if len(specs[each.name].shape) > 1}
    attributes = {own: each for own, each in recorded.items() if own not in pictures}
    # What is not asked for is left to the model: an empty text, or NaN.
    asked = {name: open_value(spec) for name, spec in specs.items() if name != "seed" and name not in pictures.values()}
    if truncation is not None:
        if "truncation" not in specs or not truncation > 0:
            raise ValueError(f"expected a truncation above 0 and a model that truncates, received {truncation}")
        asked["truncation"] = truncation
    for attribute, value in where.items():
        if not attributes:
            raise ValueError(f"expected no conditions: this model was trained without, received {where}")
        name, choices = lookup("attribute", attributes, attribute)
        if choices and str(value) not in choices:
            raise ValueError(f"unknown {attribute} {str(value)!r}: expected one of {', '.join(choices)}")
        try:
            asked[name] = str(value) if specs[name].dtype == tf.string else float(value)
        except ValueError:
            raise ValueError(f"expected a number for {attribute}, received {value!r}") from None
    if set(given) != set(pictures):
        raise ValueError(
            f"expected {', '.join(pictures) or 'nothing'} to be given, received {', '.join(given) or 'nothing'}"
        )
    columns = [np.broadcast_to(given[own], (num, *specs[name].shape[1:])) for own, name in pictures.items()]

    def make(seeds, *rows):
        values = {name: tf.fill(seeds.shape, tf.constant(value, specs[name].dtype)) for name, value in asked.items()}
        values |= dict(zip(pictures.values(), map(tf.constant, rows), strict=True))
        return generate(**({"seed": tf.constant(seeds)} if "seed" in specs else {}), **values)["images"]

    # One seed per row, far apart, so that --seed 0 and --seed 1 share no image.
    seeds = np.random.default_rng(seed).integers(0, 2**53, num)
    try:
        return pixels.in_batches(make, seeds, *columns, batch_size=256)
    except tf.errors.InvalidArgumentError as error:  # the model's own check of what it is asked for
        raise ValueError(error.message) from error
