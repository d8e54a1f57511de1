"""Fixtures that several test files share. Everything is tiny and oddly shaped, so that swapped axes fail."""

import os
import shutil

# Before anything imports TensorFlow. Workers share the cores: each that used all of them would wait for the others.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# On JAX: optimising a program takes longer than running it for the few steps of a test.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import filelock
import keras
import numpy as np
import pytest

from keras_gen import backend, networks, schedules
from keras_gen.augment import Augmentation
from keras_gen.export import runtimes, verification
from keras_gen.features import FeatureNet, training
from keras_gen.inputs import Categorical, Conditions, Continuous
from keras_gen.models.autoencoders import Autoencoder
from keras_gen.models.gan import GAN

IMAGE_SHAPE = (8, 12, 3)
LATENT_DIM = 4
BATCH = 3


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory):
    """A cache for what is trained or unpacked once, feature nets above all: that of the user is not touched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(_of_session(tmp_path_factory, "keras")))
        yield


@pytest.fixture(autouse=True)
def _float32():
    """Gives a precision back that a command has set."""
    yield
    keras.config.set_dtype_policy("float32")


def _train_briefly(learner, loss, split, targets, seed, num_steps, on_fraction):
    REAL["all_steps"](learner, loss, split, targets, seed, min(num_steps, 200), on_fraction)


# What real runs do and tests need not wait for: XLA takes longer to compile an optimizer's step than the few steps of a
# test take; an export that is only a means need not be verified by every runtime; digits and stripes are learned by a
# feature net in half of its steps. A marker restores the real thing.
QUICK = {
    "compiled": (backend, "apply", lambda optimizer, gradients, variables: optimizer.apply(gradients, variables)),
    "all_runtimes": (verification, "RUNTIMES", ("c_api" if runtimes.c_library() else "tensorflow",)),
    "all_steps": (training, "train", _train_briefly),
}
REAL = {marker: getattr(owner, name) for marker, (owner, name, _) in QUICK.items()}


@pytest.fixture(autouse=True, scope="session")
def _quick():
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, quick in QUICK.values():
            patch.setattr(owner, name, quick)
        yield


@pytest.fixture(autouse=True)
def _as_in_real_runs(request, monkeypatch):
    for marker, (owner, name, _) in QUICK.items():
        if request.node.get_closest_marker(marker):
            monkeypatch.setattr(owner, name, REAL[marker])


def _of_session(tmp_path_factory, name):
    """A path that is the same in all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder / name


def shared(tmp_path_factory, name, make):
    """The folder `name`, filled by `make(folder)` in the first worker that needs it, for the whole session."""
    folder = _of_session(tmp_path_factory, name)
    with filelock.FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            try:
                make(folder)
            except BaseException:
                shutil.rmtree(folder)
                raise
    return folder


def pictures():
    """Six uint8 images, two batches."""
    return np.random.default_rng(0).integers(0, 256, (2 * BATCH, *IMAGE_SHAPE)).astype("uint8")


@pytest.fixture
def images():
    return pictures()


def make_gan(**compile_arguments):
    """A compiled GAN with every source of randomness that a network may have: latents and dropout."""
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(16,)),
        networks.mlp.discriminator(IMAGE_SHAPE, widths=(16, 8)),
        seed=7,
    )
    gan.compile(**compile_arguments)
    return gan


def make_conditions():
    """A class, a yes or no, and a number: a row of 3 + 2 + 4."""
    attributes = [
        Categorical("species", ["elf", "orc", "dwarf"]),
        Categorical("hat", ["no", "yes"]),
        Continuous("age", 0, 100, knots=4),
    ]
    return Conditions(attributes, examples={"species": [0, 1, 2, 1], "hat": [0, 1, -1, 1], "age": [10, 90, 50, np.nan]})


def make_conditional_gan(**compile_arguments):
    """A compiled GAN that has everything at once."""
    conditions, (height, width, channels) = make_conditions(), IMAGE_SHAPE
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, conditions.width, widths=(16,)),
        networks.mlp.discriminator(
            (height, width, 2 * channels), 2 * conditions.width, widths=(16, 8), spectral_normalization=True
        ),
        conditions=conditions,
        augmentation=Augmentation(("flip", "color", "translation"), probability=0.5, target=0.6),
        pack_size=2,
        discriminator_steps=2,
        ema_decay=0.9,
        seed=7,
    )
    rate = schedules.Linear(2e-3, 1e-3)
    gan.compile(
        **{
            "loss": "relativistic",
            "penalties": ["r1", "r2", "gradient_penalty"],
            "hyperparameters": {"learning_rate": rate, "beta_2": schedules.Cosine(0.9, 0.99)},
            **compile_arguments,
        }
    )
    return gan


def conditional_data(images):
    """Images and their conditions: enough for two steps on two packs of two."""
    images = np.concatenate([images, images[::-1]])[:8]
    return images, make_conditions().rows(len(images), seed=3)


def make_autoencoder(**compile_arguments):
    """A compiled convolutional autoencoder."""
    autoencoder = Autoencoder(
        networks.conv.encoder(IMAGE_SHAPE, LATENT_DIM, widths=(4, 8)),
        networks.conv.decoder(IMAGE_SHAPE, LATENT_DIM, widths=(8, 4)),
    )
    autoencoder.compile(**{"optimizer": "adam", "loss": "mse", **compile_arguments})
    return autoencoder


def untrained_net(image_shape=IMAGE_SHAPE):
    """An untrained feature net, which is quick to make, for tests that need any net."""
    pictures = keras.Input(image_shape, dtype="uint8")
    hidden = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pictures))
    return FeatureNet(keras.Model(pictures, keras.layers.Dense(5)(hidden)), None)


MODELS = {"gan": make_gan, "autoencoder": make_autoencoder}


def weights_of(model):
    """Every variable of a model, seeds included, as arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]


def same(left, right):
    """Whether two lists of arrays are equal bit for bit."""
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))
