"""The arithmetic of the benchmarks; what they measure is theirs to print."""

import math
import sys

import numpy as np
import pytest

from benchmarks import judge, stacked_mnist, toys
from keras_gen.command_line import parse
from keras_gen.data import ImageData, Split
from tests.processes import run


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
    assert judge.frechet_distance(real, fake) == pytest.approx(30.0)
    assert judge.frechet_distance(fake, real) == pytest.approx(30.0)


def test_frechet_distance_of_gaussians_whose_axes_differ():
    # S₁ = diag(1, 4), S₂ = [[2, 1], [1, 2]]: Tr √(S₁S₂) = √(Tr S₁S₂ + 2√det S₁S₂) = √(10 + 2√12), for 2×2 matrices.
    real = with_moments([0.0, 0.0], np.diag([1.0, 4.0]))
    fake = with_moments([0.0, 0.0], np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert judge.frechet_distance(real, fake) == pytest.approx(9 - 2 * math.sqrt(10 + 2 * math.sqrt(12)))


def test_frechet_distance_of_identical_sets_with_a_dead_feature():
    features = np.random.default_rng(0).standard_normal((20, 5)).astype("float32")
    features[:, 2] = 0.0
    assert judge.frechet_distance(features, features) == pytest.approx(0.0, abs=1e-6)


def test_neighbourhoods_of_points_on_a_line():
    # k = 1: the real balls are [-1, 1], [0, 2], [1, 7] and [4, 16].
    real = np.array([[0.0], [1.0], [4.0], [10.0]])
    # Fakes at 0.5 (in the balls of 0 and 1), 30 and 31 (in none). Fake balls: radii 29.5, 1, 1.
    fake = np.array([[0.5], [30.0], [31.0]])
    assert judge.neighbourhoods(real, fake, num_neighbours=1) == {
        "coverage": 2 / 4,
        "density": pytest.approx(2 / 3),  # 2, 0 and 0 balls around the fakes, over k = 1
        "precision": pytest.approx(1 / 3),
        "recall": 1.0,  # all within 29.5 of 0.5
    }


def test_neighbourhoods_in_several_blocks_are_those_of_one_distribution():
    points = np.random.default_rng(0).standard_normal((2, 1_500, 3))
    measured = judge.neighbourhoods(*points)
    assert measured["coverage"] == pytest.approx(1 - 2**-5, abs=0.015)
    assert measured["density"] == pytest.approx(1.0, abs=0.05)


class _Reader:
    """A network that sees the brightness of the first pixel as the class, and as the feature."""

    def predict(self, images, **kwargs):
        labels = images[:, 0, 0, 0].astype(int)
        return np.stack([labels, np.arange(len(labels))], axis=1).astype("float32"), np.eye(3)[labels]


def make_judge(test_labels):
    """A judge of 4×5 grey images with three classes."""
    labels = np.array(test_labels)
    split = Split(images_of(labels), labels)
    data = ImageData("brightness", split, split, class_names=["dark", "grey", "light"])
    return judge.Judge(_Reader(), data)


def images_of(labels):
    return np.tile(np.array(labels, "uint8")[:, None, None, None], (1, 4, 5, 1))


def test_score_counts_classes_confidence_and_readings():
    score = make_judge([0, 1, 2] * 4).score(images_of([0] * 6 + [1] * 6), labels=np.array([0] * 6 + [1] * 3 + [2] * 3))
    assert (score["images"], score["classes"], score["confident"]) == (12, 2, 1.0)
    assert score["reads_back"] == 9 / 12
    assert score["label_kl"] == pytest.approx(math.log(1.5))  # two classes at 1/2 where the data have 1/3 each


def test_score_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"expected uint8 images \(n, 4, 5, 1\), received float64"):
        make_judge([0, 1, 2] * 4).score(np.zeros((12, 4, 5, 1)))
    with pytest.raises(ValueError, match="expected 12 labels, one for each image"):
        make_judge([0, 1, 2] * 4).score(images_of([0] * 12), labels=np.zeros(3, int))


