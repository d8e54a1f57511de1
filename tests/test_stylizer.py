"""The model that repaints: what it keeps, what it can be asked for, and the same in tiles and on a server."""

import functools

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen import Stylizer, evaluation, export, networks
from keras_gen.data import ImageData, Split
from keras_gen.export import runtimes
from keras_gen.inputs import Styling
from keras_gen.models import saving
from keras_gen.models.painting import fitted, paint
from keras_gen.networks.modulated import MULTIPLE, PERIOD, REACH
from keras_gen.repair import Picture, repainting, tiles
from keras_gen.repair.tiles import luma_of
from keras_gen.runs.stylizer import painting_of
from keras_gen.style import ColorTransfer, StyleDistance, thumbnails
from tests.contracts import array

RANDOM = np.random.default_rng(0)
PHOTOGRAPHS = RANDOM.integers(0, 256, (3, 16, 24, 4)).astype("uint8")
PAINTINGS = [RANDOM.integers(low, 256, (56, 60, 4)).astype("uint8") for low in (0, 160)]


@functools.cache
def stylizer(channels=3, styles=("dots", "pale"), width=4):
    """An untrained one, whose network already paints something."""
    keras.utils.set_random_seed(0)
    network = networks.stylizer("modulated", channels, len(styles), width=width)
    distance = StyleDistance(len(styles), channels, directions=8)
    model = Stylizer(network, distance, styles, (16, 24, channels), seed=1)
    model.adapt([painting[..., :channels] for painting in PAINTINGS[: len(styles)]])
    return model


def fill(pixels, **options):
    """`pixels` as the stylizer repaints them, all at once."""
    return stylizer(pixels.shape[-1]).stylize(pixels[None], **options)[0]


@pytest.mark.parametrize(("channels", "size"), [(1, (16, 24)), (3, (4, 31)), (4, (33, 5))], ids=str)
def test_any_size_stays_and_strength_0_is_the_picture(channels, size):
    picture = RANDOM.integers(0, 256, (*size, channels)).astype("uint8")
    np.testing.assert_array_equal(fill(picture, strength=0), picture)
    made = {strength: fill(picture, strength=strength).astype(int) for strength in (0.5, 1)}
    assert made[1].shape == picture.shape
    colors = slice(0, 3 if channels == 4 else channels)
    change = [np.abs(each - picture)[..., colors].mean() for each in made.values()]
    assert 3 < change[0] < change[1]
    if channels == 4:
        np.testing.assert_array_equal(made[1][..., 3], picture[..., 3])


def test_styles_differ_and_are_known_by_name():
    pictures = PHOTOGRAPHS[..., :3]
    made = {style: stylizer().stylize(pictures, style) for style in ("dots", "pale")}
    np.testing.assert_array_equal(stylizer().stylize(pictures), made["dots"])  # the first by default
    assert made["pale"].mean() > made["dots"].mean() + 30
    for asked, message in (
        ({"style": "wave"}, "unknown style 'wave': expected one of dots, pale"),
        ({"strength": 1.5}, r"expected a strength from 0 to 1, received 1\.5"),
    ):
        with pytest.raises(ValueError, match=message):
            stylizer().stylize(pictures, **asked)
    with pytest.raises(ValueError, match=r"expected pictures as uint8 \(n, height, width, 3\), received uint8"):
        stylizer().stylize(PHOTOGRAPHS)


def test_training_brings_pictures_nearer_to_the_style():
    model = stylizer(styles=("dots",), width=8)
    photographs = np.repeat(np.linspace(40, 200, 24).astype("uint8")[None, None, :, None], 16, axis=1)
    photographs = np.repeat(np.repeat(photographs, 3, axis=-1), 4, axis=0)

    def distance():
        made = model.stylize(photographs, batch_size=4).astype("float32") / 127.5 - 1
        return float(array(model.distance(made, np.zeros(4, "int32"))).mean())

    before, weights = distance(), [array(each.value) for each in model.trainable_variables]
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")  # which compiles longer than a few steps take
    history = model.fit(photographs, batch_size=4, epochs=10, verbose=0).history
    assert set(history) == {"loss", "style", "content"}
    np.testing.assert_allclose(
        history["loss"], np.add(history["style"], model.content_weight * np.array(history["content"])), rtol=1e-5
    )
    assert distance() < before - 0.03
    for weight, old in zip(model.trainable_variables, weights, strict=True):
        assert not np.array_equal(array(weight.value), old), weight.path
    assert float(array(model.optimizer.learning_rate.value)) == pytest.approx(1e-5)  # its end, by epochs


def test_a_step_draws_styles_and_strengths():
    seed = keras.random.SeedGenerator(0)
    rows = array(Styling(["a", "b", "c"]).tensor({"images": np.zeros((600, 2, 2, 1), "uint8")}, seed))
    assert rows.shape == (600, 4)
    np.testing.assert_allclose(rows[:, :3].mean(axis=0), 1 / 3, atol=0.06)
    np.testing.assert_array_equal(rows[:, :3].sum(axis=1), 1)
    assert rows[:, 3].mean() == pytest.approx(2 / 3, abs=0.03)  # the mean of a square root


