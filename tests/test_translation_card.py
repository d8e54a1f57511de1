"""The score card of translation: numbers of translators whose quality is known."""

import keras
import numpy as np
import pytest

from keras_gen import evaluation
from keras_gen.data import SOURCE, ImageData, Split
from keras_gen.evaluation import ScoreCard, score_translation
from keras_gen.evaluation.translation import content, luma, pair_errors
from keras_gen.features import FeatureNet
from keras_gen.inputs import Categorical, Conditions

ABOUT = {"class": "test", "data": "blocks"}
SHAPE = (12, 16, 3)


def pictures(num, seed):
    """A bright block at a random place, darker or brighter."""
    random, images = np.random.default_rng(seed), np.full((num, *SHAPE), 20, "uint8")
    for image in images:
        top, left = random.integers(0, 6, 2)
        image[top : top + 5, left : left + 6] = random.integers(100, 250)
    return images


def negative(images):
    return 255 - images


def labels_of(images):
    return (images.max(axis=(1, 2, 3)) > 175).astype(np.int64)


def pairs():
    def split(num, seed):
        before = pictures(num, seed)
        return Split(negative(before), labels_of(before), pictures={SOURCE: before})

    return ImageData("blocks", split(200, 0), split(60, 1), ["dim", "bright"])


def kinds():
    def split(num, seed):
        after, before = pictures(num, seed), pictures(num + 10, seed + 10)
        return Split(negative(after), labels_of(after), unpaired={SOURCE: before})

    return ImageData("blocks", split(200, 0), split(60, 1), ["dim", "bright"])


@pytest.fixture(autouse=True)
def net(monkeypatch):
    """A feature net that needs no training: means of places; bright blocks by the contrast, in negatives too."""
    images = keras.Input(SHAPE, dtype="uint8")
    values = keras.layers.Rescaling(1.0)(images)
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(values))
    contrast = keras.ops.max(values, axis=(1, 2, 3)) - keras.ops.min(values, axis=(1, 2, 3))
    rows = keras.ops.sigmoid(keras.ops.stack([155 - contrast, contrast - 155], axis=1))
    net = FeatureNet(keras.Model(images, [features, rows]), Conditions([Categorical("label", ["dim", "bright"])]))
    monkeypatch.setattr(FeatureNet, "of", lambda *arguments: net)


def test_a_perfect_translator_of_pairs(tmp_path):
    data = pairs()
    card, shown = score_translation(lambda given, seed: negative(given), data, dict(ABOUT), varies=True)
    exact = {"l1": 0, "mean_l1": 0, "ssim": 1, "reads_again": 1}
    assert {name: card.scores[name].value for name in exact} == pytest.approx(exact)
    assert card.scores["frechet"].value == pytest.approx(0, abs=1e-3)
    assert card.scores["frechet"].floor > 1
    unchanged, nearest = card.baselines["unchanged"], card.baselines["nearest training pair"]
    held_out = data.test.pictures[SOURCE].astype(int)
    assert unchanged["l1"].value == pytest.approx(np.abs(255 - 2 * held_out).mean(), abs=1)  # of 50 of the 60
    assert 0 < nearest["l1"].value < unchanged["l1"].value / 4
    assert nearest["reads_again"].value > 0.8
    assert not card.copies["copied"]
    assert (card.protocol["task"], card.protocol["paired"], card.protocol["images"]) == ("translate", True, 50)
    page = evaluation.write(card, shown, tmp_path).read_text()
    for words in ("unchanged", "nearest training pair", "real training images", "from what it should be, bytes"):
        assert words in page
    assert ScoreCard.load(tmp_path / "scorecard.json") == card
    assert any("what they should be" in caption for caption in shown)


