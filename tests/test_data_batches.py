"""Claims about `Batches`: the order is a function of seed and epoch, also inside a real `fit` on each backend."""

import keras
import numpy as np
import pytest

from keras_gen.data import Batches, Split, load

# Seven images of one pixel, 1, 2, 4, …, 64: the sum of a batch tells which images it holds.
PIXELS = (2 ** np.arange(7)).astype(np.uint8).reshape(7, 1, 1, 1)


def batch_sums(batches):
    return [int(batches[index][0].sum()) for index in range(len(batches))]


def expected_sums(epoch):
    order = np.random.default_rng((3, epoch)).permutation(7)
    return [int(PIXELS[order[start : start + 2]].sum()) for start in (0, 2, 4)]


def test_the_order_is_a_function_of_seed_and_epoch():
    assert batch_sums(Batches(Split(PIXELS), 2, seed=3)) == expected_sums(0)
    assert batch_sums(Batches(Split(PIXELS), 2, seed=3, epoch=5)) == expected_sums(5)
    assert batch_sums(Batches(Split(PIXELS), 2, seed=4)) != expected_sums(0)
    batches = Batches(Split(PIXELS), 2, seed=3)
    batches.start_at(5)
    assert batch_sums(batches) == expected_sums(5)
    batches.start_at(5, batch=1)  # the first is not read
    assert batch_sums(batches) == [0, *expected_sums(5)[1:]]
    batches.on_epoch_end()
    assert batch_sums(batches) == expected_sums(6)


@pytest.mark.parametrize(
    ("batch_size", "drop_remainder", "sizes"),
    [(2, True, [2, 2, 2]), (2, False, [2, 2, 2, 1]), (7, True, [7]), (7, False, [7]), (9, True, [7]), (9, False, [7])],
)
def test_batch_sizes(batch_size, drop_remainder, sizes):
    batches = Batches(Split(PIXELS), batch_size, drop_remainder=drop_remainder)
    assert [len(batches[index][0]) for index in range(len(batches))] == sizes


def test_validation_reads_every_image_once_in_order():
    batches = Batches(Split(PIXELS), 2, shuffle=False, drop_remainder=False)
    assert np.concatenate([batches[index][0] for index in range(4)]).ravel().tolist() == [1, 2, 4, 8, 16, 32, 64]


def test_items_are_bytes_with_their_targets():
    split = Split(PIXELS, np.arange(7))
    (images,) = Batches(split, 3)[0]
    assert (images.dtype, images.shape) == (np.uint8, (3, 1, 1, 1))
    images, labels = Batches(split, 3, targets=split.labels)[1]
    assert labels.dtype == np.int64
    assert (2**labels).tolist() == images.ravel().tolist()
    images, rows = Batches(split, 3, targets=np.eye(7, dtype="float32"))[1]
    assert (2 ** rows.argmax(axis=1)).tolist() == images.ravel().tolist()
    (named,) = Batches(split, 3, columns={"label": split.labels, "source": 2 * PIXELS})[1]
    np.testing.assert_array_equal(named["label"], labels)
    np.testing.assert_array_equal(named["source"], 2 * named["images"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Split(PIXELS[:0]), 2), "at least one image"),
        ((Split(PIXELS), 0), "batch_size of at least 1, received 0"),
    ],
)
def test_impossible_batches_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batches(*arguments)
    with pytest.raises(ValueError, match="expected 7 targets, one for each image, received 6"):
        Batches(Split(PIXELS), 2, targets=np.arange(6))
    with pytest.raises(ValueError, match="expected 7 source, one for each image, received 6"):
        Batches(Split(PIXELS), 2, columns={"source": np.arange(6)})


def test_a_file_on_disk_is_read_batch_by_batch(tmp_path):
    np.save(tmp_path / "set.npy", np.arange(200, dtype=np.uint8).reshape(100, 1, 2, 1))
    train = load(tmp_path / "set.npy").train
    batches = Batches(train, 10, seed=1)
    assert isinstance(train.images.array, np.memmap)
    seen = np.concatenate([batches[index][0] for index in range(9)])
    assert sorted(seen[:, 0, 0, 0]) == sorted(train.images[:][:, 0, 0, 0])
    assert type(batches[0][0]) is np.ndarray


class Sum(keras.Model):
    """Its loss is the mean of the pixels of a batch."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")

    def call(self, images):
        return self.dense(keras.ops.reshape(keras.ops.cast(images, "float32"), (-1, 1)))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(y_pred)


class Record(keras.callbacks.Callback):
    """Keeps the sum of the pixels of each batch of two images: the log is the mean over the batches so far."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append([])
        self.total = 0

    def on_train_batch_end(self, batch, logs=None):
        total = round(logs["loss"] * 2 * (batch + 1))
        self.epochs[-1].append(total - self.total)
        self.total = total


