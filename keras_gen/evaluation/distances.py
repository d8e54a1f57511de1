"""How far apart two sets of features are: arithmetic on arrays, independent of images and networks.

Every function takes the real features first and the fake ones second, float (n, d) and (m, d), one row for each
image. All results depend on n and m, and on what the features are: compare only values with the same of both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import euclidean_distances
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MIN_IMAGES_PER_FEATURE = 16  # images for each feature that an extrapolation needs
BLOCK_ROWS = 1_000  # rows of a matrix of all pairs at a time: 1,000 × 60,000 of them take 480 MB


def frechet_distance(real_features: np.ndarray, fake_features: np.ndarray) -> float:
    """Distance between the Gaussians that have the means and covariances of two sets.

    `‖m₁ − m₂‖² + Tr(S₁ + S₂ − 2 (S₁ S₂)^½)`: 0 for the same set, and smaller for larger samples of the same
    distribution. Stable for fewer images than features, where the covariances are singular.

    Args:
        real_features: float (n, d), n ≥ 2.
        fake_features: float (m, d), m ≥ 2.

    Raises:
        ValueError: for arrays of another shape, or features that are not finite.

    Example:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
        9.0

    Source:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), equation 6, https://arxiv.org/abs/1706.08500
    """
    real_features, fake_features = _checked(real_features, fake_features)
    gap = real_features.mean(axis=0) - fake_features.mean(axis=0)
    real_covariance, fake_covariance = (np.atleast_2d(np.cov(f, rowvar=False)) for f in (real_features, fake_features))
    # S₁^½ S₂ S₁^½ has the eigenvalues of S₁ S₂ and is symmetric, so that they come out real; a feature that is always
    # zero gives an eigenvalue of zero, which rounding may make negative.
    values, vectors = scipy.linalg.eigh(real_covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    eigenvalues = scipy.linalg.eigvalsh(root @ fake_covariance @ root).clip(0)
    spread = np.trace(real_covariance) + np.trace(fake_covariance) - 2 * np.sqrt(eigenvalues).sum()
    return max(0.0, float(gap @ gap + spread))  # identical sets round to just below 0


def frechet_distance_at_infinity(
    real_features: np.ndarray, fake_features: np.ndarray, num_sizes: int = 8, seed: int = 0
) -> float:
    """The Fréchet distance that infinitely many fakes would have, by extrapolation.

    Its bias falls with 1/m: the distances of random subsets of the fakes lie on a line over 1/m, whose value at 0 is
    returned. This removes the part of the bias that comes from the fakes, not the part from the real images. So it
    makes numbers of different m comparable, and may be slightly below 0.

    Args:
        real_features: float (n, d), n ≥ 2.
        fake_features: float (m, d), m ≥ 16 d: with fewer the smallest subsets are not on the line.
        num_sizes: subsets, of m/4 to m rows.
        seed: of the subsets.

    Raises:
        ValueError: as `frechet_distance`, and for too few fakes.

    Source:
        Chong and Forsyth, Effectively Unbiased FID (2020), section 4, https://arxiv.org/abs/1911.07023
    """
    real_features, fake_features = _checked(real_features, fake_features)
    if len(fake_features) < MIN_IMAGES_PER_FEATURE * fake_features.shape[1]:
        raise ValueError(
            f"expected at least {MIN_IMAGES_PER_FEATURE} images for each of the {fake_features.shape[1]} features, "
            f"received {len(fake_features)}: fewer say nothing about infinitely many"
        )
    generator = np.random.default_rng(seed)
    sizes = np.linspace(len(fake_features) / 4, len(fake_features), num_sizes).astype(int)
    distances = [
        frechet_distance(real_features, fake_features[generator.permutation(len(fake_features))[:size]])
        for size in sizes
    ]
    _, intercept = np.polyfit(1 / sizes, distances, deg=1)
    return float(intercept)


class Estimate(NamedTuple):
    """A number and the interval in which it lies with 95 % confidence."""

    value: float
    low: float
    high: float


def kernel_distance(
    real_features: np.ndarray, fake_features: np.ndarray, num_resamples: int = 200, seed: int = 0
) -> Estimate:
    """Squared maximum mean discrepancy under the kernel `(x·y / d + 1)³`: what is known as KID on Inception features.

    Unbiased, so 0 on average for two samples of one distribution whatever their sizes, and negative about half the
    time. The interval comes from a bootstrap over the images of both sets; pairs of an image with itself, which a
    resample has and the statistic does not, are left out.

    Args:
        real_features: float (n, d), n ≥ 10.
        fake_features: float (m, d), m ≥ 10.
        num_resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: for arrays of another shape, or features that are not finite.

    Example:
        >>> kernel_distance(np.zeros((10, 1)), np.ones((10, 1))).value  # k(0, 0) + k(1, 1) − 2 k(0, 1) = 1 + 8 − 2
        7.0

    Source:
        Bińkowski et al., Demystifying MMD GANs (2018), sections 4 and 5, https://arxiv.org/abs/1801.01401
    """
    real_features, fake_features = _checked(real_features, fake_features, least=10)
    generator = np.random.default_rng(seed)

    def weights(num):
        """How often each image is drawn: once each in the first column, at random in the others."""
        resamples = generator.multinomial(num, np.full(num, 1 / num), size=num_resamples).T
        return np.concatenate([np.ones((num, 1)), resamples], axis=1).astype(np.float32)

    real_weights, fake_weights = weights(len(real_features)), weights(len(fake_features))
    distances = (
        _mean_kernel(real_features, real_features, real_weights, real_weights, without_self=True)
        + _mean_kernel(fake_features, fake_features, fake_weights, fake_weights, without_self=True)
        - 2 * _mean_kernel(real_features, fake_features, real_weights, fake_weights)
    )
    low, high = np.quantile(distances[1:], [0.025, 0.975])
    return Estimate(float(distances[0]), float(low), float(high))


def _mean_kernel(first, second, first_weights, second_weights, without_self=False) -> np.ndarray:
    """The weighted mean of the kernel over all pairs, for each column of weights."""
    dimension = first.shape[1]
    # In float32, whose rounding cancels in the mean over all pairs; 10,000 × 10,000 pairs take long enough.
    scaled, second = (first / dimension).astype(np.float32), second.astype(np.float32)
    total = np.zeros(first_weights.shape[1])
    for start in range(0, len(first), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        kernel = scaled[rows] @ second.T + 1
        kernel *= kernel * kernel  # a power would take ten times as long
        total += np.sum(first_weights[rows] * (kernel @ second_weights), axis=0, dtype=np.float64)
    pairs = first_weights.sum(axis=0, dtype=np.float64) * second_weights.sum(axis=0, dtype=np.float64)
    if without_self:
        squared = first_weights.astype(np.float64) ** 2
        total -= ((np.sum(first**2, axis=1) / dimension + 1) ** 3) @ squared
        pairs -= squared.sum(axis=0)
    return total / pairs


def neighbourhoods(real_features: np.ndarray, fake_features: np.ndarray, num_neighbours: int = 5) -> dict[str, float]:
    """How two sets overlap, by balls around each point that reach to its k-th nearest neighbour in its own set.

    Args:
        real_features: float (n, d), n > k.
        fake_features: float (m, d), m > k.
        num_neighbours: k.

    Returns:
        Dict of `precision`, the share of fakes in any real ball: are they like real ones? `recall`, the share of
        reals in any fake ball: is every kind of real image made? `density`, real balls around a fake, over k (1 for
        the same distribution); `coverage`, the share of real balls with a fake in them (1 − 2^−k for two samples of one
        distribution). Density and coverage use the real balls alone, which outliers among the fakes cannot widen.

    Raises:
        ValueError: for arrays of another shape, or features that are not finite.

    Source:
        Kynkäänniemi et al., Improved Precision and Recall (2019), equation 2, https://arxiv.org/abs/1904.06991; Naeem
        et al., Reliable Fidelity and Diversity Metrics (2020), section 3, https://arxiv.org/abs/2002.09797
    """
    real_features, fake_features = _checked(real_features, fake_features, least=num_neighbours + 1)
    real_radii, fake_radii = (
        NearestNeighbors(n_neighbors=num_neighbours).fit(features).kneighbors()[0][:, -1]
        for features in (real_features, fake_features)
    )
    num_around = np.zeros(len(fake_features))  # real balls around each fake
    covered, recalled = [], []
    for start in range(0, len(real_features), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        distances = euclidean_distances(real_features[block], fake_features)  # (block, m)
        in_real_ball = distances <= real_radii[block, None]
        num_around += in_real_ball.sum(axis=0)
        covered.append(in_real_ball.any(axis=1))
        recalled.append((distances <= fake_radii).any(axis=1))
    return {
        "precision": float((num_around > 0).mean()),
        "recall": float(np.concatenate(recalled).mean()),
        "density": float(num_around.mean() / num_neighbours),
        "coverage": float(np.concatenate(covered).mean()),
    }


def separability(real_features: np.ndarray, fake_features: np.ndarray, num_folds: int = 5) -> float:
    """The error of a linear classifier that is trained to tell fakes from reals: 0.5 where it cannot.

    Each row is classified by a logistic regression that was trained on the other folds, so that rows are not known by
    heart. Fakes that are made from images must not be made from those on the real side.

    Args:
        real_features: float (n, d), n ≥ 5.
        fake_features: float (m, d), m ≥ 5; the error is a share of all rows, so n = m.
        num_folds: of the cross-validation.

    Returns:
        A share in [0, 1], 0 where all are recognised. Chance may carry it above 0.5.

    Raises:
        ValueError: for arrays of another shape, or features that are not finite.

    Example:
        >>> separability(np.zeros((20, 1)) + np.arange(20)[:, None] % 2, np.full((20, 1), 9.0))
        0.0

    Source:
        Zhao et al., Large Scale Image Completion via Co-Modulated GANs (2021), section 4,
        https://arxiv.org/abs/2103.10428: their U-IDS is the training error of a linear SVM on Inception features.
    """
    features = np.concatenate(_checked(real_features, fake_features, least=num_folds))
    is_real = np.repeat([True, False], [len(real_features), len(fake_features)])
    order = np.random.default_rng(0).permutation(len(features))  # files may be ordered by class
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    return 1 - float(cross_val_score(classifier, features[order], is_real[order], cv=num_folds).mean())


def _checked(real_features, fake_features, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64: squares of float32 features lose the digits that matter."""
    real_features, fake_features = np.asarray(real_features, np.float64), np.asarray(fake_features, np.float64)
    for features in (real_features, fake_features):
        if features.ndim != 2 or len(features) < least or features.shape[1] != real_features.shape[1]:
            raise ValueError(
                f"expected two arrays of at least {least} rows with the same number of features, received "
                f"{real_features.shape} and {fake_features.shape}"
            )
        if not np.isfinite(features).all():
            raise ValueError("expected finite features, received NaN or infinity")
    return real_features, fake_features


def spread(features: np.ndarray) -> float:
    """The mean distance between two random rows of features.

    Args:
        features: float array (n, d), n ≥ 2.

    Example:
        >>> spread(np.array([[0.0, 0.0], [3.0, 4.0]]))
        5.0
    """
    shuffled = np.random.default_rng(0).permutation(features)  # files may be ordered by class
    return float(np.mean(np.linalg.norm(shuffled[1:] - shuffled[:-1], axis=1)))
