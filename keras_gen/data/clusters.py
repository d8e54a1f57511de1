"""Clusters of unlabelled images, as labels that a conditional model can learn."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA

from keras_gen.data.image_data import ImageData, Split

CLUSTER = "cluster"
COMPONENTS = 50  # principal components of the pixels, in which images are compared
MAX_FITTED_VALUES = 20_000 * 28**2 * 4  # values of the images that the clusters are fitted to
MIN_IMAGES_PER_CLUSTER = 100  # on average: a network learns little from a few examples of many clusters


def with_clusters(data: ImageData, num: int, seed: int = 0) -> ImageData:
    """The same data with one more attribute, "cluster": the cluster, out of `num`, that each image belongs to.

    The clusters are those of k-means on the first 50 principal components of the pixels. They are not classes that a
    person would name, but a generator that is conditioned on them has an easier task: to make images of one cluster at
    a time. "0" is the largest cluster.

    Args:
        data: the images; the clusters are fitted to its training split.
        num: the number of clusters, at most. There is one for each hundred training images.
        seed: of k-means and the components.

    Returns:
        `ImageData` with the attribute in both splits; `data` itself where there are too few images for two clusters, or
        all are the same.

    Example:
        >>> from keras_gen import load
        >>> data = with_clusters(load("digits"), 10)
        >>> len(data.attribute_values["cluster"]), data.train.attributes["cluster"].shape
        (10, (1438,))

    Source:
        Sage et al., Logo Synthesis and Manipulation with Clustered Generative Adversarial Networks (2018), section 3.3,
        https://arxiv.org/abs/1712.04407
    """
    num = min(num, len(data.train) // MIN_IMAGES_PER_CLUSTER)
    if num < 2:
        return data
    seen = data.train.some(MAX_FITTED_VALUES // math.prod(data.image_shape), seed).images
    rows = _rows(seen)
    if (rows == rows[0]).all():
        return data
    components = PCA(min(COMPONENTS, len(seen), math.prod(data.image_shape)), random_state=seed)
    kinds = MiniBatchKMeans(num, batch_size=4096, n_init=3, random_state=seed).fit(components.fit_transform(rows))

    def found(split: Split) -> np.ndarray:
        batches = (_rows(split.images[start : start + 4096]) for start in range(0, len(split), 4096))
        return np.concatenate([kinds.predict(components.transform(batch)) for batch in batches])

    columns = [found(split) for split in (data.train, data.test)]
    frequent = np.argsort(-np.bincount(columns[0], minlength=num), kind="stable")
    place = np.argsort(frequent)  # of each kind, by frequency
    train, test = (
        dataclasses.replace(split, attributes={**split.attributes, CLUSTER: place[column]})
        for split, column in zip((data.train, data.test), columns, strict=True)
    )
    values = {**data.attribute_values, CLUSTER: [str(kind) for kind in range(num)]}
    return dataclasses.replace(data, train=train, test=test, attribute_values=values)


def _rows(images) -> np.ndarray:
    return np.asarray(images, np.float32).reshape(len(images), -1)
