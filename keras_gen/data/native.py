"""Batches as TensorFlow's own data set. What comes from a Python generator costs a small step up to a twelfth more."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# Bytes of images and targets of which TensorFlow may have copies: one, and up to three where `fit` is called again.
MAX_COPIED_BYTES = 2**28


def dataset(batches) -> tf.data.Dataset:
    """The batches of one epoch after the other, without an end, those of the first epoch that are skipped as zeros.

    The order of an epoch comes from Python. So do the rows of sets that are large or on disk, ahead of the step; others
    are gathered without it.

    Args:
        batches: `data.Batches`.
    """
    batch_size = min(batches.batch_size, len(batches.split))
    rows = (
        tf.data.Dataset.counter(batches.epoch)
        .map(lambda epoch: tf.ensure_shape(tf.numpy_function(batches.order_of, [epoch], tf.int64), (None,)))
        .flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(batch_size, batches.drop_remainder))
    )
    with tf.device("CPU"):  # a GPU gets the batches only
        read = rows.skip(batches.skip).map(_reader(batches.columns))
        if batches.skip:
            zeros = tuple(tf.zeros((batch_size, *column.shape[1:]), column.dtype) for column in batches.columns)
            read = tf.data.Dataset.from_tensors(zeros).repeat(batches.skip).concatenate(read)
    if batches.paired and batches.targets is not None:
        read = read.map(lambda *columns: (columns,))
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False  # they copy the images once more
    return read.prefetch(tf.data.AUTOTUNE).with_options(options)


def _reader(columns):
    """A function from indices (b,) to the rows of each column."""
    if (
        all(type(column) is np.ndarray for column in columns)
        and sum(column.nbytes for column in columns) <= MAX_COPIED_BYTES
    ):
        tensors = [tf.constant(column) for column in columns]
        return lambda rows: tuple(tf.gather(tensor, rows) for tensor in tensors)

    def read(rows):
        kinds = [tf.as_dtype(column.dtype) for column in columns]
        values = tf.numpy_function(lambda rows: [column[rows] for column in columns], [rows], kinds)
        return tuple(
            tf.ensure_shape(value, (rows.shape[0], *column.shape[1:]))
            for value, column in zip(values, columns, strict=True)
        )

    return read
