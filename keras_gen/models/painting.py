"""One photograph repainted without training: the picture itself is what is optimised, on all scales at once."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import ops
from PIL import Image

from keras_gen import images as pixels
from keras_gen.console import no_fraction
from keras_gen.style import StyleDistance, structure
from keras_gen.style.structure import WINDOW

MAX_SIDE = 384  # of the picture that is optimised; what changes is enlarged to that of the photograph
NUM_SCALES = 4  # of the changes that are optimised together, each half as large as the one before
DIRECTIONS_A_STEP = 16
CONTENT_WEIGHT = 0.02  # a single picture can follow the painting closely; more keeps more of the photograph
LEARNING_RATE = 0.06
BEYOND_WEIGHT = 1.0  # of the mean by which values leave [-1, 1]


def paint(
    photograph: np.ndarray,
    painting: np.ndarray,
    steps: int = 200,
    *,
    strength: float = 1.0,
    style_size: int | None = None,
    seed: int = 0,
    on_fraction: Callable[[float], None] = no_fraction,
) -> np.ndarray:
    """Repaints a photograph in the style of a painting.

    It minimises what `Stylizer` learns to minimise, for this one picture. A large photograph is repainted small, and
    what has changed is enlarged and added to it.

    Args:
        photograph: uint8 (height, width, 1 or 3), at least 7 pixels a side.
        painting: uint8 (height, width, 1 or 3) with as many channels.
        steps: of the optimisation.
        strength: from 0, the photograph, to 1.
        style_size: shorter side of the painting, to which it is resized: larger means larger strokes. By default that
            of the picture that is optimised.
        seed: of the directions in which patches are compared.
        on_fraction: called with the fraction that is done.

    Returns:
        uint8, of the shape of the photograph.

    Raises:
        ValueError: for other channels, or sizes that are too small.

    Example:
        painted = paint(photograph, painting)  # (3000, 4000, 3)
    """
    if strength == 0:
        return photograph.copy()
    height, width, channels = photograph.shape
    if min(height, width) < WINDOW:
        raise ValueError(f"expected a photograph of at least {WINDOW} pixels a side, received {photograph.shape}")
    scale = min(1.0, MAX_SIDE / max(height, width))
    small = pixels.resized(photograph, (max(WINDOW, round(height * scale)), max(WINDOW, round(width * scale))))
    distance = StyleDistance(1, channels, seed=seed)
    distance.adapt([fitted(painting, max(distance.min_side, style_size or min(small.shape[:2])))])
    descent = _Descent(small, distance, strength)
    descent.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.05)))
    report = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_fraction((batch + 1) / steps))
    descent.fit(np.zeros((steps, 1)), batch_size=1, shuffle=False, verbose=0, callbacks=[report])
    change = ops.convert_to_numpy(descent.change())[0]
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in _planes(change)]
    made = photograph.astype("float32") + 127.5 * np.stack([np.asarray(plane) for plane in planes], axis=-1)
    return np.clip(np.round(made), 0, 255).astype("uint8")


def fitted(painting: np.ndarray, side: int) -> np.ndarray:
    """A painting whose shorter side has so many pixels.

    Example:
        >>> fitted(np.zeros((30, 60, 3), "uint8"), 10).shape
        (10, 20, 3)
    """
    scale = side / min(painting.shape[:2])
    height, width = (max(side, round(scale * length)) for length in painting.shape[:2])
    return pixels.resized(painting, (height, width))


def _planes(change):
    return [np.ascontiguousarray(change[..., channel]) for channel in range(change.shape[-1])]


class _Descent(keras.Model):
    """The changes of a picture as weights: the stock `fit` minimises its distance from the style."""

    def __init__(self, photograph, distance, strength):
        super().__init__(name="descent")
        self.original = pixels.to_float(photograph[None])
        self.distance = distance
        self.strengths = np.full(1, strength, "float32")
        height, width, channels = photograph.shape
        sizes = [(max(1, height >> level), max(1, width >> level)) for level in range(NUM_SCALES)]
        self.changes = [self.add_weight((1, *size, channels), "zeros", name="change") for size in sizes]

    def change(self):
        *finer, total = (change.value for change in self.changes)
        for change in reversed(finer):
            total = change + ops.image.resize(total, change.shape[1:3], "bilinear", data_format="channels_last")
        return total

    def call(self, inputs):
        return self.original + self.change()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        style = np.zeros(1, "int32")
        distance = self.distance(y_pred, style, self.strengths, self.original, num=DIRECTIONS_A_STEP)
        beyond = ops.mean(ops.relu(ops.abs(y_pred) - 1))
        return ops.sum(distance + CONTENT_WEIGHT * structure(y_pred, self.original)) + BEYOND_WEIGHT * beyond
