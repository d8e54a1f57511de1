"""Claims about files and folders from elsewhere: scanners, file systems, archives, authors of data sets."""

import re
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_gen.data import folder as folder_module
from keras_gen.data import load
from keras_gen.data.decoding import Target, decode
from keras_gen.data.finding import SYSTEM_FOLDERS
from keras_gen.inputs import Conditions
from keras_gen.repair.holes import decode_mask

GREY, RGB, PALETTE, GREY_ALPHA = 0, 2, 3, 4  # the colour types of PNG


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(path, values, bits=16, colour=GREY, transparent=None, palette=b""):
    """Writes samples (height, width) or (height, width, samples) as the specification of PNG says, without Pillow.

    `transparent` is what the chunk tRNS holds: the 16-bit samples of one colour, or for a palette bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.asarray(values)
    if bits == 16:
        lines = [row.astype(">u2").tobytes() for row in values]
    else:
        bit_rows = np.unpackbits(values.astype(np.uint8).reshape(len(values), -1, 1), axis=2)[..., 8 - bits :]
        lines = [np.packbits(row).tobytes() for row in bit_rows]
    content = chunk(b"IHDR", struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, colour, 0, 0, 0))
    content += chunk(b"PLTE", palette) if palette else b""
    if transparent is not None:
        key = bytes(transparent) if colour == PALETTE else struct.pack(f">{len(transparent)}H", *transparent)
        content += chunk(b"tRNS", key)
    content += chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in lines))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def tiff(path, values, sample_format=1, photometric=1, order="<"):
    """Writes one grey strip as the specification of TIFF says; `sample_format` 1 is unsigned, 2 signed, 3 float."""
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    height, width = values.shape
    tags = {256: width, 257: height, 258: 8 * values.itemsize, 259: 1, 262: photometric, 273: 8, 277: 1}
    tags |= {278: height, 279: len(data), 339: sample_format}
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(data))
    path.write_bytes(head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4))


def save(path, seed=0, value=None):
    """A small picture; those of different seeds differ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels if value is None else np.full_like(pixels, value)).save(path)


def save_all(folder, names):
    for seed, name in enumerate(names):
        save(folder / name, seed)


def all_images(data):
    return np.concatenate([data.train.images[:], data.test.images[:]])


# ---- Bits ------------------------------------------------------------------------------------------------------------


