"""Three hundred bad inputs, the same each time: each is skipped and counted, refused in one line, or does no harm."""

import gzip
import io
import os
import struct
import sys
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen.cli.command_line import one_line_errors, parse
from keras_gen.data import arrays, idx, load
from keras_gen.models import saving
from keras_gen.presets import AUTOENCODERS, GANS
from keras_gen.runs.options import AutoencoderOptions, GANOptions

FORMATS = ("png", "jpeg", "gif", "bmp", "webp")
HUGE = 60_000  # pixels a side: 3.6 billion, a gigabyte from a file of 70 bytes


def image_bytes(kind):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def bomb():
    """A PNG with a valid header and a far too large size."""
    header = struct.pack(">II5B", HUGE, HUGE, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(HUGE))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def damaged(data, seed):
    """The data cut off, with a few bytes changed, with a piece repeated, or noise of the same length."""
    rng = np.random.default_rng(seed)
    at, end = np.sort(rng.integers(0, len(data), 2))
    match seed % 4:
        case 0:
            return data[:at]
        case 1:
            spoilt = np.frombuffer(data, np.uint8).copy()
            spoilt[rng.integers(0, len(data), 5)] = rng.integers(0, 256, 5)
            return spoilt.tobytes()
        case 2:
            return data[:end] + data[at:]
        case _:
            return rng.bytes(len(data))


def outcome(call, capsys, folder):
    """What `call` returned, or None if it ended as it must for wrong input; nothing was written in either case."""
    before = sorted(folder.rglob("*"))
    capsys.readouterr()
    returned, code = None, 0
    try:
        with one_line_errors():
            returned = call()
    except SystemExit as exit:
        code = exit.code
    assert sorted(folder.rglob("*")) == before
    errors = [line for line in capsys.readouterr().err.splitlines() if ": error: " in line]
    assert (code, len(errors)) == ((2, 1) if returned is None else (0, 0))
    return returned


IMAGES = {f"{kind}-{seed}": damaged(image_bytes(kind), seed) for kind in FORMATS for seed in range(16)} | {
    "nothing": b"",
    "text": b"no image at all\n",
    "another format": image_bytes("gif"),
    "a bomb": bomb(),
    "a program": b"\x7fELF" + bytes(100),
}


@pytest.mark.parametrize("case", IMAGES)
def test_a_bad_image_is_skipped_and_counted(case, tmp_path, capsys):
    for index in range(4):
        Image.new("RGB", (7, 9), (60 * index, 0, 0)).save(tmp_path / f"good-{index}.png")
    (tmp_path / f"bad.{case.split('-')[0] if '-' in case else 'png'}").write_bytes(IMAGES[case])
    data = outcome(lambda: load(tmp_path, image_size=8), capsys, tmp_path)
    read = len(data.train) + len(data.test)
    assert read + len(data.skipped) == 5
    assert read >= 4
    assert all(len(reason) > 3 for _, reason in data.skipped)
    if case in ("nothing", "text", "a bomb", "a program"):
        assert [name for name, _ in data.skipped] == ["bad.png"]


SPECIAL = {
    "a pipe": os.mkfifo,
    "a loop of links": lambda path: path.symlink_to(path),
    "a file of two gigabytes": lambda path: (path.write_bytes(image_bytes("webp")), os.truncate(path, 2**31)),
}


@pytest.mark.parametrize("case", SPECIAL)
def test_what_is_not_an_image_file_is_skipped_unread(case, tmp_path, capsys):
    for index in range(4):
        Image.new("RGB", (7, 9), (60 * index, 0, 0)).save(tmp_path / f"good-{index}.png")
    SPECIAL[case](tmp_path / "bad.png")
    data = outcome(lambda: load(tmp_path), capsys, tmp_path)
    assert [name for name, _ in data.skipped] == ["bad.png"]


def test_names_are_printed_on_one_line(tmp_path, capsys):
    for index in range(4):
        Image.new("RGB", (7, 9), (60 * index, 0, 0)).save(tmp_path / f"good\n-{index}.png")
    (tmp_path / "bad\n\x1b[31m\udcff\u00fc.png").write_bytes(b"no image")
    data = load(tmp_path)
    assert data.skipped == [("bad\\n\\x1b[31m\\udcff\u00fc.png", "not an image")]
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_class_must_have_a_name(tmp_path, capsys):
    for name in ("fine", "\udcff"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "0.png")
    assert outcome(lambda: load(tmp_path), capsys, tmp_path) is None


def test_images_that_do_not_fit_into_memory(tmp_path, capsys):
    assert outcome(lambda: load("digits", image_size=100_000), capsys, tmp_path) is None


