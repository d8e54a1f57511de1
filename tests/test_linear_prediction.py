"""The linear map from pictures to images, compared with data that a known map has made."""

import keras
import numpy as np
import pytest

from keras_gen.images import to_float
from keras_gen.linear_prediction import LinearPrediction
from tests.contracts import array, check_saving

PICTURE, IMAGE = (2, 3, 1), (4, 6, 2)


def related(num, seed=0):
    """Pictures of noise, and images that a fixed linear map makes of them; bytes."""
    values = np.random.default_rng(seed).uniform(-1, 1, (num, 6))
    ways = np.random.default_rng(9).uniform(-1, 1, (6, 48)) / 6
    given, made = (np.round(127.5 * (each + 1)) for each in (values, values @ ways + 0.1))
    return given.astype("uint8").reshape(num, *PICTURE), made.astype("uint8").reshape(num, *IMAGE)


def adapted(num=400, **options):
    layer = LinearPrediction(IMAGE, **options)
    layer.build((None, *PICTURE))
    layer.adapt(*related(num))
    return layer


@pytest.mark.jax
def test_it_finds_the_map():
    pictures, images = related(20, seed=1)
    np.testing.assert_allclose(array(adapted()(to_float(pictures))), array(to_float(images)), atol=0.02)  # 2 bytes


def test_the_components_of_most_variance_are_used():
    pictures, images = related(300)
    pictures[..., 0] //= 8  # nothing but 8 × the first column varies, and it determines the image
    images = np.broadcast_to(pictures[:, :1, :1], (300, *IMAGE)).astype("uint8")
    pictures[:, 0, 0] *= 8
    layer = LinearPrediction(IMAGE, num_components=1)
    layer.build((None, *PICTURE))
    layer.adapt(pictures, images)
    assert np.abs(array(layer(to_float(pictures))) - array(to_float(images))).max() < 0.02


def test_few_images_give_few_components():
    layer = adapted(num=4)
    assert np.count_nonzero(np.abs(array(layer.components)).sum(axis=0)) == 3
    assert np.isfinite(array(layer(to_float(related(2)[0])))).all()


def test_images_without_any_variance_are_their_mean():
    layer = LinearPrediction(IMAGE)
    layer.build((None, *PICTURE))
    layer.adapt(np.full((9, *PICTURE), 51, "uint8"), np.full((9, *IMAGE), 204, "uint8"))
    np.testing.assert_allclose(array(layer(np.ones((1, *PICTURE), "float32"))), 0.6, atol=1e-6)  # 2 · 204 / 255 - 1


def test_large_images_are_predicted_at_a_fraction_of_their_size():
    layer = LinearPrediction((45, 70, 1))
    layer.build((None, 45, 70, 1))
    assert layer.coefficients.shape == (256, 15 * 24)  # a third of both sides, rounded up
    ramps = np.linspace(0, 255, 70)[None, None, :, None] * np.linspace(0.2, 1, 40)[:, None, None, None]
    images = np.broadcast_to(ramps, (40, 45, 70, 1)).astype("uint8")
    layer.adapt(255 - images, images)
    assert np.abs(array(layer(to_float(255 - images))) - array(to_float(images))).max() < 0.1


def test_it_is_saved(tmp_path):
    pictures = keras.Input(PICTURE)
    layer = LinearPrediction(IMAGE, num_components=5)
    network = keras.Model(pictures, layer(pictures))
    layer.adapt(*related(50))
    check_saving(network, to_float(related(3)[0]), tmp_path / "network.keras")
