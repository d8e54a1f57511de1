"""Autoencoders that learn to mend what was spoilt."""

from __future__ import annotations

import keras
from keras import ops

from keras_gen.models.autoencoders.autoencoder import Autoencoder
from keras_gen.registry import lookup


def gaussian(images, amount, seed):
    """Adds normal noise with the standard deviation `amount`, on the scale [-1, 1]."""
    return images + keras.random.normal(ops.shape(images), stddev=amount, seed=seed)


def masking(images, amount, seed):
    """Turns the share `amount` of the pixels grey, all channels of a pixel alike."""
    return ops.where(_places(images, seed) < amount, 0.0, images)


def salt_and_pepper(images, amount, seed):
    """Turns the share `amount` of the pixels black or white, as many each, all channels of a pixel alike."""
    places = _places(images, seed)
    return ops.where(places < amount / 2, -1.0, ops.where(places < amount, 1.0, images))


def _places(images, seed):
    """Uniform numbers (b, height, width, 1)."""
    return keras.random.uniform((*ops.shape(images)[:-1], 1), seed=seed)


NOISES = {"gaussian": gaussian, "masking": masking, "salt_and_pepper": salt_and_pepper}


@keras.saving.register_keras_serializable("keras_gen")
class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that sees spoilt images in training and shall give back the clean ones.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        noise: a name in `NOISES`.
        amount: of the noise, above 0: see there.
        **kwargs: as of `Autoencoder`.

    Raises:
        ValueError: for a noise that there is not, or no amount of it.

    Source:
        Vincent et al., Extracting and Composing Robust Features with Denoising Autoencoders (2008),
        https://doi.org/10.1145/1390156.1390294
    """

    def __init__(self, encoder, decoder, *, noise="gaussian", amount=0.5, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._spoil = lookup("noise", NOISES, noise)
        if not amount > 0:
            raise ValueError(f"expected an amount of noise above 0, received {amount}")
        self.noise = noise
        self.amount = amount

    def corrupt(self, images):
        return self._spoil(images, self.amount, self.seed_generator)

    def get_config(self):
        return {**super().get_config(), "noise": self.noise, "amount": self.amount}
