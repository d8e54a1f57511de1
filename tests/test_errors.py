"""Wrong input at the command line: one line that helps, exit code 2, nothing left behind."""

import os
import subprocess
import sys

import pytest

from keras_gen import cli
from keras_gen.cli import training
from tests.commands import ROOT, environment, fail, spawn

# What is refused before TensorFlow is imported: both families, each as a script and as a command.
PROGRAMS = ("train_gan.py", "train_ae.py", "keras-gen train gan", "keras-gen train autoencoder")
OPTIONS = {
    "negative epochs": (["--epochs", "-1"], "expected --epochs above 0, received -1"),
    "no time": (["--minutes", "0"], "expected --minutes above 0, received 0"),
    "a word for a number": (["--batch-size", "many"], "many"),
    "an unknown preset": (["stylegan9"], "unknown preset 'stylegan9': expected one of "),
    "a flag": (["--no-scoer"], "--no-scoer. Perhaps you meant --no-score. See "),
    "an unknown option": (["--learning-raet", "1"], "--learning-raet, 1. Perhaps you meant --learning-rate. See "),
}

# What shows when the data and the networks are made, in code that both scripts share.
PREPARATION = {
    "a missing path": (["--data", "no/such/folder"], "no/such/folder"),
    "a folder without images": (["--data", "empty"], "empty"),
    "an unknown network": (["--network", "unet"], "network 'unet': expected one of mlp"),
    "an unknown loss": (["--loss", "wasserstien"], "wasserstien"),
    "a name that is no folder": (["--name", "../up"], "expected a model name of letters"),
    "an export folder that cannot be written": (["--export-dir", "file/inside"], "cannot write to file/inside"),
    "a run folder that cannot be written": (["--run-dir", "file/inside"], "cannot write to file/inside"),
    "a run folder in use": (["--run-dir", "used"], "used already holds a run: give another --run-dir"),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("case", OPTIONS)
def test_wrong_options(case, program, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "start_keras", lambda: pytest.fail("Keras is imported for nothing"))
    arguments, message = OPTIONS[case]
    line = fail(tmp_path, *program.split(), *arguments)
    assert line.startswith(f"{program}: error: ")
    assert message in line
    assert "See " not in line or line.endswith(f"See {program} --help"), "the program as typed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_option_does_not_wait_for_keras(program, tmp_path):
    line = fail(tmp_path, *program.split(), "--epochs", "-1", run=spawn, backend="no such backend")
    assert line == f"{program}: error: expected --epochs above 0, received -1"


def test_a_terminal_that_is_not_one_of_utf_8(tmp_path):
    line = fail(tmp_path, "train_gan.py", "--no-scoer", run=spawn, variables={"PYTHONIOENCODING": "ascii"})
    assert line.endswith("--no-scoer. Perhaps you meant --no-score. See train_gan.py --help")


@pytest.mark.parametrize("case", PREPARATION)
def test_wrong_input_leaves_nothing_behind(case, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "config.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    arguments, message = PREPARATION[case]
    data = [] if "--data" in arguments else ["--data", "digits"]
    line = fail(tmp_path, "train_gan.py", *arguments, *data)
    assert line.startswith("train_gan.py: error: ")
    assert message in line
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_keras_loss(tmp_path):
    line = fail(tmp_path, "train_ae.py", "--data", "digits", "--loss", "mean_sqared")
    assert "mean_sqared" in line


def test_a_read_only_export_folder(tmp_path):
    place = tmp_path / "read-only"
    place.mkdir()
    place.chmod(0o500)
    if os.geteuid() == 0:  # permissions do not bind root, but nobody makes folders in /proc
        place = "/proc/saved_models"
    line = fail(tmp_path, "train_gan.py", "--data", "digits", "--export-dir", place)
    assert f"cannot write to {place}" in line
    assert not (tmp_path / "runs").exists()


def test_a_divergence_without_a_vae(tmp_path):
    line = fail(tmp_path, "train_ae.py", "article", "--data", "digits", "--beta", "4")
    assert line.endswith("--beta is for VAEs (vae, beta-vae, cvae), received it with the preset article")
    assert "expected --beta of 0 or more, received -1" in fail(tmp_path, "train_ae.py", "vae", "--beta", "-1")


CLI_ERRORS = {
    "no command": (
        [],
        "Expected one of {train, sample, evaluate, compare, interpolate, traverse, panorama, tile, reconstruct, "
        "invert, inpaint, colorize, upscale, restore, translate, stylize, export, verify, doctor}",
    ),
    "no such command": (
        ["sampel"],
        "Unrecognized options: sampel. Available subcommands: train, sample, evaluate, compare, ",
    ),
    "no family": (["train"], "Expected one of {gan, autoencoder, stylizer}. See keras-gen --help"),
    "no such family": (["train", "gans"], "Unrecognized options: gans. Available subcommands: gan, autoencoder"),
    "two slips": (
        ["sample", "x", "--sede", "3", "--lable", "3"],
        "--lable, 3. Perhaps you meant --label, --seed. See ",
    ),
    "an option of other commands": (
        ["inpaint", "x", "--data", "y", "--steps", "3", "--lable", "3"],
        "Unrecognized options: --steps, 3, --lable, 3. --steps is an option of invert, stylize, traverse. "
        "Perhaps you meant --label",
    ),
    "an option of many commands": (
        ["doctor", "x", "--seed", "3"],
        "Unrecognized options: --seed, 3. --seed is an option of colorize, inpaint, interpolate, invert …. See ",
    ),
    "no images asked for": (["sample", ".", "--num", "0"], "expected --num of 1 or more"),
    "a file of another kind": (
        ["sample", ".", "--out", "grid.jpg"],
        "expected --out as x.npy, x.png or a folder",
    ),
    "nowhere to go": (["interpolate", ".", "--stops", "1"], "expected --stops of 2 or more"),
}


@pytest.mark.parametrize("case", CLI_ERRORS)
def test_keras_gen_says_what_is_wrong(case, tmp_path):
    arguments, message = CLI_ERRORS[case]
    line = fail(tmp_path, "keras-gen", *arguments)
    assert line.startswith("keras-gen: error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


A_RUN = "expected the folder of a finished run or a .keras file, found no nowhere"
A_MODEL = "expected the folder of a finished run or of an exported model, or a .keras file, found no nowhere"
PICTURES = "expected an image file or a folder of them, found no nowhere"
DATA = "received 'nowhere': there is no such name and no such path"
NOWHERE = {
    "train_gan.py --data nowhere": DATA,
    "train_ae.py --data nowhere": DATA,
    "keras-gen train gan --data nowhere": DATA,
    "keras-gen sample nowhere": A_MODEL,
    "keras-gen sample nowhere --sweep label": A_RUN,
    "keras-gen interpolate nowhere": A_RUN,
    "keras-gen traverse nowhere": A_RUN,
    "keras-gen traverse . --data nowhere": DATA,
    "keras-gen reconstruct nowhere": A_RUN,
    "keras-gen reconstruct . --data . nowhere": DATA,
    "keras-gen invert nowhere": A_RUN,
    "keras-gen invert . --data nowhere": DATA,
    "keras-gen inpaint nowhere --data .": A_MODEL,
    "keras-gen inpaint . --data nowhere": PICTURES,
    "keras-gen inpaint . --data . --mask nowhere": 'a file, alpha or "#rrggbb", found no nowhere',
    "keras-gen translate nowhere --data .": A_MODEL,
    "keras-gen stylize nowhere --data .": A_MODEL,
    "keras-gen stylize . --data nowhere": PICTURES,
    "keras-gen stylize nowhere --style .": PICTURES,
    "keras-gen evaluate nowhere": A_RUN,
    "keras-gen evaluate nowhere.npy --data digits": "error: nowhere.npy: No such file or directory",
    "keras-gen evaluate . --data nowhere": DATA,
    "keras-gen compare nowhere elsewhere": "error: nowhere: No such file or directory",
    "keras-gen export nowhere": A_RUN,
    "keras-gen verify nowhere": "expected the folder of an exported model, found no nowhere",
    "keras-gen doctor nowhere": DATA,
}


@pytest.mark.parametrize("command", NOWHERE)
def test_a_path_of_nothing_is_refused_before_keras_starts(command, tmp_path, monkeypatch):
    for module in (cli, training):
        monkeypatch.setattr(module, "start_keras", lambda: pytest.fail("Keras is imported for nothing"))
    assert NOWHERE[command] in fail(tmp_path, *command.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["keras-gen inpaint . --data nowhere", "keras-gen reconstruct . --data nowhere"])
def test_a_path_of_nothing_does_not_wait_for_keras(command, tmp_path):
    assert "nowhere" in fail(tmp_path, *command.split(), run=spawn, backend="no such backend")


# Help by tyro with both kinds of buffers; words by print and a table by rich, which must load Keras, with one.
@pytest.mark.parametrize(
    ("arguments", "buffered"),
    [
        (["train_gan.py", "--help"], ""),
        (["train_gan.py", "--help"], "1"),
        (["-m", "keras_gen", "doctor", "digits"], ""),
        (["train_gan.py", "--dry-run"], "1"),
    ],
)
def test_a_pipe_that_was_closed_is_no_error(arguments, buffered):
    receiving, sending = os.pipe()
    os.close(receiving)
    variables = environment(PYTHONUNBUFFERED=buffered)
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=variables, stdout=sending, stderr=subprocess.PIPE, text=True
    )
    os.close(sending)
    assert process.returncode == 141, process.stderr
    assert process.stderr == ""
