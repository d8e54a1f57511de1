"""keras_gen: from a folder of images to a generator that can be trusted and served, on Keras 3.

The public names, each with the room that it belongs to. They are imported on first use, so that `keras-gen --help` does
not wait for TensorFlow and `import keras_gen` needs no particular backend.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from keras_gen.version import VERSION as __version__

if TYPE_CHECKING:
    from keras_gen import (
        augment,
        callbacks,
        corruptions,
        data,
        evaluation,
        export,
        features,
        images,
        inputs,
        latents,
        layers,
        likelihoods,
        losses,
        masks,
        models,
        networks,
        penalties,
        presets,
        priors,
        repair,
        schedules,
        style,
        terms,
    )
    from keras_gen.data import load
    from keras_gen.export import publish
    from keras_gen.inputs import Conditions
    from keras_gen.models import autoencoders, inversion
    from keras_gen.models.autoencoders import RAE, VAE, VQVAE, WAE, Autoencoder, DenoisingAutoencoder
    from keras_gen.models.contrastive import ContrastiveTranslator
    from keras_gen.models.cycle import Cycle
    from keras_gen.models.game import AdversarialModel, Player
    from keras_gen.models.gan import GAN
    from keras_gen.models.repairer import Repairer
    from keras_gen.models.stylizer import Stylizer
    from keras_gen.models.translator import Translator

_HOMES = {
    "GAN": "models.gan",
    "AdversarialModel": "models.game",
    "Player": "models.game",
    "Autoencoder": "models.autoencoders",
    "DenoisingAutoencoder": "models.autoencoders",
    "RAE": "models.autoencoders",
    "Repairer": "models.repairer",
    "ContrastiveTranslator": "models.contrastive",
    "Cycle": "models.cycle",
    "Stylizer": "models.stylizer",
    "Translator": "models.translator",
    "VAE": "models.autoencoders",
    "VQVAE": "models.autoencoders",
    "WAE": "models.autoencoders",
    "Conditions": "inputs",
    "load": "data",
    "publish": "export",
}
_ROOMS = {
    "augment": "augment",
    "autoencoders": "models.autoencoders",
    "callbacks": "callbacks",
    "corruptions": "corruptions",
    "data": "data",
    "evaluation": "evaluation",
    "export": "export",
    "features": "features",
    "images": "images",
    "inputs": "inputs",
    "inversion": "models.inversion",
    "latents": "latents",
    "layers": "layers",
    "likelihoods": "likelihoods",
    "losses": "losses",
    "masks": "masks",
    "models": "models",
    "networks": "networks",
    "penalties": "penalties",
    "presets": "presets",
    "priors": "priors",
    "repair": "repair",
    "schedules": "schedules",
    "style": "style",
    "terms": "terms",
}

__all__ = [
    "GAN",
    "RAE",
    "VAE",
    "VQVAE",
    "WAE",
    "AdversarialModel",
    "Autoencoder",
    "Conditions",
    "ContrastiveTranslator",
    "Cycle",
    "DenoisingAutoencoder",
    "Player",
    "Repairer",
    "Stylizer",
    "Translator",
    "__version__",
    "augment",
    "autoencoders",
    "callbacks",
    "corruptions",
    "data",
    "evaluation",
    "export",
    "features",
    "images",
    "inputs",
    "inversion",
    "latents",
    "layers",
    "likelihoods",
    "load",
    "losses",
    "masks",
    "models",
    "networks",
    "penalties",
    "presets",
    "priors",
    "publish",
    "repair",
    "schedules",
    "style",
    "terms",
]


def __getattr__(name: str):
    if name in _ROOMS:
        return importlib.import_module(f"keras_gen.{_ROOMS[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"keras_gen.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'keras_gen' has no attribute {name!r}")


def __dir__():
    return __all__


if "keras" in sys.modules:  # so that `keras.saving.load_model` finds the classes of a saved model
    importlib.import_module("keras_gen.models.saving")
