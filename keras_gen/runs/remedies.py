"""What to change when training has gone wrong: a short ladder, from the gentle to the drastic."""

from __future__ import annotations

import dataclasses

import keras

from keras_gen.models.gan import GAN
from keras_gen.runs.options import GANOptions, TrainingOptions

PENALTY_FACTOR = 4.0  # how much firmer a penalty gets


def lower_the_rate(options: TrainingOptions, model: keras.Model) -> tuple[TrainingOptions, str] | None:
    """A quarter of the learning rate."""
    rate = (options.learning_rate or 0) / 4
    return dataclasses.replace(options, learning_rate=rate), f"a quarter of the learning rate, {rate:g}"


def hold_the_discriminator(options: TrainingOptions, model: keras.Model) -> tuple[TrainingOptions, str] | None:
    """R1 and R2 where there is no penalty, four times the weight where there is one.

    None for autoencoders, and for discriminators that normalise batches: their slope at one image depends on others.
    """
    if not isinstance(options, GANOptions) or not isinstance(model, GAN):
        return None
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.discriminator.layers):
        return None
    if not model.penalties:
        return dataclasses.replace(options, penalties=("r1", "r2"), penalty_weight=None), "R1 and R2 switched on"
    weight = model.penalties[0].weight
    weight = PENALTY_FACTOR * getattr(weight, "start", weight)
    return dataclasses.replace(options, penalty_weight=weight), f"penalties of four times the weight, {weight:g}"


LADDER = (lower_the_rate, hold_the_discriminator, lower_the_rate, hold_the_discriminator)


def remedy(options: TrainingOptions, model: keras.Model, tried: int) -> tuple[TrainingOptions, str, int] | None:
    """The next remedy that suits.

    Args:
        options: those that went wrong.
        model: the model, compiled with them.
        tried: how many rungs of the ladder have been climbed.

    Returns:
        (the new options, what is new in words, the rungs climbed now), or None at the top.
    """
    for rung, change in enumerate(LADDER[tried:], start=tried + 1):
        if found := change(options, model):
            return (*found, rung)
    return None
