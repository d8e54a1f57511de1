"""A run that was stopped anywhere and resumed is the run that never stopped, bit for bit."""

import csv
import dataclasses
import functools
import json
import os
import signal
import subprocess
import time
import types
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_gen import VAE, DenoisingAutoencoder, callbacks, files, likelihoods, networks
from keras_gen.backend import BACKEND
from keras_gen.data import Batches, Split
from keras_gen.models import checkpoints
from keras_gen.models.checkpoints import Checkpoint
from keras_gen.presets import GANS
from keras_gen.runs import delivering
from keras_gen.runs import gan as gans
from keras_gen.runs.options import GANOptions
from tests.commands import call, environment, fail, spawn, succeed, typed
from tests.conftest import BATCH, IMAGE_SHAPE, make_autoencoder, make_conditional_gan, make_gan, same, weights_of

EPOCHS, STEPS = 3, 4
NUM_IMAGES = BATCH * STEPS * 2 + 1  # the conditional GAN takes two batches a step, and one image is left over


def make_vae():
    """A compiled VAE."""
    vae = VAE(networks.mlp.encoder(IMAGE_SHAPE, 8), networks.mlp.decoder(IMAGE_SHAPE, 4))
    vae.compile("adam", loss=likelihoods.Gaussian())
    return vae


def make_denoising():
    """A compiled autoencoder that spoils what it sees."""
    autoencoder = DenoisingAutoencoder(networks.mlp.encoder(IMAGE_SHAPE, 4), networks.mlp.decoder(IMAGE_SHAPE, 4))
    autoencoder.compile("adam", loss="mse")
    return autoencoder


MODELS = {"gan": make_gan, "all_at_once": make_conditional_gan, "vae": make_vae, "denoising": make_denoising}


class StopAt(callbacks.StopOnSignal):
    """Is told to stop at one place of the run, as by a signal."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.place = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.stopped_by = "SIGTERM"
        super().on_train_batch_begin(batch, logs)


def train(folder, name, stop=None, resume=None, epochs=EPOCHS):
    """Trains as the scripts do, up to a place, from a checkpoint, or all the way; returns the model."""
    keras.utils.set_random_seed(0)
    pictures = np.random.default_rng(0).integers(0, 256, (NUM_IMAGES, *IMAGE_SHAPE)).astype("uint8")
    model = MODELS[name]()
    columns, size = {}, 2 * BATCH
    if model.conditions:
        rows = np.random.default_rng(1).random((NUM_IMAGES, model.conditions.width)).astype("float32")
        columns = {model.conditions.name: rows}
    reconstructs = model.reconstructs
    held_out = Batches(Split(pictures[:5]), size, shuffle=False, drop_remainder=False)
    batches = Batches(Split(pictures), size, seed=5, columns=columns)
    if resume:
        batches.start_at(resume.epoch, resume.batch)
    stop = StopAt(*(stop or (None, None)))
    grid = callbacks.ReconstructionGrid if reconstructs else callbacks.SampleGrid
    watchers = [
        callbacks.Budget(epochs=epochs),
        callbacks.MetricsCSV(folder / "metrics.csv"),
        callbacks.TensorBoardScalars(folder / "tensorboard"),
        callbacks.LossCurves(folder / "curves.png"),
        callbacks.KeepBest("val_loss" if reconstructs else "loss"),
        grid(
            folder / "samples",
            *([pictures[:3]] if reconstructs else []),
            tensorboard=folder / "tensorboard" / "samples",
        ),
    ]
    folder.mkdir(exist_ok=True)
    model.fit(
        **batches.for_fit(),
        validation_data=held_out if reconstructs else None,
        epochs=epochs,
        initial_epoch=resume.epoch if resume else 0,
        verbose=0,
        callbacks=[
            stop,
            callbacks.Checkpoints(folder / "checkpoints", watchers, 0, stop=stop, resume=resume),
            *watchers,
        ],
    )
    return model


def rows_of(folder):
    """The lines of the CSV file without the seconds."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def points_of(folder):
    """The curves of TensorBoard; reading fails where a folder has no whole file."""
    events = EventAccumulator(str(folder / "tensorboard" / "train")).Reload()
    return {name: [(point.step, point.value) for point in events.Scalars(name)] for name in events.Tags()["scalars"]}


