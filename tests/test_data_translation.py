"""Claims about data for translation: what is a pair, what is cut, in which order pictures without a partner come."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gen.data import SOURCE, Batches, Split, load_pairs, load_unpaired
from keras_gen.data.native import dataset

PIXELS = (2 ** np.arange(7)).astype(np.uint8).reshape(7, 1, 1, 1)


def save(path, value, size=(12, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


@pytest.fixture
def folders(tmp_path):
    """Thirty pairs: the grey value of a drawing is twice that of its photo, which is larger and has a blue tint."""
    for number in range(30):
        save(tmp_path / "photos" / f"{number}.png", (number, number, number + 50), (24, 16))
        save(tmp_path / "drawings" / f"{number}.bmp", 2 * number, mode="L")
    return tmp_path


def test_the_same_names_are_pairs(folders):
    data = load_pairs(folders / "photos", folders / "drawings")
    assert (data.name, data.image_shape) == ("photos-to-drawings", (8, 12, 1))
    assert (len(data.train), len(data.test)) == (27, 3)
    for split in (data.train, data.test, *data.train.hold_out(0.3), data.train.some(4)):
        pictures = split.pictures[SOURCE]
        assert pictures.shape == (len(split), 8, 12, 3)  # in the size of the drawings, with their own channels
        np.testing.assert_array_equal(split.images[:, 0, 0, 0], 2 * pictures[:, 0, 0, 0])
    resized = load_pairs(folders / "photos", folders / "drawings", (4, 6), channels=4)
    assert resized.train.images.shape[1:] == resized.train.pictures[SOURCE].shape[1:] == (4, 6, 4)
    assert resized.fingerprint != data.fingerprint


def test_pictures_without_a_partner_are_named_and_left_out(folders, capsys):
    for name in ("7.png", "8.png"):
        (folders / "photos" / name).unlink()
    save(folders / "photos" / "sketch.png", 0)
    (folders / "drawings" / "9.bmp").write_bytes(b"")  # found, but of no use
    data = load_pairs(folders / "photos", folders / "drawings")
    assert len(data.train) + len(data.test) == 27
    text = capsys.readouterr().err
    for folder, names in (("drawings", "7.bmp, 8.bmp"), ("photos", "9.png, sketch.png")):
        about = f"left out: 2 of 29 pictures in {folders / folder}, without a partner of the same name: {names}"
        assert about in text.splitlines()
    split = data.train
    np.testing.assert_array_equal(split.images[:, 0, 0, 0], 2 * split.pictures[SOURCE][:, 0, 0, 0])


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_pairs_of_two_proportions_are_named_unless_both_are_stretched(fit, folders, capsys):
    save(folders / "photos" / "3.png", 3, (16, 24))
    save(folders / "photos" / "4.png", 4, (40, 27))  # 12×8 as nearly as whole pixels allow
    load_pairs(folders / "photos", folders / "drawings", (8, 12), fit=fit)
    text = "1 of 30 pairs have two proportions, so what is cropped or padded differs: 3.bmp (16×24 to 12×8); --fit"
    assert (text in capsys.readouterr().err) == (fit != "stretch")


def test_parts_and_classes_are_those_of_the_images(tmp_path):
    for part, number in (("train", 4), ("test", 2)):
        for index in range(number):
            for side in ("photos", "drawings"):
                save(tmp_path / side / part / "ab"[index % 2] / f"{index}.png", 20 * index, mode="L")
    data = load_pairs(tmp_path / "photos", tmp_path / "drawings")
    assert (len(data.train), len(data.test), data.class_names) == (4, 2, ["a", "b"])
    np.testing.assert_array_equal(data.train.images, data.train.pictures[SOURCE])


def test_two_arrays_of_an_npz_are_pairs(tmp_path):
    front = np.arange(30, dtype="uint8")[:, None, None, None] * np.ones((1, 8, 12, 4), "uint8")
    names = np.array([f"monster {number}" for number in range(30)])
    np.savez(tmp_path / "monsters.npz", front=front, back=front[..., 0] + 100, name=names)
    data = load_pairs(tmp_path / "monsters.npz", "back")
    assert (data.name, len(data.train), len(data.test)) == ("monsters-front-to-back", 27, 3)
    assert data.image_shape == (8, 12, 1)
    np.testing.assert_array_equal(data.test.images, data.test.pictures[SOURCE][..., :1] + 100)
    assert load_pairs(tmp_path / "monsters.npz", "front").image_shape == (8, 12, 4)


@pytest.mark.parametrize(
    ("arrays", "to", "message"),
    [
        ({"front": 5, "back": 5}, "side", r"one of them 'side', the images to make; received front \(5, 8, 12, 3\)"),
        ({"front": 5}, "front", r"expected two arrays of images in .*; received front \(5, 8, 12, 3\)"),
        ({"front": 5, "back": 4}, "back", "expected as many front as back in"),
    ],
)
def test_other_arrays_are_refused(arrays, to, message, tmp_path):
    np.savez(tmp_path / "x.npz", **{name: np.zeros((num, 8, 12, 3), "uint8") for name, num in arrays.items()})
    with pytest.raises(ValueError, match=message):
        load_pairs(tmp_path / "x.npz", to)


def test_two_arrays_of_two_proportions_are_refused_unless_both_are_stretched(tmp_path):
    tall, wide = (np.zeros((5, *shape, 3), "uint8") for shape in ((24, 16), (8, 12)))
    np.savez(tmp_path / "x.npz", front=tall, back=wide)
    message = (
        r"front and back in .* of the same proportions, received front \(5, 24, 16, 3\), back \(5, 8, 12, 3\): what"
    )
    for fit in ("crop", "pad"):
        with pytest.raises(ValueError, match=message):
            load_pairs(tmp_path / "x.npz", "back", fit=fit)
    assert load_pairs(tmp_path / "x.npz", "back", fit="stretch").train.pictures[SOURCE].shape[1:] == (8, 12, 3)
    np.savez(tmp_path / "y.npz", front=np.zeros((5, 27, 40, 3), "uint8"), back=wide)  # the same, to whole pixels
    assert load_pairs(tmp_path / "y.npz", "back").image_shape == (8, 12, 3)


def test_small_pictures_that_nobody_asked_to_enlarge_are_named(tmp_path, capsys):
    for number in range(10):
        save(tmp_path / "photos" / f"{number}.png", number, (12, 20) if number < 7 else (30, 31))
        save(tmp_path / "paintings" / f"{number}.png", number, (20, 16))
    np.savez(tmp_path / "photos.npz", x=np.zeros((30, 8, 12, 3), "uint8"))
    for photos, number in {"photos": "7 of 10", "photos.npz": "30 of 30"}.items():
        data = load_unpaired(tmp_path / photos, tmp_path / "paintings")
        assert data.train.unpaired[SOURCE].shape[1:] == data.image_shape == (16, 20, 3)
        about = f"{number} pictures in {tmp_path / photos} are smaller than 16×20 and enlarged to it"
        assert [about in line for line in capsys.readouterr().err.splitlines()].count(True) == 1
        for size in ((16, 20), (8, 12)):
            load_unpaired(tmp_path / photos, tmp_path / "paintings", size)
            assert "enlarged" not in capsys.readouterr().err


def test_folders_without_pairs_are_refused(folders):
    save(folders / "others" / "a.png", 0)
    save(folders / "others" / "b.png", 0)
    with pytest.raises(ValueError, match=r"same names in .*, found no pairs: .*others has a\.png, b\.png"):
        load_pairs(folders / "others", folders / "drawings")
    save(folders / "photos" / "7.jpg", 0)
    with pytest.raises(ValueError, match=r"several that differ in their suffix alone: 7\.jpg"):
        load_pairs(folders / "photos", folders / "drawings")
    with pytest.raises(FileNotFoundError, match=r"expected two folders of pictures .*: there is no"):
        load_pairs(folders / "photos", folders / "paintings")
    with pytest.raises(ValueError, match=r"expected two folders of pictures .* is no folder"):
        load_pairs(folders / "photos", folders / "photos" / "1.png")


def test_kinds_without_pairs_have_any_number_of_pictures(folders):
    for number in range(10):
        save(folders / "cats" / f"cat{number}.png", number, (30, 30))
    data = load_unpaired(folders / "photos", folders / "cats", (8, 12))
    assert data.name == "photos-to-cats"
    assert (len(data.train), len(data.test)) == (9, 1)
    assert data.train.unpaired[SOURCE].shape == (27, 8, 12, 3)
    assert data.test.unpaired[SOURCE].shape == (3, 8, 12, 3)
    rest, held_out = data.train.hold_out(0.3)
    assert (len(rest), len(held_out)) == (6, 3)
    assert [len(part.unpaired[SOURCE]) for part in (rest, held_out)] == [19, 8]
    values = [set(part.unpaired[SOURCE][:, 0, 0, 0].tolist()) for part in (rest, held_out, data.test)]
    assert set.union(*values) == set(range(30))
    assert sum(map(len, values)) == 30
    assert data.train.take([0]).unpaired is data.train.unpaired
    other = load_unpaired(folders / "drawings", folders / "cats", (8, 12))
    assert other.fingerprint != data.fingerprint


def test_a_single_painting_is_cut_into_crops(folders, capsys):
    ramp = np.arange(200, dtype="uint8")[None, :, None] * np.ones((150, 1, 3), "uint8")
    Image.fromarray(ramp).save(folders / "wave.png")
    data = load_unpaired(folders / "photos", folders / "wave.png", (8, 12))
    assert (len(data.train) + len(data.test), data.image_shape) == (1024, (8, 12, 3))
    assert "wave: 1,024 crops of 8×12 of 1 picture" in capsys.readouterr().err
    slopes = np.diff(data.train.images[:, 4, :, 0].astype(float), axis=1)[:, 2:-2].mean(axis=1)
    assert slopes.min() > 0.8  # from one pixel of the painting for each of the crop
    assert 1.8 < slopes.max() < 2.2  # to two
    assert data.train.images[..., 0].min() < 10
    assert data.train.images[..., 0].max() > 190
    same = load_unpaired(folders / "photos", folders / "wave.png", (8, 12))
    assert same.fingerprint == data.fingerprint
    for name in ("a", "b"):
        Image.fromarray(ramp).save(folders / f"{name}.png")
    (folders / "paintings").mkdir()
    (folders / "wave.png").rename(folders / "paintings" / "wave.png")
    (folders / "a.png").rename(folders / "paintings" / "a.png")
    assert len(load_unpaired(folders / "photos", folders / "paintings", (8, 12)).train) > 900
    assert load_unpaired(folders / "photos", folders / "paintings").image_shape == (64, 64, 3)


def test_crops_for_testing_show_what_no_other_does(tmp_path):
    columns = np.arange(250, dtype="uint8")[None, :, None] * np.ones((120, 1, 1), "uint8")
    Image.fromarray(columns[..., 0]).save(tmp_path / "wide.png")
    Image.fromarray(columns.transpose(1, 0, 2)[..., 0]).save(tmp_path / "tall.png")
    save(tmp_path / "small.png", 7, (15, 10), "L")
    for name in ("wide", "tall"):
        data = load_unpaired(tmp_path / "small.png", tmp_path / f"{name}.png", (8, 12))
        assert (len(data.train), len(data.test)) == (922, 102)
        assert len(data.train.unpaired[SOURCE]) == 922  # too small for a strip, so of the same pixels
        assert data.train.images.min() < 10
        assert data.train.images.max() < 225 <= data.test.images.min()
        assert data.test.images.max() > 240


def test_a_few_large_pictures_in_parts_stay_in_them(folders):
    for part, value in (("train", 50), ("test", 200)):
        for number in range(2):
            save(folders / "own" / part / f"{number}.png", (value, number, 0), (40, 30))
    for place in (folders / "own", folders / "own" / "train"):
        data = load_unpaired(folders / "photos", place, (8, 12))
        assert set(data.train.images[..., 0].ravel()) == {50}
    data = load_unpaired(folders / "photos", folders / "own", (8, 12))
    assert (len(data.train), len(data.test)) == (2, 2)
    assert set(data.test.images[..., 0].ravel()) == {200}


@pytest.mark.parametrize("num", [3, 7, 20])
def test_pictures_without_a_partner_have_their_own_order(num):
    column = np.arange(num, dtype="uint8").reshape(num, 1, 1, 1)
    split = Split(PIXELS, unpaired={SOURCE: column})

    def read(epoch, batch=0):
        batches = Batches(split, 7, seed=3, epoch=epoch, columns={SOURCE: column})
        return batches[batch][0]

    seen = np.concatenate([read(epoch)[SOURCE].ravel() for epoch in range(20)])  # 140 of them
    for start in range(0, 140 - num + 1, num):
        assert sorted(seen[start : start + num].tolist()) == list(range(num))  # each once before one is repeated
    first, second = seen[:num].tolist(), seen[num : 2 * num].tolist()
    assert first != second or num == 3
    # The images come as if they were alone.
    alone = Batches(Split(PIXELS), 7, seed=3, epoch=4)[0][0]
    np.testing.assert_array_equal(read(4)["images"], alone)
    images = [read(epoch)["images"].ravel().tolist() for epoch in range(3)]
    assert len(set(map(tuple, images))) == 3


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="native data sets are TensorFlow's")
def test_the_native_data_set_has_the_same_order_and_resumes_in_it():
    column = np.arange(5, dtype="uint8").reshape(5, 1, 1, 1)
    split = Split(PIXELS, unpaired={SOURCE: column})
    arguments = {"batch_size": 2, "seed": 3, "columns": {SOURCE: column}}
    expected = [
        batches[index][0]
        for batches in (Batches(split, epoch=epoch, **arguments) for epoch in range(4))
        for index in range(3)
    ]
    whole = list(dataset(Batches(split, **arguments)).take(12).as_numpy_iterator())
    for (read,), own in zip(whole, expected, strict=True):
        for name in ("images", SOURCE):
            np.testing.assert_array_equal(read[name], own[name])
    resumed = list(dataset(Batches(split, epoch=1, skip=2, **arguments)).take(4).as_numpy_iterator())
    assert not resumed[0][0]["images"].any()
    for (read,), own in zip(resumed[2:], expected[5:7], strict=True):
        np.testing.assert_array_equal(read[SOURCE], own[SOURCE])


def test_an_unpaired_column_needs_a_row():
    with pytest.raises(ValueError, match="expected 7 picture, one for each image, received 3"):
        Batches(Split(PIXELS), 2, columns={SOURCE: PIXELS[:3]})
