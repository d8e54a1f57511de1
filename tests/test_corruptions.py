"""Corruptions: by hand where nothing is random; the others by shares, see test_autoencoders.py."""

import keras
import numpy as np
import pytest

from keras_gen import corruptions
from tests.contracts import array

IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 8, 12, 4)).astype("float32")


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_contract(name):
    corrupt = corruptions.get(name)
    spoilt = array(corrupt(IMAGES, seed=keras.random.SeedGenerator(5)))
    assert (spoilt.dtype, spoilt.shape) == (np.float32, IMAGES.shape)
    assert np.abs(spoilt - IMAGES).mean() > 0.05, "it must do something, or this shows nothing"
    np.testing.assert_array_equal(array(corrupt(IMAGES, seed=keras.random.SeedGenerator(5))), spoilt)
    if name not in ("grey", "blocks"):
        assert not np.array_equal(array(corrupt(IMAGES, seed=keras.random.SeedGenerator(6))), spoilt)


@pytest.mark.parametrize(
    ("amount", "pixel", "expected"),
    [
        (1.0, [0.9, 0.0, -0.6], [0.1, 0.1, 0.1]),
        (0.5, [0.9, 0.0, -0.6], [0.5, 0.05, -0.25]),
        (1.0, [0.9, 0.0, -0.6, 0.7], [0.1, 0.1, 0.1, 0.7]),  # alpha is no colour
        (1.0, [0.4], [0.4]),
    ],
)
def test_grey_by_hand(amount, pixel, expected):
    images = np.array(pixel, "float32").reshape(1, 1, 1, -1)
    np.testing.assert_allclose(array(corruptions.grey(images, amount)).ravel(), expected, atol=1e-6)


def test_blocks_by_hand():
    # Two rows, four columns, two channels, the second the first one backwards: squares of means 3 and 5.
    first = np.array([[1.0, 2.0, 4.0, 5.0], [3.0, 6.0, 5.0, 6.0]], "float32")
    images = np.stack([first, first[:, ::-1]], axis=-1)[None]
    blocks = array(corruptions.blocks(images, 2))[0]
    np.testing.assert_array_equal(blocks[..., 0], [[3.0, 3.0, 5.0, 5.0]] * 2)
    np.testing.assert_array_equal(blocks[..., 1], [[5.0, 5.0, 3.0, 3.0]] * 2)
    np.testing.assert_array_equal(array(corruptions.blocks(images, 1)), images)


@pytest.mark.parametrize(("amount", "size"), [(5, "8×12"), (3, "8×12"), (0.5, "8×12"), (2.5, "8×12")])
def test_blocks_that_do_not_fit_are_refused(amount, size):
    with pytest.raises(ValueError, match=f"expected images of a multiple of {amount} pixels a side, received {size}"):
        corruptions.get("blocks", amount)(IMAGES)


def test_an_amount_from_a_command_line_works_like_an_int():
    np.testing.assert_array_equal(*(array(corruptions.get("blocks", amount)(IMAGES)) for amount in (4, 4.0)))


def test_unknown_corruptions_are_refused():
    with pytest.raises(ValueError, match=r"unknown corruption 'pink': expected one of gaussian, .*, grey, blocks"):
        corruptions.get("pink")
    with pytest.raises(ValueError, match="expected an amount of corruption above 0, received 0"):
        corruptions.get("grey", 0)
