"""From images back to latents."""

import numpy as np
import pytest

from keras_gen.models.inversion import invert
from tests.conftest import (
    IMAGE_SHAPE,
    make_autoencoder,
    make_conditional_gan,
    make_conditions,
    make_gan,
    same,
    weights_of,
)


def test_what_a_gan_made_is_found_again():
    gan = make_gan()
    images = gan.sample(3, seed=5)
    before = weights_of(gan)
    found = invert(gan, images, steps=200, seed=1)
    assert found.latents.shape == (3, gan.latent_dim)
    assert found.conditions is None
    np.testing.assert_array_equal(found.images, gan.decode(found.latents))
    np.testing.assert_allclose(
        found.errors, np.mean(((images / 127.5) - (found.images / 127.5)) ** 2, axis=(1, 2, 3)), rtol=1e-5
    )
    others = np.mean(((images / 127.5) - (gan.sample(3, seed=6) / 127.5)) ** 2, axis=(1, 2, 3))
    assert (found.errors < 0.05 * others).all()
    assert same(before, weights_of(gan)), "inversion must leave the model alone"


def test_the_descent_starts_at_the_nearest_draw():
    gan = make_gan()
    images = gan.sample(2, seed=5)
    draws = gan.decode(gan.draw(2_000, seed=1)[0])
    nearest = [np.mean(((image / 127.5) - (draws / 127.5)) ** 2, axis=(1, 2, 3)).min() for image in images]
    one, two = (invert(gan, images, steps=steps, restarts=1, seed=1).errors for steps in (1, 60))
    assert (one < 2 * np.array(nearest) + 1e-3).all()
    assert (two < 0.5 * one).all()


def test_the_best_of_several_starts_is_kept(images):
    gan = make_gan()
    few, many = (invert(gan, images, steps=20, restarts=restarts, seed=1).errors for restarts in (1, 5))
    assert (many <= few + 1e-6).all()
    assert (many < few).any()


def test_each_image_is_inverted_independently():
    gan = make_gan()
    images = gan.sample(3, seed=5)
    together, alone = invert(gan, images, steps=30), invert(gan, images[1:2], steps=30)
    np.testing.assert_allclose(together.latents[1], alone.latents[0], atol=1e-3)


def test_conditions_are_kept_or_found():
    gan = make_conditional_gan()
    images, rows = gan.sample(3, seed=5), make_conditions().rows(3, seed=5)
    given = invert(gan, images, rows, steps=5)
    np.testing.assert_array_equal(given.conditions, rows)
    found = invert(gan, images, steps=5)
    assert found.conditions.shape == (3, gan.conditions.width)
    np.testing.assert_array_equal(found.images, gan.decode(found.latents, found.conditions))
    assert {tuple(row) for row in found.conditions} <= {tuple(row) for row in gan.draw(2_000, seed=0)[1]}


def test_an_autoencoder_encodes(images):
    autoencoder = make_autoencoder()
    found = invert(autoencoder, images)
    np.testing.assert_array_equal(found.latents, autoencoder.encode(images))
    np.testing.assert_array_equal(found.images, autoencoder.reconstruct(images))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"images": np.zeros((2, 5, 5, 1), "uint8")},
            r"expected uint8 images \(n, 8, 12, 3\), received uint8 \(2, 5, 5, 1\)",
        ),
        ({"images": np.zeros((2, *IMAGE_SHAPE))}, "received float64"),
        ({"steps": 0}, "expected at least 1 step and 1 restart, received 0 and 4"),
        ({"conditions": np.zeros((2, 3))}, r"expected no conditions, received \(2, 3\)"),
    ],
)
def test_what_cannot_be_inverted_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        invert(make_gan(), **{"images": np.zeros((2, *IMAGE_SHAPE), "uint8"), **change})
