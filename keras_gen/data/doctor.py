"""Finds what is wrong with a set of images before hours are spent on it, and says what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.stats

from keras_gen.data.image_data import MIN_IMAGES_UNAUGMENTED, MIN_SCORED_IMAGES, ImageData
from keras_gen.data.nearest import nearest
from keras_gen.data.seams import meets

MAX_EXAMINED = 20_000  # training and test images each, at random, of a larger set; a tenth of one that stays on disk
MAX_FLOAT_VALUES = 10**8  # values that are converted to floats
MAX_EDGE_VALUES = 2 * 10**7  # values of the images whose edges are compared
MAX_COMPARED = 1_000  # images of each part whose nearest neighbours are searched for

# Root mean square over pixels, in bytes: what a second JPEG compression or a shift of brightness changes, but no more
# than a quarter of the usual distance between two images of the set, as in some sets all images are alike.
NEAR_DISTANCE, NEAR_SHARE = 6.0, 0.25
ROUNDING_DISTANCE = 0.1  # smaller ones are rounding errors: identical images are found byte by byte
MIN_COMPARED = 100  # images that labels are checked with
MAX_P_VALUE = 0.01  # below this probability, neighbours do not agree by chance
MIN_EXCESS_AGREEMENT = 0.1  # agreement beyond chance, as a share of the images
MAX_CLASS_RATIO = 10  # between the numbers of images of the largest class and of the smallest
MIN_TRAINED = 1_000  # below it a GAN memorises the images, or its discriminator does
MIN_PER_CLASS = 20
MIN_CORRELATION = 0.4  # with the mean image: most images are above it, an inverted one is below its negative
MIN_CONTRAST = 4.0  # standard deviation over all images, in bytes
_INFLATED = "scores will look better than they are"


class Finding(NamedTuple):
    """Something about the data that the user should know.

    Attributes:
        text: what it is, and what to do.
        serious: whether training will suffer, or the score will mislead.
    """

    text: str
    serious: bool


def examine(
    data: ImageData, on_progress: Callable[[str], None] = lambda text: None, min_scored: int = MIN_SCORED_IMAGES
) -> list[Finding]:
    """Searches a set for common faults of image sets.

    Args:
        data: a loaded set; of a large one 20,000 images of each part are examined, 2,000 if it stays on disk.
        on_progress: gets a message at each step.
        min_scored: test images that a score needs; 0 where nothing will be scored.

    Returns:
        The findings, the serious ones first.

    Example:
        >>> import keras_gen
        >>> [finding.serious for finding in examine(keras_gen.load("digits"))]
        [False]
    """
    on_progress("examining the images")
    num = MAX_EXAMINED if isinstance(data.train.images, np.ndarray) else MAX_EXAMINED // 10  # each is decoded once more
    train, test = data.train.some(num), data.test.some(num)
    images, others = np.asarray(train.images[:]), np.asarray(test.images[:])
    findings = [
        *_counts(data, min_scored),
        *_values(images),
        *_outliers(images),
        *_classes(data),
        *_edges(images),
    ]
    on_progress("searching for duplicates")
    findings += [*_duplicates(images, others, train.labels), *_neighbours(images, others, train.labels)]
    return sorted(findings, key=lambda finding: not finding.serious)


def _counts(data, min_scored) -> Iterator[Finding]:
    if data.skipped:
        total = len(data.skipped) + len(data.train) + len(data.test)
        first = ", ".join(f"{path} ({reason})" for path, reason in data.skipped[:3])
        yield Finding(
            f"files that cannot be read: {len(data.skipped)} of {total:,}, {first}{_more(data.skipped, 3)}",
            len(data.skipped) > total / 20,
        )
    if len(data.train) < MIN_TRAINED:
        yield Finding(f"only {len(data.train):,} training images: few to learn from", True)
    if len(data.train) < MIN_IMAGES_UNAUGMENTED:
        yield Finding(
            f"fewer than {MIN_IMAGES_UNAUGMENTED:,} training images: a GAN soon memorises them; fast and resnet "
            "augment them, others with --augment ada",
            False,
        )
    if len(data.test) < min_scored:
        yield Finding(
            f"only {len(data.test)} test images: a score needs {min_scored}; add images, add a folder test/, or train "
            "with --no-score",
            True,
        )


def _values(images) -> Iterator[Finding]:
    lowest, highest = int(images.min()), int(images.max())
    channels = images.shape[-1]
    if highest == 1:
        yield Finding(f"all values are {lowest} to {highest} of 255: multiply by 255 what was scaled to [0, 1]", True)
    elif images.std() < MIN_CONTRAST or highest - lowest < 64:
        text = f"hardly any contrast: values from {lowest} to {highest}, standard deviation {images.std():.1f}"
        yield Finding(text, True)
    if channels == 4 and (images[..., 3] == 255).all():
        yield Finding("RGBA without any transparency: --channels 3 saves a quarter of the work", False)
    if channels >= 3 and (images[..., 0] == images[..., 1]).all() and (images[..., 0] == images[..., 2]).all():
        yield Finding("colour images that are grey: --channels 1 saves two thirds of the work", False)


def _outliers(images) -> Iterator[Finding]:
    varied = (images != images[:, :1, :1]).any(axis=(1, 2, 3))
    if constant := int((~varied).sum()):
        yield Finding(f"images of a single colour: {constant:,} of {len(images):,}; remove them", constant > 1)
    images = images[varied][: MAX_FLOAT_VALUES // images[0].size]
    if len(images) < 3:
        return
    flat = scipy.stats.zscore(images.reshape(len(images), -1).astype("float32"), axis=1)
    mean = flat.mean(axis=0)
    alike = flat @ mean / (np.linalg.norm(mean) * np.sqrt(mean.size) + 1e-12)
    inverted = int((alike < -MIN_CORRELATION).sum())
    if inverted and np.median(alike) > MIN_CORRELATION:
        text = f"images that look inverted, dark for light: {inverted:,} of {len(images):,}; fix or remove them"
        yield Finding(text, True)


def _classes(data) -> Iterator[Finding]:
    if data.train.labels is None:
        return
    names = data.class_names or []
    counts = np.bincount(data.train.labels, minlength=len(names))
    least, most = int(counts.argmin()), int(counts.argmax())
    few = [name for name, count in zip(names, counts, strict=True) if count < MIN_PER_CLASS]
    if counts[least] * MAX_CLASS_RATIO <= counts[most]:
        yield Finding(
            f"unequal classes: {counts[most]:,} training images of {names[most]}, {counts[least]:,} of {names[least]}; "
            "rare classes are learned poorly",
            True,
        )
    if few:
        yield Finding(
            f"classes with fewer than {MIN_PER_CLASS} training images: {len(few)} of {len(names)}, "
            f"{', '.join(few[:5])}{_more(few, 5)}",
            False,
        )


def _edges(images) -> Iterator[Finding]:
    num = max(1, min(MAX_COMPARED, MAX_EDGE_VALUES // images[0].size))
    images = images[np.random.default_rng(0).permutation(len(images))[:num]]
    height, width = images.shape[1:3]
    if not meets(images, axis=2):
        return
    if meets(images, axis=1):
        text = "tiles, whose opposite edges meet: --wrap both makes tiles without a seam"
    else:
        panoramas = "panoramas, whose" if width == 2 * height else "images whose"
        text = f"{panoramas} left and right edges meet: --wrap width makes images that close"
    yield Finding(text, False)


def _duplicates(images, others, labels) -> Iterator[Finding]:
    """Duplicates, byte by byte."""
    first: dict[bytes, int] = {}
    repeated, differently = 0, 0
    for index, image in enumerate(images):
        earlier = first.setdefault(image.tobytes(), index)
        repeated += earlier < index
        differently += earlier < index and labels is not None and labels[earlier] != labels[index]
    if repeated:
        text = f"repeated training images: {repeated:,} of {len(images):,}; they count twice"
        yield Finding(text, repeated > len(images) / 20)
    if differently:
        yield Finding(f"the same image in two classes: {differently:,} of {len(images):,}; one of them is wrong", True)
    if leaked := sum(image.tobytes() in first for image in others):
        text = f"test images that are training images too: {leaked:,} of {len(others):,}; {_INFLATED}"
        yield Finding(text, leaked > len(others) / 100)


def _neighbours(images, others, labels) -> Iterator[Finding]:
    """Near duplicates, and labels that have nothing to do with the images."""
    if len(images) < 3:
        return
    chosen = np.random.default_rng(0).permutation(len(images))[:MAX_COMPARED]
    within, neighbours = nearest(images[chosen], images, own=chosen)
    across, _ = nearest(others[:MAX_COMPARED], images)
    limit = min(NEAR_DISTANCE, NEAR_SHARE * float(np.median(within)))
    for distances, part, then in ((within, "training", "they count twice"), (across, "test", _INFLATED)):
        if near := int(((distances > ROUNDING_DISTANCE) & (distances < limit)).sum()):
            what = f"{part} images with nearly the same one among the training images"
            text = f"{what}: {near:,} of {len(distances):,}; {then}"
            yield Finding(text, near > len(distances) / 20)
    if labels is None or len(chosen) < MIN_COMPARED:
        return
    alike = int(np.sum(labels[chosen] == labels[neighbours]))
    by_chance = float(np.mean(labels == labels[chosen, None]))
    more = scipy.stats.binomtest(alike, len(chosen), by_chance, "greater").pvalue <= MAX_P_VALUE
    # No evidence of agreement proves little for few images: the confidence interval must exclude it too.
    at_most = scipy.stats.binomtest(alike, len(chosen)).proportion_ci(1 - MAX_P_VALUE).high
    if by_chance < 1 and not more and at_most < by_chance + MIN_EXCESS_AGREEMENT:
        yield Finding(
            f"labels that seem unrelated to the images: {alike / len(chosen):.0%} of the images have the label of "
            f"the image most like them, {by_chance:.0%} would by chance; check whether they belong together",
            True,
        )


def _more(items, shown: int) -> str:
    return " …" if len(items) > shown else ""
