"""What comes into a model, looked at before anything is learned from it or made of it.

Arrays, tensors of any backend, dicts of columns, `tf.data` data sets, `PyDataset`s, loaders of PyTorch and generators
bring images. Of what is in memory all is looked at, of a stream its first batch; `Generative.check` says at what.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from keras_gen.data import Batches


def first_batch(x, y=None, sample_weight=None) -> tuple[tuple | None, Any]:
    """The first batch of what `fit`, `evaluate` or a step is given, or all of it where it is in memory.

    Args:
        x: as of `fit`.
        y: as of `fit`.
        sample_weight: as of `fit`.

    Returns:
        `(batch, x)`: the parts of the batch, images first, or None where they need no look; and x to go on with, from
        which nothing is missing.
    """
    if isinstance(x, Batches):
        images, *others = x.parts  # images of a split are bytes
        return keras.utils.unpack_x_y_sample_weight(x.nested([images[:1], *others])), x
    if isinstance(x, keras.utils.PyDataset):
        return keras.utils.unpack_x_y_sample_weight(x[0]), x
    if isinstance(x, Iterator):
        first = next(x, None)
        x = x if first is None else _again(first, x)
    elif hasattr(x, "element_spec") or type(x).__module__.startswith("torch.utils.data"):
        first = next(iter(x), None)
    else:
        return (x, y, sample_weight), x
    return (None if first is None else keras.utils.unpack_x_y_sample_weight(first)), x


def _again(first, rest) -> Iterator:
    """A generator, which is all that Keras takes for one, from the first batch on."""
    yield first
    yield from rest
