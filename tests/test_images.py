"""Bytes, floats and grids, pixel by pixel."""

import importlib.util
import io
import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from keras_gen import images
from tests.conftest import make_autoencoder, make_gan
from tests.contracts import array


def test_every_byte_survives_the_round_trip():
    every = np.arange(256, dtype="uint8")
    floats = array(images.to_float(every))
    assert (floats[0], floats[255]) == (-1.0, 1.0)
    np.testing.assert_allclose(floats[51], -0.6, atol=1e-7)  # 51 / 127.5 − 1
    np.testing.assert_array_equal(array(images.to_uint8(floats)), every)


def test_floats_out_of_range_are_clipped():
    np.testing.assert_array_equal(array(images.to_uint8(np.array([-7.0, 1.2]))), [0, 255])


def test_integers_of_unknown_range_are_refused():
    with pytest.raises(ValueError, match="received int32: convert them"):
        images.to_float(np.zeros((2, 2), "int32"))


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ((0, 255), "received floats from 0 to 255: images / 127.5 - 1"),
        ((-2, 1), "received floats from -2 to 1: scale them"),
        ((-1, np.nan), "received NaN"),
    ],
)
def test_floats_of_another_scale_are_refused(scale, message):
    pictures = np.resize(np.array(scale, "float32"), (2, 8, 12, 3))
    for model, given in ((make_gan(), [pictures]), (make_autoencoder(), [pictures[:1], pictures])):
        with pytest.raises(ValueError, match=re.escape(f"expected images as uint8 or as floats in [-1, 1], {message}")):
            model.fit(*given, verbose=0)


def test_floats_in_the_other_common_scale_cause_a_warning():
    pictures = np.resize(np.array([0, 1], "float32"), (2, 8, 12, 3))
    with pytest.warns(UserWarning, match=r"from 0 to 1, seem to be floats in \[0, 1\]: 2 \* images - 1") as message:
        make_gan().fit(pictures, verbose=0)
    assert message[0].filename == __file__


def test_noisy_inputs_may_leave_the_scale_on_which_the_targets_are():
    clean = np.resize(np.array([-1, 1], "float32"), (2, 8, 12, 3))
    assert np.isfinite(make_autoencoder().fit(2 * clean, clean, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("scale", [(-1.0, 1.0), (-1.0005, 1.0005), (0.0, 0.5), (-0.1, 1.0)])
def test_floats_that_may_be_on_the_scale_are_accepted(scale):
    pictures = np.resize(np.array(scale, "float32"), (2, 8, 12, 3))
    images.check_range(pictures)
    images.check_range(100 * pictures.astype("int8"))  # not floats: to_float checks these
    images.check_range(100 * pictures.reshape(2, -1))  # not images: the codes of a second stage


def test_grid_places_each_image_and_changes_no_byte():
    batch = np.stack([np.full((2, 3, 1), level, "uint8") for level in (0, 50, 200)])
    ground = [128] * 9
    row = [[128, a, a, a, 128, b, b, b, 128] for a, b in ((0, 50), (200, 128))]
    expected = [ground, row[0], row[0], ground, row[1], row[1], ground]
    expected[4] = expected[5] = [128, 200, 200, 200, 128, 128, 128, 128, 128]
    np.testing.assert_array_equal(images.grid(batch, columns=2)[:, :, 0], expected)


@pytest.mark.parametrize(("num", "shape"), [(1, (10, 14)), (3, (19, 27)), (5, (19, 40)), (9, (28, 40))])
def test_grid_is_about_square(num, shape):
    assert images.grid(np.zeros((num, 8, 12, 3), "uint8")).shape == (*shape, 3)


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 2, 2, 1), "uint8"), np.zeros((3, 2, 2, 1)), np.zeros((2, 2, 1), "uint8")]
)
def test_grid_refuses_what_is_not_images(wrong):
    with pytest.raises(ValueError, match="expected at least one uint8 image as"):
        images.grid(wrong)


def test_stacks_place_parts_one_above_the_other():
    originals = np.arange(3, dtype="uint8").reshape(3, 1, 1, 1)
    stacked = images.stacks(originals, originals + 100, columns=2)
    np.testing.assert_array_equal(stacked[1::2, 1::2, 0], [[0, 1], [100, 101], [2, 128], [102, 128]])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_keeps_every_byte(channels, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (8, 12, channels)).astype("uint8")
    path = images.save_png(tmp_path / "deep" / "image.png", image)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture).reshape(image.shape), image)
    with Image.open(io.BytesIO(images.png_bytes(image))) as picture:
        assert picture.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]


def test_in_batches_covers_every_row_once():
    sizes = []

    def double(batch):
        sizes.append(len(batch))
        return batch * 2

    np.testing.assert_array_equal(images.in_batches(double, np.arange(7), batch_size=3), np.arange(7) * 2)
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_shows_every_frame_and_loops(suffix, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 1)).astype("uint8")
    with Image.open(images.save_film(tmp_path / "films" / f"x.{suffix}", frames, seconds=0.2)) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (5, (4, 6), 0)
        for index, frame in enumerate(frames):
            film.seek(index)
            film.load()
            assert film.info["duration"] == 200
            np.testing.assert_array_equal(np.asarray(film.convert("L")), frame[..., 0])


@pytest.mark.parametrize("channels", [3, 4])
def test_a_film_in_webp_is_exact(channels, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 6, 4, channels)).astype("uint8")
    with Image.open(images.save_film(tmp_path / "x.webp", frames)) as film:
        for index, frame in enumerate(frames):
            film.seek(index)
            shown, visible = np.asarray(film.convert("RGBA"))[..., :channels], frame[..., 3:].all(axis=-1)
            np.testing.assert_array_equal(shown[visible], frame[visible])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_video_shows_every_frame(channels, tmp_path):
    frames = np.repeat(np.arange(10, 60, 10, dtype="uint8"), 33 * 20 * channels).reshape(5, 33, 20, channels)
    path = images.save_film(tmp_path / "x.mp4", frames, seconds=0.1)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    ended = subprocess.run(command, capture_output=True, check=True)
    assert re.search(rb"Video: h264.* 20x34.* 10 fps", ended.stderr), "an even number of rows"
    shown = np.frombuffer(ended.stdout, "uint8").reshape(5, 34, 20, 3)
    assert np.abs(shown.astype(int) - frames[:, :1, :1, :1]).max() <= 3


def test_films_of_other_formats_and_without_their_package_are_refused(tmp_path, monkeypatch):
    frames = np.zeros((2, 8, 12, 3), "uint8")
    with pytest.raises(ValueError, match=r"expected a film \.gif, \.webp, \.mp4, received .*x\.avi"):
        images.save_film(tmp_path / "x.avi", frames)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"x\.mp4 needs imageio-ffmpeg: pip install 'keras_gen\[film\]'"):
        images.save_film(tmp_path / "x.mp4", frames)
