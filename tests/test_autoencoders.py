"""Autoencoders under the stock `fit`."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_gen import corruptions, likelihoods, networks
from keras_gen.data import Batches, Split
from keras_gen.images import to_float
from keras_gen.inputs import Picture
from keras_gen.models.autoencoders import KINDS, RAE, VAE, Autoencoder, DenoisingAutoencoder
from keras_gen.models.autoencoders.regularized import discrepancy
from keras_gen.priors import Mixture, StandardNormal
from tests.conftest import BATCH, IMAGE_SHAPE, LATENT_DIM, make_autoencoder, make_conditions, same, weights_of
from tests.contracts import array


def one_number_autoencoder(**compile_arguments):
    """Images of one pixel: code = 0.5·x, reconstruction = 3·code."""

    def times(factor, name):
        pixel = keras.Input((1, 1, 1))
        dense = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor))
        return keras.Model(pixel, dense(pixel), name=name)

    autoencoder = Autoencoder(times(0.5, "encoder"), times(3.0, "decoder"))
    autoencoder.compile(keras.optimizers.SGD(0.0), **compile_arguments)
    return autoencoder


@pytest.mark.parametrize(
    ("loss", "expected"),
    # x = −1 and 0.2 (bytes 0 and 153), reconstructions 1.5·x: errors −0.5 and 0.1.
    [("mse", (0.25 + 0.01) / 2), ("mae", (0.5 + 0.1) / 2)],
)
def test_losses_by_hand(loss, expected):
    images = np.array([0, 153], "uint8").reshape(2, 1, 1, 1)
    history = one_number_autoencoder(loss=loss).fit(images, validation_data=(images,), verbose=0).history
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-6)
    np.testing.assert_allclose(history["val_loss"], [expected], rtol=1e-6)


def test_separate_targets_and_metrics():
    # From x = −1 (byte 0) to the target 0.2 (byte 153): −1.5 − 0.2 = −1.7.
    noisy, clean = np.zeros((2, 1, 1, 1), "uint8"), np.full((2, 1, 1, 1), 153, "uint8")
    history = one_number_autoencoder(loss="mse", metrics=["mae"]).fit(noisy, clean, verbose=0).history
    np.testing.assert_allclose(history["loss"], [1.7**2], rtol=1e-6)
    np.testing.assert_allclose(history["mae"], [1.7], rtol=1e-6)


@pytest.mark.parametrize("name", networks.ENCODERS)
def test_it_learns_what_the_images_have_in_common(name):
    # Images of one brightness each: one dimension is enough.
    levels = np.linspace(0, 255, 64).astype("uint8")
    images = np.broadcast_to(levels[:, None, None, None], (64, *IMAGE_SHAPE)).copy()
    autoencoder = Autoencoder(
        networks.encoder(name, IMAGE_SHAPE, LATENT_DIM), networks.decoder(name, IMAGE_SHAPE, LATENT_DIM)
    )
    autoencoder.compile(keras.optimizers.Adam(3e-3), loss="mse")
    history = autoencoder.fit(images, batch_size=16, epochs=40, verbose=0).history["loss"]
    assert history[0] > 0.1
    assert history[-1] < 0.005
    assert np.abs(autoencoder.reconstruct(images).astype(int) - images).mean() < 10


@pytest.mark.parametrize("name", networks.ENCODERS)
def test_it_does_not_settle_for_black(name):
    # A white square somewhere on black: a black output has the loss 4 · 36/400 = 0.36, and an output that saturates
    # there (tanh after ReLU, all steps in one direction at first) never leaves it.
    generator = np.random.default_rng(0)
    images = np.zeros((256, 20, 20, 1), "uint8")
    for image, (top, left) in zip(images, generator.integers(0, 15, (256, 2)), strict=True):
        image[top : top + 6, left : left + 6] = 255
    autoencoder = Autoencoder(networks.encoder(name, (20, 20, 1), 8), networks.decoder(name, (20, 20, 1), 8))
    autoencoder.compile(keras.optimizers.Adam(1e-3), loss="mse")
    has_left = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(autoencoder, "stop_training", logs["loss"] < 0.2)
    )
    autoencoder.fit(images, batch_size=32, epochs=25, verbose=0, callbacks=[has_left])
    assert autoencoder.history.history["loss"][-1] < 0.2


def test_encode_decode_reconstruct(images):
    autoencoder = make_autoencoder()
    codes = autoencoder.encode(images, batch_size=4)
    assert codes.shape == (6, LATENT_DIM)
    assert codes.dtype == np.float32
    decoded = autoencoder.decode(codes, batch_size=4)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, autoencoder.reconstruct(images))
    np.testing.assert_array_equal(autoencoder.reconstruct(images[:1])[0], decoded[0])


def test_a_loaded_model_continues_as_if_never_interrupted(images, tmp_path):
    unbroken = make_autoencoder()
    unbroken.fit(images, batch_size=BATCH, shuffle=False, verbose=0)
    unbroken.save(tmp_path / "autoencoder.keras")
    loaded = keras.saving.load_model(tmp_path / "autoencoder.keras")
    for model in (unbroken, loaded):
        model.fit(images, batch_size=BATCH, shuffle=False, verbose=0)
    assert same(weights_of(unbroken), weights_of(loaded))


def test_the_seed_of_dropout_is_saved(images, tmp_path):
    pixels = keras.Input(IMAGE_SHAPE)
    codes = layers.Dense(LATENT_DIM)(layers.Dropout(0.5)(layers.Flatten()(pixels)))
    autoencoder = Autoencoder(keras.Model(pixels, codes), networks.mlp.decoder(IMAGE_SHAPE, LATENT_DIM))
    autoencoder.compile("adam", loss="mse")
    autoencoder.fit(images, batch_size=BATCH, shuffle=False, verbose=0)
    autoencoder.save(tmp_path / "autoencoder.keras")
    loaded = keras.saving.load_model(tmp_path / "autoencoder.keras")
    for model in (autoencoder, loaded):
        model.fit(images, batch_size=BATCH, shuffle=False, verbose=0)
    assert same(weights_of(autoencoder), weights_of(loaded))


def test_halves_that_do_not_fit_are_refused():
    encoder = networks.mlp.encoder(IMAGE_SHAPE, 4)
    with pytest.raises(ValueError, match=r"encoder with outputs \(5,\) for a decoder of codes \(5,\), .* \(4,\)"):
        Autoencoder(encoder, networks.mlp.decoder(IMAGE_SHAPE, 5))
    with pytest.raises(ValueError, match=r"encoder with outputs \(8,\) for a decoder of codes \(4,\), .* \(4,\)"):
        VAE(encoder, networks.mlp.decoder(IMAGE_SHAPE, 4))
    with pytest.raises(ValueError, match=r"expected a decoder that takes nothing .*, received one that takes \(3,\)"):
        Autoencoder(encoder, networks.mlp.decoder(IMAGE_SHAPE, 4, 3))


def test_bfloat16(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        autoencoder = make_autoencoder()
        history = autoencoder.fit(images, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"]).all()
    assert array(autoencoder(images)).dtype == np.float32


def make(kind, conditions=None, **options):
    """A compiled dense autoencoder of that kind."""
    model = KINDS[kind]
    if kind == "vqvae":
        options = {"depth": 2, "size": 5, **options}
    width = conditions.width if conditions else 0
    autoencoder = model(
        networks.mlp.encoder(IMAGE_SHAPE, model.outputs_per_number * LATENT_DIM, widths=(16,)),
        networks.mlp.decoder(IMAGE_SHAPE, LATENT_DIM, width, widths=(16,)),
        conditions=conditions,
        **options,
    )
    autoencoder.compile(keras.optimizers.Adam(1e-2), loss=likelihoods.get("gaussian" if kind == "vae" else "mse"))
    return autoencoder


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.jax if kind == "vqvae" else ()) for kind in KINDS]
)
def test_every_kind_learns_reconstructs_samples_and_survives_saving(kind, images, tmp_path):
    autoencoder = make(kind, seed=3)

    def error():
        return np.mean((autoencoder.reconstruct(images).astype(float) - images) ** 2)

    before = error()
    history = autoencoder.fit(images, batch_size=BATCH, epochs=30, validation_data=(images,), verbose=0).history
    assert error() < 0.9 * before
    assert ("code_loss" in history) == (kind in ("vae", "rae", "wae", "vqvae"))
    codes = autoencoder.encode(images)
    assert codes.shape == (6, LATENT_DIM)
    np.testing.assert_array_equal(autoencoder.decode(codes), autoencoder.reconstruct(images))
    for components in (3, 1):  # the second replaces the first, in the file too
        autoencoder.prior = Mixture(LATENT_DIM, components).fit(codes)
    autoencoder.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.sample(4, seed=1), autoencoder.sample(4, seed=1))
    for model in (autoencoder, loaded):  # noise and draws continue where they stopped
        model.fit(images, batch_size=BATCH, shuffle=False, verbose=0)
    # In any order: a prior that exists from the start comes before everything that is built after it.
    assert same(*(sorted(weights_of(model), key=np.ndarray.tobytes) for model in (autoencoder, loaded)))


def test_a_conditional_vae_is_conditioned_by_name(tmp_path):
    conditions = make_conditions()
    vae = make("vae", conditions)
    rows = conditions.rows(12, seed=0)
    # The image depends only on the request: the first column of the row is the brightness.
    brightness = (rows[:, :1] * 255).astype("uint8")
    pictures = np.broadcast_to(brightness[:, :, None, None], (12, *IMAGE_SHAPE)).copy()
    vae.fit(Batches(Split(pictures), 6, columns={"conditions": rows}), epochs=60, shuffle=False, verbose=0)
    vae.save(tmp_path / "vae.keras")
    vae = keras.saving.load_model(tmp_path / "vae.keras")
    name, first = conditions.names[0], conditions.attributes[0].values[0]
    assert vae.sample(8, where={name: first}).mean() > 170
    assert vae.sample(8, where={name: conditions.attributes[0].values[1]}).mean() < 85
    assert np.abs(vae.reconstruct(pictures, rows).astype(int) - pictures).mean() < 40
    with pytest.raises(ValueError, match="expected conditions beside the images, received images alone"):
        vae.reconstruct(pictures)


def test_columns_come_by_name_or_in_their_order(images):
    conditions, source = make_conditions(), Picture("source", (8, 12, 1))
    rows, pictures = conditions.rows(6, seed=0), images[..., :1]
    inputs = keras.Input((4,)), keras.Input(conditions.shape), keras.Input(source.shape)
    hidden = layers.Concatenate()([layers.Flatten()(each) for each in inputs])
    decoder = keras.Model(inputs, layers.Reshape(IMAGE_SHAPE)(layers.Dense(8 * 12 * 3, "tanh")(hidden)))
    autoencoder = Autoencoder(networks.mlp.encoder(IMAGE_SHAPE, 4), decoder, conditions=conditions, inputs=[source])
    autoencoder.compile(keras.optimizers.SGD(0.0), loss="mse")
    columns = {"source": pictures, "images": images, "conditions": rows}
    by_name = array(autoencoder(columns))
    np.testing.assert_array_equal(array(autoencoder([images, rows, pictures])), by_name)
    given = {"conditions": rows, "source": pictures}
    assert np.abs(autoencoder.reconstruct(images, given=given) / 127.5 - 1 - by_name).max() < 0.005
    losses = [autoencoder.fit(x, verbose=0).history["loss"][0] for x in (columns, (images, rows, pictures))]
    np.testing.assert_allclose(losses, np.mean((by_name - (images / 127.5 - 1)) ** 2), rtol=1e-5)
    with pytest.raises(ValueError, match="expected source beside the images"):
        autoencoder.reconstruct(images, rows)
    with pytest.raises(ValueError, match=r'received images alone: fit\({"images": …, "conditions": …}\)'):
        autoencoder.fit(images, verbose=0)


def one_number_vae(mean, log_variance, **options):
    """Images of one pixel whose code has this mean and log variance, whatever the image; it reconstructs black."""
    pixel, code = keras.Input((1, 1, 1)), keras.Input((1,))
    initializers = [keras.initializers.Constant(value) for value in (mean, log_variance)]
    numbers = [
        layers.Dense(1, kernel_initializer="zeros", bias_initializer=initializer)(layers.Flatten()(pixel))
        for initializer in initializers
    ]
    black = layers.Dense(1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-1.0))(code)
    encoder = keras.Model(pixel, layers.Concatenate()(numbers))
    vae = VAE(encoder, keras.Model(code, layers.Reshape((1, 1, 1))(black)), **options)
    vae.compile(keras.optimizers.SGD(0.0), loss="mse")
    return vae


@pytest.mark.parametrize(
    ("options", "progress", "expected", "expected_validation"),
    [
        # μ 2, σ² e: (4 + e − 1 − 1) / 2 nats; the reconstruction error is 0.
        ({}, 0.0, 2.3591409, 2.3591409),
        ({"beta": 3.0}, 0.0, 7.0774228, 7.0774228),
        ({"beta": 3.0, "warm_up": 0.5}, 0.125, 7.0774228 / 4, 7.0774228),
        ({"warm_up": 0.5}, 0.75, 2.3591409, 2.3591409),
        ({"free_bits": 5.0}, 0.0, 5.0, 5.0),
    ],
)
def test_the_evidence_bound_by_hand(options, progress, expected, expected_validation):
    vae = one_number_vae(2.0, 1.0, **options)
    vae.set_progress(progress)
    black = np.zeros((2, 1, 1, 1), "uint8")
    code_loss = 5.0 if "free_bits" in options else 2.3591409
    for logs, loss in (
        (vae.train_on_batch(black, return_dict=True), expected),
        (vae.evaluate(black, return_dict=True, verbose=0), expected_validation),
    ):
        np.testing.assert_allclose([logs["loss"], logs["code_loss"]], [loss, code_loss], rtol=1e-5)


def test_the_warm_up_works_in_a_plain_fit():
    # One batch an epoch, begun at 0, 1/3 and 2/3 of the run: 0, 2/3 and all of 3 · 2.3591409 nats.
    vae = one_number_vae(2.0, 1.0, beta=3.0, warm_up=0.5)
    history = vae.fit(np.zeros((2, 1, 1, 1), "uint8"), epochs=3, verbose=0).history
    np.testing.assert_allclose(history["loss"], [0.0, 7.0774228 * 2 / 3, 7.0774228], rtol=1e-5)
    assert float(vae.progress) == 1.0
    assert float(vae.weight(vae.progress)) == 3.0


def test_a_likelihood_is_given_by_name(images, tmp_path):
    by_name, by_object = make("vae", seed=3), make("vae", seed=3)
    by_object.set_weights(by_name.get_weights())
    by_name.compile("adam", loss="gaussian")
    by_object.compile("adam", loss=likelihoods.Gaussian())
    losses = [model.fit(images, shuffle=False, verbose=0).history["loss"] for model in (by_name, by_object)]
    assert losses[0] == losses[1]
    by_name.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    losses = [model.fit(images, shuffle=False, verbose=0).history["loss"] for model in (by_name, loaded)]
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match="gausian"):
        by_name.compile("adam", loss="gausian")


def test_codes_are_drawn_in_training_and_the_mean_otherwise():
    vae = one_number_vae(2.0, np.log(0.25))
    encoded = np.tile(np.array([[2.0, np.log(0.25)]], "float32"), (20_000, 1))
    drawn = array(vae.to_codes(encoded, training=True))
    assert drawn.mean() == pytest.approx(2.0, abs=0.02)
    assert drawn.std() == pytest.approx(0.5, abs=0.02)
    assert np.unique(array(vae.to_codes(encoded, training=False))).tolist() == [2.0]
    assert vae.active_units(np.zeros((5, 1, 1, 1), "uint8")) == 0


def test_a_vae_is_ready_to_sample_and_an_autoencoder_is_not():
    assert isinstance(make("vae").prior, StandardNormal)
    with pytest.raises(ValueError, match=r"expected an autoencoder with a prior: .*choose_prior"):
        make("plain").sample(1)
    autoencoder = make("plain", prior=StandardNormal(LATENT_DIM + 1))
    with pytest.raises(ValueError, match=f"expected a prior of latent_dim {LATENT_DIM}, received {LATENT_DIM + 1}"):
        autoencoder.sample(1)


@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt_and_pepper"])
def test_noise_corrupts_the_stated_share(noise):
    amount = 0.3
    grey = np.full((4, 50, 40, 3), 0.5, "float32")
    spoilt = array(corruptions.get(noise, amount)(grey, seed=keras.random.SeedGenerator(0)))
    if noise == "gaussian":
        assert (spoilt - grey).std() == pytest.approx(amount, abs=0.01)
        return
    whole_pixels = np.all(spoilt == spoilt[..., :1], axis=-1)
    assert whole_pixels.all()
    values, counts = np.unique(spoilt, return_counts=True)
    shares = dict(zip(values.tolist(), counts / spoilt.size, strict=True))
    expected = {0.0: amount} if noise == "masking" else {-1.0: amount / 2, 1.0: amount / 2}
    assert shares == pytest.approx({**expected, 0.5: 1 - amount}, abs=0.02)


def test_noise_is_for_training_only(images):
    autoencoder = make("denoising", noise="salt_and_pepper", amount=0.9)
    clean = array(autoencoder(images))
    np.testing.assert_array_equal(clean, array(autoencoder(images, training=False)))
    assert not np.allclose(clean, array(autoencoder(images, training=True)))


def test_regularizers_of_the_networks_count_once_and_are_not_in_the_code_loss():
    vae = one_number_vae(2.0, 1.0, beta=3.0)
    vae.decoder.layers[1].bias.regularizer = keras.regularizers.L2(0.25)  # of a bias of −1
    history = vae.fit(np.zeros((2, 1, 1, 1), "uint8"), verbose=0).history
    np.testing.assert_allclose(history["loss"], [7.0774228 + 0.25], rtol=1e-5)
    np.testing.assert_allclose(history["code_loss"], [2.3591409], rtol=1e-5)
    assert [metric.name for metric in vae.metrics].count("code_loss") == 1


def test_one_image_is_a_batch_too(images):
    wae = make("wae")
    assert np.isfinite(wae.fit(images[:1], validation_data=(images[:1],), verbose=0).history["val_loss"]).all()


def test_codes_are_kept_small():
    codes = np.array([[3.0, 4.0], [0.0, 1.0]], "float32")  # squared lengths 25 and 1
    rae = RAE(networks.mlp.encoder((2, 2, 1), 2), networks.mlp.decoder((2, 2, 1), 2), strength=0.5, decay=0.0)
    assert float(rae.code_loss(codes)) == pytest.approx(0.5 * 13 / 2)
    rae.decay = 0.1
    kernels = sum(np.sum(array(weight) ** 2) for weight in rae.decoder.trainable_variables if "kernel" in weight.path)
    assert float(rae.code_loss(codes)) == pytest.approx(0.5 * 13 / 2 + 0.1 * kernels, rel=1e-5)


def test_discrepancy_by_hand_and_by_draws():
    # One dimension: base 2, codes 0 and 1, draws 0 and 2. Kernels of distances 1, 2 and 1, 4, 0.
    scales = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])

    def kernel(distance):
        return np.sum(2 * scales / (2 * scales + distance))

    expected = kernel(1) + kernel(4) - 2 * (kernel(0) + kernel(4) + kernel(1) + kernel(1)) / 4
    received = discrepancy(np.array([[0.0], [1.0]], "float32"), np.array([[0.0], [2.0]], "float32"))
    assert float(received) == pytest.approx(expected, rel=1e-5)
    draws = np.random.default_rng(0).standard_normal((3, 256, 4)).astype("float32")
    same_kind, shifted = (float(discrepancy(draws[0], codes)) for codes in (draws[1], draws[2] + 1))
    assert abs(same_kind) < 0.05 < shifted


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (
            lambda *halves: VAE(*halves, warm_up=1.0),
            r"expected beta and free_bits of at least 0 and a warm_up in \[0, 1\)",
        ),
        (lambda *halves: VAE(*halves, beta=-1.0), "expected beta and free_bits of at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it(networks.mlp.encoder(IMAGE_SHAPE, 8), networks.mlp.decoder(IMAGE_SHAPE, 4))


def test_unknown_noise_is_refused():
    halves = networks.mlp.encoder(IMAGE_SHAPE, 4), networks.mlp.decoder(IMAGE_SHAPE, 4)
    with pytest.raises(
        ValueError, match="unknown corruption 'pink': expected one of identity, gaussian, masking, salt_and_pepper"
    ):
        DenoisingAutoencoder(*halves, noise="pink")
    with pytest.raises(ValueError, match="expected an amount of corruption above 0, received 0"):
        DenoisingAutoencoder(*halves, amount=0)
    with pytest.raises(
        ValueError, match=r"expected noise that keeps the size of images, received shrink, which makes \(4, 6, 3\) of"
    ):
        DenoisingAutoencoder(*halves, noise="shrink")
    with pytest.raises(ValueError, match="expected images of a multiple of 5 pixels a side, received 8×12"):
        DenoisingAutoencoder(*halves, noise="blocks", amount=5)


@pytest.mark.parametrize("noise", ["identity", "jpeg", "scratches", "wear"])
def test_noise_has_its_default_amount(noise, images):
    autoencoder = make("denoising", noise=noise)
    corrupted = array(autoencoder.corrupt(ops.convert_to_tensor(to_float(images))))
    assert corrupted.shape == images.shape
    assert np.array_equal(corrupted, array(to_float(images))) == (noise == "identity")
