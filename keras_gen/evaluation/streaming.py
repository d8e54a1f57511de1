"""The Fréchet distance as a Keras metric, for features that come in batches and are not kept."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class FrechetDistance(keras.metrics.Metric):
    """Fréchet distance of two streams of features: keeps their means and covariances, not the features.

    The same number as `frechet_distance` of all batches together, up to the rounding of float32; NaN for fewer than
    two images on a side.

    Args:
        num_features: int, features of each image.
        name: name of the metric.

    Call arguments:
        real_features: float (b, num_features).
        fake_features: float (c, num_features).

    Example:
        >>> metric = FrechetDistance(1)
        >>> metric.update_state([[0.0]], [[3.0], [5.0]])
        >>> metric.update_state([[2.0]], [[3.0], [5.0]])
        >>> round(float(metric.result()), 4)  # means 1 and 4, variances 2 and 4/3: 9 + (√2 − √(4/3))²
        9.0673

    Source:
        Covariances are updated as by Chan et al., Algorithms for Computing the Sample Variance (1983), equation 2.1b,
        https://doi.org/10.1080/00031305.1983.10483115
    """

    def __init__(self, num_features, name="frechet_distance", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_features = num_features
        self._sides = [
            (
                self.add_variable((), "zeros", name=f"{side}_count"),
                self.add_variable((num_features,), "zeros", name=f"{side}_mean"),
                self.add_variable((num_features, num_features), "zeros", name=f"{side}_scatter"),
            )
            for side in ("real", "fake")
        ]

    def update_state(self, real_features, fake_features):
        for features, (count, mean, scatter) in zip((real_features, fake_features), self._sides, strict=True):
            features = ops.convert_to_tensor(features, "float32")
            added = ops.cast(ops.shape(features)[0], "float32")
            total = count + added
            batch_mean = ops.mean(features, axis=0)
            gap = batch_mean - mean
            centred = features - batch_mean
            scatter.assign_add(ops.transpose(centred) @ centred + ops.outer(gap, gap) * count * added / total)
            mean.assign_add(gap * added / total)
            count.assign(total)

    def result(self):
        (real_count, real_mean, real_scatter), (fake_count, fake_mean, fake_scatter) = self._sides
        enough = ops.minimum(real_count, fake_count) > 1
        real_covariance = real_scatter / ops.maximum(real_count - 1, 1)
        fake_covariance = fake_scatter / ops.maximum(fake_count - 1, 1)
        values, vectors = ops.eigh(real_covariance)
        root = (vectors * ops.sqrt(ops.relu(values))) @ ops.transpose(vectors)
        eigenvalues, _ = ops.eigh(root @ fake_covariance @ root)
        spread = ops.trace(real_covariance) + ops.trace(fake_covariance)
        distance = ops.sum(ops.square(real_mean - fake_mean)) + spread - 2 * ops.sum(ops.sqrt(ops.relu(eigenvalues)))
        return ops.where(enough, distance, float("nan"))

    def get_config(self):
        return {**super().get_config(), "num_features": self.num_features}
