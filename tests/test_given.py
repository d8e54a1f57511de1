"""A trained model on a user's few pictures: which are read, in which order, and what `reconstruct` and `invert` do."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_gen import data, images, networks
from keras_gen.cli.given import Invert, Reconstruct
from keras_gen.inputs import Categorical, Conditions
from keras_gen.models import saving
from keras_gen.models.autoencoders import Autoencoder
from tests.conftest import IMAGE_SHAPE, LATENT_DIM, make_autoencoder, make_conditional_gan, make_conditions, make_gan

HEIGHT, WIDTH, CHANNELS = IMAGE_SHAPE


def paint(path, value, size=(WIDTH, HEIGHT), mode="RGB"):
    """A picture of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * len(mode)).save(path)
    return path


@pytest.fixture
def five(tmp_path):
    """Five pictures of the model's shape, 10 to 50 by their names."""
    for value in (50, 20, 40, 10, 30):
        paint(tmp_path / "five" / f"p{value}.png", value)
    return tmp_path / "five"


def make_run(folder, model, **options):
    """What commands need of a run: its model, its options and the fingerprint of its data."""
    saving.save(model, folder)
    config = {"options": options}
    if name := options.get("data"):
        height, width, channels = model.image_shape
        loaded = data.load(name, image_size=(height, width), channels=channels)
        config["data"] = {"sha256": loaded.fingerprint}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def make_conditional_autoencoder(conditions):
    return Autoencoder(
        networks.conv.encoder(IMAGE_SHAPE, LATENT_DIM, widths=(4, 8)),
        networks.conv.decoder(IMAGE_SHAPE, LATENT_DIM, conditions.width, widths=(8, 4)),
        conditions=conditions,
    )


def values(pictures):
    """The value of each picture of one value."""
    return [int(image.flat[0]) for image in pictures.split.images[:]]


def test_one_file(five):
    one = data.pictures([five / "p40.png"], IMAGE_SHAPE)
    assert one.split.images.shape == (1, *IMAGE_SHAPE)
    assert (values(one), one.names, one.how) == ([40], ["p40"], "as 8×12×3")


def test_a_folder_comes_back_whole_in_order_and_with_names(five):
    paint(five / "deep" / "a.png", 60)
    paint(five / "@eaDir" / "p10.png", 255)
    found = data.pictures([five], IMAGE_SHAPE)
    assert values(found) == [60, 10, 20, 30, 40, 50]
    assert found.names == ["deep/a", "p10", "p20", "p30", "p40", "p50"]
    assert found.source == "five"


def test_a_folder_of_one(tmp_path):
    paint(tmp_path / "one" / "photo.png", 7)
    assert values(data.pictures([str(tmp_path / "one")], IMAGE_SHAPE)) == [7]


def test_folders_of_parts_are_read_like_any_other(tmp_path):
    paint(tmp_path / "trainA" / "1.png", 1)
    paint(tmp_path / "testB" / "1.png", 2)
    assert data.pictures([tmp_path], IMAGE_SHAPE).names == ["testB/1", "trainA/1"]


def test_several_paths_keep_their_order_and_names_are_unique(five):
    Image.open(five / "p20.png").save(five / "p20.bmp")
    paths = [five / "p50.png", five / "p20.png", five / "p20.bmp", five / "p50.png"]
    found = data.pictures(paths, IMAGE_SHAPE)
    assert values(found) == [50, 20, 20, 50]
    assert found.names == ["p50", "p20", "p20-2", "p50-2"]


def test_a_file_that_is_not_an_image_is_skipped_with_its_reason(five, capsys):
    (five / "p05.png").write_text("<html>")
    (five / "scan.tif").write_bytes(b"II*\x00")
    found = data.pictures([five], IMAGE_SHAPE)
    assert values(found) == [10, 20, 30, 40, 50]
    notes = capsys.readouterr().err
    assert "skipped 2 of 7 files" in notes
    assert "p05.png (a web page: download it again)" in notes
    assert "scan.tif (.tif is not read: convert it to .png)" in notes


