"""The operations by their definition, and what the layer adds: the same draws for both batches, chance, control."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import augment, backend
from keras_gen.augment import Augmentation
from keras_gen.layers import WRAPS
from keras_gen.models.base import SeededModel
from tests.contracts import array

SHAPES = [(8, 12, 3), (7, 5, 4), (11, 6, 1)]
BATCH = 40


def random_images(shape, batch=BATCH, seed=0):
    """No pixel is 0, so every zero comes from an operation."""
    return np.random.default_rng(seed).uniform(0.1, 1.0, (batch, *shape)).astype("float32")


def random_numbers(batch=BATCH):
    return np.random.default_rng(1).uniform(0.0, 1.0, (batch, 3)).astype("float32")


def suitable(shape):
    """All operations that suit images of this shape."""
    return [name for name in augment.OPERATIONS if name != "color" or shape[-1] > 1]


def shifted(image, down, right, wrap="none"):
    """An image moved by whole pixels, rolled where it wraps, otherwise filled with zeros, by slicing."""
    if wrap == "both":
        return np.roll(image, (down, right), (0, 1))
    if wrap == "width":
        return shifted(np.roll(image, right, 1), down, 0)
    height, width, _ = image.shape
    canvas = np.zeros_like(image)
    canvas[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return canvas


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(("shape", "name"), [(shape, name) for shape in SHAPES for name in suitable(shape)], ids=str)
def test_contract(shape, name, wrap):
    """Shape and dtype stay, the images change, and gradients of both batches flow back through it."""
    augmentation = Augmentation((name,), seed=3, wrap=wrap)
    images = random_images(shape)
    real_images, fake_images = augmentation(ops.array(images), ops.array(images))
    for augmented in (real_images, fake_images):
        assert augmented.shape == images.shape
        assert keras.backend.standardize_dtype(augmented.dtype) == "float32"
        assert np.array_equal(array(augmented), images) == ((name, wrap) == ("roll", "none"))
    np.testing.assert_array_equal(array(real_images), array(fake_images))

    variables = [keras.Variable(images), keras.Variable(images)]

    def objective():
        real_images, fake_images = augmentation(*variables)
        return ops.sum(real_images) + 2 * ops.sum(fake_images), {}

    _, (real_gradients, fake_gradients) = backend.value_and_gradients(objective, variables, augmentation.variables)
    assert np.any(array(real_gradients))
    # The same operation on both: each is linear in the image, so its gradients differ by the factor alone.
    np.testing.assert_allclose(array(fake_gradients), 2 * array(real_gradients), atol=1e-5)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(("shape", "most"), [((8, 12, 3), (1, 2)), ((7, 5, 4), (1, 1)), ((20, 10, 1), (3, 1))])
def test_translation_is_any_shift_by_at_most_an_eighth(shape, most, wrap):
    images = random_images(shape, batch=400)
    shifts = list(itertools.product(*(range(-limit - 1, limit + 2) for limit in most)))
    found = []
    for image, moved in zip(images, array(augment.translation(images, random_numbers(400), wrap)), strict=True):
        found += [shift for shift in shifts if np.array_equal(moved, shifted(image, *shift, wrap))]
    assert len(found) == len(images), "each image is a shift of itself in exactly one way"
    assert set(found) == set(itertools.product(*(range(-limit, limit + 1) for limit in most)))


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_shift_is_a_translation_whose_gap_shows_the_image_mirrored(wrap):
    images = random_images((20, 11, 3), batch=200)
    numbers = random_numbers(200)
    moved, shown = array(augment.translation(images, numbers, wrap)), array(augment.shift(images, numbers, wrap))
    np.testing.assert_array_equal(shown[moved != 0], moved[moved != 0])
    mirrored = {"none": "reflect", "width": "wrap", "both": "wrap"}[wrap]
    around = [np.pad(each, ((3, 3), (1, 1), (0, 0)), mirrored) for each in images]
    if wrap == "width":  # along the height it does not wrap
        around = [
            np.pad(np.pad(each, ((0, 0), (1, 1), (0, 0)), "wrap"), ((3, 3), (0, 0), (0, 0)), "reflect")
            for each in images
        ]
    for each, found in zip(around, shown, strict=True):
        windows = [each[top : top + 20, left : left + 11] for top in range(7) for left in range(3)]
        assert any(np.array_equal(found, window) for window in windows)


@pytest.mark.parametrize(
    ("kind", "num", "flip", "policy"),
    [
        ("auto", 9_999, False, ("shift",)),
        ("auto", 9_999, True, ("flip", "shift")),
        ("auto", 10_000, False, None),
        ("auto", 10_000, True, ("flip",)),
        ("ada", 10_000, False, ("shift",)),
        ("none", 30, False, None),
        ("none", 30, True, ("flip",)),
    ],
)
def test_few_pairs_are_shifted_and_mirrored_only_if_asked_for(kind, num, flip, policy):
    found = augment.for_pairs(kind, num, flip=flip, seed=3, wrap="width")
    assert (found and (found.policy, found.probability, found.seed, found.wrap)) == (
        policy and (policy, 1.0, 3, "width")
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_cutout_sets_one_rectangle_of_at_most_half_the_size_to_zero(shape):
    images = random_images(shape)
    cut = array(augment.cutout(images, random_numbers()))
    sizes = set()
    for image, rest in zip(images, cut, strict=True):
        gone = rest == 0
        rows, columns = np.flatnonzero(gone.any((1, 2))), np.flatnonzero(gone.any((0, 2)))
        expected = image.copy()
        expected[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 0
        np.testing.assert_array_equal(rest, expected)
        sizes.add((len(rows), len(columns)))
    half = tuple((size + 1) // 2 for size in shape[:2])
    assert max(sizes) == half
    assert min(rows for rows, _ in sizes) < half[0], "some stick out over the border"


def test_flip_mirrors_left_to_right():
    images = random_images((3, 5, 1), batch=2)
    numbers = ops.array([[0.49, 0.0, 0.0], [0.51, 0.0, 0.0]])
    np.testing.assert_array_equal(array(augment.flip(images, numbers)), [images[0, :, ::-1], images[1]])


# What each number does alone, the other two being neutral (0.5), worked on the pixels (0, 0.2, 0.4) and (0.6, 0.6, 0.6)
# whose greys are 0.2 and 0.6 and whose mean is 0.4.
COLORS = {
    "brighter by 0.4": ((0.9, 0.5, 0.5), [[0.4, 0.6, 0.8], [1.0, 1.0, 1.0]]),
    "darker by 0.5": ((0.0, 0.5, 0.5), [[-0.5, -0.3, -0.1], [0.1, 0.1, 0.1]]),
    "no saturation": ((0.5, 0.0, 0.5), [[0.2, 0.2, 0.2], [0.6, 0.6, 0.6]]),
    "saturation × 1.5": ((0.5, 0.75, 0.5), [[-0.1, 0.2, 0.5], [0.6, 0.6, 0.6]]),
    "contrast × ½": ((0.5, 0.5, 0.0), [[0.2, 0.3, 0.4], [0.5, 0.5, 0.5]]),
    "nothing": ((0.5, 0.5, 0.5), [[0.0, 0.2, 0.4], [0.6, 0.6, 0.6]]),
}


@pytest.mark.parametrize(("numbers", "expected"), COLORS.values(), ids=COLORS)
@pytest.mark.parametrize("alpha", [(), (0.7,)])
def test_color_by_its_formula(numbers, expected, alpha):
    pixels = [(0.0, 0.2, 0.4, *alpha), (0.6, 0.6, 0.6, *alpha)]
    colored = array(augment.color(ops.array([[pixels]]), ops.array([numbers])))
    np.testing.assert_allclose(colored[0, 0], [(*pixel, *alpha) for pixel in expected], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_color_needs_colors(channels):
    images = ops.ones((2, 8, 12, channels))
    with pytest.raises(ValueError, match=rf"'color', received images with {channels} channel.*policy_for"):
        Augmentation(("color",))(images, images)


@pytest.mark.parametrize("name", augment.OPERATIONS)
def test_pictures_beside_an_image_move_with_it_and_keep_their_colors(name):
    images = random_images((8, 12, 3))
    real_images, fake_images, pictures, masks = map(
        array, Augmentation((name,), 0.5, seed=3, wrap="width")(images, images, images, images[..., :1])
    )
    expected = images if name == "color" else real_images
    assert not np.array_equal(real_images, images)
    np.testing.assert_array_equal(fake_images, real_images)
    np.testing.assert_array_equal(pictures, expected)
    np.testing.assert_array_equal(masks, expected[..., :1])
    alone, _ = Augmentation((name,), 0.5, seed=3, wrap="width")(images, images)
    np.testing.assert_array_equal(array(alone), real_images)


@pytest.mark.parametrize(("wrap", "sizes"), [("none", (1, 1)), ("width", (1, 12)), ("both", (8, 12))])
def test_a_roll_is_any_roll_along_the_axes_that_wrap(wrap, sizes):
    images = random_images((8, 12, 3), batch=1000)
    found = set()
    for image, rolled in zip(images, array(augment.roll(images, random_numbers(1000), wrap)), strict=True):
        (place,) = np.argwhere((rolled == image[0, 0]).all(-1))
        np.testing.assert_array_equal(rolled, np.roll(image, place, (0, 1)))
        found.add(tuple(place))
    assert found == set(itertools.product(*map(range, sizes)))


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("none", ("roll", "flip")),
        ("diffaugment", ("roll", "flip", "color", "translation", "cutout")),
        ("ada", ("roll", "flip", "color", "translation", "cutout")),
    ],
)
def test_images_that_wrap_are_always_rolled(kind, policy):
    augmentation = augment.suitable(kind, num_images=300, channels=3, flip=True, wrap="width", seed=4)
    assert (augmentation.wrap, augmentation.seed, augmentation.policy) == ("width", 4, policy)
    images = random_images((8, 12, 1), batch=200)
    rolled, beside = map(array, Augmentation(("roll",), probability=0.0, wrap="width")(images, images))
    assert np.mean((rolled == images).all((1, 2, 3))) < 0.2, "one in twelve, whatever the probability"
    np.testing.assert_array_equal(beside, rolled)
    image = random_images((8, 12, 1), batch=1)
    augmented, _ = Augmentation(("translation",), wrap="both")(image, image)
    np.testing.assert_array_equal(np.sort(array(augmented), axis=None), np.sort(image, axis=None))  # nothing is lost


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_default_policy_suits_its_images(channels):
    policy = augment.policy_for(channels)
    assert set(policy) == set(suitable((8, 12, channels))) - {"flip", "roll", "shift"}
    images = random_images((8, 12, channels))
    assert Augmentation(policy)(images, images)[0].shape == images.shape


@pytest.mark.parametrize("shape", SHAPES)
def test_probability_zero_changes_nothing(shape):
    images = random_images(shape)
    for augmented in Augmentation(suitable(shape), probability=0.0)(images, -images):
        np.testing.assert_array_equal(np.abs(array(augmented)), images)


def test_images_keep_their_precision_beside_networks_in_bfloat16():
    images = ops.array(random_images((8, 12, 3)))
    real_images, _ = Augmentation(probability=0.0, dtype="mixed_bfloat16")(images, images)
    np.testing.assert_array_equal(array(real_images), array(images))


def test_each_call_and_each_row_draws_anew():
    augmentation = Augmentation(("color",))
    images = np.repeat(random_images((8, 12, 3), batch=1), 4, axis=0)
    rows = np.concatenate([array(augmentation(images, images)[0]) for _ in range(2)])
    assert len(np.unique(rows.reshape(8, -1), axis=0)) == 8


@pytest.mark.parametrize(("probability", "tolerance"), [(0.3, 0.05), (1.0, 0.0)])
def test_each_operation_is_applied_to_a_share_of_the_images(probability, tolerance):
    augmentation = Augmentation(("color", "cutout"), probability)
    images = np.ones((2000, 2, 2, 3), "float32")
    augmented = array(augmentation(images, images)[0])  # a cutout removes one pixel and leaves three for the colour
    cut = np.any(augmented == 0, (1, 2, 3))
    colored = np.any((augmented != 0) & (augmented != 1), (1, 2, 3))
    brighter = np.any(augmented > 1, (1, 2, 3))
    # The largest standard deviation of these binomials: √(0.5 · 0.5 / 2000) = 0.0112.
    assert abs(cut.mean() - probability) <= tolerance
    assert abs(colored.mean() - probability) <= tolerance
    assert abs((cut & colored).mean() - probability**2) <= tolerance, "the operations are applied independently"
    assert abs(brighter.mean() - probability / 2) < 0.05, "how an image is changed does not depend on whether it is"


def test_adapt_moves_the_probability_towards_the_target():
    augmentation = Augmentation(probability=0.5, target=0.6, images_to_certainty=1000)
    seen = []
    for real_sign in (1.0, 0.0, 0.0, 0.6, -1.0):
        augmentation.adapt(real_sign, num_images=100)
        seen.append(float(augmentation.current_probability))
    # r = ¾ r + ¼ sign from 0.6: 0.7, 0.525, 0.39375, 0.4453, 0.0840: one step of 100/1000 up, four down.
    np.testing.assert_allclose(seen, [0.6, 0.5, 0.4, 0.3, 0.2], rtol=1e-5)
    np.testing.assert_allclose(float(augmentation.mean_sign), 0.083984375, rtol=1e-5)


@pytest.mark.parametrize(("real_sign", "end"), [(1.0, 1.0), (-1.0, 0.0), (0.6, 0.5)])
def test_adapt_stays_within_0_and_1_and_rests_at_the_target(real_sign, end):
    augmentation = Augmentation(probability=0.5, target=0.6, images_to_certainty=100)
    for _ in range(3):
        augmentation.adapt(ops.array(real_sign), num_images=ops.array(40))
    assert float(augmentation.current_probability) == end


def test_adapting_needs_a_target():
    with pytest.raises(ValueError, match="expected an Augmentation with a target"):
        Augmentation().adapt(0.9, num_images=64)


class Game(SeededModel):
    """A model that owns an augmentation, as a GAN does."""

    def __init__(self, augmentation):
        super().__init__()
        self.augmentation = augmentation
        self.built = True


def test_a_loaded_augmentation_continues_where_the_saved_one_stopped(tmp_path):
    arguments = {
        "policy": ("color",),
        "probability": 0.4,
        "target": 0.6,
        "images_to_certainty": 200,
        "seed": 5,
        "wrap": "both",
    }
    game = Game(Augmentation(**arguments))
    images = random_images((8, 12, 3))
    game.augmentation(images, images)
    game.augmentation.adapt(0.9, num_images=20)
    game.save_weights(tmp_path / "game.weights.h5")

    config = game.augmentation.get_config()
    assert config == {**config, **arguments}
    again = Game(Augmentation.from_config(config))
    again.load_weights(tmp_path / "game.weights.h5")
    assert [float(weight) for weight in again.augmentation.weights] == pytest.approx([0.5, 0.675])
    for one, other in zip(game.augmentation(images, -images), again.augmentation(images, -images), strict=True):
        np.testing.assert_array_equal(array(one), array(other))


def test_draws_and_control_live_in_a_stateless_scope():
    augmentation = Augmentation(probability=0.5, target=0.6, images_to_certainty=100)
    images = random_images((8, 12, 3))
    mapping = [(variable, ops.copy(variable.value)) for variable in augmentation.variables]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        first, second = (array(augmentation(images, images)[0]) for _ in range(2))
        augmentation.adapt(1.0, num_images=10)
        inside = float(augmentation.current_probability)
        seed = array(scope.get_current_value(augmentation.seed_generator.state))
    assert inside == pytest.approx(0.6)
    assert not np.array_equal(first, second)
    assert float(augmentation.current_probability) == 0.5
    assert not np.array_equal(seed, array(augmentation.seed_generator.state.value))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs with batches of unknown size")
def test_one_graph_serves_batches_of_any_size():
    import tensorflow as tf

    augmentation = Augmentation(("flip", *augment.policy_for(3)))
    specification = tf.TensorSpec((None, 8, 12, 3))
    graph = tf.function(lambda *images: augmentation(*images), input_signature=[specification, specification])
    for batch in (2, 5):
        images = random_images((8, 12, 3), batch)
        assert [tuple(augmented.shape) for augmented in graph(images, images)] == 2 * [images.shape]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"policy": ("rotation",)},
            "unknown augmentation 'rotation': expected one of roll, flip, translation, shift, cutout, color",
        ),
        ({"wrap": "height"}, "unknown wrap 'height': expected one of none, width, both"),
        ({"probability": 1.1}, r"expected a probability in \[0, 1\], received 1.1"),
        ({"target": 1.0}, r"expected a target in \(-1, 1\).* received 1.0"),
    ],
)
def test_impossible_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**arguments)
