"""Named configurations: what the literature calls by a name, as data.

A preset is a starting point; every field can be changed by an option of the training scripts. The command and what
it gave, measured, stand beside each preset in docs/presets.md. Nothing heavy is imported here.
"""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    """What a training script needs to know besides the data.

    Attributes:
        about: one line for `--help`.
        network: architecture of both networks, a name in `networks`.
        latent_dim: numbers per latent or code.
        loss: a name in `losses.LOSSES` for a GAN, of a Keras loss for an autoencoder.
        learning_rate: of Adam, the same for every network.
        batch_size: images per step.
    """

    about: str
    network: str
    latent_dim: int
    loss: str
    learning_rate: float
    batch_size: int


GANS = {
    # Adam 2e-4 with the default β1 = 0.9 is the article's; it is known to lose modes (see README).
    "article": Preset(
        about="dense 100-256-512-1024-pixels against its mirror, BCE, Adam 2e-4: the introductory GAN, unstable",
        network="mlp",
        latent_dim=100,
        loss="non_saturating",
        learning_rate=2e-4,
        batch_size=128,
    ),
}

AUTOENCODERS = {
    "article": Preset(
        about="dense encoder, code of 32 numbers, dense decoder, mean squared error, Adam 1e-3",
        network="mlp",
        latent_dim=32,
        loss="mse",
        learning_rate=1e-3,
        batch_size=128,
    ),
}
