"""Masks: their shares, their kinds, and that a seed fixes them."""

import numpy as np
import pytest

from keras_gen import masks

SIZES = [(28, 28), (20, 33), (64, 48)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shares", [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)], ids=str)
def test_holes_cover_what_was_asked_for(size, shares):
    drawn = masks.draw(size, 30, shares=shares)
    assert (drawn.dtype, drawn.shape) == (np.uint8, (30, *size, 1))
    assert set(np.unique(drawn)) == {0, masks.HOLE}
    share = (drawn != 0).mean(axis=(1, 2, 3))
    assert shares[0] <= share.min() <= share.max() <= shares[1]
    assert np.ptp(share) > 0.04  # all over the interval, and not at one end of it


def test_the_seed_fixes_all_of_them():
    np.testing.assert_array_equal(masks.draw((28, 28), 9, seed=1), masks.draw((28, 28), 9, seed=1))
    assert not np.array_equal(masks.draw((28, 28), 9, seed=1), masks.draw((28, 28), 9, seed=2))


def test_a_half_is_all_of_one_side():
    halves = masks.draw((20, 33), 40, kinds=["halves"])[..., 0] != 0
    full_rows, full_columns = halves.all(axis=2).any(axis=1), halves.all(axis=1).any(axis=1)
    assert np.all(full_rows ^ full_columns)
    assert {full_rows.any(), full_columns.any()} == {True}
    corners = {(bool(half[0, 0]), bool(half[-1, -1])) for half in halves}
    assert corners == {(True, False), (False, True)}  # from either end


def test_small_masks_have_halves_too():
    halves = masks.draw((8, 8), 3, shares=(0.5, 0.6), kinds=["halves"])
    np.testing.assert_array_equal((halves != 0).mean(axis=(1, 2, 3)), 0.5)  # 5 of 8 rows would be more than 0.6


def test_a_stroke_is_thin_and_a_box_is_not():
    strokes = masks.draw((64, 64), 20, shares=(0.1, 0.2), kinds=["strokes"])[..., 0] != 0
    boxes = masks.draw((64, 64), 20, shares=(0.1, 0.2), kinds=["boxes"])[..., 0] != 0

    def inner(holes):  # the share of the hole whose neighbours four pixels away are in it too
        moved = [np.roll(holes, step, axis) for step in (4, -4) for axis in (1, 2)]
        return np.logical_and.reduce([holes, *moved]).sum() / holes.sum()

    assert inner(strokes) < 0.1 < inner(boxes)


def test_the_centre_is_a_quarter():
    mask = masks.centre((8, 12))
    assert (mask != 0).mean() == 0.25
    assert (mask != 0)[2:6, 3:9].all()


@pytest.mark.parametrize("shares", [(0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.6, 0.3)])
def test_shares_that_no_hole_has_are_refused(shares):
    with pytest.raises(ValueError, match=r"expected the least and the greatest share of a hole, in \(0, 1\)"):
        masks.draw((8, 12), 1, shares=shares)
    with pytest.raises(ValueError, match=r"expected shares that strokes of 2×2 can have, received 0\.3 to 0\.4"):
        masks.draw((2, 2), 1, shares=(0.3, 0.4))