def scans(folder, kind, peak, num=4):
    """16-bit pictures, of which one reaches `peak` and the others half of it."""
    for index in range(num):
        values = np.linspace(0, peak if index == 1 else peak // 2, 35).astype(np.uint16).reshape(5, 7)
        path = folder / f"{index}.png"
        if kind == "grey":
            png(path, values)
        elif kind == "rgb":
            png(path, np.stack([values, values // 2, values // 3], -1), colour=RGB)
        elif kind == "grey and alpha":
            png(path, np.stack([values, np.full_like(values, 65535)], -1), colour=GREY_ALPHA)
        elif kind == "pgm":
            path.write_bytes(b"P5 7 5 65535\n" + values.astype(">u2").tobytes())
        else:
            tiff(path, values, order=">" if kind == "big-endian tiff" else "<")


KINDS = ["grey", "rgb", "grey and alpha", "pgm", "tiff", "big-endian tiff"]


@pytest.mark.parametrize("limit", [2**31, 0], ids=["memory", "streamed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("peak", "bits", "factor"),
    [(255, 8, 256), (1023, 10, 64), (3000, 12, 16), (4095, 12, 16), (9000, 14, 4), (16383, 14, 4)],
)
def test_unused_high_bits_are_reported_once(tmp_path, monkeypatch, capsys, kind, peak, bits, factor, limit):
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", limit)
    scans(tmp_path, kind, peak)
    images = all_images(load(tmp_path))
    lines = [line for line in capsys.readouterr().err.splitlines() if "bits" in line]
    assert len(lines) == 1
    largest = peak if "rgb" not in kind and "alpha" not in kind else peak // 256 * 256 + 255  # Pillow's are high bytes
    assert lines[0].startswith(
        f"no value of the 16-bit images is above {largest:,} of 65,535, as in scans of {bits} bits"
    )
    assert f"multiply the values by {factor}" in lines[0]
    # The same file is the same bytes in any set: half of the peak stays half of it.
    assert images[..., 0].max() in (round(peak / 257), peak // 256)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("peak", [20_000, 32_767, 65_535])
def test_16_bits_that_are_used_are_not_reported(tmp_path, capsys, kind, peak):
    scans(tmp_path, kind, peak)
    load(tmp_path)
    assert "bits" not in capsys.readouterr().err


def test_a_dark_picture_of_16_bits_in_a_set_that_uses_them_stays_dark(tmp_path, capsys):
    png(tmp_path / "dark.png", np.full((5, 7), 4000))
    png(tmp_path / "light.png", np.full((5, 7), 60_000))
    assert sorted(all_images(load(tmp_path)).max(axis=(1, 2, 3))) == [16, 233]  # v / 257: 15.56 and 233.46
    assert capsys.readouterr().err == ""


def test_8_bit_pictures_beside_do_not_hide_the_unused_bits(tmp_path, capsys):
    save(tmp_path / "usual.png", value=255)
    png(tmp_path / "scan.png", np.full((5, 7), 4095))
    load(tmp_path)
    assert "no value of the 16-bit images is above 4,095" in capsys.readouterr().err


def test_no_file_is_opened_again_to_find_unused_bits(tmp_path, monkeypatch):
    scans(tmp_path, "rgb", 4095)
    opened = []
    open_image = Image.open
    monkeypatch.setattr(Image, "open", lambda path: opened.append(path) or open_image(path))
    load(tmp_path)
    assert sorted(opened) == sorted(2 * list(tmp_path.iterdir()))  # its header, then its pixels


# ---- Values of unknown range -----------------------------------------------------------------------------------------

RAMP = np.linspace(0, 1, 35).reshape(5, 7)


@pytest.mark.parametrize(
    ("values", "sample_format", "photometric", "why"),
    [
        (
            RAMP.astype("f4"),
            3,
            1,
            "floating-point values of unknown range: save bytes, np.round(255 * x) for x in [0, 1]",
        ),
        ((255 * RAMP).astype("f4"), 3, 1, "floating-point values of unknown"),
        (RAMP.astype("f8"), 3, 1, "a TIFF of an unsupported kind: convert it to a .png of 8 bits"),
        (
            (3000 * RAMP - 1000).astype("i2"),
            2,
            1,
            "values from -1,000 to 2,000, outside 0 to 65,535: convert it to 8 bits",
        ),
        ((3000 * RAMP - 1000).astype("i4"), 2, 1, "values from -1,000 to 2,000, outside"),
        ((400_000 * RAMP).astype("u4"), 1, 1, "values from 0 to 400,000, outside 0 to 65,535"),
        ((60_000 * RAMP).astype("u2"), 1, 0, "a TIFF in which 0 is white"),
        ((100 * RAMP - 50).astype("i1"), 2, 1, "a TIFF of signed values"),
    ],
    ids=["f4", "f4 to 255", "f8", "i2", "i4", "u4", "white is 0", "i1"],
)
def test_a_tiff_of_another_scale_is_skipped_with_the_reason(tmp_path, values, sample_format, photometric, why):
    save_all(tmp_path, ["0.png", "1.png"])
    tiff(tmp_path / "2.png", values, sample_format, photometric)
    data = load(tmp_path)
    assert [file for file, _ in data.skipped] == ["2.png"]
    assert data.skipped[0][1].startswith(why)
    assert len(all_images(data)) == 2


def test_a_set_of_floats_is_refused_with_the_reason(tmp_path):
    for index in range(3):
        tiff(tmp_path / f"{index}.png", RAMP.astype("f4"), 3)
    (tmp_path / "3.png").write_bytes(b"Pf\n7 5\n-1.0\n" + RAMP.astype("<f4").tobytes())  # PFM
    with pytest.raises(ValueError, match=r"received 0; 4 unreadable, such as 0.png \(floating-point values of unknown"):
        load(tmp_path)


def test_a_program_for_printers_is_not_executed(tmp_path, monkeypatch):
    save_all(tmp_path, ["0.png", "1.png"])
    Image.new("L", (7, 5)).save(tmp_path / "2.png", format="EPS")
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: pytest.fail("a process"))
    assert load(tmp_path).skipped == [("2.png", "PostScript, which would be executed: convert it to .png")]


@pytest.mark.parametrize("dtype", ["u2", "i4"])
def test_a_tiff_of_16_bits_is_read(tmp_path, dtype):
    for order in "<>":
        tiff(tmp_path / "deep.png", np.array([[0, 257, 65535]]).astype(dtype), 1 if dtype == "u2" else 2, order=order)
        assert decode(tmp_path / "deep.png", Target((1, 3, 1))).ravel().tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS: git lfs pull"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC: convert it to .jpg or .png"),
        (b"\0\0\0\x18ftypmif1" + bytes(99), "HEIC: convert"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), "JPEG XL: convert it to .jpg or .png"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page: download it again"),
        (b"<html>404</html>", "a web page: download it again"),
        (b'<?xml version="1.0"?><svg/>', "SVG: convert it to .png"),
        (b"II+\0" + bytes(99), "a TIFF of an unsupported kind"),
        (b"PK\x03\x04" + bytes(99), "an archive: unpack it"),
        (b"text", "not an image"),
        (b"", "empty file"),
    ],
)
def test_the_format_of_what_is_not_an_image_is_named(tmp_path, content, why):
    save_all(tmp_path, ["0.png", "1.png"])
    (tmp_path / "2.jpg").write_bytes(content)
    assert [reason.startswith(why) for _, reason in load(tmp_path).skipped] == [True]


# ---- Transparency ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "bits", "colour", "transparent", "expected"),
    [  # grey bytes, or None where the picture is transparent; of b bits v · 255 / (2^b - 1), of 16 v / 257 rounded
        ([0, 1, 0], 1, GREY, [0], [None, 255, None]),
        ([0, 1, 0], 1, GREY, [1], [0, None, 0]),
        ([0, 1, 3], 2, GREY, [3], [0, 85, None]),
        ([0, 1, 3], 2, GREY, [0], [None, 85, 255]),
        ([0, 5, 15], 4, GREY, [5], [0, None, 255]),
        ([0, 15, 1], 4, GREY, [15], [0, None, 17]),
        ([0, 5, 15], 8, GREY, [5], [0, None, 15]),
        ([3, 0, 9], 8, GREY, [0], [3, None, 9]),
        ([0, 500, 65535], 16, GREY, [500], [0, None, 255]),
        ([499, 500, 501], 16, GREY, [500], [2, None, 2]),
        ([0, 500, 65535], 16, GREY, [0], [None, 2, 255]),
        ([0, 500, 65535], 16, GREY, [65535], [0, 2, None]),
        ([0, 500, 65535], 16, GREY, [7], [0, 2, 255]),
        ([[4, 4, 4], [4, 4, 5], [9, 9, 9]], 8, RGB, [4, 4, 5], [4, None, 9]),
        ([[257] * 3, [300, 257, 257], [65535] * 3], 16, RGB, [300, 257, 257], [1, None, 255]),
        ([[256] * 3, [257] * 3, [0] * 3], 16, RGB, [257] * 3, [1, None, 0]),
        ([[1024] * 3, [4] * 3, [1028] * 3], 16, RGB, [4] * 3, [4, None, 4]),
        ([0, 1, 2], 8, PALETTE, [255, 0], [7, None, 9]),
        ([0, 1, 2], 2, PALETTE, [0], [None, 8, 9]),
        ([0, 1, 0], 1, PALETTE, [255, 0], [7, None, 7]),
        ([0, 1, 2], 4, PALETTE, [255, 255, 0], [7, 8, None]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_transparent_colour_of_a_png_is_white_or_nothing(
    tmp_path, values, bits, colour, transparent, expected, turned
):
    palette = bytes([7] * 3 + [8] * 3 + [9] * 3)
    png(tmp_path / "0.png", [values], bits, colour, transparent, palette if colour == PALETTE else b"")
    if turned:  # by 180°
        content = (tmp_path / "0.png").read_bytes()
        exif = chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 3, 0) + bytes(4))
        (tmp_path / "0.png").write_bytes(content[:33] + exif + content[33:])
        expected = expected[::-1]
    on_white = [255 if grey is None else grey for grey in expected]
    assert decode(tmp_path / "0.png", Target((1, 3, 3)))[0].tolist() == [[grey] * 3 for grey in on_white]
    kept = [[0] * 4 if grey is None else [grey] * 3 + [255] for grey in expected]
    assert decode(tmp_path / "0.png", Target((1, 3, 4)))[0].tolist() == kept
    mask = [0 if grey is None else grey for grey in expected]  # what is transparent in a mask is known
    assert np.asarray(decode_mask(tmp_path / "0.png"))[0].tolist() == mask


def test_the_note_on_transparency_is_right_for_16_bits(tmp_path, capsys):
    png(tmp_path / "0.png", [[0, 500, 65535]], transparent=[500])
    png(tmp_path / "1.png", [[0, 500, 65535]])
    data = load(tmp_path)
    assert capsys.readouterr().err == "1 of 2 images may be transparent: laid on white; --channels 4 keeps it\n"
    assert sorted(all_images(data).reshape(2, 3).tolist()) == [[0, 2, 255], [0, 255, 255]]


# ---- Folders that systems make ---------------------------------------------------------------------------------------

SYSTEMS = [
    *["@eaDir", "#recycle", "@tmp", "@Recycle", "@Recently-Snapshot", "#snapshot", ".@__thumb"],  # of network storage
    *["__MACOSX", ".Trashes", ".AppleDouble", "Network Trash Folder", "Temporary Items"],
    *["$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", "System Volume Information", "found.000", "FOUND.001"],
    *["lost+found", ".Trash-1000", ".thumbnails", "LOST.DIR"],
    *[".git", ".ipynb_checkpoints", "__pycache__", ".cache", "node_modules"],
]


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("inside", ["", "cat/"], ids=["top", "class"])
def test_folders_of_systems_are_left_out_and_reported_once(tmp_path, capsys, name, inside):
    save_all(tmp_path, ["cat/0.png", "cat/1.png", "dog/2.png", f"{inside}{name}/0.png/SYNOPHOTO_THUMB_M.jpg"])
    data = load(tmp_path)
    assert data.class_names == ["cat", "dog"]
    assert len(all_images(data)) == 3
    assert capsys.readouterr().err == (
        f"left out with the images in them, because systems and programs make such folders: {inside}{name}\n"
    )


def test_the_first_of_many_are_named(tmp_path, capsys):
    save_all(tmp_path, [f"{kind}/{inside}1.png" for kind in "abcde" for inside in ("", "@eaDir/")])
    load(tmp_path)
    assert capsys.readouterr().err.endswith("such folders: a/@eaDir, b/@eaDir, c/@eaDir and 2 more\n")


def test_system_folders_beside_parts_are_left_out_too(tmp_path, capsys):
    save_all(tmp_path, ["train/a/0.png", "test/a/1.png", "@eaDir/2.png", "test/@eaDir/3.png"])
    data = load(tmp_path)
    assert (len(data.train), len(data.test), data.class_names) == (1, 1, ["a"])
    assert capsys.readouterr().err.endswith("such folders: @eaDir, test/@eaDir\n")


def test_system_folders_without_images_are_not_reported(tmp_path, capsys):
    save_all(tmp_path, ["cat/0.png", "dog/1.png", "__MACOSX/cat/._0.png"])
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"thumbs")
    assert load(tmp_path).class_names == ["cat", "dog"]
    assert capsys.readouterr().err == ""


def test_the_macosx_folder_of_an_archive_does_not_hide_its_single_folder(tmp_path, capsys):
    save_all(tmp_path, ["pets/cat/0.png", "pets/cat/1.png", "pets/dog/2.png", "__MACOSX/pets/3.png", "pets/@tmp/4.png"])
    assert load(tmp_path).class_names == ["cat", "dog"]
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("all images of")
    assert [line.rsplit(" ", 1)[1] for line in said[1:]] == ["__MACOSX", "@tmp"]


def test_a_system_folder_that_is_given_as_the_path_is_read(tmp_path):
    save_all(tmp_path, ["@eaDir/cat/0.png", "@eaDir/cat/1.png"])
    with pytest.raises(ValueError, match=r"found none, but in @eaDir, .*: give that path$"):
        load(tmp_path)
    assert len(all_images(load(tmp_path / "@eaDir"))) == 2


def test_similar_names_are_classes(tmp_path):
    names = ["#cat", "@cat", "_cat", "CVS", "lost", "recycle", "thumbs", "trash", "tmp", "found"]
    save_all(tmp_path, [f"{name}/0.png" for name in names])
    assert load(tmp_path).class_names == sorted(names)
    assert not {name.lower() for name in names} & SYSTEM_FOLDERS


# ---- Parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tops", "instead"),
    [
        (["trainA", "trainB", "testA", "testB"], "trainA"),
        (["traina", "trainb", "testa", "testb"], "traina"),
        (["TrainA", "TrainB", "ValA", "ValB"], "TrainA"),
        (["train_A", "train_B", "test_A", "test_B"], "train_A"),
        (["trainA", "trainB", "valA", "valB", "testA", "testB"], "trainA"),
        (["trainA", "trainB"], "trainA"),
        (["testA", "testB"], "testA"),
        (["train", "test", "extra"], "train"),
        (["train", "test", "unlabeled"], "train"),
        (["train", "validation", "labels"], "train"),
        (["train", "test", "ground_truth"], "train"),
        (["bounding_box_train", "bounding_box_test", "query"], "bounding_box_train"),
        (["seg_train", "seg_test", "seg_pred"], "seg_train"),
        (["train2017", "val2017", "annotations"], "train2017"),
        (["train_images", "train_masks", "test_images", "test_masks"], "train_images"),
        (["images_train", "images_val", "masks_train"], "images_train"),
    ],
)
def test_parts_of_several_sets_are_refused_and_the_message_says_what_to_load(tmp_path, tops, instead):
    save_all(tmp_path, [f"{top}/{index}.png" for top in tops for index in range(2)])
    with pytest.raises(ValueError, match=f"or load {re.escape(str(tmp_path / instead))} to have a test part held out"):
        load(tmp_path)
    data = load(tmp_path / instead)
    assert len(all_images(data)) == 2
    assert data.class_names is None


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("trainA", "testA"),
        ("trainb", "testb"),
        ("train2017", "val2017"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_images", "test_images"),
        ("trainset", "testset"),
        ("TrainData", "TestData"),
        ("train-set", "valid-set"),
        ("images_train", "images_test"),
        ("bounding_box_train", "bounding_box_test"),
        ("DIV2K_train_HR", "DIV2K_valid_HR"),
        ("train", "eval"),
        ("train", "dev"),
    ],
)
def test_two_folders_that_are_parts_of_one_set_are_its_parts(tmp_path, train, test):
    names = [f"{train}/a/0.png", f"{train}/b/1.png", f"{train}/b/2.png", f"{test}/a/3.png", f"{test}/b/4.png"]
    save_all(tmp_path, names)
    data = load(tmp_path)
    assert (len(data.train), len(data.test), data.class_names) == (3, 2, ["a", "b"])
    assert data.test.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    "tops",
    [
        ["bullet_train", "bus", "tram"],
        ["train", "bus", "test_tube"],
        ["train", "valve"],
        ["test", "control"],
        ["valid", "invalid"],
        ["test_positive", "test_negative"],
        ["trainer", "tester"],
        ["greatest", "strain"],
        ["restrain", "contest"],
    ],
)
def test_classes_with_a_part_in_their_name_are_classes(tmp_path, tops):
    save_all(tmp_path, [f"{top}/{index}.png" for top in tops for index in range(2)])
    assert load(tmp_path).class_names == sorted(tops)


