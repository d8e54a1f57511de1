"""Claims about `load` that hold for every source, about named sets, and about `Split`."""

import gzip
import hashlib
import struct

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen import paths
from keras_gen.data import DATASETS, ImageData, Split, load
from keras_gen.data import folder as folder_module

HEIGHT, WIDTH, NUM = 5, 7, 20


def distinct_images(num=NUM, channels=1):
    """No two of these images are equal, so that a test can tell which is which."""
    images = np.random.default_rng(0).integers(1, 256, (num, HEIGHT, WIDTH, channels), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(num)
    return images


def idx_bytes(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_npz(path):
    np.savez(path / "set.npz", x=distinct_images(), y=np.arange(NUM) % 2)
    return path / "set.npz"


def write_npz_with_test(path):
    images = distinct_images(NUM, 4)
    np.savez(path / "set.npz", x_train=images[2:], x_test=images[:2], y_train=np.arange(18) % 2, y_test=[0, 1])
    return path / "set.npz"


def write_npy(path):
    np.save(path / "set.npy", distinct_images(NUM, 3))
    return path / "set.npy"


def write_idx(path):
    (path / "train-images-idx3-ubyte").write_bytes(idx_bytes(distinct_images()[..., 0]))
    (path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(NUM) % 2))
    return path


def write_idx_gz(path):
    images = distinct_images()[..., 0]
    for name, array in [
        ("train-images.idx3-ubyte", images[2:]),
        ("train-labels.idx1-ubyte", np.arange(18) % 2),
        ("t10k-images.idx3-ubyte", images[:2]),
        ("t10k-labels.idx1-ubyte", np.arange(2)),
    ]:
        (path / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
    return path


def write_images(path, names, channels=3):
    for name, image in zip(names, distinct_images(len(names), channels), strict=True):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.squeeze(image)).save(path / name)
    return path


def write_flat_folder(path):
    return write_images(path, [f"{index}.PNG" for index in range(NUM)], channels=1)


def write_class_folder(path):
    return write_images(path, [f"{'ab'[index % 2]}/deep/{index}.png" for index in range(NUM)])


def write_split_folder(path):
    return write_images(path, [f"{'test' if i < 2 else 'train'}/{'ab'[i % 2]}/{i}.png" for i in range(NUM)], channels=4)


SOURCES = [  # writer, channels, classes
    (write_npz, 1, ["0", "1"]),
    (write_npz_with_test, 4, ["0", "1"]),
    (write_npy, 3, None),
    (write_idx, 1, ["0", "1"]),
    (write_idx_gz, 1, ["0", "1"]),
    (write_flat_folder, 1, None),
    (write_class_folder, 3, ["a", "b"]),
    (write_split_folder, 4, ["a", "b"]),
]


@pytest.mark.parametrize("limit", [2**31, 0], ids=["memory", "streamed"])
@pytest.mark.parametrize(("write", "channels", "classes"), SOURCES)
def test_every_source_keeps_the_contract(tmp_path, monkeypatch, write, channels, classes, limit):
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", limit)
    path = write(tmp_path)
    data, again = load(path), load(str(path))
    assert isinstance(data, ImageData)
    assert data.image_shape == (HEIGHT, WIDTH, channels)
    assert (data.class_names, data.num_classes) == (classes, len(classes or []))
    assert (len(data.train), len(data.test)) == (18, 2)
    for split, same in [(data.train, again.train), (data.test, again.test)]:
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), HEIGHT, WIDTH, channels)
        assert isinstance(split.images[np.array([1, 0])], np.ndarray)
        np.testing.assert_array_equal(split.images[np.array([1, 0])], split.images[:2][::-1])
        np.testing.assert_array_equal(split.images[1], split.images[:2][1])
        np.testing.assert_array_equal(split.images[:], same.images[:])
        assert split.labels is None if classes is None else split.labels.dtype == np.int64
    marks = np.concatenate([data.train.images[:], data.test.images[:]])[:, 0, 0, 0]
    assert sorted(marks) == list(range(NUM))  # every image once: none lost, none in both parts
    if classes:
        labels = np.concatenate([data.train.labels, data.test.labels])
        assert [label == mark % 2 for label, mark in zip(labels, marks, strict=True)] == [True] * NUM
        assert sorted(data.test.labels) == [0, 1]
    assert data.fingerprint == again.fingerprint


@pytest.mark.parametrize(("write", "channels", "classes"), SOURCES)
def test_size_and_channels_apply_to_every_source(tmp_path, write, channels, classes):
    data = load(write(tmp_path), image_size=(8, 12), channels=3, fit="stretch")
    assert data.image_shape == (8, 12, 3)
    assert data.train.images[:].shape == (18, 8, 12, 3)
    assert data.test.images[:].shape == (2, 8, 12, 3)
    assert data.test.images[:].dtype == np.uint8


