"""Paths between latents and directions; draws and truncation are in test_conditional_gan."""

import keras
import numpy as np
import pytest

from keras_gen import evaluation, latents, networks
from keras_gen.data import ImageData, Split
from keras_gen.models.autoencoders import Autoencoder
from keras_gen.models.gan import GAN
from tests.conftest import make_autoencoder, make_conditional_gan, make_gan


def test_a_curved_path_stays_on_the_sphere_and_closes():
    stops = latents.normal(4, 50, seed=0)
    stops /= np.linalg.norm(stops, axis=1, keepdims=True)
    way = latents.walk(stops, frames=5)
    assert way.shape == (20, 50)
    np.testing.assert_allclose(way[::5], stops, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1.0, rtol=1e-5)
    closed = np.concatenate([way, way[:1]])
    angles = np.arccos(np.sum(closed[1:] * closed[:-1], axis=1).clip(-1, 1)).reshape(4, 5)
    np.testing.assert_allclose(angles, angles[:, :1].repeat(5, axis=1), rtol=1e-2)  # equal distances between frames


def test_a_straight_path():
    way = latents.walk(np.array([[0.0, 2.0], [3.0, -1.0]]), frames=3, curved=False)
    np.testing.assert_allclose(way, [[0, 2], [1, 1], [2, 0], [3, -1], [2, 0], [1, 1]], atol=1e-6)


@pytest.mark.parametrize("stops", [[[1.0, 2.0], [1.0, 2.0]], [[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]]])
def test_paths_between_collinear_stops_are_finite(stops):
    way = latents.walk(np.array(stops), frames=4)
    assert np.isfinite(way).all()
    assert np.abs(way).max() <= 2
    np.testing.assert_allclose(way[0], stops[0], atol=1e-6)


def test_too_few_stops_or_frames_are_refused():
    with pytest.raises(ValueError, match="expected at least 2 stops and 1 frame, received 1 and 4"):
        latents.walk(np.zeros((1, 3)), frames=4)


def test_a_walk_starts_at_what_the_same_seed_samples():
    gan = make_gan()
    walk = gan.walk(stops=3, frames=2, seed=4)
    np.testing.assert_array_equal(walk[::2], gan.sample(3, seed=4))
    with pytest.raises(ValueError, match="with a prior"):
        make_autoencoder().walk()


def test_a_direction_is_as_long_as_the_standard_deviation_of_the_latents():
    # z = (3 a, 0.5 a + b): its covariance with z₀ is (9, 3 · 0.5), its covariance matrix the one below.
    a, b = np.random.default_rng(0).standard_normal((2, 200_000))
    places = np.stack([3 * a, 0.5 * a + b], axis=1)
    way = latents.direction(places, places[:, 0])
    unit = np.array([9.0, 1.5]) / np.hypot(9.0, 1.5)
    width = np.sqrt(unit @ np.array([[9.0, 1.5], [1.5, 1.25]]) @ unit)
    np.testing.assert_allclose(way, width * unit, atol=0.02)


def test_the_direction_of_a_yes_or_no_leads_from_no_to_yes():
    yes = np.repeat([True, False], [100, 300])
    places = np.random.default_rng(0).normal(0, 1, (400, 3)) + np.where(yes[:, None], [0, 5, 0], [0, 0, 0])
    means = places[yes].mean(axis=0) - places[~yes].mean(axis=0)
    way = latents.direction(places, yes)
    assert way @ means == pytest.approx(np.linalg.norm(way) * np.linalg.norm(means), rel=1e-6)


def test_a_quantity_that_does_not_vary_has_no_direction():
    with pytest.raises(ValueError, match=r"expected a quantity that varies, received 3 times 2\.0"):
        latents.direction(np.eye(3), [2, 2, 2])


def brightness_gan():
    """Latent 1 is the brightness of an image, latent 0 adds brightness to its left half, latent 2 has no effect."""
    pixels = np.zeros((3, 4, 6, 1), "float32")
    pixels[0, :, :3] = 0.1
    pixels[1] = 0.2
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(24, use_bias=False)
    generator = keras.Model(inputs, keras.layers.Reshape((4, 6, 1))(dense(inputs)))
    dense.kernel.assign(pixels.reshape(3, 24))
    images = keras.Input((4, 6, 1))
    return GAN(generator, keras.Model(images, keras.layers.Dense(1)(keras.layers.Flatten()(images))))


