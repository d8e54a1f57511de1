"""The game: which player moves, by how much, and that every way of running a step gives the same step."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_gen import losses, networks, penalties, schedules, terms
from keras_gen.models.game import AdversarialModel, Player
from keras_gen.models.gan import GAN
from tests.conftest import BATCH, IMAGE_SHAPE, LATENT_DIM, make_gan, same, weights_of
from tests.contracts import array


def fit(gan, images, epochs=1):
    return gan.fit(images, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0).history


def one_number_gan(generator_rate, discriminator_rate, **compile_arguments):
    """Images of one pixel: G(z) = b whatever z, D(x) = w·x, both trained by plain SGD."""
    latents, pixel = keras.Input((1,)), keras.Input((1, 1, 1))
    constant = layers.Dense(1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.5))
    generator = keras.Model(latents, layers.Reshape((1, 1, 1))(constant(latents)))
    slope = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0))
    discriminator = keras.Model(pixel, slope(layers.Flatten()(pixel)))
    gan = GAN(generator, discriminator)
    gan.compile(keras.optimizers.SGD(generator_rate), keras.optimizers.SGD(discriminator_rate), **compile_arguments)
    return gan, constant.bias, slope.kernel


@pytest.mark.compiled
@pytest.mark.parametrize("way", [{"jit_compile": False}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_one_round_by_hand(way):
    # D first: w = 2, real x = −0.25, fake b = 0.5. d_loss = softplus(0.5) + softplus(1) = 0.974077 + 1.313262,
    # dw = −σ(0.5)·(−0.25) + σ(1)·0.5 = 0.155615 + 0.365529 = 0.521144, so w = 2 − 0.1·0.521144 = 1.947886.
    # Then G against the new w: g_loss = softplus(−0.973943) = 0.320337, db = −σ(−0.973943)·w = −0.533906,
    # so b = 0.5 + 0.2·0.533906 = 0.606781.
    gan, bias, slope = one_number_gan(generator_rate=0.2, discriminator_rate=0.1, **way)
    logs = gan.fit(np.full((2, 1, 1, 1), -0.25, "float32"), batch_size=2, verbose=0).history
    np.testing.assert_allclose(array(slope.value), [[1.947886]], rtol=1e-5)
    np.testing.assert_allclose(array(bias.value), [0.606781], rtol=1e-5)
    np.testing.assert_allclose(logs["d_loss"], [2.287339], rtol=1e-5)
    np.testing.assert_allclose(logs["g_loss"], [0.320337], rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], [2.607676], rtol=1e-5)
    np.testing.assert_allclose(logs["real_logit"], [-0.5], rtol=1e-5)
    np.testing.assert_allclose(logs["fake_logit"], [1.0], rtol=1e-5)


@pytest.mark.jax
def test_a_term_of_the_generator_by_hand(tmp_path):
    # As in the round by hand, with w = 2 fixed: g_loss = softplus(−1) = 0.313262, the term 10·|0.5 + 0.25| = 7.5, db =
    # −σ(−1)·2 + 10 = 9.462117, so b = 0.5 − 0.2·9.462117 = −1.392423. The discriminator's loss is without it.
    gan, bias, _ = one_number_gan(generator_rate=0.2, discriminator_rate=0.0, terms=[terms.L1(10.0)])
    images = np.full((2, 1, 1, 1), -0.25, "float32")
    logs = gan.fit(images, batch_size=2, verbose=0).history
    np.testing.assert_allclose(logs["g_loss"], [0.313262], rtol=1e-5)
    np.testing.assert_allclose(logs["term"], [7.5], rtol=1e-6)
    np.testing.assert_allclose(logs["loss"], [2.287339 + 0.313262 + 7.5], rtol=1e-6)
    np.testing.assert_allclose(array(bias.value), [-1.392423], rtol=1e-5)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    again = [model.fit(images, batch_size=2, verbose=0).history for model in (gan, loaded)]
    assert again[0] == again[1]
    assert same(weights_of(gan), weights_of(loaded))


def test_weights_and_rates_follow_their_schedules_in_a_plain_fit():
    # One batch an epoch, begun at 0, 1/4, 1/2 and 3/4 of the run. D(x) = 2x: R1 is 2; the term is |0.5 + 0.25| = 0.75.
    weight, rate = schedules.Linear(8.0, 0.0), schedules.Linear(0.0, 4e-3, begin=0.5)
    gan, bias, _ = one_number_gan(
        *(0.0, 0.0), penalties=[penalties.R1(weight)], terms=[terms.L1(weight)], hyperparameters={"learning_rate": rate}
    )
    moved = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            moved.append(float(array(bias.value)[0]))

    images = np.full((2, 1, 1, 1), -0.25, "float32")
    logs = gan.fit(images, batch_size=2, epochs=4, verbose=0, callbacks=[Watch()]).history
    np.testing.assert_allclose(logs["penalty"], [16.0, 12.0, 8.0, 4.0], rtol=1e-6)
    np.testing.assert_allclose(logs["term"], [6.0, 4.5, 3.0, 1.5], rtol=1e-6)
    assert moved[:3] == [0.5] * 3  # the rate is 0 up to half of the run
    np.testing.assert_allclose(moved[3], 0.5 - 2e-3 * (2 - 0.537883), rtol=1e-5)
    for optimizer in gan.optimizer.optimizers:
        np.testing.assert_allclose(float(optimizer.learning_rate), 2e-3, rtol=1e-6)


@pytest.mark.parametrize(("rates", "moved"), [((0.1, 0.0), "generator"), ((0.0, 0.1), "discriminator")])
def test_a_player_updates_only_its_own_weights(rates, moved, images):
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(rates[0]), discriminator_optimizer=keras.optimizers.SGD(rates[1])
    )
    before = {network.name: network.get_weights() for network in (gan.generator, gan.discriminator)}
    fit(gan, images)
    for network in (gan.generator, gan.discriminator):
        for old, new in zip(before[network.name], network.get_weights(), strict=True):
            assert np.array_equal(old, new) == (network.name != moved)


class Relativistic(losses.AdversarialLoss):
    """Means of differences, so that both logits count in both losses."""

    def discriminator_loss(self, real_logits, fake_logits):
        return ops.mean(fake_logits - real_logits)

    def generator_loss(self, real_logits, fake_logits):
        return ops.mean(real_logits - 2.0 * fake_logits)


def test_a_loss_of_real_and_fake_logits_gets_both():
    # As in the round by hand, without moving: real logit −0.5, fake logit 1; d = 1 + 0.5, g = −0.5 − 2.
    gan, _, _ = one_number_gan(generator_rate=0.0, discriminator_rate=0.0, loss=Relativistic())
    logs = gan.fit(np.full((2, 1, 1, 1), -0.25, "float32"), batch_size=2, verbose=0).history
    np.testing.assert_allclose([*logs["d_loss"], *logs["g_loss"]], [1.5, -2.5], rtol=1e-6)


def test_dropout_acts_in_both_players_moves(images):
    gan = make_gan()
    dropouts = [layer for layer in gan.discriminator.layers if isinstance(layer, layers.Dropout)]
    fit(gan, images)
    # Two rounds; in each the discriminator scores real images and fakes in its own step, and fakes in the generator's.
    draws = [int(array(layer.seed_generator.state.value)[1]) for layer in dropouts]
    assert draws == [6, 6]


def test_rounds_are_counted(images):
    gan = make_gan()
    fit(gan, images, epochs=2)
    assert int(gan.optimizer.iterations) == 4
    assert [int(optimizer.iterations) for optimizer in gan.optimizer.optimizers] == [4, 4]


def test_each_player_draws_its_own_latents(images):
    gan = make_gan()
    fit(gan, images)
    seed, draws = array(gan.seed_generator.state.value)
    assert (seed, draws) == (7, 4)  # two rounds of two players


# Without XLA on TensorFlow, which draws other random numbers. The round by hand shows that it computes the same.
WAYS = {
    "eager": {"run_eagerly": True},
    "two steps an execution": {"steps_per_execution": 2},
}


@pytest.mark.compiled
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_running_takes_the_same_steps(way, images):
    reference = make_gan(jit_compile=False)
    keras.utils.set_random_seed(0)
    other = make_gan(**WAYS[way])
    assert same(weights_of(reference), weights_of(other))
    expected, received = fit(reference, images, epochs=2), fit(other, images, epochs=2)
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, rtol=1e-4, err_msg=name)
    for left, right in zip(weights_of(reference), weights_of(other), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_bytes_and_scaled_floats_train_the_same(images):
    from_bytes = make_gan()
    keras.utils.set_random_seed(0)
    from_floats = make_gan()
    fit(from_bytes, images)
    fit(from_floats, images.astype("float32") / 127.5 - 1.0)
    for left, right in zip(weights_of(from_bytes), weights_of(from_floats), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


@pytest.mark.jax
def test_a_loaded_model_continues_as_if_never_interrupted(images, tmp_path):
    unbroken = make_gan(
        generator_optimizer=keras.optimizers.Adam(0.01, beta_1=0.5), discriminator_optimizer="rmsprop", loss="minimax"
    )
    fit(unbroken, images)
    unbroken.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert isinstance(loaded.loss_pair, losses.Minimax)
    assert same(weights_of(unbroken), weights_of(loaded)), "seeds of latents and dropout included"
    fit(unbroken, images)
    fit(loaded, images)
    assert same(weights_of(unbroken), weights_of(loaded))
    for left, right in zip(unbroken.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(array(left.value), array(right.value))


def test_weights_files_hold_the_same_state(images, tmp_path):
    gan = make_gan()
    fit(gan, images)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = make_gan()
    other.load_weights(tmp_path / "gan.weights.h5")
    assert same(weights_of(gan), weights_of(other))


def test_bfloat16_trains_and_keeps_float32_weights(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = make_gan()
        logs = fit(gan, images, epochs=2)
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(np.isfinite(values).all() for values in logs.values())
    assert {weight.dtype for weight in gan.generator.get_weights()} == {np.dtype("float32")}


class Float32Only(losses.NonSaturating):
    def discriminator_loss(self, real_logits, fake_logits):
        assert keras.backend.standardize_dtype(real_logits.dtype) == "float32"
        assert keras.backend.standardize_dtype(fake_logits.dtype) == "float32"
        return super().discriminator_loss(real_logits, fake_logits)


def test_losses_get_float32_logits_whatever_the_network_computes_in(images):
    pixels = keras.Input(IMAGE_SHAPE)
    logits = layers.Dense(1, dtype="mixed_bfloat16")(layers.Flatten()(pixels))
    gan = GAN(networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,)), keras.Model(pixels, logits))
    gan.compile(loss=Float32Only())
    fit(gan, images)


def test_float16_is_refused():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(ValueError, match="expected networks in float32 or mixed_bfloat16, received float16"):
            make_gan()
    finally:
        keras.config.set_dtype_policy("float32")


def test_float16_deep_inside_is_refused():
    pixels = keras.Input(IMAGE_SHAPE)
    inside = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(1, dtype="mixed_float16")])
    discriminator = keras.Model(pixels, keras.Sequential([keras.Input(IMAGE_SHAPE), inside])(pixels))
    with pytest.raises(ValueError, match="received float16"):
        GAN(networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,)), discriminator).compile()


def test_a_validation_loss_is_refused(images):
    with pytest.raises(ValueError, match="a game has no validation loss"):
        make_gan().evaluate(images, verbose=0)


def test_a_network_without_an_input_shape_is_refused():
    unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ValueError, match="expected a discriminator that knows its input shape"):
        GAN(networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM), unbuilt)


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (7, 5, 4)], ids=str)
def test_the_image_size_follows_the_data(image_shape):
    generator = networks.generator("mlp", image_shape, LATENT_DIM)
    gan = GAN(generator, networks.discriminator("mlp", image_shape))
    gan.compile()
    fit(gan, np.zeros((BATCH, *image_shape), "uint8"))
    assert gan.sample(2).shape == (2, *image_shape)


def test_samples_depend_on_the_seed_only():
    gan = make_gan()
    samples = gan.sample(5, seed=1)
    assert samples.dtype == np.uint8
    assert samples.shape == (5, *IMAGE_SHAPE)
    np.testing.assert_array_equal(gan.sample(5, seed=1, batch_size=2), samples)
    assert not np.array_equal(gan.sample(5, seed=2), samples)


def test_calling_the_model_is_calling_the_generator():
    gan = make_gan()
    latents = np.ones((2, LATENT_DIM), "float32")
    np.testing.assert_array_equal(array(gan(latents)), array(gan.generator(latents)))


def test_networks_that_do_not_fit_are_refused():
    generator = networks.mlp.generator((8, 12, 3), LATENT_DIM)
    with pytest.raises(ValueError, match=r"expected a discriminator of the generator's images \(8, 12, 3\)"):
        GAN(generator, networks.mlp.discriminator((12, 8, 3)))


def test_a_shared_optimizer_is_refused():
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="expected one optimizer object for each of"):
        make_gan(generator_optimizer=adam, discriminator_optimizer=adam)


@keras.saving.register_keras_serializable("tests")
class ThreePlayers(AdversarialModel):
    """A game of three players that each pull one number towards that of another."""

    log_names = ("gap",)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.networks = [keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)]) for _ in range(3)]
        self.built = True

    @property
    def players(self):
        return tuple(
            Player(str(index), (network,), lambda data, index=index: self._objective(index))
            for index, network in enumerate(self.networks)
        )

    def _objective(self, index):
        own, following = (self.networks[at % 3].layers[0].kernel for at in (index, index + 1))
        gap = ops.sum((own - ops.stop_gradient(following)) ** 2)
        return gap, {"gap": gap}


def test_a_game_of_three_players():
    # Numbers 0, 1 and 3; SGD(0.25) halves a player's distance to the next: 0 → 0.5, 1 → 2, 3 → 1.75 (towards 0.5).
    game = ThreePlayers()
    for network, start in zip(game.networks, (0.0, 1.0, 3.0), strict=True):
        network.layers[0].kernel.assign([[start]])
    game.compile({str(index): keras.optimizers.SGD(0.25) for index in range(3)})
    game.fit(np.zeros((2, 1), "float32"), batch_size=2, verbose=0)
    assert [float(network.layers[0].kernel.value[0, 0]) for network in game.networks] == [0.5, 2.0, 1.75]


def test_any_game_is_saved_with_its_optimizers(tmp_path):
    game = ThreePlayers()
    game.compile({str(index): keras.optimizers.SGD(0.25, momentum=0.5) for index in range(3)})
    game.fit(np.zeros((2, 1), "float32"), batch_size=2, verbose=0)
    game.save(tmp_path / "game.keras")
    loaded = keras.saving.load_model(tmp_path / "game.keras")
    for model in (game, loaded):
        model.fit(np.zeros((2, 1), "float32"), batch_size=2, verbose=0)
    assert same(weights_of(game), weights_of(loaded))


def test_a_weight_without_a_player_is_refused():
    game = ThreePlayers()
    game.spectator = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    with pytest.raises(ValueError, match="expected every trainable variable to belong to a player"):
        game.compile({str(index): keras.optimizers.SGD(0.25) for index in range(3)})


@pytest.mark.parametrize("nested", [False, True])
def test_a_penalty_warns_of_batch_normalisation(nested):
    generator = networks.dcgan.generator((16, 16, 1), LATENT_DIM, width=2)
    discriminator = networks.dcgan.discriminator((16, 16, 1), width=2, batch_normalization=True)
    if nested:
        discriminator = keras.Sequential([keras.Input((16, 16, 1)), discriminator, keras.layers.Flatten()])
    with pytest.warns(UserWarning, match="penalties on a discriminator with batch normalisation"):
        GAN(generator, discriminator).compile(penalties="r1")


def batch_sizes_of(gan, images):
    """The number of images that the discriminator gets in each pass of a step."""
    seen, original = [], gan.discriminator.call

    def call(inputs, *arguments, **others):
        seen.append(inputs.shape[0])
        return original(inputs, *arguments, **others)

    gan.discriminator.call = call
    gan.fit(images[:BATCH], batch_size=BATCH, verbose=0)
    return seen


@pytest.mark.parametrize(
    ("compile_arguments", "passes"),
    [
        ({}, [BATCH, BATCH, BATCH]),  # real images, fakes, and the fakes of the generator
        ({"penalties": ["r1"]}, [BATCH, BATCH, BATCH]),  # the slope at the real images only
        ({"loss": "relativistic", "penalties": ["r1", "r2"]}, [2 * BATCH, BATCH, BATCH]),
    ],
)
def test_passes_of_the_discriminator(compile_arguments, passes, images):
    if keras.backend.backend() == "jax":
        pytest.skip("JAX traces some passes more than once")
    assert batch_sizes_of(make_gan(run_eagerly=True, **compile_arguments), images) == passes


def across_the_batch(features):
    return features - ops.mean(features, axis=0, keepdims=True)


@pytest.mark.filterwarnings("ignore:penalties on a discriminator with batch normalisation")
@pytest.mark.parametrize("layer", ["batch normalisation", "an operation", "an activation", "a layer of somebody else"])
def test_real_images_and_fakes_are_separate_batches_where_they_could_mix(layer, images):
    class Theirs(keras.layers.Layer):
        def call(self, features):
            return across_the_batch(features)

    layers = {
        "batch normalisation": keras.layers.BatchNormalization(),
        "an operation": across_the_batch,
        "an activation": keras.layers.Dense(4, activation=across_the_batch),
        "a layer of somebody else": Theirs(),
    }
    inputs = keras.Input(IMAGE_SHAPE)
    hidden = layers[layer](keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
    discriminator = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    gan = GAN(make_gan().generator, discriminator)
    gan.compile(run_eagerly=True, penalties=["r1", "r2"])
    assert batch_sizes_of(gan, images) == [BATCH, BATCH, BATCH]


@pytest.mark.parametrize("says_so", ["the layer", "the activation", "the discriminator"])
def test_they_are_one_batch_where_a_layer_declares_each_image_alone(says_so, images):
    if keras.backend.backend() == "jax":
        pytest.skip("JAX traces some passes more than once")

    class Theirs(keras.layers.Layer):
        each_image_alone = says_so == "the layer"

        def call(self, features):
            return 2.0 * features

    def double(features):
        return 2.0 * features

    double.each_image_alone = True
    layer = keras.layers.Dense(4, activation=double) if says_so == "the activation" else Theirs()
    inputs = keras.Input(IMAGE_SHAPE)
    hidden = layer(keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
    gan = GAN(make_gan().generator, keras.Model(inputs, keras.layers.Dense(1)(hidden)))
    if says_so == "the discriminator":
        gan.discriminator.each_image_alone = True
    gan.compile(run_eagerly=True, loss="relativistic", penalties=["r1", "r2"])
    assert batch_sizes_of(gan, images) == [2 * BATCH, BATCH, BATCH]