def test_a_streamed_folder_has_the_bytes_of_one_in_memory(tmp_path, monkeypatch):
    write_class_folder(tmp_path)
    in_memory = load(tmp_path, image_size=(4, 9))
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", NUM * 4 * 9 * 3 - 1)
    streamed = load(tmp_path, image_size=(4, 9))
    assert isinstance(in_memory.train.images, np.ndarray)
    assert not isinstance(streamed.train.images, np.ndarray)
    np.testing.assert_array_equal(in_memory.train.images, streamed.train.images[:])
    assert in_memory.fingerprint == streamed.fingerprint


def test_take_decodes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "MEMORY_LIMIT", 0)
    data = load(write_class_folder(tmp_path))
    monkeypatch.setattr(folder_module, "decode", lambda path, target: pytest.fail(f"decoded {path}"))
    taken = data.train.take([5, 2])
    assert taken.images.paths.tolist() == [data.train.images.paths[5], data.train.images.paths[2]]
    assert taken.labels.tolist() == [data.train.labels[5], data.train.labels[2]]


def test_fingerprint_is_sha256_of_shape_bytes_and_labels(tmp_path):
    path = tmp_path / "set.npz"
    images = distinct_images(300)
    np.savez(path, x_train=images, y_train=np.arange(300) % 2, x_test=images[:1], y_test=[1])
    labels = (np.arange(300) % 2).astype(np.int64)
    expected = hashlib.sha256(b"(300, 5, 7, 1)" + images.tobytes() + labels.tobytes()).hexdigest()
    assert load(path).fingerprint == expected


def test_hold_out_cuts_each_class_in_proportion_and_keeps_columns_with_their_images():
    split = Split(distinct_images(30), np.repeat([0, 1], [20, 10]), {"age": np.arange(30, dtype=np.float32)})
    rest, held_out = split.hold_out(0.3, seed=4)
    assert np.bincount(held_out.labels).tolist() == [6, 3]
    for part in (rest, held_out):
        np.testing.assert_array_equal(part.images[:, 0, 0, 0], part.attributes["age"])
    assert sorted([*rest.attributes["age"], *held_out.attributes["age"]]) == list(range(30))
    np.testing.assert_array_equal(held_out.images, split.hold_out(0.3, seed=4)[1].images)
    assert held_out.attributes["age"].tolist() != split.hold_out(0.3, seed=5)[1].attributes["age"].tolist()


def grouped_split(num_groups=6):
    """Images, each with a picture that identifies it, in groups of 1, 2, 3 …, out of order."""
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(num_groups), 1 + np.arange(num_groups)))
    numbers = np.arange(len(groups), dtype="uint8")
    pictures = np.broadcast_to(numbers[:, None, None, None], (len(groups), 2, 3, 1)).copy()
    return Split(distinct_images(len(groups)), pictures={"source": pictures}, groups=groups)


def test_pictures_and_groups_stay_with_their_images():
    split = grouped_split()
    taken = split.take([5, 2])
    assert taken.pictures["source"][:, 0, 0, 0].tolist() == [5, 2]
    assert taken.groups.tolist() == [split.groups[5], split.groups[2]]
    rest, held_out = split.hold_out(0.4, seed=4)
    for part in (rest, held_out):
        numbers = part.pictures["source"][:, 0, 0, 0]
        np.testing.assert_array_equal(part.images, split.images[numbers])
        np.testing.assert_array_equal(part.groups, split.groups[numbers])
    assert sorted([*rest.pictures["source"][:, 0, 0, 0], *held_out.pictures["source"][:, 0, 0, 0]]) == list(range(21))


