"""Claims about folders of images: how one file becomes bytes, which files count, and attributes.csv."""

import re

import numpy as np
import pytest
from PIL import Image

from keras_gen.data import folder as folder_module
from keras_gen.data import load
from keras_gen.data.decoding import Target, decode


def save_rgb(path, height=5, width=7, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def decoded(path, channels, height=1, width=3, fit="crop"):
    return decode(path, Target((height, width, channels), fit))


def test_16_bit_grey_is_divided_and_not_clipped(tmp_path):
    values = np.array([[0, 257, 65535, 32768, 128, 129]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    # v / 257 rounded, by hand: 32768 / 257 = 127.502, 128 / 257 = 0.498, 129 / 257 = 0.502
    assert decoded(tmp_path / "deep.png", 1, width=6).ravel().tolist() == [0, 1, 255, 128, 0, 1]
    assert decoded(tmp_path / "deep.png", 3, width=6)[0, 3].tolist() == [128, 128, 128]


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 9, 8, 7])
    image.putdata([0, 1, 2])
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "clear.png", transparency=2)
    assert decoded(tmp_path / "plain.png", 3)[0].tolist() == [[255, 0, 0], [0, 255, 0], [9, 8, 7]]
    assert decoded(tmp_path / "clear.png", 4)[0].tolist() == [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 0, 0]]
    assert decoded(tmp_path / "clear.png", 3)[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 255, 255]]


def test_alpha_is_laid_on_white_kept_or_added(tmp_path):
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [100, 100, 100, 51]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "rgba.png")
    Image.fromarray(pixels[..., [0, 3]]).save(tmp_path / "la.png")
    Image.fromarray(pixels[..., :3]).save(tmp_path / "rgb.png")
    # 100 at alpha 51 / 255 = 0.2 on white: 0.2 · 100 + 0.8 · 255 = 224
    assert decoded(tmp_path / "rgba.png", 3)[0].tolist() == [[10, 20, 30], [255, 255, 255], [224, 224, 224]]
    assert decoded(tmp_path / "rgba.png", 4)[0].tolist() == [[10, 20, 30, 255], [0, 0, 0, 0], [100, 100, 100, 51]]
    assert decoded(tmp_path / "la.png", 3)[0].tolist() == [[10] * 3, [255] * 3, [224] * 3]
    assert decoded(tmp_path / "la.png", 1).ravel().tolist() == [10, 255, 224]
    assert decoded(tmp_path / "rgb.png", 4)[0, 1].tolist() == [10, 20, 30, 255]
    # ITU-R 601: 0.299 · 10 + 0.587 · 20 + 0.114 · 30 = 18.15
    assert decoded(tmp_path / "rgb.png", 1)[0, 0].tolist() == [18]


def test_other_modes(tmp_path):
    Image.new("1", (3, 1), 1).save(tmp_path / "bit.bmp")
    Image.new("CMYK", (3, 1), (0, 0, 0, 255)).save(tmp_path / "print.jpg")
    frames = [Image.new("L", (3, 1), value) for value in (0, 90, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert decoded(tmp_path / "bit.bmp", 1).ravel().tolist() == [255, 255, 255]
    assert decoded(tmp_path / "print.jpg", 3).max() == 0
    assert decoded(tmp_path / "moving.gif", 3).max() == 0


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90° clockwise: the left column becomes the top row
    for index in range(2):
        pixels = np.array([[1, 2, 3], [4, 5, 6]], np.uint8) + index
        Image.fromarray(pixels).save(tmp_path / f"{index}.png", exif=exif)
    data = load(tmp_path)
    assert data.image_shape == (3, 2, 1)
    assert sorted(images[..., 0].tolist() for images in (data.train.images[0], data.test.images[0])) == [
        [[4, 1], [5, 2], [6, 3]],
        [[5, 2], [6, 3], [7, 4]],
    ]


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("crop", [[9, 9], [9, 9]]),  # the middle of 9 in a frame of 1
        ("pad", [[0, 0, 0, 0], [5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 0, 0]]),  # bars above and below
        ("stretch", [[1, 9, 9, 1]] * 4),  # twice as high, no wider
    ],
)
def test_fits(tmp_path, fit, expected):
    pixels = np.full((2, 4), 5) if fit == "pad" else np.array([[1, 9, 9, 1]] * 2)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "wide.png")
    height, width = np.shape(expected)
    assert decoded(tmp_path / "wide.png", 1, height, width, fit)[..., 0].tolist() == expected