@pytest.mark.parametrize("parts", [("train", "test"), ("trainA", "testA"), ("train", "val"), ("train", "test", "gt")])
@pytest.mark.parametrize("where", ["bottle", "things/bottle"])
def test_parts_below_classes_are_refused(tmp_path, parts, where):
    save_all(tmp_path, [f"{where}/{part}/good/{index}.png" for part in parts for index in range(2)])
    save(tmp_path / "cable" / "0.png")
    with pytest.raises(ValueError, match=rf"received .* in {re.escape(str(tmp_path / where))}: load that folder"):
        load(tmp_path)


# ---- The order of classes --------------------------------------------------------------------------------------------

ORDERS = [
    (["0", "1", "10", "11", "2"], ["0", "1", "2", "10", "11"]),
    (["007", "08", "9"], ["007", "08", "9"]),
    (["-2", "-10", "3"], ["-10", "-2", "3"]),
    (["1", "01", "+1", "10", "2"], ["+1", "01", "1", "2", "10"]),
    (["9" * 30, "8", "1" + "0" * 30], ["8", "9" * 30, "1" + "0" * 30]),
    (["10", "2", "a"], ["10", "2", "a"]),
    (["10", "2", "2b"], ["10", "2", "2b"]),
    (["10.5", "2.5"], ["10.5", "2.5"]),
    (["class_10", "class_2"], ["class_10", "class_2"]),
    (["١٠", "٢", "9"], ["9", "١٠", "٢"]),
]


