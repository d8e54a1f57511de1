"""The layer that applies random operations to both sides alike, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
from keras import ops

from keras_gen.augment.operations import GEOMETRIC, OPERATIONS, WRAPPING
from keras_gen.layers import WRAPS
from keras_gen.registry import lookup


@keras.saving.register_keras_serializable("keras_gen")
class Augmentation(keras.layers.Layer):
    """The same random operations on real and on fake images, in front of the discriminator.

    For data sets of fewer than about ten thousand images; on larger sets it costs a little quality. Each operation
    of the policy is applied to each image with the current probability: always `probability` (DiffAugment), or, with a
    `target`, a probability that `adapt` changes (ADA). "roll" is always applied: a panorama that turns is as real.

    Args:
        policy: names in `OPERATIONS`, in the order in which they are applied.
        probability: probability in [0, 1] that an operation is applied to an image; with a `target`, its initial value.
        target: how certain of real images the discriminator may be, the mean sign of their logits in (-1, 1), before
            the probability rises; 0.6 in the paper, which begins at probability 0. None: the probability is constant.
        images_to_certainty: number of images in which the probability can go from 0 to 1, or back, at the fastest.
        seed: int, for all draws.
        wrap: a name in `keras_gen.layers.WRAPS`, the axes along which "roll", "translation" and "shift" roll the image.
            "cutout" does not wrap: it ends at the border.

    Call arguments:
        real_images: float tensor (b, height, width, channels) in [-1, 1].
        fake_images: float tensor of the same shape.
        *beside: float tensors (b, height, width, any channels) that belong to both, such as pictures or masks.
            Only the operations in `GEOMETRIC` are applied to them; "cutout" sets them to 0.

    Call returns:
        As many batches as were given, augmented: row i of each in the same way.

    Attributes:
        current_probability: float32 weight, the current probability.

    Raises:
        ValueError: for unknown operations or wraps, a probability outside [0, 1], a target outside (-1, 1), and at the
            first call for "color" on grey images.

    Example:
        >>> augmentation = Augmentation(("color", "translation"), probability=0.0, target=0.6)
        >>> real_images, fake_images = augmentation(ops.ones((5, 8, 12, 3)), ops.zeros((5, 8, 12, 3)))
        >>> augmentation.adapt(real_sign=0.9, num_images=5000)  # the discriminator is too sure: augment more
        >>> round(float(augmentation.current_probability), 4)
        0.01

    Source:
        Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training (2020),
        https://arxiv.org/abs/2006.10738: the operations and their ranges. Karras et al., Training Generative
        Adversarial Networks with Limited Data (2020), equation 1, https://arxiv.org/abs/2006.06676: the controller.
        Differs from the paper in that the sign is averaged exponentially and the probability changes with every batch,
        instead of every four; and in that the operations are DiffAugment's.
    """

    def __init__(
        self,
        policy: tuple[str, ...] = ("translation", "cutout"),
        probability: float = 1.0,
        *,
        target: float | None = None,
        images_to_certainty: int = 500_000,
        seed: int = 0,
        wrap: str = "none",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # images stay float32 whatever the networks compute in
        for operation in policy:
            lookup("augmentation", OPERATIONS, operation)
        lookup("wrap", WRAPS, wrap)
        if not 0 <= probability <= 1:
            raise ValueError(f"expected a probability in [0, 1], received {probability}")
        if target is not None and not -1 < target < 1:
            raise ValueError(f"expected a target in (-1, 1), the mean sign of real logits, received {target}")
        self.policy = policy
        self.probability = probability
        self.target = target
        self.images_to_certainty = images_to_certainty
        self.seed = seed
        self.wrap = wrap
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.current_probability = keras.Variable(probability, trainable=False, dtype="float32")
        if target is not None:  # starts at the target, so that the probability does not change at first
            self.mean_sign = keras.Variable(target, trainable=False, dtype="float32")
        self.built = True

    def call(self, real_images, fake_images, *beside):
        wrapping = {name: partial(OPERATIONS[name], wrap=self.wrap) for name in WRAPPING}
        operations: dict[str, Callable] = {**OPERATIONS, **wrapping}
        batches = (real_images, fake_images, *beside)
        for name in self.policy:
            draws = keras.random.uniform((ops.shape(real_images)[0], 4), seed=self.seed_generator)
            hit, numbers = self.current_probability > draws[:, 0, None, None, None], draws[:, 1:]
            concerned = len(batches) if name in GEOMETRIC else 2
            augmented = [operations[name](batch, numbers) for batch in batches[:concerned]]
            if name != "roll":
                pairs = zip(augmented, batches[:concerned], strict=True)
                augmented = [ops.where(hit, after, before) for after, before in pairs]
            batches = (*augmented, *batches[concerned:])
        return batches

    def adapt(self, real_sign, num_images):
        """Raises the probability when the discriminator is more certain of real images than `target`, or lowers it.

        `r ← ¾ r + ¼ real_sign`, `p ← clip(p + sign(r − target) · num_images / images_to_certainty, 0, 1)`.

        Args:
            real_sign: float or scalar tensor in [-1, 1], the mean sign of the logits of a real batch, relative to the
                discriminator's boundary between real and fake.
            num_images: number of images in this batch.

        Raises:
            ValueError: without a `target`.
        """
        if self.target is None:
            raise ValueError("expected an Augmentation with a target to adapt to, received one of fixed probability")
        self.mean_sign.assign(0.75 * self.mean_sign + 0.25 * real_sign)  # over about four batches
        step = ops.cast(num_images, "float32") / self.images_to_certainty
        probability = self.current_probability + ops.sign(self.mean_sign - self.target) * step
        self.current_probability.assign(ops.clip(probability, 0.0, 1.0))

    def get_config(self):
        return {
            **super().get_config(),
            "policy": self.policy,
            "probability": self.probability,
            "target": self.target,
            "images_to_certainty": self.images_to_certainty,
            "seed": self.seed,
            "wrap": self.wrap,
        }