def test_an_error_says_why_no_picture_is_left(tmp_path, five):
    (tmp_path / "page.png").write_text("<html>")
    with pytest.raises(ValueError, match=r"at least 1 readable image, received none; .*page\.png \(a web page"):
        data.pictures([tmp_path / "page.png"], IMAGE_SHAPE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="found none"):
        data.pictures([tmp_path / "empty"], IMAGE_SHAPE)
    for wrong, message in (
        ([tmp_path / "photo.png"], r"no such name and no such path"),
        ([tmp_path / "five.zip"], r"no such name and no such path"),
        (["digits", five], "one data set, or any number of image files and folders, received digits beside others"),
        ([], "at least one path"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            data.pictures(wrong, IMAGE_SHAPE)
    with pytest.raises(ValueError, match="expected fit to be one of crop"):
        data.pictures([five], IMAGE_SHAPE, fit="fill")


def test_arrays_come_in_order_and_unsplit(tmp_path):
    stack = np.arange(30, dtype="uint8")[:, None, None, None] * np.ones(IMAGE_SHAPE, "uint8")
    np.savez(tmp_path / "x.npz", x=stack, y=np.arange(30) % 2 + 5)
    np.savez(tmp_path / "both.npz", x_train=stack[:20], x_test=stack[20:])
    np.save(tmp_path / "x.npy", stack)
    for name in ("x.npz", "both.npz", "x.npy"):
        found = data.pictures([tmp_path / name], IMAGE_SHAPE)
        np.testing.assert_array_equal(found.split.images[:], stack)
        assert (found.names[29], found.how) == ("000029", "as 8×12×3")
    labelled = data.pictures([tmp_path / "x.npz"], IMAGE_SHAPE)
    assert [labelled.class_names[label] for label in labelled.split.labels[:3]] == ["5", "6", "5"]
    np.save(tmp_path / "one.npy", stack[:1])
    one = data.pictures([tmp_path / "one.npy"], (4, 4, 1), fit="pad")
    assert (one.split.images.shape, one.how) == ((1, 4, 4, 1), "padded to 4×4×1")


def test_a_named_set_gives_its_test_part():
    found = data.pictures(["digits"], (8, 8, 1))
    np.testing.assert_array_equal(found.split.images[:], data.load("digits").test.images)
    assert found.is_test_part


def test_pictures_of_another_size_and_mode_are_reconstructed_by_name(tmp_path, capsys):
    """Grey, transparent and 16-bit pictures, wider than the model's."""
    paint(tmp_path / "mine" / "b.png", 90, (40, 20), "RGBA")
    paint(tmp_path / "mine" / "a.png", 30, (40, 20), "L")
    Image.fromarray(np.full((20, 40), 257 * 60, "uint16")).save(tmp_path / "mine" / "c.png")
    run = make_run(tmp_path / "run", model := make_autoencoder(), data="digits")
    paths = tuple(str(tmp_path / "mine" / name) for name in ("c.png", "a.png", "b.png"))
    Reconstruct(run, data=paths, out=tmp_path / "out").run()
    assert capsys.readouterr().out.startswith(f"3 pictures from mine, cropped to 8×12×3: {tmp_path / 'out'}\n")
    originals = data.pictures(paths, IMAGE_SHAPE).split.images
    assert [int(image.max()) for image in originals[:2]] == [60, 30]
    expected = model.reconstruct(originals)
    for name, image in zip("cab", expected, strict=True):
        with Image.open(tmp_path / "out" / f"{name}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)
    Reconstruct(run, data=paths[:1], out=tmp_path / "one.png").run()
    with Image.open(tmp_path / "one.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), images.stacks(originals[:1], expected[:1]))


def test_all_given_pictures_are_used_unless_fewer_are_requested(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((33, *IMAGE_SHAPE), "uint8"))
    run = make_run(tmp_path / "run", make_autoencoder(), data="digits")
    for arguments, expected in (
        ({"data": (str(tmp_path / "x.npy"),)}, "33 pictures from x.npy, as 8×12×3"),
        ({"data": (str(tmp_path / "x.npy"),), "num": 3}, "3 pictures from x.npy, as 8×12×3"),
        ({}, "20 test images of digits, as 8×12×3"),
        ({"data": ("digits",)}, "20 test images of digits, cropped to 8×12×3"),
    ):
        Reconstruct(run, out=tmp_path / "x.png", **arguments).run()
        assert capsys.readouterr().out.startswith(expected)


def test_the_originals_are_not_overwritten(tmp_path, five):
    run = make_run(tmp_path / "run", make_autoencoder(), data="digits")
    for paths, out in (([five], five), ([five / "p10.png"], five / "p10.png")):
        with pytest.raises(ValueError, match=r"--out that leaves the pictures as they are, .*p10\.png"):
            Reconstruct(run, data=tuple(map(str, paths)), out=out).run()
    assert values(data.pictures([five], IMAGE_SHAPE)) == [10, 20, 30, 40, 50]


def test_neighbours_are_those_of_the_run(tmp_path, five, capsys):
    stack = np.repeat(np.arange(0, 200, 10, dtype="uint8"), np.prod(IMAGE_SHAPE)).reshape(-1, *IMAGE_SHAPE)
    np.savez(tmp_path / "own.npz", x_train=stack + 3, x_test=stack[:2])
    run = make_run(tmp_path / "run", make_gan(), data=str(tmp_path / "own.npz"))
    invert = Invert(run, data=(str(five),), steps=2, out=tmp_path / "x.png")
    invert.run()
    printed = capsys.readouterr()
    assert f"\n5 pictures from five, as 8×12×3: {tmp_path / 'x.png'}\n" in printed.out
    assert f"of the nearest of 20 training images {(3 / 127.5) ** 2:.5f}" in printed.out
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (5 * (WIDTH + 1) + 1, 3 * (HEIGHT + 1) + 1)
        assert picture.getpixel((1, 1 + 2 * (HEIGHT + 1))) == (13, 13, 13)  # the nearest to 10

    np.savez(tmp_path / "own.npz", x_train=stack, x_test=stack[:2])  # other images under that name
    invert.run()
    printed = capsys.readouterr()
    assert "nearest" not in printed.out
    assert "no nearest training images: " in printed.err
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (5 * (WIDTH + 1) + 1, 2 * (HEIGHT + 1) + 1)
    (tmp_path / "own.npz").unlink()
    invert.run()
    assert "nearest" not in capsys.readouterr().out


def test_a_model_without_a_run_takes_pictures(tmp_path, five, capsys):
    model = tmp_path / "model.keras"
    make_autoencoder().save(model)
    Invert(model, data=(str(five),), out=tmp_path / "x.npz").run()
    assert "nearest" not in capsys.readouterr().out
    with np.load(tmp_path / "x.npz") as found:
        assert found["names"].tolist() == ["p10", "p20", "p30", "p40", "p50"]
        assert len(found["latents"]) == 5
    with pytest.raises(ValueError, match="does not say what it was trained on: give --data"):
        Reconstruct(model, out=tmp_path / "x.png").run()


def test_conditions_are_requested_or_known(tmp_path, five, capsys):
    run = make_run(tmp_path / "run", model := make_conditional_autoencoder(make_conditions()))
    arguments = {"data": (str(five),), "out": tmp_path / "x.npy"}
    for command in (Reconstruct(run, **arguments), Invert(run, **{**arguments, "out": tmp_path / "x.npz"})):
        with pytest.raises(
            ValueError, match=r"expected species, hat, age of each picture.*--where species=… hat=… age=…"
        ):
            command.run()
    with pytest.raises(ValueError, match="unknown species 'ent': expected one of elf, orc, dwarf"):
        Reconstruct(run, where=("species=ent", "hat=yes", "age=3"), **arguments).run()

    Reconstruct(run, where=("species=orc", "hat=yes", "age=50"), **arguments).run()
    rows = np.repeat(model.conditions.rows(1, 0, {"species": "orc", "hat": "yes", "age": 50}), 5, axis=0)
    originals = data.pictures([five], IMAGE_SHAPE).split.images
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), model.reconstruct(originals, rows))

    # Only dwarfs, index 0 in their data and 2 in the model; numbers as they are; the hat is requested.
    (five / "attributes.csv").write_text(
        "file,species,age\n" + "".join(f"p{n}.png,dwarf,{n}\n" for n in range(10, 51, 10))
    )
    Reconstruct(run, where=("hat=no",), **arguments).run()
    rows = model.conditions.encode({"species": [2] * 5, "hat": [0] * 5, "age": [10, 20, 30, 40, 50]})
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), model.reconstruct(originals, rows))


