"""Backend and precision, chosen by hand and by measurement."""

import os
import platform
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_gen.networks import mlp
from keras_gen.presets import GANS
from keras_gen.runs import hardware
from keras_gen.runs.options import GANOptions
from tests.commands import spawn, succeed
from tests.conftest import IMAGE_SHAPE, make_gan, weights_of

OPTIONS = GANOptions(preset="article", batch_size=4).resolve(GANS)


@pytest.fixture(autouse=True)
def _as_before():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize(("name", "computes_in"), [("float32", "float32"), ("bfloat16", "bfloat16")])
def test_a_precision_is_what_layers_compute_in(name, computes_in):
    assert hardware.choose_precision(GANOptions(precision=name), IMAGE_SHAPE) == name
    generator = mlp.generator(IMAGE_SHAPE, 4, widths=(8,))
    hidden, last = [layer for layer in generator.layers if isinstance(layer, keras.layers.Dense)]
    assert (hidden.compute_dtype, hidden.variable_dtype) == (computes_in, "float32")
    assert last.compute_dtype == "float32"


# bfloat16 is coarser: it has to take less than four fifths of the time.
@pytest.mark.parametrize(("share", "expected"), [(1.5, "float32"), (0.85, "float32"), (0.75, "bfloat16")])
def test_bfloat16_must_be_worth_it(share, expected, monkeypatch, capsys):
    seconds = {"float32": 0.020, "bfloat16": 0.020 * share}
    monkeypatch.setattr(hardware, "seconds_per_step", lambda network, shape, batch, precision: seconds[precision])
    assert hardware.choose_precision(GANOptions(precision="auto"), IMAGE_SHAPE) == expected
    assert keras.config.dtype_policy().name == hardware.POLICIES[expected]
    said = capsys.readouterr().out
    assert said.startswith(f"precision: {expected} (")
    assert "float32 20 ms" in said


def test_a_measurement_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(hardware, "MEASURE_SECONDS", 0.05)
    before = keras.config.dtype_policy().name
    assert 0 < hardware.seconds_per_step("mlp", IMAGE_SHAPE, 4, "bfloat16") < 10
    assert keras.config.dtype_policy().name == before


def test_a_backend_is_set_for_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    hardware.choose_backend(OPTIONS)
    assert os.environ["KERAS_BACKEND"] == "tensorflow", "none was asked for"
    hardware.choose_backend(GANOptions(backend="jax"))
    assert os.environ["KERAS_BACKEND"] == "jax"


@pytest.mark.slow
def test_the_backend_is_measured(tmp_path):
    process = succeed(tmp_path, "train_gan.py", "--data", "digits", "--backend", "auto", "--dry-run", run=spawn)
    assert process.stdout.startswith("backend: ")
    assert "tensorflow" in process.stdout
    assert "jax" in process.stdout


def test_bfloat16_learns_the_same_model(images):
    images_of = {}
    for precision in hardware.POLICIES:
        hardware.set_precision(precision)
        keras.utils.set_random_seed(0)
        gan = make_gan(loss="relativistic", penalties=["r1", "r2"])
        before = [np.copy(weight) for weight in weights_of(gan)]
        gan.fit(images, batch_size=3, epochs=5, verbose=0, shuffle=False)
        images_of[precision] = gan.sample(6, seed=1).astype(float)
        moved = max(np.abs(a - b).max() for a, b in zip(before, weights_of(gan), strict=True))
        assert moved > 1e-3
    # bfloat16 has 8 bits: a few thousandths of the range of 256.
    assert np.abs(images_of["float32"] - images_of["bfloat16"]).mean() < 2


# Eight blocks of a megabyte, taken and freed twenty times: what the last fifteen rounds cost in page faults.
FAULTS = """
import ctypes, resource
import numpy as np
from keras_gen.runs import hardware

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: no page is larger than 4 kB
{}
for step in range(20):
    blocks = [np.ones(2**20, "uint8") for _ in range(8)]
    del blocks
    if step == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's malloc that is told")
def test_freed_memory_is_kept_for_the_next_step():
    def faults(line):
        return int(subprocess.run([sys.executable, "-c", FAULTS.format(line)], capture_output=True, check=True).stdout)

    blocks, pages = 15 * 8, 256  # of 4 kB in each megabyte
    assert faults("") > blocks * pages / 2
    assert faults("hardware.keep_freed_memory()") < pages
