"""Priors: distributions of an autoencoder's codes, to draw new codes from.

A decoder makes good images only from codes like those of its training. Their distribution is not known before
training: a prior is fitted to the codes of the training images afterwards. Each prior is a Keras layer that turns
standard normal noise into codes, so it is saved with its model and runs in its SavedModel.
"""

from __future__ import annotations

import warnings

import keras
import numpy as np
import scipy.linalg
import scipy.special
import scipy.stats
from keras import layers, ops

from keras_gen import latents

MAX_FITTED_CODES = 20_000  # that a mixture is fitted to: more change little and take long
MAX_EM_ROUNDS = 30  # of expectation and maximization, after which it improves only a little
MIN_VARIANCE = 1e-6  # added to each variance, for dimensions that never change


class Prior(layers.Layer):
    """The base of priors: a distribution of codes as a map from standard normal noise.

    Args:
        latent_dim: dimensions of the codes.

    Call arguments:
        noise: float tensor (b, noise_dim), standard normal.

    Call returns:
        float32 codes (b, latent_dim), distributed as the prior.
    """

    def __init__(self, latent_dim: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # whatever the policy: bfloat16 codes are too coarse
        self.latent_dim = latent_dim

    @property
    def about(self) -> str:
        """A short description."""
        raise NotImplementedError

    @property
    def noise_dim(self) -> int:
        """Dimensions of the standard normal noise for one code."""
        return self.latent_dim

    def fit(self, codes: np.ndarray, seed: int = 0) -> Prior:
        """Fits the distribution to codes (n, latent_dim), the same way for the same seed, and returns itself."""
        raise NotImplementedError

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """The logarithm of the density at codes (n, latent_dim), in nats, float64 (n,)."""
        raise NotImplementedError

    @property
    def num_choices(self) -> int:
        """The number of first dimensions of the noise that choose components: truncation leaves them as they are."""
        return 0

    def truncate(self, noise: np.ndarray, limit: float) -> np.ndarray:
        """Noise cut off at ± `limit`, see `latents.truncate`, except for the dimensions that choose components."""
        kept = self.num_choices
        if kept == self.noise_dim:
            raise ValueError(f"expected no truncation: a {self.about} has no centre to stay near")
        return np.concatenate([noise[:, :kept], latents.truncate(noise[:, kept:], limit)], axis=1)

    def sample(self, num: int, seed: int = 0) -> np.ndarray:
        """Draws codes.

        Args:
            num: number of codes.
            seed: the same seed gives the same codes, on every backend.

        Returns:
            float32 array (num, latent_dim).
        """
        return ops.convert_to_numpy(self(latents.normal(num, self.noise_dim, seed)))

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}


@keras.saving.register_keras_serializable("keras_gen")
class StandardNormal(Prior):
    """Independent dimensions with mean 0 and variance 1, which VAEs and WAEs train their codes to be, nearly.

    Example:
        >>> StandardNormal(2).fit(np.ones((3, 2))).log_prob(np.zeros((1, 2))).round(4).tolist()  # −log 2π
        [-1.8379]
    """

    @property
    def about(self) -> str:
        return "standard normal"

    def call(self, noise):
        return noise

    def fit(self, codes, seed=0):
        return self

    def log_prob(self, codes):
        return scipy.stats.norm.logpdf(codes).sum(axis=1)


