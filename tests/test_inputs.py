"""Inputs: rows, tensors and errors of noise, pictures and masks; conditions have test_conditions.py."""

import keras
import numpy as np
import pytest

from keras_gen import corruptions, latents
from keras_gen.data import Split
from keras_gen.images import to_float, to_uint8
from keras_gen.inputs import Mask, Noise, Picture
from tests.contracts import array

SHAPE = (8, 12, 3)
PICTURES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("uint8")
HOLES = (np.random.default_rng(1).integers(0, 3, (5, 8, 12, 1)) * 100).astype("uint8")  # 0, 100 and 200

INPUTS = {
    "noise": Noise(4, name="more"),
    "picture": Picture("source", SHAPE, to_discriminator=False),
    "corrupted": Picture("source", SHAPE, corruption="masking", amount=0.25),
    "mask": Mask("hole", (8, 12), to_discriminator=False),
}
GIVEN = {"noise": latents.normal(5, 4, seed=9), "picture": PICTURES, "corrupted": PICTURES, "mask": HOLES}


@pytest.mark.parametrize("kind", INPUTS)
def test_contract(kind):
    each, given = INPUTS[kind], GIVEN[kind]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(each))
    assert type(again) is type(each)
    for name in ("name", "shape", "to_discriminator", "corruption", "amount"):
        assert getattr(again, name, None) == getattr(each, name, None)
    rows = each.rows(5, 0, given=given)
    np.testing.assert_array_equal(rows, given)
    np.testing.assert_array_equal(each.rows(3, 0, given=given[:1]), np.repeat(given[:1], 3, axis=0))
    assert (str(rows.dtype), rows.shape[1:]) == (each.row.dtype, each.row.shape)
    assert each.shape == each.row.shape
    tensor = array(each.to_tensor(rows))
    assert (tensor.dtype, tensor.shape) == (np.float32, (5, *each.shape))
    np.testing.assert_array_equal(array(each.tensor({"images": PICTURES, each.name: given})), tensor)
    with pytest.raises(ValueError, match=f"expected {each.name}"):
        each.rows(4, 0, given=given)


def test_noise_is_drawn_by_its_seed():
    np.testing.assert_array_equal(Noise(4).rows(3, seed=2), latents.normal(3, 4, seed=2))
    assert (Noise(4).is_drawn, Noise(4).in_batch, Noise(4).to_discriminator) == (True, False, False)
    assert array(Noise(4).draw(3, keras.random.SeedGenerator(0))).shape == (3, 4)
    with pytest.raises(ValueError, match="expected at least 1 number of noise, received 0"):
        Noise(0)
    with pytest.raises(ValueError, match=r"expected latents as numbers \(n, 4\), 3 of them or one for all, .*\(3, 5\)"):
        Noise(4).rows(3, seed=0, given=np.zeros((3, 5)))


def test_what_a_network_gets():
    rows = np.array([0, 1, 255], "uint8").reshape(1, 1, 3, 1)
    np.testing.assert_allclose(array(Picture("source", (1, 3, 1)).to_tensor(rows)).ravel(), [-1, 1 / 127.5 - 1, 1])
    assert array(Mask("hole", (1, 3)).to_tensor(rows)).ravel().tolist() == [0, 1, 1]


def test_missing_inputs_are_refused():
    with pytest.raises(ValueError, match=r"expected source to be given, as uint8 \(n, 8, 12, 3\): given={'source': …}"):
        Picture("source", SHAPE).rows(2, seed=0)
    with pytest.raises(ValueError, match="expected a column 'hole' beside the images, received images, source: fit"):
        Mask("hole", (8, 12)).tensor({"images": PICTURES, "source": PICTURES})
    with pytest.raises(ValueError, match="expected a split with the pictures 'source', received images alone"):
        Picture("source", SHAPE).of_split(Split(PICTURES))
    with pytest.raises(ValueError, match="expected a split with the pictures 'hole', received source"):
        Mask("hole", (8, 12)).of_split(Split(PICTURES, pictures={"source": PICTURES}))


@pytest.mark.parametrize(
    "given",
    [PICTURES.astype("float32"), PICTURES[..., :1], PICTURES[:3]],
    ids=["floats", "another shape", "too few"],
)
def test_pictures_of_another_kind_are_refused(given):
    message = r"expected source as uint8 \(n, 8, 12, 3\), 5 of them or one for all, received"
    with pytest.raises(ValueError, match=message):
        Picture("source", SHAPE).rows(5, seed=0, given=given)


