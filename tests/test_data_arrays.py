"""Claims about NumPy and IDX files: what they may hold, and the sentence that refuses everything else."""

import gzip
import struct
import zipfile

import numpy as np
import pytest

from keras_gen.data import load

IMAGES = np.arange(6 * 5 * 7, dtype=np.uint8).reshape(6, 5, 7)


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return write


def in_order(data, column):
    """The column of a set of `IMAGES`, whose first pixels are 0, 35, 70, …, back in the order of the file."""
    marks = np.concatenate([data.train.images[:], data.test.images[:]])[:, 0, 0, 0]
    values = np.concatenate([split.attributes[column] for split in (data.train, data.test)])
    return values[np.argsort(marks)].tolist()


@pytest.mark.parametrize(
    ("labels", "names", "indices"),
    [
        (np.array([[7], [3], [7]]), ["3", "7"], [1, 0, 1]),
        (np.array([10, 2, -1]), ["-1", "2", "10"], [2, 1, 0]),
        (np.array(["owl", "cat", "owl"]), ["cat", "owl"], [1, 0, 1]),
        (np.array([True, False, True]), ["False", "True"], [1, 0, 1]),
        (np.array([2, 0, 1], np.uint8), ["0", "1", "2"], [2, 0, 1]),
    ],
)
def test_labels_become_indices_and_names(npz, labels, names, indices):
    data = load(npz(x_train=IMAGES[:3], y_train=labels, x_test=IMAGES[3:], y_test=labels[::-1]))
    assert data.class_names == names
    assert data.train.labels.tolist() == indices
    assert data.test.labels.tolist() == indices[::-1]
    assert data.train.labels.dtype == np.int64


def test_attributes_point_into_values_or_are_values_themselves(npz):
    data = load(
        npz(
            x=IMAGES,
            attr_hat=np.array([1, -1, 0, 1, 1, -1], np.int16),
            values_hat=np.array(["bowler", "top"]),
            attr_species=np.array([0, 0, 0, 1, 1, 1], np.uint8),
            species_names=np.array(["elf", "dwarf"]),
            attr_age=np.array([1.5, np.nan, 3, 4, 5, 6]),
            attr_year=np.array([2001, 1999, -1, 2001, 1999, 2001]),
            attr_mood=np.array(["sad", "", "glad", "sad", "sad", "glad"]),
            name=np.array(list("abcdef")),
        )
    )
    assert data.attribute_values == {
        "hat": ["bowler", "top"],
        "species": ["elf", "dwarf"],
        "year": ["1999", "2001"],
        "mood": ["glad", "sad"],
    }
    assert in_order(data, "hat") == [1, -1, 0, 1, 1, -1]
    assert in_order(data, "species") == [0, 0, 0, 1, 1, 1]
    assert in_order(data, "year") == [1, 0, -1, 1, 0, 1]
    assert in_order(data, "mood") == [1, -1, 0, 1, 1, 0]
    np.testing.assert_array_equal(in_order(data, "age"), [1.5, np.nan, 3, 4, 5, 6])
    dtypes = {name: str(column.dtype) for name, column in data.train.attributes.items()}
    assert dtypes == {"hat": "int64", "species": "int64", "age": "float32", "year": "int64", "mood": "int64"}


def test_attributes_cover_train_and_then_test(npz):
    data = load(npz(x_train=IMAGES[:4], x_test=IMAGES[4:], attr_age=np.arange(6.0)))
    assert data.train.attributes["age"].tolist() == [0, 1, 2, 3]
    assert data.test.attributes["age"].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES / 255}, r"expected uint8 images in \[0, 255\] as x in .*received float64.*np.round\(x \* 255\)"),
        (
            {"x": IMAGES.astype(np.uint16)},
            r"received uint16: .* with x.astype\('uint8'\) for numbers from 0 to 255, others",
        ),
        ({"x": IMAGES > 3}, r"received bool: .* with \(x \* 255\).astype\('uint8'\)$"),
        ({"x": np.zeros((2, 3, 5, 7), np.uint8)}, r"received \(2, 3, 5, 7\): .*np.moveaxis\(x, 1, -1\)"),
        ({"x": np.zeros((2, 35), np.uint8)}, r"received \(2, 35\): reshape it"),
        ({"x": np.zeros((9, 8, 3), np.uint8)}, r"received \(9, 8, 3\)"),
        ({"x": np.zeros((0, 5, 7), np.uint8)}, r"empty array of shape \(0, 5, 7\)"),
        ({"x": IMAGES[:1]}, "at least 2 images"),
        ({"images": IMAGES}, "expected an array x_train or x in .*, received images"),
        ({"x_train": IMAGES, "x_test": IMAGES[:, :4]}, r"one shape, received \(5, 7, 1\) and \(4, 7, 1\)"),
        ({"x_train": IMAGES, "x_test": IMAGES, "y_train": np.arange(6)}, "labels for both parts .*received y_train"),
        ({"x": IMAGES, "y": np.eye(6, dtype=int)}, r"received int64 \(6, 6\): for one-hot rows use y.argmax"),
        ({"x": IMAGES, "y": np.arange(6.0)}, r"received float64 \(6,\)$"),
        ({"x": IMAGES, "y": np.arange(5)}, "expected 6 labels as y in .*received 5"),
        ({"x": IMAGES, "attr_age": np.arange(5.0)}, r"expected attr_age in .* of shape \(6,\), received \(5,\)"),
        ({"x": IMAGES, "attr_hat": np.arange(6), "values_hat": np.array(["a"])}, "its 1 values .* received 0 to 5"),
        (
            {"x": IMAGES, "attr_hat": np.zeros(6, int), "values_hat": np.array(["a", "b", "a"])},
            "expected each value of attr_hat in .* only once, received a, b, a",
        ),
        (
            {"x": IMAGES, "attr_hat": np.arange(6.0), "values_hat": np.array(["a"])},
            "received float64 and values of <U1",
        ),
        ({"x": IMAGES, "attr_hat": np.zeros(6, complex)}, "received complex128"),
        ({"x": np.array([{"a": 1}], dtype=object)}, "does not open: Object arrays cannot be loaded.*never unpickled"),
    ],
)
def test_a_wrong_npz_is_refused_in_a_sentence(npz, arrays, message):
    with pytest.raises(ValueError, match=message):
        load(npz(**arrays))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("x", "y"), ""),
        (("x", "labels"), "labels. Labels of x are y"),
        (("x", "Y", "x_test"), "Y, x_test. Labels of x are y"),
        (("x_train", "x_test", "y"), "y. Labels of x_train and x_test are y_train and y_test"),
        (("x_train", "y_train", "x_val"), "x_val. Labels of x_train are y_train"),
        (("x", "attr_hat", "values_hat", "hat_names"), ""),
        (("x", "values_hat"), "values_hat. Labels of x are y"),
    ],
)
def test_unused_arrays_are_reported(npz, capsys, keys, said):
    columns = {"x": IMAGES, "v": np.array(["a", "b"]), "h": np.array(["a", "b"])}  # by the first letter
    path = npz(**{key: columns.get(key[0], np.arange(6) % 2) for key in keys})
    load(path)
    assert capsys.readouterr().err == (f"not used in {path}: {said}\n" if said else "")


