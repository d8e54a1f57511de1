"""Which augmentation suits images: their number, their colours, how they wrap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keras_gen.augment.augmentation import Augmentation
from keras_gen.augment.operations import EXACT
from keras_gen.data import MIN_IMAGES_UNAUGMENTED
from keras_gen.registry import lookup

# The number of images in which ada may go from 0 to 1: 500,000 in the paper, whose runs see 25 million; a run of
# minutes on a CPU sees about 200,000.
IMAGES_TO_CERTAINTY = 50_000


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


def suitable(
    kind: str, num_images: int, channels: int, *, flip: bool = False, seed: int = 0, wrap: str = "none"
) -> Augmentation | None:
    """The augmentation of this name, with the operations that suit the images.

    Args:
        kind: "none", except for `flip` and the roll of images that wrap; "diffaugment", always; "ada", as much as the
            discriminator's certainty requires; or "auto": ada below 10,000 images, none from there on.
        num_images: number of training images.
        channels: 1, 3 or 4.
        flip: whether a mirrored image is as real as the image.
        seed: int, for all draws.
        wrap: a name in `keras_gen.layers.WRAPS`: images are rolled along these axes, so that the discriminator sees
            what was a seam anywhere, and a translation rolls them too.

    Returns:
        An `Augmentation`, or None for none.

    Raises:
        ValueError: for another name.

    Example:
        >>> suitable("auto", num_images=300, channels=1).target
        0.6
    """
    policy = (*(["roll"] if wrap != "none" else []), *(["flip"] if flip else []), *policy_for(channels))
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


def _exact_alone(policy, **options) -> Augmentation | None:
    exact = tuple(name for name in policy if name in EXACT)
    return Augmentation(exact, **options) if exact else None


KINDS: dict[str, Callable[..., Augmentation | None]] = {
    "none": _exact_alone,
    "diffaugment": Augmentation,
    "ada": partial(Augmentation, probability=0.0, target=0.6, images_to_certainty=IMAGES_TO_CERTAINTY),
}
