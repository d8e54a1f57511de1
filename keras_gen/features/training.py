"""What all feature nets share: the trunk that extracts features, and its training."""

from __future__ import annotations

import itertools

import keras
from keras import layers

from keras_gen.data import Batches

NUM_FEATURES = 64
BATCH_SIZE = 128
NUM_STEPS = 1_200  # three passes over MNIST, after which the classifier is right on 99 % of the test split
MAX_SIDE = 32  # pixels of the shorter side that are processed at full size; larger images are halved first
MIN_STEPS, MAX_EPOCHS = 400, 20  # small sets take fewer steps


def trunk(image_shape, seed: int = 0) -> keras.Model:
    """Images in [-1, 1] → 64 features, after a ReLU: pairs of 3×3 convolutions, the second of which halves the image.

    Sides above 32 pixels are first halved by 4×4 convolutions, which limits the cost of large images.

    Args:
        image_shape: (height, width, channels).
        seed: of the weights and the dropout.

    Example:
        >>> trunk((8, 12, 3)).output_shape
        (None, 64)
    """
    seeds = itertools.count(1_000 * seed)  # not global: training a feature net leaves the global randomness alone
    hidden = pictures = keras.Input(image_shape, name="images")

    def convolution(hidden, width, size, strides):
        initializer = keras.initializers.HeNormal(next(seeds))
        return layers.Conv2D(width, size, strides, padding="same", activation="relu", kernel_initializer=initializer)(
            hidden
        )

    while min(hidden.shape[1:3]) > MAX_SIDE:
        hidden = convolution(hidden, 24, 4, 2)
    for width in (24, 48):
        hidden = convolution(convolution(hidden, width, 3, 1), width, 3, 2)
    hidden = layers.Dropout(0.25, seed=next(seeds))(layers.Flatten()(hidden))
    initializer = keras.initializers.GlorotUniform(next(seeds))
    features = layers.Dense(NUM_FEATURES, activation="relu", kernel_initializer=initializer)(hidden)
    return keras.Model(pictures, features, name="trunk")


def train(learner, loss, split, targets, seed, num_steps, on_fraction):
    """Compiles a model that learns features and trains it on a split, the same way for the same seed."""
    batches = Batches(split, min(BATCH_SIZE, len(split)), seed=seed, targets=targets)
    steps = steps_for(len(split), num_steps)
    learner.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)), loss)
    # As one epoch: with few images, beginning and ending epochs would take most of the time.
    learner.fit(_endless(batches, steps, on_fraction), steps_per_epoch=steps, shuffle=False, verbose=0)


def steps_for(num_images: int, num_steps: int = NUM_STEPS) -> int:
    """How many steps a feature net takes on so many images.

    Example:
        >>> steps_for(60_000), steps_for(300)
        (1200, 400)
    """
    num_batches = max(1, num_images // BATCH_SIZE)
    return min(num_steps, max(MIN_STEPS, MAX_EPOCHS * num_batches))


def _endless(batches, steps, on_fraction):
    num_seen = 0
    for epoch in itertools.count():
        batches.start_at(epoch)
        for index in range(len(batches)):
            on_fraction(min(1.0, num_seen / steps))
            num_seen += 1
            yield batches[index]
