"""Networks that look at images: trained on the user's own training images, from nothing, in a minute or two.

A feature net turns uint8 images into features for `distances`, and reads in them what the data say about each image.
It has nothing to do with the networks it helps to judge, and never sees the test split while it learns. With labels or
attributes it is a classifier of them; without, it learns to tell single images apart and how they were turned.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

from keras_gen import augment, images
from keras_gen.cache import cache_folder
from keras_gen.conditions import Categorical, Conditions, learnable
from keras_gen.data import Batches, ImageData, Split

NUM_FEATURES = 64
BATCH_SIZE = 128
NUM_STEPS = 1_200  # three passes over MNIST, where the classifier is then right on 99 % of the test split
MAX_SIDE = 32  # pixels of the shorter side that are looked at in full; larger images are halved first
LEAST_STEPS, MOST_EPOCHS = 400, 20  # small sets take fewer steps
LOOK = 500 * 28**2  # pixels looked at together
RECIPE = 2  # part of the cache's names: a net of an older recipe is not mistaken for a new one

Tell = Callable[[str], None]  # is told what long work is about to do


def silence(text: str) -> None:
    """Says nothing."""


class FeatureNet:
    """A trained feature net.

    Args:
        network: Keras model, uint8 images → features, or [features, rows of conditions].
        conditions: the schema of what it reads, or None for a net that learned without labels.
        pixels: of an image as the network looks at it, which decides how many are looked at together.

    Example:
        net = FeatureNet.of(keras_gen.load("mnist"))
        net.look(images).features  # (n, 64)
        net.look(images).columns["label"]  # (n,), the digit in each
    """

    def __init__(self, network: keras.Model, conditions: Conditions | None, pixels: int | None = None):
        self.network = network
        self.conditions = conditions
        self.pixels = pixels or math.prod(network.input_shape[1:3])

    @classmethod
    def of(cls, data: ImageData, seed: int = 0, tell: Tell = silence) -> FeatureNet:
        """The feature net of a data set, from the cache (`~/.keras/keras_gen_features`) or trained now.

        Args:
            data: what to learn from; of its training split, what `learned_and_held_out` leaves.
            seed: another seed is another, independent net.
            tell: called with a few words if it has to be trained.

        Returns:
            The same net for the same training images, labels, attributes and seed.
        """
        split, _ = learned_and_held_out(data)
        names = learnable(data)
        conditions = Conditions.of(data, names) if names else None
        known = conditions.get_config() if conditions else None
        key = hashlib.sha256(json.dumps([data.fingerprint, known, seed, RECIPE]).encode()).hexdigest()
        path = cache_folder("keras_gen_features") / f"{key[:20]}.keras"
        with contextlib.suppress(Exception):  # whatever is wrong with the file, it can be made again
            return cls(keras.saving.load_model(path, compile=False), conditions)
        tell(f"feature net {seed + 1}: learning to look at {data.name}, once for these images")
        trained = reader(split, conditions, seed) if conditions else discerner(split, seed)
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
            path.parent.mkdir(parents=True, exist_ok=True)
            # Under its own name only when it is whole: another process may be looking for it.
            unfinished = path.with_name(f"{os.getpid()}-{path.name}")
            trained.save(unfinished)
            unfinished.replace(path)
        return cls(trained, conditions)

    @classmethod
    def inception(cls, image_shape) -> FeatureNet:
        """InceptionV3 with the ImageNet weights of `keras.applications`: 2,048 features of images resized to 299×299.

        With these features the Fréchet distance is what is called FID; published numbers come from other weights of
        the same network and are not comparable. Nothing is downloaded.

        Args:
            image_shape: (height, width, channels); grey becomes RGB, transparent images are put on black.

        Raises:
            FileNotFoundError: if the weights are not where Keras keeps them.
        """
        weights = cache_folder("models") / "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
        if not weights.exists():
            raise FileNotFoundError(
                f"expected the weights of InceptionV3 in {weights}: keras.applications.InceptionV3(include_top=False) "
                "downloads them, which is left to you"
            )
        pictures = keras.Input(image_shape, dtype="uint8", name="images")
        hidden = layers.Rescaling(1 / 127.5, offset=-1)(pictures)
        if image_shape[-1] == 1:
            hidden = layers.Concatenate()([hidden] * 3)
        elif image_shape[-1] == 4:
            colors, alpha = hidden[..., :3], hidden[..., 3:]
            hidden = (colors + 1) * (alpha + 1) / 2 - 1
        hidden = layers.Resizing(299, 299, interpolation="bicubic", antialias=True)(hidden)
        network = keras.applications.InceptionV3(include_top=False, weights=str(weights), pooling="avg")
        return cls(keras.Model(pictures, network(hidden), name="inception"), None, pixels=299**2)

    @functools.cached_property
    def hash(self) -> str:
        """Twelve hex digits of the SHA-256 of its weights: tells whether two scores come from the same net."""
        digest = hashlib.sha256()
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()[:12]

    def look(self, pictures: np.ndarray) -> Seen:
        """Features of images, and what is read in them.

        Args:
            pictures: uint8 (n, height, width, channels) of the data's shape; an array that stays on disk is read in
                batches.

        Raises:
            ValueError: for images of another type or shape.
        """
        expected = self.network.input_shape[1:]
        if pictures.dtype != np.uint8 or tuple(pictures.shape[1:]) != expected:
            shape = ", ".join(map(str, ("n", *expected)))
            raise ValueError(f"expected uint8 images ({shape}), received {pictures.dtype} {pictures.shape}")
        batch_size = max(1, LOOK // self.pixels)
        parts = []
        for start in range(0, len(pictures), batch_size):
            batch = np.asarray(pictures[start : start + batch_size])
            # Filled up, for every size of a batch would be a graph of its own.
            outputs = self.network.predict_on_batch(np.resize(batch, (batch_size, *expected)))
            parts.append([output[: len(batch)] for output in (outputs if self.conditions else [outputs])])
        features, *rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Seen(features, rows[0] if rows else None, self.conditions)

    def accuracy(self, data: ImageData) -> dict[str, float]:
        """How well it reads the test split, see `read_back`: what its verdicts on generated images are worth."""
        if self.conditions is None:
            return {}
        return self.look(data.test.images).read_back(self.conditions.columns(data.test))


class Seen:
    """What a feature net sees in images.

    Attributes:
        features: float32 (n, d).
        rows: float32 (n, width), a probability for each value of each attribute, or None.
        conditions: the schema of the rows, or None.
    """

    def __init__(self, features, rows, conditions):
        self.features = features
        self.rows = rows
        self.conditions = conditions

    @functools.cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """What is read in each image, by attribute; empty for a net that reads nothing."""
        return {} if self.conditions is None else self.conditions.decode(self.rows)

    def probabilities(self, attribute: str) -> np.ndarray:
        """float32 (n, number of values) of a categorical attribute."""
        items = self.conditions.attributes
        ends = dict(zip([item.name for item in items], np.cumsum([item.width for item in items]), strict=True))
        (item,) = [item for item in items if item.name == attribute]
        return self.rows[:, ends[attribute] - item.width : ends[attribute]]

    def read_back(self, asked: dict[str, np.ndarray]) -> dict[str, float]:
        """How well what is read agrees with what was asked for, or is known, in each attribute.

        Args:
            asked: columns (n,) by attribute, -1 or NaN where nothing was asked. Attributes that the net does not read
                are left out.

        Returns:
            For a categorical attribute the share that agrees; for a number the correlation (Pearson's r), 0 if the
            same is read in every image. Without what cannot be said: attributes of which nothing was asked, and
            numbers of which always the same was asked.
        """
        agreements = {
            item.name: _agreement(item, asked[item.name], self.columns[item.name])
            for item in (self.conditions.attributes if self.conditions else [])
            if item.name in asked
        }
        return {name: value for name, value in agreements.items() if value is not None}


def _agreement(item, asked, read) -> float | None:
    known = asked >= 0 if isinstance(item, Categorical) else np.isfinite(asked)
    asked, read = asked[known], read[known]
    if isinstance(item, Categorical):
        return float(np.mean(asked == read)) if len(asked) else None
    if len(asked) < 2 or not np.ptp(asked):
        return None
    if not np.ptp(read):
        return 0.0
    return float(np.corrcoef(asked, read)[0, 1])


def learned_and_held_out(data: ImageData) -> tuple[Split, Split]:
    """What of the training split feature nets learn from, and what they never see: real images to compare with.

    As many are held out as there are test images, but no more than a quarter and no less than one.
    """
    return data.train.hold_out(min(0.25, len(data.test) / len(data.train)))


def real_sides(data: ImageData, num: int) -> tuple[Split, Split]:
    """As many real images on both sides of a comparison, chosen at random: test images, and those for the floor.

    Args:
        data: the data set.
        num: images on each side, no more than there are.

    Returns:
        (part of the test split, part of what is held out of the training split), two splits of one length.
    """
    _, held_out = learned_and_held_out(data)
    num = min(num, len(data.test), len(held_out))
    return data.test.some(num), held_out.some(num)


def trunk(image_shape, seed: int = 0) -> keras.Model:
    """Images in [-1, 1] → 64 features, after a ReLU: pairs of 3×3 convolutions, the second of which halves the image.

    Sides above 32 pixels are halved by 4×4 convolutions first, which keeps the cost of large images bearable.

    Args:
        image_shape: (height, width, channels).
        seed: of the weights and the dropout.

    Example:
        >>> trunk((8, 12, 3)).output_shape
        (None, 64)
    """
    seeds = itertools.count(1_000 * seed)  # of its own: training a feature net leaves the global randomness alone
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


def reader(split: Split, conditions: Conditions, seed: int = 0, num_steps: int = NUM_STEPS) -> keras.Model:
    """A network that has learned to read the conditions in the images of a split.

    Args:
        split: images with the columns of the conditions.
        conditions: what to read.
        seed: of the weights, the dropout and the order of the images.
        num_steps: of training, fewer for small sets.

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
        """Summed over the attributes; a missing value, a block of zeros, counts nothing."""
        edges = itertools.accumulate((item.width for item in conditions.attributes), initial=0)
        blocks = [slice(*pair) for pair in itertools.pairwise(edges)]
        return -sum(ops.sum(rows[:, block] * ops.log_softmax(logits[:, block], axis=-1), axis=-1) for block in blocks)

    learner = keras.Model(pictures, layers.Concatenate()(logits))
    _fit(learner, cross_entropy, split, conditions.of_split(split), seed, num_steps)
    rows = layers.Concatenate(name="rows")([layers.Softmax()(block) for block in logits])
    return keras.Model(pictures, [features, rows], name="reader")


class Discerner(keras.Model):
    """Learns features without labels: which two views are of one image, and how an image was turned.

    The sum of two losses. Two views of each image are made by DiffAugment's operations, and the projection of one shall
    be nearer to that of the other than to those of all other images of the batch (NT-Xent, temperature 0.2). The images
    are also turned, by quarters where they are square and else by halves, and a second head tells by how much.

    Args:
        trunk: model, images in [-1, 1] → features.
        seed: of the heads and the views.

    Call arguments:
        pictures: uint8 (b, height, width, channels), b ≥ 2.

    Call returns:
        float32 (), the loss: the stock `fit` minimises the output itself.

    Source:
        Chen et al., A Simple Framework for Contrastive Learning (2020), equation 1, https://arxiv.org/abs/2002.05709;
        Gidaris et al., Unsupervised Representation Learning by Predicting Image Rotations (2018),
        https://arxiv.org/abs/1803.07728. Differs in that both are learned at once, and in the views.
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
        # Every image by its place: the order is random, so each turn gets its share of all images.
        parts = [reals[place :: self.num_turns] for place in range(self.num_turns)]
        turned = [ops.rot90(part, k=place * 4 // self.num_turns, axes=(1, 2)) for place, part in enumerate(parts)]
        turns = [ops.full((ops.shape(part)[0],), place) for place, part in enumerate(parts)]
        logits = self.turn(self.trunk(ops.concatenate(turned), training=training))
        losses = keras.losses.sparse_categorical_crossentropy(ops.concatenate(turns), logits, from_logits=True)
        return ops.mean(losses)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred


def contrast(first, second, temperature=0.2):
    """NT-Xent: the mean cross-entropy of finding each row's partner among all other rows of both sides.

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


def discerner(split: Split, seed: int = 0) -> keras.Model:
    """A network that has learned without labels, see `Discerner`.

    Args:
        split: images, at least 2.
        seed: of the weights, the dropout, the views and the order of the images.

    Returns:
        Model, uint8 images → features (b, 64).
    """
    features = trunk(split.images.shape[1:], seed)
    _fit(Discerner(features, seed), None, split, None, seed, NUM_STEPS)
    pictures = keras.Input(split.images.shape[1:], dtype="uint8", name="images")
    return keras.Model(pictures, features(layers.Rescaling(1 / 127.5, offset=-1)(pictures)), name="discerner")


def _fit(learner, loss, split, targets, seed, num_steps):
    batches = Batches(split, min(BATCH_SIZE, len(split)), seed=seed, targets=targets)
    steps = min(num_steps, max(LEAST_STEPS, MOST_EPOCHS * len(batches)))
    learner.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)), loss)
    # As one epoch: with few images most of the time would go into beginning and ending epochs.
    learner.fit(_endless(batches), steps_per_epoch=steps, shuffle=False, verbose=0)


def _endless(batches):
    for batches.epoch in itertools.count():
        for index in range(len(batches)):
            yield batches[index]
