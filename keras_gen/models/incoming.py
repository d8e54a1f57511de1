"""Takes the first batch of the data for a model, so that it can be checked before training or evaluation.

Images come as arrays, tensors of any backend, dicts of columns, `tf.data` data sets, `PyDataset`s, PyTorch loaders and
generators. Data in memory are checked completely, a stream by its first batch; `Generative.check` does the check.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from keras_gen.data import Batches


def first_batch(x, y=None, sample_weight=None) -> tuple[tuple | None, Any]:
    """The first batch of the data for `fit`, `evaluate` or a step, or all data where they are in memory.

    Args:
        x: as of `fit`.
        y: as of `fit`.
        sample_weight: as of `fit`.

    Returns:
        `(batch, x)`: the parts of the batch, images first, or None where there are none; and x to continue with, from
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
    """A generator from the first batch on: Keras accepts no other kind of iterator."""
    yield first
    yield from rest
