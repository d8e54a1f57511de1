"""The score card of a model, by what it can do: make images, reconstruct, repair, translate or repaint them."""

from __future__ import annotations

import dataclasses
import functools
import time

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import MIN_SCORED_IMAGES, ImageData
from keras_gen.evaluation.card import Score, ScoreCard, protocol
from keras_gen.evaluation.effort import FULL
from keras_gen.evaluation.reconstruction import reconstruction_errors
from keras_gen.evaluation.repair import NUM_PARTS, NUM_PROPOSALS, Task, score_repair
from keras_gen.evaluation.scoring import Columns, Evaluation, Features, score_images
from keras_gen.evaluation.style import score_style
from keras_gen.evaluation.translation import score_translation
from keras_gen.features import real_sides
from keras_gen.inputs import LABEL, Categorical, Conditions
from keras_gen.layers import leaky_clip
from keras_gen.models.activations import last_activation
from keras_gen.models.generative import Generative
from keras_gen.models.image_to_image import BATCH_SIZE

NUM_OUTPUTS = 256
MAX_REPAIRED, MIN_REPAIRED = 1_000, 50  # images in each part of a card of repair
MIN_FULL_SECONDS = 120.0  # in which a second feature net is trained
# What else is done for each image of a part, features and baselines above all: two cores of an AMD EPYC (Zen 4),
# 2026-11-30.
BESIDES_SECONDS_PER_VALUE = 1.5e-5