@pytest.mark.parametrize(("names", "order"), ORDERS)
def test_classes_that_are_integers_are_sorted_by_number_from_every_source(tmp_path, names, order):
    columns = {}
    for index, name in enumerate(names):
        for copy in range(2):
            save(tmp_path / "folder" / name / f"{copy}.png", value=index)
    data = load(tmp_path / "folder")
    columns["folder"] = all_images(data)[:, 0, 0, 0], [data.train.labels, data.test.labels], data.class_names
    images = np.repeat(np.arange(len(names), dtype=np.uint8), 2)[:, None, None] * np.ones((1, 5, 7), np.uint8)
    texts = np.repeat(names, 2)
    np.savez(tmp_path / "set.npz", x=images, y=texts, attr_kind=texts)
    data = load(tmp_path / "set.npz")
    columns["npz"] = all_images(data)[:, 0, 0, 0], [data.train.labels, data.test.labels], data.class_names
    kinds = [split.attributes["kind"] for split in (data.train, data.test)]
    columns["attribute"] = all_images(data)[:, 0, 0, 0], kinds, data.attribute_values["kind"]
    for marks, labels, class_names in columns.values():
        assert class_names == order
        labels = np.concatenate(labels)
        assert [class_names[label] for label in labels] == [names[mark] for mark in marks]


