"""Autoencoders: an encoder from images to codes, a decoder back, trained by the stock `fit`."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.seeds import SeededModel


@keras.saving.register_keras_serializable("keras_gen")
class Autoencoder(SeededModel):
    """Compresses images to codes and back: `images → encoder → codes → decoder → reconstructions`.

    Compile it with a regression loss of Keras (`"mse"` is the article's; `"mae"`, `"huber"` …) and call `fit` with
    images alone: they are their own targets. Targets may be given too (`fit(noisy, clean)`). Losses are measured on
    the scale [-1, 1], where a mean squared error is 4 times that on [0, 1].

    Args:
        encoder: model, images (batch, height, width, channels) in [-1, 1] → codes (batch, latent_dim).
        decoder: model, codes → images in [-1, 1].

    Call arguments:
        images: uint8 in [0, 255] or float in [-1, 1], (batch, height, width, channels).

    Call returns:
        float32 reconstructions in [-1, 1], shaped like `images`.

    Raises:
        ValueError: if the encoder's codes do not fit the decoder.

    Example:
        >>> from keras_gen import networks
        >>> encoder, decoder = networks.mlp.encoder((8, 12, 3), 4), networks.mlp.decoder((8, 12, 3), 4)
        >>> autoencoder = Autoencoder(encoder, decoder)
        >>> autoencoder.compile("adam", loss="mse")
        >>> history = autoencoder.fit(np.zeros((6, 8, 12, 3), "uint8"), batch_size=3, verbose=0)
        >>> autoencoder.encode(np.zeros((5, 8, 12, 3), "uint8")).shape
        (5, 4)
    """

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        if encoder.output_shape[1:] != decoder.input_shape[1:]:
            raise ValueError(
                f"expected a decoder of the encoder's codes {encoder.output_shape[1:]}, "
                f"received one of {decoder.input_shape[1:]}"
            )
        self.encoder = encoder
        self.decoder = decoder
        self.built = True  # both networks come built, which stock callbacks ask for before the first step

    @property
    def latent_dim(self) -> int:
        """Numbers per code."""
        return self.encoder.output_shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images."""
        return self.encoder.input_shape[1:]

    def call(self, images, training=False):
        return self.decoder(self.encoder(pixels.to_float(images), training=training), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, _targets(x, y), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, _targets(x, y), y_pred, sample_weight)

    def encode(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """The codes of images.

        Args:
            images: uint8 array (n, height, width, channels).
            batch_size: images encoded at a time.

        Returns:
            float32 array (n, latent_dim).
        """
        return pixels.in_batches(lambda batch: self.encoder(pixels.to_float(batch)), images, batch_size=batch_size)

    def decode(self, codes: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """The images of codes.

        Args:
            codes: float array (n, latent_dim).
            batch_size: codes decoded at a time.

        Returns:
            uint8 array (n, height, width, channels).
        """
        return pixels.in_batches(lambda batch: pixels.to_uint8(self.decoder(batch)), codes, batch_size=batch_size)

    def reconstruct(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Encodes and decodes images.

        Args:
            images: uint8 array (n, height, width, channels).
            batch_size: images reconstructed at a time.

        Returns:
            uint8 array (n, height, width, channels).
        """
        return pixels.in_batches(lambda batch: pixels.to_uint8(self(batch)), images, batch_size=batch_size)

    def get_config(self):
        networks = {"encoder": self.encoder, "decoder": self.decoder}
        return {**super().get_config(), **keras.saving.serialize_keras_object(networks)}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


def _targets(x, y):
    return pixels.to_float(x if y is None else y)
