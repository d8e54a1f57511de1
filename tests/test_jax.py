"""The game and its primitives on JAX: their own tests, in a process with that backend."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT, environment

# Rooms whose tests say something about the backend, and which of these: not those that run eagerly, which is slow.
ROOMS = (
    "backend",
    "gan",
    "penalties",
    "conditional_gan",
    "autoencoders",
    "inversion",
    "quantized",
    "resume",
    "launches",
)
CHOSEN = (
    "backend or kind or hand or updates or loaded or bfloat16 or three or latents or budget or numbers or everything "
    "or found or follow or unbroken or launch or values or warm or image or round"
)


def run_on_jax(*arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    process = subprocess.run(command, cwd=ROOT, env=environment("jax"), capture_output=True, text=True)
    assert process.returncode == 0, process.stdout[-4000:]


def test_what_is_marked_passes_on_jax():  # a minute: JAX compiles each model anew
    marked = [path for path in sorted((ROOT / "tests").glob("test_*.py")) if "mark.jax" in path.read_text()]
    run_on_jax("-m", "jax", *(path for path in marked if path != Path(__file__)))


@pytest.mark.slow
def test_all_rooms_pass_on_jax():
    run_on_jax(*(f"tests/test_{room}.py" for room in ROOMS), "-k", CHOSEN)


@pytest.mark.slow
def test_games_of_others_pass_on_jax():
    run_on_jax("tests/test_games.py")