def test_directions_change_the_images_the_most_and_nothing_else():
    # By hand: the principal components of pixels 0.1 a + 0.2 b (left) and 0.2 b (right) mix a and b, and never c.
    gan = brightness_gan()
    found = gan.directions(2)
    weights = np.array([[0.1, 0.2], [0.0, 0.2]])  # of a and b in both halves
    expected = np.linalg.svd(weights)[2]
    for way, axis in zip(found, expected, strict=True):
        assert abs(way[2]) < 0.1
        assert np.linalg.norm(way) == pytest.approx(1, abs=0.05)
        assert abs(way[:2] @ axis) == pytest.approx(1, abs=0.05)
    with pytest.raises(ValueError, match="expected 1 to 3 directions, received 4"):
        gan.directions(4)


def test_a_traversal_goes_from_one_side_to_the_other():
    gan = brightness_gan()
    rows = gan.traverse(np.zeros((2, 3)), np.array([0.0, 1.0, 0.0]), steps=5, reach=2.0).reshape(2, 5, -1)
    expected = np.round(127.5 * (1 + 0.2 * np.linspace(-2, 2, 5)))
    np.testing.assert_allclose(rows[:, :, 0], [expected, expected], atol=1)
    with pytest.raises(ValueError, match="expected at least 2 steps, received 1"):
        gan.traverse(np.zeros(3), np.ones(3), steps=1)


def test_a_conditional_traversal_starts_at_what_the_same_seed_samples():
    gan = make_conditional_gan()
    starts, rows = gan.draw(3, seed=4)
    images = gan.traverse(starts, gan.directions(3, where={"hat": "yes"}), steps=3, conditions=rows)
    np.testing.assert_array_equal(images[1::3], gan.sample(3, seed=4))
    np.testing.assert_array_equal(images[1], gan.traverse(starts[0], np.ones(4), steps=3, conditions=rows[0])[1])


def bright_and_dark(gan, num=300):
    """Images of that GAN, labelled by whether they are bright."""
    images = gan.sample(num, seed=9)
    values = images.mean(axis=(1, 2, 3))
    attributes = {"brightness": values.astype("float32")}
    split = Split(images, (values > 127.5).astype("int64"), attributes)
    return ImageData("grey", split, split.take(range(20)), class_names=["dark", "bright"])


@pytest.mark.parametrize(
    ("attribute", "value", "sign"), [("label", "bright", 1), ("label", "dark", -1), ("brightness", None, 1)]
)
def test_the_direction_of_an_attribute(attribute, value, sign):
    # The autoencoder's codes are those of real images, the GAN's latents those of images that a feature net classifies.
    gan = brightness_gan()
    way = evaluation.attribute_direction(gan, bright_and_dark(gan), attribute, value)
    brightness = np.array([0.05, 0.2, 0.0])  # of each latent
    assert sign * (way @ brightness) > 0.95 * np.linalg.norm(way) * np.linalg.norm(brightness)


def test_the_direction_of_an_attribute_in_codes():
    pixels = keras.Input((4, 6, 1))
    codes = keras.layers.Dense(2, kernel_initializer="zeros")(keras.layers.Flatten()(pixels))
    encoder = keras.Model(pixels, codes)
    encoder.layers[-1].kernel.assign(np.stack([np.ones(24), np.zeros(24)], axis=1))
    autoencoder = Autoencoder(encoder, networks.mlp.decoder((4, 6, 1), 2, widths=(4,)))
    way = evaluation.attribute_direction(autoencoder, bright_and_dark(brightness_gan()), "label", "dark")
    assert way[0] < 0
    assert way[1] == 0


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("label", None, "expected one of the values of label: dark, bright"),
        ("label", "grey", "unknown label 'grey': expected one of dark, bright"),
        ("brightness", "7", "expected no value of brightness, which is a number, received '7'"),
        ("hat", "yes", "unknown condition 'hat'"),
    ],
)
def test_attributes_without_a_direction_are_refused(attribute, value, message):
    gan = brightness_gan()
    with pytest.raises(ValueError, match=message):
        evaluation.attribute_direction(gan, bright_and_dark(gan), attribute, value)
    with pytest.raises(ValueError, match="expected an attribute that is not a condition of this model, received hat"):
        evaluation.attribute_direction(make_conditional_gan(), bright_and_dark(gan), "hat", "yes")
