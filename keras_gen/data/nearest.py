"""Nearest neighbours among real images, pixel by pixel."""

from __future__ import annotations

import numpy as np
import scipy.fft

BLOCK_VALUES = 2_000 * 28**2  # values of images at a time, as float32


def nearest(
    queries: np.ndarray, references: np.ndarray, own: np.ndarray | None = None, where: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The reference that is nearest to each query.

    Args:
        queries: uint8 (n, height, width, channels).
        references: uint8 (m, height, width, channels); an array that stays on disk is read block by block.
        own: int (n,), if the queries are themselves references: their indices, so that no query finds itself.
        where: (n, height, width, 1), nonzero in the pixels of each query that are compared, at least one; None for
            all of them.

    Returns:
        (distances, indices), float32 and int64 (n,): the root of the mean squared difference over pixels and channels,
        in units of bytes, 0 to 255, and the place among the references.

    Example:
        >>> images = np.array([0, 100, 250], "uint8").reshape(3, 1, 1, 1)
        >>> distances, indices = nearest(images[1:2], images, own=np.array([1]))
        >>> distances.tolist(), indices.tolist()
        ([100.0], [0])
    """
    channels, num_values = queries.shape[-1], int(np.prod(queries.shape[1:]))
    block = max(1, BLOCK_VALUES // num_values)
    distances, indices = np.full(len(queries), np.inf, np.float32), np.zeros(len(queries), np.int64)
    num_compared: int | np.ndarray = num_values
    if where is not None:
        num_compared = (channels * np.count_nonzero(where, axis=(1, 2, 3))).astype(np.float32)

    def rows_of(rows):
        """The values of queries and, unless all are compared, a weight of 0 or 1 for each pixel."""
        values = _rows(queries[rows])
        if where is None:
            return values, None
        weights = (np.asarray(where[rows]) != 0).reshape(len(values), -1).astype(np.float32)
        return values * np.repeat(weights, channels, axis=1), weights

    for start in range(0, len(references), block):
        candidates = _rows(references[start : start + block])
        squared = np.sum(candidates**2, axis=1)
        if where is not None:
            squares = np.sum((candidates**2).reshape(len(candidates), -1, channels), axis=2)  # of each pixel
        for first in range(0, len(queries), block):
            rows = slice(first, first + block)
            values, weights = rows_of(rows)
            if weights is not None:
                squared = weights @ squares.T  # for each pair: which pixels count depends on the query
            near = squared - 2 * (values @ candidates.T)  # without the query's own square, for now
            _keep_nearest(near, start, distances[rows], indices[rows], own if own is None else own[rows])
    for first in range(0, len(queries), block):
        rows = slice(first, first + block)
        distances[rows] += np.sum(rows_of(rows)[0] ** 2, axis=1)
    return np.sqrt(distances.clip(0) / num_compared), indices


def nearest_rolled(
    queries: np.ndarray, references: np.ndarray, axes: tuple[int, ...], own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The reference that is nearest to each query in any roll of it: a panorama that has turned is the same place.

    `min over s of |q − roll(r, s)|² = |q|² + |r|² − 2 max over s of (q ⋆ r)(s)`, where the Fourier transform gives the
    correlations `q ⋆ r` of all rolls at once.

    Args:
        queries: uint8 (n, height, width, channels).
        references: uint8 (m, height, width, channels); an array that stays on disk is read block by block.
        axes: along which images may be rolled: (2,) for the width, (1, 2) for both.
        own: as of `nearest`.

    Returns:
        (distances, indices) as of `nearest`.

    Example:
        >>> images = np.arange(24, dtype="uint8").reshape(2, 1, 12, 1)
        >>> distances, indices = nearest_rolled(np.roll(images[1:], 5, axis=2), images, axes=(2,))
        >>> round(float(distances[0]), 2), indices.tolist()
        (0.0, [1])
    """
    num_pixels = int(np.prod([queries.shape[axis] for axis in axes]))
    block = max(1, int(np.sqrt(BLOCK_VALUES / num_pixels)))  # pairs have a correlation for each roll
    distances, indices = np.full(len(queries), np.inf, np.float32), np.zeros(len(queries), np.int64)
    sizes, along = [queries.shape[axis] for axis in axes], tuple(range(2, 2 + len(axes)))
    for first in range(0, len(queries), block):
        rows = slice(first, first + block)
        spectra, squares = _spectra(queries[rows], axes)
        for start in range(0, len(references), block):
            others, squared = _spectra(references[start : start + block], axes)
            products = np.moveaxis(spectra @ np.conj(others.swapaxes(-1, -2)), (-2, -1), (0, 1))
            correlations = scipy.fft.irfftn(products, sizes, along, workers=-1)
            near = squares[:, None] + squared - 2 * correlations.max(axis=along)
            _keep_nearest(near, start, distances[rows], indices[rows], own if own is None else own[rows])
    return np.sqrt(distances.clip(0) / queries[0].size), indices


def _keep_nearest(near, start, distances, indices, own):
    """Replaces the distances and indices of queries, in place, where a block of references has a nearer one.

    Args:
        near: (queries, references of the block).
        start: the index of the first of these references.
        distances: the least so far, (queries,).
        indices: of which reference, (queries,).
        own: the indices of the queries among the references, or None.
    """
    if own is not None:
        near[own[:, None] == np.arange(start, start + near.shape[1])] = np.inf
    best = near.argmin(axis=1)
    found = near[np.arange(len(best)), best]
    better = found < distances
    distances[better] = found[better]
    indices[better] = start + best[better]


def _spectra(images, axes):
    """The Fourier transforms of images, (frequencies…, n, the other values), and the sums of their squares, (n,)."""
    values = np.asarray(images, np.float32) - 128
    spectra = np.moveaxis(scipy.fft.rfftn(values, axes=axes, workers=-1), axes, range(len(axes)))
    return spectra.reshape(*spectra.shape[: len(axes) + 1], -1), np.sum(values**2, axis=(1, 2, 3))


def _rows(images):
    """Images as float32 rows around 0, where the squares lose the least to rounding."""
    return np.asarray(images, np.float32).reshape(len(images), -1) - 128
