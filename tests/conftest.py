"""Fixtures that several test files share. Everything is tiny and oddly shaped, so that swapped axes fail."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow

import keras
import numpy as np
import pytest

from keras_gen import networks
from keras_gen.autoencoders import Autoencoder
from keras_gen.gan import GAN

IMAGE_SHAPE = (8, 12, 3)
LATENT_DIM = 4
BATCH = 3


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def images():
    """Six uint8 images, two batches."""
    return np.random.default_rng(0).integers(0, 256, (2 * BATCH, *IMAGE_SHAPE)).astype("uint8")


def make_gan(**compile_arguments):
    """A compiled GAN with every source of randomness that a network may have: latents and dropout."""
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(16,)),
        networks.mlp.discriminator(IMAGE_SHAPE, widths=(16, 8)),
        seed=7,
    )
    gan.compile(**compile_arguments)
    return gan


def make_autoencoder(**compile_arguments):
    """A compiled convolutional autoencoder."""
    autoencoder = Autoencoder(
        networks.conv.encoder(IMAGE_SHAPE, LATENT_DIM, widths=(4, 8)),
        networks.conv.decoder(IMAGE_SHAPE, LATENT_DIM, widths=(8, 4)),
    )
    autoencoder.compile(**{"optimizer": "adam", "loss": "mse", **compile_arguments})
    return autoencoder


MODELS = {"gan": make_gan, "autoencoder": make_autoencoder}


def weights_of(model):
    """Every variable of a model, seeds included, as arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]


def same(left, right):
    """Whether two lists of arrays are equal bit for bit."""
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))
