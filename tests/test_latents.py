"""Ways between latents; draws and truncation are in test_conditional_gan."""

import numpy as np
import pytest

from keras_gen import latents
from tests.conftest import make_autoencoder, make_gan


def test_a_way_around_keeps_to_the_sphere_and_closes():
    stops = latents.normal(4, 50, seed=0)
    stops /= np.linalg.norm(stops, axis=1, keepdims=True)
    way = latents.walk(stops, frames=5)
    assert way.shape == (20, 50)
    np.testing.assert_allclose(way[::5], stops, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1.0, rtol=1e-5)
    closed = np.concatenate([way, way[:1]])
    angles = np.arccos(np.sum(closed[1:] * closed[:-1], axis=1).clip(-1, 1)).reshape(4, 5)
    np.testing.assert_allclose(angles, angles[:, :1].repeat(5, axis=1), rtol=1e-2)  # as far from frame to frame


def test_a_straight_way():
    way = latents.walk(np.array([[0.0, 2.0], [3.0, -1.0]]), frames=3, curved=False)
    np.testing.assert_allclose(way, [[0, 2], [1, 1], [2, 0], [3, -1], [2, 0], [1, 1]], atol=1e-6)


@pytest.mark.parametrize("stops", [[[1.0, 2.0], [1.0, 2.0]], [[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]]])
def test_stops_in_one_line_have_a_way_of_numbers(stops):
    way = latents.walk(np.array(stops), frames=4)
    assert np.isfinite(way).all()
    assert np.abs(way).max() <= 2
    np.testing.assert_allclose(way[0], stops[0], atol=1e-6)


def test_too_few_are_refused():
    with pytest.raises(ValueError, match="expected at least 2 stops and 1 frame, received 1 and 4"):
        latents.walk(np.zeros((1, 3)), frames=4)


def test_a_walk_starts_at_what_the_same_seed_samples():
    gan = make_gan()
    walk = gan.walk(stops=3, frames=2, seed=4)
    np.testing.assert_array_equal(walk[::2], gan.sample(3, seed=4))
    with pytest.raises(ValueError, match="with a prior"):
        make_autoencoder().walk()
