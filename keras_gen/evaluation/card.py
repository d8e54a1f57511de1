"""The score card of a model: every number with what it takes to trust it, as JSON and in words.

Real images are those of the test split, which nothing else in a run looks at. Beside each number stands the floor:
what as many real training images would get in place of the generated ones.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import MIN_SCORED_IMAGES, ImageData, Split
from keras_gen.evaluation.copies import CopyCheck, copy_check
from keras_gen.evaluation.distances import kernel_distance
from keras_gen.evaluation.reconstruction import reconstruction_errors
from keras_gen.evaluation.scores import by_class, compare, main_attribute
from keras_gen.features import FeatureNet, classifier, learned_and_held_out, real_sides
from keras_gen.inputs import LABEL, Categorical, Conditions
from keras_gen.models.generative import Generative

MAX_IMAGES = 10_000
MAX_COPY_CHECKED = 2_000  # fakes held against every training image
NUM_NETS = 2  # feature nets, which differ in their seed
NUM_DRAWS = 2  # sets of generated images
CLASSIFIER_STEPS = 400
NUM_OUTPUTS = 256
NUM_CLOSEST_PAIRS = 20  # pairs shown
MIN_TRUSTED_IMAGES = 1_000
MIN_NET_ACCURACY = 0.8  # what a feature net reads less well than this is told
MIN_COVERAGE_SHARE = 0.25  # of the coverage that real images reach
PROTOCOL = 1  # grows when numbers of the same name begin to mean something else

Columns = dict[str, np.ndarray]
Draw = Callable[[int, int], tuple[np.ndarray, Columns]]  # (num, seed) → images, what each was asked to be
Features = Literal["own", "inception"]


@dataclasses.dataclass(frozen=True)
class Score:
    """One number of a card.

    Attributes:
        value: mean over the feature nets and the sets of generated images.
        error: standard deviation over the sets, each a mean over the nets; None for a number that was taken once.
        floor: the value for real training images; None where that makes no sense.
        interval: [low, high] of a bootstrap over the images of the first draw, in which the value of infinitely many
            lies with at least 95 % confidence; mean over the nets; None where there is none.
    """

    value: float
    error: float | None = None
    floor: float | None = None
    interval: list[float] | None = None


@dataclasses.dataclass(frozen=True)
class ScoreCard:
    """How good a model is, and by which measure.

    Attributes:
        model: what was judged: where it lies, its class, whether its weights are averaged, truncation.
        protocol: how it was judged; cards compare where this is the same.
        nets: for each feature net its seed, hash, and how well it reads the test split, by attribute.
        scores: `Score` by names in `scores.METRICS`.
        classes: how often each class is made, and how good it is, see `scores.by_class`; by the first net.
        attributes: how well each attribute that was asked for is read; by the first net.
        copies: the copy check's findings, without the pairs; empty where nothing was generated.
        remarks: what a reader must know before the numbers.

    Example:
        card, pictures = score(gan, keras_gen.load("mnist"))
        card.scores["frechet"].value, card.scores["frechet"].floor
        card.save("scorecard.json")
    """

    model: dict[str, Any]
    protocol: dict[str, Any]
    nets: list[dict[str, Any]]
    scores: dict[str, Score]
    classes: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    attributes: dict[str, float] = dataclasses.field(default_factory=dict)
    copies: dict[str, Any] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)

    def save(self, path: str | Path) -> Path:
        """Writes the card as JSON."""
        path = Path(path)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> ScoreCard:
        """Reads a card that `save` wrote.

        Raises:
            ValueError: for a file that is no score card.
        """
        try:
            card = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**{**card, "scores": {name: Score(**score) for name, score in card["scores"].items()}})
        except (json.JSONDecodeError, AttributeError, TypeError, KeyError) as error:
            raise ValueError(f"expected a score card, {path} holds something else") from error


class Judged(NamedTuple):
    """A card and the pictures that go with it, uint8 arrays (height, width, channels) by name."""

    card: ScoreCard
    pictures: dict[str, np.ndarray]


def score(
    model,
    data: ImageData,
    num: int = MAX_IMAGES,
    truncation: float | None = None,
    features: Features = "own",
    on_progress: OnProgress = no_progress,
) -> Judged:
    """Scores a trained model on the data that it learned from.

    Takes a minute or two on two CPU cores the first time, to train the feature nets, and less afterwards.

    Args:
        model: a `Generative` model, such as a `GAN` or an `Autoencoder`.
        data: the data that it was trained on; real images are those of the test split.
        num: images on each side, no more than either split has.
        truncation: see `GAN.sample`.
        features: "own", those of feature nets that learn from the data, or "inception", see `FeatureNet.inception`.
        on_progress: called with a few words before each step of the work.

    Returns:
        The card, and pictures.

    Raises:
        ValueError: if the data have other images or other attributes than the model makes, for less than 20 images on
            a side, and for what an autoencoder has not.
    """
    if tuple(data.image_shape) != tuple(model.image_shape):
        raise ValueError(
            f"expected data with images of {model.image_shape}, those of {data.name} are {data.image_shape}"
        )
    about = {
        "class": type(model).__name__,
        "data": data.name,
        "parameters": int(model.count_params()),
        "truncation": truncation,
    }
    about |= model.facts
    _check_conditions(model.conditions, data)
    if not model.reconstructs:
        return _score_generation(model, data, about, num, features, on_progress)
    draws = model.generates and len(real_sides(data, num)[0]) >= MIN_SCORED_IMAGES
    if not draws and (truncation is not None or features != "own"):
        raise ValueError(
            f"expected no truncation and no other features: without a prior, or with less than {MIN_SCORED_IMAGES} "
            "images on each side, an autoencoder is scored by its reconstructions alone"
        )
    reconstruction = _score_reconstruction(model, data, about, num, on_progress)
    if not draws:
        return reconstruction
    card, pictures = _score_generation(model, data, about, num, features, on_progress)
    card = dataclasses.replace(card, scores={**reconstruction.card.scores, **card.scores})
    return Judged(card, {**pictures, **reconstruction.pictures})


def _score_generation(model: Generative, data, about, num, features, on_progress) -> Judged:
    split, _ = real_sides(data, num)
    given = model.given_of(split)  # of test images, for a model that makes something of pictures

    def draw(num, seed):
        rows = model.draw(num, seed, truncation=about["truncation"], given=given)
        asked: Columns = {}
        for each, row in zip(model.inputs, rows, strict=True):
            asked |= each.asked(row)
        return model.decode(*rows), asked

    judged = score_images(draw, data, about, num, features, on_progress)
    num = min(NUM_OUTPUTS, len(split)) if given else NUM_OUTPUTS
    few = {name: column[:num] for name, column in given.items()}
    outputs = model.render(*model.draw(num, truncation=about["truncation"], given=few))
    judged.card.scores["out_of_range"] = Score(_share_out_of_range(outputs))
    return judged


def _score_reconstruction(model, data, about, num, on_progress) -> Judged:
    split = data.test.some(num)
    on_progress(f"reconstructing {len(split):,} test images")
    originals = np.asarray(split.images[:])
    given = model.given_of(split, drawn_too=True)
    reconstructions = model.reconstruct(originals, given=given)
    scores = {name: Score(value) for name, value in reconstruction_errors(originals, reconstructions).items()}
    outputs = model({name: column[:NUM_OUTPUTS] for name, column in {"images": originals, **given}.items()})
    scores["out_of_range"] = Score(_share_out_of_range(outputs))
    card = ScoreCard(about, _protocol(data, len(split), "own", nets=[]), [], scores)
    shown = pixels.stacks(originals[:20], reconstructions[:20])
    return Judged(card, {"test images and, below, their reconstructions": shown})


def score_images(
    draw: Draw,
    data: ImageData,
    model: dict,
    num: int = MAX_IMAGES,
    features: Features = "own",
    on_progress: OnProgress = no_progress,
    num_draws: int = NUM_DRAWS,
) -> Judged:
    """Scores images, whatever made them.

    Args:
        draw: `draw(num, seed) -> (images, asked)`, the same for the same arguments: uint8 (num, height, width,
            channels) and columns of what each was asked to be, by attribute, as they stand in the data; an empty dict
            where nothing was asked.
        data: as for `score`.
        model: what the card shall say about their maker: at least its `class`, and `data`, the name of the data.
        num: as for `score`.
        features: as for `score`.
        on_progress: as for `score`.
        num_draws: sets of images to score, each with a seed of its own.

    Returns:
        As `score`.
    """
    real_split, floor_split = real_sides(data, num)
    if len(real_split) < MIN_SCORED_IMAGES:
        _, held_out = learned_and_held_out(data)
        raise ValueError(
            f"expected at least {MIN_SCORED_IMAGES} images on each side to score with, received {len(data.test)} in "
            f"the test split, {len(held_out)} held out of the training split and {num} as the most to use: more "
            "images, or more of them to test with, make a score possible"
        )
    num = len(real_split)
    num_nets = NUM_NETS if features == "own" else 1
    values: dict[str, np.ndarray] = {}  # by name of the metric, (nets, draws); the last column is the floor
    nets: list[dict[str, Any]] = []
    intervals = []

    def note(seed, place, numbers):
        for name, number in numbers.items():
            values.setdefault(name, np.full((num_nets, num_draws + 1), np.nan))[seed, place] = number

    for seed in range(num_nets):
        net = FeatureNet.of(data, seed, on_progress) if features == "own" else FeatureNet.inception(data.image_shape)
        nets.append({"seed": seed, "hash": net.hash, "accuracy": net.accuracy(data)})
        on_progress(f"feature net {seed + 1}: comparing {num_draws} × {num:,} images")
        real = net.extract(real_split.images)
        for place in reversed(range(num_draws)):  # the first draw last: it is looked at more closely below
            images, columns = draw(num, place)  # anew for each net: two sets of large images may be too much to keep
            fake = net.extract(images)
            note(seed, place, compare(real, fake, columns))
        known = net.conditions.columns(floor_split) if net.conditions else {}
        asked = {name: column for name, column in known.items() if name in columns}
        note(seed, num_draws, compare(real, net.extract(floor_split.images), asked))
        intervals.append(kernel_distance(real.features, fake.features)[1:])
        if seed == 0:
            classes, attributes = by_class(real, fake), fake.read_back(columns)
    # Without what could not be taken for every net and draw.
    scores = {name: _summary(by_net) for name, by_net in values.items() if not np.isnan(by_net[:, :-1]).any()}
    scores["kernel"] = dataclasses.replace(scores["kernel"], interval=np.mean(intervals, axis=0).tolist())
    main = main_attribute(real)
    if main is not None and main.name in columns and main.name in nets[-1]["accuracy"]:
        on_progress("a classifier learns from the generated images, another from as many real ones")
        learned, floor = (
            _classification(split, data, Conditions([main]))
            for split in (Split(images, None, {main.name: columns[main.name]}), floor_split)
        )
        scores["classification"] = Score(learned, floor=floor)
    on_progress(f"holding {min(num, MAX_COPY_CHECKED):,} images against {len(data.train):,} training images")
    copies = copy_check(data.train.images, data.test.images, images[:MAX_COPY_CHECKED])
    fakes, originals = map(list, zip(*copies.pairs[:NUM_CLOSEST_PAIRS], strict=True))
    pictures = {
        "samples": pixels.grid(images[:64]),
        "the closest pairs: generated images and, below, the nearest training images": pixels.stacks(
            images[fakes], np.stack([data.train.images[index] for index in originals])
        ),
    }
    card = ScoreCard(
        model=model,
        protocol=_protocol(data, num, features, nets),
        nets=nets,
        scores=scores,
        classes=classes,
        attributes=attributes,
        copies={name: found for name, found in copies._asdict().items() if name != "pairs"} | {"copied": copies.copied},
        remarks=_remarks(features, nets, scores, classes, copies, num),
    )
    return Judged(card, pictures)


def _check_conditions(conditions: Conditions | None, data: ImageData) -> None:
    """What is asked for goes by index: value 2 must mean the same to the model and in the data."""
    values = {**data.attribute_values, **({LABEL: data.class_names} if data.class_names else {})}
    for item in conditions.attributes if conditions else []:
        if isinstance(item, Categorical) and item.name in values and list(values[item.name]) != item.values:
            raise ValueError(
                f"expected data with the {item.name} of the model, {', '.join(item.values)}; {data.name} has "
                f"{', '.join(values[item.name])}"
            )


def _protocol(data, num, features, nets) -> dict:
    return {
        "version": PROTOCOL,
        "training_images": data.train.fingerprint,
        "test_images": data.test.fingerprint,
        "image_shape": list(data.image_shape),
        "split": "test",
        "images": num,
        "features": features,
        "feature_nets": [net["hash"] for net in nets],
    }


def _summary(by_net: np.ndarray) -> Score:
    """The score behind the numbers of each net (rows) for each set of images, the floor in the last column."""
    *sets, floor = by_net.mean(axis=0)
    return Score(
        value=float(np.mean(sets)),
        error=float(np.std(sets, ddof=1)) if len(sets) > 1 else None,
        floor=None if np.isnan(floor) else float(floor),
    )


def _classification(split: Split, data: ImageData, conditions: Conditions) -> float:
    """How well who learned the classes from one split alone reads the test split."""
    network = classifier(split, conditions, seed=NUM_NETS, num_steps=CLASSIFIER_STEPS)
    return FeatureNet(network, conditions).accuracy(data)[conditions.names[0]]


def _share_out_of_range(outputs) -> float:
    return float(np.mean(np.abs(keras.ops.convert_to_numpy(outputs)) > 1.01))


def _remarks(features, nets, scores: dict[str, Score], classes, copies: CopyCheck, num: int) -> list[str]:
    """What a reader must know before the numbers."""
    remarks = []
    coverage = scores.get("coverage")
    if coverage and coverage.floor and coverage.value < MIN_COVERAGE_SHARE * coverage.floor:
        remarks.append(
            f"Not fit for use: {coverage.value:.0%} of the real images have a generated one nearby, where "
            f"{coverage.floor:.0%} have another real one."
        )
    if features == "inception":
        remarks.append(
            "Features of InceptionV3, so the Fréchet distance is an FID; with the weights of keras.applications, which "
            "are not those behind published numbers."
        )
    for net in nets:
        poor = [f"{name} {value:.0%}" for name, value in net["accuracy"].items() if not value >= MIN_NET_ACCURACY]
        if poor:
            remarks.append(
                f"Feature net {net['seed'] + 1} reads real test images poorly ({', '.join(poor)}): take what it says "
                "of generated ones with care."
            )
    if num < MIN_TRUSTED_IMAGES:
        remarks.append(
            f"Only {num} images on each side: differences smaller than those between real training images and a "
            "perfect score may be chance."
        )
    rare = [name for name, found in classes.items() if "frechet" not in found]
    if rare:
        remarks.append(
            f"No class_frechet: {', '.join(rare)} {'is' if len(rare) == 1 else 'are'} hardly or never made, and the "
            "mean over the other classes would look the better for it."
        )
    if copies.copied:
        remarks.append(
            f"It copies: some {copies.copies:.0%} of its images are training images, or nearly (p = "
            f"{copies.p_value:.1g}). Look at the closest pairs."
        )
    return remarks
