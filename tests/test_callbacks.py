"""Callbacks: ours observe and do not change weights, Keras' own work with both families."""

import csv
import functools
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_gen import callbacks
from keras_gen.callbacks.events import EventWriter
from keras_gen.data import Split
from keras_gen.evaluation import PairMonitor, QualityMonitor
from tests.commands import ROOT
from tests.conftest import BATCH, MODELS, make_autoencoder, make_gan, pictures, same, untrained_net, weights_of

BUDGET = callbacks.Budget(epochs=2)
GRIDS = {"gan": callbacks.SampleGrid, "autoencoder": callbacks.ReconstructionGrid}


def fit(model, images, epochs=2, eagerly=True, **arguments):
    """Trains, by default without a graph: to trace one takes longer than a few steps."""
    model.run_eagerly = eagerly
    arguments = {"batch_size": BATCH, "epochs": epochs, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(images, **arguments)


def broken(model, at=0):
    """The model with a weight that is NaN: the first, which a fused ReLU may hide, or the one at `at`."""
    weight = model.trainable_variables[at]
    weight.assign(np.full(weight.shape, np.nan))
    return model


# Each of our callbacks with the family that it is for.
OURS = {
    "SampleGrid": ("gan", lambda folder, images: callbacks.SampleGrid(folder, num=5, tensorboard=folder / "tb")),
    "ReconstructionGrid": ("autoencoder", lambda folder, images: callbacks.ReconstructionGrid(folder, images)),
    "MetricsCSV": ("gan", lambda folder, images: callbacks.MetricsCSV(folder / "metrics.csv")),
    "StopOnNaN": ("gan", lambda folder, images: callbacks.StopOnNaN()),
    "LossCurves": ("gan", lambda folder, images: callbacks.LossCurves(folder / "curves.png")),
    "TensorBoardScalars": ("autoencoder", lambda folder, images: callbacks.TensorBoardScalars(folder)),
    "ProgressBar": ("gan", lambda folder, images: callbacks.ProgressBar(BUDGET)),
    "Budget": ("gan", lambda folder, images: callbacks.Budget(minutes=60)),
    "QualityMonitor": ("gan", lambda folder, images: QualityMonitor(Split(images), untrained_net(), share=1.0)),
    "PairMonitor": ("gan", lambda folder, images: PairMonitor(Split(images), share=1.0)),
    "StopOnSignal": ("autoencoder", lambda folder, images: callbacks.StopOnSignal()),
    "Checkpoints": ("gan", lambda folder, images: callbacks.Checkpoints(folder, minutes=1e-9)),
}


def test_a_writer_of_events_continues_at_the_place_of_another(tmp_path):
    first = EventWriter(tmp_path)
    first.add_scalars({"loss": 1.0}, step=1)
    place = first.place
    first.add_scalars({"loss": 2.0}, step=2)  # in a continuation that is abandoned
    first.close()
    second = EventWriter(tmp_path, place)
    second.add_scalars({"loss": 3.0}, step=2)
    second.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1.0), (2, 3.0)]
    # A file that a crash has shortened is kept as it is.
    name, size = second.place
    EventWriter(tmp_path, (name, size + 100)).close()
    assert second.place == (name, size)


def test_every_callback_has_a_row():
    assert set(OURS) | {"CollapseGuard", "KeepBest", "Resumable"} == {
        *callbacks.__all__,
        "QualityMonitor",
        "PairMonitor",
    }


@pytest.fixture(scope="module")
def alone():
    """The weights of each family after the same training without a callback."""

    @functools.cache
    def train(family):
        keras.utils.set_random_seed(0)
        return weights_of(fit(MODELS[family](), pictures()).model)

    return train


@pytest.mark.parametrize("name", OURS)
def test_callbacks_change_no_weight(name, images, alone, tmp_path):
    family, make = OURS[name]
    expected = alone(family)
    keras.utils.set_random_seed(0)
    watched = MODELS[family]()
    fit(watched, images, callbacks=[make(tmp_path, images)])
    for variable, weight in zip(watched.variables, expected, strict=True):
        if variable.name != "progress":  # which the budget sets
            np.testing.assert_array_equal(variable.value, weight, err_msg=variable.path)


