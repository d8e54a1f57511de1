"""The primitives compared with derivatives worked by hand. The same file runs on JAX, see test_jax.py."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import backend
from tests.contracts import array

pytestmark = pytest.mark.jax


def test_value_and_gradients_of_a_quadratic():
    # loss = 3·x² + y at x = (1, −2): value 15 + 7, d/dx = 6x, d/dy = 1; y is not among the variables.
    x = keras.Variable([1.0, -2.0])
    y = keras.Variable(7.0)

    def objective():
        loss = 3.0 * ops.sum(x * x) + y
        return loss, {"half": loss / 2.0}

    (loss, logs), (gradient,) = backend.value_and_gradients(objective, [x], [y])
    assert float(loss) == 22.0
    assert float(logs["half"]) == 11.0
    np.testing.assert_array_equal(array(gradient), [6.0, -12.0])


def test_value_and_gradients_keeps_updates_of_other_variables_by_the_objective():
    x = keras.Variable(2.0)
    seed = keras.random.SeedGenerator(5)

    def objective():
        return x * keras.random.uniform((), seed=seed), {}

    (first, _), (gradient,) = backend.value_and_gradients(objective, [x], [seed.state])
    (second, _), _ = backend.value_and_gradients(objective, [x], [seed.state])
    assert float(first) != float(second), "the seed must have moved on"
    np.testing.assert_allclose(float(first), 2.0 * float(gradient), rtol=1e-6)


def test_input_gradients_and_their_gradient():
    # f(x) = w·Σx³ per row: d/dx = 3wx²; the penalty Σ(3wx²)² has d/dw = Σ 18wx⁴, with w = 2, x = (1, −2): 36·17 = 612.
    w = keras.Variable(2.0)
    x = ops.array([[1.0, -2.0]])

    def objective():
        outputs, gradients = backend.input_gradients(lambda inputs: w * ops.sum(inputs**3, axis=-1), x)
        return ops.sum(gradients**2), {"outputs": outputs, "gradients": gradients}

    (penalty, logs), (gradient,) = backend.value_and_gradients(objective, [w], [])
    np.testing.assert_allclose(array(logs["outputs"]), [2.0 * (1.0 - 8.0)], rtol=1e-6)
    np.testing.assert_allclose(array(logs["gradients"]), [[6.0, 24.0]], rtol=1e-6)
    np.testing.assert_allclose(float(penalty), 612.0, rtol=1e-6)
    np.testing.assert_allclose(float(gradient), 612.0, rtol=1e-6)


def test_input_gradients_keeps_updates_of_other_variables_by_the_function():
    w = keras.Variable(2.0)
    seed = keras.random.SeedGenerator(5)
    x = ops.array([[1.0, -2.0]])

    def noisy(inputs):
        return w * inputs * keras.random.uniform((), seed=seed)

    def objective():
        _, first = backend.input_gradients(noisy, x)
        _, second = backend.input_gradients(noisy, x)
        return ops.sum(first + second), {"first": ops.sum(first), "second": ops.sum(second)}

    (_, logs), (gradient,) = backend.value_and_gradients(objective, [w], [seed.state])
    assert float(logs["first"]) != float(logs["second"]), "the seed must have moved on"
    np.testing.assert_allclose(float(logs["first"]) + float(logs["second"]), 2.0 * float(gradient), rtol=1e-6)
    assert array(seed.state.value).tolist() == [5, 2]
