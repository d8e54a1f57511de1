"""Deterministic autoencoders with regularised codes, so that a simple prior fits them."""

from __future__ import annotations

import keras
from keras import ops

from keras_gen.models.autoencoders.autoencoder import Autoencoder
from keras_gen.models.base import ScheduledModel


class RegularizedAutoencoder(Autoencoder, ScheduledModel):
    """The base of autoencoders with a loss of their codes besides that of the reconstruction.

    Subclasses define `code_loss`, which is added to the loss, multiplied by `weight`; the logs show it under this
    name without the weight.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        **kwargs: as of `Autoencoder`.
    """

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._code_loss = keras.metrics.Mean(name="code_loss")

    def code_loss(self, encoded):
        """The loss of the encoder's outputs for a batch, a float32 scalar."""
        raise NotImplementedError

    def weight(self, progress):
        """The weight of `code_loss` when that share of the run is over: a float or a scalar tensor."""
        return 1.0

    def encode_batch(self, images, beside=(), training=False):
        encoded = super().encode_batch(images, beside, training)
        code_loss = self.code_loss(encoded)
        # Validation uses the full weight from the beginning, or its first epochs would seem the best.
        weighted = self.weight(self.progress if training else 1.0) * code_loss
        self.add_loss(weighted)
        self._latest = weighted, code_loss
        return encoded

    def compute_loss(self, *args, **kwargs):
        (weighted, code_loss), self._latest = self._latest, (None, None)
        # Only losses of a step: on JAX, Keras also calls this to infer shapes, without a step.
        if any(loss is weighted for loss in self.losses):
            self._code_loss.update_state(code_loss)
        return super().compute_loss(*args, **kwargs)


@keras.saving.register_keras_serializable("keras_gen")
class RAE(RegularizedAutoencoder):
    """Keeps codes small and the decoder smooth: a VAE without its noise.

    Adds `strength · mean(‖code‖² / 2) + decay · ‖decoder kernels‖²` to the loss. Draw new codes from a fitted prior.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        strength: weight of the first, relative to a mean squared error.
        decay: weight of the second.
        **kwargs: as of `Autoencoder`.

    Source:
        Ghosh et al., From Variational to Deterministic Autoencoders (2020), section 3 (RAE-L2),
        https://arxiv.org/abs/1903.12436
    """

    def __init__(self, encoder, decoder, *, strength=1e-3, decay=1e-7, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.strength = strength
        self.decay = decay

    def code_loss(self, encoded):
        size = ops.mean(ops.sum(ops.square(encoded), axis=-1)) / 2
        kernels = [variable for variable in self.decoder.trainable_variables if len(variable.shape) > 1]
        return self.strength * size + self.decay * sum(ops.sum(ops.square(kernel)) for kernel in kernels)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength, "decay": self.decay}


@keras.saving.register_keras_serializable("keras_gen")
class WAE(RegularizedAutoencoder):
    """The codes of a batch, taken together, should be standard normal; no single one is constrained.

    Adds `strength · MMD²` to the loss: the maximum mean discrepancy between the batch's codes and as many normal draws,
    with the inverse multiquadratic kernels of the paper.

    Args:
        encoder: as of `Autoencoder`.
        decoder: as of `Autoencoder`.
        strength: weight, relative to a mean squared error.
        **kwargs: as of `Autoencoder`.

    Source:
        Tolstikhin et al., Wasserstein Auto-Encoders (2018), section 4 and algorithm 2, https://arxiv.org/abs/1711.01558
    """

    def __init__(self, encoder, decoder, *, strength=1.0, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.strength = strength

    def code_loss(self, encoded):
        draws = keras.random.normal(ops.shape(encoded), seed=self.seed_generator)
        return self.strength * discrepancy(encoded, draws)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}


def discrepancy(codes, draws):
    """MMD² of two sets of codes, unbiased: Σ over scales of the kernel `c / (c + ‖x − y‖²)`.

    Args:
        codes: float tensor (b, d).
        draws: float tensor (b, d) of the desired distribution, standard normal, for which the scales are chosen.

    Returns:
        float32 scalar, around 0 for equal distributions; it may be negative.

    Example:
        >>> codes = ops.array([[0.0], [0.0]])
        >>> round(float(discrepancy(codes, codes)), 4)
        0.0
    """
    num = ops.cast(ops.shape(codes)[0], "float32")
    pairs = ops.maximum(num * (num - 1), 1.0)  # a single code, as in the last batch of a validation, has no pairs
    base = 2.0 * codes.shape[-1]  # the mean squared distance of two normal draws
    apart = ops.ones((ops.shape(codes)[0],) * 2) - ops.eye(ops.shape(codes)[0])

    def mean_kernel(first, second, weights, pairs):
        squares = ops.sum(ops.square(first[:, None] - second[None]), axis=-1)
        kernels = sum(base * scale / (base * scale + squares) for scale in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
        return ops.sum(weights * kernels) / pairs

    return (
        mean_kernel(codes, codes, apart, pairs)
        + mean_kernel(draws, draws, apart, pairs)
        - 2 * mean_kernel(codes, draws, 1.0, num * num)
    )
