"""From a model to `<export_dir>/<name>/<version>/`, where TF Serving finds it: hidden, then checked, then renamed."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_gen.backend import BACKEND
from keras_gen.console import OnProgress, no_progress
from keras_gen.export.card import model_card
from keras_gen.export.comparison import SCORES
from keras_gen.export.formats import check_format, convert
from keras_gen.export.interface import InputOfExport, example_shape, record_inputs
from keras_gen.export.verification import Cases, VerificationError, last_line, record, seal, verify
from keras_gen.export.versions import check_name, claim, prune, scratch
from keras_gen.models import saving

_ROWS = 3  # a batch that is neither 1 nor a power of two
_COMMAND = "import runpy; runpy.run_module('keras_gen', run_name='__main__', alter_sys=True)"
_OF_A_RUN = ("config.json", "scorecard.json")  # the files that a version takes from its run


def publish(
    model,
    export_dir: str | Path = "saved_models",
    name: str = "model",
    *,
    run: str | Path | None = None,
    discriminator: bool = False,
    keep: int | None = None,
    formats: Sequence[str] = (),
    on_progress: OnProgress = no_progress,
) -> Path:
    """Exports a model as the next version of `name`.

    The SavedModel is written into a hidden folder beside the versions, with requests that warm a server up and with
    the expected answers. Fresh processes load it and compare, see `verify`. Only then is it renamed to
    `<export_dir>/<name>/<version>`, in one step: a server that watches the folder never sees half a model. The version
    is the highest one there plus 1. Files beside the versions explain how to start a server and send requests to it.

    On backends other than TensorFlow the export runs in a process on TensorFlow, which must be installed.

    Args:
        model: a `GAN`, an `Autoencoder` or another `Generative` model.
        export_dir: folder of all exported models; made when missing.
        name: name of the model on the server: letters, digits, `.`, `_`, `-`.
        run: folder of the run that the model is from: `MODEL_CARD.md` in the version is made from it, and its scores
            stay there for the comparison with the next version.
        discriminator: whether to keep the discriminator of a GAN, as the signature `discriminate`.
        keep: how many of the newest versions to keep, at least 1; None for all. Versions that `model.config` beside
            them names stay in any case.
        formats: any of "onnx" and "litert": formats to write the default signature in as well, as `<version>.onnx` and
            `<version>.tflite` beside the versions, checked like the SavedModel.
        on_progress: an `OnProgress`, called before each step of the work and with the fraction of it that is done.

    Returns:
        The folder of the new version.

    Raises:
        ValueError: for a name that no folder can have, a model of another kind, a discriminator that is missing or
            takes packs of images, a number to keep below 1, or an unknown format.
        VerificationError: if the model has diverged, or the SavedModel answers differently from it; nothing is
            published.
        ImportError: if TensorFlow, or what a format needs, is not installed.
        OSError: if the folder cannot be written.

    Example:
        `publish(gan, "saved_models", "digits")` → `saved_models/digits/1`
    """
    check_name(name)
    if keep is not None and keep < 1:
        raise ValueError(f"expected to keep at least 1 version, received {keep}")
    for each in formats:
        check_format(each)
    _refuse_diverged(model)
    run = None if run is None else Path(run)
    if BACKEND != "tensorflow":
        on_progress("exporting, and verifying the SavedModel, in a process on TensorFlow")
        return _publish_on_tensorflow(model, export_dir, name, run, discriminator, keep, formats)
    home = Path(export_dir) / name
    with scratch(home) as folder:
        saved_model = folder / "model"
        write_beside = _write(model, saved_model, name, discriminator, on_progress)
        if run and (run / "config.json").exists():
            (saved_model / "MODEL_CARD.md").write_text(model_card(name, run), encoding="utf-8")
        if run and (run / "scorecard.json").exists():
            shutil.copy(run / "scorecard.json", saved_model / SCORES)
        seal(saved_model)
        verify(saved_model, on_progress)
        converted = []
        for each in formats:
            on_progress(f"converting to {each}")
            converted.append(convert(each, saved_model, folder))
        write_beside(home)
        version = claim(saved_model, home)
        for file in converted:
            file.rename(version.with_suffix(file.suffix))
    if keep is not None:
        prune(home, keep)
    return version


def _write(model, saved_model: Path, name: str, discriminator: bool, on_progress: OnProgress) -> Callable[[Path], None]:
    """Writes the SavedModel with its cases and warm-up requests; returns what writes the files beside it."""
    from keras_gen.export import serving_files, warm_up  # these import TensorFlow
    from keras_gen.export.signatures import signatures

    # Nothing is tracked by hand: the archive saves the variables that its functions use, and what only training
    # needs stays behind. Tracking a network would save each of its variables a second time.
    archive = keras.export.ExportArchive()
    cases: Cases = {}
    offered = signatures(_in_float32(model), discriminator)
    for number, (key, signature) in enumerate(offered.items()):
        on_progress("exporting", number / len(offered))
        inputs = {spec.name: _example(spec, signature.examples) for spec in signature.inputs}
        with keras.device("cpu"):  # like the check in `verification`
            outputs = signature.function(*map(keras.ops.convert_to_tensor, inputs.values()))
        if "image_bytes" in outputs:  # compared as pixels
            outputs = {"image_bytes": cases[key.removesuffix("_png")]["outputs/images"]}
        cases[key] = {
            **{f"inputs/{key}": value for key, value in inputs.items()},
            **{f"outputs/{key}": np.asarray(value) for key, value in outputs.items()},
        }
        archive.add_endpoint(key, signature.function, input_signature=list(signature.inputs))
    archive.write_out(str(saved_model), verbose=False)
    record(saved_model, cases)
    asked = {own: request for each in model.inputs for own, request in each.requests().items()}
    names = model.request_names
    record_inputs(saved_model, {own: InputOfExport(names[own], list(each.choices)) for own, each in asked.items()})
    warm_up.write(saved_model, name, offered)
    return functools.partial(serving_files.write, name=name, signatures=offered, cases=cases)


def _refuse_diverged(model) -> None:
    """Checks the weights: outputs may hide a NaN, since bytes have none and a compiled ReLU turns it into 0."""
    for variable in model.variables:
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(variable.value, "float32"))).all():
            raise VerificationError(f"the model has diverged: not all numbers in {variable.path} are finite")


def _in_float32(model):
    """The model in float32, whatever precision it was trained in: every server has it, and all agree in it."""
    if all(layer.compute_dtype == "float32" for layer in model._flatten_layers(include_self=False)):
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


def _example(spec, examples: Mapping[str, list]) -> np.ndarray:
    """An input that a client may send."""
    shape = example_shape(spec, _ROWS)
    generator = np.random.default_rng(zlib.crc32(spec.name.encode()))  # a different draw for each input
    if spec.name in examples:
        return generator.choice(examples[spec.name], shape).astype(
            "str" if spec.dtype.name == "string" else spec.dtype.as_numpy_dtype
        )
    if spec.dtype.is_integer:
        highest = min(spec.dtype.max, 2**53)  # the largest seed that a JavaScript client can send
        return generator.integers(0, highest, shape, endpoint=True).astype(spec.dtype.as_numpy_dtype)
    return generator.standard_normal(shape).astype("float32")


def _publish_on_tensorflow(model, export_dir, name, run, discriminator, keep, formats) -> Path:
    if importlib.util.find_spec("tensorflow") is None:
        raise ImportError("a SavedModel is written by TensorFlow, which is not installed: pip install tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"  # with the model as it is now
        saving.save(model, copy)
        for file in _OF_A_RUN:
            if run and (run / file).exists():
                shutil.copy(run / file, copy)
        # Modules that are not ours must be imported there before the model can be loaded.
        program = "\n".join([*(f"import {module}" for module in _modules_of_others(model)), _COMMAND])
        command = [sys.executable, "-c", program, "export", copy, "--export-dir", export_dir, "--name", name]
        command += ["--discriminator"] * discriminator + ([] if keep is None else ["--keep", str(keep)])
        command += ["--format", *formats] if formats else []
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
    if process.returncode:
        raise VerificationError(f"the export in a process on TensorFlow failed: {last_line(process.stderr)}")
    return Path(last_line(process.stdout))


def _modules_of_others(model) -> list[str]:
    """The modules of all classes that a saved model names, except Keras' and ours.

    Raises:
        ValueError: for a class defined in the program itself, which no other process can import.
    """
    found: dict[str, str] = {}

    def collect(config):
        if isinstance(config, dict):
            if config.get("registered_name") and isinstance(config.get("module"), str):
                found[config["module"]] = config["class_name"]
            for value in config.values():
                collect(value)
        for value in config if isinstance(config, list | tuple) else ():
            collect(value)

    collect(keras.saving.serialize_keras_object(model))
    others = {name: each for name, each in found.items() if name.partition(".")[0] not in ("keras", "keras_gen")}
    if "__main__" in others:
        raise ValueError(
            f"expected {others['__main__']} in its own module: on this backend the export runs in a process on "
            "TensorFlow, which cannot import it from the program that is running"
        )
    return sorted(others)