def test_a_column_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"expected hole as \(batch, 8, 12, 1\), received \(5, 8, 12, 3\)"):
        Mask("hole", (8, 12)).tensor({"images": PICTURES, "hole": PICTURES})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Picture("images", SHAPE), "expected a name other than images for the input, received 'images'"),
        (lambda: Picture("", SHAPE), "expected a name other than images for the input, received ''"),
        (lambda: Picture("source", (8, 12)), r"expected the shape of source as .*, received \(8, 12\)"),
        (lambda: Picture("source", (8, 0, 3)), r"expected the shape of source as .*, received \(8, 0, 3\)"),
        (lambda: Picture("source", SHAPE, corruption="pink"), "unknown corruption 'pink'"),
        (lambda: Picture("source", SHAPE, corruption="grey", amount=-1), "amount of corruption above 0, received -1"),
    ],
)
def test_impossible_inputs_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


OWN = np.zeros((2, 8, 12, 1), "uint8")
OWN[:, 3, 4:6] = 7  # two pixels, fewer than any mask of ours has


@pytest.mark.jax
def test_masks_are_drawn_in_the_step_mirrored_and_rolled():
    mask = Mask("mask", (8, 12), is_drawn=True)
    mask.drawn = np.zeros((1, 8, 12, 1), "uint8")
    mask.drawn[0, 0, :3] = 255  # three pixels of the first row
    batch, seed = {"images": np.zeros((300, 8, 12, 3), "uint8")}, keras.random.SeedGenerator(0)
    drawn = array(mask.tensor(batch, seed))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_array_equal(drawn.sum(axis=(1, 2, 3)), 3)
    tops = np.flatnonzero(drawn[:, 0].any(axis=(1, 2)))
    assert 0.2 < len(tops) / 300 < 0.5  # half are not rolled, half of those not mirrored from top to bottom
    assert all(drawn[:, row].any() for row in range(8))
    assert all(drawn[:, :, column].any() for column in range(12))
    assert not np.array_equal(drawn, array(mask.tensor(batch, seed)))


def test_half_of_the_masks_are_the_users_own():
    mask = Mask("mask", (8, 12), is_drawn=True, own=OWN)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mask))
    for each in (mask, again):
        num = (each.drawn != 0).sum(axis=(1, 2, 3))
        assert (num == 2).mean() == 0.5
        np.testing.assert_array_equal(each.rows(9, seed=3), mask.rows(9, seed=3))
    many = np.repeat(OWN, 2000, axis=0)
    many[2000:, 5, 5] = 1
    kept = Mask("mask", (8, 12), is_drawn=True, own=many).own
    assert len(kept) == 2048
    assert 0.4 < (kept.sum(axis=(1, 2, 3)) == 3).mean() < 0.6  # at random, and not the first ones
    given = {"mask": HOLES, "images": PICTURES}
    np.testing.assert_array_equal(array(mask.tensor(given)), HOLES != 0)  # a column is taken as it is
    assert mask.of_split(Split(PICTURES)) is None
    with pytest.raises(ValueError, match=r"expected masks of mask as \(n, 8, 8, 1\), received \(2, 8, 12, 1\)"):
        Mask("mask", (8, 8), is_drawn=True, own=OWN)


def test_a_corrupted_picture_is_made_from_the_images():
    grey = Picture("source", SHAPE, corruption="grey")
    expected = corruptions.grey(to_float(PICTURES))
    np.testing.assert_array_equal(array(grey.tensor({"images": PICTURES})), array(expected))
    assert grey.of_split(Split(PICTURES)) is None  # `fit` reads nothing
    np.testing.assert_array_equal(grey.given_of(Split(PICTURES)), array(to_uint8(expected)))
    np.testing.assert_array_equal(  # unless there is a column
        array(grey.tensor({"images": PICTURES, "source": PICTURES[::-1]})), array(to_float(PICTURES[::-1]))
    )
    holes = Picture("source", SHAPE, corruption="masking")  # by another seed each time
    np.testing.assert_array_equal(*(holes.given_of(Split(PICTURES)) for _ in range(2)))


def test_a_corruption_may_make_a_smaller_picture():
    small = Picture("small", (2, 3, 3), corruption="shrink", amount=4)
    expected = to_float(PICTURES[:, :4, :4]).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(array(small.tensor({"images": PICTURES}))[:, 0, 0], expected, atol=1e-6)
    assert small.given_of(Split(PICTURES)).shape == (5, 2, 3, 3)
    message = r"images from which shrink makes small of the shape \(2, 3, 3\), received \(4, 8, 3\), .* \(1, 2, 3\)"
    with pytest.raises(ValueError, match=message):
        small.tensor({"images": PICTURES[:, :4, :8]})
