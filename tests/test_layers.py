"""Spectral normalisation compared with singular values and gradients by hand; padding, attention, bases and clips."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import backend, corruptions
from keras_gen.layers import (
    CircularPadding2D,
    ClipWeights,
    DataConsistency,
    LearnedBasis,
    SelfAttention,
    SpectralConv2D,
    SpectralDense,
    leaky_clip,
)
from tests.contracts import array


def settled(layer, inputs, calls=30):
    """A layer after the power iterations of its u."""
    for _ in range(calls):
        layer(inputs, training=True)
    return layer


def gradient_of(layer, objective):
    """The gradient of the trainable kernel."""
    (kernel,) = layer.trainable_variables
    _, (gradient,) = backend.value_and_gradients(lambda: (objective(), {}), [kernel], layer.non_trainable_variables)
    return array(gradient)


def test_dense_computes_with_the_kernel_over_its_largest_singular_value():
    layer = SpectralDense(5, use_bias=False, kernel_initializer="random_normal")
    settled(layer, ops.ones((3, 7)))
    (kernel,) = layer.trainable_variables
    sigma = np.linalg.svd(array(kernel), compute_uv=False)[0]
    np.testing.assert_allclose(array(layer(ops.eye(7))), array(kernel) / sigma, rtol=1e-4)


def test_convolution_takes_its_kernel_as_one_column_for_each_filter():
    layer = SpectralConv2D(4, (3, 2), padding="same")
    settled(layer, ops.ones((3, 7, 5, 2)))
    kernel = array(layer.trainable_variables[0])
    sigma = np.linalg.svd(kernel.reshape(3 * 2 * 2, 4), compute_uv=False)[0]
    plain = keras.layers.Conv2D(4, (3, 2), padding="same")
    plain.build((None, 7, 5, 2))
    plain.set_weights([kernel / sigma, np.zeros(4, "float32")])
    images = keras.random.normal((3, 7, 5, 2), seed=0)
    np.testing.assert_allclose(array(layer(images)), array(plain(images)), atol=1e-4)


def test_calls_move_u_in_training_only_and_never_the_kernel():
    layer = SpectralDense(5)
    layer.build((None, 7))
    kernel, u = array(layer.trainable_variables[0]), array(layer.u)
    layer(ops.ones((3, 7)))
    np.testing.assert_array_equal(array(layer.u), u)
    layer(ops.ones((3, 7)), training=True)
    assert np.abs(array(layer.u) - u).max() > 0.01
    np.testing.assert_array_equal(array(layer.trainable_variables[0]), kernel)


def test_objectives_move_u_too():
    layer = SpectralDense(5, use_bias=False)
    layer.build((None, 7))
    u = array(layer.u)
    gradient_of(layer, lambda: ops.sum(layer(ops.ones((3, 7)), training=True)))
    assert np.abs(array(layer.u) - u).max() > 0.01


def test_gradient_of_one_column_by_hand():
    # σ of a column is its length, 5: d (W/‖W‖)₀ / dW = (1 − 0.6², −0.6·0.8) / 5.
    layer = SpectralDense(1, use_bias=False)
    layer.build((None, 2))
    layer.trainable_variables[0].assign([[3.0], [4.0]])
    gradient = gradient_of(layer, lambda: ops.sum(layer(ops.array([[1.0, 0.0]]))))
    np.testing.assert_allclose(gradient, [[0.128], [-0.096]], rtol=1e-5)


def test_gradient_of_a_diagonal_by_hand():
    # W = diag(2, 1) and u = (1, 1)/√2, one step of power iteration from it: v = Wu/‖Wu‖ = (2, 1)/√5,
    # u = Wᵀv/‖Wᵀv‖ = (4, 1)/√17, σ = vᵀWu = 17/√85. The outputs of x = (0, 1) sum to (W₁₀ + W₁₁)/σ = 1/σ, whose
    # gradient is 1/σ in the lower row, less v uᵀ/σ² everywhere: u and v count as constants.
    layer = SpectralDense(2, use_bias=False)
    layer.build((None, 2))
    layer.trainable_variables[0].assign([[2.0, 0.0], [0.0, 1.0]])
    layer.u.assign([0.5**0.5, 0.5**0.5])
    gradient = gradient_of(layer, lambda: ops.sum(layer(ops.array([[0.0, 1.0]]))))
    np.testing.assert_allclose(gradient, [[-0.255212, -0.063803], [0.414720, 0.510425]], atol=1e-5)


def test_a_kernel_of_zeros_gives_zeros():
    outputs = array(SpectralDense(3, kernel_initializer="zeros")(ops.ones((2, 4)), training=True))
    np.testing.assert_array_equal(outputs, np.zeros((2, 3)))


@pytest.mark.parametrize("layer", [SpectralDense(5), SpectralConv2D(4, 3, strides=2)], ids=lambda layer: layer.name)
def test_saving_keeps_kernel_and_u(layer, tmp_path):
    images = keras.Input((7, 5, 2))
    model = keras.Model(images, layer(images))
    inputs = keras.random.normal((3, 7, 5, 2), seed=0)
    model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for weight, saved in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(array(saved), array(weight))
    np.testing.assert_array_equal(array(loaded(inputs)), array(model(inputs)))


def test_attention_starts_as_the_identity_and_then_attends_to_every_pixel():
    features = keras.random.normal((2, 3, 5, 8), seed=0)
    layer = SelfAttention()
    np.testing.assert_array_equal(array(layer(features)), array(features))
    layer.gamma.assign(1.0)
    before = array(layer(features))
    moved = array(features)
    moved[:, 2, 4] += 1.0  # the last pixel
    assert np.abs(array(layer(ops.array(moved)))[:, 0, 0] - before[:, 0, 0]).min() > 1e-5  # changes the first


def test_attention_does_not_depend_on_positions():
    # Pixels in another order give the same pixels in that order: a swap of the axes inside would not.
    features = array(keras.random.normal((2, 3, 5, 8), seed=0))
    layer = SelfAttention()
    layer.build(features.shape)
    layer.gamma.assign(1.0)
    order = np.random.default_rng(0).permutation(15)

    def shuffled(maps):
        return maps.reshape(2, 15, 8)[:, order].reshape(2, 3, 5, 8)

    attended = array(layer(ops.array(features)))
    np.testing.assert_allclose(array(layer(ops.array(shuffled(features)))), shuffled(attended), atol=1e-5)


@pytest.mark.parametrize("padding", [((1, 2), (3, 0)), ((0, 0), (1, 1)), ((2, 1), (0, 2))])
@pytest.mark.parametrize(
    ("wrap", "modes"), [("none", ("constant",) * 2), ("width", ("constant", "wrap")), ("both", ("wrap",) * 2)]
)
def test_padding_continues_maps_with_the_opposite_border_or_zeros(padding, wrap, modes):
    maps = array(keras.random.normal((2, 4, 5, 3), seed=0))
    expected = maps
    for axis, mode in enumerate(modes, start=1):
        expected = np.pad(expected, [padding[axis - 1] if each == axis else (0, 0) for each in range(4)], mode)
    np.testing.assert_array_equal(array(CircularPadding2D(padding, wrap)(maps)), expected)


def test_padding_refuses_unknown_wraps():
    with pytest.raises(ValueError, match="unknown wrap 'height': expected one of none, width, both"):
        CircularPadding2D(((0, 0), (1, 1)), "height")


def test_basis_is_scaled_channel_by_channel():
    layer = LearnedBasis(2, 1)
    layer.build((None, 2))
    layer.basis.assign([[[1.0, 2.0]], [[3.0, 4.0]]])
    np.testing.assert_array_equal(array(layer(ops.array([[10.0, -1.0]]))), [[[[10, -2]], [[30, -4]]]])


def test_clipped_weights_stay_within_their_limit():
    layer = keras.layers.Dense(1, kernel_constraint=ClipWeights(0.01), kernel_initializer="zeros")
    layer.build((None, 3))
    gradients = [ops.array([[-1.0], [0.005], [2.0]]), ops.array([-1.0])]
    keras.optimizers.SGD(1.0).apply(gradients, layer.trainable_variables)
    np.testing.assert_allclose(array(layer.kernel), [[0.01], [-0.005], [-0.01]], rtol=1e-6)
    np.testing.assert_array_equal(array(layer.bias), [1.0])  # it has no constraint


@pytest.mark.parametrize("limit", [0, -0.01])
def test_limits_are_positive(limit):
    with pytest.raises(ValueError, match=f"expected a limit > 0 for the weights, received {limit}"):
        ClipWeights(limit)


def test_a_leaky_clip_never_loses_its_slope():
    x = np.array([-51.0, -0.5, 0.0, 3.0], "float32")
    np.testing.assert_allclose(array(leaky_clip(x)), [-2.0, -0.5, 0.0, 1.04], rtol=1e-6)
    _, slopes = backend.input_gradients(leaky_clip, ops.array(x))
    np.testing.assert_allclose(array(slopes), [0.02, 1.0, 1.0, 0.02], rtol=1e-6)


@pytest.mark.parametrize(("corruption", "amount", "side"), [("grey", None, 1), ("shrink", 2, 2), ("blocks", 2, 1)])
def test_images_agree_with_the_pictures_that_they_are_made_from(corruption, amount, side):
    random = np.random.default_rng(0)
    images, originals = (ops.array(random.uniform(-0.5, 0.5, (2, 4, 6, 3)).astype("float32")) for _ in range(2))
    corrupt = corruptions.get(corruption, amount)
    pictures = corrupt(originals)
    assert pictures.shape[1] == 4 // side
    made = DataConsistency(corruption, amount)([images, pictures])
    np.testing.assert_allclose(array(corrupt(made)), array(pictures), atol=1e-6)
    detail = array(made) - array(images)  # there is room for it: a shift of luma, or of whole blocks, alone
    np.testing.assert_allclose(np.ptp(detail[:, :2, :2], axis=-1 if corruption == "grey" else (1, 2)), 0, atol=1e-6)
    wild = 20 * images
    bounded = DataConsistency(corruption, amount)([wild, pictures])
    assert np.abs(array(bounded)).max() <= 1 + 1e-6
    np.testing.assert_allclose(array(corrupt(bounded)), array(pictures), atol=1e-5)
    assert np.abs(array(bounded) - array(made)).mean() > 0.1  # with as much of it as there is room for


def test_what_is_black_white_or_transparent_stays_so():
    pictures = np.array([[-1, -1, -1, -1], [-1, -1, -1, 1], [1, 1, 1, 1], [0.2, 0.2, 0.2, 1]], "float32")
    images = np.tile(np.array([0.5, -0.5, 0.1, 0.3], "float32"), (4, 1))
    made = array(DataConsistency("grey")([ops.array(each.reshape(1, 2, 2, 4)) for each in (images, pictures)]))
    made = made.reshape(4, 4)
    np.testing.assert_allclose(made[:3], pictures[:3], atol=1e-6)
    assert made[3, 0] > 0.2 > made[3, 1]
    assert made[3, 3] == 1


def test_only_what_keeps_itself_can_be_agreed_with():
    with pytest.raises(ValueError, match="unknown corruption that keeps what it leaves 'jpeg'"):
        DataConsistency("jpeg")
    with pytest.raises(ValueError, match=r"expected all of the colour to be removed, an amount of 1, received 0\.5"):
        DataConsistency("grey", 0.5)