def new_model(steps=1):
    model = Sum()
    model.compile(optimizer=keras.optimizers.SGD(0.0), steps_per_execution=steps)
    return model


@pytest.mark.jax
def test_epoch_k_of_fit_sees_the_batches_of_epoch_k():
    split, record = Split((2 ** np.arange(7)).astype("uint8").reshape(7, 1, 1, 1)), Record()
    batches, options = Batches(split, 2, seed=3), {"shuffle": False, "verbose": 0, "callbacks": [record]}
    validation = Batches(split, 2, shuffle=False, drop_remainder=False)
    model = new_model()
    model.fit(batches, epochs=2, validation_data=validation, **options)  # not built: Keras draws a batch to build it
    model.fit(batches, epochs=3, initial_epoch=2, **options)  # built: it draws none
    model.predict(batches, verbose=0)  # a whole pass too
    assert batches.epoch == 4
    batches.start_at(3)
    new_model().fit(batches, epochs=1, **options)  # another one that is not built
    new_model().fit(Batches(split, 2, seed=3, epoch=4), epochs=5, initial_epoch=4, **options)
    assert record.epochs == [expected_sums(epoch) for epoch in (0, 1, 2, 3, 4)]
    record.epochs.clear()
    new_model(3).fit(Batches(split, 2, seed=3), epochs=2, **options)
    assert [sum(sums) for sums in record.epochs] == [sum(expected_sums(epoch)) for epoch in (0, 1)]
    record.epochs.clear()
    later, recorded = Batches(split, 2, seed=3, epoch=5, skip=1), {"verbose": 0, "callbacks": [record]}
    new_model().fit(**later.for_fit(), epochs=7, initial_epoch=5, validation_data=validation, **recorded)
    new_model().fit(**later.for_fit(), epochs=6, initial_epoch=5, **recorded)  # from the same epoch on
    resumed = [0, *expected_sums(5)[1:]]
    assert record.epochs == [resumed, expected_sums(6), resumed]


class OnDisk:
    """Images that are not an array."""

    shape, dtype = PIXELS.shape, PIXELS.dtype

    def __len__(self):
        return len(PIXELS)

    def __getitem__(self, index):
        return PIXELS[index]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere `fit` gets the batches themselves")
@pytest.mark.parametrize("images", [PIXELS, OnDisk()], ids=["in memory", "on disk"])
@pytest.mark.parametrize(
    "how",
    [
        {"batch_size": 2},
        {"batch_size": 2, "drop_remainder": False},
        {"batch_size": 9},
        {"batch_size": 2, "shuffle": False, "drop_remainder": False},
        {"batch_size": 3, "epoch": 4, "skip": 1},
        {"batch_size": 2, "targets": np.eye(7, dtype="float32"), "skip": 2},
        {"batch_size": 2, "columns": {"label": np.arange(7)}, "targets": np.arange(7), "skip": 2},
    ],
)
def test_fit_gets_the_same_batches_whatever_it_reads_from(images, how):
    batches = Batches(Split(images), seed=3, **how)
    arguments = batches.for_fit()
    assert arguments["steps_per_epoch"] == len(batches)
    stream = iter(arguments["x"])
    for epoch in range(batches.epoch, batches.epoch + 2):
        if epoch > batches.epoch:
            batches.start_at(epoch)
        for index in range(len(batches)):
            expected, received = batches[index], next(stream)
            keras.tree.assert_same_structure(expected, received)
            for left, right in zip(keras.tree.flatten(expected), keras.tree.flatten(received), strict=True):
                assert left.dtype == right.dtype.as_numpy_dtype
                if index >= how.get("skip", 0) or epoch > how.get("epoch", 0):
                    np.testing.assert_array_equal(left, right)
                else:
                    assert left.shape == right.shape


@pytest.mark.parametrize("ahead", [2, 3, 8])
def test_batches_that_are_read_ahead_are_the_same(ahead):
    split = Split(PIXELS, np.arange(7))
    for epoch in (0, 1):
        one, many = (
            Batches(split, 2, seed=3, epoch=epoch, drop_remainder=False, targets=split.labels, ahead=each)
            for each in (1, ahead)
        )
        for index in (0, 1, 2, 3, 1):  # also backwards: `fit` reads the first batch before it begins
            for left, right in zip(one[index], many[index], strict=True):
                np.testing.assert_array_equal(left, keras.ops.convert_to_numpy(right))
        many.start_at(7), one.start_at(7)
        np.testing.assert_array_equal(one[2][0], keras.ops.convert_to_numpy(many[2][0]))


def test_reading_ahead_reads_once():
    class Counting:
        shape, dtype, reads = PIXELS.shape, PIXELS.dtype, 0

        def __len__(self):
            return len(PIXELS)

        def __getitem__(self, index):
            self.reads += 1
            return PIXELS[index]

    batches = Batches(Split(Counting()), 1, ahead=4)
    for index in range(7):
        batches[index]
    assert batches.split.images.reads == 2
