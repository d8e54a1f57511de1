"""The file of a trained model: written completely or not at all, found by its run, not mistaken for an export."""

import resource

import pytest

from keras_gen.models import saving
from tests.conftest import make_gan, weights_of


def test_a_model_loads_from_its_run_and_from_its_file(tmp_path):
    gan = make_gan()
    file = saving.save(gan, tmp_path / "run")
    assert file == tmp_path / "run" / "checkpoints" / "final.keras"
    for path in (tmp_path / "run", file):
        again = saving.load(path)
        assert [weight.tolist() for weight in weights_of(again)] == [weight.tolist() for weight in weights_of(gan)]


def test_a_failed_write_keeps_the_previous_file(tmp_path):
    file = saving.save(make_gan(), tmp_path)
    before = file.read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            saving.save(make_gan(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["final.keras"]


@pytest.mark.parametrize("path", ["digits", "digits/1"])
def test_an_exported_model_is_not_a_run(path, tmp_path):
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=f"{path} is an exported model"):
        saving.load(tmp_path / path)


def test_a_missing_model_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "other.keras"):
        with pytest.raises(FileNotFoundError, match=r"found no .*\.keras"):
            saving.load(path)
