"""Checkpoints as files: they read back as written, damaged ones are refused, and a crash keeps the old ones."""

import json
import resource
import signal

import numpy as np
import pytest

from keras_gen.models import checkpoints
from keras_gen.models.checkpoints import Checkpoint
from tests.conftest import make_autoencoder, make_conditional_gan, make_gan, same

SMALL = Checkpoint(3, 5, 77, [np.arange(6, dtype="float32").reshape(2, 3), np.int64(9)], {"A": {"x": [1, np.eye(2)]}})


def content(checkpoint):
    """Everything in a checkpoint, in a comparable form."""
    return json.dumps(vars(checkpoint), default=lambda array: [str(array.dtype), array.shape, array.tolist()])


def test_a_checkpoint_reads_back_as_written(tmp_path):
    path = SMALL.save(tmp_path)
    assert path.name == "step_000000077.npz"
    read = Checkpoint.load(path)
    assert (read.epoch, read.batch, read.step) == (3, 5, 77)
    assert [value.dtype.name for value in read.variables] == ["float32", "int64"]
    np.testing.assert_array_equal(read.variables[0], [[0, 1, 2], [3, 4, 5]])
    assert read.callbacks["A"]["x"][0] == 1
    np.testing.assert_array_equal(read.callbacks["A"]["x"][1], [[1, 0], [0, 1]])


@pytest.mark.parametrize("make", [make_gan, make_conditional_gan, make_autoencoder])
def test_a_model_is_restored_completely(make, images, tmp_path):
    model = make()
    rows = [] if model.conditions is None else [np.zeros((len(images), model.conditions.width), "float32")]
    model.fit(images, *rows, batch_size=3, verbose=0)
    before = Checkpoint.of(model)
    path = before.save(tmp_path)
    model.fit(images, *rows, batch_size=3, verbose=0)
    after = Checkpoint.of(model)
    moved = [not np.array_equal(a, b) for a, b in zip(before.variables, after.variables, strict=True)]
    assert sum(moved) > len(model.trainable_variables) * 2, "weights, their slots and the seeds have moved"
    Checkpoint.load(path).restore(model)
    assert same(Checkpoint.of(model).variables, before.variables)
    assert len({id(variable) for variable in checkpoints.variables_of(model)}) == len(before.variables)


def test_another_model_is_refused():
    with pytest.raises(ValueError, match="the checkpoint is of another model"):
        Checkpoint.of(make_gan()).restore(make_autoencoder())


def test_every_flipped_byte_is_detected_or_harmless(tmp_path):
    path = SMALL.save(tmp_path)
    whole, refused = path.read_bytes(), 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            read = Checkpoint.load(path)
        except ValueError:
            refused += 1
        else:
            assert content(read) == content(SMALL), at
    assert refused > len(whole) / 2


def test_every_truncation_is_detected(tmp_path):
    path = SMALL.save(tmp_path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is damaged"):
            Checkpoint.load(path)


def test_objects_are_not_unpickled(tmp_path):
    path = tmp_path / "step_000000001.npz"
    np.savez(path, json=np.array([{"epoch": 1}], dtype=object))
    with pytest.raises(ValueError, match="is damaged"):
        Checkpoint.load(path)


def test_a_damaged_file_is_skipped_for_the_one_before(tmp_path):
    messages = []
    assert checkpoints.newest(tmp_path / "nothing", messages.append) is None
    for step in (9, 10):
        Checkpoint(0, 0, step, [np.ones(3)], {}).save(tmp_path)
    (tmp_path / "step_000000010.npz").write_bytes(b"PK")
    assert checkpoints.newest(tmp_path, messages.append).step == 9
    assert len(messages) == 1
    assert "step_000000010.npz is damaged" in messages[0]


def test_the_last_two_are_kept(tmp_path):
    (tmp_path / ".unfinished-1-step_000000001.npz").write_bytes(b"of a process that was killed")
    (tmp_path / "final.keras").write_bytes(b"a model")
    for step in (8, 9, 10, 11):
        Checkpoint(0, 0, step, [], {}).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "final.keras",
        "step_000000010.npz",
        "step_000000011.npz",
    ]


def test_a_step_back_removes_later_checkpoints(tmp_path):
    for step in (8, 12, 10):
        Checkpoint(0, 0, step, [], {}).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000000008.npz", "step_000000010.npz"]


def test_a_full_disk_keeps_the_old_checkpoints(tmp_path):
    SMALL.save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a file that grows too large is an OSError
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Checkpoint(0, 0, 78, [np.ones(100_000)], {}).save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
