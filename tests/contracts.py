"""The contract of each kind of object, one function per kind; the tables of cases are in the test files."""

import keras
import numpy as np
from keras import ops

from keras_gen import backend

BATCH = 3


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def check_network(network, inputs, output_shape, output_range=None):
    """Shape, dtype and range of the outputs, and a gradient for every weight."""
    nudge(network)
    outputs = array(network(inputs, training=False))
    assert outputs.shape == (BATCH, *output_shape)
    assert outputs.dtype == np.float32
    if output_range:
        assert output_range[0] <= outputs.min() < outputs.max() <= output_range[1]

    def objective():
        answers = network(inputs, training=False)
        return ops.mean(ops.square(answers - 0.3)), {}

    hidden = unreached(network, objective)
    assert not hidden, hidden


def check_second_derivative(discriminator, critic, images):
    """Every kernel changes the slope of `critic(images)`, which a gradient penalty is about."""
    nudge(discriminator)

    def slopes():
        logits, gradients = backend.input_gradients(critic, images)
        return ops.sum(ops.square(gradients)) + 0.0 * ops.sum(logits), {}  # so every weight has a gradient

    # Weights that are only added after the last activation do not affect the slope.
    unmoved = [path for path in unreached(discriminator, slopes) if not path.endswith(("bias", "beta"))]
    assert not unmoved, unmoved


def nudge(network):
    """Moves every weight a little: one that starts at 0 hides those before it."""
    noise = np.random.default_rng(0)
    for variable in network.trainable_variables:
        variable.assign(array(variable) + noise.normal(0, 0.05, variable.shape))


def unreached(network, objective):
    """The paths of the weights whose gradient is 0; every gradient must be finite."""
    variables = network.trainable_variables
    others = [variable for variable in network.variables if not variable.trainable]
    _, gradients = backend.value_and_gradients(objective, variables, others)
    arrays = [array(gradient) for gradient in gradients]
    paths = [variable.path for variable in variables]
    assert all(np.isfinite(gradient).all() for gradient in arrays)
    return [path for path, gradient in zip(paths, arrays, strict=True) if not gradient.any()]


def check_saving(network, inputs, path):
    """A `.keras` file gives the same network back."""
    network.save(path)
    np.testing.assert_array_equal(array(keras.saving.load_model(path)(inputs)), array(network(inputs)))


def check_loss_pair(loss, expected_discriminator, expected_generator, real_logits, fake_logits):
    """Numbers, ranks, extremes and directions of a loss pair."""
    real, fake = np.array(real_logits, "float32"), np.array(fake_logits, "float32")
    for shape in ((4,), (4, 1), (2, 2, 1, 1)):
        d_loss = loss.discriminator_loss(ops.array(real.reshape(shape)), ops.array(fake.reshape(shape)))
        g_loss = loss.generator_loss(ops.array(real.reshape(shape)), ops.array(fake.reshape(shape)))
        assert d_loss.shape == g_loss.shape == ()
        assert keras.backend.standardize_dtype(d_loss.dtype) == "float32"
        np.testing.assert_allclose(array(d_loss), expected_discriminator, rtol=2e-6)
        np.testing.assert_allclose(array(g_loss), expected_generator, rtol=2e-6)
    for extreme in (-100.0, 100.0):
        logits = ops.array([extreme, -extreme])
        found = array(loss.discriminator_loss(logits, -logits)), array(loss.generator_loss(logits, -logits))
        assert np.isfinite(found).all(), f"losses of logits of ± 100 must be finite, received {found}"

    def losses(logits, real_shift, fake_shift):
        shifted = ops.array(logits[0] + real_shift), ops.array(logits[1] + fake_shift)
        return float(loss.discriminator_loss(*shifted)), float(loss.generator_loss(*shifted))

    undecided = np.zeros((2, *real.shape), "float32")  # away from 0 a hinge is flat, least squares reversed
    d_loss, g_loss = losses(undecided, 0.0, 0.0)
    assert losses(undecided, 0.1, 0.0)[0] < d_loss, "with real images scored higher, the discriminator must gain"
    assert losses(undecided, 0.0, 0.1)[0] > d_loss, "with fakes scored higher, the discriminator must lose"
    assert losses(undecided, 0.0, 0.1)[1] < g_loss, "with fakes scored higher, the generator must gain"
