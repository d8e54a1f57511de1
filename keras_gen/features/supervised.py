"""Feature nets that learn from labels and attributes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import keras
from keras import layers, ops

from keras_gen.console import no_fraction
from keras_gen.data import Split
from keras_gen.features import training
from keras_gen.features.training import NUM_STEPS, trunk
from keras_gen.inputs import Conditions


def classifier(
    split: Split,
    conditions: Conditions,
    seed: int = 0,
    num_steps: int = NUM_STEPS,
    on_fraction: Callable[[float], None] = no_fraction,
) -> keras.Model:
    """A network trained to classify the images of a split by the conditions.

    Args:
        split: images with the columns of the conditions.
        conditions: what to classify.
        seed: of the weights, the dropout and the order of the images.
        num_steps: of training, fewer for small sets.
        on_fraction: called with the fraction of the training that is over.

    Returns:
        Model, uint8 images → [features (b, 64), rows (b, conditions.width)], a distribution over the values or knots
        of each attribute.
    """
    pictures = keras.Input(split.images.shape[1:], dtype="uint8", name="images")
    features = trunk(split.images.shape[1:], seed)(layers.Rescaling(1 / 127.5, offset=-1)(pictures))
    hidden = layers.Dropout(0.25, seed=1_000 * seed + 500)(features)
    logits = [
        layers.Dense(item.width, kernel_initializer=keras.initializers.GlorotUniform(number))(hidden)
        for number, item in enumerate(conditions.attributes, start=1_000 * seed + 600)
    ]

    def cross_entropy(rows, logits):
        """Summed over the attributes; a missing value, a block of zeros, adds nothing."""
        edges = itertools.accumulate((item.width for item in conditions.attributes), initial=0)
        blocks = [slice(*pair) for pair in itertools.pairwise(edges)]
        return -sum(ops.sum(rows[:, block] * ops.log_softmax(logits[:, block], axis=-1), axis=-1) for block in blocks)

    learner = keras.Model(pictures, layers.Concatenate()(logits))
    training.train(learner, cross_entropy, split, conditions.of_split(split), seed, num_steps, on_fraction)
    rows = layers.Concatenate(name="rows")([layers.Softmax()(block) for block in logits])
    return keras.Model(pictures, [features, rows], name="classifier")