@pytest.mark.parametrize(("fraction", "num_held_out"), [(0.01, 1), (0.34, 2), (0.5, 3), (0.99, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_no_cut_splits_a_group(fraction, num_held_out, seed):
    split = grouped_split()
    rest, held_out = split.hold_out(fraction, seed)
    assert not set(rest.groups) & set(held_out.groups)
    assert len(set(held_out.groups)) == num_held_out
    np.testing.assert_array_equal(held_out.groups, split.hold_out(fraction, seed)[1].groups)


def test_the_fingerprint_changes_with_every_column():
    split = grouped_split()
    pictures, groups = split.pictures["source"], split.groups
    splits = [
        split,
        Split(split.images),
        Split(split.images, groups=groups),
        Split(split.images, pictures={"source": pictures}),
        Split(split.images, pictures={"target": pictures}, groups=groups),
        Split(split.images, pictures={"source": pictures + np.uint8(1)}, groups=groups),
        Split(split.images, pictures={"source": pictures.reshape(-1, 3, 2, 1)}, groups=groups),
        Split(split.images, pictures={"source": pictures}, groups=groups[::-1]),
    ]
    assert len({each.fingerprint for each in splits}) == len(splits)
    assert grouped_split().fingerprint == split.fingerprint


@pytest.mark.parametrize(
    ("labels", "fraction", "held_out"),
    [([0, 0, 0, 0, 1], 0.4, 2), ([0, 1, 2, 0, 1, 2], 0.2, 1), ([0, 0], 0.01, 1), ([0, 0, 0], 0.99, 2), (None, 0.5, 2)],
    ids=["a class of one", "fewer places than classes", "at least one", "never all", "no labels"],
)
def test_hold_out_works_where_it_cannot_stratify(labels, fraction, held_out):
    num = len(labels or [0] * 4)
    rest, test = Split(distinct_images(num), None if labels is None else np.array(labels)).hold_out(fraction)
    assert (len(rest), len(test)) == (num - held_out, held_out)


def test_split_refuses_columns_of_another_length_and_impossible_cuts():
    with pytest.raises(ValueError, match="expected at least 2 images, to hold one out, received 1"):
        Split(distinct_images(1)).hold_out(0.5)
    with pytest.raises(ValueError, match="between 0 and 1, received 1"):
        Split(distinct_images(4)).hold_out(1.5)
    with pytest.raises(ValueError, match="expected 4 age, one for each image, received 3"):
        Split(distinct_images(4), attributes={"age": np.zeros(3)})
    with pytest.raises(ValueError, match="expected 4 source, one for each image, received 3"):
        Split(distinct_images(4), pictures={"source": distinct_images(3)})
    with pytest.raises(ValueError, match="expected 4 groups, one for each image, received 5"):
        Split(distinct_images(4), groups=np.arange(5))
    with pytest.raises(ValueError, match="expected at least 2 groups of images, to hold one out, received 1"):
        Split(distinct_images(4), groups=np.zeros(4, "int64")).hold_out(0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, r"positive int or \(height, width\), received 0"),
        ({"image_size": (8, 12, 3)}, r"received \(8, 12, 3\)"),
        ({"image_size": "64"}, "received '64'"),
        ({"image_size": 1.5}, "received 1.5"),
        ({"channels": 2}, "expected 1, 3 or 4 channels, received 2"),
        ({"fit": "squash"}, "one of crop, pad, stretch, received 'squash'"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        load("digits", **arguments)


@pytest.mark.parametrize("name", ["mnits", "/nowhere/at/all"])
def test_an_unknown_name_lists_the_known_ones_and_mentions_paths(name):
    with pytest.raises(FileNotFoundError, match=r"mnist-sample, digits, .* path of an \.npz.*" + name):
        load(name)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "images.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"expected an \.npz, an \.npy or a folder of images, received the file"):
        load(tmp_path / "images.h5")


def test_names_win_over_paths(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_flat_folder(tmp_path / "digits")
    assert load("digits").image_shape == (8, 8, 1)
    assert capsys.readouterr().err == "digits is the data set of that name; ./digits would be what lies here\n"
    assert load("./digits").image_shape == (HEIGHT, WIDTH, 1)
    assert "data set of that name" not in capsys.readouterr().err


def test_digits_are_scaled_to_bytes():
    data = load("digits")
    assert (len(data.train), len(data.test), data.num_classes) == (1438, 359, 10)
    # 17 grey values k · 255 / 16, rounded half to even; worked by hand for 0, 1, 8 and 16
    values = np.unique(data.train.images)
    assert len(values) == 17
    assert {0, 16, 128, 255} <= set(values)


def test_mnist_sample_has_400_and_100_of_each_digit_and_never_changes():
    data = load("mnist-sample")
    assert np.bincount(data.train.labels).tolist() == [400] * 10
    assert np.bincount(data.test.labels).tolist() == [100] * 10
    assert data.train.labels[:20].tolist() != sorted(data.train.labels[:20])
    # recorded when the split was made: scores of different days are only comparable on the same images
    assert data.fingerprint == "bdba04415638b968c64e8dbbd055ee47cc0d2122856e4f287d14d6f56507ca0a"


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_offline_the_error_names_sets_that_need_no_network(monkeypatch, name):
    def fail():
        raise Exception(f"URL fetch failure on https://host/{name}: None -- [Errno -3] name resolution")

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)
    with pytest.raises(ConnectionError, match=rf"download {name} .*URL fetch.*mnist-sample or digits, or the path"):
        load(name)


@pytest.mark.parametrize(
    ("name", "shape", "class_name"),
    [("mnist", (28, 28), "3"), ("fashion_mnist", (28, 28), "Dress"), ("cifar10", (32, 32, 3), "cat")],
)
def test_keras_sets_keep_their_official_split(monkeypatch, name, shape, class_name):
    train = np.full((20, *shape), 7, np.uint8), np.arange(20)[:, np.newaxis] % 10
    test = np.full((10, *shape), 9, np.uint8), np.arange(10)[:, np.newaxis]
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: (train, test))
    data = load(name)
    assert data.image_shape == (*shape, 1)[:3]
    assert data.test.labels.tolist() == list(range(10))
    assert data.class_names[3] == class_name
    assert data.test.images[0, 0, 0, 0] == 9


def test_every_named_set_states_its_source():
    assert list(DATASETS)[:2] == ["mnist-sample", "digits"]
    assert tuple(DATASETS) == paths.DATA_NAMES
    assert load("digits").licence == "CC BY 4.0"
    assert "UCI" in load("digits").source
