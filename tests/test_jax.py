"""The game and its primitives on JAX: their own tests, in a process with that backend."""

import os
import subprocess
import sys

from tests.processes import ROOT


def test_the_game_passes_its_tests_on_jax():
    chosen = "backend or hand or moves or loaded or bfloat16 or three or latents"  # not the slow eager ones
    files = ["tests/test_backend.py", "tests/test_gan.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", chosen]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout[-4000:]