# Before the first step, inside an epoch, between two epochs, before the last step.
PLACES = [
    ("gan", (0, 0)),
    pytest.param("gan", (1, 0), marks=pytest.mark.jax),
    ("all_at_once", (1, 3)),
    ("vae", (0, 1)),
    ("vae", (1, 3)),
    ("denoising", (2, 3)),
]


@pytest.mark.parametrize(("name", "place"), PLACES, ids=lambda part: str(part).replace(", ", "_"))
def test_a_resumed_run_is_the_unbroken_one(name, place, tmp_path, monkeypatch):
    unbroken = train(tmp_path / "unbroken", name)
    train(tmp_path / "resumed", name, stop=place)
    checkpoint = checkpoints.newest(tmp_path / "resumed" / "checkpoints")
    assert (checkpoint.epoch, checkpoint.batch) == place
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the clock has gone back, to 1970
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    resumed = train(tmp_path / "resumed", name, resume=checkpoint)
    assert same(weights_of(resumed), weights_of(unbroken)), "what is delivered"
    ends = [checkpoints.newest(tmp_path / run / "checkpoints") for run in ("unbroken", "resumed")]
    assert [(end.epoch, end.batch, end.step) for end in ends] == [(EPOCHS, 0, EPOCHS * STEPS)] * 2
    assert same(ends[1].variables, ends[0].variables), "weights, optimizers, seeds, metrics"
    assert same(*(end.callbacks["KeepBest"]["best"]["variables"] for end in ends))
    assert ends[1].callbacks["LossCurves"] == ends[0].callbacks["LossCurves"]
    assert rows_of(tmp_path / "resumed") == rows_of(tmp_path / "unbroken")
    assert points_of(tmp_path / "resumed") == points_of(tmp_path / "unbroken")
    for picture in (tmp_path / "unbroken" / "samples").iterdir():
        assert (tmp_path / "resumed" / "samples" / picture.name).read_bytes() == picture.read_bytes()


def test_the_same_place_without_a_checkpoint_is_another_run(tmp_path):
    # What the test above would not see if nothing were random.
    train(tmp_path / "run", "gan", stop=(1, 3))
    checkpoint = checkpoints.newest(tmp_path / "run" / "checkpoints")
    resumed = train(tmp_path / "resumed", "gan", resume=checkpoint)
    seeds = [v for v in checkpoints.variables_of(resumed) if v.name == "seed_generator_state"]
    assert len(seeds) >= 2
    for index, variable in enumerate(checkpoints.variables_of(resumed)):
        if variable is seeds[0]:
            checkpoint.variables[index] = checkpoint.variables[index] * 0
    train(tmp_path / "other", "gan", resume=checkpoint)
    ends = [checkpoints.newest(tmp_path / run / "checkpoints") for run in ("resumed", "other")]
    assert not same(ends[0].variables, ends[1].variables)


def test_a_run_that_is_over_is_trained_longer(tmp_path):
    train(tmp_path / "unbroken", "gan")
    train(tmp_path / "longer", "gan", epochs=EPOCHS - 1)
    train(tmp_path / "longer", "gan", resume=checkpoints.newest(tmp_path / "longer" / "checkpoints"))
    # Not what is delivered: the best state may be one of the first part, which thought itself nearer to its end.
    ends = [checkpoints.newest(tmp_path / run / "checkpoints") for run in ("longer", "unbroken")]
    assert same(ends[0].variables, ends[1].variables)
    assert rows_of(tmp_path / "longer") == rows_of(tmp_path / "unbroken")


