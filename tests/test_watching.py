"""Who watches a run: what it costs and what happens when it fails."""

import types

import numpy as np
import pytest

from keras_gen import callbacks, features
from keras_gen.data import ImageData, Split
from keras_gen.presets import GANS
from keras_gen.runs import delivering, watching
from keras_gen.runs import gan as gans
from keras_gen.runs.options import GANOptions
from tests.commands import call

COMMAND = ("train_gan.py", "article", "--data", "digits", "--epochs", "2", "--run-dir", "run")


def test_a_run_whose_quality_cannot_be_watched_is_trained_and_delivered(tmp_path, monkeypatch):
    def fail(*arguments, **_):
        raise RuntimeError("no net")

    monkeypatch.setattr(features.FeatureNet, "of", fail)
    ended = call(tmp_path, *COMMAND)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("the quality is not watched: no net") == 1
    assert "watching the quality took" not in ended.stdout
    assert "Not scored: no net" in ended.stdout
    assert (tmp_path / "saved_models" / "gan-article-digits" / "1").exists()


def test_a_signal_ends_the_training_of_a_feature_net(monkeypatch):
    signal, reported = types.SimpleNamespace(stopped_by=None), []

    def of(images, on_progress):
        on_progress("training", 0.1)
        signal.stopped_by = "SIGINT"
        on_progress("training", 0.2)
        pytest.fail("it goes on")

    monkeypatch.setattr(features.FeatureNet, "of", of)
    split = Split(np.zeros((100, 8, 12, 3), "uint8"))
    run = types.SimpleNamespace(
        images=ImageData("black", split, split),
        held_out=None,
        options=types.SimpleNamespace(score=True),
        model=types.SimpleNamespace(generates=True),
    )
    budget = callbacks.Budget(minutes=1)
    budget.on_train_begin()
    bar = types.SimpleNamespace(report=lambda text, fraction: reported.append(fraction))
    assert not watching._monitor(run, budget, bar, signal).prepare()
    assert reported == [0.1, 0.2]


@pytest.mark.parametrize(("trained_for", "expected"), [(30.0, 20.0), (600.0, 150.0)])
def test_a_card_gets_a_quarter_of_the_time_of_training_or_twenty_seconds(trained_for, expected, tmp_path, monkeypatch):
    got = []
    monkeypatch.setattr(delivering.evaluation, "score", lambda *_, seconds, **__: got.append(seconds))
    run = types.SimpleNamespace(options=types.SimpleNamespace(score=True), directory=tmp_path, model=None, images=None)
    delivering.score(run, types.SimpleNamespace(monitor=None, diverged=False, seconds=trained_for))
    assert got == [expected]


@pytest.mark.parametrize(("num_groups", "num_held_out", "whole"), [(20, 20, True), (9, 20, False), (1, 20, False)])
def test_groups_are_held_out_whole_where_there_are_enough(num_groups, num_held_out, whole):
    images = np.arange(200, dtype="uint8").reshape(200, 1, 1, 1)
    split = Split(images, groups=np.arange(200) % num_groups)
    options = GANOptions("inpaint").resolve(GANS)
    learned, held_out = gans.hold_out(options, ImageData("numbers", split, split))
    assert (len(learned.train), len(held_out)) == (200 - num_held_out, num_held_out)
    groups = [set((part.images.ravel() % num_groups).tolist()) for part in (learned.train, held_out)]
    assert groups[0].isdisjoint(groups[1]) == whole