def test_sample_grid_draws_the_same_latents_each_time(images, tmp_path):
    gan = make_gan(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    grid = callbacks.SampleGrid(tmp_path, num=5, every=2, seed=3)
    fit(gan, images, epochs=5, callbacks=[grid])
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == [f"step_{step:07d}.png" for step in (0, 4, 8, 10)]
    assert grid.latest == paths[-1]
    assert len({path.read_bytes() for path in paths}) == 1, "the generator does not change, so its pictures must not"
    with Image.open(paths[0]) as picture:
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[1:9, 1:13], gan.sample(1, seed=3)[0])


def test_reconstruction_grid_shows_pairs(images, tmp_path):
    autoencoder = make_autoencoder()
    fit(autoencoder, images, callbacks=[callbacks.ReconstructionGrid(tmp_path, images[:4])])
    with Image.open(sorted(tmp_path.iterdir())[-1]) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (19, 53, 3)
    np.testing.assert_array_equal(pixels[1:9, 40:52], images[3])
    np.testing.assert_array_equal(pixels[10:18, 40:52], autoencoder.reconstruct(images[:4])[3])


def test_grids_go_to_tensorboard_as_the_same_png(images, tmp_path):
    fit(make_gan(), images, callbacks=[callbacks.SampleGrid(tmp_path, num=2, tensorboard=tmp_path / "tb")])
    events = EventAccumulator(str(tmp_path / "tb"), size_guidance={"images": 0}).Reload().Images("samples")
    assert [event.step for event in events] == [0, 2, 4]
    assert events[-1].encoded_image_string == (tmp_path / "step_0000004.png").read_bytes()
    assert (events[0].height, events[0].width) == (10, 27)


def test_the_last_grid_shows_the_weights_that_are_kept(images, tmp_path):
    autoencoder = make_autoencoder(optimizer=keras.optimizers.SGD(30.0))  # far too fast: the first epoch is the best
    best = callbacks.KeepBest("loss")
    grid = callbacks.ReconstructionGrid(tmp_path, images[:4])
    fit(autoencoder, images, epochs=3, callbacks=[best, grid])
    with Image.open(grid.latest) as picture:
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[10:18, 40:52], autoencoder.reconstruct(images[:4])[3])


@pytest.mark.parametrize("every", [0, -1])
def test_a_grid_every_zero_epochs_is_refused(every, tmp_path):
    with pytest.raises(ValueError, match="expected `every` as a number of epochs of at least 1"):
        callbacks.SampleGrid(tmp_path, every=every)


def test_scalars_go_to_tensorboard_on_the_step_axis(images, tmp_path):
    history = fit(
        make_autoencoder(), images, validation_data=(images,), callbacks=[callbacks.TensorBoardScalars(tmp_path)]
    ).history
    for part, name in (("train", "loss"), ("validation", "val_loss")):
        points = EventAccumulator(str(tmp_path / part)).Reload().Scalars("loss")
        assert [point.step for point in points] == [2, 4]
        np.testing.assert_allclose([point.value for point in points], history[name], rtol=1e-6)


def test_loss_curves_are_a_picture_with_ink(images, tmp_path):
    fit(make_gan(), images, callbacks=[callbacks.LossCurves(tmp_path / "curves.png")])
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (960, 540)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(10**6)}
    assert {(31, 119, 180), (255, 127, 14)} <= colours, "a line for each of d_loss and g_loss"


def test_loss_curves_of_rare_validation(images, tmp_path):
    curves = callbacks.LossCurves(tmp_path / "curves.png")
    fit(make_autoencoder(), images, epochs=3, validation_data=(images,), validation_freq=2, callbacks=[curves])
    assert (tmp_path / "curves.png").exists()


def test_metrics_csv_says_when_and_what(images, tmp_path):
    history = fit(make_gan(), images, callbacks=[callbacks.MetricsCSV(tmp_path / "metrics.csv")]).history
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "2"), ("2", "4")]
    assert 0 < float(rows[0]["seconds"]) < float(rows[1]["seconds"])
    assert set(rows[0]) == {"epoch", "step", "seconds", *history}
    np.testing.assert_allclose([float(row["d_loss"]) for row in rows], history["d_loss"])