def test_padding_is_transparent_where_there_is_alpha(tmp_path):
    Image.new("RGB", (4, 2), (5, 6, 7)).save(tmp_path / "wide.png")
    pixels = decoded(tmp_path / "wide.png", 4, 4, 4, "pad")
    assert pixels[:, 0].tolist() == [[0, 0, 0, 0], [5, 6, 7, 255], [5, 6, 7, 255], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("modes", "channels"),
    [("L1", 1), (["L", "RGB"], 3), (["RGBA", "LA"], 4), (["RGBA", "RGB"], 3), (["L", "LA"], 1), (["I;16", "L"], 1)],
)
def test_channels_are_decided_from_all_files(tmp_path, modes, channels):
    for index, mode in enumerate(modes):
        Image.new(mode, (3, 2)).save(tmp_path / f"{index}.png")
    assert load(tmp_path).image_shape == (2, 3, channels)


@pytest.mark.parametrize(
    ("sizes", "shape", "message"),
    [
        ([(5, 7), (5, 7)], (5, 7, 3), ""),
        ([(5, 256), (5, 256)], (5, 256, 3), ""),
        ([(5, 257), (5, 257)], (5, 5, 3), "images are 257×5: cropped to 5×5 with Lanczos"),
        ([(70, 90), (200, 70)], (64, 64, 3), "images have 2 sizes from 90×70 to 70×200: cropped to 64×64 with Lanczos"),
        ([(70, 90), (9, 80)], (39, 39, 3), "cropped to 39×39"),
    ],
)
def test_the_default_size_is_reported_when_it_is_not_that_of_the_files(tmp_path, capsys, sizes, shape, message):
    for index, (height, width) in enumerate(sizes):
        save_rgb(tmp_path / f"{index}.png", height, width)
    assert load(tmp_path).image_shape == shape
    said = capsys.readouterr().err
    assert message in said
    assert ("--image-size and --fit change that" in said) == bool(message)
    assert said.count("\n") == bool(message)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_mixed_sizes_are_resized_to_the_requested_size(tmp_path, capsys, fit):
    save_rgb(tmp_path / "a.png", 5, 20)
    save_rgb(tmp_path / "b.png", 30, 7)
    assert load(tmp_path, image_size=(6, 9), fit=fit).image_shape == (6, 9, 3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("limit", [2**31, 0], ids=["memory", "streamed"])
def test_bad_files_among_good_are_skipped_and_named(tmp_path, monkeypatch, capsys, limit):
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", limit)
    pixels = [save_rgb(tmp_path / f"{index}.png", seed=index) for index in range(4)]
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.gif").write_text("no image")
    (tmp_path / "2cut.png").write_bytes((tmp_path / "2.png").read_bytes()[:100])
    (tmp_path / "[red]gone.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("not asked about")
    data = load(tmp_path)
    assert [path for path, _ in data.skipped] == ["[red]gone.png", "empty.jpg", "text.gif", "2cut.png"]
    assert [why for _, why in data.skipped][1:] == ["empty file", "not an image", "image file is truncated"]
    images = np.concatenate([data.train.images[:], data.test.images[:]])
    assert sorted(images.tolist()) == sorted(image.tolist() for image in pixels)
    said = capsys.readouterr().err
    assert said.startswith("skipped 4 of 8 files that could not be read: [red]gone.png (")
    assert said.count("\n") == 1


def test_images_in_other_formats_are_counted(tmp_path, capsys):
    for name in ("cats/0.png", "cats/1.PNG", "dogs/0.tif", "dogs/1.TIFF", "dogs/notes.txt", "dogs/list.pdf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no image") if path.suffix in (".txt", ".pdf") else Image.new("RGB", (7, 5)).save(path)
    data = load(tmp_path)
    assert data.class_names == ["cats"]
    assert data.skipped == [
        ("dogs/0.tif", ".tif is not read: convert it to .png"),
        ("dogs/1.TIFF", ".TIFF is not read: convert it to .png"),
    ]
    assert capsys.readouterr().err.startswith("skipped 2 of 4 files that could not be read: dogs/0.tif (.tif is not")


@pytest.mark.parametrize(("channels", "said"), [(None, True), (3, False), (4, False)])
def test_lost_transparency_is_reported(tmp_path, capsys, channels, said):
    for index, mode in enumerate(("RGBA", "RGBA", "RGB")):
        Image.new(mode, (3, 2)).save(tmp_path / f"{index}.png")
    load(tmp_path, channels=channels)
    lines = capsys.readouterr().err
    assert lines == "2 of 3 images may be transparent: laid on white; --channels 4 keeps it\n" * said


def test_decompression_bombs_are_skipped_before_they_are_decoded(tmp_path, monkeypatch):
    for index in range(3):
        save_rgb(tmp_path / f"{index}.png")
    Image.new("L", (100, 90)).save(tmp_path / "bomb.png")
    Image.new("L", (100, 190)).save(tmp_path / "large bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 8000)
    skipped = dict(load(tmp_path).skipped)
    assert list(skipped) == ["bomb.png", "large bomb.png"]
    assert all("decompression bomb" in why for why in skipped.values())


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({}, r"expected images \(\.bmp .*\) in .*, found none"),
        (
            {"a.png": b"", "b.png": b"x"},
            "at least 2 readable images in .*, received 0; 2 unreadable, such as a.png \\(empty file",
        ),
        ({"a.png": None, "b.png": b""}, "received 1; 1 unreadable, such as b.png"),
        ({"a.png": None, "b.png": "cut"}, "received 1; 1 unreadable, such as b.png"),
        ({".hidden.png": None, ".hidden/a.png": None}, "found none"),
        ({"scan.tiff": None}, "found none, but .tiff: convert them to .png$"),
        ({"b.npz": b""}, "found none, but .*/b.npz: give that path$"),
    ],
)
def test_a_folder_without_two_images_is_refused(tmp_path, contents, message):
    for name, content in contents.items():
        if not name.endswith(".npz"):
            save_rgb(tmp_path / name)
        if content is not None:
            (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:90] if content == "cut" else content)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_links_are_followed_and_loops_end(tmp_path):
    for index in range(3):
        save_rgb(tmp_path / "set" / "a" / f"{index}.png", seed=index)
        save_rgb(tmp_path / "elsewhere" / f"{index}.JPeG", seed=index)
    (tmp_path / "set" / "a" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    data = load(tmp_path / "set")
    assert data.class_names == ["a", "b"]
    assert len(data.train) + len(data.test) == 6


def test_images_beside_class_folders_have_no_labels(tmp_path, capsys):
    for name in ["a/0.png", "b/1.png", "2.png"]:
        save_rgb(tmp_path / name)
    data = load(tmp_path)
    assert data.train.labels is None
    assert data.class_names is None
    assert "beside the class folders, such as 2.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (["train/a/0.png", "test/0.png", "sheet.png"], r"received images in \., test, train"),
        (["train/a/0.png", "train/b/0.png"], "received images in train: move .*, or load .*train to have a test part"),
        (["val/a/0.png", "test/a/0.png"], "received images in test, val: move .*, or load .*/test to have"),
        (["VALID/a/0.png", "sheet.png"], r"received images in \., VALID: move .*, or load .*/VALID to have"),
        (["test/a/0.png", "test/b/0.png"], "received images in test: move"),
    ],
)
def test_parts_that_would_be_taken_for_classes_are_refused(tmp_path, names, refused):
    for name in names:
        save_rgb(tmp_path / name)
    with pytest.raises(ValueError, match=f"in the sub-folders train and test alone, {refused}"):
        load(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("Train", "TEST"),
        ("training", "testing"),
        ("training_set/training_set", "test_set/test_set"),
        ("train", "val"),
    ],
)
def test_parts_have_many_names(tmp_path, names):
    for part, name in enumerate(names):
        for index in range(2 + part):
            save_rgb(tmp_path / name / "ab"[index % 2] / f"{index}.png", seed=10 * part + index)
    data = load(tmp_path)
    assert (len(data.train), len(data.test), data.class_names) == (2, 3, ["a", "b"])


