"""The linear prediction, compared with the formula for conditional normal distributions."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen.conditional_mean import ConditionalMean, interpolated
from keras_gen.images import to_float
from tests.contracts import array, check_saving

SHAPE = (3, 4, 2)


def correlated(num, seed=0):
    """Images in which three numbers determine all pixels, except for a little noise; bytes."""
    random = np.random.default_rng(seed)
    ways = np.random.default_rng(9).standard_normal((3, 24))
    values = 128 + 25 * random.standard_normal((num, 3)) @ ways / np.sqrt(3) + random.standard_normal((num, 24))
    return np.clip(np.round(values), 0, 255).astype("uint8").reshape(num, *SHAPE)


def adapted(**options):
    layer = ConditionalMean(**options)
    layer.build([(None, *SHAPE), (None, *SHAPE[:2], 1)])
    layer.adapt(correlated(500))
    return layer


@pytest.mark.jax
def test_it_is_the_conditional_mean_of_a_normal_distribution():
    layer, images = adapted(num_components=3), correlated(5, seed=1)
    masks = np.zeros((5, 3, 4, 1), "float32")
    masks[:, :2] = 1  # the last of three rows is known
    predicted = array(layer([to_float(images), ops.array(masks)])).reshape(5, 24)
    basis, noise = array(layer.basis).astype("float64"), 1 / float(layer.precision)
    mean, values = array(layer.mean), array(to_float(images)).reshape(5, 24)
    covariance = basis.T @ basis + noise * np.eye(24)
    known = np.broadcast_to(masks == 0, (5, *SHAPE)).reshape(5, 24)[0]
    gain = covariance[np.ix_(~known, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    expected = mean[~known] + (values - mean)[:, known] @ gain.T
    np.testing.assert_allclose(predicted[:, ~known], expected, atol=0.01)  # noise of a byte, 0.008, is interpolated
    np.testing.assert_allclose(predicted[:, ~known], values[:, ~known], atol=0.1)  # noise of a byte is 0.008


def test_what_is_hidden_has_no_effect():
    layer, images = adapted(), correlated(4, seed=1)
    masks = np.zeros((4, 3, 4, 1), "float32")
    masks[:, :, :2] = 1
    other = np.where(masks == 1, 255, images).astype("uint8")
    predicted = [array(layer([to_float(each), ops.array(masks)])) for each in (images, other)]
    np.testing.assert_array_equal(*predicted)


@pytest.mark.jax
def test_what_the_components_do_not_explain_continues_into_the_hole():
    layer = adapted()
    layer.adapt(np.repeat(correlated(1), 9, axis=0))  # all the same: nothing but the mean is explained
    masks = np.zeros((4, 3, 4, 1), "float32")
    masks[:, 1, 1:3] = 1
    images = array(layer.mean).reshape(SHAPE) + np.array([0.3, -0.2], "float32")  # brighter, and less of the other
    images = np.repeat(images[None], 4, axis=0)
    np.testing.assert_allclose(array(layer([ops.array(images), ops.array(masks)])), images, atol=1e-5)


@pytest.mark.jax
def test_gaps_are_filled_from_their_surroundings():
    ramp = np.broadcast_to(np.linspace(-1, 1, 33)[:, None, None], (1, 33, 20, 1)).astype("float32")
    known = np.ones((1, 33, 20, 1), "float32")
    known[:, 10:20, 5:15] = 0
    other = np.where(known == 1, ramp, 9.0)  # what stands in the gap has no effect
    filled = array(interpolated(ops.array(other), ops.array(known)))
    np.testing.assert_array_equal(filled[known == 1], ramp[known == 1])
    assert np.abs(filled - ramp).max() < 0.3
    assert np.abs(np.diff(filled, axis=1)).max() < 0.3  # no step at the border, where 9 was


def test_without_a_known_pixel_it_is_the_mean():
    layer = adapted()
    predicted = array(layer([to_float(correlated(2)), ops.ones((2, 3, 4, 1))]))
    mean = array(to_float(correlated(500))).mean(axis=0)
    np.testing.assert_allclose(predicted, np.broadcast_to(mean, (2, *SHAPE)), atol=1e-5)


def test_large_images_are_predicted_at_a_fraction_of_their_size():
    ramps = np.linspace(0, 255, 70)[None, None, :, None] * np.linspace(0.2, 1, 40)[:, None, None, None]
    images = np.broadcast_to(ramps, (40, 45, 70, 1)).astype("uint8")
    layer = ConditionalMean(num_components=2)
    layer.build([(None, 45, 70, 1), (None, 45, 70, 1)])
    assert layer.basis.shape == (2, 15 * 24)  # a third of both sides, rounded up
    layer.adapt(images)
    masks = np.zeros((40, 45, 70, 1), "float32")
    masks[:, 10:30, 20:50] = 1
    predicted = array(layer([to_float(images), ops.array(masks)]))
    errors = np.abs(predicted - array(to_float(images)))[masks == 1]
    assert errors.max() < 0.1


def test_few_images_give_few_components():
    layer = ConditionalMean(num_components=20)
    layer.build([(None, *SHAPE), (None, *SHAPE[:2], 1)])
    layer.adapt(correlated(6))
    assert np.count_nonzero(np.abs(array(layer.basis)).sum(axis=1)) == 5
    assert np.isfinite(array(layer([to_float(correlated(2)), ops.zeros((2, 3, 4, 1))]))).all()


def test_it_is_saved(tmp_path):
    images, masks = keras.Input(SHAPE), keras.Input((*SHAPE[:2], 1))
    layer = ConditionalMean(num_components=3)
    network = keras.Model([images, masks], layer([images, masks]))
    layer.adapt(correlated(50))
    check_saving(network, [to_float(correlated(3)), ops.ones((3, *SHAPE[:2], 1))], tmp_path / "network.keras")
