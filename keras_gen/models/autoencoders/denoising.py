"""Autoencoders that learn to repair corrupted images."""

from __future__ import annotations

import keras
from keras import ops

from keras_gen import corruptions
from keras_gen.models.autoencoders.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_gen")
class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that gets corrupted images in training and should return the clean ones.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        noise: a name in `corruptions.CORRUPTIONS`, of one that keeps the size of images.
        amount: of the noise, above 0, see `corruptions`; None for its default.
        **kwargs: as of `Autoencoder`.

    Raises:
        ValueError: for an unknown noise, one that changes the size of images, or an amount that it does not accept.

    Source:
        Vincent et al., Extracting and Composing Robust Features with Denoising Autoencoders (2008),
        https://doi.org/10.1145/1390156.1390294
    """

    def __init__(self, encoder, decoder, *, noise="gaussian", amount=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._corrupt = corruptions.get(noise, amount)
        corrupted = tuple(self._corrupt(ops.zeros((1, *self.image_shape)), seed=0).shape[1:])
        if corrupted != self.image_shape:
            raise ValueError(
                f"expected noise that keeps the size of images, received {noise}, which makes {corrupted} of "
                f"{self.image_shape}: blocks lose as much and keep it"
            )
        self.noise = noise
        self.amount = amount

    def corrupt(self, images):
        return self._corrupt(images, seed=self.seed_generator)

    def get_config(self):
        return {**super().get_config(), "noise": self.noise, "amount": self.amount}
