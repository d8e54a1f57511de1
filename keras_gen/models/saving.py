"""The trained model of a run in one `.keras` file.

Anyone who opens the file finds the previous one or the new one, even if the process died while writing.
"""

from __future__ import annotations

from pathlib import Path

import keras

from keras_gen.files import replacing
from keras_gen.models import (
    autoencoders,  # noqa: F401  these register the classes that a file may name
    checkpoints,
    contrastive,  # noqa: F401
    cycle,  # noqa: F401
    gan,  # noqa: F401
    repairer,  # noqa: F401
    stylizer,  # noqa: F401
)
from keras_gen.paths import RUN

_FILE = f"{checkpoints.FOLDER}/final.keras"


def save(model: keras.Model, run: str | Path) -> Path:
    """Writes the model into the folder of a run.

    Args:
        model: the trained model.
        run: the folder; made when missing.

    Returns:
        The path of the file.

    Raises:
        OSError: if it cannot be written.
    """
    path = Path(run) / _FILE
    with replacing(path) as unfinished:
        model.save(unfinished)
    return path


def load(path: str | Path) -> keras.Model:
    """Reads the model of a run.

    Args:
        path: folder of the run, or a `.keras` file.

    Returns:
        The `GAN` or `Autoencoder`, not compiled.

    Raises:
        FileNotFoundError: if there is no such run or file.
        ValueError: if the file is not a saved model.

    Example:
        >>> load("runs/of-nobody")
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected the folder of a finished run or a .keras file, found no runs/of-nobody
    """
    path = Path(path)
    file = path / _FILE if path.is_dir() else path
    if (path / "saved_model.pb").exists() or any(path.glob("[1-9]*/saved_model.pb")):
        raise ValueError(
            f"{path} is an exported model, which works with `sample` without --sweep and with servers: "
            "expected the folder of a run or a .keras file"
        )
    if not file.is_file():
        raise FileNotFoundError(f"expected {RUN}, found no {file}")
    try:  # not compiled: the model may have been trained with a loss that is not known here
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # on a damaged file Keras and zipfile raise nearly anything
        raise ValueError(f"{file} is damaged or not a model: {' '.join(str(error).split())}") from error
