"""Terms: what a game adds to the generator's adversarial loss, the counterpart of penalties.

A term takes the fakes and the rest of the batch (the real images, each input of the model) and returns a float32
scalar; the game multiplies it by the term's `weight` and sums all terms. The fakes are those that the generator made,
before any augmentation. Terms have no state.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Mapping

import keras
from keras import ops

from keras_gen.registry import lookup


class Term(abc.ABC):
    """The base of terms: a `weight` and `value(batch, fakes)`.

    A term with `num_proposals` above 1 compares several fakes for the same rows, made from different latents; the game
    makes as many as its terms ask for.

    Register a subclass with `keras.saving.register_keras_serializable` so that a compiled model can be saved.

    Args:
        weight: float ≥ 0 or a `keras_gen.schedules` schedule of the fraction of the run that is over.

    Call arguments:
        batch: float32 tensors (b, ...) by name: `images`, and each input of the model by its name.
        fakes: float32 (b, height, width, channels), made for the same rows; (num_proposals, b, height, width, channels)
            where these are several.

    Call returns:
        float32 scalar, without the weight.

    Raises:
        ValueError: for a negative weight.
    """

    num_proposals = 1
    """Fakes for each row that it compares."""

    def __init__(self, weight=1.0):
        if isinstance(weight, (int, float)) and not weight >= 0:
            raise ValueError(f"expected a term's weight of 0 or more, received {weight}")
        self.weight = weight

    def __call__(self, batch: Mapping, fakes):
        return self.value(batch, fakes)

    @abc.abstractmethod
    def value(self, batch: Mapping, fakes):
        """The term as a float32 scalar: a mean over the batch."""

    def get_config(self):
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


@keras.saving.register_keras_serializable("keras_gen")
class L1(Term):
    """Keeps fakes near a picture of the batch, pixel by pixel: `mean |fake − target|`.

    Args:
        weight: as of `Term`; 100 in the paper, on the same scale of [-1, 1].
        target: name in the batch: `images`, or the name of a picture among the inputs.

    Example:
        >>> float(L1()({"images": ops.zeros((2, 3, 4, 1))}, ops.ones((2, 3, 4, 1)) / 2))
        0.5

    Source:
        Isola et al., Image-to-Image Translation with Conditional Adversarial Networks (2017), equation 3,
        https://arxiv.org/abs/1611.07004
    """

    def __init__(self, weight=1.0, target="images"):
        super().__init__(weight)
        self.target = target

    def value(self, batch, fakes):
        return ops.mean(ops.abs(fakes - batch[self.target]))

    def get_config(self):
        return {**super().get_config(), "target": self.target}


@keras.saving.register_keras_serializable("keras_gen")
class Posterior(Term):
    """Makes two proposals right on average, and as different as what is not known.

    `mean |target − (a + b) / 2| − mean |a − b| / √12` for two proposals a and b of each row. The first part alone, or
    an L1 on each proposal, is least where all proposals are the same. The second part rewards their distance, by just
    so much that the sum is least where a pixel of the proposals has the mean and the standard deviation of the target's
    posterior, if that is normal: with the standard deviations σ of a proposal and σ₀ of the target the parts are
    `√(2/π) · √(σ₀² + σ²/2)` and `√(2/π) · σ/√6`, whose difference has its minimum at σ = σ₀.

    Args:
        weight: as of `Term`.
        target: name in the batch: `images`, or the name of a picture among the inputs.

    Example:
        >>> proposals = ops.stack([-ops.ones((2, 3, 4, 1)), ops.ones((2, 3, 4, 1))])  # on average right
        >>> round(float(Posterior()({"images": ops.zeros((2, 3, 4, 1))}, proposals)), 4)
        -0.5774

    Source:
        Bendel et al., A Regularized Conditional GAN for Posterior Sampling in Image Recovery Problems (2023), equations
        7 to 9 with P = 2, https://arxiv.org/abs/2210.13389
    """

    num_proposals = 2

    def __init__(self, weight=1.0, target="images"):
        super().__init__(weight)
        self.target = target

    def value(self, batch, fakes):
        first, second = fakes[0], fakes[1]
        error = ops.mean(ops.abs(batch[self.target] - (first + second) / 2))
        return error - ops.mean(ops.abs(first - second)) / math.sqrt(12)

    def get_config(self):
        return {**super().get_config(), "target": self.target}


TERMS: dict[str, Callable[..., Term]] = {"l1": L1, "posterior": Posterior}


def get(identifier) -> Term:
    """The term of this name, like `keras.losses.get`.

    Args:
        identifier: a name in `TERMS`, or a term, which is returned as it is.

    Raises:
        ValueError: for an unknown name, with the known ones, and for anything that is not a term.

    Example:
        >>> get("l1").weight
        1.0
    """
    if isinstance(identifier, str):
        return lookup("term", TERMS, identifier)()
    if isinstance(identifier, Term):
        return identifier
    raise ValueError(f"expected the name of a term or a Term, received {identifier!r}")
