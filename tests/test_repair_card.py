"""The score card of repair and its baselines: numbers of repairers whose quality is known."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from keras_gen import evaluation, masks
from keras_gen.data import ImageData, Split
from keras_gen.data.nearest import nearest
from keras_gen.evaluation import ScoreCard, Task, copy_check, score_repair, separability
from keras_gen.evaluation import repair_baselines as baselines
from keras_gen.evaluation.repair import fixed_masks
from keras_gen.evaluation.repair_errors import image_errors, propose
from keras_gen.features import FeatureNet
from keras_gen.inputs import Categorical, Conditions
from keras_gen.masks import damaged
from tests.conftest import IMAGE_SHAPE

SHARES = {"10-20": (0.1, 0.2), "30-40": (0.3, 0.4), "50-60": (0.5, 0.6), "centre": (0.25, 0.25), "half": (0.5, 0.5)}
PARTS = list(SHARES)
NUM_TEST = 120  # half of which are repaired
ABOUT = {"class": "test", "data": "faces"}


def gaussian_images(num, seed):
    """Images of a Gaussian model with three factors, which do not reach 0 or 255; darker than the grey of holes."""
    loadings = np.random.default_rng(7).normal(0, 12, (3, math.prod(IMAGE_SHAPE)))
    random = np.random.default_rng(seed)
    rows = 100 + random.normal(size=(num, 3)) @ loadings + random.normal(0, 3, (num, loadings.shape[1]))
    return np.rint(rows.clip(1, 254)).astype(np.uint8).reshape(num, *IMAGE_SHAPE)


def split(num, seed):
    images = gaussian_images(num, seed)
    brightness = images.mean(axis=(1, 2, 3))
    known = {"tone": (brightness > 100).astype(np.int64), "left": (images[:, :, :6].mean((1, 2, 3)) > 100).astype(int)}
    return Split(images, attributes=known)


@pytest.fixture(scope="module")
def data():
    values = {"tone": ["dark", "light"], "left": ["dark", "light"]}
    return ImageData("faces", split(400, seed=0), split(NUM_TEST, seed=1), attribute_values=values)


@pytest.fixture(autouse=True)
def net(monkeypatch):
    """A feature net that needs no training: it compares the brightness, and that of the left half, with the mean."""
    conditions = Conditions([Categorical("tone", ["dark", "light"]), Categorical("left", ["dark", "light"])])
    pictures = keras.Input(IMAGE_SHAPE, dtype="uint8")
    hidden = keras.layers.Rescaling(1.0, offset=-100)(pictures)
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(hidden))
    whole, left = (keras.ops.mean(part, axis=(1, 2, 3)) for part in (hidden, hidden[:, :, :6]))
    rows = keras.ops.sigmoid(10 * keras.ops.stack([-whole, whole, -left, left], axis=1))
    net = FeatureNet(keras.Model(pictures, [features, rows]), conditions)
    monkeypatch.setattr(FeatureNet, "of", lambda *arguments: net)
    return net


def remembering(data):
    """A perfect repairer: it finds the test image by the known pixels."""

    def repair(pictures, holes, seed):
        return data.test.images[nearest(pictures, data.test.images, where=holes == 0)[1]]

    return repair


def test_a_perfect_repairer(data, tmp_path):
    card, pictures = score_repair(remembering(data), data, dict(ABOUT), num_nets=2)
    num = NUM_TEST // 2
    for part, holes in fixed_masks(IMAGE_SHAPE[:2], num).items():
        found = {name.removeprefix(f"{part}/"): score for name, score in card.scores.items() if part in name}
        assert "spread" not in found, "0 / 0"
        # No error at all is half a byte in a single value.
        num_values = 3 * np.count_nonzero(holes)
        limit = 10 * math.log10(255**2 / (0.25 / num_values))
        assert found["repair_psnr"].value == found["mean_psnr"].value == pytest.approx(limit)
        exact = {"repair_mae": 0, "mean_mae": 0, "variance": 0, "known_changed": 0}
        exact |= {"seam": 1, "reads_again": 1, "reads_again_all": 1}
        assert {name: found[name].value for name in exact} == exact
        for name in ("frechet", "coverage", "separability"):
            assert found[name].value == found[name].floor
        assert found["frechet"].floor > 1, "the originals are compared with other images"
        assert 0.35 < found["separability"].value < 0.65
        # The baselines are worse, and a predictor that knows the model is the best of them.
        psnr = {name: scores[f"{part}/repair_psnr"].value for name, scores in card.baselines.items()}
        assert max(psnr, key=psnr.get) == "linear"
        assert psnr["linear"] > 10 * math.log10(255**2 / 3**2) - 2  # the noise of the model, and what is lost besides
        assert card.baselines["linear"][f"{part}/seam"].value == pytest.approx(1, abs=0.05)
        assert card.baselines["mean image"][f"{part}/seam"].value < 0.9, "whose noise is averaged out"
    assert not card.copies["copied"]
    assert card.attributes["half/left"] == 1.0
    assert (card.protocol["images"], card.protocol["copies_in"]) == (num, "50-60")
    assert len(card.protocol["masks"]) == 64

    page = evaluation.write(card, pictures, tmp_path).read_text()
    for text in ("<h2>50-60</h2>", "nearest training image", "original images", "What the numbers say"):
        assert text in page
    assert page.count("peak signal-to-noise ratio of one proposal") == 1
    assert ScoreCard.load(tmp_path / "scorecard.json") == card
    header = evaluation.lines(card)[len(card.remarks)].split("  ")
    assert [cell.strip() for cell in header if cell][:3] == ["metric", "value", "original images"]
    header, *rows = evaluation.side_by_side({"one": card, "two": card})
    assert header == ["metric", "one", "two", "original images", *card.baselines, "better"]
    assert {row[0] for row in rows} == set(card.scores)
    other = dataclasses.replace(card, protocol={**card.protocol, "masks": "others"})
    with pytest.raises(ValueError, match=r"masks .* and others"):
        evaluation.side_by_side({"one": card, "two": other})


def test_the_model_sees_nothing_of_the_hole(data):
    seen = []

    def repair(pictures, holes, seed):
        seen.append((pictures[np.broadcast_to(holes != 0, pictures.shape)], seed))
        return pictures

    card, _ = score_repair(repair, data, dict(ABOUT), num_nets=1)
    assert all((values == 128).all() for values, _ in seen)
    assert [seed for _, seed in seen] == list(range(8)) * len(PARTS)
    # Grey holes: recognised by a linear classifier, and with steps at their border.
    assert card.scores["50-60/separability"].value < 0.05
    assert list(dict.fromkeys(name.split("/")[0] for name in card.scores)) == PARTS


def test_errors_in_the_hole_by_hand():
    originals = np.full((2, *IMAGE_SHAPE), 100, np.uint8)
    repaired, hole = originals.copy(), np.zeros((2, 8, 12, 1), np.uint8)
    hole[0, 2:4, 2:4] = 255  # 12 values, 51 too bright
    hole[1, :, :5] = 7  # any nonzero value is a hole; 120 values without an error
    repaired[0, 2:4, 2:4] += 51
    repaired[1, :, 6:] += 90  # is known, so no error in the hole
    found = image_errors(originals, repaired, hole)
    assert found["repair_mae"] == pytest.approx(51 * 12 / 132)
    assert found["repair_psnr"] == pytest.approx(10 * math.log10(255**2 / (51**2 * 12 / 132)))
    assert "seam" not in found, "the originals are constant"


def test_the_seam_counts_steps_across_the_border_alone():
    originals = np.arange(12, dtype=np.uint8)[:, None].repeat(3, 1) * np.ones((1, 8, 1, 1), np.uint8)  # 1 to the right
    hole = np.zeros((1, 8, 12, 1), np.uint8)
    hole[:, :, 6:] = 255
    assert image_errors(originals, originals, hole)["seam"] == 1
    higher = originals + np.where(hole, np.uint8(40), np.uint8(0))  # 41 across the border, 1 elsewhere
    assert image_errors(originals, higher, hole)["seam"] == 41


def test_draws_from_the_posterior_have_a_spread_of_two():
    mean = gaussian_images(200, seed=0)

    def draw(seed):
        noise = np.random.default_rng(seed).normal(0, 10, mean.shape)
        return np.rint(mean.astype(float) * 0.4 + 70 + noise).clip(0, 255).astype(np.uint8)

    originals = draw(1_000)
    found = propose(lambda given, hole, seed: draw(seed), mean, None, originals, num=8, num_shown=1).scores
    assert found["spread"] == pytest.approx(2, abs=0.03)
    assert found["variance"] == pytest.approx(100, rel=0.02)
    assert found["repair_psnr"] == pytest.approx(10 * math.log10(255**2 / 200), abs=0.1)
    assert found["mean_psnr"] == pytest.approx(10 * math.log10(255**2 / (100 * (1 + 1 / 8))), abs=0.1)
    two = propose(lambda given, hole, seed: draw(seed), mean, None, originals, num=2, num_shown=1).scores
    assert two["spread"] == pytest.approx(2, abs=0.05), "the target is the same for any number of proposals"


def test_one_answer_has_a_spread_of_one():
    originals = gaussian_images(9, seed=0)
    found = propose(lambda given, hole, seed: originals + np.uint8(1), originals, None, originals, 8, 1).scores
    assert (found["spread"], found["variance"]) == (1, 0)
    assert found["mean_psnr"] == found["repair_psnr"]


def test_each_known_byte_that_changes_is_counted():
    originals, hole = gaussian_images(3, seed=0), masks.draw((8, 12), 3)

    def repair(given, hole, seed):
        images = given.copy()
        known = np.argwhere(hole[1, :, :, 0] == 0)[0]
        images[1, known[0], known[1], 2] += seed == 3
        return images

    proposals = propose(repair, originals, hole, originals, num=8, num_shown=2)
    assert proposals.scores["known_changed"] == 1
    assert [images.shape for images in proposals.shown] == [(2, *IMAGE_SHAPE)] * 8


@pytest.mark.parametrize("answer", [lambda images: images / 255, lambda images: images[:, :, :5]])
def test_other_answers_are_refused(answer, data):
    with pytest.raises(ValueError, match=r"expected repaired images as uint8 \(60, 8, 12, 3\), received"):
        score_repair(lambda pictures, holes, seed: answer(pictures), data, dict(ABOUT), num_nets=1)


def test_few_test_images_are_refused(data):
    few = dataclasses.replace(data, test=data.test.take(range(39)))
    with pytest.raises(ValueError, match=r"expected at least 40 test images, .* received 39"):
        score_repair(remembering(data), few, dict(ABOUT))


def test_masks_are_fixed_and_in_their_ranges():
    first, second = fixed_masks((8, 12), 10), fixed_masks((8, 12), 10)
    assert list(first) == PARTS
    for part, holes in first.items():
        np.testing.assert_array_equal(holes, second[part])
        low, high = SHARES[part]
        shares = (holes != 0).mean(axis=(1, 2, 3))
        assert low <= shares.min() <= shares.max() <= high
    assert len(np.unique(first["half"], axis=0)) == 4


def test_a_hole_is_opaque_grey():
    images = np.zeros((1, 2, 1, 4), np.uint8)
    hole = np.array([0, 9], np.uint8).reshape(1, 2, 1, 1)
    assert damaged(images, hole).ravel().tolist() == [0, 0, 0, 0, 128, 128, 128, 255]


def test_the_linear_predictor_is_the_conditional_mean_of_a_gaussian():
    random = np.random.default_rng(0)
    mean, loadings, noise = random.uniform(100, 150, 36), random.normal(0, 20, (36, 4)), 5.0
    covariance = loadings @ loadings.T + noise * np.eye(36)
    rows = random.multivariate_normal(mean, covariance, size=4).clip(0, 255).astype(np.uint8)
    images = rows.reshape(4, 3, 4, 3)
    holes = masks.draw((3, 4), 3, shares=(0.2, 0.8))
    holes = np.concatenate([holes, holes[:1]])  # two images with the same hole
    predicted = baselines.LinearPredictor(mean, loadings, noise)(damaged(images, holes), holes).reshape(4, 36)
    for row, hole, answer in zip(rows, np.repeat(holes.reshape(4, 12) != 0, 3, axis=1), predicted, strict=True):
        gain = covariance[np.ix_(hole, ~hole)] @ np.linalg.inv(covariance[np.ix_(~hole, ~hole)])
        expected = mean[hole] + gain @ (row[~hole] - mean[~hole])
        np.testing.assert_allclose(answer[hole], expected.clip(0, 255), atol=0.51)  # rounded to bytes
        np.testing.assert_array_equal(answer[~hole], row[~hole])


def test_the_linear_predictor_learns_the_model():
    predictor = baselines.LinearPredictor.fit(gaussian_images(600, seed=0))
    images, holes = gaussian_images(50, seed=1), masks.draw((8, 12), 50)
    error = predictor(damaged(images, holes), holes).astype(float) - images
    where = np.broadcast_to(holes != 0, images.shape)
    # Three factors and noise with a deviation of 3: that of the hole remains.
    assert 2.9 < np.sqrt(np.mean(error[where] ** 2)) < 3.5
    with pytest.raises(ValueError, match="expected masks, received None"):
        predictor(images, None)


def test_constant_images_have_a_linear_predictor():
    images = np.full((12, *IMAGE_SHAPE), 9, np.uint8)
    holes = masks.draw((8, 12), 12)
    np.testing.assert_array_equal(baselines.LinearPredictor.fit(images)(damaged(images, holes), holes), images)


def test_nearest_by_the_pixels_that_count():
    random = np.random.default_rng(0)
    queries, references = (random.integers(0, 256, (num, 3, 4, 2), dtype=np.uint8) for num in (5, 9))
    where = random.integers(0, 2, (5, 3, 4, 1), dtype=np.uint8) * 255
    squares = ((queries[:, None].astype(float) - references) ** 2 * (where != 0)[:, None]).sum(axis=(2, 3, 4))
    distances, indices = nearest(queries, references, where=where)
    np.testing.assert_array_equal(indices, squares.argmin(axis=1))
    counts = 2 * (where != 0).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(distances, np.sqrt(squares.min(axis=1) / counts), rtol=1e-4)
    assert distances.dtype == np.float32


def test_the_nearest_training_image_fills_the_hole():
    train = gaussian_images(40, seed=0)
    pictures, hole = train[[7, 3]].copy(), np.zeros((2, 8, 12, 1), np.uint8)
    hole[:, 2:6, 3:9] = 255
    pictures = damaged(pictures, hole)
    repaired = baselines.nearest_image(train)(pictures, hole)
    np.testing.assert_array_equal(repaired, train[[7, 3]])


def test_holes_filled_from_training_images_are_copies(data):
    holes = fixed_masks(IMAGE_SHAPE[:2], NUM_TEST)["50-60"]
    places = np.random.default_rng(0).permutation(NUM_TEST)
    originals = data.test.images[places]
    pasted = baselines.nearest_image(data.train.images)(damaged(originals, holes), holes)
    found = copy_check(data.train.images, data.test.images, pasted, originals=places, where=holes)
    assert found.copied
    assert found.fake_distance == 0
    truth = copy_check(data.train.images, data.test.images, originals, originals=places, where=holes)
    assert truth.suspicious == pytest.approx(0.05)
    assert not truth.copied


def test_separability_of_the_same_and_of_grey_holes():
    images = gaussian_images(600, seed=0).reshape(600, -1)[:, ::24].astype(float)
    assert separability(images[:300], images[300:]) == pytest.approx(0.5, abs=0.07)
    greyed = images.copy()
    greyed[:, :6] = 128
    assert separability(images[:300], greyed[300:]) < 0.05
    assert separability(images[:300], images[:300]) > 0.55, "why the two sides must not be made from the same images"


def test_the_mean_image_and_the_smooth_one():
    train = np.array([10, 20], np.uint8)[:, None, None, None] * np.ones((1, *IMAGE_SHAPE), np.uint8)
    hole = np.zeros((1, 8, 12, 1), np.uint8)
    hole[0, 3:5, 4:7] = 255
    pictures = damaged(np.full((1, *IMAGE_SHAPE), 200, np.uint8), hole)
    filled = baselines.mean_image(train)(pictures, hole)
    assert (filled[0, 3, 4, 0], filled[0, 0, 0, 0]) == (15, 200)
    ramp = np.broadcast_to((10 * np.arange(12, dtype=np.uint8))[:, None], (1, *IMAGE_SHAPE))
    np.testing.assert_array_equal(baselines.biharmonic(train)(damaged(ramp, hole), hole), ramp)  # harmonic already


def test_enlarging_and_colouring_by_hand():
    train = np.zeros((4, *IMAGE_SHAPE), np.uint8) + np.array([120, 90, 60], np.uint8)
    pictures = np.full((2, 4, 6, 3), 77, np.uint8)
    np.testing.assert_array_equal(baselines.bicubic(train)(pictures, None), np.full((2, *IMAGE_SHAPE), 77))
    grey = np.full((2, 8, 12, 1), 100, np.uint8)
    assert baselines.mean_colour(train)(grey, None)[0, 0, 0].tolist() == [
        124,
        94,
        64,
    ]  # 24.45 more, 5.55 and 35.55 less: the luma is 95.55
    see_through = np.concatenate([train, np.full((4, 8, 12, 1), 50, np.uint8)], axis=-1)
    assert baselines.mean_colour(see_through)(grey, None)[1, 2, 3].tolist() == [124, 94, 64, 50]
    given = np.concatenate([np.repeat(grey, 3, axis=-1), np.full((2, 8, 12, 1), 9, np.uint8)], axis=-1)
    assert baselines.mean_colour(see_through)(given, None)[1, 2, 3].tolist() == [124, 94, 64, 9]


@pytest.mark.parametrize("limit", [1_024, 16])
def test_ridge_inverts_what_is_linear(limit, monkeypatch):
    monkeypatch.setattr(baselines, "MAX_RIDGE_VALUES", limit)  # 288 values: as they are, and compressed
    train, test = gaussian_images(500, seed=0), gaussian_images(20, seed=1)

    def negative(images, seed):
        return 255 - images

    with pytest.raises(ValueError, match="expected what degrades the images"):
        baselines.ridge(train)
    error = baselines.ridge(train, negative)(negative(test, 0), None).astype(float) - test
    assert np.sqrt(np.mean(error**2)) < 3.2, "no worse than the noise"


def test_a_task_without_holes(data):
    def smaller(images, seed):
        return images[:, ::2, ::2]

    def repair(pictures, holes, seed):
        assert holes is None
        return pictures.repeat(2, axis=1).repeat(2, axis=2)

    card, pictures = score_repair(repair, data, dict(ABOUT), num=30, task=Task.of("upscale", smaller), num_nets=1)
    assert {name.split("/")[0] for name in card.scores} == {"upscale"}
    assert not {"upscale/seam", "upscale/known_changed"} & set(card.scores)
    assert list(card.baselines) == ["bicubic", "linear"]
    assert card.scores["upscale/spread"].value == 1
    psnr = {name: scores["upscale/repair_psnr"].value for name, scores in card.baselines.items()}
    assert psnr["linear"] > psnr["bicubic"] > card.scores["upscale/repair_psnr"].value
    assert "upscale, from top to bottom: the original, what was given, proposal 1" in next(iter(pictures))


def test_tasks_say_what_they_need():
    with pytest.raises(ValueError, match="unknown task 'draw': expected one of inpaint, upscale"):
        Task.of("draw")
    with pytest.raises(ValueError, match="expected a corruption for the task restore"):
        Task.of("restore")
    with pytest.raises(ValueError, match="expected no corruption for the task inpaint"):
        Task.of("inpaint", lambda images, seed: images)
