"""Adversarial loss pairs.

A pair defines what each player minimises, given the discriminator's logits of a real and of a fake batch. Logits may
have any rank (one per image, or a map of patches) and higher means more real; the sigmoid, where a loss has one, is
part of the loss. Both methods take both logits, so that relativistic losses have the same interface. Gradient
penalties do not belong here.
"""

from __future__ import annotations

import abc
from collections.abc import Callable

import keras
from keras import ops

from keras_gen.registry import lookup


def of_fakes_alone(generator_loss):
    """Marks a `generator_loss` that does not use the real logits: a game saves the pass and passes None.

    It marks the method and not the class, so that a subclass with another method gets the logits.
    """
    generator_loss.of_fakes_alone = True
    return generator_loss


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
            real_logits: tensor of any shape, the logits of real images; None where it is marked as `of_fakes_alone`.
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
    """The minimax game in its original form: the generator minimises what the discriminator maximises.

    `D: −mean log σ(real) − mean log(1 − σ(fake))`, `G: mean log(1 − σ(fake))`. Early on σ(fake) is near 0 and the
    generator's gradient with it ("saturating"): train with `NonSaturating` unless you are studying this.

    Example:
        >>> round(float(Minimax().generator_loss(ops.array([0.0]), ops.array([0.0]))), 4)
        -0.6931

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), equation 1, https://arxiv.org/abs/1406.2661
    """

    def discriminator_loss(self, real_logits, fake_logits):
        # −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x): exact for any logit, where log(σ + ε) is not.
        return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))

    @of_fakes_alone
    def generator_loss(self, real_logits, fake_logits):
        return -ops.mean(ops.softplus(fake_logits))


@keras.saving.register_keras_serializable("keras_gen")
class NonSaturating(Minimax):
    """Binary cross-entropy with real = 1 and fake = 0; the generator is trained with the label 1 for its fakes.

    `D: −mean log σ(real) − mean log(1 − σ(fake))`, `G: −mean log σ(fake)`. The same fixed point as `Minimax`, but with
    a gradient for the generator when the discriminator is certain.

    Args:
        label_smoothing: how far the label of real images is below 1, so that the discriminator is never quite certain
            of them; 0.1 is common. One-sided: the label of fakes stays 0, or fakes far from all data would have no
            reason to move.

    Raises:
        ValueError: unless 0 ≤ label_smoothing < 0.5.

    Example:
        >>> round(float(NonSaturating().generator_loss(ops.array([0.0]), ops.array([0.0]))), 4)
        0.6931

    Source:
        Goodfellow et al., Generative Adversarial Nets (2014), section 3, https://arxiv.org/abs/1406.2661. The smoothed
        label: Salimans et al., Improved Techniques for Training GANs (2016), section 3.4,
        https://arxiv.org/abs/1606.03498
    """

    def __init__(self, label_smoothing: float = 0.0):
        if not 0 <= label_smoothing < 0.5:
            raise ValueError(f"expected 0 ≤ label_smoothing < 0.5, or real means fake; received {label_smoothing}")
        self.label_smoothing = label_smoothing

    def discriminator_loss(self, real_logits, fake_logits):
        # −(1 − s) log σ(x) − s log(1 − σ(x)) = softplus(−x) + s·x
        return super().discriminator_loss(real_logits, fake_logits) + self.label_smoothing * ops.mean(real_logits)

    @of_fakes_alone
    def generator_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(-fake_logits))

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("keras_gen")
class LeastSquares(AdversarialLoss):
    """Regression to 1 for real and 0 for fake images: LSGAN.

    `D: ½ mean (real − 1)² + ½ mean fake²`, `G: ½ mean (fake − 1)²`. Fakes far on the real side still have a gradient,
    towards the real images.

    Example:
        >>> float(LeastSquares().discriminator_loss(ops.array([1.0]), ops.array([2.0])))
        2.0

    Source:
        Mao et al., Least Squares Generative Adversarial Networks (2017), equation 9, https://arxiv.org/abs/1611.04076
    """

    def discriminator_loss(self, real_logits, fake_logits):
        return (ops.mean(ops.square(real_logits - 1)) + ops.mean(ops.square(fake_logits))) / 2

    @of_fakes_alone
    def generator_loss(self, real_logits, fake_logits):
        return ops.mean(ops.square(fake_logits - 1)) / 2