@keras.saving.register_keras_serializable("keras_gen")
class Mixture(Prior):
    """A mixture of Gaussians; one component alone is a Gaussian.

    Component k is `mean_k + L_k ε` with a lower triangular L_k. It is chosen with probability `weight_k` by the first
    dimension of the noise, through its distribution function, which is uniform.

    Args:
        latent_dim: dimensions of the codes.
        components: number of Gaussians.
        covariance: "full" or "diagonal".

    Raises:
        ValueError: for another covariance, or fewer than one component.

    Example:
        >>> codes = np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], (5000, 2))
        >>> prior = Mixture(latent_dim=2).fit(codes)
        >>> np.round(prior.sample(5000).std(axis=0), 1).tolist()
        [2.0, 0.5]

    Source:
        Ghosh et al., From Variational to Deterministic Autoencoders (2020), section 4,
        https://arxiv.org/abs/1903.12436
    """

    def __init__(self, latent_dim, components=1, covariance="full", **kwargs):
        super().__init__(latent_dim, **kwargs)
        if components < 1:
            raise ValueError(f"expected at least 1 component, received {components}")
        if covariance not in ("full", "diagonal"):
            raise ValueError(f"expected a covariance 'full' or 'diagonal', received {covariance!r}")
        self.components = components
        self.covariance = covariance
        size = (components, latent_dim, latent_dim)
        self.shares = self.add_weight((components,), "ones", trainable=False, name="shares")
        self.means = self.add_weight((components, latent_dim), "zeros", trainable=False, name="means")
        self.scales = self.add_weight(size, _identities, trainable=False, name="scales")
        self.shares.assign(np.full(components, 1 / components))
        self.built = True

    @property
    def about(self) -> str:
        if self.components > 1:
            return f"mixture of {self.components} Gaussians"
        return "Gaussian" if self.covariance == "full" else "Gaussian of independent numbers"

    @property
    def noise_dim(self) -> int:
        return self.latent_dim + self.num_choices

    @property
    def num_choices(self) -> int:
        return int(self.components > 1)  # truncating the choice would not remove rare components

    def call(self, noise):
        if not self.num_choices:
            return self.means[0] + noise @ ops.transpose(self.scales[0])
        place = (1 + ops.erf(noise[:, :1] / np.sqrt(2.0))) / 2  # uniform in [0, 1]
        chosen = ops.sum(ops.cast(place > ops.cumsum(self.shares)[:-1], "int32"), axis=1)
        spread = ops.squeeze(ops.take(self.scales, chosen, axis=0) @ noise[:, 1:, None], axis=-1)
        return ops.take(self.means, chosen, axis=0) + spread

    def fit(self, codes, seed=0):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture  # takes half a second and is needed only here

        codes = np.asarray(codes, "float64")
        if len(codes) < 2 * self.components:
            raise ValueError(f"expected at least {2 * self.components} codes to fit, received {len(codes)}")
        if len(codes) > MAX_FITTED_CODES:
            codes = np.random.default_rng(seed).choice(codes, MAX_FITTED_CODES, replace=False)
        mixture = GaussianMixture(
            self.components,
            covariance_type={"full": "full", "diagonal": "diag"}[self.covariance],
            reg_covar=MIN_VARIANCE,
            max_iter=MAX_EM_ROUNDS,
            init_params="k-means++",
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(codes)
        covariances = mixture.covariances_
        if self.covariance == "diagonal":
            covariances = np.stack([np.diag(variances) for variances in covariances])
        self.shares.assign(mixture.weights_)
        self.means.assign(mixture.means_)
        self.scales.assign(np.linalg.cholesky(covariances))
        return self

    def log_prob(self, codes):
        shares, means, scales = (
            ops.convert_to_numpy(variable.value).astype("float64")
            for variable in (self.shares, self.means, self.scales)
        )
        densities = []
        for share, mean, scale in zip(shares, means, scales, strict=True):
            noise = scipy.linalg.solve_triangular(scale, (np.asarray(codes, "float64") - mean).T, lower=True)
            volume = self.latent_dim * np.log(2 * np.pi) / 2 + np.sum(np.log(np.diag(scale)))
            densities.append(np.log(share) - np.sum(noise**2, axis=0) / 2 - volume)
        return scipy.special.logsumexp(densities, axis=0)

    def get_config(self):
        return {**super().get_config(), "components": self.components, "covariance": self.covariance}


def _identities(shape, dtype=None):
    return ops.broadcast_to(ops.eye(shape[-1], dtype=dtype), shape)