def test_a_run_that_is_over_is_only_finished(tmp_path):
    for name in ("gan", "vae"):
        trained = train(tmp_path / name, name)
        checkpoint = checkpoints.newest(tmp_path / name / "checkpoints")
        rows = rows_of(tmp_path / name)
        finished = train(tmp_path / name, name, resume=checkpoint)
        assert same(weights_of(finished), weights_of(trained)), "the best one, as before"
        assert rows_of(tmp_path / name) == rows
        again = checkpoints.newest(tmp_path / name / "checkpoints")
        assert (again.epoch, again.batch, again.step) == (EPOCHS, 0, EPOCHS * STEPS)
        assert same(again.variables, checkpoint.variables)


def test_the_clock_goes_on():
    budget = callbacks.Budget(minutes=1)
    budget.resume_with = {"seconds": 45.0, "told": 0.7}
    budget.on_train_begin()
    assert 45 <= budget.seconds < 45.6
    assert 45 <= budget.state()["seconds"] < 46


def test_training_goes_on_when_no_checkpoint_can_be_written(images, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    gan = make_gan()
    gan.fit(images, batch_size=BATCH, verbose=0, callbacks=[callbacks.Checkpoints(tmp_path / "file", minutes=1e-9)])
    assert int(gan.optimizer.iterations) == 2
    assert "no checkpoint written, training continues: " in capsys.readouterr().out


def test_the_best_state_is_delivered_whole(images):
    autoencoder = make_autoencoder(optimizer=keras.optimizers.SGD(0.1))
    seen = []
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: autoencoder.optimizer.learning_rate.assign(0.1 if epoch < 2 else 30.0),
        on_epoch_end=lambda epoch, logs: seen.append(Checkpoint.of(autoencoder).variables),
    )
    best = callbacks.KeepBest("loss")
    history = autoencoder.fit(images, batch_size=BATCH, epochs=4, verbose=0, callbacks=[spoil, best]).history["loss"]
    assert best.epoch == int(np.argmin(history)) == 1
    assert (best.value, best.last, best.step) == (history[1], history[3], 4)
    assert same(Checkpoint.of(autoencoder).variables, seen[1])


def test_the_card_of_an_earlier_state_goes(tmp_path):
    for name in ("scorecard.json", "scorecard.html"):
        (tmp_path / name).write_text("of `keras-gen evaluate`, before the run was resumed")
    run = types.SimpleNamespace(options=GANOptions(score=False), directory=tmp_path)
    assert delivering.score(run, types.SimpleNamespace(monitor=None)) == (None, "")
    assert not list(tmp_path.iterdir())


def test_not_a_number_is_never_the_best(images):
    autoencoder = make_autoencoder()
    best = callbacks.KeepBest("loss")
    nan = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(loss=float("nan")),
        on_train_end=lambda logs: logs.update(loss=float("nan")),
    )
    autoencoder.fit(images, batch_size=BATCH, epochs=2, verbose=0, callbacks=[nan, best])
    assert best.step == 0
    assert best.value == float("inf")


# Real processes.

GAN = ("train_gan.py", "article", "--data", "digits", "--epochs", "3", "--augment", "ada", "--ema-decay", "0.99")
VAE_RUN = ("train_ae.py", "vae", "--data", "digits", "--epochs", "3")
QUICK = ("--no-score", "--sample-every", "9", "--checkpoint-every", "0.00001")


def start(folder, *command, backend):
    """A training process."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(typed(*command), cwd=folder, env=environment(backend), **pipes)


def kill(process, ready, wait=0.0):
    """Kills a process so many seconds after something has happened."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None and not ready():
        pass
    time.sleep(wait)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"


