"""Collapses are detected, and training returns to an earlier state and tries again with a remedy."""

import csv
import json
import types

import keras
import numpy as np
import pytest

from keras_gen import evaluation, networks, penalties
from keras_gen.callbacks import Budget, CollapseGuard
from keras_gen.models import checkpoints
from keras_gen.models.gan import GAN
from keras_gen.presets import AUTOENCODERS, GANS
from keras_gen.runs import attempts, autoencoder, preparation, remarks, remedies, watching
from keras_gen.runs import gan as gans
from keras_gen.runs.options import AutoencoderOptions, GANOptions
from tests.conftest import make_autoencoder, make_gan

# Measurements of a monitor, (fraction of the run, frechet, diversity), and what the guard reports.
SEQUENCES = {
    "all is well": ([(0.1, 100, 0.3), (0.4, 20, 0.8), (0.9, 5, 1.0)], None),
    "not begun yet": ([(0.05, 400, 0.0), (0.1, 390, 0.01), (0.2, 300, 0.05), (0.3, 90, 0.5)], None),
    "never begins": ([(0.1, 400, 0.0), (0.3, 400, 0.0), (0.4, 400, 0.0)], "alike (diversity 0.00"),
    "early, after it was alive": ([(0.05, 300, 0.2), (0.1, 400, 0.02), (0.15, 400, 0.03)], "alike (diversity 0.03"),
    "once is chance": ([(0.3, 10, 1.0), (0.5, 50, 0.9), (0.6, 12, 1.0), (0.7, 50, 1.0), (0.8, 9, 1.0)], None),
    "much worse": ([(0.3, 10, 1.0), (0.5, 41, 0.9), (0.6, 44, 0.9)], "much worse (frechet 44, at best 10)"),
    "a little worse": ([(0.3, 10, 1.0), (0.5, 39, 0.9), (0.6, 39, 0.9), (0.7, 40, 0.9)], None),
}


def follow(measurements, state=None):
    """A guard after these measurements, each followed by epochs without one."""
    budget, monitor = Budget(epochs=1), types.SimpleNamespace(measurements=2, distance="frechet", collapsed_above=4.0)
    guard = CollapseGuard(budget, monitor)
    guard.set_model(types.SimpleNamespace(stop_training=False))
    guard.begin(state or {})
    for fraction, frechet, diversity in measurements:
        budget.fraction = fraction
        monitor.measurements += 1
        for _ in range(3):
            guard.on_epoch_end(0, {"frechet": frechet, "diversity": diversity, "d_loss": 0.5, "g_loss": -1.2})
    return guard


@pytest.mark.parametrize("case", SEQUENCES)
def test_what_is_a_collapse(case):
    measurements, expected = SEQUENCES[case]
    guard = follow(measurements)
    assert (guard.trouble is None) == (expected is None)
    assert guard.model.stop_training == (expected is not None)
    if expected:
        assert expected in guard.trouble


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.1, 0.5, 0.4, 900.0, 0.3], None),
        ([0.1, 0.5, 0.4, 1001.0], "the losses had exploded (1e+03, usually 1)"),
        ([0.1, 0.5, -1e9], None),  # the usual loss is not known yet
        ([-40.0, -50.0, 60.0, -49_000.0], None),
        ([-40.0, -50.0, 60.0, -51_000.0], "the losses had exploded (5.1e+04, usually 50)"),
        ([1e6, 1e6, 1e6, 99_000.0], None),
        ([1e6, 1e6, 1e6, 101_000.0], "the losses had exploded (1e+05, usually 100)"),
    ],
)
@pytest.mark.parametrize("player", ["d_loss", "g_loss"])
def test_losses_that_explode(losses, expected, player):
    guard = follow([])
    for loss in losses:
        guard.on_epoch_end(0, {"d_loss": 0.0, "g_loss": 0.0, player: loss})
    assert guard.trouble == expected


