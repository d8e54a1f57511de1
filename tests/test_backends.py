"""The same round on every backend: from the same weights, noise and images to the same weights."""

import functools
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from tests import one_step
from tests.commands import ROOT

BACKENDS = ["tensorflow", "jax", "torch"]
# A Python that has PyTorch, if this one has not: PyTorch is not a dependency.
PYTHON_WITH_TORCH = os.environ.get("PYTHON_WITH_TORCH")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The weights after one round of each game, by `<game>/<number>`, on a backend; each backend runs once."""
    folder = tmp_path_factory.mktemp("weights")

    @functools.cache
    def play(backend):
        out = folder / f"{backend}.npz"
        python = PYTHON_WITH_TORCH if backend == "torch" and PYTHON_WITH_TORCH else sys.executable
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
        command = [python, "-m", "tests.one_step", out]
        process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr[-4000:]
        with np.load(out) as archive:
            return dict(archive)

    return play


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("game", one_step.GAMES)
def test_one_round_gives_the_same_weights(game, backend, weights):  # the first waits 30 s for both backends
    if backend == "torch" and not PYTHON_WITH_TORCH and importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    expected, received = weights("tensorflow"), weights(backend)
    names = [name for name in expected if name.startswith(f"{game}/")]
    assert len(names) > 8
    for name in names:
        np.testing.assert_allclose(received[name], expected[name], atol=1e-4, err_msg=name)
