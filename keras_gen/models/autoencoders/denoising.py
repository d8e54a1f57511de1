"""Autoencoders that learn to repair corrupted images."""

from __future__ import annotations

import keras

from keras_gen import corruptions
from keras_gen.models.autoencoders.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_gen")
class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that gets corrupted images in training and should return the clean ones.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        noise: a name in `corruptions.CORRUPTIONS`.
        amount: of the noise, above 0, see `corruptions`.
        **kwargs: as of `Autoencoder`.

    Raises:
        ValueError: for an unknown noise, or an amount of 0 or less.

    Source:
        Vincent et al., Extracting and Composing Robust Features with Denoising Autoencoders (2008),
        https://doi.org/10.1145/1390156.1390294
    """

    def __init__(self, encoder, decoder, *, noise="gaussian", amount=0.5, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._corrupt = corruptions.get(noise, amount)
        self.noise = noise
        self.amount = amount

    def corrupt(self, images):
        return self._corrupt(images, seed=self.seed_generator)

    def get_config(self):
        return {**super().get_config(), "noise": self.noise, "amount": self.amount}
