"""The autoencoder: an encoder from images to codes, a decoder back, a prior to draw new codes from."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.inputs import Conditions
from keras_gen.models.base import SeededModel
from keras_gen.models.generative import Generative
from keras_gen.priors import Prior, StandardNormal


@keras.saving.register_keras_serializable("keras_gen")
class Autoencoder(Generative, SeededModel):
    """Compresses images to codes and back: `images → encoder → codes → decoder → reconstructions`.

    Compile it with a regression loss of Keras (`"mse"` is the article's; `"mae"`, `"huber"` …) or a likelihood of
    `keras_gen.likelihoods` and call `fit` with images alone: they are their own targets. Targets may be given too
    (`fit(noisy, clean)`). Losses are measured on the scale [-1, 1], where a mean squared error is 4 times that on
    [0, 1].

    New images are made of codes drawn from `prior`: fit one to the codes of the training images, by
    `evaluation.choose_prior` or `autoencoder.prior = priors.Mixture(...).fit(autoencoder.encode(images))`.

    Other kinds of autoencoder are subclasses with another `corrupt` or `to_codes`, see also `RegularizedAutoencoder`.

    Args:
        encoder: model, images (batch, height, width, channels) in [-1, 1] → codes (batch, latent_dim).
        decoder: model, codes → images in [-1, 1]; with conditions, [codes, conditions (batch, conditions.width)] →
            images.
        prior: distribution of the codes, or None for none yet.
        conditions: a `keras_gen.inputs.Conditions` schema, or None. With it `fit` wants the pair
            `(images, rows)` in place of images.
        seed: int, the source of the noise in training.

    Call arguments:
        images: uint8 in [0, 255] or float in [-1, 1], (batch, height, width, channels); with conditions,
            [images, rows].

    Call returns:
        float32 reconstructions in [-1, 1], shaped like `images`.

    Raises:
        ValueError: if the encoder's codes, the conditions or the prior do not fit the decoder.

    Example:
        >>> from keras_gen import networks, priors
        >>> encoder, decoder = networks.mlp.encoder((8, 12, 3), 4), networks.mlp.decoder((8, 12, 3), 4)
        >>> autoencoder = Autoencoder(encoder, decoder)
        >>> autoencoder.compile("adam", loss="mse")
        >>> images = np.zeros((6, 8, 12, 3), "uint8")
        >>> history = autoencoder.fit(images, batch_size=3, verbose=0)
        >>> autoencoder.encode(images).shape
        (6, 4)
        >>> autoencoder.prior = priors.Mixture(4).fit(autoencoder.encode(images))
        >>> autoencoder.sample(5, seed=1).shape
        (5, 8, 12, 3)
    """

    outputs_per_number = 1  # of the encoder, for each number of a code

    def __init__(self, encoder, decoder, *, prior: Prior | None = None, conditions=None, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.conditions: Conditions | None = conditions
        self._priors: list[Prior] = []  # at most one: Keras forgets what leaves a list, but no attribute's old value
        self.prior = prior
        self.seed = seed
        self._check()
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # both networks come built, which stock callbacks ask for before the first step

    def _check(self):
        codes = self.decoder.inputs[0].shape[1:]
        expected = (*codes[:-1], self.outputs_per_number * codes[-1])
        if self.encoder.output_shape[1:] != expected:
            raise ValueError(
                f"expected an encoder with outputs {expected} for a decoder of codes {codes}, "
                f"received one with {self.encoder.output_shape[1:]}"
            )
        width = 0 if self.conditions is None else self.conditions.width
        received = sum(tensor.shape[-1] for tensor in self.decoder.inputs[1:])
        if received != width:
            raise ValueError(f"expected a decoder with condition_width={width}, received one of {received}")

    @property
    def latent_dim(self) -> int:
        """Numbers per code."""
        return self.decoder.inputs[0].shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images."""
        return self.encoder.input_shape[1:]

    @property
    def prior(self) -> Prior | None:
        """The distribution of the codes, or None for none yet."""
        return self._priors[0] if self._priors else None

    @prior.setter
    def prior(self, prior: Prior | None):
        self._priors.clear()
        if prior is not None:
            self._priors.append(prior)

    @property
    def generates(self) -> bool:
        return self.prior is not None

    @property
    def normal_latents(self) -> bool:
        return isinstance(self.prior, StandardNormal)

    @property
    def noise_dim(self) -> int:
        return self._fitted_prior.noise_dim

    @property
    def _fitted_prior(self) -> Prior:
        if self.prior is None:
            raise ValueError(
                "expected an autoencoder with a prior: fit one to the codes of its training images, "
                "see keras_gen.evaluation.choose_prior"
            )
        if self.prior.latent_dim != self.latent_dim:
            raise ValueError(f"expected a prior of {self.latent_dim} numbers, received one of {self.prior.latent_dim}")
        return self.prior

    def from_noise(self, noise):
        return self._fitted_prior(noise)

    @property
    def num_choices(self) -> int:
        return self._fitted_prior.num_choices

    def truncate(self, noise, limit):
        return self._fitted_prior.truncate(noise, limit)

    @property
    def image_network(self):
        return self.decoder

    def corrupt(self, images):
        """What the encoder sees in training in place of float images: the images, unless a subclass spoils them."""
        return images

    def to_codes(self, encoded, training):
        """Codes (b, latent_dim) of the encoder's outputs: these, unless a subclass draws them."""
        return encoded

    def encode_batch(self, images, training=False):
        """The encoder's outputs for float images."""
        return self.encoder(self.corrupt(images) if training else images, training=training)

    def call(self, images, training=False):
        images, *rows = images if isinstance(images, (list, tuple)) else [images]
        codes = self.to_codes(self.encode_batch(pixels.to_float(images), training), training)
        return self.decoder([codes, *rows] if rows else codes, training=training)

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
        return pixels.in_batches(
            lambda batch: self.to_codes(self.encoder(pixels.to_float(batch)), training=False),
            images,
            batch_size=batch_size,
        )

    def reconstruct(
        self, images: np.ndarray, conditions: np.ndarray | None = None, batch_size: int = 256
    ) -> np.ndarray:
        """Encodes and decodes images.

        Args:
            images: uint8 array (n, height, width, channels).
            conditions: float array (n, conditions.width), for a conditional model.
            batch_size: images reconstructed at a time.

        Returns:
            uint8 array (n, height, width, channels).
        """
        return self.decode(self.encode(images, batch_size), conditions, batch_size)

    def get_config(self):
        parts = {
            "encoder": self.encoder,
            "decoder": self.decoder,
            "prior": self.prior,
            "conditions": self.conditions,
        }
        return {**super().get_config(), **keras.saving.serialize_keras_object(parts), "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


def _targets(x, y):
    targets = x if y is None else y
    return pixels.to_float(targets[0] if isinstance(targets, (list, tuple)) else targets)
