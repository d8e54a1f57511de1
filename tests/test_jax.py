"""The game and its primitives on JAX: their own tests, in a process with that backend."""

import os
import subprocess
import sys

from tests.processes import ROOT


def test_the_game_passes_its_tests_on_jax():
    # Not the slow eager ones. The budget is the only callback with batch hooks there: on JAX that runs in two threads.
    chosen = (
        "backend or kind or hand or moves or loaded or bfloat16 or three or latents or budget or numbers or everything "
        "or found or follows or unbroken or launch or leave"
    )
    rooms = ("backend", "gan", "penalties", "conditional_gan", "autoencoders", "inversion", "quantized", "resume")
    files = [f"tests/test_{room}.py" for room in (*rooms, "launches")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", chosen]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout[-4000:]
