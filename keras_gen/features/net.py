"""Feature nets: networks that are trained from scratch on the user's own training images, in a minute or two.

A feature net turns uint8 images into features for distances between sets, and classifies them by labels and attributes.
It is independent of the networks that it helps to evaluate, and never sees the test split in training. With labels or
attributes it is a classifier of them; without, it learns to distinguish single images and to recognise their rotations.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
from pathlib import Path

import keras
import numpy as np
from keras import layers

from keras_gen.console import OnProgress, no_progress
from keras_gen.data import ImageData
from keras_gen.features.contrastive import self_supervised
from keras_gen.features.splits import learned_and_held_out
from keras_gen.features.supervised import classifier
from keras_gen.files import cache_folder, replacing
from keras_gen.inputs import Categorical, Conditions, learnable

BATCH_PIXELS = 500 * 28**2  # pixels whose features are extracted together
RECIPE = 2  # part of the names in the cache: a net of an older recipe is not mistaken for a new one


class FeatureNet:
    """A trained feature net.

    Args:
        network: Keras model, uint8 images → features, or [features, rows of conditions].
        conditions: the schema of what it classifies, or None for a net trained without labels.
        pixels: of an image as the network processes it, which decides the batch size; those of the input by default.

    Example:
        net = FeatureNet.of(keras_gen.load("mnist"))
        net.extract(images).features  # (n, 64)
        net.extract(images).columns["label"]  # (n,), the digit in each
    """

    def __init__(self, network: keras.Model, conditions: Conditions | None, pixels: int | None = None):
        self.network = network
        self.conditions = conditions
        self.pixels = pixels or math.prod(network.input_shape[1:3])

    @classmethod
    def of(cls, data: ImageData, seed: int = 0, on_progress: OnProgress = no_progress) -> FeatureNet:
        """The feature net of a data set, from the cache (`~/.keras/keras_gen_features`) or trained now.

        Args:
            data: what to learn from: the part of its training split that `learned_and_held_out` leaves.
            seed: another seed gives another, independent net.
            on_progress: gets a message if the net has to be trained.

        Returns:
            The same net for the same training images, labels, attributes and seed.
        """
        split, _ = learned_and_held_out(data)
        conditions = _schema(data)
        path = _cached(data, conditions, seed)
        with contextlib.suppress(Exception):  # whatever is wrong with the file, the net can be trained again
            return cls(keras.saving.load_model(path, compile=False), conditions)
        on_fraction = functools.partial(on_progress, f"feature net {seed + 1}: training on {data.name}, only this once")
        if conditions:
            trained = classifier(split, conditions, seed, on_fraction=on_fraction)
        else:
            trained = self_supervised(split, seed, on_fraction)
        # A cache that cannot be written costs only time.
        with contextlib.suppress(OSError), replacing(path) as unfinished:
            trained.save(unfinished)
        return cls(trained, conditions)

    @staticmethod
    def is_trained(data: ImageData, seed: int = 0) -> bool:
        """Whether `of` finds the net in the cache."""
        return _cached(data, _schema(data), seed).exists()

    @classmethod
    def inception(cls, image_shape) -> FeatureNet:
        """InceptionV3 with the ImageNet weights of `keras.applications`: 2,048 features of images resized to 299×299.

        With these features the Fréchet distance is the FID; published values come from other weights of the same
        network and are not comparable. Nothing is downloaded.

        Args:
            image_shape: (height, width, channels); grey becomes RGB, transparent images get a black background.

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

    @property
    def batch_size(self) -> int:
        """How many images are processed together."""
        return max(1, BATCH_PIXELS // self.pixels)

    @functools.cached_property
    def hash(self) -> str:
        """Twelve hex digits of the SHA-256 of its weights: the same for two scores if they come from the same net."""
        digest = hashlib.sha256()
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()[:12]

    def extract(self, pictures: np.ndarray) -> Extracted:
        """Extracts the features of images, and classifies them.

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
        batch_size, parts = self.batch_size, []
        for start in range(0, len(pictures), batch_size):
            batch = np.asarray(pictures[start : start + batch_size])
            # Filled up to one size, since each batch size would need its own graph.
            outputs = self.network.predict_on_batch(np.resize(batch, (batch_size, *expected)))
            parts.append([output[: len(batch)] for output in (outputs if self.conditions else [outputs])])
        features, *rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Extracted(features, rows[0] if rows else None, self.conditions)

    def accuracy(self, data: ImageData) -> dict[str, float]:
        """How well it classifies the test split, see `read_back`: how far to trust it on generated images."""
        if self.conditions is None:
            return {}
        return self.extract(data.test.images).read_back(self.conditions.columns(data.test))


class Extracted:
    """What a feature net extracts from images.

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
        """The values that are recognised in each image, by attribute; empty for a net without conditions."""
        return {} if self.conditions is None else self.conditions.decode(self.rows)

    def probabilities(self, attribute: str) -> np.ndarray:
        """float32 (n, number of values) of a categorical attribute."""
        items = self.conditions.attributes
        ends = dict(zip([item.name for item in items], np.cumsum([item.width for item in items]), strict=True))
        (item,) = [item for item in items if item.name == attribute]
        return self.rows[:, ends[attribute] - item.width : ends[attribute]]

    def read_back(self, asked: dict[str, np.ndarray]) -> dict[str, float]:
        """How well the recognised values agree with the requested or known ones, for each attribute.

        Args:
            asked: columns (n,) by attribute, -1 or NaN where nothing was requested. Attributes that the net does not
                classify are left out.

        Returns:
            For a categorical attribute the share that agrees; for a number the correlation (Pearson's r), 0 if the
            same number is recognised in every image. Undefined ones are left out: attributes of which nothing was
            requested, and numbers for which the same value was always requested.
        """
        agreements = {
            item.name: _agreement(item, asked[item.name], self.columns[item.name])
            for item in (self.conditions.attributes if self.conditions else [])
            if item.name in asked
        }
        return {name: value for name, value in agreements.items() if value is not None}


def _schema(data: ImageData) -> Conditions | None:
    """What a net of these images classifies, or None."""
    names = learnable(data)
    return Conditions.of(data, names) if names else None


def _cached(data: ImageData, conditions: Conditions | None, seed: int) -> Path:
    """The file of a net in the cache."""
    known = conditions.get_config() if conditions else None
    key = hashlib.sha256(json.dumps([data.fingerprint, known, seed, RECIPE]).encode()).hexdigest()
    return cache_folder("keras_gen_features") / f"{key[:20]}.keras"


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
