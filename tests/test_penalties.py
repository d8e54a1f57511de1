"""Penalties on critics whose slopes are known."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import backend, penalties, schedules
from keras_gen.networks import mlp
from tests.contracts import array

REAL = np.array([[1.0, 2.0, 0.0, -1.0], [0.5, 0.0, 0.0, 0.0]], "float32")
FAKE = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 4.0]], "float32")


def linear(images):
    return ops.sum(2.0 * images, axis=1)


def quadratic(images):
    return ops.sum(images**2, axis=1)


def constant(images):
    return ops.sum(0.0 * images, axis=1)


# Slopes by hand. linear: (2, 2, 2, 2) everywhere, norm 4. quadratic: 2x, squared norms at REAL 24 and 1, at FAKE 4 and
# 100. constant: 0, where (0 − 1)² = 1 and a one-sided penalty sees nothing wrong.
NUMBERS = {
    ("r1", linear): 8.0,
    ("r1", quadratic): 6.25,
    ("r1", constant): 0.0,
    ("r2", linear): 8.0,
    ("r2", quadratic): 26.0,
    ("r2", constant): 0.0,
    ("gradient_penalty", linear): 9.0,
    ("gradient_penalty", constant): 1.0,
    ("gradient_penalty_one_sided", linear): 9.0,
    ("gradient_penalty_one_sided", constant): 0.0,
    ("dragan", linear): 9.0,
    ("dragan", constant): 1.0,
}


@pytest.mark.parametrize(("name", "critic"), NUMBERS)
def test_numbers(name, critic):
    penalty = penalties.get(name)(critic, ops.array(REAL), ops.array(FAKE), seed=keras.random.SeedGenerator(0))
    np.testing.assert_allclose(array(penalty), NUMBERS[name, critic], rtol=1e-5)


def test_every_penalty_has_its_numbers():
    assert {name for name, _ in NUMBERS} == set(penalties.PENALTIES)


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_the_gradient_is_finite_even_where_the_critic_has_no_slope(name):
    weight = keras.Variable(0.0)
    seed = keras.random.SeedGenerator(0)

    def objective():
        critic = lambda images: weight * ops.sum(images, axis=1)  # noqa: E731
        return penalties.get(name)(critic, ops.array(REAL), ops.array(FAKE), seed=seed), {}

    _, (gradient,) = backend.value_and_gradients(objective, [weight], [seed.state])
    assert np.isfinite(array(gradient))


def test_one_sided_does_not_penalise_small_slopes():
    gentle = lambda images: ops.sum(0.25 * images, axis=1)  # noqa: E731  # its slope has the norm ½
    for one_sided, expected in ((False, 0.25), (True, 0.0)):
        penalty = penalties.GradientPenalty(one_sided=one_sided)
        np.testing.assert_allclose(float(penalty(gentle, ops.array(REAL), ops.array(FAKE))), expected, rtol=1e-5)


def test_the_points_between_real_and_fake():
    # One weight per image, the same for all its pixels, in [0, 1].
    seen = []

    def critic(images):
        seen.append(array(ops.stop_gradient(images)))
        return linear(images)

    real, fake = np.zeros((500, 4), "float32"), np.array([1.0, 2.0, 4.0, 0.0], "float32") * np.ones((500, 1), "float32")
    if keras.backend.backend() == "jax":
        pytest.skip("JAX shows tracers inside a differentiated function")
    penalties.GradientPenalty()(critic, ops.array(real), ops.array(fake), seed=keras.random.SeedGenerator(1))
    steps = seen[0][:, 0]
    np.testing.assert_allclose(seen[0], steps[:, None] * fake, rtol=1e-5)
    assert 0 <= steps.min() < 0.02
    assert 0.98 < steps.max() <= 1
    assert abs(steps.mean() - 0.5) < 4 * 0.0129  # the standard error of 500 uniform numbers


def test_r1_and_r2_cost_no_extra_pass():
    passes = []

    def function(images):
        passes.append(images.shape)
        return quadratic(images)

    critic, real, fake = penalties.Critic(function), ops.array(REAL), ops.array(FAKE)
    penalties.R1()(critic, real, fake)
    penalties.R2()(critic, real, fake)
    np.testing.assert_allclose(array(critic(real)), [6.0, 0.25])
    np.testing.assert_allclose(array(critic(fake)), [1.0, 25.0])
    assert len(passes) == 2


def test_batches_that_belong_together_are_one_pass():
    passes = []

    def function(images, rows):
        passes.append((len(images), len(rows)))
        return quadratic(images) + rows[:, 0]

    real, fake, rows = ops.array(REAL), ops.array(FAKE), ops.array([[10.0], [20.0]])
    critic = penalties.Critic(function, [rows], together=(real, fake))
    np.testing.assert_allclose(array(penalties.R1()(critic, real, fake)), NUMBERS["r1", quadratic])
    np.testing.assert_allclose(array(penalties.R2()(critic, real, fake)), NUMBERS["r2", quadratic])
    np.testing.assert_allclose(array(critic(real)), [16.0, 20.25])
    np.testing.assert_allclose(array(critic(fake)), [11.0, 45.0])
    assert passes == [(4, 4)]
    critic(real + 1.0)
    assert passes[1:] == [(2, 2)], "a batch that does not belong to them is a separate pass"


def test_images_of_any_rank_give_one_norm_each():
    discriminator = mlp.discriminator((8, 12, 3), widths=(8,), dropout=0.0)
    images = np.random.default_rng(0).uniform(-1, 1, (3, 8, 12, 3)).astype("float32")
    _, gradients = backend.input_gradients(lambda batch: discriminator(batch, training=True), ops.array(images))
    expected = 0.5 * np.mean([np.sum(gradient**2) for gradient in array(ops.stop_gradient(gradients))])
    received = penalties.R1()(lambda batch: discriminator(batch, training=True), ops.array(images), ops.array(images))
    np.testing.assert_allclose(array(ops.stop_gradient(received)), expected, rtol=1e-5)


def test_saving():
    penalty = penalties.GradientPenalty(schedules.Linear(10.0, 1.0), one_sided=True)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
    assert type(copy) is penalties.GradientPenalty
    assert copy.one_sided
    assert copy.weight.get_config() == penalty.weight.get_config()


def test_what_is_not_a_penalty_is_refused():
    with pytest.raises(ValueError, match="unknown penalty 'r3': expected one of r1, r2, gradient_penalty"):
        penalties.get("r3")
    with pytest.raises(ValueError, match="expected the name of a penalty or a Penalty, received 3"):
        penalties.get(3)
    with pytest.raises(ValueError, match="expected a penalty's weight of 0 or more, received -1"):
        penalties.R1(-1)


def test_gamma_follows_the_variance_of_the_images():
    # Bytes 0 and 51 are 0.4 apart: variance 0.04 in each of 60 values.
    two = np.repeat(np.array([0, 51], "uint8"), 60).reshape(2, 4, 5, 3)
    assert penalties.gamma(two) == pytest.approx(60 * 0.04 / 1000)
    assert penalties.gamma(two.repeat(2, axis=1)) == pytest.approx(2 * penalties.gamma(two))
    assert penalties.gamma(two * 2) == pytest.approx(4 * penalties.gamma(two))


def test_gamma_of_images_that_are_all_the_same_is_zero():
    for value in range(0, 256, 5):
        assert 0 <= penalties.gamma(np.full((300, 9, 9, 1), value, "uint8")) < 1e-5  # never below, by rounding
