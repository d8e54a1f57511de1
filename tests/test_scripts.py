"""The training scripts as commands: what they leave behind, and what they say to wrong input."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_gen.runs import slug
from tests.processes import ROOT, fail, run, succeed

TRAINED = pytest.mark.xdist_group("trained")  # these share the fixture, which takes a minute
SCRIPTS = {"train_gan.py": "gan-article-digits", "train_ae.py": "autoencoder-article-digits"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which each script ran twice on scikit-learn's digits, and the folders of the runs."""
    folder = tmp_path_factory.mktemp("user")
    for script in SCRIPTS:
        succeed(folder, script, "article", "--data", "digits", "--epochs", "2", "--run-dir", f"runs/{script}")
        succeed(folder, script, "--data", "digits", "--minutes", "0.02")
    return folder


@pytest.mark.parametrize("script", SCRIPTS)
@TRAINED
def test_a_run_leaves_everything_that_the_readme_promises(script, trained):
    run_folder = trained / "runs" / script
    left = {str(path.relative_to(run_folder)) for path in run_folder.rglob("*") if path.is_file()}
    assert {"config.json", "metrics.csv", "curves.png", "report.html", "checkpoints/final.keras"} <= left
    samples = sorted(name for name in left if name.startswith("samples/"))
    steps = 2 * ((1437 if script == "train_gan.py" else 1293) // 128)  # the autoencoder holds out 10 % to validate
    assert samples == ["samples/step_0000000.png", f"samples/step_{steps:07d}.png"]
    with open(run_folder / "metrics.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    events = EventAccumulator(str(run_folder / "tensorboard" / "train")).Reload()
    assert [point.step for point in events.Scalars("loss")] == [steps // 2, steps]


@pytest.mark.parametrize(("script", "name"), SCRIPTS.items())
@TRAINED
def test_a_second_run_makes_version_2(script, name, trained):
    versions = trained / "saved_models" / name
    assert sorted(path.name for path in versions.iterdir()) == ["1", "2"]
    assert all((version / "saved_model.pb").exists() for version in versions.iterdir())


@TRAINED
def test_the_default_run_folder_says_when_what_and_on_which_data(trained):
    names = [path.name for path in (trained / "runs").iterdir() if path.name not in SCRIPTS]
    assert len(names) == 2
    assert all(name.endswith("-article-digits") and name[:8].isdigit() for name in names)


@TRAINED
def test_config_holds_every_option_resolved(trained):
    config = json.loads((trained / "runs" / "train_gan.py" / "config.json").read_text())
    assert config["options"]["batch_size"] == 128
    assert config["options"]["learning_rate"] == 2e-4
    assert config["options"]["name"] == "gan-article-digits"
    # 100·256+256 + 256·512+512 + 512·1024+1024 + 1024·64+64, and 64·1024+1024 + 1024·512+512 + 512·256+256 + 256+1.
    assert config["parameters"] == {"generator": 748_352, "discriminator": 722_945}
    assert config["data"]["train_images"] + config["data"]["test_images"] == 1797
    assert len(config["data"]["sha256"]) == 64
    assert config["backend"] == "tensorflow"


@TRAINED
def test_report_shows_the_pictures_that_are_there(trained):
    run_folder = trained / "runs" / "train_gan.py"
    page = (run_folder / "report.html").read_text()
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert "curves.png" in sources
    assert all((run_folder / source).exists() for source in sources)
    assert "CC BY 4.0" in page


@TRAINED
def test_sampling_from_a_run_and_from_its_export(trained, tmp_path):
    for model in ("runs/train_gan.py", "saved_models/gan-article-digits", "saved_models/gan-article-digits/1"):
        out = tmp_path / f"{slug(model)}.npy"
        succeed(trained, "keras-gen", "sample", model, "--num", "10", "--seed", "3", "--out", out)
        images = np.load(out)
        assert images.shape == (10, 8, 8, 1)
        assert images.dtype == np.uint8
        assert len({image.tobytes() for image in images}) == 10
    newest, first = (np.load(tmp_path / f"{slug(f'saved_models/gan-article-digits{end}')}.npy") for end in ("", "/1"))
    assert not np.array_equal(newest, first), "the folder of versions must mean the newest one"


@TRAINED
def test_sampling_as_a_grid_and_as_files(trained, tmp_path):
    succeed(trained, "keras-gen", "sample", "runs/train_gan.py", "--num", "4", "--out", tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (19, 19)
    succeed(trained, "keras-gen", "sample", "runs/train_gan.py", "--num", "3", "--out", tmp_path / "files")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [f"{index:06d}.png" for index in range(3)]


@TRAINED
def test_reconstructing(trained, tmp_path):
    out = tmp_path / "grid.png"
    process = succeed(
        trained, "keras-gen", "reconstruct", "runs/train_ae.py", "--data", "digits", "--num", "5", "--out", out
    )
    assert process.stdout.startswith("5 test images, mean squared error 0.")
    with Image.open(out) as picture:
        assert picture.size == (46, 19)


@TRAINED
def test_exporting_a_run_again(trained, tmp_path):
    process = succeed(trained, "keras-gen", "export", "runs/train_ae.py", "--export-dir", tmp_path)
    assert process.stdout.strip() == str(tmp_path / "autoencoder-article-digits" / "1")


def test_jax_trains_and_exports(tmp_path):
    command = ("train_gan.py", "article", "--data", "digits", "--minutes", "0.05")
    process = succeed(tmp_path, *command, backend="jax")
    assert "E0000" not in process.stdout
    assert (tmp_path / "saved_models" / "gan-article-digits" / "1" / "saved_model.pb").exists()
    (run_folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((run_folder / "config.json").read_text())["backend"] == "jax"


def test_the_same_seed_trains_the_same_model(tmp_path):
    for number in (1, 2):
        command = ("train_gan.py", "--data", "digits", "--epochs", "1", "--seed", "5", "--run-dir", number)
        succeed(tmp_path, *command, "--export-dir", tmp_path / "out")
    first, second = (tmp_path / name / "samples" / "step_0000011.png" for name in "12")
    assert first.read_bytes() == second.read_bytes()


def test_an_image_folder_of_odd_files(tmp_path):
    generator = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for index in range(6):
            pixels = generator.integers(0, 256, (9 + index, 13, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{index}.png")
    (tmp_path / "pets" / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    process = succeed(tmp_path, "train_gan.py", "--data", "pets", "--image-size", "7", "11", "--epochs", "1")
    assert "broken.png" in process.stderr
    (run_folder,) = (tmp_path / "runs").iterdir()
    data = json.loads((run_folder / "config.json").read_text())["data"]
    assert data["image_shape"] == [7, 11, 3]
    assert data["skipped_files"] == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_dry_run_prints_and_writes_nothing(script, tmp_path):
    process = succeed(tmp_path, script, "--data", "digits", "--epochs", "3", "--dry-run")
    for line in ("batch-size", "128", "parameters of the", "memory, weights and optimizers", "the run, by epochs"):
        assert line in process.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_what_was_learned_and_exports(tmp_path):
    command = [sys.executable, ROOT / "train_gan.py", "--data", "digits", "--minutes", "10", "--sample-every", "1"]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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


@TRAINED
def test_commands_for_the_other_family_are_refused(trained, tmp_path):
    out = ["--out", tmp_path / "x.png"]
    assert "try keras-gen sample" in fail(trained, "keras-gen", "reconstruct", "runs/train_gan.py", *out)
    assert "try keras-gen reconstruct" in fail(trained, "keras-gen", "sample", "runs/train_ae.py", *out)
    exported = "saved_models/autoencoder-article-digits"
    assert "expected a model with the signature `generate`" in fail(trained, "keras-gen", "sample", exported, *out)


@pytest.mark.parametrize("command", ["train_gan.py", "train_ae.py", "keras-gen"])
def test_help_does_not_wait_for_tensorflow(command, tmp_path):
    process = run(tmp_path, command, "--help", backend="no such backend")
    assert process.returncode == 0, "with this backend any import of Keras would fail"
    assert process.stdout.startswith(f"usage: {command}")


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
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    process = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
