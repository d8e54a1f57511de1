"""The training scripts in other circumstances: JAX, a folder of odd files, Ctrl-C, divergence, without TensorFlow."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from keras_gen.presets import AUTOENCODERS, GANS, STYLIZERS
from tests.commands import ROOT, call, environment, spawn, succeed, typed

SCRIPTS = ("train_gan.py", "train_ae.py")


def test_jax_trains_and_exports(tmp_path):  # 30 s: TensorFlow starts for the export, and three runtimes
    command = ("train_gan.py", "article", "--data", "digits", "--minutes", "0.05", "--no-score", "--run-dir", "run")
    process = succeed(tmp_path, *command, "--backend", "jax", "--precision", "bfloat16", run=spawn)
    assert "E0000" not in process.stdout
    version = tmp_path / "saved_models" / "gan-article-digits" / "1"
    assert (version / "saved_model.pb").exists()
    assert "backend jax" in (version / "MODEL_CARD.md").read_text()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["backend"] == "jax"
    assert "jax" in json.dumps(config["versions"])
    assert (config["options"]["backend"], config["options"]["precision"]) == ("jax", "bfloat16")


def test_a_run_that_diverges_says_so_and_exports_nothing(tmp_path):
    command = ("train_gan.py", "article", "--data", "digits", "--epochs", "3", "--learning-rate", "1e20", "--no-score")
    process = call(tmp_path, *command, "--run-dir", "run")
    assert process.returncode == 1, process.stdout + process.stderr
    page = (tmp_path / "run" / "report.html").read_text()
    assert process.stdout.count("the loss was no longer a number: back to step 0, ") >= 4
    for sentence in ("no remedy was left", "Training diverged", "Not exported: the model has diverged"):
        assert sentence in process.stdout
        assert sentence in page
    assert not (tmp_path / "saved_models").exists()


def test_an_image_folder_of_odd_files(tmp_path):
    generator = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for index in range(6):
            pixels = generator.integers(0, 256, (9 + index, 13, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{index}.png")
    (tmp_path / "pets" / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    process = succeed(tmp_path, "train_gan.py", "article", "--data", "pets", "--image-size", "7", "11", "--epochs", "1")
    assert "broken.png" in process.stderr
    (run_folder,) = (tmp_path / "runs").iterdir()
    data = json.loads((run_folder / "config.json").read_text())["data"]
    assert data["image_shape"] == [7, 11, 3]
    assert len(data["skipped_files"]) == 1
    assert data["skipped_files"][0].startswith("cat/broken.png (")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="files are limited by a Unix shell")
@pytest.mark.parametrize("script", ["train_gan.py", pytest.param("train_ae.py", marks=pytest.mark.slow)])
def test_a_full_disk(script, tmp_path):
    """No file grows beyond 200 kB: what the article's model and its checkpoints do not fit into."""
    command = f"ulimit -f 400; exec {sys.executable} {ROOT / script} article --data digits --epochs 2 --no-score"
    process = subprocess.run(
        ["sh", "-c", f"{command} --run-dir run"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert "no checkpoint written, training continues: File too large" in process.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    for words in ("Not saved: File too large. Free some space, then go on with --resume run.", "Not exported: "):
        assert words in process.stdout
        assert words in page
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
    assert not list((tmp_path).glob("saved_models/*"))


# One of each is enough for every day: with codes that are free, drawn and written in tokens there are other roads.
EVERY_DAY = ("vae",)


@pytest.mark.parametrize(
    "preset", [pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.slow) for name in AUTOENCODERS]
)
def test_what_an_autoencoder_is_for(preset, tmp_path):  # 20 s: a run with its card, and each command on it
    succeed(tmp_path, "train_ae.py", preset, "--data", "digits", "--epochs", "2", "--run-dir", "run")
    for model in ("run", "run/checkpoints/final.keras", f"saved_models/autoencoder-{preset}-digits"):
        succeed(tmp_path, "keras-gen", "sample", model, "--num", "5", "--out", "new.npy")
        assert np.load(tmp_path / "new.npy").shape == (5, 8, 8, 1)
    for command in (["reconstruct"], ["invert", "--data", "digits"]):
        succeed(tmp_path, "keras-gen", command[0], "run", *command[1:], "--num", "10", "--out", f"{command[0]}.png")
        assert (tmp_path / f"{command[0]}.png").stat().st_size > 500
    for command in (["interpolate", "--stops", "2", "--frames", "3"], ["traverse", "--num", "2", "--steps", "3"]):
        succeed(tmp_path, "keras-gen", command[0], "run", *command[1:], "--out", "way.npy")
        assert np.load(tmp_path / "way.npy").shape == (6, 8, 8, 1)


@pytest.mark.parametrize("script", SCRIPTS)
def test_dry_run_prints_and_writes_nothing(script, tmp_path):
    process = succeed(tmp_path, script, "article", "--data", "digits", "--epochs", "3", "--dry-run")
    for line in ("batch-size", "128", "parameters of the", "memory, weights and", "compiling", "training, by epochs"):
        assert line in process.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_what_was_learned_and_exports(tmp_path):  # 20 s: a real run, verified by all runtimes
    options = ("--data", "digits", "--minutes", "10", "--no-score", "--sample-every", "1")
    command, pipes = typed("train_gan.py", "article", *options), {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(), **pipes)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("runs/*/samples/step_*.png"))) < 3:  # training is under way
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, output + errors
    assert (tmp_path / "saved_models" / "gan-article-digits" / "1" / "saved_model.pb").exists()
    (page,) = tmp_path.glob("runs/*/report.html")
    assert "Training was ended early by SIGINT" in page.read_text()
    assert b"SIGINT: stopping after this step" in output


