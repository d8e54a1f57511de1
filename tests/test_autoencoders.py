"""Autoencoders under the stock `fit`."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_gen import networks
from keras_gen.autoencoders import Autoencoder
from tests.conftest import BATCH, IMAGE_SHAPE, LATENT_DIM, make_autoencoder, same, weights_of
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


def test_targets_and_metrics_of_their_own():
    # From x = −1 (byte 0) to the target 0.2 (byte 153): −1.5 − 0.2 = −1.7.
    noisy, clean = np.zeros((2, 1, 1, 1), "uint8"), np.full((2, 1, 1, 1), 153, "uint8")
    history = one_number_autoencoder(loss="mse", metrics=["mae"]).fit(noisy, clean, verbose=0).history
    np.testing.assert_allclose(history["loss"], [1.7**2], rtol=1e-6)
    np.testing.assert_allclose(history["mae"], [1.7], rtol=1e-6)


@pytest.mark.parametrize("name", networks.ENCODERS)
def test_it_learns_what_the_images_have_in_common(name):
    # Images of one brightness each: one number says it all.
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
    # A white square somewhere on black: answering black has the loss 4 · 36/400 = 0.36, and an output that saturates
    # there (tanh after ReLU, all steps in one direction at first) never leaves it.
    generator = np.random.default_rng(0)
    images = np.zeros((256, 20, 20, 1), "uint8")
    for image, (top, left) in zip(images, generator.integers(0, 15, (256, 2)), strict=True):
        image[top : top + 6, left : left + 6] = 255
    autoencoder = Autoencoder(networks.encoder(name, (20, 20, 1), 8), networks.decoder(name, (20, 20, 1), 8))
    autoencoder.compile(keras.optimizers.Adam(1e-3), loss="mse")
    history = autoencoder.fit(images, batch_size=32, epochs=25, verbose=0).history["loss"]
    assert history[-1] < 0.2


def test_encode_decode_reconstruct(images):
    autoencoder = make_autoencoder()
    codes = autoencoder.encode(images, batch_size=4)
    assert codes.shape == (6, LATENT_DIM)
    assert codes.dtype == np.float32
    decoded = autoencoder.decode(codes, batch_size=4)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, autoencoder.reconstruct(images))
    np.testing.assert_array_equal(autoencoder.reconstruct(images[:1])[0], decoded[0])


def test_a_loaded_model_goes_on_as_if_never_interrupted(images, tmp_path):
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
    with pytest.raises(ValueError, match=r"expected a decoder of the encoder's codes \(4,\), received one of \(5,\)"):
        Autoencoder(encoder, networks.mlp.decoder(IMAGE_SHAPE, 5))


def test_bfloat16(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        autoencoder = make_autoencoder()
        history = autoencoder.fit(images, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"]).all()
    assert array(autoencoder(images)).dtype == np.float32
