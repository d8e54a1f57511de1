"""What to change when training has gone wrong: a short ladder, from the gentle to the drastic."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from keras_gen.runs.options import Options, TrainingOptions

PENALTY_FACTOR = 4.0  # by which the weight of a penalty grows

Change = tuple[dict[str, Any], str]  # new values of options, and the change in words


def lower_the_rate(options: TrainingOptions, model: keras.Model) -> Change | None:
    """A quarter of the learning rate."""
    rate = options.learning_rate / 4
    return {"learning_rate": rate}, f"a quarter of the learning rate, {rate:g}"


def hold_the_discriminator(options: TrainingOptions, model: keras.Model) -> Change | None:
    """R1 and R2 where there is no penalty, four times the weight where there is one; None where there can be none."""
    if not model.takes_penalties:
        return None
    if not model.penalties:
        return {"penalties": ("r1", "r2"), "penalty_weight": None}, "R1 and R2 switched on"
    weight = model.penalties[0].weight
    weight = PENALTY_FACTOR * getattr(weight, "start", weight)
    return {"penalty_weight": weight}, f"four times the weight of the penalties, {weight:g}"


LADDER = (lower_the_rate, hold_the_discriminator, lower_the_rate, hold_the_discriminator)


def remedy(options: Options, model: keras.Model, tried: int) -> tuple[Options, str, int] | None:
    """The next remedy that applies.

    Args:
        options: those that went wrong.
        model: the model, compiled with them.
        tried: how many rungs of the ladder have been climbed.

    Returns:
        (the new options, the change in words, the rungs climbed now), or None at the top.
    """
    for rung, change in enumerate(LADDER[tried:], start=tried + 1):
        if found := change(options, model):
            changes, words = found
            return dataclasses.replace(options, **changes), words, rung
    return None
