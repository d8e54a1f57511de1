"""Pictures of any size and kind through a model that translates: whole, in tiles, with and without transparency."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen import inputs, networks
from keras_gen.models.contrastive import ContrastiveTranslator
from keras_gen.networks import residual
from keras_gen.repair import Picture, plan, repair, repair_picture, tiles
from keras_gen.repair.films import Film, is_film, read_film, save_film
from keras_gen.repair.translation import in_channels
from tests.repairs import SIZE, Stub, noise


def translated(stub, colors, alpha=None, **about):
    return repair_picture(stub, Picture(colors, alpha, about))


def test_a_model_of_any_size_gets_the_whole_picture():
    stub = Stub("translate", any_size=True)
    colors = noise(30, 41)
    np.testing.assert_array_equal(translated(stub, colors).colors, 255 - colors)
    assert [images.shape for images, _, _ in stub.calls] == [(1, 30, 41, 3)]


def test_tiles_of_a_translation_are_the_same_as_the_whole(monkeypatch):
    keras.utils.set_random_seed(0)
    network = residual.generator((8, 12, 3), width=4)
    for weight in network.trainable_variables:
        weight.assign(weight + 0.1 * keras.random.normal(weight.shape))
    shape = (8, 12, 3)
    source = inputs.Picture("picture", shape, any_size=True, to_discriminator=False)
    model = ContrastiveTranslator(network, networks.patch.discriminator(shape, width=4), inputs=[source])
    stub, colors = Stub("translate", any_size=True), noise(150, 331)
    stub.translate = lambda images, masks, seeds: model.translate(images)[:, 0]
    whole = translated(stub, colors).colors
    assert np.abs(whole.astype(int) - colors).mean() > 10
    monkeypatch.setattr(tiles, "TILE", 128)
    made = translated(stub, colors).colors
    assert [images.shape[1:3] for images, _, _ in stub.calls[1:]] == [
        (height, width) for height in (150, 150) for width in (192, 320, 203)
    ]
    assert np.abs(made.astype(int) - whole).max() <= 1
    assert (made == whole).mean() > 0.999


def test_a_model_of_one_size_sees_the_whole_picture_shrunk():
    stub = Stub("translate")
    colors = noise(*SIZE)
    np.testing.assert_array_equal(translated(stub, colors).colors, 255 - colors)
    ramp = np.repeat(np.linspace(0, 240, 96)[None, :, None], 64, 0).repeat(3, -1).astype("uint8")  # four times as large
    made = translated(stub, ramp).colors
    assert made.shape == ramp.shape
    assert np.abs(made.astype(int) - (255 - ramp))[:, 8:-8].max() <= 4
    tall = noise(50, 20)  # of another shape: what it lacks is reflected, and cut off again
    assert translated(stub, tall).colors.shape == (50, 20, 3)
    assert [images.shape for images, _, _ in stub.calls] == [(1, *SIZE, 3)] * 3


@pytest.mark.parametrize(
    ("source", "made", "kind", "colors", "is_transparent"),
    [
        (3, 3, "RGB", 3, False),
        (3, 3, "RGBA", 3, True),  # its own transparency is kept
        (1, 4, "L", 3, True),
        (4, 3, "L", 3, False),
        (4, 4, "RGBA", 3, True),
        (4, 1, "RGBA", 1, True),
        (3, 1, "RGB", 1, False),
    ],
)
def test_pictures_get_the_colours_of_the_model(source, made, kind, colors, is_transparent):
    image = Image.fromarray(noise(9, 7, 4)).convert(kind)
    pixels = np.asarray(image).reshape(9, 7, -1)
    alpha = pixels[..., 3] if kind == "RGBA" else None
    picture = translated(Stub("translate", source, made=made, any_size=True), pixels[..., :3], alpha, dpi=(72, 72))
    assert picture.colors.shape == (9, 7, colors)
    assert (picture.alpha is not None) == is_transparent
    if kind == "RGBA":
        np.testing.assert_array_equal(picture.alpha, alpha)
    assert picture.about == {"dpi": (72, 72)}


def test_a_profile_of_other_colours_is_left_out():
    same = translated(Stub("translate", 3, any_size=True), noise(9, 7), icc_profile=b"x")
    other = translated(Stub("translate", 3, made=1, any_size=True), noise(9, 7), icc_profile=b"x")
    assert (same.about, other.about) == ({"icc_profile": b"x"}, {})


def test_a_model_sees_what_it_would_have_been_trained_on():
    pixels = np.array([[[200, 100, 50, 0], [200, 100, 50, 51], [200, 100, 50, 255]]], "uint8")
    # On white: 0.2 · 200 + 0.8 · 255 = 244, 0.2 · 100 + 204 = 224, 0.2 · 50 + 204 = 214
    assert in_channels(pixels, 3).tolist() == [[[255, 255, 255], [244, 224, 214], [200, 100, 50]]]
    assert in_channels(pixels, 4).tolist() == [[[0, 0, 0, 0], [200, 100, 50, 51], [200, 100, 50, 255]]]
    assert in_channels(pixels[..., :1], 3).tolist() == [[[200, 200, 200]] * 3]
    assert in_channels(pixels[..., :3], 1).tolist() == [[[124], [124], [124]]]  # 59.8 + 58.7 + 5.7


def test_films_keep_their_frames_and_what_is_transparent(tmp_path):
    colors = [np.full((6, 8, 3), value, "uint8") for value in (10, 200, 90)]
    alpha = np.zeros((6, 8), "uint8")
    alpha[:, :3], alpha[:, 3] = 255, 127  # less than half opaque is transparent
    path = save_film(tmp_path / "film.gif", Film([Picture(each, alpha) for each in colors], [40, 80, 120]))
    assert is_film(path)
    film = read_film(path)
    assert film.durations == [40, 80, 120]
    for frame, before in zip(film.frames, colors, strict=True):
        np.testing.assert_array_equal(frame.alpha, np.where(np.arange(8) < 3, 255, 0) + np.zeros((6, 1), int))
        np.testing.assert_array_equal(frame.colors[:, :3], before[:, :3])
    Image.fromarray(colors[0]).save(tmp_path / "one.gif")
    assert not is_film(tmp_path / "one.gif")
    assert not is_film(tmp_path / "film.png")


def test_progress_counts_the_frames_of_a_film(tmp_path):
    save_film(tmp_path / "film.gif", Film([Picture(noise(9, 7) // each) for each in (1, 2, 3, 4)], [40] * 4))
    said = []
    planned = plan(tmp_path / "film.gif", tmp_path / "out", animates=True)
    repair(Stub("translate"), planned, on_progress=lambda text, done: said.append((text, done)))
    assert {text for text, _ in said} == {"translating 1 picture"}
    fractions = [done for _, done in said]
    assert fractions == sorted(fractions)
    assert {0, 0.25, 0.5, 0.75} <= set(fractions)
