"""keras_gen: from a folder of images to a generator that can be trusted and served, on Keras 3.

The public names, each with the room it lives in. They are imported when first used, so that `keras-gen --help` does
not wait for TensorFlow and `import keras_gen` needs no particular backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from keras_gen.version import VERSION as __version__

if TYPE_CHECKING:
    from keras_gen import (
        augment,
        autoencoders,
        callbacks,
        data,
        evaluation,
        export,
        images,
        inversion,
        latents,
        layers,
        likelihoods,
        losses,
        networks,
        penalties,
        presets,
        priors,
        schedules,
    )
    from keras_gen.adversarial import AdversarialModel, Player
    from keras_gen.autoencoders import RAE, VAE, VQVAE, WAE, Autoencoder, DenoisingAutoencoder
    from keras_gen.conditions import Conditions
    from keras_gen.data import load
    from keras_gen.export import publish
    from keras_gen.gan import GAN

_HOMES = {
    "GAN": "gan",
    "AdversarialModel": "adversarial",
    "Player": "adversarial",
    "Autoencoder": "autoencoders",
    "DenoisingAutoencoder": "autoencoders",
    "RAE": "autoencoders",
    "VAE": "autoencoders",
    "VQVAE": "autoencoders",
    "WAE": "autoencoders",
    "Conditions": "conditions",
    "load": "data",
    "publish": "export",
}
_ROOMS = (
    "augment",
    "autoencoders",
    "callbacks",
    "data",
    "evaluation",
    "export",
    "images",
    "inversion",
    "latents",
    "layers",
    "likelihoods",
    "losses",
    "networks",
    "penalties",
    "presets",
    "priors",
    "schedules",
)

__all__ = [
    "GAN",
    "RAE",
    "VAE",
    "VQVAE",
    "WAE",
    "AdversarialModel",
    "Autoencoder",
    "Conditions",
    "DenoisingAutoencoder",
    "Player",
    "__version__",
    "augment",
    "autoencoders",
    "callbacks",
    "data",
    "evaluation",
    "export",
    "images",
    "inversion",
    "latents",
    "layers",
    "likelihoods",
    "load",
    "losses",
    "networks",
    "penalties",
    "presets",
    "priors",
    "publish",
    "schedules",
]


def __getattr__(name: str):
    if name in _ROOMS:
        return importlib.import_module(f"keras_gen.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"keras_gen.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'keras_gen' has no attribute {name!r}")


def __dir__():
    return __all__
