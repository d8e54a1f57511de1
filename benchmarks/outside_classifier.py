"""Scores exported models independently of keras_gen: by what they serve, with a plain Keras classifier.

Each SavedModel gets requests for its signature `generate`, as a server would get them, for each class equally often.
The classifier is trained on the training images; the 64 units before its last layer are the features. Generated images
are compared with the real test images. The first row has as many real training images: the score of a perfect
generator. Distances of two classifiers, or of a classifier and a score card, are on different scales: compare with that
row. *Classifier* is its seed, and *accuracy* the share of the test images that it classifies correctly.

Needs labelled data of at least 8×8 pixels, and TensorFlow.

Example:
  python -m benchmarks.outside_classifier saved_models/gan-fast-mnist/1 --data mnist
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import tyro

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras

NUM_FEATURES = 64
ROWS = 500  # of a request


@dataclasses.dataclass(frozen=True)
class Options:
    """What to score, and with which classifiers."""

    models: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of exported models, with or without the version."""
    data: str = "mnist"
    """The labelled data set that they were trained on: a name or a path, as for train_gan.py."""
    num: int = 10_000
    """Images of each model; no more than there are test images."""
    epochs: int = 4
    """Passes over the training images for each classifier."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One classifier for each of these."""


def train_classifier(images: np.ndarray, labels: np.ndarray, num_classes: int, epochs: int, seed: int):
    """A model from uint8 images (batch, height, width, channels) to (features, probabilities)."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    inputs = keras.Input(images.shape[1:], dtype="uint8")
    hidden = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64):
        hidden = layers.Conv2D(filters, 3, padding="same", activation="relu")(hidden)
        hidden = layers.MaxPooling2D()(hidden)
    hidden = layers.Dropout(0.25)(layers.Flatten()(hidden))
    features = layers.Dense(NUM_FEATURES, activation="relu")(hidden)
    probabilities = layers.Dense(num_classes, activation="softmax")(layers.Dropout(0.25)(features))
    classifier = keras.Model(inputs, probabilities)
    classifier.compile("adam", "sparse_categorical_crossentropy")
    classifier.fit(images, labels, batch_size=128, epochs=epochs, verbose=0)
    return keras.Model(inputs, [features, probabilities])


def served(path: Path, class_names: list[str], num: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The uint8 images that an exported model answers with, and the class asked of each, if it takes classes."""
    import tensorflow as tf

    from keras_gen.cli import sampling

    version = sampling.saved_model(path)
    if version is None:
        raise FileNotFoundError(f"expected the folder of an exported model, found none at {path}")
    generate = tf.saved_model.load(version).signatures["generate"]
    inputs = generate.structured_input_signature[1]
    asked = np.arange(num) % len(class_names)
    answers = []
    for rows in np.array_split(np.arange(num), -(-num // ROWS)):
        said = {"seed": rows, "label": [class_names[label] for label in asked[rows]]}
        # Everything else stays open: an empty text or no number.
        left_open = {
            name: np.full(len(rows), "" if spec.dtype == tf.string else np.nan) for name, spec in inputs.items()
        }
        request = {name: tf.constant(said.get(name, left_open[name]), spec.dtype) for name, spec in inputs.items()}
        answers.append(generate(**request)["images"])
    return np.concatenate(answers), asked if "label" in inputs else None


def main(options: Options) -> None:
    """Prints a row for each classifier and model."""
    with one_line_errors():
        if not options.models:
            raise ValueError("expected the folders of exported models, received none")
        start_keras()
        from keras_gen.evaluation import distances
        from keras_gen.evaluation.scores import MIN_CONFIDENCE

        data = keras_gen.load(options.data)
        if not data.class_names:
            raise ValueError(f"expected labelled images, {options.data} has no labels")
        num = min(options.num, len(data.test))
        real, some = (split.some(num, seed=0) for split in (data.test, data.train))
        sets = {"real training images": (some.images[:], some.labels)}
        sets |= {str(path): served(path, data.class_names, num) for path in options.models}
    print("| classifier | accuracy | images | frechet | coverage | confident | reads back |\n|" + " --- |" * 7)
    for seed in options.seeds:
        print(f"classifier {seed}: training on {len(data.train):,} images …", file=sys.stderr)
        network = train_classifier(data.train.images[:], data.train.labels, data.num_classes, options.epochs, seed)
        real_features, probabilities = network.predict(real.images[:], verbose=0)
        accuracy = np.mean(probabilities.argmax(axis=1) == real.labels)
        for name, (images, asked) in sets.items():
            features, probabilities = network.predict(images, verbose=0)
            numbers = [
                f"{distances.frechet_distance(real_features, features):.2f}",
                f"{distances.neighbourhoods(real_features, features)['coverage']:.3f}",
                f"{np.mean(probabilities.max(axis=1) > MIN_CONFIDENCE):.3f}",
                "–" if asked is None else f"{np.mean(probabilities.argmax(axis=1) == asked):.3f}",
            ]
            print(f"| {seed} | {accuracy:.4f} | {name} | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main(parse(Options, __doc__))
