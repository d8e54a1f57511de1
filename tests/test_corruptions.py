"""Corruptions: by hand, by Pillow and by SciPy; the shares of noise are in test_autoencoders.py."""

import io

import keras
import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from keras import ops
from PIL import Image

from keras_gen import corruptions
from keras_gen.corruptions import compression, photographs
from keras_gen.images import to_float, to_uint8
from tests.contracts import array

IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 8, 12, 4)).astype("float32")
DRAWN = ("gaussian", "masking", "salt_and_pepper", "scratches", "jpeg", "faded", "wear")
OF_COLOURS = ("grey", "scratches", "jpeg", "faded", "wear")


def photograph(size, channels):
    """A smooth picture with an edge, texture and noise, uint8 (*size, channels): neither flat nor all noise."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    shades = [110 + 60 * np.sin(rows / 9 + 2 * channel) + 50 * np.cos(columns / (5 + channel)) for channel in range(3)]
    picture = np.stack(shades, axis=-1)
    picture[rows > columns] += 40
    picture += np.random.default_rng(0).normal(0, 8, picture.shape)
    return np.clip(picture, 0, 255).astype("uint8")[..., :channels]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_contract(name, channels):
    corrupt, images = corruptions.get(name), IMAGES[..., :channels]
    spoilt = array(corrupt(images, seed=keras.random.SeedGenerator(5)))
    assert (spoilt.dtype, spoilt.shape) == (np.float32, (3, 4, 6, channels) if name == "shrink" else images.shape)
    if name != "shrink" and (name, channels) != ("grey", 1):
        assert (np.abs(spoilt - images).mean() > 0.05) == (name != "identity"), "it must do something"
    np.testing.assert_array_equal(array(corrupt(images, seed=keras.random.SeedGenerator(5))), spoilt)
    np.testing.assert_array_equal(array(corrupt(images, seed=7)), array(corrupt(images, seed=7)))
    if name in DRAWN:
        assert not np.array_equal(array(corrupt(images, seed=keras.random.SeedGenerator(6))), spoilt)
        assert not np.array_equal(array(corrupt(images, seed=7)), array(corrupt(images, seed=8)))
    if name in OF_COLOURS:
        np.testing.assert_array_equal(spoilt[..., 3:], images[..., 3:], "alpha is no colour")
        assert np.abs(spoilt).max() <= 1


@pytest.mark.jax
@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_in_a_graph_it_is_the_same(name):
    def corrupt(images):
        return corruptions.get(name)(images, seed=3)

    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(corrupt)
    else:
        import tensorflow as tf

        compiled = tf.function(corrupt, input_signature=[tf.TensorSpec((None, *IMAGES.shape[1:]))])
        assert None not in compiled.get_concrete_function().output_shapes[1:], "layers need the size"
    np.testing.assert_allclose(array(compiled(IMAGES)), array(corrupt(ops.convert_to_tensor(IMAGES))), atol=1e-5)


@pytest.mark.parametrize(
    ("amount", "pixel", "expected"),
    [
        (1.0, [0.9, 0.0, -0.6], [0.2007, 0.2007, 0.2007]),  # 0.299 · 0.9 − 0.114 · 0.6
        (0.5, [0.9, 0.0, -0.6], [0.55035, 0.10035, -0.19965]),
        (1.0, [0.9, 0.0, -0.6, 0.7], [0.2007, 0.2007, 0.2007, 0.7]),  # alpha is no colour
        (1.0, [0.0, 1.0, 0.0], [0.587, 0.587, 0.587]),
        (1.0, [0.4], [0.4]),
    ],
)
def test_grey_by_hand(amount, pixel, expected):
    images = np.array(pixel, "float32").reshape(1, 1, 1, -1)
    np.testing.assert_allclose(array(corruptions.grey(images, amount)).ravel(), expected, atol=1e-6)


def test_grey_is_that_of_pillow_and_a_second_time_changes_nothing():
    picture = np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype("uint8")
    grey = corruptions.grey(to_float(picture[None]))
    theirs = np.asarray(Image.fromarray(picture).convert("L")).astype(int)
    assert np.abs(array(to_uint8(grey))[0] - theirs[..., None]).max() <= 1  # Pillow computes with whole numbers
    np.testing.assert_allclose(array(corruptions.grey(grey)), array(grey), atol=1e-6)
    np.testing.assert_array_equal(array(corruptions.grey(IMAGES[..., :1])), IMAGES[..., :1])  # one channel is grey


def test_blocks_and_shrink_by_hand():
    # Two rows, four columns, two channels, the second the first one backwards: squares of means 3 and 5.
    first = np.array([[1.0, 2.0, 4.0, 5.0], [3.0, 6.0, 5.0, 6.0]], "float32")
    images = np.stack([first, first[:, ::-1]], axis=-1)[None]
    small = array(corruptions.shrink(images, 2))[0]
    np.testing.assert_array_equal(small, [[[3.0, 5.0], [5.0, 3.0]]])
    blocks = array(corruptions.blocks(images, 2))[0]
    np.testing.assert_array_equal(blocks[..., 0], [[3.0, 3.0, 5.0, 5.0]] * 2)
    np.testing.assert_array_equal(blocks[..., 1], [[5.0, 5.0, 3.0, 3.0]] * 2)
    for corrupt in (corruptions.blocks, corruptions.shrink):
        np.testing.assert_array_equal(array(corrupt(images, 1)), images)


def test_shrink_is_pillows_reduce():
    picture = photograph((24, 36), 3)
    small = array(to_uint8(corruptions.shrink(to_float(picture[None]), 4)))[0].astype(int)
    difference = np.abs(small - np.asarray(Image.fromarray(picture).reduce(4)))
    assert difference.max() <= 1  # a mean of exactly a half is rounded to the even number, and up by Pillow
    assert difference.mean() < 0.1


@pytest.mark.parametrize("name", ["blocks", "shrink"])
@pytest.mark.parametrize(("amount", "size"), [(5, "8×12"), (3, "8×12"), (0.5, "8×12"), (2.5, "8×12")])
def test_sizes_that_do_not_fit_are_refused(name, amount, size):
    with pytest.raises(ValueError, match=f"expected images of a multiple of {amount} pixels a side, received {size}"):
        corruptions.get(name, amount)(IMAGES)


@pytest.mark.parametrize("name", ["blocks", "shrink", "scratches"])
def test_an_amount_from_a_command_line_works_like_an_int(name):
    np.testing.assert_array_equal(*(array(corruptions.get(name, amount)(IMAGES, seed=1)) for amount in (4, 4.0)))


@pytest.mark.parametrize("quality", [10, 50, 90])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_pillow(channels, quality):
    picture = photograph((37, 52), channels)  # not multiples of 8
    file = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(file, "JPEG", quality=quality, subsampling=0)
    theirs = np.asarray(Image.open(file)).reshape(picture.shape)
    ours = array(to_uint8(corruptions.jpeg(to_float(picture[None]), quality)))[0]
    assert ratio(ours, theirs) > 40  # dB; where a coefficient lies at a half, the two round it differently
    assert ratio(ours, picture) == pytest.approx(ratio(theirs, picture), abs=0.1)
    assert ratio(theirs, picture) < 39, "the file must lose something, or this shows nothing"


def ratio(one, other):
    """The peak signal-to-noise ratio of bytes, in dB."""
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 99, 100])
def test_quantization_tables_are_those_of_pillow(quality):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality, subsampling=0)
    theirs = Image.open(file).quantization
    ours = array(compression.quantization_tables(ops.array([float(quality)]), 3))[0]
    for channel, index in enumerate((0, 1, 1)):
        np.testing.assert_array_equal(ours[..., channel].ravel(), theirs[index])


def test_cosines_are_those_of_scipy():
    np.testing.assert_allclose(compression.cosines(), scipy.fft.dct(np.eye(8), norm="ortho", axis=0), atol=1e-6)


def test_the_quality_of_jpeg_is_drawn_for_each_image():
    images = to_float(np.repeat(photograph((16, 24), 3)[None], 60, axis=0))
    errors = array(ops.mean(ops.square(corruptions.jpeg(images, seed=1) - images), axis=(1, 2, 3)))
    worst, best = (float(ops.mean(ops.square(corruptions.jpeg(images, q) - images))) for q in (10, 100))
    assert best <= errors.min() < 2 * best + 1e-3
    assert 0.7 * worst < errors.max() <= 1.01 * worst
    mixed = array(corruptions.jpeg(images[:2], ops.array([10.0, 100.0])))
    np.testing.assert_allclose(mixed[1], array(corruptions.jpeg(images[:1], 100))[0], atol=1e-5)
    with pytest.raises(ValueError, match=r"expected a quality of JPEG from 1 to 100, received 0\.5"):
        corruptions.get("jpeg", 0.5)(images)


def test_a_straight_stroke_by_hand():
    starts, ends = ops.array([[2.0, 1.0]]), ops.array([[2.0, 4.0]])
    covered = array(photographs.stroke((4, 6), starts, ends, ops.zeros(1), ops.array([2.0])))[0, :, :, 0]
    end = 1.5 - np.sqrt(0.5)  # the pixel before the end is half a pixel away in both directions
    np.testing.assert_allclose(covered, [[0] * 6, [end, 1, 1, 1, end, 0], [end, 1, 1, 1, end, 0], [0] * 6], atol=1e-6)
    down = array(photographs.stroke((6, 4), starts[:, ::-1], ends[:, ::-1], ops.zeros(1), ops.array([2.0])))
    np.testing.assert_allclose(down[0, :, :, 0], covered.T, atol=1e-6)


def test_a_bent_stroke_by_hand():
    # The parabola is 4 · share · (1 − share) below the chord: 0.4375 and 0.9375 in the middle of the columns.
    starts, ends = ops.array([[1.5, 0.0]]), ops.array([[1.5, 4.0]])
    covered = array(photographs.stroke((4, 4), starts, ends, ops.ones(1), ops.ones(1)))[0, :, :, 0]
    expected = [[0, 0, 0, 0], [0.5625, 0.0625, 0.0625, 0.5625], [0.4375, 0.9375, 0.9375, 0.4375], [0, 0, 0, 0]]
    np.testing.assert_allclose(covered, expected, atol=1e-6)


def test_scratches_are_as_many_as_asked_for_thin_and_black_or_white():
    size = 100
    blank = np.zeros((60, size, size, 1), "float32")
    one = array(corruptions.scratches(blank, 1, seed=4))[..., 0]
    pieces = [scipy.ndimage.label(image != 0, np.ones((3, 3)))[1] for image in one]
    assert np.median(pieces) == np.mean(pieces) == 1
    # 1 to 3 pixels thick: the next free pixel is at most 3 away, where a line lies at the edge of its image.
    assert 2 <= max(scipy.ndimage.distance_transform_edt(np.abs(image) > 0.5).max() for image in one) <= 3
    tones = np.array([image[np.abs(image).argmax() // size, np.abs(image).argmax() % size] for image in one])
    assert np.mean(tones > 0.95) == pytest.approx(0.4, abs=0.15)
    assert np.mean(tones < -0.95) == pytest.approx(0.4, abs=0.15)
    shares = [np.mean(array(corruptions.scratches(blank, amount, seed=4)) != 0) for amount in (1, 4)]
    assert shares[1] == pytest.approx(4 * shares[0], rel=0.3)
    with pytest.raises(ValueError, match=r"expected a whole number of scratches, received 2\.5"):
        corruptions.get("scratches", 2.5)(blank)


@pytest.mark.parametrize("amount", [1.0, 0.5])
def test_what_fades_lies_in_its_limits(amount):
    # Two greys and a colour of luma 0, all so near the middle that nothing is clipped.
    pixels = np.array([[0.1] * 3, [-0.1] * 3, [0.1, 0.0, -0.1 * 0.299 / 0.114]], "float32")
    images = np.broadcast_to(pixels[None, None], (500, 1, 3, 3))
    light, dark, colour = np.moveaxis(array(corruptions.faded(ops.array(images), amount, seed=1))[:, 0], 1, 0)
    contrast = (light - dark)[:, 0] / 0.2
    middle = (light + dark) / 2
    saturation = (colour - middle)[:, 0] / 0.1 / contrast
    brightness, cast = middle.mean(axis=-1), middle - middle.mean(axis=-1, keepdims=True)
    for found, (low, high) in (
        (contrast, (0.4**amount, 1)),
        (saturation, (0.2**amount, 1)),
        (brightness, (-0.2 * amount, 0.2 * amount)),
    ):
        assert low - 1e-4 <= found.min() < low + 0.02 < high - 0.02 < found.max() <= high + 1e-4
    assert 0.2 * amount < np.abs(cast).max() <= 4 / 3 * 0.2 * amount + 1e-4  # 0.2 and twice −0.2, less their mean


def test_wear_leaves_one_image_in_16_as_it_is():
    images = np.full((4_000, 8, 8, 3), 0.3, "float32")
    for seed in (1, keras.random.SeedGenerator(1)):
        worn = array(corruptions.wear(images, seed=seed))
        assert np.mean(np.all(worn == images, axis=(1, 2, 3))) == pytest.approx(1 / 16, abs=0.012)
        assert np.abs(worn).max() <= 1
    less, more = (np.abs(array(corruptions.wear(images, amount, seed=1)) - images).mean() for amount in (0.3, 1.0))
    assert less < 0.6 * more


def test_wear_has_an_order(monkeypatch):
    called = []
    for name in ("scratches", "jpeg", "faded"):
        monkeypatch.setattr(photographs, name, lambda colors, *_, name=name: called.append(name) or colors)
    array(corruptions.wear(IMAGES, seed=1))
    assert called == ["scratches", "jpeg", "faded"]


def test_unknown_corruptions_are_refused():
    with pytest.raises(ValueError, match=r"unknown corruption 'pink': expected one of identity, .*, grey, blocks"):
        corruptions.get("pink")
    with pytest.raises(ValueError, match="expected an amount of corruption above 0, received 0"):
        corruptions.get("grey", 0)
