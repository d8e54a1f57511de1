"""What repaints pictures, as `repair.Repaints`: an exported SavedModel, a run, a `.keras` file, or an optimisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_gen.cli import sampling
from keras_gen.export import recorded_inputs
from keras_gen.models import saving
from keras_gen.networks.modulated import REACH
from keras_gen.registry import lookup
from keras_gen.repair import Repaints


@dataclasses.dataclass(frozen=True)
class Loaded:
    """`Repaints` whose `paint` is a function of (pixels, whole, on_fraction)."""

    channels: int
    reach: int | None
    strength: float
    paint: Callable


def load_stylizer(path: str | Path, style: str | None, strength: float) -> Repaints:
    """Loads a model that repaints.

    Args:
        path: folder of a run, a `.keras` file, a SavedModel, or the folder of its versions (the newest is taken).
        style: one of its styles; None for the first.
        strength: from 0 to 1.

    Returns:
        The model, as `Repaints`.

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if the model there does something else, or has no such style.
    """
    version = sampling.saved_model(path)
    return _exported(version, style, strength) if version else _of_python(saving.load(path), path, style, strength)


def _exported(version: Path, style: str | None, strength: float) -> Repaints:
    import tensorflow as tf

    signatures = tf.saved_model.load(str(version)).signatures
    if "stylize_part" not in signatures:
        _refuse(version)
    signature = signatures["stylize_part"]
    styles = recorded_inputs(version)["style"].choices
    chosen = tf.constant([_one_of(styles, style)])

    def paint(pixels, whole, on_fraction):
        given = {"images": tf.constant(pixels[None]), "whole": tf.constant(whole[None])}
        made = signature(**given, strength=tf.constant([strength]), style=chosen)
        on_fraction(1.0)
        return made["images"].numpy()[0]

    return Loaded(signature.structured_input_signature[1]["images"].shape[-1], REACH, strength, paint)


def _of_python(model, path: str | Path, style: str | None, strength: float) -> Repaints:
    if not getattr(model, "stylizes", False):
        _refuse(path)
    chosen = _one_of(model.styles, style)

    def paint(pixels, whole, on_fraction):
        made = model.paint(pixels, chosen, strength, whole=whole)
        on_fraction(1.0)
        return made

    return Loaded(model.image_shape[-1], REACH, strength, paint)


def optimizer(painting: Path, steps: int, strength: float, style_size: int | None, seed: int) -> Repaints:
    """The optimisation of each picture, see `models.painting`.

    Args:
        painting: image file.
        steps: for each picture.
        strength: from 0 to 1.
        style_size: shorter side of the painting; None for that of the picture.
        seed: of what is drawn.

    Raises:
        ValueError: if the painting cannot be read.
    """
    from keras_gen.models.painting import paint
    from keras_gen.runs.stylizer import painting_of

    style = painting_of(painting, 3)

    def repaint(pixels: np.ndarray, whole: np.ndarray, on_fraction: Callable[[float], None]) -> np.ndarray:
        return paint(pixels, style, steps, strength=strength, style_size=style_size, seed=seed, on_fraction=on_fraction)

    return Loaded(3, None, strength, repaint)


def _one_of(styles, style):
    return styles[0] if style is None else styles[lookup("style", {name: i for i, name in enumerate(styles)}, style)]


def _refuse(path):
    raise ValueError(f"expected a model that stylizes, the one of {path} does not: train_gan.py stylize trains one")
