"""Scores generated images by a classifier that has nothing to do with what made them.

A small convolutional network learns the classes of a labelled data set from its training split. Its features and its
verdicts on generated images are then compared with those on the test split, which nothing learned from. The numbers
are those of this network: compare them with the floor in the first row, and with nothing that another network gave.

Example:
  python -m benchmarks.judge samples.npy --data mnist --cache judge.keras
"""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.stats
import tyro
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestNeighbors

import keras_gen
from keras_gen.command_line import one_line_errors, parse, start_keras

NUM_FEATURES = 64
MIN_CLASS_SHARE = 0.01
CONFIDENT = 0.9
BATCH_SIZE = 128
MIN_EPOCHS, MIN_STEPS = 3, 1_400  # three passes over MNIST are 1,407 steps; a small set takes more passes


class Verdicts(NamedTuple):
    """What the judge sees in images.

    Attributes:
        features: float32 (n, 64), after a ReLU.
        probabilities: float32 (n, num_classes).
    """

    features: np.ndarray
    probabilities: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,), the likeliest class of each image."""
        return self.probabilities.argmax(axis=-1)

    def choose(self, num: int) -> Verdicts:
        """`num` rows at random, the same each time: files may be ordered by class."""
        rows = np.random.default_rng(0).permutation(len(self.features))[:num]
        return Verdicts(self.features[rows], self.probabilities[rows])


class Judge:
    """A classifier of a data set, and what it sees in the test split.

    Args:
        network: Keras model, uint8 images → [features, probabilities].
        data: a labelled `keras_gen.data.ImageData`.

    Example:
        judge = Judge.load_or_train(keras_gen.load("mnist"), "judge.keras")
        judge.score(gan.sample(10_000))["frechet"]
    """

    def __init__(self, network, data):
        self.network = network
        self.data = data
        self.reference = self.examine(data.test.images[:])

    @classmethod
    def load_or_train(cls, data, cache: str | Path) -> Judge:
        """The judge of a data set: read from the file `cache`, or trained and written there.

        Args:
            data: a labelled `keras_gen.data.ImageData`.
            cache: path of a `.keras` file.

        Raises:
            ValueError: if the data have no labels, or `cache` holds the judge of other data.
        """
        import keras

        if data.train.labels is None:
            raise ValueError(f"expected data with labels to learn from, {data.name} has none")
        cache, name = Path(cache), f"judge_of_{data.fingerprint[:12]}"
        if not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            trained(data, name).save(cache)
        classifier = keras.saving.load_model(cache)
        if classifier.name != name:
            raise ValueError(f"expected {cache} to hold the judge of {data.name}: it learned from other images")
        features = classifier.get_layer("features").output
        return cls(keras.Model(classifier.input, [features, classifier.output]), data)

    @property
    def accuracy(self) -> float:
        """Share of the test split that is classified correctly."""
        return float(np.mean(self.reference.labels == self.data.test.labels))

    def examine(self, images: np.ndarray) -> Verdicts:
        """Looks at images.

        Args:
            images: uint8 (n, height, width, channels) of the data's shape; (n, height, width) if they are grey.

        Raises:
            ValueError: for images of another type or shape.
        """
        height, width, channels = self.data.image_shape
        if images.ndim == 3 and channels == 1:
            images = images[..., None]
        if images.dtype != np.uint8 or images.shape[1:] != (height, width, channels):
            expected = f"uint8 images (n, {height}, {width}, {channels})"
            raise ValueError(f"expected {expected}, received {images.dtype} {images.shape}")
        return Verdicts(*self.network.predict(images, batch_size=500, verbose=0))

    def score(self, images: np.ndarray, labels: np.ndarray | None = None) -> dict[str, float]:
        """Compares images with the test split.

        As many images are taken on each side, since every number here depends on how many there are.

        Args:
            images: uint8 (n, height, width, channels).
            labels: int (n,), the class that each image was asked to be, or None.

        Returns:
            Dict of `images`, how many were taken on each side; `classes` with at least 1 % of the images; the share
            that is `confident` (a class above 0.9); `frechet`, `coverage`, `density`, `precision` and `recall`, see
            `frechet_distance` and `neighbourhoods`; `label_kl`, the divergence of the classes seen from those of the
            test split, in nats; `reads_back`, the share seen as the class that was asked for, NaN without labels.

        Raises:
            ValueError: for images of another type or shape, or labels that are not one for each.
        """
        if labels is not None and labels.shape != (len(images),):
            raise ValueError(f"expected {len(images)} labels, one for each image, received {labels.shape}")
        seen = self.examine(images)
        reads_back = math.nan if labels is None else float(np.mean(seen.labels == labels))
        num = min(len(images), len(self.reference.features))
        seen, reference = seen.choose(num), self.reference.choose(num)
        num_classes = seen.probabilities.shape[-1]
        shares, reference_shares = (np.bincount(v.labels, minlength=num_classes) / num for v in (seen, reference))
        return {
            "images": num,
            "classes": int(np.sum(shares >= MIN_CLASS_SHARE)),
            "confident": float(np.mean(seen.probabilities.max(axis=-1) > CONFIDENT)),
            "frechet": frechet_distance(reference.features, seen.features),
            **neighbourhoods(reference.features, seen.features),
            "label_kl": float(scipy.stats.entropy(shares, reference_shares)),
            "reads_back": reads_back,
        }

    def floor(self, num: int) -> dict[str, float]:
        """The score of `num` real training images: what a perfect generator would get."""
        train = self.data.train
        rows = np.sort(np.random.default_rng(0).permutation(len(train))[:num])
        return self.score(train.images[rows], train.labels[rows])


def trained(data, name: str):
    """A classifier of the training split: uint8 images → probabilities, with a layer named "features".

    Four 3×3 convolutions, two of which halve the image, and two dense layers; on MNIST it is right on 99 % of the test
    split.

    Args:
        data: a labelled `keras_gen.data.ImageData`.
        name: name of the model.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = keras.Input(data.image_shape, dtype="uint8", name="images")
    hidden = layers.Rescaling(1 / 127.5, offset=-1)(images)
    for width in (24, 48):
        hidden = layers.Conv2D(width, 3, padding="same", activation="relu")(hidden)
        hidden = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(hidden)
    hidden = layers.Dropout(0.25)(layers.Flatten()(hidden))
    features = layers.Dense(NUM_FEATURES, activation="relu", name="features")(hidden)
    probabilities = layers.Dense(data.num_classes, activation="softmax")(layers.Dropout(0.25)(features))
    classifier = keras.Model(images, probabilities, name=name)

    batches = keras_gen.data.Batches(data.train, BATCH_SIZE, targets=data.train.labels)
    epochs = max(MIN_EPOCHS, math.ceil(MIN_STEPS / len(batches)))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=epochs * len(batches))
    classifier.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(batches, epochs=epochs, shuffle=False, verbose=2)
    return classifier


