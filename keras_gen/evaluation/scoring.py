"""Scoring: from whatever makes images, and the data that they should be like, to a score card."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import MIN_SCORED_IMAGES, ImageData, Split
from keras_gen.evaluation import effort as efforts
from keras_gen.evaluation.card import Score, ScoreCard, protocol
from keras_gen.evaluation.copies import CopyCheck, copy_check
from keras_gen.evaluation.distances import kernel_distance
from keras_gen.evaluation.effort import CLASSIFIER_STEPS, FULL, NUM_DRAWS, Effort, Pace, Work
from keras_gen.evaluation.scores import by_class, compare, main_attribute
from keras_gen.evaluation.seams import seam_scores
from keras_gen.features import FeatureNet, classifier, learned_and_held_out, real_sides
from keras_gen.inputs import Conditions

NUM_CLOSEST_PAIRS = 20  # pairs shown
MIN_TRUSTED_IMAGES = 1_000
MIN_NET_ACCURACY = 0.8  # of a feature net; below it the card has a remark
MIN_COVERAGE_SHARE = 0.25  # of the coverage that real images reach

Columns = dict[str, np.ndarray]
Draw = Callable[[int, int], tuple[np.ndarray, Columns]]  # (num, seed) → images, what was asked of each
Features = Literal["own", "inception"]


class Evaluation(NamedTuple):
    """A card and the pictures that go with it, uint8 arrays (height, width, channels) by name."""

    card: ScoreCard
    pictures: dict[str, np.ndarray]


def score_images(
    draw: Draw,
    data: ImageData,
    model: dict,
    num: int = FULL.num_images,
    features: Features = "own",
    on_progress: OnProgress = no_progress,
    num_draws: int = NUM_DRAWS,
    seconds: float | None = None,
    wrap: str = "none",
) -> Evaluation:
    """Scores images, whatever made them.

    Args:
        draw: `draw(num, seed) -> (images, asked)`, the same for the same arguments: uint8 (num, height, width,
            channels) and columns of what was asked of each image, by attribute, as they stand in the data; an empty
            dict where nothing was asked.
        data: the data; real images are those of the test split.
        model: what the card says about the model: at least its `class`, and `data`, the name of the data.
        num: images on each side, no more than either split has.
        features: "own", those of feature nets trained on the data, or "inception", see `FeatureNet.inception`.
        on_progress: an `OnProgress`, called before each step of the work and with the fraction of it that is done.
        num_draws: sets of images to score, each with its own seed.
        seconds: about how long it may take: where that is not enough, fewer feature nets and images are used, and a
            remark on the card says so. None for the full card.
        wrap: a name in `keras_gen.layers.WRAPS`, how the images should close: then their seams are scored too, and a
            copy may be rolled.

    Returns:
        The card, and pictures.

    Raises:
        ValueError: for fewer than 20 images on a side.
    """
    real_split, floor_split = real_sides(data, num)
    if len(real_split) < MIN_SCORED_IMAGES:
        _, held_out = learned_and_held_out(data)
        raise ValueError(
            f"expected at least {MIN_SCORED_IMAGES} images on each side to score with, received {len(data.test)} in "
            f"the test split, {len(held_out)} held out of the training split and {num} as the most to use: add "
            "images, or put more of them into the test split"
        )
    first = FeatureNet.of(data, 0, on_progress) if features == "own" else FeatureNet.inception(data.image_shape)
    pace = Pace.measure(draw, first, len(real_split))
    full = FULL._replace(num_images=num, num_nets=FULL.num_nets if features == "own" else 1)
    work = Work.of(data, len(real_split), own_features=features == "own", wrap=wrap)
    effort = full if seconds is None else efforts.affordable(full, seconds, pace, work, num_draws)
    if effort.num_images < len(real_split):
        real_split, floor_split = real_sides(data, effort.num_images)
    num, num_nets = len(real_split), effort.num_nets
    needed = efforts.seconds_for(effort, pace, work, num_draws)
    on_progress(f"scoring with {num:,} images on each side, about {_rounded(needed)}")
    values: dict[str, np.ndarray] = {}  # by name of the metric, (nets, draws); the last column is the floor
    nets: list[dict[str, Any]] = []
    intervals = []

    def note(seed, place, numbers):
        for name, number in numbers.items():
            values.setdefault(name, np.full((num_nets, num_draws + 1), np.nan))[seed, place] = number

    for seed in range(num_nets):
        net = FeatureNet.of(data, seed, on_progress) if seed else first
        nets.append({"seed": seed, "hash": net.hash, "accuracy": net.accuracy(data)})
        on_fraction = functools.partial(on_progress, f"feature net {seed + 1}: comparing {num_draws} × {num:,} images")
        on_fraction(0.0)
        real = net.extract(real_split.images)
        for place in reversed(range(num_draws)):  # the first draw last: its images are used again below
            images, columns = draw(num, place)  # again for each net: two sets of large images may be too large to keep
            fake = net.extract(images)
            note(seed, place, compare(real, fake, columns))
            on_fraction((num_draws - place) / (num_draws + 1))
        known = net.conditions.columns(floor_split) if net.conditions else {}
        asked = {name: column for name, column in known.items() if name in columns}
        note(seed, num_draws, compare(real, net.extract(floor_split.images), asked))
        intervals.append(kernel_distance(real.features, fake.features)[1:])
        if seed == 0:
            classes, attributes = by_class(real, fake), fake.read_back(columns)
    # Only what could be measured for every net and draw.
    scores = {name: _summary(by_net) for name, by_net in values.items() if not np.isnan(by_net[:, :-1]).any()}
    scores["kernel"] = dataclasses.replace(scores["kernel"], interval=np.mean(intervals, axis=0).tolist())
    main = main_attribute(real)
    if effort.classification and main is not None and main.name in columns and main.name in nets[-1]["accuracy"]:
        generated = Split(images, None, {main.name: columns[main.name]})
        learned, floor = (
            _classification(
                split, data, Conditions([main]), functools.partial(on_progress, f"training a classifier on {what}")
            )
            for split, what in ((generated, "the generated images"), (floor_split, "as many real ones"))
        )
        scores["classification"] = Score(learned, floor=floor)
    seams, real_seams = (seam_scores(each, wrap) for each in (images, floor_split.images))
    scores |= {name: Score(value, floor=real_seams[name]) for name, value in seams.items()}
    checked = images[: work.num_copy_checked]
    on_progress(f"comparing {len(checked):,} images with {len(data.train):,} training images")
    copies = copy_check(data.train.images, data.test.images, checked, wrap=wrap)
    fakes, originals = map(list, zip(*copies.pairs[:NUM_CLOSEST_PAIRS], strict=True))
    pictures = {
        "samples": pixels.grid(images[:64]),
        "the closest pairs: generated images and, below, the nearest training images": pixels.stacks(
            images[fakes], np.stack([data.train.images[index] for index in originals])
        ),
    }
    card = ScoreCard(
        model=model,
        protocol=protocol(data, num, features, nets, wrap),
        nets=nets,
        scores=scores,
        classes=classes,
        attributes=attributes,
        copies=copies.described(),
        remarks=[*_brief(effort, full), *cautions(features, nets, scores, classes, copies, num)],
    )
    return Evaluation(card, pictures)


def _summary(by_net: np.ndarray) -> Score:
    """The score from the numbers of each net (row) for each set of images (column), the floor in the last column."""
    *sets, floor = by_net.mean(axis=0)
    return Score(
        value=float(np.mean(sets)),
        error=float(np.std(sets, ddof=1)) if len(sets) > 1 else None,
        floor=None if np.isnan(floor) else float(floor),
    )


def _classification(split: Split, data: ImageData, conditions: Conditions, on_fraction) -> float:
    """The accuracy on the test split of a classifier that was trained on one split alone."""
    network = classifier(split, conditions, seed=FULL.num_nets, num_steps=CLASSIFIER_STEPS, on_fraction=on_fraction)
    return FeatureNet(network, conditions).accuracy(data)[conditions.names[0]]


def _rounded(seconds: float) -> str:
    """A duration in words, no more exact than an estimate is.

    Example:
        >>> _rounded(3.2), _rounded(48), _rounded(200)
        ('5 seconds', '50 seconds', '3 minutes')
    """
    if seconds >= 100:
        return f"{round(seconds / 60)} minutes"
    return f"{max(5, 5 * round(seconds / 5))} seconds"


def _brief(effort: Effort, full: Effort) -> list[str]:
    """What a card leaves out that was made in the time that there was."""
    left_out = [
        f"{effort.num_nets} of {full.num_nets} feature nets" * (effort.num_nets < full.num_nets),
        "no classifier trained on generated images" * (effort.classification < full.classification),
        f"at most {effort.num_images:,} images" * (effort.num_images < full.num_images),
    ]
    if not any(left_out):
        return []
    return [f"A brief card ({', '.join(filter(None, left_out))}): `keras-gen evaluate` makes the full one."]


def cautions(features, nets, scores: dict[str, Score], classes, copies: CopyCheck | None, num: int) -> list[str]:
    """What to know before reading the numbers."""
    remarks = []
    coverage = scores.get("coverage")
    if coverage and coverage.floor and coverage.value < MIN_COVERAGE_SHARE * coverage.floor:
        remarks.append(
            f"Not fit for use: only {coverage.value:.0%} of the real images have a generated image nearby; "
            f"{coverage.floor:.0%} have another real image nearby."
        )
    if features == "inception":
        remarks.append(
            "The features are those of InceptionV3, so the Fréchet distance is an FID, but with the weights of "
            "keras.applications, which are not those behind published numbers."
        )
    for net in nets:
        poor = [f"{name} {value:.0%}" for name, value in net["accuracy"].items() if not value >= MIN_NET_ACCURACY]
        if poor:
            remarks.append(
                f"Feature net {net['seed'] + 1} classifies real test images poorly ({', '.join(poor)}): treat its "
                "scores of generated images with care."
            )
    if num < MIN_TRUSTED_IMAGES:
        remarks.append(
            f"Only {num} images on each side: differences smaller than those between real training images and a "
            "perfect score may be chance."
        )
    rare = [name for name, found in classes.items() if "frechet" not in found]
    if rare:
        remarks.append(
            f"No class_frechet: {', '.join(rare)} {'is' if len(rare) == 1 else 'are'} rarely or never made, and the "
            "mean over the other classes would look better than it is."
        )
    if copies and copies.copied:
        remarks.append(
            f"It copies: about {copies.copies:.0%} of its images are training images, or nearly so (p = "
            f"{copies.p_value:.1g}). See the closest pairs."
        )
    return remarks