def test_toys_are_those_of_the_paper():
    assert {name: toy.means.shape for name, toy in toys.TOYS.items()} == {"grid": (25, 2), "ring": (8, 2)}
    assert sorted(set(toys.TOYS["grid"].means.flat)) == [-4, -2, 0, 2, 4]
    np.testing.assert_allclose(np.linalg.norm(toys.TOYS["ring"].means, axis=1), 1.0)
    apart = np.linalg.norm(np.diff(toys.TOYS["ring"].means, axis=0), axis=1)
    np.testing.assert_allclose(apart, 2 * math.sin(math.pi / 8))  # the side of an octagon


@pytest.mark.parametrize("name", toys.TOYS)
def test_the_data_solve_their_toy(name):
    toy = toys.TOYS[name]
    score = toy.score(toy.to_points(toy.to_images(toy.draw(20_000, seed=0))))
    assert score["modes"] == len(toy.means)
    assert score["high_quality"] == pytest.approx(1 - math.exp(-(3**2) / 2), abs=0.003)  # of a Rayleigh distribution
    assert score["kl"] == pytest.approx(0.0, abs=0.002)


def test_score_of_points_placed_by_hand():
    toy = toys.Toy(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), deviation=0.1)
    # Two good ones at the first mode; one 0.29 from the second, within 3 · 0.1; one 0.31 from the third, outside.
    points = np.array([[0.0, 0.0], [0.1, 0.1], [1.29, 0.0], [0.0, 1.31]])
    score = toy.score(points)
    assert (score["modes"], score["high_quality"]) == (2, 3 / 4)
    # Nearest modes ½, ¼, ¼, 0 against ¼ each: ½ ln 2 + 0 + 0.
    assert score["kl"] == pytest.approx(0.5 * math.log(2))


def test_stacks_hold_a_grey_image_in_each_channel():
    digits = np.arange(7, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 5, 1), "uint8")
    stacked = stacked_mnist.stacks(digits, 50, np.random.default_rng(0))
    assert (stacked.shape, stacked.dtype) == ((50, 4, 5, 3), np.uint8)
    assert (stacked == stacked[:, :1, :1]).all(), "each channel is one of the constant images"
    assert {tuple(channels) for channels in np.sort(stacked[:, 0, 0])} > {(0, 1, 2)}, "the channels are drawn apart"


def test_modes_are_read_as_numbers():
    assert stacked_mnist.modes_of(np.array([[0, 0, 7], [1, 2, 3], [9, 9, 9]]), 10).tolist() == [7, 123, 999]


def test_divergence_from_uniform():
    score = stacked_mnist.score(np.array([0, 0, 1, 2]), num_modes=8)
    assert score["modes"] == 3
    # ½ ln(½·8) + 2 · ¼ ln(¼·8) = ½ ln 4 + ½ ln 2, less (8 − 1) / (2 · 4).
    assert score["kl"] == pytest.approx(1.5 * math.log(2))
    assert score["kl_above_floor"] == pytest.approx(1.5 * math.log(2) - 7 / 8)


def test_sampling_floor_of_the_protocol():
    assert stacked_mnist.sampling_floor(1000, 26_000) == pytest.approx(0.0192, abs=5e-5)
    uniform = np.random.default_rng(0).integers(1000, size=26_000)
    assert stacked_mnist.score(uniform, 1000)["kl_above_floor"] == pytest.approx(0.0, abs=0.003)


@pytest.mark.parametrize("benchmark", [judge, toys, stacked_mnist])
def test_help(benchmark, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [benchmark.__file__, "--help"])
    with pytest.raises(SystemExit, match="0"):
        parse(benchmark.Options, benchmark.__doc__)
    assert benchmark.__doc__.splitlines()[0] in capsys.readouterr().out


def test_help_does_not_wait_for_keras(tmp_path):
    process = run(tmp_path, "benchmarks/stacked_mnist.py", "--help", backend="no such backend")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("usage: stacked_mnist.py")
