"""Codes for TensorBoard's projector, read as it reads them."""

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from keras_gen.runs import projector


def read(path):
    (embedding,) = text_format.Parse(path.read_text(), ProjectorConfig()).embeddings
    return embedding


def test_what_the_projector_reads(tmp_path):
    codes = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")
    images = np.arange(5 * 4 * 6 * 3, dtype="uint8").reshape(5, 4, 6, 3)
    texts = {"label": list("abcde"), "hat": ["yes", "", "no", "a\tb", "no"]}
    embedding = read(projector.write(tmp_path / "deep" / "codes", codes, images, texts))
    folder = tmp_path / "deep" / "codes"
    np.testing.assert_allclose(np.loadtxt(folder / embedding.tensor_path, delimiter="\t"), codes, rtol=1e-5)
    lines = (folder / embedding.metadata_path).read_text().splitlines()
    assert lines[:3] == ["label\that", "a\tyes", "b\t"]
    assert len(lines) == 6
    assert list(embedding.sprite.single_image_dim) == [6, 4]  # width, height
    with Image.open(folder / embedding.sprite.image_path) as sprite:
        picture = np.asarray(sprite)
    assert picture.shape == (12, 18, 3)  # 3 × 3 places
    np.testing.assert_array_equal(picture[4:8, 6:12], images[4])
    assert not picture[8:].any()


def test_one_column_has_no_header(tmp_path):
    write = projector.write(tmp_path, np.eye(2), np.zeros((2, 4, 6, 1), "uint8"), {"label": ["3", "1"]})
    assert (tmp_path / read(write).metadata_path).read_text() == "3\n1\n"
    alone = projector.write(tmp_path / "alone", np.eye(2), np.zeros((2, 4, 6, 1), "uint8"))
    assert not read(alone).metadata_path


def test_what_is_too_large_for_a_browser_is_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(projector, "MAX_SPRITE_SIDE", 12)
    images = np.full((4, 8, 12, 4), 200, "uint8")
    embedding = read(projector.write(tmp_path, np.eye(4), images))
    assert list(embedding.sprite.single_image_dim) == [6, 4]
    with Image.open(tmp_path / "sprite.png") as sprite:
        assert sprite.size == (12, 8)
        assert np.asarray(sprite).min() == 200


def test_an_image_for_each_code(tmp_path):
    with pytest.raises(ValueError, match="expected 3 images, one for each code, received 2"):
        projector.write(tmp_path, np.eye(3), np.zeros((2, 4, 6, 1), "uint8"))
    with pytest.raises(ValueError, match="expected 2 label, one for each code, received 1"):
        projector.write(tmp_path, np.eye(2), np.zeros((2, 4, 6, 1), "uint8"), {"label": ["3"]})
