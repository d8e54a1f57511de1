"""Augmentation in front of the discriminator: DiffAugment and ADA.

Real and fake images go through the same random operations before they are scored, in both players' steps, so that
the discriminator cannot memorise a small data set while the generator learns none of the distortions. Every operation
is a pure function of images and of random numbers, differentiable in the images. The game decides where to call it,
and computes the discriminator's logits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
from keras import ops

from keras_gen.data import MIN_IMAGES_UNAUGMENTED
from keras_gen.layers import WRAPS
from keras_gen.registry import lookup


def flip(images, numbers):
    """Mirrors half of the images left to right.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); the first column is used.

    Returns:
        Tensor like `images`.

    Example:
        >>> print(ops.convert_to_numpy(flip(ops.array([[[[1.0], [2.0]]]]), ops.zeros((1, 3)))).ravel())
        [2. 1.]
    """
    return ops.where(_per_image(numbers[:, 0]) < 0.5, ops.flip(images, axis=2), images)


def translation(images, numbers, wrap="none"):
    """Shifts each image by whole pixels, up to an eighth of its height and width; the gap is filled with zeros.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.
        wrap: a name in `keras_gen.layers.WRAPS`: along these axes the image is rolled, without zeros.

    Returns:
        Tensor like `images`.

    Example:
        >>> images = ops.reshape(ops.arange(1.0, 5.0), (1, 4, 1, 1))
        >>> print(ops.convert_to_numpy(translation(images, ops.array([[0.9, 0.0, 0.0]]))).ravel())  # up by one
        [2. 3. 4. 0.]
    """
    return _moved(images, numbers, wrap, mirrors=False)


def shift(images, numbers, wrap="none"):
    """As `translation`, but the gap is filled with what lies at the edge, mirrored, and so without a step.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.
        wrap: as of `translation`.

    Returns:
        Tensor like `images`.

    Example:
        >>> images = ops.reshape(ops.arange(1.0, 5.0), (1, 4, 1, 1))
        >>> print(ops.convert_to_numpy(shift(images, ops.array([[0.9, 0.0, 0.0]]))).ravel())  # up by one
        [2. 3. 4. 3.]
    """
    return _moved(images, numbers, wrap, mirrors=True)


def cutout(images, numbers):
    """Sets a rectangle of half the height and half the width to zero; its centre may lie anywhere in the image.

    Args:
        images: float tensor (b, height, width, channels).
        numbers: float tensor (b, 3), uniform in [0, 1); two columns are used.

    Returns:
        Tensor like `images`.

    Example:
        >>> print(ops.convert_to_numpy(cutout(ops.ones((1, 4, 1, 1)), ops.array([[0.0, 0.0, 0.0]]))).ravel())
        [0. 1. 1. 1.]
    """
    height, width = images.shape[1:3]
    rows, columns = _stripes(height, numbers[:, 0]), _stripes(width, numbers[:, 1])
    inside = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])  # (b, height, width, 1)
    return ops.where(inside, 0.0, images)


def color(images, numbers):
    """Changes brightness, saturation and contrast, in this order; a fourth channel, alpha, is not changed.

    Args:
        images: float tensor (b, height, width, 3 or 4). Values may leave [-1, 1].
        numbers: float tensor (b, 3), uniform in [0, 1).

    Returns:
        Tensor like `images`.

    Raises:
        ValueError: for channels other than RGB or RGBA.

    Example:
        >>> print(ops.convert_to_numpy(color(ops.zeros((1, 1, 1, 3)), ops.array([[0.75, 0.5, 0.5]]))).ravel())
        [0.25 0.25 0.25]
    """
    if images.shape[-1] not in (3, 4):
        raise ValueError(
            f"expected RGB or RGBA images for the augmentation 'color', received images with {images.shape[-1]} "
            "channel(s): grey has no colours to change. augment.policy_for names operations that suit the data"
        )
    colors, alpha = images[..., :3], images[..., 3:]
    brightness, saturation, contrast = (_per_image(numbers[:, column]) for column in range(3))
    colors = colors + (brightness - 0.5)
    grey = ops.mean(colors, axis=-1, keepdims=True)
    colors = grey + 2 * saturation * (colors - grey)
    mean = ops.mean(colors, axis=(1, 2, 3), keepdims=True)
    colors = mean + (0.5 + contrast) * (colors - mean)
    return ops.concatenate([colors, alpha], axis=-1)


def _per_image(numbers):
    return numbers[:, None, None, None]


def _whole(numbers, count):
    """Uniform numbers in [0, 1) → whole numbers from 0 to count − 1, all equally likely; float32 (b, 1)."""
    return ops.floor(numbers * count)[:, None]


def _moved(images, numbers, wrap, mirrors):
    height, width = images.shape[1:3]
    rows = _shifts(height, numbers[:, 0], 1 in WRAPS[wrap], mirrors, images.dtype)
    columns = _shifts(width, numbers[:, 1], 2 in WRAPS[wrap], mirrors, images.dtype)
    return ops.einsum("blk,bikc->bilc", columns, ops.einsum("bij,bjkc->bikc", rows, images))


def _shifts(size, numbers, wraps, mirrors, dtype):
    """A matrix per image that shifts `size` lines by at most an eighth: row i has its one at column i + shift."""
    most = (size + 4) // 8
    lines = ops.arange(size, dtype="float32")
    source = lines + _whole(numbers, 2 * most + 1) - most  # (b, size)
    if wraps:
        source = ops.mod(source, size)
    elif mirrors:
        source = size - 1 - ops.abs(size - 1 - ops.abs(source))
    return ops.cast(ops.equal(source[:, :, None], lines), dtype)


def _stripes(size, numbers):
    """Which of `size` lines lie in a stripe of half of them, cut off at the border; bool (b, size)."""
    extent = (size + 1) // 2
    first = _whole(numbers, size + 1 - extent % 2) - extent // 2
    lines = ops.arange(size, dtype="float32")
    return ops.logical_and(first <= lines, lines < first + extent)


# Operations on positions, which are applied to pictures and masks too; the others change only colours.
GEOMETRIC: dict[str, Callable] = {"flip": flip, "translation": translation, "shift": shift, "cutout": cutout}
OPERATIONS: dict[str, Callable] = {**GEOMETRIC, "color": color}


def policy_for(channels: int) -> tuple[str, ...]:
    """The operations that suit images of so many channels.

    No flips: digits, letters and asymmetric objects do not survive them. Add "flip" where a mirrored image is as real.

    Args:
        channels: 1, 3 or 4.

    Returns:
        Names in `OPERATIONS`.

    Example:
        >>> policy_for(1)
        ('translation', 'cutout')
    """
    return ("translation", "cutout") if channels == 1 else ("color", "translation", "cutout")


@keras.saving.register_keras_serializable("keras_gen")
class Augmentation(keras.layers.Layer):
    """The same random operations on real and on fake images, in front of the discriminator.

    For data sets of fewer than about ten thousand images; on larger sets it costs a little quality. Each operation
    of the policy is applied to each image with the current probability: always `probability` (DiffAugment), or, with a
    `target`, a probability that `adapt` changes (ADA).

    Args:
        policy: names in `OPERATIONS`, in the order in which they are applied.
        probability: probability in [0, 1] that an operation is applied to an image; with a `target`, its initial value.
        target: how certain of real images the discriminator may be, the mean sign of their logits in (-1, 1), before
            the probability rises; 0.6 in the paper, which begins at probability 0. None: the probability is constant.
        images_to_certainty: number of images in which the probability can go from 0 to 1, or back, at the fastest.
        seed: int, for all draws.
        wrap: a name in `keras_gen.layers.WRAPS`, the axes along which "translation" and "shift" roll the image.
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
        >>> augmentation = Augmentation(policy_for(3), probability=0.0, target=0.6)
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
        wrapping = {name: partial(OPERATIONS[name], wrap=self.wrap) for name in ("translation", "shift")}
        operations: dict[str, Callable] = {**OPERATIONS, **wrapping}
        batches = (real_images, fake_images, *beside)
        for name in self.policy:
            draws = keras.random.uniform((ops.shape(real_images)[0], 4), seed=self.seed_generator)
            hit, numbers = self.current_probability > _per_image(draws[:, 0]), draws[:, 1:]
            concerned = len(batches) if name in GEOMETRIC else 2
            augmented = [ops.where(hit, operations[name](batch, numbers), batch) for batch in batches[:concerned]]
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


