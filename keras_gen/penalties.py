"""Gradient penalties: what a game adds to the discriminator's loss to keep the discriminator smooth.

A penalty takes the slope of the discriminator's logits at some images (real ones, fakes, points between them) and
returns a float32 scalar; the game multiplies it by the penalty's `weight` and sums all penalties. The images are those
that the discriminator gets: augmented and packed, where the game does that. Penalties have no state: random points
come from the seed that they are called with.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_gen import backend
from keras_gen.registry import lookup


class Critic:
    """A discriminator for penalties and losses: the logits of images, and their slope.

    Each pass through the network is made once: the logits that come with a slope are cached, so R1 and R2 cost the
    discriminator no extra forward pass.

    Args:
        function: images (b, ...), and `conditions` if there are any, → logits of any shape, b first.
        conditions: tensors (b, ...) beside every batch of images.
        together: batches of one size, all of which need the slope and go through in one pass: for a network that scores
            each image on its own.

    Example:
        >>> critic = Critic(lambda images: ops.sum(2.0 * images, axis=1))
        >>> ops.convert_to_numpy(critic.gradients(ops.ones((1, 3)))).tolist()
        [[2.0, 2.0, 2.0]]
    """

    def __init__(self, function, conditions=(), together=()):
        self.function = function
        self.conditions = conditions
        self.together = together
        self._logits: dict[int, tuple] = {}  # by the identity of the images, which the tuple keeps alive
        self._gradients: dict[int, tuple] = {}

    def __call__(self, images):
        """The logits of images."""
        if id(images) not in self._logits:
            self._logits[id(images)] = images, self.function(images, *self.conditions)
        return self._logits[id(images)][1]

    def gradients(self, images):
        """D sum(logits) / d images: as each logit depends on one image only, row i is the slope at image i."""
        if id(images) not in self._gradients:
            batches = self.together if any(images is each for each in self.together) else (images,)
            conditions = [_joined((rows,) * len(batches)) for rows in self.conditions]
            logits, gradients = backend.input_gradients(
                lambda images: self.function(images, *conditions), _joined(batches)
            )
            _keep(self._logits, batches, logits)
            _keep(self._gradients, batches, gradients)
        return self._gradients[id(images)][1]


class Penalty(abc.ABC):
    """The base of penalties: a `weight` and `value(critic, real_images, fake_images, seed)`.

    Register a subclass with `keras.saving.register_keras_serializable` so that a compiled model can be saved.

    Args:
        weight: float ≥ 0 or a `keras_gen.schedules` schedule of the fraction of the run that is over.

    Call arguments:
        critic: a `Critic`, or any function images → logits.
        real_images: float32 (b, ...).
        fake_images: float32, the same shape.
        seed: int or `keras.random.SeedGenerator`, for penalties that draw points.

    Call returns:
        float32 scalar, without the weight.
    """

    slope_at: tuple[str, ...] = ()
    """Whether it uses the slope exactly at the real images or at the fakes: any of "real" and "fake"."""

    def __init__(self, weight=1.0):
        if isinstance(weight, (int, float)) and not weight >= 0:
            raise ValueError(f"expected a penalty's weight of 0 or more, received {weight}")
        self.weight = weight

    def __call__(self, critic, real_images, fake_images, seed=None):
        critic = critic if isinstance(critic, Critic) else Critic(critic)
        return self.value(critic, real_images, fake_images, seed)

    @abc.abstractmethod
    def value(self, critic: Critic, real_images, fake_images, seed):
        """The penalty as a float32 scalar: a mean over the batch."""

    def get_config(self):
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


@keras.saving.register_keras_serializable("keras_gen")
class R1(Penalty):
    """Keeps the discriminator flat around real images: `½ · mean ‖∇D(x)‖²`, weighted by γ.

    Example:
        >>> float(R1()(lambda images: ops.sum(2.0 * images, axis=1), ops.ones((5, 4)), ops.zeros((5, 4))))
        8.0

    Source:
        Mescheder et al., Which Training Methods for GANs do actually Converge? (2018), equation 9,
        https://arxiv.org/abs/1801.04406
    """

    slope_at = ("real",)

    def value(self, critic, real_images, fake_images, seed):
        return 0.5 * ops.mean(_squared_norms(critic.gradients(real_images)))


@keras.saving.register_keras_serializable("keras_gen")
class R2(Penalty):
    """Keeps the discriminator flat around fakes: `½ · mean ‖∇D(G(z))‖²`, weighted by γ.

    With relativistic losses both R1 and R2 are needed, with the same γ (Huang et al., The GAN is dead; long live the
    GAN!, 2024, https://arxiv.org/abs/2501.05441).

    Source:
        Mescheder et al., Which Training Methods for GANs do actually Converge? (2018), equation 10,
        https://arxiv.org/abs/1801.04406
    """

    slope_at = ("fake",)

    def value(self, critic, real_images, fake_images, seed):
        return 0.5 * ops.mean(_squared_norms(critic.gradients(fake_images)))


@keras.saving.register_keras_serializable("keras_gen")
class GradientPenalty(Penalty):
    """Pulls the slope between reals and fakes to 1: `mean (‖∇D(x̂)‖ − 1)²` at `x̂ = x + ε(G(z) − x)`, ε ~ U(0, 1).

    One ε per image. The penalty of WGAN-GP, with weight 10; its critic must have no batch normalisation, which would
    make one image's logit depend on the others.

    Args:
        weight: as of `Penalty`.
        one_sided: bool; True leaves slopes below 1 alone.

    Example:
        >>> critic = lambda images: ops.sum(2.0 * images, axis=1)  # its slope has the norm ‖(2, 2, 2, 2)‖ = 4
        >>> round(float(GradientPenalty()(critic, ops.ones((5, 4)), ops.zeros((5, 4)))), 4)
        9.0

    Source:
        Gulrajani et al., Improved Training of Wasserstein GANs (2017), equation 3, https://arxiv.org/abs/1704.00028
    """

    def __init__(self, weight=10.0, one_sided=False):
        super().__init__(weight)
        self.one_sided = one_sided

    def value(self, critic, real_images, fake_images, seed):
        steps = keras.random.uniform(_one_per_image(real_images), seed=seed)
        return self._deviation(critic.gradients(real_images + steps * (fake_images - real_images)))

    def _deviation(self, gradients):
        # The square root has an infinite slope at 0, where a constant critic would give NaN.
        excess = ops.sqrt(_squared_norms(gradients) + 1e-12) - 1.0
        return ops.mean(ops.square(ops.relu(excess) if self.one_sided else excess))

    def get_config(self):
        return {**super().get_config(), "one_sided": self.one_sided}


@keras.saving.register_keras_serializable("keras_gen")
class Dragan(GradientPenalty):
    """Pulls the slope around real images to 1: `mean (‖∇D(x + δ)‖ − 1)²` at noisy copies, `δ = ½ · std(x) · U(0, 1)`.

    The noise is as wide as half the standard deviation of all pixels of the batch, as in the authors' code; their paper
    has a normal δ of fixed width. Does not use fakes.

    Args:
        weight, one_sided: as of `GradientPenalty`.

    Source:
        Kodali et al., On Convergence and Stability of GANs (2017), section 2.3, https://arxiv.org/abs/1705.07215
    """

    def value(self, critic, real_images, fake_images, seed):
        noise = keras.random.uniform(ops.shape(real_images), seed=seed)
        return self._deviation(critic.gradients(real_images + 0.5 * ops.std(real_images) * noise))


PENALTIES: dict[str, Callable[..., Penalty]] = {
    "r1": R1,
    "r2": R2,
    "gradient_penalty": GradientPenalty,
    "gradient_penalty_one_sided": functools.partial(GradientPenalty, one_sided=True),
    "dragan": Dragan,
}


def get(identifier, weight=None) -> Penalty:
    """The penalty of this name, like `keras.losses.get`.

    Args:
        identifier: a name in `PENALTIES`, or a penalty, which is returned as it is.
        weight: of a penalty that is given by name; None for its default.

    Returns:
        A penalty.

    Raises:
        ValueError: for an unknown name, with the known ones, and for anything that is not a penalty.

    Example:
        >>> get("r1", weight=0.2).weight
        0.2
    """
    if isinstance(identifier, str):
        penalty = lookup("penalty", PENALTIES, identifier)
        return penalty() if weight is None else penalty(weight)
    if isinstance(identifier, Penalty):
        return identifier
    raise ValueError(f"expected the name of a penalty or a Penalty, received {identifier!r}")


def gamma(images: np.ndarray) -> float:
    """A weight of R1 and R2 that suits the images: a thousandth of their total variance, which is 0.2 for MNIST.

    To distinguish two images, a discriminator needs less slope the farther apart they lie; the mean squared distance of
    two images is twice their total variance. Weights in proportion to it restrain every discriminator equally,
    whatever the size, the channels and the contrast of the images. (Karras et al., 2020,
    https://arxiv.org/abs/2006.06676, appendix C, let γ grow with the pixels alone.)

    Args:
        images: uint8 (n, height, width, channels), a few thousand of the training images; an array that stays on disk
            is read in blocks.

    Returns:
        γ, for images in [-1, 1].

    Example:
        >>> two = np.stack([np.zeros((10, 10, 1), "uint8"), np.full((10, 10, 1), 255, "uint8")])
        >>> round(gamma(two), 3)  # 100 values with variance 1
        0.1
    """
    sums, squares = np.zeros((2, *images.shape[1:]))
    for start in range(0, len(images), 256):
        block = np.asarray(images[start : start + 256]).astype("float32") / 127.5
        sums += block.sum(axis=0)
        squares += np.square(block).sum(axis=0)
    variances = np.maximum(squares / len(images) - (sums / len(images)) ** 2, 0.0)  # rounding may make it negative
    return float(np.sum(variances) / 1_000)


def _joined(batches):
    return batches[0] if len(batches) == 1 else ops.concatenate(batches)


def _keep(known, batches, values):
    """Caches the values of each batch, all of the same size."""
    for batch, own in zip(batches, ops.split(values, len(batches)), strict=True):
        known[id(batch)] = batch, own


def _squared_norms(gradients):
    """‖∇‖² of each image, (b,)."""
    return ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))


def _one_per_image(images):
    """The shape (b, 1, …, 1)."""
    return (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