def test_a_validation_part_beside_a_test_part_is_left_out(tmp_path, capsys):
    for index, name in enumerate(["train/a", "train/b", "test/a", "Valid/a", "Valid/only_here"]):
        save_rgb(tmp_path / name / "0.png", seed=index)
    data = load(tmp_path)
    assert (len(data.train), len(data.test), data.class_names) == (2, 1, ["a", "b"])
    assert "2 validation images are left out" in capsys.readouterr().err


@pytest.mark.parametrize("inside", ["", "train/", "deeper/"])
def test_the_single_folder_of_an_unpacked_archive_is_read(tmp_path, capsys, inside):
    for name in ("a/0.png", "a/1.png", "b/2.png", "b/3.png"):
        save_rgb(tmp_path / "pets" / "archive" / inside / name)
    if inside == "train/":
        save_rgb(tmp_path / "pets" / "archive" / "test" / "b" / "4.png")
    data = load(tmp_path / "pets")
    assert (data.name, data.class_names) == ("pets", ["a", "b"])
    assert len(data.test) == 1
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == f"all images of {tmp_path / 'pets'} lie in archive, which is read instead"


@pytest.mark.parametrize("outside", ["scan.tif", "tif/b/0.tif"])
def test_a_folder_beside_other_images_is_not_read_instead(tmp_path, capsys, outside):
    for name in ("archive/a/0.png", "archive/b/1.png"):
        save_rgb(tmp_path / name)
    (tmp_path / outside).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (7, 5)).save(tmp_path / outside)
    data = load(tmp_path)
    assert (data.class_names, [file for file, _ in data.skipped]) == (["archive"], [outside])
    assert "archive/a is not a separate class: images in it belong to the class archive" in capsys.readouterr().err