def test_a_folder_and_an_npz_of_the_same_classes_are_the_same_set(tmp_path):
    numbers = [0, 1, 10, 11, 2]
    for value, number in enumerate(numbers):
        for copy in range(2):
            for part in ("train", "test"):
                save(tmp_path / "set" / part / str(number) / f"{copy}.png", value=value)
    folder = load(tmp_path / "set", channels=1)
    splits = {}
    for part, split in (("train", folder.train), ("test", folder.test)):
        splits |= {f"x_{part}": split.images, f"y_{part}": np.array(numbers)[split.images[:, 0, 0, 0]]}
    np.savez(tmp_path / "set.npz", **splits)
    arrays = load(tmp_path / "set.npz")
    assert folder.class_names == arrays.class_names == ["0", "1", "2", "10", "11"]
    assert folder.fingerprint == arrays.fingerprint
    assert Conditions.of(folder).attributes[0].values == folder.class_names


def test_attributes_csv_of_integers_and_a_word_stays_text(tmp_path):
    save_all(tmp_path, [f"{index}.png" for index in range(4)])
    (tmp_path / "attributes.csv").write_text("file,kind\n0.png,1_0\n1.png,10\n2.png,2\n3.png,x\n")
    assert load(tmp_path).attribute_values["kind"] == ["10", "1_0", "2", "x"]


