"""Batches as TensorFlow's own data set: a Python generator makes a small step up to a twelfth slower."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# Bytes of images and targets that TensorFlow may copy: once, and up to three times where `fit` is called again.
MAX_COPIED_BYTES = 2**28


def dataset(batches) -> tf.data.Dataset:
    """The batches of all epochs, without an end; skipped batches of the first epoch are zeros.

    The order of an epoch comes from Python. So do the rows of sets that are large or on disk, ahead of the step; other
    rows are gathered without Python.

    Args:
        batches: `data.Batches`.
    """
    batch_size, num_orders = min(batches.batch_size, len(batches.split)), 1 + max(batches.places)
    rows = (
        tf.data.Dataset.counter(batches.epoch)
        .map(lambda epoch: tf.ensure_shape(tf.numpy_function(batches.rows_of, [epoch], tf.int64), (None, num_orders)))
        .flat_map(lambda rows: tf.data.Dataset.from_tensor_slices(rows).batch(batch_size, batches.drop_remainder))
    )
    with tf.device("CPU"):  # a GPU holds the batches only
        read = rows.skip(batches.skip).map(_gather(batches.parts, batches.places))
        if batches.skip:
            zeros = tuple(tf.zeros((batch_size, *part.shape[1:]), part.dtype) for part in batches.parts)
            read = tf.data.Dataset.from_tensors(zeros).repeat(batches.skip).concatenate(read)
    read = read.map(lambda *parts: batches.nested(parts))
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False  # they copy the images once more
    return read.prefetch(tf.data.AUTOTUNE).with_options(options)


def _gather(parts, places):
    """A function from indices (b, number of orders) to the rows of each part, by the order at its place."""
    if all(type(part) is np.ndarray for part in parts) and sum(part.nbytes for part in parts) <= MAX_COPIED_BYTES:
        tensors = [tf.constant(part) for part in parts]
        return lambda rows: tuple(
            tf.gather(tensor, rows[:, place]) for tensor, place in zip(tensors, places, strict=True)
        )

    def read(rows):
        kinds = [tf.as_dtype(part.dtype) for part in parts]
        values = tf.numpy_function(
            lambda rows: [part[rows[:, place]] for part, place in zip(parts, places, strict=True)], [rows], kinds
        )
        return tuple(
            tf.ensure_shape(value, (rows.shape[0], *part.shape[1:])) for value, part in zip(values, parts, strict=True)
        )

    return read