COMMANDS = ("train_gan.py", "train_ae.py", "keras-gen", "keras-gen train gan", "keras-gen train autoencoder")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_does_not_wait_for_tensorflow(command, tmp_path):
    process = spawn(tmp_path, *command.split(), "--help", backend="no such backend")
    assert process.returncode == 0, "with this backend any import of Keras would fail"
    assert process.stdout.startswith(f"usage: {command}")
    assert "{None" not in process.stdout, "no value that anybody would type"


def test_help_lists_all_presets_and_the_program_that_was_typed(tmp_path):
    every = call(tmp_path, "train_gan.py", "--help").stdout
    assert all(f"\n  {name}: " in every for name in (*GANS, *STYLIZERS))
    assert "python train_gan.py stylize --help" in every
    own = call(tmp_path, "train_gan.py", "stylize", "--help").stdout
    assert "python train_gan.py stylize --data photos/ --style" in own
    assert "--style-size" in own
    assert "keras-gen train" not in own


@pytest.mark.slow
def test_an_installed_package_trains_scores_and_exports(tmp_path):
    """A wheel and what it depends on in an empty environment, which knows nothing of the checkout."""
    source, user, programs = tmp_path / "source", tmp_path / "user", tmp_path / "environment" / "bin"
    shutil.copytree(ROOT / "keras_gen", source / "keras_gen", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    user.mkdir()

    def call(program, *arguments):
        without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        process = subprocess.run([program, *arguments], cwd=user, env=without, capture_output=True, text=True)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    call(sys.executable, "-m", "pip", "wheel", source, "--no-deps", "--wheel-dir", tmp_path)
    call(sys.executable, "-m", "venv", programs.parent)
    call(programs / "python", "-m", "pip", "install", *tmp_path.glob("keras_gen-*.whl"))
    where = call(programs / "python", "-c", "import keras_gen; print(keras_gen.__file__)")
    assert where.startswith(str(programs.parent))
    for family in ("gan", "autoencoder"):
        short = ("article", "--data", "digits", "--epochs", "1", "--run-dir", f"runs/{family}")
        call(programs / "keras-gen", "train", family, *short)
        assert "frechet" in call(programs / "keras-gen", "evaluate", f"runs/{family}", "--out", "again")
        version = call(programs / "keras-gen", "export", f"runs/{family}").strip()
        assert version == f"saved_models/{family}-article-digits/2"
        assert "agree" in call(programs / "keras-gen", "verify", version)


def test_import_needs_no_tensorflow(tmp_path):
    program = """
import sys
sys.modules["tensorflow"] = None  # what `import tensorflow` finds where it is not installed
import keras_gen
for name in keras_gen.__all__:
    getattr(keras_gen, name)
import numpy as np
from keras_gen import GAN, networks
gan = GAN(networks.mlp.generator((8, 12, 3), 4), networks.mlp.discriminator((8, 12, 3)))
gan.compile()
gan.fit(np.zeros((6, 8, 12, 3), "uint8"), batch_size=3, verbose=0)
"""
    command = [sys.executable, "-c", program]
    process = subprocess.run(command, env=environment("jax"), capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
