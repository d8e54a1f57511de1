"""How thorough a score card may be: fewer feature nets and images where the time for the full one is not there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_gen.data import ImageData
from keras_gen.features import FeatureNet
from keras_gen.features.training import BATCH_SIZE, steps_for
from keras_gen.inputs import learnable

NUM_DRAWS = 2  # sets of generated images
CLASSIFIER_STEPS = 400
# Measured on two cores of an AMD EPYC (Zen 4) with AVX-512, 2026-11-30. A step of training costs so many times as much
# as extracting the features of its images; two sets of n images are compared in a + b · n² seconds.
CLASSIFIER_STEP, SELF_SUPERVISED_STEP = 4.0, 12.0
COMPARE_SECONDS, COMPARE_SECONDS_PER_PAIR = 0.5, 1e-7
COPY_SECONDS_PER_VALUE = 1e-10  # of each pair of images
MAX_COPY_CHECKED = 2_000  # fakes compared with every training image, and as many real images
# Where one of each pair is rolled, on the same machine, busy, 2026-12-01: 2e-10 along the width, 2e-9 along both axes.
ROLLED_SECONDS_PER_VALUE = 2e-9
MAX_ROLLED_VALUES = 5 * 10**9  # of all pairs with training images: about 10 seconds, unless the fewest take longer
MIN_ROLLED_CHECKED = 50
MARGIN = 1.5  # an estimate must leave room for machines that are slower at one thing than at another


class Effort(NamedTuple):
    """How thoroughly images are scored.

    Attributes:
        num_images: on each side, at most.
        num_nets: feature nets, which differ in their seed.
        classification: whether a classifier is trained on the generated images, and another on real ones.
    """

    num_images: int = 10_000
    num_nets: int = 2
    classification: bool = True


FULL = Effort()
FEWER_IMAGES = (3_000, 1_000, 300, 100)


class Pace(NamedTuple):
    """How fast images are made and their features extracted here, in seconds for each."""

    draw: float
    extract: float

    @classmethod
    def measure(cls, draw: Callable, net: FeatureNet, num: int) -> Pace:
        """Times the second of two small sets: the first compiles.

        Args:
            draw: as for `score_images`.
            net: a feature net.
            num: images that there are of what they are made of, at most.
        """
        num = min(num, net.batch_size)
        net.extract(draw(num, 0)[0])
        started_at = time.perf_counter()
        images, _ = draw(num, 0)
        drawn_at = time.perf_counter()
        net.extract(np.asarray(images))
        return cls((drawn_at - started_at) / num, (time.perf_counter() - drawn_at) / net.batch_size)


class Work(NamedTuple):
    """What there is to do on a data set.

    Attributes:
        num_images: that there are on each side.
        num_train: training images, all of which the copy check compares with.
        num_test: test images, on all of which each net is tested.
        num_values: of an image.
        is_labelled: whether the nets are classifiers.
        missing_nets: for each feature net whether it has to be trained; empty where these are not our own.
        wrap: how images close: then the copy check compares all rolls.
    """

    num_images: int
    num_train: int
    num_test: int
    num_values: int
    is_labelled: bool
    missing_nets: tuple[bool, ...] = ()
    wrap: str = "none"

    @property
    def num_copy_checked(self) -> int:
        """How many fakes are compared with the training images, at most: fewer where all rolls are compared."""
        if self.wrap == "none":
            return MAX_COPY_CHECKED
        return max(MIN_ROLLED_CHECKED, min(MAX_COPY_CHECKED, MAX_ROLLED_VALUES // (self.num_train * self.num_values)))

    @classmethod
    def of(cls, data: ImageData, num_images: int, own_features: bool, wrap: str = "none") -> Work:
        """What there is to do for a card on this data set.

        Args:
            data: the data.
            num_images: that there are on each side, see `real_sides`.
            own_features: whether the feature nets are those that are trained on the data.
            wrap: a name in `keras_gen.layers.WRAPS`.
        """
        nets = range(FULL.num_nets if own_features else 0)
        missing_nets = tuple(not FeatureNet.is_trained(data, seed) for seed in nets)
        num_values = math.prod(data.image_shape)
        return cls(num_images, len(data.train), len(data.test), num_values, bool(learnable(data)), missing_nets, wrap)


def seconds_for(effort: Effort, pace: Pace, work: Work, num_draws: int = NUM_DRAWS) -> float:
    """About how long a card takes.

    Args:
        effort: how thorough it is.
        pace: how fast the machine is.
        work: what there is to do.
        num_draws: sets of generated images.
    """
    num = min(effort.num_images, work.num_images)
    step = BATCH_SIZE * pace.extract * (CLASSIFIER_STEP if work.is_labelled else SELF_SUPERVISED_STEP)
    training = sum(work.missing_nets[: effort.num_nets]) * steps_for(work.num_train) * step
    drawing = num_draws * num * (pace.draw + pace.extract)
    extracting = (2 * num + work.num_test) * pace.extract
    comparing = (num_draws + 2) * (COMPARE_SECONDS + COMPARE_SECONDS_PER_PAIR * num**2)
    has_classifiers = effort.classification and work.is_labelled and work.missing_nets
    classifying = 2 * CLASSIFIER_STEPS * step if has_classifiers else 0.0
    pairs = 2 * min(num, work.num_copy_checked) * (work.num_train + work.num_test)
    copying = (COPY_SECONDS_PER_VALUE if work.wrap == "none" else ROLLED_SECONDS_PER_VALUE) * pairs * work.num_values
    return training + effort.num_nets * (drawing + extracting + comparing) + classifying + copying


def affordable(full: Effort, seconds: float, pace: Pace, work: Work, num_draws: int = NUM_DRAWS) -> Effort:
    """The most thorough effort that stays within so many seconds, or the briefest.

    Args:
        full: the effort where there is time enough.
        seconds: how long it may take.
        pace: as for `seconds_for`.
        work: as for `seconds_for`.
        num_draws: as for `seconds_for`.
    """
    most = min(full.num_images, work.num_images)
    fewer = [full.num_images, *(num for num in FEWER_IMAGES if num < most)]
    brief = [Effort(num, num_nets=1, classification=False) for num in fewer]
    fitting = (
        each
        for each in (full, full._replace(num_nets=1), *brief)
        if MARGIN * seconds_for(each, pace, work, num_draws) <= seconds
    )
    return next(fitting, brief[-1])