def check_killed(folder, backend, command, kills, rng):
    """Trains once in peace and once with kills, the last of them when only the export is missing, and compares."""
    run = call if backend == BACKEND else functools.partial(spawn, backend=backend)
    succeed(folder, *command, *QUICK, "--run-dir", "runs/unbroken", run=run)
    unbroken = checkpoints.newest(folder / "runs" / "unbroken" / "checkpoints")
    place = folder / "runs" / "killed" / "checkpoints"
    last = place / f"step_{unbroken.step:09}.npz"
    process = start(folder, *command, *QUICK, "--run-dir", "runs/killed", backend=backend)
    for number in range(kills):
        seen = set(place.glob("step_*"))

        def inside_a_save(seen=seen):
            return last.exists() or (set(place.glob("step_*")) - seen and any(place.glob(".unfinished-*")))

        if number % 2 == 0:
            kill(process, inside_a_save)
        else:  # at any moment, before the first step too
            kill(process, (place.parent / "config.json").exists, wait=8 * rng.random())
        process = start(folder, command[0], "--resume", "runs/killed", backend=backend)
    kill(process, last.exists)
    succeed(folder, command[0], "--resume", "runs/killed", run=run)
    assert same(checkpoints.newest(place).variables, unbroken.variables)
    assert rows_of(folder / "runs" / "killed") == rows_of(folder / "runs" / "unbroken")
    assert points_of(folder / "runs" / "killed") == points_of(folder / "runs" / "unbroken")
    (exported,) = (folder / "saved_models").iterdir()
    assert sorted(path.name for path in exported.glob("[0-9]*")) == ["1", "2"], "one of each run"


@pytest.mark.compiled
def test_a_killed_process_is_resumed_bit_for_bit(tmp_path, monkeypatch):  # 45 s: it starts four times
    check_killed(tmp_path, "tensorflow", GAN, kills=1, rng=np.random.default_rng(0))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="runs/killed is over, after 3 epochs in "):
        gans.prepare(GANOptions(resume=()).resolve(GANS))
    assert GANOptions(resume=(), epochs=6).resolve(GANS).epochs == 6


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("command", [GAN, VAE_RUN], ids=["gan", "vae"])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_processes_killed_many_times(backend, command, tmp_path):
    check_killed(tmp_path, backend, command, kills=8, rng=np.random.default_rng())


def test_the_latest_run_that_was_interrupted_is_resumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for minute, (name, finished) in enumerate({"first": {}, "killed": {}, "over": {"finished": "today"}}.items()):
        (tmp_path / "runs" / name).mkdir(parents=True)
        stored = dataclasses.asdict(GANOptions(epochs=3).resolve(GANS))
        config = tmp_path / "runs" / name / "config.json"
        config.write_text(json.dumps({"options": stored, **finished}, default=str))
        os.utime(config, (60 * minute, 60 * minute))
    assert GANOptions(resume=()).resolve(GANS).run_dir == Path("runs/killed")
    assert GANOptions(resume=(), epochs=6).resolve(GANS).run_dir == Path("runs/over"), "to train it longer"


def test_two_runs_in_one_folder(tmp_path):
    (tmp_path / "run").mkdir()
    with files.locked(tmp_path / "run"):
        message = fail(tmp_path, *GAN, "--run-dir", "run")
    assert message.endswith("another process trains in run: wait for it, or give another --run-dir")


REFUSED = {
    "further options": (
        ["--resume", "nowhere", "--seed", "3"],
        "--resume takes its options from the run, also received --seed",
    ),
    "the opposite of an option": (["--resume", "nowhere", "--no-score"], "from the run, also received --no-score"),
    "no run": (["--resume", "nowhere"], "expected --resume with the folder of a run, found no nowhere/config.json"),
    "no runs at all": (["--resume"], "expected --resume with the folder of a run, found none in runs/"),
    "a run of another version": (
        ["--resume", "old"],
        "old is not a run of this program, or is a run of another version of it",
    ),
    "two runs": (["--resume", "one", "two"], "expected one run to resume, received one two"),
    "checkpoints at negative times": (["--checkpoint-every", "-1"], "expected --checkpoint-every of 0 or more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text('{"options": {"preset": "fast", "generator_options": {}}}')
    arguments, message = REFUSED[case]
    assert message in fail(tmp_path, "train_gan.py", *arguments)