@keras.saving.register_keras_serializable("keras_gen")
class Wasserstein(AdversarialLoss):
    """The difference of the means, an estimate of the earth mover's distance between real and generated images.

    `D: mean fake − mean real`, `G: −mean fake`. It is valid only for a critic with bounded slope: clip its weights or
    add a gradient penalty, or the logits grow without bound.

    Example:
        >>> float(Wasserstein().discriminator_loss(ops.array([3.0]), ops.array([1.0])))
        -2.0

    Source:
        Arjovsky et al., Wasserstein GAN (2017), equation 2 and algorithm 1, https://arxiv.org/abs/1701.07875
    """

    def discriminator_loss(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    @of_fakes_alone
    def generator_loss(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)


@keras.saving.register_keras_serializable("keras_gen")
class Hinge(Wasserstein):
    """The Wasserstein pair with a margin: images beyond the margin do not train the discriminator further.

    `D: mean max(0, 1 − real) + mean max(0, 1 + fake)`, `G: −mean fake`.

    Example:
        >>> float(Hinge().discriminator_loss(ops.array([3.0]), ops.array([-0.5])))
        0.5

    Source:
        Lim and Ye, Geometric GAN (2017), https://arxiv.org/abs/1705.02894; Miyato et al., Spectral Normalization for
        Generative Adversarial Networks (2018), equations 16 and 17, https://arxiv.org/abs/1802.05957
    """

    def discriminator_loss(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1 - real_logits)) + ops.mean(ops.relu(1 + fake_logits))


@keras.saving.register_keras_serializable("keras_gen")
class Relativistic(AdversarialLoss):
    """Compares pairs: is this real image more real than that fake? The players have opposite objectives.

    `D: mean softplus(fake − real)`, `G: mean softplus(real − fake)`, over pairs of a real image and a fake in the
    order of the batch, so both logits have the same shape. Dropping a mode costs the generator, as fakes are also
    compared with the real images of that mode. Its authors train it with R1 and R2 in addition, without which it may
    diverge.

    Example:
        >>> round(float(Relativistic().discriminator_loss(ops.array([7.0]), ops.array([7.0]))), 4)
        0.6931

    Source:
        Jolicoeur-Martineau, The relativistic discriminator (2018), https://arxiv.org/abs/1807.00734; Huang et al.,
        The GAN is dead; long live the GAN! (2024), equation 2, https://arxiv.org/abs/2501.05441
    """

    def discriminator_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def generator_loss(self, real_logits, fake_logits):
        return self.discriminator_loss(fake_logits, real_logits)


@keras.saving.register_keras_serializable("keras_gen")
class RelativisticAverage(AdversarialLoss):
    """Compares each image with the average of the other side, instead of with a partner as in `Relativistic`.

    `D: mean softplus(mean fake − real) + mean softplus(fake − mean real)`, `G:` the same with the roles exchanged.

    Example:
        >>> round(float(RelativisticAverage().discriminator_loss(ops.array([7.0]), ops.array([7.0]))), 4)
        1.3863

    Source:
        Jolicoeur-Martineau, The relativistic discriminator (2018), there RaSGAN, https://arxiv.org/abs/1807.00734
    """

    def discriminator_loss(self, real_logits, fake_logits):
        above_fakes = real_logits - ops.mean(fake_logits)
        above_reals = fake_logits - ops.mean(real_logits)
        return ops.mean(ops.softplus(-above_fakes)) + ops.mean(ops.softplus(above_reals))

    def generator_loss(self, real_logits, fake_logits):
        return self.discriminator_loss(fake_logits, real_logits)


LOSSES: dict[str, Callable[[], AdversarialLoss]] = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
}


def get(identifier) -> AdversarialLoss:
    """The loss pair of this name, like `keras.losses.get`.

    Args:
        identifier: a name in `LOSSES`, or an object with the two methods, which is returned as it is.

    Returns:
        A loss pair.

    Raises:
        ValueError: for an unknown name, with the known ones, and for anything that is not a loss pair.

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
