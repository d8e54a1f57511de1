"""From images back to latents, and from what is known of them to what is not."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_gen import networks
from keras_gen.models.gan import GAN
from keras_gen.models.inversion import invert, repair
from keras_gen.priors import StandardNormal
from tests.conftest import (
    IMAGE_SHAPE,
    LATENT_DIM,
    make_autoencoder,
    make_conditional_gan,
    make_conditions,
    make_gan,
    same,
    weights_of,
)

ALL = np.full((3, *IMAGE_SHAPE[:2], 1), 255, "uint8")  # the whole image is a hole


def right_halves(num):
    masks = np.zeros((num, *IMAGE_SHAPE[:2], 1), "uint8")
    masks[:, :, IMAGE_SHAPE[1] // 2 :] = 1  # any number but 0
    return masks


def linear_gan():
    """A GAN whose images are latents times a matrix (4, 288), small enough to stay within [-1, 1]."""
    matrix = np.random.default_rng(3).normal(0, 0.15, (LATENT_DIM, np.prod(IMAGE_SHAPE))).astype("float32")
    latents = keras.Input((LATENT_DIM,))
    pixels = layers.Dense(matrix.shape[1], use_bias=False, kernel_initializer=keras.initializers.Constant(matrix))
    generator = keras.Model(latents, layers.Reshape(IMAGE_SHAPE)(pixels(latents)), name="generator")
    return GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, widths=(4,))), matrix


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
        ({"masks": ALL[:2, :, :5]}, r"expected uint8 masks \(2, 8, 12, 1\), received uint8 \(2, 8, 5, 1\)"),
        ({"masks": ALL[:1]}, r"expected uint8 masks \(2, 8, 12, 1\), received uint8 \(1, 8, 12, 1\)"),
        ({"masks": ALL[:2] / 255}, "received float64"),
    ],
)
def test_what_cannot_be_inverted_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        invert(make_gan(), **{"images": np.zeros((2, *IMAGE_SHAPE), "uint8"), **change})


def test_latents_are_found_from_the_known_half():
    gan, matrix = linear_gan()
    images = gan.sample(3, seed=5)
    masks = right_halves(3)
    known = np.broadcast_to(masks == 0, images.shape).reshape(3, -1)
    floats = images.reshape(3, -1) / 127.5 - 1
    found = invert(gan, images, steps=200, restarts=2, masks=masks)
    for latents, numbers, is_known in zip(found.latents, floats, known, strict=True):
        expected = np.linalg.lstsq(matrix.T[is_known], numbers[is_known], rcond=None)[0]
        np.testing.assert_allclose(latents, expected, atol=0.01)
    differences = (images - found.images.astype(float)) / 127.5
    np.testing.assert_allclose(found.errors, np.mean(differences[:, :, :6] ** 2, axis=(1, 2, 3)), rtol=1e-5)
    assert np.abs(repair(gan, images, masks, steps=200)[:, 0].astype(int) - images).max() <= 2


def test_known_pixels_stay_and_what_is_in_the_hole_has_no_effect(images):
    gan, masks = make_gan(), right_halves(6)
    other = np.where(masks != 0, 255 - images, images)
    repaired, again = (repair(gan, each, masks, num=2, steps=3, seed=1) for each in (images, other))
    assert (repaired.dtype, repaired.shape) == (np.uint8, (6, 2, *IMAGE_SHAPE))
    known = np.broadcast_to((masks == 0)[:, None], repaired.shape)
    np.testing.assert_array_equal(repaired[known], np.repeat(images[:, None], 2, axis=1)[known])
    np.testing.assert_array_equal(repaired, again)
    one, two = (invert(gan, each, masks=masks, steps=3) for each in (images, other))
    np.testing.assert_array_equal(one.latents, two.latents)
    np.testing.assert_array_equal(one.errors, two.errors)


def test_starts_are_the_draws_nearest_in_what_is_known():
    gan, masks = make_gan(), right_halves(2)
    images = gan.sample(2, seed=5)
    images[:, :, 6:] = 255 - images[:, :, 6:]
    drawn = gan.draw(2_000, seed=1)[0]
    draws = gan.decode(drawn).astype(float)
    nearest = [drawn[np.mean((draws - image)[:, :, :6] ** 2, axis=(1, 2, 3)).argmin()] for image in images]
    found = invert(gan, images, steps=1, restarts=1, seed=1, masks=masks)
    np.testing.assert_allclose(found.latents, nearest, atol=0.11)  # one step moves each number by 0.1


def test_proposals_differ_where_everything_is_open(images):
    gan = make_gan()
    proposals = repair(gan, images[:3], ALL, num=3, steps=2, seed=4)
    for row in proposals:
        assert all(np.abs(row[a] - row[b].astype(float)).mean() > 5 for a, b in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_array_equal(repair(gan, images[:3], ALL, num=2, steps=2, seed=4), proposals[:, :2])
    assert not np.array_equal(repair(gan, images[:3], ALL, steps=2, seed=5), proposals[:, :1])


def test_each_image_is_repaired_independently(images):
    gan, masks = make_gan(), right_halves(3)
    masks[1] = 0
    masks[1, 2:5] = 9
    together = repair(gan, images[:3], masks, num=2, steps=30)
    alone = repair(gan, images[1:2], masks[1:2], num=2, steps=30)
    assert np.abs(together[1] - alone[0].astype(float)).max() <= 1


def test_conditions_hold_in_repaired_images():
    gan = make_conditional_gan()
    images, rows, masks = gan.sample(3, seed=5), make_conditions().rows(3, seed=5), right_halves(3)
    found = invert(gan, images, rows, steps=3, masks=masks)
    np.testing.assert_array_equal(found.conditions, rows)
    repaired = repair(gan, images, masks, steps=3, given={"conditions": rows})
    np.testing.assert_array_equal(repaired[:, 0, :, :6], images[:, :, :6])
    assert invert(gan, images, steps=3, masks=masks).conditions.shape == rows.shape  # those of draws


def test_an_autoencoder_starts_at_the_code_of_the_filled_image_and_searches(images):
    autoencoder, images, masks = make_autoencoder(), images[:3].copy(), right_halves(3)
    masks[2] = 255
    filled = images.copy()
    filled[:2, :, 6:] = np.round(images[:2, :, :6].mean(axis=(1, 2), keepdims=True))
    filled[2] = 128  # nothing is known
    codes = autoencoder.encode(filled)
    near, far = (invert(autoencoder, images, steps=steps, masks=masks) for steps in (1, 100))
    np.testing.assert_allclose(near.latents[:2], codes[:2], atol=0.11)  # one step moves each number by 0.1
    np.testing.assert_allclose(near.latents[2], codes[2], atol=1e-6)
    assert (far.errors[:2] < near.errors[:2]).all()
    assert far.errors[2] == near.errors[2] == 0


def test_proposals_of_an_autoencoder_are_drawn_from_its_prior(images):
    autoencoder = make_autoencoder()
    with pytest.raises(ValueError, match=r"expected one proposal of this autoencoder, received 2: .*choose_prior"):
        repair(autoencoder, images[:3], ALL, num=2)
    (alone,) = np.moveaxis(repair(autoencoder, images[:3], ALL, steps=1), 1, 0)
    np.testing.assert_array_equal(alone, autoencoder.decode(autoencoder.encode(np.full_like(images[:3], 128))))
    autoencoder.prior = StandardNormal(LATENT_DIM)
    first, second, third = np.moveaxis(repair(autoencoder, images[:3], ALL, num=3, steps=1), 1, 0)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    with pytest.raises(ValueError, match="expected at least 1 proposal, received 0"):
        repair(autoencoder, images[:3], ALL, num=0)