def test_of_pairs_the_distance_from_their_images_is_what_becomes_much_worse():
    monitor = types.SimpleNamespace(measurements=2, distance="mean_l1", collapsed_above=2.0)
    guard = CollapseGuard(Budget(epochs=1), monitor)
    guard.set_model(types.SimpleNamespace(stop_training=False))
    guard.begin({})
    for l1 in (20, 40, 41, 42):
        assert guard.trouble is None
        monitor.measurements += 1
        guard.on_epoch_end(0, {"mean_l1": l1, "d_loss": 0.5, "g_loss": 1.0})
    assert guard.trouble == "the images have become much worse (mean_l1 42, at best 20)"
    assert guard.lively


def test_a_run_that_exploded_at_once_has_no_state_to_return_to():
    guard = follow([])
    logs = {"frechet": 10, "diversity": 1.0, "d_loss": 1e6, "g_loss": 0.0}
    for _ in range(3):
        guard.monitor.measurements += 1
        guard.on_epoch_end(0, logs)
    assert guard.lively
    assert guard.trouble is None
    guard.monitor.measurements += 1
    guard.on_epoch_end(0, logs)
    assert guard.trouble == "the losses had exploded (1e+06, usually 100)"
    assert not guard.lively
    assert guard.state()["sizes"] == []
    assert logs["remedies"] == 0


def test_a_resumed_guard_keeps_its_state():
    before = follow([(0.3, 10, 1.0), (0.5, 41, 0.9)])
    assert before.trouble is None
    assert follow([(0.6, 44, 0.9)], before.state()).trouble
    assert follow([(0.6, 44, 0.9)]).trouble is None


def climb(options, model):
    """The description of every remedy of the ladder, and the final options."""
    rung, said = 0, []
    while found := remedies.remedy(options, model, rung):
        options, words, rung = found
        said.append(words)
        if isinstance(model, GAN):
            model.compile(penalties=[penalties.get(name, options.penalty_weight or 0.2) for name in options.penalties])
    return said, options


def test_the_ladder_of_a_game():
    gan = make_gan()
    said, options = climb(GANOptions("article", learning_rate=8e-4, penalties=()), gan)
    assert said == [
        "a quarter of the learning rate, 0.0002",
        "R1 and R2 switched on",
        "a quarter of the learning rate, 5e-05",
        "four times the weight of the penalties, 0.8",
    ]
    assert (options.learning_rate, options.penalties, options.penalty_weight) == (5e-5, ("r1", "r2"), 0.8)


def test_no_penalty_is_added_to_a_discriminator_that_normalises_batches():
    discriminator = networks.dcgan.discriminator((16, 16, 3), width=4)
    gan = GAN(networks.mlp.generator((16, 16, 3), 4, widths=(8,)), discriminator)
    gan.compile()
    said, _ = climb(GANOptions("dcgan", learning_rate=8e-4, penalties=()), gan)
    assert said == ["a quarter of the learning rate, 0.0002", "a quarter of the learning rate, 5e-05"]


def test_an_autoencoder_has_only_its_learning_rate():
    said, _ = climb(AutoencoderOptions(learning_rate=8e-3), make_autoencoder())
    assert said == ["a quarter of the learning rate, 0.002", "a quarter of the learning rate, 0.0005"]


@pytest.mark.parametrize(("step", "said"), [(87, True), (89, False)])
def test_a_run_without_success_says_so(step, said):
    best = types.SimpleNamespace(step=step, epoch=3, monitor="frechet", value=40.9, last=81.8, ended_at=880)
    text = remarks.kept(best)
    assert text.startswith(f"Kept step {step}, after epoch 4, the best by frechet: 40.9, in the end 81.8.")
    assert "not the score card's" in text
    last = types.SimpleNamespace(**{**vars(best), "step": 880, "value": 81.8})
    text_of_last = remarks.kept(last)
    assert text_of_last.startswith("Kept step 880, the last, after epoch 4, the best by frechet: 81.8. (")
    best.monitor = "val_loss"
    assert "score card" not in remarks.kept(best)
    assert text.endswith(" Nothing was gained in the 90% since: a lower --learning-rate may help.") == said


