"""Variational autoencoders: a distribution of codes for each image; together they are standard normal."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from keras_gen.models.autoencoders.regularized import RegularizedAutoencoder
from keras_gen.priors import StandardNormal

MIN_ACTIVE_VARIANCE = 0.01  # of a dimension's mean over the images, below which it holds no information about them


@keras.saving.register_keras_serializable("keras_gen")
class VAE(RegularizedAutoencoder):
    """The encoder outputs a mean and a variance for each dimension of the codes; training draws from these.

    The loss is the negative evidence lower bound: compile it with a loss of `likelihoods`, to which the
    Kullback-Leibler divergence of the codes from the standard normal is added, in nats per image. `code_loss` in the
    logs is that divergence. Outside training the code is the mean. The prior is standard normal from the start; a
    fitted one may still be better.

    Args:
        encoder: model, images → (batch, 2 · latent_dim): means and logarithms of variances.
        decoder: as of `Autoencoder`.
        beta: weight of the divergence; above 1 the dimensions become more independent (β-VAE).
        free_bits: nats that each dimension may hold for free, to prevent inactive dimensions.
        warm_up: share of the run, see `progress`, over which the weight of the divergence rises from 0, in [0, 1).
        **kwargs: as of `Autoencoder`.

    Raises:
        ValueError: as of `Autoencoder`, and for a number out of its range.

    Example:
        >>> from keras_gen import likelihoods, networks
        >>> encoder, decoder = networks.mlp.encoder((8, 12, 3), 2 * 4), networks.mlp.decoder((8, 12, 3), 4)
        >>> vae = VAE(encoder, decoder)
        >>> vae.compile("adam", loss=likelihoods.Gaussian())
        >>> history = vae.fit(np.zeros((6, 8, 12, 3), "uint8"), batch_size=3, verbose=0)
        >>> vae.sample(5, seed=1).shape
        (5, 8, 12, 3)

    Source:
        Kingma and Welling, Auto-Encoding Variational Bayes (2014), equation 10 and appendix B,
        https://arxiv.org/abs/1312.6114; β: Higgins et al. (2017), https://openreview.net/forum?id=Sy2fzU9gl; free bits:
        Kingma et al. (2016), appendix C.8, https://arxiv.org/abs/1606.04934; warm-up: Bowman et al. (2016),
        https://arxiv.org/abs/1511.06349
    """

    outputs_per_number = 2

    def __init__(self, encoder, decoder, *, beta=1.0, free_bits=0.0, warm_up=0.0, prior=None, **kwargs):
        if prior is None:
            prior = StandardNormal(decoder.inputs[0].shape[-1])
        super().__init__(encoder, decoder, prior=prior, **kwargs)
        if min(beta, free_bits) < 0 or not 0 <= warm_up < 1:
            raise ValueError(
                f"expected beta and free_bits of at least 0 and a warm_up in [0, 1), received {beta}, {free_bits} and "
                f"{warm_up}"
            )
        self.beta = beta
        self.free_bits = free_bits
        self.warm_up = warm_up

    def code_loss(self, encoded):
        each = ops.mean(divergence(*_mean_and_log_variance(encoded)), axis=0)
        return ops.sum(ops.maximum(each, self.free_bits))

    def weight(self, progress):
        return self.beta * (ops.minimum(progress / self.warm_up, 1.0) if self.warm_up else 1.0)

    def to_codes(self, encoded, training):
        mean, log_variance = _mean_and_log_variance(encoded)
        if not training:
            return mean
        return mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)

    def active_units(
        self, images: np.ndarray, batch_size: int = 256, given: Mapping[str, np.ndarray] | None = None
    ) -> int:
        """The number of dimensions that hold information about the images: the variance of their mean is above 0.01.

        Args:
            images: uint8 array (n, height, width, channels), many.
            batch_size: images encoded at a time.
            given: the other inputs for the images, by name, as for `encode`.

        Source:
            Burda et al., Importance Weighted Autoencoders (2016), section 5.2, https://arxiv.org/abs/1509.00519
        """
        return int(np.sum(self.encode(images, batch_size, given).var(axis=0) > MIN_ACTIVE_VARIANCE))

    def get_config(self):
        own = {"beta": self.beta, "free_bits": self.free_bits, "warm_up": self.warm_up}
        return {**super().get_config(), **own}


def _mean_and_log_variance(encoded):
    return ops.split(encoded, 2, axis=-1)


def divergence(mean, log_variance):
    """Kullback-Leibler divergence of normal distributions from the standard normal, in nats, elementwise.

    `(μ² + σ² − log σ² − 1) / 2`.

    Example:
        >>> float(divergence(ops.array(1.0), ops.array(0.0)))
        0.5
    """
    return (ops.square(mean) + ops.exp(log_variance) - log_variance - 1) / 2