def test_metrics_csv_of_rare_validation(images, tmp_path):
    metrics = callbacks.MetricsCSV(tmp_path / "metrics.csv")
    rare = {"validation_data": (images,), "validation_freq": 2}
    history = fit(make_autoencoder(), images, epochs=3, callbacks=[metrics], **rare).history
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == list(map(str, history["loss"]))
    assert [row["val_loss"] for row in rows] == ["", str(history["val_loss"][0]), ""]


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # how Keras learns the length
def test_data_of_unknown_length(images):
    import tensorflow as tf

    batches = tf.data.Dataset.from_generator(lambda: iter([images[:3], images[3:]]), tf.uint8, (3, *images.shape[1:]))
    budget = callbacks.Budget(epochs=2)
    watch = [budget, callbacks.ProgressBar(budget)]
    make_gan().fit(batches.map(lambda x: (x,)), epochs=2, shuffle=False, verbose=0, callbacks=watch)
    assert budget.fraction == 0.5


@pytest.mark.parametrize("family", MODELS)
def test_stop_on_nan(family, images):
    stop = callbacks.StopOnNaN()
    assert len(fit(broken(MODELS[family]()), images, 5, eagerly=False, callbacks=[stop]).epoch) == 1
    assert stop.diverged
    fit(MODELS[family](), images, callbacks=[stop])
    assert not stop.diverged


# On processors with AVX-512 or AMX oneDNN, on by default, fuses a ReLU so that it turns NaN into 0: losses stay finite,
# and only the weight shows what happened, above. Without oneDNN, here, the losses show it.
STOPPED = """
import numpy as np
from keras_gen import callbacks
from tests.conftest import BATCH, MODELS
from tests.test_callbacks import broken, fit

images = np.random.default_rng(0).integers(0, 256, (2 * BATCH, 8, 12, 3)).astype("uint8")
for family, make in MODELS.items():
    stop = callbacks.StopOnNaN()
    print(family, len(fit(broken(make()), images, 5, eagerly=False, callbacks=[stop]).epoch), stop.diverged)
"""


@pytest.mark.slow
def test_stop_on_nan_without_onednn():
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", STOPPED]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert process.stdout.splitlines() == ["gan 1 True", "autoencoder 1 True"], process.stderr


def test_signal_handlers_are_restored_after_a_run_without_signals(images):
    before = [signal.getsignal(number) for number in callbacks.StopOnSignal.signals]
    fit(make_gan(), images, callbacks=[callbacks.StopOnSignal()])
    assert [signal.getsignal(number) for number in callbacks.StopOnSignal.signals] == before


def test_a_budget_stands_still_while_it_is_paused(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(callbacks.stopping.time, "monotonic", lambda: now[0])
    budget = callbacks.Budget(minutes=1)
    budget.on_train_begin()
    now[0] += 3
    with budget.paused():
        now[0] += 40
    now[0] += 2
    assert budget.seconds == budget.state()["seconds"] == 5
    budget.on_train_end()
    now[0] += 7
    assert budget.seconds_at_end == 5


def test_the_progress_bar_shows_other_work_once_where_there_is_no_terminal(capsys):
    bar = callbacks.ProgressBar(BUDGET)
    bar.on_train_begin()
    for fraction in (None, 0.1, 0.2):
        bar.report("feature net 1: training", fraction)
    assert capsys.readouterr().out == "feature net 1: training …\n"


def test_budget_counts_epochs(images):
    budget, fractions = callbacks.Budget(epochs=2), []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: fractions.append(budget.fraction))
    fit(make_gan(), images, callbacks=[budget, watch])
    assert fractions == [0.25, 0.5, 0.75, 1.0]


def test_schedules_go_back_when_a_run_is_extended(images):
    budget, gan = callbacks.Budget(epochs=4), make_gan()
    budget.resume_with = {"seconds": 1.0, "told": 0.75}  # by a run of two epochs, before its last step
    seen = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(float(gan.progress)))
    gan.fit(images, batch_size=3, epochs=4, initial_epoch=2, verbose=0, callbacks=[budget, watch])
    assert seen == [0.5, 0.625, 0.75, 0.875]


def test_budget_ends_training_when_its_minutes_are_over(images):
    budget = callbacks.Budget(epochs=10**9, minutes=1e-4)
    history = fit(make_gan(), images, epochs=10**9, callbacks=[budget])
    assert budget.fraction == 1.0
    assert len(history.epoch) == 1, "the first step alone takes longer than 6 ms"


