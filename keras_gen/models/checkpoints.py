"""The whole state of a training run in one file, written so that no crash leaves half of it.

A checkpoint is an `.npz` of NumPy arrays and one JSON text; reading it executes nothing. The archive has a CRC-32 of
each array, which is checked on reading. The file is written under another name, flushed to the disk and renamed.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_gen.files import UNFINISHED, replace_file

FOLDER = "checkpoints"  # in the folder of a run

_NAME = re.compile(r"step_(\d+)\.npz")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state of a run: all that it needs to continue as if it had never stopped.

    Attributes:
        epoch: number of finished epochs.
        batch: number of finished batches in the next epoch.
        step: rounds or optimizer steps so far.
        variables: the values of `variables_of(model)`.
        callbacks: the state of each callback, by the name of its class.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", loss="mse")
        >>> checkpoint = Checkpoint.of(model, epoch=3)
        >>> [value.shape for value in checkpoint.variables][:2]  # then those of the optimizer and the metrics
        [(2, 1), (1,)]
        >>> checkpoint.restore(model)
    """

    epoch: int
    batch: int
    step: int
    variables: list[np.ndarray]
    callbacks: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, model: keras.Model, epoch: int = 0, batch: int = 0, callbacks=None) -> Checkpoint:
        """The current state of a compiled model: weights, optimizers, seeds, metrics; its values are copied."""
        values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables_of(model)]
        return cls(epoch, batch, int(model.optimizer.iterations), values, callbacks or {})

    @property
    def finite(self) -> bool:
        """Whether no variable is NaN or infinite."""
        return all(np.isfinite(value).all() for value in self.variables if value.dtype.kind == "f")

    def restore(self, model: keras.Model) -> None:
        """Assigns the values to a model.

        Raises:
            ValueError: if it does not have variables of these shapes.
        """
        variables = variables_of(model)
        expected, received = [value.shape for value in self.variables], [tuple(each.shape) for each in variables]
        if expected != received:
            raise ValueError(
                f"the checkpoint is of another model: it has {len(expected)} variables, this one has {len(received)}, "
                "or their shapes differ"
            )
        for variable, value in zip(variables, self.variables, strict=True):
            variable.assign(value)

    def save(self, directory: str | Path, keep: int = 2) -> Path:
        """Writes `step_<number>.npz` and removes all but the newest checkpoints of the folder.

        Checkpoints of later steps are removed as well: they belong to an abandoned continuation, or are damaged.

        Args:
            directory: the folder; made when missing.
            keep: number of checkpoints to keep, including this one.

        Returns:
            The path of the file.

        Raises:
            OSError: if it cannot be written; the folder then has the checkpoints that it had before.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        for unfinished in directory.glob(f"{UNFINISHED}*"):
            unfinished.unlink(missing_ok=True)  # of a process that was killed while it wrote
        path = directory / f"step_{self.step:09d}.npz"
        replace_file(path, lambda file: _write_tree(file, vars(self)))
        found = _files(directory)
        at = found.index(path)
        for other in (*found[:at], *found[at + keep :]):
            other.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Reads a file.

        Raises:
            ValueError: if it is damaged or not a checkpoint.
        """
        try:
            return cls(**_read_tree(path))
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError, OSError, NotImplementedError) as error:
            raise ValueError(f"{path} is damaged ({' '.join(str(error).split()) or type(error).__name__})") from error


def newest(directory: str | Path, on_progress: Callable[[str], None] = print) -> Checkpoint | None:
    """The undamaged checkpoint of the highest step, or None if there is none.

    Args:
        directory: the folder.
        on_progress: gets a message for each damaged file that is skipped.
    """
    for path in _files(Path(directory)):
        try:
            return Checkpoint.load(path)
        except ValueError as error:
            on_progress(f"{error}: skipped")
    return None


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """Every variable that training changes, each once: weights, statistics, seeds, optimizers' state, metrics.

    Args:
        model: compiled model; an optimizer that is built at its first step is built now.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    groups = (model.variables, model.optimizer.variables, model.metrics_variables)
    return list({id(variable): variable for group in groups for variable in group}.values())


def _files(directory: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    found = [(int(match[1]), path) for path in directory.glob("step_*.npz") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def _write_tree(file, tree) -> None:
    """Writes JSON values, with arrays anywhere among them."""
    arrays: list[np.ndarray] = []

    def put_aside(value):
        if not isinstance(value, (np.ndarray, np.generic)):
            raise TypeError(f"expected JSON values and arrays, received {type(value).__name__}")
        arrays.append(np.asarray(value))
        return {"__array__": len(arrays) - 1}

    text = json.dumps(tree, default=put_aside)
    named = {str(at): array for at, array in enumerate(arrays)}
    np.savez(file, allow_pickle=False, json=np.frombuffer(text.encode(), "uint8"), **named)


def _read_tree(path):
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:  # np.load leaves bad files open

        def bring_back(found):
            return archive[str(found["__array__"])] if "__array__" in found else found

        return json.loads(archive["json"].tobytes(), object_hook=bring_back)
