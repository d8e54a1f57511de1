"""Feature nets that learn without labels."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers, ops

from keras_gen import augment, images
from keras_gen.console import no_fraction
from keras_gen.data import Split
from keras_gen.features import training
from keras_gen.features.training import NUM_FEATURES, NUM_STEPS, trunk


class SelfSupervised(keras.Model):
    """Learns features without labels: which two views show the same image, and how an image was rotated.

    The loss is a sum of two. DiffAugment's operations make two views of each image, and the projection of one should
    be nearer to that of the other than to those of all other images of the batch (NT-Xent, temperature 0.2). The images
    are also rotated, by 90° steps where they are square and otherwise by 180°, and a second head classifies the angle.

    Args:
        trunk: model, images in [-1, 1] → features.
        seed: of the heads and the views.

    Call arguments:
        pictures: uint8 (b, height, width, channels), b ≥ 2.

    Call returns:
        float32 (), the loss: `fit` minimises this output.

    Source:
        Chen et al., A Simple Framework for Contrastive Learning (2020), equation 1, https://arxiv.org/abs/2002.05709;
        Gidaris et al., Unsupervised Representation Learning by Predicting Image Rotations (2018),
        https://arxiv.org/abs/1803.07728. Differs in that both tasks are learned at once, and in the views.
    """

    def __init__(self, trunk, seed=0):
        super().__init__()
        height, width, channels = trunk.input_shape[1:]
        self.trunk = trunk
        self.num_turns = 4 if height == width else 2
        self.view = augment.Augmentation(augment.policy_for(channels), seed=seed)
        self.projection = layers.Dense(NUM_FEATURES, kernel_initializer=keras.initializers.GlorotUniform(seed + 1))
        self.turn = layers.Dense(self.num_turns, kernel_initializer=keras.initializers.GlorotUniform(seed + 2))

    def call(self, pictures, training=False):
        reals = images.to_float(pictures)
        first, second = (
            ops.normalize(self.projection(self.trunk(self.view(reals, reals)[0], training=training))) for _ in range(2)
        )
        return contrast(first, second) + self._turning(reals, training)

    def _turning(self, reals, training):
        # By the position in the batch: the order is random, so each rotation gets its share of all images.
        parts = [reals[place :: self.num_turns] for place in range(self.num_turns)]
        turned = [ops.rot90(part, k=place * 4 // self.num_turns, axes=(1, 2)) for place, part in enumerate(parts)]
        turns = [ops.full((ops.shape(part)[0],), place) for place, part in enumerate(parts)]
        logits = self.turn(self.trunk(ops.concatenate(turned), training=training))
        losses = keras.losses.sparse_categorical_crossentropy(ops.concatenate(turns), logits, from_logits=True)
        return ops.mean(losses)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred


def contrast(first, second, temperature=0.2):
    """NT-Xent: the mean cross-entropy of identifying each row's partner among all other rows of both sides.

    Args:
        first: float tensor (b, d), rows of length 1.
        second: float tensor (b, d), the partners.
        temperature: float > 0.

    Example:
        >>> rows = ops.array([[1.0, 0.0], [0.0, 1.0]])  # each has its twin beside it and two others at a right angle
        >>> round(float(contrast(rows, rows, temperature=1.0)), 4)  # log(e + 1 + 1) − 1
        0.5514
    """
    num = ops.shape(first)[0]
    both = ops.concatenate([first, second])
    likeness = both @ ops.transpose(both) / temperature - 1e9 * ops.eye(2 * num)
    partners = ops.roll(ops.arange(2 * num), num)
    return ops.mean(keras.losses.sparse_categorical_crossentropy(partners, likeness, from_logits=True))


def self_supervised(split: Split, seed: int = 0, on_fraction: Callable[[float], None] = no_fraction) -> keras.Model:
    """A network trained without labels, see `SelfSupervised`.

    Args:
        split: images, at least 2.
        seed: of the weights, the dropout, the views and the order of the images.
        on_fraction: called with the fraction of the training that is over.

    Returns:
        Model, uint8 images → features (b, 64).
    """
    features = trunk(split.images.shape[1:], seed)
    training.train(SelfSupervised(features, seed), None, split, None, seed, NUM_STEPS, on_fraction)
    pictures = keras.Input(split.images.shape[1:], dtype="uint8", name="images")
    return keras.Model(pictures, features(layers.Rescaling(1 / 127.5, offset=-1)(pictures)), name="self_supervised")