@pytest.mark.parametrize("arguments", [{}, {"epochs": 0}, {"minutes": -1.0}, {"minutes": float("nan")}])
def test_a_budget_without_an_end_is_refused(arguments):
    with pytest.raises(ValueError, match="expected `"):
        callbacks.Budget(**arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_step(number, images):
    stop = callbacks.StopOnSignal()
    before = signal.getsignal(number)

    def send(batch, logs):
        if batch == 0:
            signal.raise_signal(number)

    history = fit(
        make_gan(), images, epochs=9, callbacks=[stop, keras.callbacks.LambdaCallback(on_train_batch_end=send)]
    )
    assert stop.stopped_by == signal.Signals(number).name
    assert len(history.epoch) == 1
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(("seconds", "beginnings"), [(60, ["100%  epoch 2"]), (0, [" 50%  epoch 1", "100%  epoch 2"])])
def test_progress_bar_prints_plain_lines_where_there_is_no_terminal(seconds, beginnings, images, capsys):
    budget = callbacks.Budget(epochs=2)
    fit(make_gan(), images, callbacks=[budget, callbacks.ProgressBar(budget, every_seconds=seconds)])
    lines = capsys.readouterr().out.splitlines()  # no line twice: the run ends with an epoch
    assert [line.split("  d_loss ")[0] for line in lines] == beginnings


# Keras' own callbacks, on both families.


@pytest.mark.parametrize("family", MODELS)
def test_model_checkpoint(family, images, tmp_path):
    model = MODELS[family]()
    fit(model, images, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.keras", "2.keras"]
    assert same(weights_of(keras.saving.load_model(tmp_path / "2.keras")), weights_of(model))


@pytest.mark.parametrize("family", MODELS)
def test_model_checkpoint_keeps_the_best(family, images, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="loss", mode="min", save_best_only=True
    )
    history = fit(MODELS[family](), images, epochs=3, callbacks=[checkpoint]).history
    assert checkpoint.best == pytest.approx(min(history["loss"]))


@pytest.mark.parametrize("family", MODELS)
def test_backup_and_restore_resumes_bit_for_bit(family, images, tmp_path):
    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("the power is gone")

    unbroken = MODELS[family]()
    fit(unbroken, images, epochs=4)
    keras.utils.set_random_seed(0)
    crashed = MODELS[family]()
    with pytest.raises(RuntimeError, match="the power is gone"):
        fit(crashed, images, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(tmp_path), Crash()])
    resumed = MODELS[family]()
    fit(resumed, images, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(tmp_path)])
    assert same(weights_of(resumed), weights_of(unbroken))


@pytest.mark.parametrize("family", MODELS)
def test_terminate_on_nan(family, images):
    # It checks the loss only, so the weight is one after the last ReLU, which nothing can hide.
    history = fit(broken(MODELS[family](), -1), images, epochs=5, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1


@pytest.mark.parametrize("family", MODELS)
def test_learning_rate_scheduler(family, images):
    model = MODELS[family]()
    fit(model, images, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))])
    optimizers = getattr(model.optimizer, "optimizers", [model.optimizer])
    assert [float(optimizer.learning_rate.value) for optimizer in optimizers] == pytest.approx([0.05] * len(optimizers))


@pytest.mark.parametrize("family", MODELS)
def test_early_stopping(family, images):
    stop = keras.callbacks.EarlyStopping(monitor="loss", mode="min", min_delta=1e9, patience=1)
    assert len(fit(MODELS[family](), images, epochs=9, callbacks=[stop]).epoch) == 2


@pytest.mark.parametrize("family", MODELS)
def test_csv_logger(family, images, tmp_path):
    history = fit(MODELS[family](), images, callbacks=[keras.callbacks.CSVLogger(tmp_path / "log.csv")]).history
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, values in history.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-6)


@pytest.mark.parametrize("family", MODELS)
def test_tensorboard(family, images, tmp_path):
    model = MODELS[family]()
    history = fit(model, images, callbacks=[keras.callbacks.TensorBoard(tmp_path)]).history
    events = EventAccumulator(str(tmp_path / "train")).Reload()
    assert {f"epoch_{name}" for name in history} <= set(events.Tags()["tensors"])
