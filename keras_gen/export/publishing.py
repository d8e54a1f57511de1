"""From a model to `<export_dir>/<name>/<version>/`, where TF Serving finds it: written aside, checked, then renamed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from keras_gen.backend import BACKEND
from keras_gen.export.verification import VerificationError, last_line, verify

_VERSION = re.compile("[1-9][0-9]*")
_ROWS = 3  # a batch that is neither 1 nor a power of two


def publish(model, export_dir: str | Path = "saved_models", name: str = "model") -> Path:
    """Exports a model as the next version of `name`.

    The SavedModel is written into a hidden folder beside the versions, loaded and compared in a fresh process, and
    only then renamed to `<export_dir>/<name>/<version>`, in one step: a server that watches the folder never sees
    half a model. The version is the highest one there plus 1.

    On backends other than TensorFlow the export runs in a process on TensorFlow, which must be installed.

    Args:
        model: a `GAN` or an `Autoencoder`.
        export_dir: folder of all exported models; made when missing.
        name: name of the model on the server: letters, digits, `.`, `_`, `-`.

    Returns:
        The folder of the new version.

    Raises:
        ValueError: for a name that cannot be a folder's, or a model of another kind.
        VerificationError: if the model has diverged or the SavedModel does not answer as it does; nothing is published.
        ImportError: if TensorFlow is not installed.
        OSError: if the folder cannot be written.

    Example:
        `publish(gan, "saved_models", "digits")` → `saved_models/digits/1`
    """
    check_name(name)
    _refuse_diverged(model)
    if BACKEND != "tensorflow":
        return _publish_on_tensorflow(model, export_dir, name)
    home = Path(export_dir) / name
    home.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=home) as folder:
            scratch = Path(folder)
            saved_model = scratch / "model"
            verify(saved_model, _write(model, saved_model), scratch)
            return _claim_version(saved_model, home)
    finally:
        with contextlib.suppress(OSError):  # a folder of versions stays, one that a failure left empty goes
            home.rmdir()


def check_name(name: str) -> None:
    """Refuses names that are no single folder's.

    Raises:
        ValueError: if `name` is not made of letters, digits, `.`, `_` and `-`, or begins with a sign.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"expected a model name of letters, digits, '.', '_' and '-', received {name!r}")


def published_versions(home: str | Path) -> list[int]:
    """The versions in the folder of one exported model, ascending; a server ignores whatever is no integer.

    Example:
        >>> published_versions("a/folder/that/is/not/there")
        []
    """
    home = Path(home)
    return (
        sorted(int(child.name) for child in home.iterdir() if _VERSION.fullmatch(child.name)) if home.is_dir() else []
    )


def _write(model, saved_model: Path) -> dict[str, dict[str, np.ndarray]]:
    """Writes the SavedModel and returns an input and the model's own outputs for each signature."""
    from keras_gen.export.signatures import signatures  # imports TensorFlow

    # Nothing is tracked by hand: the archive saves the variables that its functions use, and what only training
    # needs stays behind. Tracking a network would save each of its variables a second time.
    archive = keras.export.ExportArchive()
    cases: dict[str, dict[str, np.ndarray]] = {}
    for name, signature in signatures(_in_float32(model)).items():
        inputs = {spec.name: _example(spec, signature.texts) for spec in signature.inputs}
        outputs = signature.function(*map(keras.ops.convert_to_tensor, inputs.values()))
        if "image_bytes" in outputs:  # compared as pixels
            outputs = {"image_bytes": cases["generate"]["outputs/images"]}
        cases[name] = {
            **{f"inputs/{key}": value for key, value in inputs.items()},
            **{f"outputs/{key}": np.asarray(value) for key, value in outputs.items()},
        }
        archive.add_endpoint(name, signature.function, input_signature=list(signature.inputs))
    archive.write_out(str(saved_model), verbose=False)
    return cases


def _refuse_diverged(model) -> None:
    """Looks at the weights: outputs may hide a NaN, since bytes have none and a compiled ReLU turns it into 0."""
    for variable in model.variables:
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(variable.value, "float32"))).all():
            raise VerificationError(f"the model has diverged: not all numbers in {variable.path} are finite")


def _in_float32(model):
    """The model computing in float32, whatever precision it trained in: what every server has and agrees on."""
    layers = [layer for network in model.layers for layer in getattr(network, "layers", [network])]
    if all(layer.compute_dtype == "float32" for layer in layers):
        return model

    def to_float32(config):
        if isinstance(config, dict) and config.get("class_name") == "DTypePolicy":
            return "float32"
        if isinstance(config, dict):
            return {key: to_float32(value) for key, value in config.items()}
        return [to_float32(value) for value in config] if isinstance(config, list) else config

    config = keras.saving.serialize_keras_object(model)
    copy = keras.saving.deserialize_keras_object(to_float32({**config, "compile_config": None}))
    copy.set_weights(model.get_weights())
    return copy


def _example(spec, texts: Mapping[str, list[str]]) -> np.ndarray:
    """An input that a client may send."""
    shape = (_ROWS, *spec.shape[1:])
    generator = np.random.default_rng(0)
    if spec.dtype.name == "string":
        return generator.choice(["", *texts[spec.name]], shape)
    if spec.dtype.is_integer:
        highest = min(spec.dtype.max, 2**53)  # the largest seed that a JavaScript client can send
        return generator.integers(0, highest, shape, endpoint=True).astype(spec.dtype.as_numpy_dtype)
    return generator.standard_normal(shape).astype("float32")


def _claim_version(saved_model: Path, home: Path) -> Path:
    while True:
        version = home / str(max(published_versions(home), default=0) + 1)
        try:
            os.rename(saved_model, version)
        except OSError:
            if not version.exists():  # not another exporter that was faster
                raise
        else:
            return version


def _publish_on_tensorflow(model, export_dir, name) -> Path:
    if importlib.util.find_spec("tensorflow") is None:
        raise ImportError("a SavedModel is written by TensorFlow, which is not installed: pip install tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        command = [sys.executable, "-m", "keras_gen", "export", path, "--export-dir", export_dir, "--name", name]
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
    if process.returncode:
        raise VerificationError(f"the export in a process on TensorFlow failed: {last_line(process.stderr)}")
    return Path(last_line(process.stdout))