# ---- Archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("my set.zip", "unzip '{folder}/my set.zip' -d '{folder}/my set'"),
        ("set.ZIP", "unzip {folder}/set.ZIP -d {folder}/set"),
        ("set.tar", "mkdir {folder}/set && tar -xf {folder}/set.tar -C {folder}/set"),
        ("set.v2.tar.gz", "mkdir {folder}/set.v2 && tar -xf {folder}/set.v2.tar.gz -C {folder}/set.v2"),
        ("set.tgz", "mkdir {folder}/set && tar -xf {folder}/set.tgz -C {folder}/set"),
        ("set.tar.bz2", "mkdir {folder}/set && tar -xf {folder}/set.tar.bz2 -C {folder}/set"),
        ("set.tar.xz", "mkdir {folder}/set && tar -xf {folder}/set.tar.xz -C {folder}/set"),
        ("set.tar.zst", "mkdir {folder}/set && tar -xf {folder}/set.tar.zst -C {folder}/set"),
        ("set.7z", "7z x {folder}/set.7z -o{folder}/set"),
        ("set.rar", "unrar x {folder}/set.rar {folder}/set/"),
    ],
)
def test_the_message_for_an_archive_says_how_to_unpack_it(tmp_path, name, command):
    path = tmp_path / name
    path.write_bytes(b"archive")
    command = command.format(folder=tmp_path)
    with pytest.raises(ValueError, match=r"received the archive .*: unpack it with") as refused:
        load(path)
    assert f"unpack it with {command} and load {tmp_path}/" in str(refused.value)


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_the_commands_unpack_what_can_then_be_loaded(tmp_path, form):
    if shutil.which("unzip" if form == "zip" else "tar") is None:
        pytest.skip(f"no program for {form}")
    save_all(tmp_path / "source", ["cat/0.png", "cat/1.png", "dog/2.png"])
    (tmp_path / "my sets").mkdir()
    path = shutil.make_archive(str(tmp_path / "my sets" / "pets"), form, tmp_path / "source")
    with pytest.raises(ValueError, match="unpack it with") as refused:
        load(path)
    command, folder = str(refused.value).split("unpack it with ")[1].split(" and load ")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert load(folder).class_names == ["cat", "dog"]