def score(
    model,
    data: ImageData,
    num: int = FULL.num_images,
    truncation: float | None = None,
    features: Features = "own",
    on_progress: OnProgress = no_progress,
    seconds: float | None = None,
) -> Evaluation:
    """Scores a trained model on the data that it was trained on.

    The full card takes a minute or two on two CPU cores the first time, to train the feature nets, and less afterwards.

    Args:
        model: a `Generative` model, such as a `GAN` or an `Autoencoder`.
        data: the data that it was trained on; real images are those of the test split.
        num: images on each side, no more than either split has; for a model that repairs no more than 1,000.
        truncation: see `GAN.sample`.
        features: "own", those of feature nets trained on the data, or "inception", see `FeatureNet.inception`.
        on_progress: an `OnProgress`, called before each step of the work and with the fraction of it that is done.
        seconds: about how long it may take: where that is not enough, fewer feature nets and images are used, and a
            remark on the card says so. None for the full card.

    Returns:
        The card, and pictures.

    Raises:
        ValueError: if the data have other images or other attributes than the model makes, for fewer than 20 images on
            a side, and for what an autoencoder or a model that repairs or repaints cannot do.
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
    if model.repairs:
        return _score_repair(model, data, about, num, truncation, features, on_progress, seconds)
    if model.translates:
        return _score_translation(model, data, about, num, truncation, features, on_progress, seconds)
    if model.stylizes:
        _check_own_way("style", truncation, features)
        return score_style(model, data, about, num, on_progress)
    if not model.reconstructs:
        return _score_generation(model, data, about, num, features, on_progress, seconds)
    draws = model.generates and len(real_sides(data, num)[0]) >= MIN_SCORED_IMAGES
    if not draws and (truncation is not None or features != "own"):
        raise ValueError(
            f"expected no truncation and no other features: without a prior, or with fewer than {MIN_SCORED_IMAGES} "
            "images on each side, an autoencoder is scored by its reconstructions alone"
        )
    started_at = time.monotonic()
    reconstruction = _score_reconstruction(model, data, about, num, on_progress)
    seconds = None if seconds is None else seconds - (time.monotonic() - started_at)
    if not draws:
        return reconstruction
    card, pictures = _score_generation(model, data, about, num, features, on_progress, seconds)
    card = dataclasses.replace(card, scores={**reconstruction.card.scores, **card.scores})
    return Evaluation(card, {**pictures, **reconstruction.pictures})


def _score_generation(model: Generative, data, about, num, features, on_progress, seconds) -> Evaluation:
    @functools.cache
    def given(num):
        """What a model that takes pictures makes so many images of: that of the test images they are compared with."""
        return model.given_of(real_sides(data, num)[0])

    def draw(num, seed):
        rows = model.draw(num, seed, truncation=about["truncation"], given=given(num))
        asked: Columns = {}
        for each, row in zip(model.inputs, rows, strict=True):
            asked |= each.asked(row)
        return model.decode(*rows), asked

    scored = score_images(draw, data, about, num, features, on_progress, seconds=seconds, wrap=model.wrap)
    if not _overshoots(model.image_network):
        columns = given(NUM_OUTPUTS)
        num = min([NUM_OUTPUTS, *map(len, columns.values())])
        outputs = model.render(*model.draw(num, truncation=about["truncation"], given=columns))
        scored.card.scores["out_of_range"] = Score(_share_out_of_range(outputs))
    return scored


def _score_reconstruction(model, data, about, num, on_progress) -> Evaluation:
    split = data.test.some(num)
    on_progress(f"reconstructing {len(split):,} test images")
    originals = np.asarray(split.images[:])
    given = model.given_of(split, drawn_too=True)
    reconstructions = model.reconstruct(originals, given=given)
    scores = {name: Score(value) for name, value in reconstruction_errors(originals, reconstructions).items()}
    if not _overshoots(model.image_network):
        outputs = model({name: column[:NUM_OUTPUTS] for name, column in {"images": originals, **given}.items()})
        scores["out_of_range"] = Score(_share_out_of_range(outputs))
    card = ScoreCard(about, protocol(data, len(split), "own", nets=[]), [], scores)
    shown = pixels.stacks(originals[:20], reconstructions[:20])
    return Evaluation(card, {"test images and, below, their reconstructions": shown})


def _score_repair(model, data, about, num, truncation, features, on_progress, seconds) -> Evaluation:
    _check_own_way("repair", truncation, features)

    def repair(pictures, masks, seed):
        return model.repair(pictures, masks, seed=seed)[:, 0]

    num = full = min(num, MAX_REPAIRED, len(data.test) // 2)
    task = Task.of(model.task, model.source.made_of if model.mask is None else None)
    if seconds is not None:
        num = min(num, max(MIN_REPAIRED, int(seconds / _seconds_to_repair(model, data))))
    scored = score_repair(repair, data, about, num, task, 1 if num < full else FULL.num_nets, on_progress)
    if num < full:
        scored.card.remarks.insert(0, f"A brief card, for a short run: {num:,} of {full:,} images in each part.")
    return scored


def _score_translation(model, data, about, num, truncation, features, on_progress, seconds) -> Evaluation:
    _check_own_way("translation", truncation, features)

    def translate(pictures, seed):
        return model.translate(pictures, seed=seed)[:, 0]

    brief = seconds is not None and seconds < MIN_FULL_SECONDS
    varies, nets = model.latent_input is not None, 1 if brief else FULL.num_nets
    scored = score_translation(translate, data, about, min(num, MAX_REPAIRED), varies, nets, on_progress)
    if brief:
        scored.card.remarks.insert(0, f"A brief card, for a short run: {nets} of {FULL.num_nets} feature nets.")
    return scored


def _seconds_to_repair(model, data) -> float:
    """About how long one more image on the card takes, with everything that is done for it, in all parts."""
    images = np.asarray(data.test.some(BATCH_SIZE).images[:])
    masks = None if model.mask is None else model.mask.rows(len(images), 0)
    pictures = images if model.mask is not None else model.source.made_of(images)
    model.repair(pictures, masks)  # compiles
    started_at = time.perf_counter()
    model.repair(pictures, masks)
    seconds = (time.perf_counter() - started_at) / len(images)
    num_parts = 1 if model.mask is None else NUM_PARTS
    return num_parts * (NUM_PROPOSALS * seconds + BESIDES_SECONDS_PER_VALUE * images[0].size)


def _check_own_way(what: str, truncation, features) -> None:
    if truncation is not None or features != "own":
        raise ValueError(f"expected no truncation and no other features: {what} is scored in its own way")


def _check_conditions(conditions: Conditions | None, data: ImageData) -> None:
    """What is asked for is an index: value 2 must mean the same to the model and in the data."""
    values = {**data.attribute_values, **({LABEL: data.class_names} if data.class_names else {})}
    for item in conditions.attributes if conditions else []:
        if isinstance(item, Categorical) and item.name in values and list(values[item.name]) != item.values:
            raise ValueError(
                f"expected data with the {item.name} of the model, {', '.join(item.values)}; {data.name} has "
                f"{', '.join(values[item.name])}"
            )


def _overshoots(network: keras.Model) -> bool:
    """Whether the end of a network is meant to go beyond [-1, 1] wherever black or white is meant."""
    return last_activation(network) == leaky_clip.__name__


def _share_out_of_range(outputs) -> float:
    return float(np.mean(np.abs(keras.ops.convert_to_numpy(outputs)) > 1.01))
