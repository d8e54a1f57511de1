"""A VAE of codes: the prior for codes that no mixture of Gaussians describes."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from keras_gen import images, likelihoods
from keras_gen.models.autoencoders.variational import VAE, divergence
from keras_gen.priors import MIN_VARIANCE, Prior

NUM_STEPS = 1_500
BATCH_SIZE = 256


@keras.saving.register_keras_serializable("keras_gen")
class SecondStage(Prior):
    """A small VAE that is trained on the codes of another autoencoder.

    A code is the mean that its decoder gives for the first half of the noise, plus the second half times the standard
    deviation of its reconstructions. Codes are standardised to mean 0 and variance 1 first, and scaled back afterwards.

    Args:
        latent_dim: dimensions of the codes.
        width: units of its hidden layers, two on each side.

    Source:
        Dai and Wipf, Diagnosing and Enhancing VAE Models (2019), section 4, https://arxiv.org/abs/1903.05789
    """

    def __init__(self, latent_dim, width=256, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.width = width
        self.encoder = _dense(latent_dim, width, 2 * latent_dim, seed=0)
        self.decoder = _dense(latent_dim, width, latent_dim, seed=100)
        self._freeze()
        self.mean = self.add_weight((latent_dim,), "zeros", trainable=False, name="mean")
        self.scale = self.add_weight((latent_dim,), "ones", trainable=False, name="scale")
        self.variance = self.add_weight((), "ones", trainable=False, name="variance")
        self.built = True

    @property
    def about(self) -> str:
        return "second-stage VAE"

    @property
    def noise_dim(self) -> int:
        return 2 * self.latent_dim

    def call(self, noise):
        hidden, rest = ops.split(noise, 2, axis=-1)
        return self.mean + self.scale * (self.decoder(hidden) + ops.sqrt(self.variance) * rest)

    def fit(self, codes, seed=0):
        codes = np.asarray(codes, "float32")
        self.mean.assign(codes.mean(axis=0))
        self.scale.assign(np.sqrt(codes.var(axis=0) + MIN_VARIANCE))
        codes = self._standardized(codes)
        order = np.random.default_rng(seed)
        # All steps as one epoch, in our own order: Keras would shuffle with the global randomness.
        rounds = -(-NUM_STEPS * BATCH_SIZE // len(codes))
        rows = np.concatenate([order.permutation(len(codes)) for _ in range(rounds)])[: NUM_STEPS * BATCH_SIZE]
        rate = keras.optimizers.schedules.CosineDecay(1e-3, NUM_STEPS)
        self.encoder.trainable = self.decoder.trainable = True
        vae = VAE(self.encoder, self.decoder, seed=seed)
        vae.compile(keras.optimizers.Adam(rate), loss=likelihoods.Gaussian())
        vae.fit(codes[rows], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        self.variance.assign(np.mean((codes - self._reconstructed(codes)[0]) ** 2))
        self._freeze()
        return self

    def _freeze(self):
        """Training the autoencoder should not train its prior."""
        self.encoder.trainable = self.decoder.trainable = False

    def log_prob(self, codes):
        """A lower bound of the log density (the evidence lower bound, from one draw for each code), float64 (n,)."""
        scale, variance = (ops.convert_to_numpy(weight.value) for weight in (self.scale, self.variance))
        codes = self._standardized(np.asarray(codes, "float32"))
        reconstructions, divergences = self._reconstructed(codes)
        squares = np.sum((codes - reconstructions) ** 2, axis=-1)
        volume = self.latent_dim / 2 * np.log(2 * np.pi * variance) + np.sum(np.log(scale))
        return -squares / (2 * variance) - volume - divergences

    def _reconstructed(self, codes):
        """A draw for each standardised code, decoded, (n, latent_dim), and the divergences (n,)."""
        mean, log_variance = np.split(_in_batches(self.encoder, codes).astype("float64"), 2, axis=-1)
        divergences = ops.convert_to_numpy(divergence(mean, log_variance)).sum(axis=-1)
        noise = np.random.default_rng(0).standard_normal(mean.shape)
        draws = (mean + np.exp(log_variance / 2) * noise).astype("float32")
        return _in_batches(self.decoder, draws), divergences

    def _standardized(self, codes):
        mean, scale = (ops.convert_to_numpy(weight.value) for weight in (self.mean, self.scale))
        return (codes - mean) / scale

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def _in_batches(network, codes):
    return images.in_batches(network, codes, batch_size=1024)


def _dense(inputs, width, outputs, seed):
    hidden = codes = keras.Input((inputs,))
    for number, size in enumerate((width, width, outputs)):
        initializer = keras.initializers.GlorotUniform(seed + number)
        hidden = layers.Dense(size, "swish" if number < 2 else None, kernel_initializer=initializer)(hidden)
    return keras.Model(codes, hidden)
