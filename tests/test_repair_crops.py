"""Pictures of any size through a model of one size: what changes, what does not, and that no crop shows."""

import numpy as np
import pytest
from PIL import Image

from keras_gen.repair import crops, tiles
from tests.repairs import SIZE, Stub, blob, noise, scratches


class Planes(Stub):
    """Fills holes with the plane that fits what is known, so that a slope is continued as it is."""

    def inpaint(self, images, masks, seeds):
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        places = np.stack([rows, columns, np.ones(SIZE)], axis=-1)
        for image, mask in zip(images, masks[..., 0] > 0, strict=True):
            plane, *_ = np.linalg.lstsq(places[~mask], image[~mask].astype(float))
            image[mask] = np.clip(np.round(places[mask] @ plane), 0, 255)
        return images


def slope(height=150, width=210):
    """A picture that grows brighter from left to right and, in its second channel, downwards."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns * 255 / width, rows * 255 / height, (rows + columns) * 255 / (height + width)], axis=-1)


def corner():
    hole = np.zeros((150, 210), bool)
    hole[:60, :70] = hole[100:, 150:] = True
    return hole


@pytest.mark.parametrize(
    "make", [scratches, blob, corner, lambda: scratches() | blob()], ids=["thin", "thick", "in the corner", "both"]
)
def test_only_the_hole_changes_and_all_of_it(make):
    hole, pixels = make(), noise(150, 210)
    pixels[hole] = (255, 0, 255)
    filled = crops.inpaint_picture(Stub(), pixels, hole)
    np.testing.assert_array_equal(filled[~hole], pixels[~hole])
    assert not (filled[hole] == (255, 0, 255)).all(axis=-1).any()
    means = filled[hole].reshape(-1, 3)
    assert (means > 80).all()
    assert (means < 180).all(), "means of noise, and nothing of the damage"


@pytest.mark.parametrize("shape", [(5, 7), (16, 7), (1, 1), (1, 90), (90, 3), (16, 24), (17, 25)])
def test_pictures_smaller_than_the_model_are_reflected(shape):
    pixels, hole = np.full((*shape, 3), 90, np.uint8), np.zeros(shape, bool)
    hole[0, 0] = shape != (1, 1)
    filled = crops.inpaint_picture(Stub(), pixels, hole)
    np.testing.assert_array_equal(filled, 90)
    np.testing.assert_array_equal(tiles.tiled(Stub("restore"), pixels), 165)
    assert tiles.tiled(Stub("upscale", factor=3), pixels).shape == (3 * shape[0], 3 * shape[1], 3)


def test_a_hole_through_a_narrow_strip_is_thick():
    pixels, hole = noise(5, 200), np.zeros((5, 200), bool)
    hole[:, 50:150] = True
    filled = crops.inpaint_picture(Stub(), pixels, hole)  # which refuses a crop that is all hole
    np.testing.assert_array_equal(filled[~hole], pixels[~hole])


def test_a_small_hole_is_one_crop_around_it():
    hole = np.zeros((150, 210), bool)
    hole[70:76, 100:110] = True
    stub = Stub()
    crops.inpaint_picture(stub, noise(150, 210), hole)
    ((_, masks, _),) = stub.calls
    (rows, columns) = np.nonzero(masks[0, ..., 0])
    assert (len(masks), rows.min(), rows.max(), columns.min(), columns.max()) == (1, 5, 10, 7, 16)


def test_every_pixel_is_well_inside_a_window():
    hole = scratches() | blob()
    seen = np.zeros_like(hole)
    for top, left in crops.cover(hole, SIZE):
        rows = slice(top + (4 if top else 0), top + (16 if top + 16 == 150 else 12))
        seen[rows, left + (6 if left else 0) : left + (24 if left + 24 == 210 else 18)] = True
    assert seen[hole].all()


def test_in_a_thick_hole_every_crop_still_has_a_third_that_is_known():
    stub = Stub()
    crops.inpaint_picture(stub, noise(150, 210), blob())
    assert max((masks > 0).mean(axis=(1, 2, 3)).max() for _, masks, _ in stub.calls) < 2 / 3


def test_a_scratch_is_filled_as_if_there_were_no_thick_hole_elsewhere():
    scratch = np.zeros((150, 210), bool)
    scratch[10:13, 20:190] = True
    pixels = noise(150, 210)
    alone, both = (crops.inpaint_picture(Stub(), pixels, hole) for hole in (scratch, scratch | blob()))
    np.testing.assert_array_equal(both[scratch], alone[scratch])


def test_a_thick_hole_is_first_filled_from_what_is_known_far_away():
    pixels, hole = np.zeros((150, 210, 3), np.uint8), blob()
    pixels[:, 105:] = 255
    filled = crops.inpaint_picture(Planes(), np.where(hole[..., None], np.uint8(90), pixels), hole)
    assert filled[75, 62:80].max() < filled[75, 130:148].min()


def gradients(filled, hole, windows):
    """The mean step between neighbours in the hole: across the sides of crops, and elsewhere."""
    at_sides, elsewhere = [], []
    for axis in (0, 1):
        step = np.abs(np.diff(filled.astype(float), axis=axis)).mean(axis=-1)
        both = hole[1:] & hole[:-1] if axis == 0 else hole[:, 1:] & hole[:, :-1]
        side = np.zeros_like(both)
        for top, left in windows:
            start, length = (top, left)[axis], SIZE[axis]
            across = slice(left, left + SIZE[1]) if axis == 0 else slice(top, top + SIZE[0])
            for place in (start - 1, start + length - 1):
                if 0 <= place < side.shape[axis]:
                    side[(place, across) if axis == 0 else (across, place)] = True
        at_sides.append(step[both & side])
        elsewhere.append(step[both & ~side])
    return np.concatenate(at_sides).mean(), np.concatenate(elsewhere).mean()


@pytest.mark.parametrize("make", [scratches, blob], ids=["thin", "thick"])
def test_a_slope_goes_on_across_the_sides_of_crops(make):
    hole, pixels = make(), np.round(slope()).astype(np.uint8)
    windows = crops.cover(hole, SIZE)
    assert len(windows) > 20
    filled = crops.inpaint_picture(Planes(), np.where(hole[..., None], np.uint8(0), pixels), hole)
    at_sides, elsewhere = gradients(filled, hole, windows)
    assert at_sides == pytest.approx(elsewhere, rel=0.1)
    assert np.abs(filled[hole].astype(int) - pixels[hole]).max() <= 2


@pytest.mark.parametrize("make", [scratches, blob], ids=["thin", "thick"])
def test_crops_that_disagree_leave_no_edge(make):
    class Disagrees(Stub):
        def inpaint(self, images, masks, seeds):
            values = np.where(images.sum(axis=(1, 2, 3)) % 2, 50, 150).astype(np.uint8)
            return np.where(masks > 0, values[:, None, None, None], images)

    hole = make()
    filled = crops.inpaint_picture(Disagrees(), noise(150, 210), hole)[..., 0].astype(int)
    assert filled[hole].min() < 60
    assert filled[hole].max() > 140
    down, across = np.abs(np.diff(filled, axis=0)), np.abs(np.diff(filled, axis=1))
    assert max(down[hole[1:] & hole[:-1]].max(), across[hole[:, 1:] & hole[:, :-1]].max()) < 45, "of 100"


def test_tiles_are_blended_and_keep_what_a_model_keeps():
    pixels = noise(70, 90)
    np.testing.assert_array_equal(tiles.tiled(Stub("restore"), pixels), 255 - pixels)
    np.testing.assert_array_equal(
        tiles.tiled(Stub("upscale", factor=2), pixels), pixels.repeat(2, axis=0).repeat(2, axis=1)
    )


def test_tiles_of_different_brightness_leave_no_edge():
    class Means(Stub):
        def restore(self, images, masks, seeds):
            return np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape).astype(np.uint8)

    restored = tiles.tiled(Means("restore"), np.round(slope(70, 90)).astype(np.uint8)).astype(int)
    assert max(np.abs(np.diff(restored, axis=axis)).max() for axis in (0, 1)) < 20, "of steps of 40 to 70 between tiles"


def test_colours_are_added_and_the_luma_stays():
    luma = noise(70, 290, 1)[..., 0]
    colored = tiles.colorize_picture(Stub("colorize"), luma)
    np.testing.assert_array_equal(np.asarray(Image.fromarray(colored).convert("L")), luma)
    middle = colored[(luma > 70) & (luma < 180)].astype(int)
    assert (middle[:, 0] - middle[:, 1]).mean() == pytest.approx(80, abs=8), "60 more red and 20 less green"


def test_luma_is_kept_for_any_colour():
    random = np.random.default_rng(0)
    luma = random.integers(0, 256, (300, 300), dtype=np.uint8)
    tint = random.uniform(-255, 255, (300, 300, 3)).astype(np.float32)
    tint -= (tint @ tiles.LUMA.astype(np.float32) / 65536)[..., None]
    for strength in (0.02, 1):
        colors = tiles.tinted(luma, strength * tint).astype(int)
        np.testing.assert_array_equal(tiles.luma_of(colors.astype(np.uint8)), luma)
        exact = np.abs(colors - luma[..., None] - strength * tint).max(axis=-1)
        inside = ((luma[..., None] + strength * tint > 0) & (luma[..., None] + strength * tint < 255)).all(axis=-1)
        assert exact[inside].max() <= 0.51, "only rounding"


def test_bands_are_coloured_as_the_whole_would_be(monkeypatch):
    class Where(Stub):
        def colorize(self, images, masks, seeds):
            made = images.astype(int) + 20
            made[:, : SIZE[0] // 2, :, 0] += 60
            return np.clip(made, 0, 255).astype(np.uint8)

    colored = []
    for band in (7, 1000):
        monkeypatch.setattr(tiles, "BAND", band)
        colored.append(tiles.colorize_picture(Where("colorize"), noise(80, 60, 1)[..., 0]).astype(int))
    assert np.abs(colored[0] - colored[1]).max() <= 1


class OfRows(Stub):
    """Fills each row of a hole with what is known in that row: exact for pictures that are constant along rows."""

    def inpaint(self, images, masks, seeds):
        for image, mask in zip(images, masks[..., 0] > 0, strict=True):
            known = ~mask.any(axis=1) | (~mask).any(axis=1)
            for row in np.flatnonzero(mask.any(axis=1) & known):
                if (~mask[row]).any():
                    image[row, mask[row]] = np.rint(image[row, ~mask[row]].mean(axis=0))
                else:
                    image[row] = image[max(0, row - 1)]
        return images


@pytest.mark.parametrize("shape", [(100, 300), (100, 100), (120, 120), (128, 128)], ids=str)
def test_levels_smaller_than_the_model_stay_in_place(shape):
    pixels = np.repeat(np.linspace(0, 255, shape[0])[:, None], shape[1], axis=1)
    pixels = np.repeat(np.rint(pixels).astype(np.uint8)[..., None], 3, axis=-1)
    hole = np.zeros(shape, bool)
    hole[10:-10, shape[1] // 5 : -(shape[1] // 5)] = True
    filled = crops.inpaint_picture(OfRows(size=(64, 64)), pixels, hole)
    assert np.abs(filled.astype(int) - pixels).max() <= 4


def test_enlarged_tiles_keep_the_means_of_their_blocks():
    class Textured(Stub):
        """Another texture in each call, with the right means in each tile."""

        def upscale(self, images, masks, seeds):
            texture = np.random.default_rng(len(self.calls)).integers(-60, 61, self.image_shape[:2])[None, ..., None]
            grown = images.repeat(2, axis=1).repeat(2, axis=2).astype(int)
            grown[:, ::2], grown[:, 1::2] = grown[:, ::2] + texture[:, ::2], grown[:, 1::2] - texture[:, ::2]
            return np.clip(grown, 0, 255).astype(np.uint8)

    pixels = noise(40, 70)
    made = tiles.tiled(Textured("upscale", factor=2), pixels)
    means = made.reshape(40, 2, 70, 2, 3).mean(axis=(1, 3))
    assert np.abs(means - pixels).max() <= 0.5
    assert np.abs(made.astype(int) - pixels.repeat(2, axis=0).repeat(2, axis=1)).mean() > 10
