"""Whether images close is measured, at any roll; a copy that was rolled is found."""

import numpy as np
import pytest

import keras_gen
from keras_gen import evaluation, networks
from keras_gen.data import ImageData, Split, doctor, nearest_rolled
from keras_gen.data.seams import seam_step
from keras_gen.evaluation import copies, seams
from keras_gen.features import FeatureNet
from keras_gen.layers import WRAPS
from keras_gen.models.gan import GAN
from tests.conftest import untrained_net

HEIGHT, WIDTH = 16, 32


def waves(num, wrap="both", seed=0, size=(HEIGHT, WIDTH)):
    """Smooth random images that are periodic along some axes: along the others, halves of images twice as large."""
    random = np.random.default_rng(seed)
    height, width = (extent if axis in WRAPS[wrap] else 2 * extent for axis, extent in enumerate(size, start=1))
    spectrum = np.fft.rfft2(random.normal(size=(num, height, width, 3)), axes=(1, 2))
    far = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    pixels = np.fft.irfft2(spectrum * np.exp(-((10 * far) ** 2))[..., None], (height, width), axes=(1, 2))
    pixels = pixels[:, : size[0], : size[1]] / pixels.std()
    return np.clip(128 + 50 * pixels, 0, 255).astype("uint8")


@pytest.mark.parametrize("wrap", ["width", "both"])
def test_images_that_close_have_no_seam_wherever_it_is_and_crops_have_one(wrap):
    images, crops = waves(60), waves(60, "none")
    for shift in (0, 5, 16):
        found = seams.seam_scores(np.roll(images, (shift, shift), (1, 2)), wrap)
        assert found["seam_step"] == pytest.approx(1, abs=0.1)
        assert found["seam_auc"] == pytest.approx(0.5, abs=0.08)
    found = seams.seam_scores(crops, wrap)
    assert found["seam_step"] > 3
    assert found["seam_auc"] > 0.95


def test_the_traces_of_strides_are_no_seam():
    images = waves(60, "width")
    images[:, :, ::4] //= 2
    assert seams.seam_auc(images, (2,)) == pytest.approx(0.5, abs=0.1)
    images[:, :, 0] //= 2  # this is one
    assert seams.seam_auc(images, (2,)) > 0.9


def test_the_step_by_hand():
    image = np.zeros((5, 2, 4, 1), "uint8")
    image[:, :, 1:] = [[10], [20], [30]]
    assert seam_step(image, (2,)) == pytest.approx(30 / 10)
    image[:, 1] += 6
    assert seam_step(image, (1, 2)) == pytest.approx((6 + 30) / (6 + 10)), "pooled over both axes"


def test_a_flat_set_has_no_seam_rather_than_an_error():
    found = seams.seam_scores(np.full((5, 8, 12, 3), 7, "uint8"), "both")
    assert (found["seam_step"], found["seam_auc"]) == (0.0, 0.5)


def test_poles_vary_less_than_the_equator():
    images = np.zeros((3, 4, 8, 1), "uint8")
    images[:, :, ::2] = np.array([10, 40, 40, 20])[:, None, None]
    assert seams.pole_spread(images) == pytest.approx((0.25, 0.5))
    assert set(seams.seam_scores(waves(5), "width")) - {"seam_step", "seam_auc"} == {"top_spread", "bottom_spread"}
    assert seams.seam_scores(waves(5), "none") == {}


@pytest.mark.parametrize("axes", [(2,), (1, 2)])
def test_the_nearest_in_any_roll_is_that_of_trying_all(axes):
    random = np.random.default_rng(0)
    queries, references = (random.integers(0, 256, (num, 6, 8, 3), dtype="uint8") for num in (9, 14))
    own = np.arange(9)
    references[:9] = queries  # each finds another one
    expected = np.full((9, 14), np.inf)
    for down in range(6 if 1 in axes else 1):
        for right in range(8):
            differences = queries[:, None].astype(float) - np.roll(references, (down, right), (1, 2))
            expected = np.minimum(expected, np.sqrt((differences**2).mean((2, 3, 4))))
    expected[own, own] = np.inf
    distances, indices = nearest_rolled(queries, references, axes, own)
    np.testing.assert_allclose(distances, expected.min(1), rtol=1e-4)
    np.testing.assert_array_equal(indices, expected.argmin(1))


def test_a_rolled_copy_is_a_copy_where_images_wrap():
    train, test = waves(40, seed=1), waves(40, seed=2)
    turned = np.roll(train, WIDTH // 3, axis=2)
    assert not copies.copy_check(train, test, turned).copied
    assert copies.copy_check(train, test, turned, wrap="width").copies == 1.0
    assert not copies.copy_check(train, test, waves(40, seed=3), wrap="width").copied


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_model_knows_how_its_images_close(wrap):
    shape = (16, 32, 3)
    gan = GAN(
        networks.generator("conv", shape, 4, width=4, wrap=wrap),
        networks.discriminator("conv", shape, width=4, wrap=wrap),
    )
    assert gan.wrap == wrap


def test_the_card_of_panoramas_has_their_seams_beside_those_of_real_ones(monkeypatch):
    monkeypatch.setattr(FeatureNet, "of", lambda *_: untrained_net((HEIGHT, WIDTH, 3)))
    data = ImageData("waves", Split(waves(120, seed=4)), Split(waves(30, seed=5)))
    made = waves(30, "none", seed=6)
    about = {"class": "crops", "data": "waves"}
    card, _ = evaluation.score_images(lambda num, seed: (made[:num], {}), data, about, num_draws=1, wrap="width")
    step = card.scores["seam_step"]
    assert step.value == pytest.approx(seam_step(made, (2,)))
    assert step.floor == pytest.approx(1, abs=0.1)
    assert {"seam_auc", "top_spread", "bottom_spread"} <= set(card.scores)


def noise(num):
    return np.random.default_rng(0).integers(0, 256, (num, HEIGHT, WIDTH, 3), dtype="uint8")


def framed(num):
    """Waves behind black edges, as of things in front of black."""
    images = waves(num)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0
    return images


def before_a_wall(num):
    """Small waves, each before a wall of another colour."""
    images = np.repeat(np.repeat(noise(num)[:, :1, :1], HEIGHT, 1), WIDTH, 2)
    images[:, 4:12, 8:24] = waves(num)[:, 4:12, 8:24]
    return images


FOUND = {
    "tiles": (waves(60), "tiles, whose opposite edges meet: --wrap both makes tiles without a seam"),
    "panoramas": (waves(60, "width"), "panoramas, whose left and right edges meet: --wrap width"),
    "rings": (waves(60, "width", size=(24, 24)), "images whose left and right edges meet: --wrap width"),
    "crops": (waves(60, "none"), None),
    "noise": (noise(60), None),
    "framed": (framed(60), None),
    "before a wall": (before_a_wall(60), None),
    "digits": (keras_gen.load("digits").train.images[:60], None),
    "three pixels": (waves(60)[:, :3, :3], None),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_doctor_sees_which_edges_meet(case):
    images, expected = FOUND[case]
    found = [each for each in doctor.examine(ImageData("x", Split(images), Split(images))) if "--wrap" in each.text]
    assert [each.text[: len(expected)] for each in found] == [expected] if expected else not found
    assert not any(each.serious for each in found)
