"""The arithmetic of distances, against hand-worked numbers and against the programs of their authors."""

import math

import keras
import numpy as np
import pytest

from keras_gen.evaluation import (
    FrechetDistance,
    frechet_distance,
    frechet_distance_at_infinity,
    kernel_distance,
    neighbourhoods,
)


@pytest.fixture
def samples():
    """Two sets of features that differ in mean and spread: the arrays that the references below were given."""
    generator = np.random.default_rng(7)
    real = generator.normal(size=(300, 8)).astype("float32")
    fake = (generator.normal(size=(240, 8)) * 0.8 + 0.3).astype("float32")
    return real, fake


def test_frechet_distance_agrees_with_torch_fidelity(samples):
    real, fake = samples
    # torch-fidelity 0.4.0, fid_statistics_to_metric in float64, on 2026-11-23.
    assert frechet_distance(real, fake) == pytest.approx(1.3950465867, abs=1e-8)
    assert frechet_distance(real[:5], fake) == pytest.approx(8.3158982578, abs=1e-4)  # fewer images than features


def test_the_streaming_metric_gives_the_same_number(samples):
    real, fake = samples
    metric = FrechetDistance(8)
    for start in range(0, 240, 40):
        metric.update_state(real[start : start + 40], fake[start : start + 40])
    assert float(metric.result()) == pytest.approx(frechet_distance(real[:240], fake), abs=1e-4)
    metric.reset_state()
    metric.update_state(real, fake)
    assert float(metric.result()) == pytest.approx(1.3950465867, abs=1e-4)
    metric.reset_state()
    metric.update_state(real[:1], fake)
    assert math.isnan(metric.result()), "one image has no covariance"
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, FrechetDistance)
    assert copy.num_features == 8


def test_kernel_distance_agrees_with_torch_fidelity(samples):
    real, fake = samples
    # torch-fidelity 0.4.0, mmd2(kernel_poly) in float64 with degree 3, γ = 1/d, constant 1, on 2026-11-23.
    assert kernel_distance(real[:240], fake).value == pytest.approx(0.4268846690, abs=1e-5)


def test_neighbourhoods_agree_with_prdc(samples):
    # prdc 0.2, compute_prdc with nearest_k = 5, on 2026-11-23.
    assert neighbourhoods(*samples) == {
        "precision": pytest.approx(0.9875),
        "recall": pytest.approx(0.7066666667),
        "density": pytest.approx(1.4566666667),
        "coverage": pytest.approx(0.89),
    }


def test_kernel_distance_of_one_distribution_is_nothing_at_any_size():
    generator = np.random.default_rng(0)
    small = [kernel_distance(*generator.normal(size=(2, 40, 4)), num_resamples=2).value for _ in range(300)]
    # The mean of 300 unbiased estimates lies within three of its standard errors of 0; that of a biased one does not.
    assert abs(np.mean(small)) < 3 * np.std(small) / math.sqrt(300)


def test_the_interval_of_the_kernel_distance_holds_the_truth():
    # Features of ±1 in one dimension: k(a, b) = (ab + 1)³ is 8 for the same and 0 for different signs, so that the
    # distance of shares p and q of +1 is 8 (p − q)² · 2: here 16 · 0.3².
    generator = np.random.default_rng(0)
    inside = 0
    for seed in range(40):
        real, fake = (np.where(generator.random((200, 1)) < share, 1.0, -1.0) for share in (0.5, 0.8))
        value, low, high = kernel_distance(real, fake, seed=seed)
        assert low < value < high
        inside += low < 16 * 0.3**2 < high
    assert inside >= 34  # 38 expected of 40


def test_extrapolation_takes_the_bias_of_few_fakes_away():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(20_000, 16)), generator.normal(size=(300, 16))
    # Of unit Gaussians in d dimensions about d / m from the means and d (d + 1) / 4m from the covariances: 0.28.
    assert frechet_distance(real, fake) == pytest.approx(0.28, abs=0.05)
    assert frechet_distance_at_infinity(real, fake) == pytest.approx(0, abs=0.1)


def test_extrapolation_wants_many_images_for_each_feature():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(20_000, 64)), generator.normal(size=(1_100, 64))
    assert frechet_distance(real, fake) > 0.8
    assert frechet_distance_at_infinity(real, fake) == pytest.approx(0, abs=0.2)
    with pytest.raises(ValueError, match="expected at least 16 images for each of the 64 features, received 1000"):
        frechet_distance_at_infinity(real, fake[:1_000])


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance, neighbourhoods, frechet_distance_at_infinity])
def test_what_cannot_be_compared_is_refused(distance):
    features = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(
        ValueError, match=r"expected two arrays of at least \d+ rows with the same number of features, received"
    ):
        distance(features, features[:, :3])
    with pytest.raises(ValueError, match=r"received \(30, 4\) and \(1, 4\)"):
        distance(features, features[:1])
    with pytest.raises(ValueError, match="expected finite features"):
        distance(features, np.where(features == features[3, 1], np.nan, features))


def with_moments(mean, covariance):
    """Nine points in the plane with exactly this mean and sample covariance."""
    points = np.random.default_rng(0).standard_normal((9, 2))
    points -= points.mean(axis=0)
    white = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_two_gaussians():
    # The covariances commute, so the formula is that of each axis: (3² + 4²) + (√4 − √1)² + (√9 − √25)² = 30.
    real = with_moments([0.0, 0.0], np.diag([4.0, 9.0]))
    fake = with_moments([3.0, 4.0], np.diag([1.0, 25.0]))
    assert frechet_distance(real, fake) == pytest.approx(30.0)
    assert frechet_distance(fake, real) == pytest.approx(30.0)


def test_frechet_distance_of_gaussians_whose_axes_differ():
    # S₁ = diag(1, 4), S₂ = [[2, 1], [1, 2]]: Tr √(S₁S₂) = √(Tr S₁S₂ + 2√det S₁S₂) = √(10 + 2√12), for 2×2 matrices.
    real = with_moments([0.0, 0.0], np.diag([1.0, 4.0]))
    fake = with_moments([0.0, 0.0], np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert frechet_distance(real, fake) == pytest.approx(9 - 2 * math.sqrt(10 + 2 * math.sqrt(12)))


def test_frechet_distance_of_identical_sets_with_a_dead_feature():
    features = np.random.default_rng(0).standard_normal((20, 5)).astype("float32")
    features[:, 2] = 0.0
    assert frechet_distance(features, features) == pytest.approx(0.0, abs=1e-6)


def test_neighbourhoods_of_points_on_a_line():
    # k = 1: the real balls are [-1, 1], [0, 2], [1, 7] and [4, 16].
    real = np.array([[0.0], [1.0], [4.0], [10.0]])
    # Fakes at 0.5 (in the balls of 0 and 1), 30 and 31 (in none). Fake balls: radii 29.5, 1, 1.
    fake = np.array([[0.5], [30.0], [31.0]])
    assert neighbourhoods(real, fake, num_neighbours=1) == {
        "coverage": 2 / 4,
        "density": pytest.approx(2 / 3),  # 2, 0 and 0 balls around the fakes, over k = 1
        "precision": pytest.approx(1 / 3),
        "recall": 1.0,  # all within 29.5 of 0.5
    }


def test_neighbourhoods_in_several_blocks_are_those_of_one_distribution():
    points = np.random.default_rng(0).standard_normal((2, 1_500, 3))
    measured = neighbourhoods(*points)
    assert measured["coverage"] == pytest.approx(1 - 2**-5, abs=0.015)
    assert measured["density"] == pytest.approx(1.0, abs=0.05)