def test_a_single_class_is_a_class(tmp_path, capsys):
    for index in range(2):
        save_rgb(tmp_path / "cats" / f"{index}.png")
    assert load(tmp_path).class_names == ["cats"]
    assert capsys.readouterr().err == ""


def test_folders_within_classes_are_reported_as_no_separate_classes(tmp_path, capsys):
    for name in ("animals/cat/0.png", "animals/dog/1.png", "cars/2.png"):
        save_rgb(tmp_path / name)
    assert load(tmp_path).class_names == ["animals", "cars"]
    said = "animals/cat is not a separate class: images in it belong to the class animals\n"
    assert capsys.readouterr().err == said


def test_train_may_be_a_class_among_others(tmp_path):
    for name in ["train/0.png", "bus/0.png"]:
        save_rgb(tmp_path / name)
    assert load(tmp_path).class_names == ["bus", "train"]


def attributes(tmp_path, text, encoding="utf-8"):
    for name in ["test/a/0.png", "test/b/1.png", "train/a/2.png", "train/b/3.png"]:
        save_rgb(tmp_path / name)
    (tmp_path / "attributes.csv").write_bytes(text.encode(encoding))
    return load(tmp_path)


def test_the_empty_values_of_spreadsheets_are_missing(tmp_path):
    data = attributes(tmp_path, "file,age,mood\ntrain/a/2.png,N/A,na\ntrain/b/3.png,7,glad\n")
    np.testing.assert_array_equal(data.train.attributes["age"], [np.nan, 7])
    assert data.train.attributes["mood"].tolist() == [-1, 0]


def test_what_is_infinite_in_float32_is_missing(tmp_path):
    data = attributes(tmp_path, "file,age\ntrain/a/2.png,inf\ntrain/b/3.png,1e40\ntest/a/0.png,3\ntest/b/1.png,-2\n")
    assert np.isnan(data.train.attributes["age"]).all()
    assert data.test.attributes["age"].tolist() == [3, -2]