def test_a_missing_request_is_the_first_style_in_full():
    styling = Styling(["a", "b"])
    rows = styling.from_request((np.array([-1, 1]), np.array([np.nan, 7.0], "float32")))
    np.testing.assert_array_equal(array(rows), [[1, 0, 1], [0, 1, 1]])
    assert styling.rows(2, seed=0, where={"style": "b"}).tolist() == [[0, 1, 1]] * 2
    with pytest.raises(ValueError, match="expected different names of styles"):
        Styling(["a", "a"])


class Tiled:
    """A stylizer as `Repaints`, which counts what it gets."""

    channels, reach, strength = 3, REACH, 1.0

    def __init__(self):
        self.sizes = []

    def paint(self, pixels, whole, on_fraction):
        self.sizes.append(pixels.shape[:2])
        return stylizer().paint(pixels, whole=whole)


def test_tiles_are_the_same_as_the_whole(monkeypatch):
    picture = RANDOM.integers(0, 256, (150, 410, 3)).astype("uint8")
    whole = fill(picture)
    monkeypatch.setattr(tiles, "TILE", PERIOD)
    repaints, fractions = Tiled(), []
    made = repainting.repaint_picture(repaints, Picture(picture), on_fraction=fractions.append)
    assert np.abs(made.colors.astype(int) - whole).max() <= 1
    assert (made.colors == whole).mean() > 0.999
    assert len(repaints.sizes) == 8
    assert max(repaints.sizes) == (150, 320)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colours_that_are_hidden_do_not_count(channels):
    alpha = np.full((16, 24), 255, "uint8")
    alpha[:, 12:] = 0
    shown = Picture(PHOTOGRAPHS[0, ..., :3], alpha)
    white, noise = (Picture(np.where(alpha[..., None] > 0, shown.colors, other), alpha) for other in (255, 7))
    first, second = (repainting.on_white(each, channels) for each in (white, noise))
    np.testing.assert_array_equal(first, second)
    for one, other in zip(*(repainting.wholes_of([each], channels) for each in (white, noise)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_painting_is_read_as_photographs_are(tmp_path):
    pixels = np.zeros((2, 3, 4), "uint8")
    pixels[0, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "painting.png")
    for channels, below in ((1, [255]), (3, [255] * 3), (4, [0] * 4)):
        assert painting_of(tmp_path / "painting.png", channels)[1, 2].tolist() == below


def test_at_strength_0_no_byte_changes():
    class Unasked(Tiled):
        strength = 0.0

    picture = Picture(PHOTOGRAPHS[0, ..., :3], alpha=PHOTOGRAPHS[0, ..., 3])
    repaints = Unasked()
    assert repainting.repaint_picture(repaints, picture, keep_colors=True) is picture
    assert not repaints.sizes


def test_kept_colours_have_the_luma_that_was_painted():
    painted, colors = RANDOM.integers(0, 256, (2, 300, 7, 3)).astype("uint8")
    made = repainting.with_colors(painted, colors)
    np.testing.assert_array_equal(luma_of(made), luma_of(painted))
    assert np.abs(repainting.with_colors(colors, colors).astype(int) - colors).mean() < 0.5  # luma is rounded


def test_a_pixel_depends_on_no_more_than_the_reach():
    picture = RANDOM.integers(0, 256, (1, 160, 160, 3)).astype("uint8")
    changed = picture.copy()
    changed[0, 80, 81] = 255 - changed[0, 80, 81]
    whole = repainting.wholes_of([Picture(picture[0])], 3)[0]
    first, second = (stylizer().paint(each[0], whole=whole) for each in (picture, changed))
    rows, columns = np.nonzero((first != second).any(axis=-1))
    assert max(80 - rows.min(), rows.max() - 80, 81 - columns.min(), columns.max() - 81) < REACH
    assert REACH % MULTIPLE == PERIOD % MULTIPLE == 0


@pytest.mark.parametrize("wrap", ["width", "both"])
def test_a_network_that_wraps_has_no_seam(wrap):
    keras.utils.set_random_seed(0)
    network = networks.stylizer("modulated", 3, 1, width=4, wrap=wrap)
    size = (PERIOD if wrap == "both" else 12, 2 * PERIOD)
    picture = RANDOM.uniform(-1, 1, (1, *size, 3)).astype("float32")
    styling, whole = np.ones((1, 2), "float32"), array(thumbnails(picture))
    made, rolled = (array(network([each, styling, whole])) for each in (picture, np.roll(picture, PERIOD, axis=2)))
    np.testing.assert_allclose(np.roll(made, PERIOD, axis=2), rolled, atol=1e-4)


def test_it_is_saved_with_its_styles(tmp_path):
    saving.save(stylizer(), tmp_path)
    loaded = saving.load(tmp_path)
    assert loaded.styles == ["dots", "pale"]
    pictures = PHOTOGRAPHS[..., :3]
    np.testing.assert_array_equal(loaded.stylize(pictures, "pale", 0.6), stylizer().stylize(pictures, "pale", 0.6))
    np.testing.assert_array_equal(array(loaded.distance.tables), array(stylizer().distance.tables))


def test_it_goes_on_after_loading_as_if_nothing_had_been(tmp_path):
    model, photographs = stylizer.__wrapped__(), PHOTOGRAPHS[..., :3]
    eagerly = keras.backend.backend() == "tensorflow"  # which compiles longer than a few steps take
    model.compile(run_eagerly=eagerly)
    model.train_on_batch(photographs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = eagerly
    before = array(model.trainable_variables[0].value)
    for each in (model, loaded):
        each.train_on_batch(photographs)
    assert not np.array_equal(array(model.trainable_variables[0].value), before)
    for weight, other in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(array(weight.value), array(other.value), weight.path)


@pytest.mark.slow  # two converters and their runtimes
def test_it_goes_into_other_formats(tmp_path):
    version = export.publish(stylizer(), tmp_path, "paint", formats=["onnx", "litert"])  # which verifies both
    pictures = RANDOM.integers(0, 256, (3, 21, 34, 3)).astype("uint8")
    request = {
        "pictures": pictures,
        "strength": np.array([0.0, 0.4, 1.0], "float32"),
        "style_number": np.array([0, 1, 1]),
    }
    expected = [
        stylizer().stylize(picture[None], style, strength)[0]
        for picture, style, strength in zip(pictures, ("dots", "pale", "pale"), (0.0, 0.4, 1.0), strict=True)
    ]
    for name, file in {"onnx": "1.onnx", "litert": "1.tflite"}.items():
        (made,) = runtimes.RUNTIMES[name](str(version.parent / file))("serving_default", request).values()
        assert np.abs(made.astype(int) - np.stack(expected)).max() <= 1, name


def test_the_card_shows_what_is_kept_and_what_is_taken():
    photographs = RANDOM.integers(0, 256, (24, 16, 24, 3)).astype("uint8")
    data = ImageData("noise", Split(photographs), Split(photographs[::-1]))
    card, pictures = evaluation.score(stylizer(), data)
    values = {name: score.value for name, score in card.scores.items()}
    kept, taken = (
        [values[f"{strength}/{name}"] for strength in ("0.25", "0.50", "0.75", "1.00")]
        for name in ("luma_ssim", "style_distance")
    )
    assert kept == sorted(kept, reverse=True)
    assert 0 < kept[-1] < kept[0] < 1
    assert taken[0] < 1
    photograph, colors = card.baselines["photograph"], card.baselines["colours alone"]
    assert (photograph["1.00/luma_ssim"].value, photograph["1.00/style_distance"].value) == (1, 1)
    assert colors["1.00/style_distance"].value < 1
    assert card.scores["1.00/style_distance"].floor > 0
    assert len(pictures) == 1
    with pytest.raises(ValueError, match="style is scored in its own way"):
        evaluation.score(stylizer(), data, truncation=1.0)


def test_a_picture_is_painted_without_a_model():
    photograph = np.repeat(np.linspace(100, 156, 20).astype("uint8")[None, :, None], 16, axis=0)
    painting = np.tile(np.array([0, 0, 255, 255], "uint8"), (60, 15))[..., None]  # stripes
    fractions = []
    made = paint(photograph, painting, 30, on_fraction=fractions.append)
    assert (made.dtype, made.shape) == (np.uint8, photograph.shape)
    assert made.std() > 2 * photograph.std()
    assert np.corrcoef(made[..., 0].ravel(), photograph[..., 0].ravel())[0, 1] > 0.3
    assert fractions[-1] == 1
    np.testing.assert_array_equal(paint(photograph, painting, strength=0.0), photograph)


def test_a_photograph_may_be_long_and_thin_but_not_tiny():
    photograph = RANDOM.integers(0, 256, (20, 1600, 1)).astype("uint8")
    assert paint(photograph, PAINTINGS[0][..., :1], 1).shape == photograph.shape
    with pytest.raises(ValueError, match=r"expected a photograph of at least 7 pixels a side, received \(6, 1600, 1\)"):
        paint(photograph[:6], PAINTINGS[0][..., :1], 1)


def test_a_painting_gets_its_shorter_side():
    assert fitted(PAINTINGS[0], 28).shape == (28, 30, 4)
    assert fitted(PAINTINGS[0], 56) is PAINTINGS[0]


def test_what_does_not_fit_is_refused():
    network, distance = networks.stylizer("modulated", 3, 2, width=4), StyleDistance(2, directions=4)
    for arguments, message in (
        ((network, distance, ["a"], (8, 8, 3)), "expected a network and a distance for 1 styles"),
        ((network, distance, ["a", "b"], (8, 8, 1)), "expected images of 3 channels, as the network has, received"),
    ):
        with pytest.raises(ValueError, match=message):
            Stylizer(*arguments)
    with pytest.raises(ValueError, match="expected a content_weight of 0 or more"):
        Stylizer(network, distance, ["a", "b"], (8, 8, 3), content_weight=-1)
    with pytest.raises(ValueError, match="expected picture to be given"):
        stylizer().picture()
    assert any(isinstance(layer, ColorTransfer) for layer in network.layers)
