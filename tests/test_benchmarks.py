"""The arithmetic of the benchmarks; what they measure is theirs to print."""

import math
import sys

import numpy as np
import pytest

from benchmarks import (
    autoencoders,
    delivered,
    end_to_end,
    faults,
    ladder,
    mutants,
    outside_classifier,
    quality,
    repair,
    scaling,
    serving,
    speed,
    stacked_mnist,
    style,
    toys,
)
from keras_gen.cli.command_line import parse
from tests.commands import ROOT, spawn


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


BENCHMARKS = (
    *(autoencoders, delivered, end_to_end, faults, ladder, mutants, outside_classifier),
    *(quality, repair, scaling, serving, speed, stacked_mnist, toys),
)


def test_each_mutant_changes_one_line_that_is_there():
    assert len(mutants.MUTANTS) == 40
    mutants.check(ROOT)


def test_opencv_fills_holes_channel_by_channel():
    pytest.importorskip("cv2")
    image = np.full((1, 8, 12, 4), [10, 20, 30, 255], np.uint8)
    hole = np.zeros((1, 8, 12, 1), np.uint8)
    hole[0, 3:5, 4:7] = 9
    for make in repair.OPENCV.values():
        filled = make(image)(np.where(hole, np.uint8(128), image), hole)
        np.testing.assert_allclose(filled.astype(int), image, atol=1)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_help(benchmark, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [benchmark.__file__, "--help"])
    with pytest.raises(SystemExit, match="0"):
        parse(benchmark.Options, benchmark.__doc__)
    assert benchmark.__doc__.splitlines()[0] in capsys.readouterr().out


def test_help_does_not_wait_for_keras(tmp_path):
    process = spawn(tmp_path, "benchmarks/stacked_mnist.py", "--help", backend="no such backend")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("usage: stacked_mnist.py")


def test_the_table_of_speed():
    about = {"first_step_seconds": 5.0, "memory": 2e6, "flops": 4e9, "precision": "float32", "case": "article"}
    ours = {**about, "contender": "jax", "ms": 20.0, "least_ms": 19.0, "most_ms": 22.0, "images_per_second": 6400.0}
    theirs = {**ours, "contender": "pytorch", "ms": 50.0, "share": None}
    lines = speed.table([{**ours, "share": 0.5}, theirs]).splitlines()
    assert lines[2].split(" | ")[4:7] == ["6,400", "2.50 ×", "50%"]
    assert lines[3].split(" | ")[5:7] == ["1.00 ×", "–"]


@pytest.mark.slow
@pytest.mark.parametrize("case", speed.CASES)
def test_peers_train_what_the_presets_train(case, tmp_path):
    pytest.importorskip("torch")
    ours, theirs = (speed.Worker(case, name, "float32", tmp_path / f"{name}.log") for name in ("tensorflow", "pytorch"))
    assert ours.begin(), ours.log.read_text()
    assert theirs.begin(), theirs.log.read_text()
    ours.close(), theirs.close()
    assert ours.about["weights"] == theirs.about["weights"]
    # A product or convolution uses each weight at least once an image, forwards and twice backwards.
    batch_size = 64 if case == "wgan-gp" else speed.CASES[case].batch_size
    assert theirs.about["flops"] > 6 * batch_size * theirs.about["weights"]


def test_style_is_scored_by_distances_and_ranks():
    known = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 6.0]])  # the codes of three paintings
    before, codes = np.array([[4.0, 0.0], [4.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 1.0]])
    ratio, right = style.scores(codes, before, known, np.array([0, 1]))
    assert ratio == pytest.approx((2 / 4 + np.hypot(10, 1) / 6) / 2)
    assert right == 0.5  # the first is nearest to its own painting, the second to the first painting
    random = np.random.default_rng(0)
    painting, other = (random.integers(0, 256, (30, 40, 3)).astype("uint8") for _ in range(2))
    assert style.copied(painting[5:25, 7:30] // 2 + 60, painting, random) == 1  # whatever its contrast
    assert style.copied(other, painting, random) == 0
    assert style.copied(np.full_like(other, 9), painting, random) == 0


def test_a_film_flickers_by_what_a_method_adds():
    photographs = np.repeat(np.linspace(0, 250, 40).astype("uint8")[None, None, :, None], 30, axis=1).repeat(3, axis=-1)
    assert style.flicker(photographs, ["a"], lambda photograph, name: photograph)[0] == 0
    stripes = np.array([0, 40], "uint8")

    def striped(photograph, name):  # stays where it is, as the photograph moves
        return photograph // 2 + np.resize(stripes, photograph.shape[1])[:, None]

    assert style.flicker(photographs, ["a"], striped)[0] == pytest.approx(40, abs=0.1)
