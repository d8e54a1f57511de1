"""What a run was made from, for anyone who wants to repeat it: options, data, versions, commit."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib.metadata
import os
import platform
import subprocess

import keras

from keras_gen.data import ImageData, Split
from keras_gen.runs.options import TrainingOptions
from keras_gen.version import VERSION

_PACKAGES = ("tensorflow", "jax", "torch", "keras", "numpy")


def now() -> datetime.datetime:
    """The time here, with its zone."""
    return datetime.datetime.now().astimezone()


def record(options: TrainingOptions, images: ImageData, model: keras.Model, held_out: Split | None = None) -> dict:
    """What `config.json` says of a run.

    Args:
        options: resolved options.
        images: the data.
        model: the compiled model.
        held_out: training images that it is not trained on, or None.
    """
    conditions, num_held_out = model.conditions, len(held_out or ())
    return {
        "family": type(model).__name__,
        "reconstructs": model.reconstructs,
        "troubles": [],
        "started": now().isoformat(timespec="seconds"),
        "options": dataclasses.asdict(options),
        "data": {
            "name": images.name,
            "train_images": len(images.train) - num_held_out,
            "held_out_images": num_held_out,
            "test_images": len(images.test),
            "image_shape": images.image_shape,
            "sha256": images.fingerprint,
            "classes": images.class_names,
            "skipped_files": [f"{path} ({reason})" for path, reason in images.skipped],
            "source": images.source,
            "licence": images.licence,
            "masks": model.mask.fingerprint if model.task and model.mask else None,
        },
        "conditions": [item.describe() for item in conditions.attributes] if conditions else None,
        "columns": model.grid_attribute,
        "parameters": {layer.name: layer.count_params() for layer in model.layers if isinstance(layer, keras.Model)},
        "versions": {
            "keras_gen": VERSION,
            "python": platform.python_version(),
            **{package: _version(package) for package in _PACKAGES},
        },
        "backend": keras.backend.backend(),
        "git_commit": _git_commit(),
    }


def _version(package: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None


def _git_commit() -> str | None:
    """The commit of keras_gen's own code, when it runs from a checkout."""
    folder, name = os.path.split(__file__)
    try:
        _git(
            folder, "ls-files", "--error-unmatch", name
        )  # or it would be the commit of the project that it is installed in
        return _git(folder, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):  # no git, or an installed package
        return None


def _git(folder: str, *command: str) -> str:
    return subprocess.run(["git", "-C", folder, *command], capture_output=True, text=True, check=True).stdout.strip()
