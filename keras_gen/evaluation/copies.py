"""Whether a generator makes new images or copies those that it was trained on.

Distances between sets do not show it: copies of the training images score as well as real images. So each fake is
compared with single images, pixel by pixel: how much nearer is it to a training image than to a test image, which the
generator never saw? Other real images that it never saw show how often that happens by chance.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import scipy.stats

from keras_gen.data import nearest, nearest_rolled
from keras_gen.layers import WRAPS

SUSPICIOUS_QUANTILE = 0.05  # this share of real unseen images is called suspicious, by definition
# Below this p-value and above this share of copies, the check says that a generator copies.
MAX_P_VALUE, MIN_COPY_SHARE = 0.001, 0.05
HALF_A_BYTE = 0.5  # added to distances: less is rounding, and 0 / 0 is not suspicious


class CopyCheck(NamedTuple):
    """What the check found.

    Attributes:
        suspicious: share of fakes that are nearer to a training image, in proportion to the nearest test image, than
            all but 5 % of unseen real images are.
        copies: the share of copies among the fakes that follows from it: 0 where 5 % are suspicious, 1 where all are.
        p_value: the probability of as many suspicious fakes, or more, without copying (Fisher's exact test).
        fake_distance: median distance of a fake to its nearest training image, root mean square over pixels and
            channels, in units of bytes, 0 to 255.
        test_distance: the same for unseen real images.
        pairs: (fake, training) indices, most suspicious first, at most 32.
    """

    suspicious: float
    copies: float
    p_value: float
    fake_distance: float
    test_distance: float
    pairs: list[tuple[int, int]]

    @property
    def copied(self) -> bool:
        """Whether the generator copies: more than chance explains, and more than a few."""
        return self.p_value < MAX_P_VALUE and self.copies > MIN_COPY_SHARE

    def described(self) -> dict[str, float | bool]:
        """What a card says of it: all numbers, and whether the generator copies."""
        return {name: found for name, found in self._asdict().items() if name != "pairs"} | {"copied": self.copied}


def copy_check(
    train_images,
    test_images,
    fake_images: np.ndarray,
    *,
    originals: np.ndarray | None = None,
    where: np.ndarray | None = None,
    wrap: str = "none",
) -> CopyCheck:
    """Searches for training images among generated ones.

    What makes an image suspicious is the ratio of its distances to the nearest training and the nearest test image.
    Fakes are compared with as many test images, whose ratio is that of the distances to the training images and to the
    other test images. So the numbers of images on both sides, duplicates in the data, and dull or blurred fakes that
    are close to everything make no difference.

    Args:
        train_images: uint8 (n, height, width, channels); the array may stay on disk.
        test_images: uint8 (m, height, width, channels), m ≥ 2, which the generator never saw; it may stay on disk.
        fake_images: uint8 (k, height, width, channels), k ≥ 1.
        originals: int (k,), for repaired images: the test image that each was. It is no neighbour of its repaired
            image, and these are the unseen images, so that a perfect repairer is as suspicious as they are.
        where: (k, height, width, 1), for repaired images: nonzero in the holes, which alone are compared.
        wrap: a name in `keras_gen.layers.WRAPS`: a copy that is rolled along these axes is a copy too. Not with
            `where`.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (60, 8, 12, 1), dtype=np.uint8)
        >>> copy_check(images[:40], images[40:], images[:20]).copied
        True

    Source:
        The question, if not the test, is that of Meehan et al., A Non-Parametric Test to Detect Data-Copying in
        Generative Models (2020), https://arxiv.org/abs/2004.05675
    """
    # At random: files may be ordered by class.
    chosen = np.random.default_rng(0).permutation(len(test_images))[: len(fake_images)]
    if originals is not None:
        chosen = originals
    unseen = np.asarray(test_images[chosen])
    axes = WRAPS[wrap]
    search = functools.partial(nearest_rolled, axes=axes) if axes else functools.partial(nearest, where=where)
    to_train, closest = search(fake_images, train_images)
    to_test, _ = search(fake_images, test_images, own=originals)
    unseen_to_train, _ = search(unseen, train_images)
    unseen_to_test, _ = search(unseen, test_images, own=chosen)
    ratios = (to_train + HALF_A_BYTE) / (to_test + HALF_A_BYTE)
    usual = (unseen_to_train + HALF_A_BYTE) / (unseen_to_test + HALF_A_BYTE)
    limit = np.quantile(usual, SUSPICIOUS_QUANTILE)
    fakes_below, usual_below = np.sum(ratios < limit), np.sum(usual < limit)
    table = [[fakes_below, len(ratios) - fakes_below], [usual_below, len(usual) - usual_below]]
    share = float(fakes_below / len(ratios))
    return CopyCheck(
        suspicious=share,
        copies=max(0.0, (share - SUSPICIOUS_QUANTILE) / (1 - SUSPICIOUS_QUANTILE)),
        p_value=float(scipy.stats.fisher_exact(table, alternative="greater").pvalue),
        fake_distance=float(np.median(to_train)),
        test_distance=float(np.median(unseen_to_train)),
        pairs=[(int(index), int(closest[index])) for index in np.argsort(ratios, kind="stable")[:32]],
    )