@pytest.mark.parametrize("name", ["train.zip", "images.tar.gz"])
def test_the_message_for_an_archive_in_a_folder_without_images_says_how_to_unpack_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"archive")
    with pytest.raises(ValueError, match=rf"found none, but {re.escape(name)}: unpack it with .*{re.escape(name)}"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("photo.png", "a single image: give the folder that it lies in"),
        ("photo.JPG", "a single image"),
        ("train-images-idx3-ubyte.gz", "part of an IDX set: give the folder that it lies in"),
        ("train-images-idx3-ubyte", "part of an IDX set"),
        ("attributes.csv", "received the file"),
    ],
)
def test_the_message_for_a_file_of_a_set_says_what_to_give(tmp_path, name, hint):
    (tmp_path / name).write_bytes(b"content")
    with pytest.raises(ValueError, match=hint):
        load(tmp_path / name)


def test_the_message_for_other_arrays_of_more_bits_says_how_to_convert_them(tmp_path):
    np.save(tmp_path / "scans.npy", np.full((4, 5, 7), 4095, np.uint16))
    with pytest.raises(ValueError, match=r"received uint16: .*x >> 4 for 12 bits, x >> 8 for 16"):
        load(tmp_path / "scans.npy")


def test_every_system_folder_is_in_lower_case():
    assert all(name == name.lower() for name in SYSTEM_FOLDERS)