def npz_bytes(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


GREY = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
ARRAYS = {f"npz-{seed}": ("x.npz", damaged(npz_bytes(x=GREY, y=np.arange(10)), seed)) for seed in range(32)} | {
    "floats": ("x.npz", npz_bytes(x=GREY / 255)),
    "objects": ("x.npz", npz_bytes(x=np.array([GREY, None], object))),
    "no images": ("x.npz", npz_bytes(pictures=GREY)),
    "none": ("x.npz", npz_bytes(x=GREY[:0])),
    "one": ("x.npz", npz_bytes(x=GREY[:1])),
    "two channels": ("x.npz", npz_bytes(x=np.repeat(GREY, 2, axis=-1))),
    "labels too few": ("x.npz", npz_bytes(x=GREY, y=np.arange(9))),
    "labels of floats": ("x.npz", npz_bytes(x=GREY, y=np.arange(10) / 2)),
    "a value that is not there": (
        "x.npz",
        npz_bytes(x=GREY, attr_hat=np.full(10, 5), values_hat=np.array(["yes", "no"])),
    ),
    "another kind": ("x.npy", npz_bytes(x=GREY)),
    "no array": ("x.npy", b"\x93NUMPY"),
    "no suffix": ("x.tar", npz_bytes(x=GREY)),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_a_bad_array_is_refused_or_read_completely(case, tmp_path, capsys):
    name, data = ARRAYS[case]
    (tmp_path / name).write_bytes(data)
    loaded = outcome(lambda: load(tmp_path / name), capsys, tmp_path)
    assert loaded is None or case.startswith("npz-")
    if loaded:
        images = np.concatenate([loaded.train.images[:], loaded.test.images[:]])
        np.testing.assert_array_equal(np.sort(images, axis=0), np.sort(GREY, axis=0))


TABLE = "file,hat,age\n" + "".join(f"{index}.png,{'yes' if index % 2 else 'no'},{index}\n" for index in range(6))
TABLES = {f"csv-{seed}": damaged(TABLE.encode(), seed) for seed in range(32)} | {
    "nothing": b"",
    "another alphabet": "file,h\xe4t\n0.png,1\n".encode("latin-1"),
    "no column file": b"picture,hat\n0.png,yes\n",
    "a way out": b"file,hat\n../../../etc/passwd,yes\n/etc/passwd,no\n",
    "one file twice": b"file,hat\n0.png,yes\n./0.png,no\n",
    "one name twice": b"file,hat,hat\n0.png,yes,no\n",
    "a short row": b"file,hat\n0.png\n",
}


@pytest.mark.parametrize("case", TABLES)
def test_a_bad_table_is_refused_or_read(case, tmp_path, capsys):
    for index in range(6):
        Image.new("L", (8, 8), 40 * index).save(tmp_path / f"{index}.png")
    (tmp_path / "attributes.csv").write_bytes(TABLES[case])
    data = outcome(lambda: load(tmp_path), capsys, tmp_path)
    assert (data is None) or len(data.train) + len(data.test) == 6, "a table names images, and never adds one"
    assert data is None or case.startswith("csv-") or case == "a way out"


def test_a_small_file_does_not_fill_the_memory(tmp_path, capsys, monkeypatch):
    for room in (arrays, idx):
        monkeypatch.setattr(room, "MAX_UNPACKED_BYTES", 50_000)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((100, 30, 30), "uint8"))
    assert (tmp_path / "x.npz").stat().st_size < 1_000
    assert outcome(lambda: load(tmp_path / "x.npz"), capsys, tmp_path) is None
    for name, images, behind in (("promised", 100, b""), ("not promised", 10, bytes(10**7))):
        (tmp_path / name).mkdir()
        packed = gzip.compress(idx_bytes(np.zeros((images, 30, 30), "uint8")) + behind)
        (tmp_path / name / "train-images-idx3-ubyte.gz").write_bytes(packed)
        assert outcome(lambda name=name: load(tmp_path / name), capsys, tmp_path) is None


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


FILES = {
    f"idx-{seed}": (
        damaged(idx_bytes(GREY[..., 0]), seed),
        gzip.compress(idx_bytes(np.arange(10, dtype=np.uint8)), mtime=0),
    )
    for seed in range(8)
} | {
    f"gz-{seed}": (
        idx_bytes(GREY[..., 0]),
        damaged(gzip.compress(idx_bytes(np.arange(10, dtype=np.uint8)), mtime=0), seed),
    )
    for seed in range(8)
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_idx_file_is_refused_or_read_completely(case, tmp_path, capsys):
    images, labels = FILES[case]
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(labels)
    data = outcome(lambda: load(tmp_path), capsys, tmp_path)
    assert data is None or data.image_shape == (8, 8, 1)


NUMBERS = ("--epochs", "--minutes", "--batch-size", "--learning-rate", "--latent-dim", "--seed", "--sample-every")
GAN_NUMBERS = ("--ema-decay", "--beta-1", "--penalty-weight", "--pack-size", "--clusters", "--discriminator-steps")
ODD = ("", "-3", "nan", "1e999", "0x10", "--", "ten", "1;rm -rf .", "٣.٥x", "-inf")


@pytest.mark.parametrize(("option", "value"), [("--pack-size", "65"), ("--discriminator-steps", "101")])
def test_a_number_too_large_is_refused(option, value, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", option, value])
    assert outcome(lambda: parse(GANOptions, "").resolve(GANS), capsys, tmp_path) is None


@pytest.mark.parametrize("option", [*NUMBERS, *GAN_NUMBERS, "--channels"])
@pytest.mark.parametrize("value", ODD)
def test_an_odd_number_is_refused(option, value, tmp_path, capsys, monkeypatch):
    own = option in GAN_NUMBERS
    monkeypatch.setattr(sys, "argv", ["train.py", option, value])
    options, presets = (GANOptions, GANS) if own else (AutoencoderOptions, AUTOENCODERS)
    assert outcome(lambda: parse(options, "").resolve(presets), capsys, tmp_path) is None


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(32))
def test_a_bad_model_is_refused_or_loaded_completely(seed, model_bytes, tmp_path, capsys):
    (tmp_path / "bad.keras").write_bytes(damaged(model_bytes, seed))
    model = outcome(lambda: saving.load(tmp_path / "bad.keras"), capsys, tmp_path)
    assert model is None or model.count_params() == 3


def test_a_model_that_contains_code_is_refused(tmp_path, capsys):
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "bad.keras")
    assert outcome(lambda: saving.load(tmp_path / "bad.keras"), capsys, tmp_path) is None