def test_the_mean_of_translations_that_vary():
    data = pairs()

    def vary(given, seed):  # 16 brighter and 16 darker in turn: on average right
        return (negative(given).clip(16, 239).astype(int) + 16 * (-1) ** seed).astype("uint8")

    card, _ = score_translation(vary, data, dict(ABOUT), varies=True, num_nets=1)
    exact = np.abs(negative(data.test.pictures[SOURCE]).clip(16, 239).astype(int) - data.test.images).mean()
    assert card.scores["l1"].value == pytest.approx(16, abs=1.5)
    assert card.scores["mean_l1"].value == pytest.approx(exact, abs=0.3)
    card, _ = score_translation(vary, data, dict(ABOUT), num_nets=1)
    assert "mean_l1" not in card.scores


def test_without_pairs_nearness_and_content_are_two_things():
    data = kinds()

    def scored(translate):
        card, _ = score_translation(translate, data, dict(ABOUT), num_nets=1)
        assert set(card.baselines) == {"unchanged"}
        return {name: score.value for name, score in card.scores.items()}, card

    right, card = scored(lambda given, seed: negative(given))
    assert "l1" not in right
    assert card.copies == {}
    assert right["edges"] == pytest.approx(1)
    assert right["frechet"] < 2 * card.scores["frechet"].floor
    assert right["frechet"] < card.baselines["unchanged"]["frechet"].value / 10
    assert card.baselines["unchanged"]["luma_ssim"].value == pytest.approx(1)
    other, _ = scored(lambda given, seed: data.train.images[: len(given)])  # of the right kind, of other things
    assert other["frechet"] < 2 * card.scores["frechet"].floor
    assert other["edges"] < 0.5
    assert other["reads_again"] < 0.8 < right["reads_again"] == 1


def test_errors_of_pairs_by_hand():
    targets = np.zeros((2, 12, 12, 4), "uint8")
    targets[0, :6, :, 3] = 255  # 72 pixels
    images = targets.copy()
    images[0, 3:9, :, 3] = 200  # 72 of which 36 are in common; three rows more and three of 255 as 200
    images[0, :3, :, 3] = 127  # no longer opaque
    found = pair_errors(targets, images)
    assert found["alpha_iou"] == pytest.approx(36 / 108)
    assert found["l1"] == pytest.approx(36 * (128 + 55 + 200) / (2 * 144 * 4))
    assert pair_errors(targets[1:], images[1:])["alpha_iou"] == 0  # nothing at all


def test_content_by_hand():
    picture = np.full((1, 12, 12, 1), 100, "uint8")
    picture[:, :, 6:] = 150
    tinted = np.repeat(picture, 3, axis=-1) * np.array([1.0, 0.5, 0.2])
    assert content(picture, tinted.astype("uint8"))["edges"] == pytest.approx(1, abs=0.01)
    turned = picture.transpose(0, 2, 1, 3)
    # Two of twelve columns have a slope: 1/6 of the pixels, of which 1/36 are in both. (1/36 − 1/36) / … = 0
    assert content(picture, turned)["edges"] == pytest.approx(0, abs=1e-9)
    assert "edges" not in content(np.zeros_like(picture), picture)
    # A transparent pixel is white, half of a black one is grey: 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
    pixels = np.array([[[[9, 9, 9, 0], [0, 0, 0, 51], [200, 100, 50, 255]]]], "uint8")
    np.testing.assert_allclose(luma(pixels)[0, 0], [255, 204, 124.2])


@pytest.mark.parametrize("answer", [lambda given, seed: given[:, :5], lambda given, seed: given / 255])
def test_other_answers_are_refused(answer):
    with pytest.raises(ValueError, match=r"expected translations as uint8 \(50, 12, 16, 3\), received"):
        score_translation(answer, pairs(), dict(ABOUT))


def test_too_few_pictures_are_refused():
    data = kinds()
    few = ImageData("few", data.train, Split(data.test.images, unpaired={SOURCE: data.test.images[:5]}))
    with pytest.raises(ValueError, match=r"expected at least 20 test images of each kind .* received 50 and 5"):
        score_translation(lambda given, seed: given, few, dict(ABOUT))
