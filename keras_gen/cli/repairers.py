"""The model that repairs, from an exported SavedModel, a run or a `.keras` file, as `repair.Repairs`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_gen.cli import sampling
from keras_gen.export.interface import example_shape
from keras_gen.models import saving
from keras_gen.models.generative import Generative
from keras_gen.models.repairer import TASKS
from keras_gen.models.translator import Translation
from keras_gen.repair import Repairs

BACK = "translate_back"  # the method and the signature of a model that translates in both directions


@dataclasses.dataclass(frozen=True)
class Loaded:
    """`Repairs` whose `fill` is a function of (images, masks, seeds)."""

    varies: bool
    task: str
    source_shape: tuple[int, int, int]
    image_shape: tuple[int, int, int]
    fill: Callable
    any_size: bool = False


def load_repairer(path: str | Path, task: str, back: bool = False) -> Repairs:
    """Loads a model that repairs.

    Args:
        path: folder of a run, a `.keras` file, a SavedModel, or the folder of its versions (the newest is taken).
        task: one of `models.repairer.TASKS`, or "translate".
        back: whether to translate in the other direction.

    Returns:
        The model, as `Repairs`.

    Raises:
        FileNotFoundError: if there is no model at `path`.
        ValueError: if the model there does something else, or translates in one direction.
    """
    version = sampling.saved_model(path)
    return _exported(version, task, back) if version else _of_python(saving.load(path), path, task, back)


def _exported(version: Path, task: str, back: bool) -> Repairs:
    """The signature with the name of the task: images, masks where it fills holes, and a seed for each row."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(version)).signatures
    if task not in signatures:
        _refuse(version, task, [name for name in (*TASKS, Translation.task) if name in signatures])
    if back and BACK not in signatures:
        _refuse_back(version)
    signature = signatures[BACK if back else task]
    specs = signature.structured_input_signature[1]

    def fill(images, masks, seeds):
        given = {"images": images, "masks": masks, "seed": seeds}
        tensors = {
            name: tf.constant(given[name], spec.dtype)
            if name in given
            else tf.fill(len(seeds), tf.constant(sampling.open_value(spec), spec.dtype))
            for name, spec in specs.items()
        }
        return signature(**tensors)["images"].numpy()

    source_shape, image_shape = (spec["images"].shape[1:] for spec in (specs, signature.structured_outputs))
    any_size = None in source_shape
    (height, width, channels), (rows, columns, made) = map(example_shape, (source_shape, image_shape))
    return Loaded("seed" in specs, task, (height, width, channels), (rows, columns, made), fill, any_size)


def _of_python(model, path: str | Path, task: str, back: bool) -> Repairs:
    """A model with a task and `answer(images, masks, num, seed)`, or one whose latents are searched for."""
    any_size = False
    if getattr(model, "task", None):
        if model.task != task:
            _refuse(path, task, [model.task])
        if back:
            return _back(model, path)
        repair, source_shape, any_size = model.answer, model.source_shape, model.any_size
    elif task == "inpaint" and isinstance(model, Generative) and model.latent_input is not None:
        from keras_gen.models import inversion

        repair, source_shape = functools.partial(inversion.repair, model), model.image_shape
    else:
        _refuse(path, task, ["inpaint"] if getattr(model, "latent_input", None) is not None else [])

    def fill(images, masks, seeds):
        size = images.shape[1:3] if any_size else model.image_shape[:2]
        filled = np.empty((len(images), *size, model.image_shape[2]), np.uint8)
        for seed in np.unique(seeds):  # the method has one seed for all rows
            rows = seeds == seed
            own = None if masks is None else masks[rows]
            filled[rows] = repair(images[rows], masks=own, num=1, seed=int(seed))[:, 0]
        return filled

    varies = model.generates and model.latent_input is not None
    return Loaded(varies, task, source_shape, model.image_shape, fill, any_size)


def _back(model, path) -> Repairs:
    """A model that translates, in the other direction."""
    if not hasattr(model, BACK):
        _refuse_back(path)

    def fill(images, masks, seeds):
        return getattr(model, BACK)(images)

    return Loaded(False, model.task, model.image_shape, model.source_shape, fill, model.any_size)


def _refuse_back(path):
    raise ValueError(f"expected a model of cyclegan for --back, the one of {path} translates in one direction")


def _refuse(path, task, tasks):
    """Says what a model is for instead."""
    instead = f"does {', '.join(tasks)}: keras-gen {tasks[0]}" if tasks else "repairs nothing"
    raise ValueError(f"expected a model for {task}, the one of {path} {instead}")