class Poison(keras.callbacks.Callback):
    """Sets one weight to NaN, once, when an epoch begins or, for the first weight, after its last step.

    In between, TensorFlow's ReLU hides the first weight from the loss on some processors, and on others it does not.
    """

    def __init__(self, epoch, index):
        super().__init__()
        self.epoch = epoch
        self.index = index
        self.last = None

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.epoch = None
            self.last = self.params["steps"] - 1
            if self.index:
                self.poison()

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.last and not self.index:
            self.poison()
            self.last = None

    def poison(self):
        weight = self.model.trainable_variables[self.index]
        weight.assign(weight * float("nan"))


def attempt(run, compile_again, poisoned, **fit_arguments):
    """Trains with a poisoned weight; returns the watchers, and the steps from which --resume would continue."""
    steps = []
    record = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: steps.append(checkpoints.newest(run.directory / "checkpoints"))
    )
    watchers = watching.watch(run, Poison(2, poisoned), record)
    attempts.train(run, watchers, compile_again, **fit_arguments)
    return watchers, [checkpoint.step for checkpoint in steps if checkpoint]


def small_game(folder, **options):
    """A game whose first weight is poisoned, which no loss shows before the epoch is over."""
    folders = {"run_dir": folder / "run", "export_dir": folder}
    run = gans.prepare(GANOptions("article", data="digits", epochs=4, **folders, **options).resolve(GANS))
    return run, *attempt(run, lambda: gans.compile_gan(run.model, run.options, run.batches.split), 0)


def test_a_game_starts_again_with_a_lower_rate(tmp_path):
    run, watchers, steps = small_game(tmp_path, score=False)
    assert steps == [0], "not the state with the NaN"
    text = "At step 33 the loss was no longer a number: back to step 0, a quarter of the learning rate, 5e-05."
    assert [trouble["text"] for trouble in run.config["troubles"]] == [text]
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    assert stored["troubles"] == run.config["troubles"]
    assert stored["options"]["learning_rate"] == 5e-5, "what --resume would continue with"
    assert int(run.model.optimizer.iterations) == 44
    assert remarks.ending(run, watchers) == text
    assert all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in run.model.weights)


def test_after_a_step_back_the_quality_is_that_of_the_restored_state(tmp_path, monkeypatch):
    # A monitor that measures after the first epoch and at the end of each attempt only, and repeats its values between.
    monkeypatch.setattr(evaluation.QualityMonitor, "_has_time", lambda monitor: False)
    run, watchers, _ = small_game(tmp_path, score=True)
    (trouble,) = run.config["troubles"]
    assert "back to step 11," in trouble["text"]
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = [(row["epoch"], float(row["frechet"])) for row in csv.DictReader(file)]
    good = rows[0][1]
    assert rows[-3:] == [(epoch, pytest.approx(good, rel=1e-4)) for epoch in ("2", "3", "4")]
    assert watchers.best.step in (11, 44), "the two that were measured"


def test_an_autoencoder_returns_to_its_best_state(tmp_path):
    folders = {"run_dir": tmp_path / "run", "export_dir": tmp_path}
    options = AutoencoderOptions("article", data="digits", epochs=4, score=False, **folders).resolve(AUTOENCODERS)
    run = autoencoder.prepare(options)
    validation = preparation.batches(options, run.model, run.held_out, shuffle=False, drop_remainder=False)
    watchers, steps = attempt(
        run, lambda: autoencoder.compile_autoencoder(run.model, run.options), -1, validation_data=validation
    )
    (trouble,) = run.config["troubles"]
    good = 2 * len(run.batches)
    assert steps == [good], "not the state with the NaN"
    rate = "a quarter of the learning rate, 0.00025"
    text = f"At step {good + 1} the loss was no longer a number: back to step {good}, {rate}."
    assert trouble["text"] == text
    assert watchers.best.step > good, "it has learned more since"