@pytest.mark.parametrize(
    ("cells", "values", "said"),
    [
        (
            ["1", "2", "3", "?"],
            ["1", "2", "3", "?"],
            "age in .* holds text besides numbers, such as '\\?': its 4 values are",
        ),
        (["1", "2", "a", "b"], ["1", "2", "a", "b"], None),
        (["1_0", "1_1", "1_0", "1_1"], ["1_0", "1_1"], None),
    ],
)
def test_a_column_of_numbers_with_a_few_words_is_reported_as_classes(tmp_path, capsys, cells, values, said):
    files = ["train/a/2.png", "train/b/3.png", "test/a/0.png", "test/b/1.png"]
    rows = "\n".join(f"{file},{cell}" for file, cell in zip(files, cells, strict=True))
    assert attributes(tmp_path, f"file,age\n{rows}").attribute_values["age"] == sorted(values)
    lines = capsys.readouterr().err
    assert re.match(said, lines) if said else lines == ""


def test_images_without_a_row_are_counted(tmp_path, capsys):
    attributes(tmp_path, "file,age\ntrain/a/2.png,1\n")
    assert capsys.readouterr().err.endswith("attributes.csv: 3, such as test/a/0.png\n")


def test_attributes_are_read_by_file(tmp_path, capsys):
    data = attributes(
        tmp_path,
        ",file,age,mood\r\n"
        '0,train/b/3.png,1.5,"sad, very"\r\n'
        "1,./test/a/0.png,,glad\r\n"
        "\r\n"
        "2,train/a/2.png,-2,\r\n"
        "3,../outside.png,7,odd\r\n",
        encoding="utf-8-sig",
    )
    assert data.attribute_values == {"mood": ["glad", "sad, very"]}
    assert list(data.train.attributes) == ["age", "mood"]
    np.testing.assert_array_equal(data.train.attributes["age"], np.array([-2, 1.5], np.float32))
    np.testing.assert_array_equal(data.test.attributes["age"], [np.nan, np.nan])
    assert data.train.attributes["age"].dtype == np.float32
    assert data.train.attributes["mood"].tolist() == [-1, 1]
    assert data.test.attributes["mood"].tolist() == [0, -1]
    assert data.test.attributes["mood"].dtype == np.int64
    assert "rows without a readable image in" in (said := capsys.readouterr().err)
    assert ": 1, such as ../outside.png" in said


def test_attributes_of_files_that_cannot_be_decoded_are_dropped(tmp_path):
    for index in range(4):
        save_rgb(tmp_path / f"{index}.png")
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:100])
    (tmp_path / "attributes.csv").write_text("file,age\n0.png,0\n1.png,1\n2.png,2\n3.png,3\n")
    data = load(tmp_path)
    assert sorted([*data.train.attributes["age"], *data.test.attributes["age"]]) == [0, 2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,age\na.png,1\n", "expected a column named file in .*, received path, age"),
        ("", "received an empty file"),
        ("file,age,age\n", "its own name, received file, age, age"),
        ("file,age\ntest/a/0.png\n", "expected 2 cells in row 2 of .*, received 1"),
        ("file,age\ntest/a/0.png,1\n./test/a/0.png,2\n", "each file once in .*, received test/a/0.png again in row 3"),
    ],
)
def test_wrong_attributes_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        attributes(tmp_path, text)


def test_attributes_must_be_utf_8(tmp_path):
    with pytest.raises(ValueError, match="expected comma-separated UTF-8 text"):
        attributes(tmp_path, "file,größe\n", encoding="latin-1")


def test_a_file_that_vanishes_is_replaced_and_reported_once(tmp_path, monkeypatch, capsys):
    for index in range(20):
        Image.new("L", (3, 3), index).save(tmp_path / f"{index:02}.png")
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", 0)
    images = load(tmp_path).train.images
    paths = images.paths.tolist()
    paths[0].unlink()
    paths[1].unlink()
    for _ in range(2):
        assert images[np.arange(3)][:, 0, 0, 0].tolist() == [int(paths[2].stem)] * 3
    notes = capsys.readouterr().err.splitlines()
    assert sorted(line.split(" can no longer")[0] for line in notes) == sorted(map(str, paths[:2]))
    assert f"(No such file or directory): {paths[2].name} takes its place" in notes[0]
    for path in paths[2:]:
        path.unlink()
    with pytest.raises(FileNotFoundError):
        images[0]
