"""Claims about files and folders that others made: scanners, file systems, archives, authors of data sets."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_gen.data import load
from keras_gen.inputs import Conditions

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
def test_classes_that_are_integers_are_sorted_by_number_wherever_they_come_from(tmp_path, names, order):
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
