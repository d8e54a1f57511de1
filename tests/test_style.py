"""Distances from a style compared with SciPy and with sums written out; what structure and palettes promise."""

import numpy as np
import pytest
import scipy.stats
from keras import ops

from keras_gen import style
from keras_gen.corruptions.pixels import LUMA
from keras_gen.style import ColorTransfer, StyleDistance, colors, distances
from keras_gen.style.structure import MIN_VARIANCE
from tests.contracts import array

RANDOM = np.random.default_rng(0)
PAINTING = RANDOM.integers(0, 256, (60, 70, 3)).astype("uint8")
PHOTOGRAPH = RANDOM.integers(40, 160, (40, 48, 3)).astype("uint8")


def floats(*pictures):
    return np.stack(pictures).astype("float32") / 127.5 - 1


@pytest.fixture(scope="module")
def distance():
    made = StyleDistance(2, directions=12, seed=3)
    made.adapt([PAINTING, 255 - PAINTING // 2])
    return made


@pytest.mark.parametrize("sizes", [(5, 5), (40, 40), (7, 1)], ids=str)
def test_the_distance_in_one_dimension_is_that_of_scipy(sizes):
    first, second = (RANDOM.standard_normal((3, size)).astype("float32") for size in sizes)
    if len(set(sizes)) > 1:  # one quantile is the median
        expected = [abs(np.median(row) - other[0]) for row, other in zip(first, second, strict=True)]
    else:
        expected = [scipy.stats.wasserstein_distance(*rows) for rows in zip(first, second, strict=True)]
    np.testing.assert_allclose(array(style.wasserstein(first, second)), expected, rtol=1e-5)


def test_samples_of_many_sizes_are_compared_by_their_quantiles():
    first, second = RANDOM.standard_normal(3000).astype("float32"), RANDOM.gamma(2.0, size=400).astype("float32")
    exact = scipy.stats.wasserstein_distance(first, second)
    np.testing.assert_allclose(float(style.wasserstein(first, second)), exact, rtol=0.01)


@pytest.mark.jax
def test_the_distance_is_the_mean_over_slices_of_patches(distance):
    """All slices of a small image, which has one level, by SciPy."""
    image, painting = floats(PHOTOGRAPH[:10, :12])[0] @ distances.AXES.T, floats(PAINTING)[0] @ distances.AXES.T
    only = StyleDistance(1, levels=1, directions=12, seed=3)
    only.adapt([PAINTING])

    def halved(maps):
        return maps.reshape(maps.shape[0] // 2, 2, maps.shape[1] // 2, 2, 3).mean(axis=(1, 3))

    def detail(maps):
        enlarged = ops.image.resize(halved(maps)[None].astype("float32"), maps.shape[:2], "bilinear")
        return maps - array(enlarged)[0]

    slices = []
    for kind, size in StyleDistance.kinds.items():
        mine, other = (detail(maps) if kind == "detail" else maps for maps in (image, painting))
        spread = other.std(axis=(0, 1)) + distances.MIN_SPREAD
        filters = array(only._filters[kind, 0])
        patches = [
            np.lib.stride_tricks.sliding_window_view(maps / spread, (size, size), axis=(0, 1)) for maps in (mine, other)
        ]
        samples = [np.einsum("hwcij,ijcd->dhw", each, filters).reshape(12, -1) for each in patches]
        slices += [scipy.stats.wasserstein_distance(*rows) for rows in zip(*samples, strict=True)]
    received = only(floats(PHOTOGRAPH[:10, :12]), np.zeros(1, "int32"))
    np.testing.assert_allclose(array(received), [np.mean(slices)], rtol=0.03)  # quantiles in place of all samples


@pytest.mark.jax
def test_a_style_of_half_the_strength_is_half_way(distance):
    photographs, styles = floats(PHOTOGRAPH, PHOTOGRAPH), np.array([0, 1], "int32")
    whole = array(distance(photographs, styles))
    for strength in (0.0, 0.5, 1.0):
        strengths = np.full(2, strength, "float32")
        received = distance(photographs, styles, strengths, photographs)
        np.testing.assert_allclose(array(received), strength * whole, rtol=1e-4, atol=1e-6)


def test_a_painting_is_nearest_to_itself(distance):
    candidates = floats(PAINTING[:40, :48], 255 - PAINTING[:40, :48] // 2)
    near, far = (array(distance(candidates, np.array(styles, "int32"))) for styles in ([0, 1], [1, 0]))
    assert (near < 0.2).all()
    assert (far > 5 * near).all()
    assert array(distance.floors).shape == (2,)
    assert (array(distance.floors) < far).all()


def test_directions_are_drawn_anew_only_where_asked(distance):
    image, zero = floats(PHOTOGRAPH), np.zeros(1, "int32")
    assert float(distance(image, zero)[0]) == float(distance(image, zero)[0])
    drawn = {float(distance(image, zero, num=4)[0]) for _ in range(4)}
    assert len(drawn) == 4
    np.testing.assert_allclose(np.mean(list(drawn)), float(distance(image, zero)[0]), rtol=0.3)


@pytest.mark.parametrize(
    ("paintings", "message"),
    [([PAINTING], "expected 2 paintings, received 1"), ([PAINTING, PAINTING[:20]], r"at least 56 pixels a side")],
)
def test_paintings_that_do_not_fit_are_refused(paintings, message):
    with pytest.raises(ValueError, match=message):
        StyleDistance(2, directions=4).adapt(paintings)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_structure_is_the_local_correlation_of_luma(channels):
    photo = RANDOM.uniform(-1, 1, (1, 20, 24, channels)).astype("float32")
    weights = np.array(LUMA if channels >= 3 else (1.0,), "float32")
    other = photo + RANDOM.uniform(-1, 1, photo.shape).astype("float32")
    first, second = (each[0, ..., : len(weights)] @ weights for each in (photo, other))
    line = np.exp(-((np.arange(7) - 3) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def mean(values):
        return np.einsum("hwij,ij->hw", np.lib.stride_tricks.sliding_window_view(values, (7, 7)), window)

    covariance = mean(first * second) - mean(first) * mean(second)
    variances = [mean(each**2) - mean(each) ** 2 for each in (first, second)]
    small = MIN_VARIANCE
    expected = 1 - np.mean((covariance + small) / np.sqrt((variances[0] + small) * (variances[1] + small)))
    np.testing.assert_allclose(array(style.structure(other, photo, levels=1)), [expected], rtol=1e-4)
    np.testing.assert_allclose(array(style.structure(3 * photo + 0.2, photo)), [0], atol=0.01)


@pytest.mark.jax
@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_gets_the_colours_of_the_painting(channels):
    tint = np.array([0.3, 0.9, 0.5])[:channels]
    painting, photo = (PAINTING[..., :channels] * tint).astype("uint8"), floats(PHOTOGRAPH[..., :channels])
    transfer = ColorTransfer(1, channels)
    transfer.adapt([painting])
    made = array(transfer(photo, style.thumbnails(photo), np.ones((1, 1), "float32"))).reshape(-1, channels)
    wanted = floats(painting).reshape(-1, channels)
    axes = distances.AXES.T if channels == 3 else np.ones((1, 1))
    before = floats(PHOTOGRAPH[..., :channels]).reshape(-1, channels)
    for own, other, old in zip((made @ axes).T, (wanted @ axes).T, (before @ axes).T, strict=True):
        assert scipy.stats.wasserstein_distance(own, other) < 0.03 < scipy.stats.wasserstein_distance(old, other)


def test_colours_are_moved_by_the_linear_map_of_the_paper(monkeypatch):
    """By eigenvectors; without quantiles, which would only say that they are the same."""
    monkeypatch.setattr(colors, "_interpolated", lambda values, known, targets: values)
    transfer = ColorTransfer(1)
    transfer.adapt([PAINTING])
    photo = floats(np.resize(PHOTOGRAPH, (64, 64, 3)))

    def root(matrix, power):
        values, vectors = np.linalg.eigh(matrix)
        return vectors * values**power @ vectors.T

    ridge = colors.MIN_COLOR_VARIANCE * np.eye(3)
    own, other = (np.cov(each.reshape(-1, 3).T, bias=True) + ridge for each in (photo, floats(PAINTING)))
    change = root(own, -0.5) @ root(root(own, 0.5) @ other @ root(own, 0.5), 0.5) @ root(own, -0.5)
    expected = (photo - photo.mean(axis=(1, 2))) @ change + floats(PAINTING).mean(axis=(1, 2))
    made = transfer(photo, style.thumbnails(photo), np.ones((1, 1), "float32"))
    np.testing.assert_allclose(array(made), expected, atol=1e-3)


def test_a_part_of_a_picture_gets_the_colours_of_the_whole():
    transfer = ColorTransfer(2)
    transfer.adapt([PAINTING, PAINTING // 3])
    photo, rows = floats(PHOTOGRAPH), np.array([[0.0, 1.0]], "float32")
    shown = style.thumbnails(photo)
    whole, part = (array(transfer(each, shown, rows)) for each in (photo, photo[:, 5:9, 3:30]))
    np.testing.assert_allclose(part, whole[:, 5:9, 3:30], atol=1e-6)
    flat = np.full((1, 8, 8, 3), 0.25, "float32")  # one colour has no quantiles
    assert np.isfinite(array(transfer(flat, style.thumbnails(flat), rows))).all()
