"""The default signature of a SavedModel in other formats, for anyone without TensorFlow, checked in their runtimes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keras_gen.export.runtimes import DEFAULT
from keras_gen.export.verification import VerificationError, agree, last_line, recorded
from keras_gen.registry import lookup


class Format(NamedTuple):
    """A format.

    Attributes:
        suffix: of its files.
        packages: what must be installed to write it and to check it.
        write: called with the folder of the SavedModel and the path of the new file.
    """

    suffix: str
    packages: tuple[str, ...]
    write: Callable[[Path, Path], None]


def check_format(name: str) -> None:
    """Refuses a format that cannot be written here.

    Raises:
        ValueError: for an unknown format.
        ImportError: where a package is missing.
    """
    missing = [package for package in lookup("format", FORMATS, name).packages if not importlib.util.find_spec(package)]
    if missing:
        raise ImportError(f"{name} needs {', '.join(missing)}: pip install 'keras_gen[{name}]'")


def convert(name: str, saved_model: Path, folder: Path) -> Path:
    """Writes the default signature in another format and checks it with the cases of the SavedModel.

    Args:
        name: one of `FORMATS`.
        saved_model: folder of a SavedModel that `verification.record` prepared.
        folder: where to write.

    Returns:
        The file, called `model` with the format's suffix.

    Raises:
        VerificationError: if the model cannot be written in this format, or answers differently.
    """
    path = folder / f"model{FORMATS[name].suffix}"
    FORMATS[name].write(saved_model, path)
    agree(name, path, {DEFAULT: recorded(saved_model)[DEFAULT]})
    return path


def _onnx(saved_model: Path, path: Path) -> None:
    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(saved_model), "--output", str(path)]
    process = subprocess.run([*command, "--signature_def", DEFAULT], capture_output=True, text=True)
    if process.returncode:
        raise VerificationError(f"tf2onnx cannot convert it: {last_line(process.stderr)}")


def _litert(saved_model: Path, path: Path) -> None:
    """Converts for one row at a time: with any number of rows, some networks have inner sizes that are not known."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))
    function = loaded.signatures[DEFAULT]
    inputs = {
        name: tf.TensorSpec((1, *spec.shape[1:]), spec.dtype, name)
        for name, spec in function.structured_input_signature[1].items()
    }
    single = tf.function(lambda **row: function(**row)).get_concrete_function(**inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([single], loaded)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow warns that its converter will move to another package
            path.write_bytes(converter.convert())
    except Exception as error:  # the converter has its own exceptions
        raise VerificationError(f"TensorFlow cannot convert it to LiteRT: {' '.join(str(error).split())}") from error


FORMATS = {
    "onnx": Format(".onnx", ("tf2onnx", "onnxruntime"), _onnx),
    "litert": Format(".tflite", ("ai_edge_litert",), _litert),
}