# The number of images in which ada may go from 0 to 1: 500,000 in the paper, whose runs see 25 million; a run of
# minutes on a CPU sees about 200,000.
IMAGES_TO_CERTAINTY = 50_000


def suitable(
    kind: str, num_images: int, channels: int, *, flip: bool = False, seed: int = 0, wrap: str = "none"
) -> Augmentation | None:
    """The augmentation of this name, with the operations that suit the images.

    Args:
        kind: "none", except for `flip`; "diffaugment", always; "ada", as much as the discriminator's certainty
            requires; or "auto": ada below 10,000 images, none from there on.
        num_images: number of training images.
        channels: 1, 3 or 4.
        flip: whether a mirrored image is as real as the image.
        seed: int, for all draws.
        wrap: a name in `keras_gen.layers.WRAPS`, the axes along which a translation rolls the image.

    Returns:
        An `Augmentation`, or None for none.

    Raises:
        ValueError: for another name.

    Example:
        >>> suitable("auto", num_images=300, channels=1).target
        0.6
    """
    policy = (*(["flip"] if flip else []), *policy_for(channels))
    return lookup("augmentation", KINDS, _chosen(kind, num_images))(policy, seed=seed, wrap=wrap)


def for_pairs(
    kind: str, num_pairs: int, *, flip: bool = False, seed: int = 0, wrap: str = "none"
) -> Augmentation | None:
    """What makes more of few pairs: the same change of place for the picture and for the image that it becomes.

    A shift, as a pair that is a little further to the left is as right. No flip unless it is asked for: nobody
    writes mirrored text or draws mirrored maps.

    Args:
        kind: as of `suitable`: "none", except for `flip`, and "auto" from 10,000 pairs on shift nothing.
        num_pairs: number of training pairs.
        flip: whether a mirrored pair is as right as the pair.
        seed: int, for all draws.
        wrap: a name in `keras_gen.layers.WRAPS`, the axes along which the shift rolls the image.

    Returns:
        An `Augmentation` for `models.translator.Translator`, or None for none.

    Example:
        >>> for_pairs("auto", num_pairs=300).policy
        ('shift',)
    """
    policy = (*(["flip"] if flip else []), *([] if _chosen(kind, num_pairs) == "none" else ["shift"]))
    return Augmentation(policy, seed=seed, wrap=wrap) if policy else None


def _chosen(kind, num_images):
    """What "auto" stands for; any other kind is itself."""
    if kind != "auto":
        return kind
    return "ada" if num_images < MIN_IMAGES_UNAUGMENTED else "none"


KINDS: dict[str, Callable[..., Augmentation | None]] = {
    "none": lambda policy, **options: Augmentation(("flip",), **options) if "flip" in policy else None,
    "diffaugment": Augmentation,
    "ada": partial(Augmentation, probability=0.0, target=0.6, images_to_certainty=IMAGES_TO_CERTAINTY),
}
