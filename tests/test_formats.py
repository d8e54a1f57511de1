"""Exports in other formats, read by their own runtimes."""

import importlib.util

import numpy as np
import pytest

from keras_gen import export
from keras_gen.export import formats, runtimes
from tests.conftest import IMAGE_SHAPE, make_autoencoder, make_conditional_gan

IMAGES = np.random.default_rng(2).integers(0, 256, (5, *IMAGE_SHAPE)).astype("uint8")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model whose middle has sizes that follow from the batch, and the folder of its versions."""
    model, folder = make_autoencoder(), tmp_path_factory.mktemp("saved_models")
    return model, export.publish(model, folder, "ae", formats=["onnx", "litert"]).parent


def test_the_files_lie_beside_their_version(exported):
    assert {path.name for path in exported[1].glob("1*")} == {"1", "1.onnx", "1.tflite"}


@pytest.mark.parametrize(("name", "file"), [("onnx", "1.onnx"), ("litert", "1.tflite")])
def test_they_answer_as_the_model(name, file, exported):
    model, home = exported
    (images,) = runtimes.RUNTIMES[name](str(home / file))("serving_default", {"images": IMAGES}).values()
    assert images.dtype == np.uint8
    assert np.abs(images.astype(int) - model.reconstruct(IMAGES)).max() <= 1


def test_several_inputs(tmp_path):
    version = export.publish(make_conditional_gan(), tmp_path, "gan")
    for name in formats.FORMATS:  # each is asked what the SavedModel was
        assert formats.convert(name, version, tmp_path).stat().st_size > 1000


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_file_that_does_not_answer_as_the_saved_model_is_refused(name, exported, tmp_path, monkeypatch):
    cases = formats.recorded(exported[1] / "1")
    cases["serving_default"]["outputs/reconstructions"] ^= 128
    monkeypatch.setattr(formats, "recorded", lambda saved_model: cases)
    with pytest.raises(export.VerificationError, match=f"^{name}: serving_default/reconstructions: differs from"):
        formats.convert(name, exported[1] / "1", tmp_path)


def test_what_is_asked_for_must_be_known_and_installed(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="unknown format 'coreml': expected one of onnx, litert"):
        export.publish(make_autoencoder(), tmp_path, "ae", formats=["coreml"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(ImportError, match=r"onnx needs tf2onnx, onnxruntime: pip install 'keras_gen\[onnx\]'"):
        export.publish(make_autoencoder(), tmp_path, "ae", formats=["onnx"])
    assert list(tmp_path.iterdir()) == []
