"""One round of some games from given weights, noise and images: a program for each backend, see test_backends.py.

`python -m tests.one_step OUT.npz` writes every weight after the round, as `<game>/<number>`.
"""

import sys

import keras
import numpy as np

from keras_gen import networks, penalties, schedules
from keras_gen.inputs import Categorical, Conditions
from keras_gen.models.gan import GAN

IMAGE_SHAPE = (8, 12, 3)
LATENT_DIM = 4
SCHEMA = Conditions([Categorical("label", ["a", "b", "c"])])
# A relativistic loss does not depend on the bias of the logits: its slope there is a rounding error, which differs
# between backends. Compared with Keras' epsilon of 1e-7 it would cause a visible step.
ADAM = {"learning_rate": 1e-3, "beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-5}


def fast():
    """Conditional, relativistic, R1 + R2 with a scheduled weight, averaged weights, spectral normalisation."""
    gan = GAN(
        networks.conv.generator(IMAGE_SHAPE, LATENT_DIM, SCHEMA.width, width=4),
        networks.conv.discriminator(IMAGE_SHAPE, SCHEMA.width, width=4, spectral_normalization=True),
        conditions=SCHEMA,
        ema_decay=0.9,
    )
    weight = schedules.Cosine(2.0, 1.0)
    return gan, {"loss": "relativistic", "penalties": [penalties.R1(weight), penalties.R2(weight)]}


def wgan_gp():
    """Several steps of the critic, points between real images and fakes, a scheduled rate."""
    gan = GAN(
        networks.dcgan.generator(IMAGE_SHAPE, LATENT_DIM, width=4),
        networks.dcgan.discriminator(IMAGE_SHAPE, width=4, batch_normalization=False),
        discriminator_steps=2,
    )
    rate = schedules.Linear(1e-3, 0.0)
    return gan, {"loss": "wasserstein", "penalties": ["gradient_penalty"], "hyperparameters": {"learning_rate": rate}}


def pairs():
    """Dense networks that score pairs."""
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,)),
        networks.mlp.discriminator((8, 12, 6), widths=(8,), dropout=0.0),
        pack_size=2,
    )
    return gan, {"loss": "hinge", "penalties": ["dragan"]}


GAMES = {"fast": fast, "wgan_gp": wgan_gp, "pairs": pairs}


def play(game):
    """Every weight of a game after one round."""
    source = np.random.default_rng(0)

    # Each backend has its own random numbers: these come from a table, in the order of the calls.
    def normal(shape, seed=None, **_):
        return keras.ops.convert_to_tensor(source.standard_normal(tuple(map(int, shape))).astype("float32"))

    def uniform(shape, seed=None, **_):
        return keras.ops.convert_to_tensor(source.uniform(size=tuple(map(int, shape))).astype("float32"))

    gan, arguments = GAMES[game]()
    eager = keras.backend.backend() != "jax"  # where each operation would be compiled by itself
    gan.compile(keras.optimizers.Adam(**ADAM), keras.optimizers.Adam(**ADAM), run_eagerly=eager, **arguments)
    for variable in gan.weights:
        if "seed" not in variable.name and variable.name != "progress":
            variable.assign(0.3 * source.standard_normal(variable.shape) + ("variance" in variable.name) * 2.0)
    gan.set_progress(0.5)
    images = source.uniform(-1, 1, (8, *IMAGE_SHAPE)).astype("float32")
    keras.random.normal, keras.random.uniform = normal, uniform
    gan.train_on_batch(images, np.array([0, 1, 2, 0, 1, 2, -1, 0]))
    weights = [variable for variable in gan.weights if "seed" not in variable.name]
    return {f"{game}/{index}": keras.ops.convert_to_numpy(variable.value) for index, variable in enumerate(weights)}


if __name__ == "__main__":
    np.savez(sys.argv[1], **{name: weight for game in GAMES for name, weight in play(game).items()})