def test_classes_are_matched_by_name_or_not_at_all(tmp_path):
    for folder, species in (("known", "orc"), ("unknown", "ent")):
        paint(tmp_path / folder / species / "1.png", 10)
        paint(tmp_path / folder / "train" / "dwarf" / "2.png", 20)
    conditions = Conditions([Categorical("label", ["elf", "orc", "dwarf"])])
    run = make_run(tmp_path / "run", make_conditional_autoencoder(conditions))
    Invert(run, data=(str(tmp_path / "known"),), out=tmp_path / "x.npz").run()
    with np.load(tmp_path / "x.npz") as found:
        assert dict(zip(found["names"], found["conditions"].argmax(axis=1), strict=True)) == {
            "orc/1": 1,
            "train/dwarf/2": 2,
        }
    with pytest.raises(
        ValueError, match="expected label of each picture, which the model learned and unknown does not"
    ):
        Invert(run, data=(str(tmp_path / "unknown"),), out=tmp_path / "x.npz").run()


def test_a_gan_without_given_conditions_finds_them(tmp_path, five):
    run = make_run(tmp_path / "run", make_conditional_gan())
    Invert(run, data=(str(five),), num=2, steps=2, out=tmp_path / "x.npz").run()
    with np.load(tmp_path / "x.npz") as found:
        assert found["conditions"].shape == (2, 9)
    with pytest.raises(ValueError, match="expected hat, age of each picture as well"):
        Invert(run, data=(str(five),), where=("species=elf",), out=tmp_path / "x.npz").run()
    run = make_run(tmp_path / "plain", make_gan())
    with pytest.raises(ValueError, match="expected no --where: this model was trained without conditions"):
        Invert(run, data=(str(five),), where=("species=elf",), out=tmp_path / "x.npz").run()