def test_what_is_infinite_in_float32_is_missing(npz):
    data = load(npz(x=IMAGES, attr_age=np.array([np.inf, -np.inf, 1e300, np.nan, 5, 6])))
    np.testing.assert_array_equal(in_order(data, "age"), [*[np.nan] * 4, 5, 6])


def test_files_of_another_format_than_their_suffix_are_refused(tmp_path, npz):
    whole = npz(x=IMAGES).read_bytes()
    np.save(tmp_path / "array.npy", IMAGES)
    cases = {
        "truncated.npz": whole[: len(whole) // 2],
        "empty.npz": b"",
        "text.npz": b"images",
        "pickle.npz": b"\x80\x04K\x01.",
        "array.npz": (tmp_path / "array.npy").read_bytes(),
        "empty.npy": b"",
        "text.npy": b"images",
        "truncated.npy": (tmp_path / "array.npy").read_bytes()[:150],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}, received a file that does not open"):
            load(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "foreign.npz", "w") as file:
        file.writestr("x", "not an array")
    with pytest.raises(ValueError, match=r"expected an array x_train or x in .*foreign\.npz, received none"):
        load(tmp_path / "foreign.npz")


def test_npy_stays_on_disk(tmp_path):
    np.save(tmp_path / "set.npy", IMAGES)
    data = load(tmp_path / "set.npy")
    assert isinstance(data.train.images.array, np.memmap)
    assert data.train.take([0]).images.array is data.train.images.array
    np.save(tmp_path / "floats.npy", IMAGES / 255)
    with pytest.raises(ValueError, match=r"expected uint8 images .*floats.npy, received float64"):
        load(tmp_path / "floats.npy")


def idx(*shape, kind=8, content=None):
    size = int(np.prod(shape))
    content = bytes(index % 256 for index in range(size)) if content is None else content
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + content


def test_idx_pixels_are_in_row_order(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(3, 5, 7))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(2, 5, 7)))
    data = load(tmp_path)
    assert isinstance(data.train.images.array, np.memmap)
    np.testing.assert_array_equal(data.train.images[:].ravel(), np.arange(105))
    np.testing.assert_array_equal(data.test.images.ravel(), np.arange(70))
    assert data.class_names is None


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (idx(4, 5, 7)[:-1], r"expected 140 bytes for \(4, 5, 7\) in .*, received 139: download it again"),
        (idx(4, 5, 7) + b"0", "received more"),
        (idx(4, 5, 7, kind=9), r"begins with bytes 0 0 8 3, received \[0, 0, 9, 3\]"),
        (idx(4, 35), r"received \[0, 0, 8, 2\]"),
        (idx(4, 5, 7)[:9], "expected an IDX file"),
        (b"", r"received \[\] in"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_wrong_idx_file_is_refused(tmp_path, images, message, suffix):
    content = gzip.compress(images) if suffix else images
    (tmp_path / f"train-images-idx3-ubyte{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"no gzip", lambda content: b""])
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(damage(gzip.compress(idx(4, 5, 7))))
    with pytest.raises(ValueError, match=r"ubyte\.gz"):
        load(tmp_path)


def test_idx_parts_must_agree(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(4, 5, 7))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(3))
    with pytest.raises(ValueError, match="expected 4 labels, one for each image, received 3"):
        load(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(4))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(2, 5, 7))
    with pytest.raises(ValueError, match="labels for both train and t10k"):
        load(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(2))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(2, 5, 6))
    with pytest.raises(ValueError, match="images of one shape"):
        load(tmp_path)
