"""Adversarial loss pairs.

A pair says what each player minimises, given the discriminator's logits of a real and of a fake batch. Logits may
have any rank (one per image, or a map of patches) and higher means more real; the sigmoid, where a loss has one,
lives in here. Both methods take both logits, so that relativistic losses fit the same two lines. Gradient penalties
do not belong here.
"""

from __future__ import annotations

import abc

import keras
from keras import ops

from keras_gen.registry import lookup


class AdversarialLoss(abc.ABC):
    """The base of loss pairs: two methods, no state.

    Subclasses define `discriminator_loss(real_logits, fake_logits)` and `generator_loss(real_logits, fake_logits)`,
    both float32 scalars: the mean over all logits, which arrive as float32. Register a subclass with
    `keras.saving.register_keras_serializable` so that a compiled model can be saved.
    """

    @abc.abstractmethod
    def discriminator_loss(self, real_logits, fake_logits):
        """What the discriminator minimises.

        Args:
            real_logits: tensor of any shape, the logits of real images.
            fake_logits: tensor of any shape, the logits of generated images.

        Returns:
            float32 scalar.
        """

    @abc.abstractmethod
    def generator_loss(self, real_logits, fake_logits):
        """What the generator minimises.

        Args:
            real_logits: tensor of any shape, the logits of real images.
            fake_logits: tensor of any shape, the logits of generated images.

        Returns:
            float32 scalar.
        """

    def get_config(self):
        if type(self).__init__ is not object.__init__:
            raise TypeError(f"{type(self).__name__} takes arguments: its get_config must return them, or they are lost")
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class Minimax(AdversarialLoss):
    """The minimax game as its formula is written: the generator minimises what the discriminator maximises.

    `D: −mean log σ(real) − mean log(1 − σ(fake))`, `G: mean log(1 − σ(fake))`. Early on σ(fake) is near 0 and the
    generator's gradient with it ("saturating"): train with `NonSaturating` unless you study this.

    Example:
        >>> round(float(Minimax().generator_loss(ops.array([0.0]), ops.array([0.0]))), 4)
        -0.6931

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), equation 1, https://arxiv.org/abs/1406.2661
    """

    def discriminator_loss(self, real_logits, fake_logits):
        # −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x): exact for any logit, where log(σ + ε) is not.
        return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))

    def generator_loss(self, real_logits, fake_logits):
        return -ops.mean(ops.softplus(fake_logits))


@keras.saving.register_keras_serializable("keras_gen")
class NonSaturating(Minimax):
    """Binary cross-entropy with real = 1 and fake = 0; the generator asks for the label 1 on its fakes.

    `D: −mean log σ(real) − mean log(1 − σ(fake))`, `G: −mean log σ(fake)`. The same fixed point as `Minimax`, with
    a gradient for the generator when the discriminator is sure of itself.

    Example:
        >>> round(float(NonSaturating().generator_loss(ops.array([0.0]), ops.array([0.0]))), 4)
        0.6931

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), section 3, https://arxiv.org/abs/1406.2661
    """

    def generator_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(-fake_logits))


LOSSES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
}


def get(identifier) -> AdversarialLoss:
    """The loss pair of a name, in the manner of `keras.losses.get`.

    Args:
        identifier: a name in `LOSSES`, or an object with the two methods, which is returned as it is.

    Returns:
        A loss pair.

    Raises:
        ValueError: for an unknown name, with the known ones, and for anything that is no loss pair.

    Example:
        >>> type(get("non_saturating")).__name__
        'NonSaturating'
    """
    if isinstance(identifier, str):
        return lookup("loss", LOSSES, identifier)()
    methods = ("discriminator_loss", "generator_loss")
    if isinstance(identifier, type) or not all(hasattr(identifier, method) for method in methods):
        raise ValueError(f"expected a name or an object with {' and '.join(methods)}, received {identifier!r}")
    return identifier