def frechet_distance(real_features: np.ndarray, fake_features: np.ndarray) -> float:
    """Distance between the Gaussians that have the means and covariances of two sets.

    `‖m₁ − m₂‖² + Tr(S₁ + S₂ − 2 (S₁ S₂)^½)`.

    Args:
        real_features: float (n, d).
        fake_features: float (m, d).

    Source:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), equation 6, https://arxiv.org/abs/1706.08500
    """
    real_features, fake_features = (features.astype(np.float64) for features in (real_features, fake_features))
    gap = real_features.mean(axis=0) - fake_features.mean(axis=0)
    real_covariance, fake_covariance = (np.cov(f, rowvar=False) for f in (real_features, fake_features))
    # S₁^½ S₂ S₁^½ has the eigenvalues of S₁ S₂ and is symmetric, so that they come out real; a feature that is always
    # zero gives an eigenvalue of zero, which rounding may make negative.
    values, vectors = scipy.linalg.eigh(real_covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    eigenvalues = scipy.linalg.eigvalsh(root @ fake_covariance @ root).clip(0)
    spread = np.trace(real_covariance) + np.trace(fake_covariance) - 2 * np.sqrt(eigenvalues).sum()
    return max(0.0, float(gap @ gap + spread))  # identical sets round to just below 0


def neighbourhoods(real_features: np.ndarray, fake_features: np.ndarray, num_neighbours: int = 5) -> dict[str, float]:
    """How two sets lie in each other's balls, which reach from a point to the k-th nearest neighbour in its own set.

    Args:
        real_features: float (n, d), n > k.
        fake_features: float (m, d), m > k.
        num_neighbours: k.

    Returns:
        Dict of `coverage`, the share of real balls with a fake in them (1 − 2^−k for two samples of one distribution);
        `density`, real balls around a fake, over k (1 for the same); `precision`, the share of fakes in any real
        ball; `recall`, the share of reals in any fake ball.

    Source:
        Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models (2020), sections 2 and 3,
        https://arxiv.org/abs/2002.09797
    """
    real_radii, fake_radii = (
        NearestNeighbors(n_neighbors=num_neighbours).fit(features).kneighbors()[0][:, -1]
        for features in (real_features, fake_features)
    )
    num_around = np.zeros(len(fake_features))  # real balls around each fake
    covered, recalled = [], []
    for start in range(0, len(real_features), 1_000):  # all pairs at once would be 800 MB for 10,000 on each side
        block = slice(start, start + 1_000)
        distances = euclidean_distances(real_features[block], fake_features)  # (block, m)
        in_real_ball = distances <= real_radii[block, None]
        num_around += in_real_ball.sum(axis=0)
        covered.append(in_real_ball.any(axis=1))
        recalled.append((distances <= fake_radii).any(axis=1))
    return {
        "coverage": float(np.concatenate(covered).mean()),
        "density": float(num_around.mean() / num_neighbours),
        "precision": float((num_around > 0).mean()),
        "recall": float(np.concatenate(recalled).mean()),
    }


@dataclasses.dataclass(frozen=True)
class Options:
    """What to judge."""

    images: tyro.conf.Positional[tuple[Path, ...]]
    """.npy files of uint8 images (n, height, width, channels)."""
    cache: Path
    """.keras file of the judge: read if it exists, else trained and written."""
    data: str = "mnist"
    """Labelled data set: a name or a path, as for train_gan.py."""
    labels: Path | None = None
    """.npy file of ints (n,): the class that each image was asked to be, the same for all files."""
    num: int = 10_000
    """Images taken of each file, the first ones; no more than the test split has are compared with it."""


COLUMNS = {
    "images": "{:,}",
    "classes": "{}",
    "confident": "{:.3f}",
    "frechet": "{:.2f}",
    "coverage": "{:.3f}",
    "density": "{:.3f}",
    "precision": "{:.3f}",
    "recall": "{:.3f}",
    "label_kl": "{:.4f}",
    "reads_back": "{:.4f}",
}


def markdown_row(name: str, score: dict[str, float]) -> str:
    """One row of the table whose columns are `COLUMNS`; a dash for what was not measured."""
    cells = ["–" if math.isnan(score[column]) else form.format(score[column]) for column, form in COLUMNS.items()]
    return f"| {' | '.join([name, *cells])} |"


def main(options: Options) -> None:
    """Prints a table: the floor, then one row for each file."""
    with one_line_errors():
        start_keras()
        judge = Judge.load_or_train(keras_gen.load(options.data), options.cache)
        print(f"judge of {judge.data.name}: {judge.accuracy:.2%} of the test split right", file=sys.stderr)
        labels = None if options.labels is None else np.load(options.labels)[: options.num]
        print(f"| {' | '.join(['file', *COLUMNS])} |\n|{' --- |' * (len(COLUMNS) + 1)}")
        print(markdown_row("real training images", judge.floor(options.num)), flush=True)
        for path in options.images:
            print(markdown_row(path.name, judge.score(np.load(path)[: options.num], labels)), flush=True)


if __name__ == "__main__":
    main(parse(Options, __doc__))
