"""Who watches a run: the callbacks that every one has, in their order, and those that its model allows."""

from __future__ import annotations

import dataclasses

import keras

from keras_gen import callbacks, evaluation, features
from keras_gen.console import progress
from keras_gen.data import MIN_SCORED_IMAGES
from keras_gen.models import checkpoints
from keras_gen.runs.run import Run


@dataclasses.dataclass
class Watchers:
    """The callbacks of a run, which stay the same through all of its attempts.

    Args:
        budget: how much of the run is over.
        signal: whether a person or the system has asked it to end.
        not_a_number: whether it has diverged.
        monitor: the quality of what it makes, or None.
        best: the state to deliver, or None.
        guard: whether it has collapsed, or None.
        in_order: these and the others, in the order that `fit` gets them, but for the checkpoints.
    """

    budget: callbacks.Budget
    signal: callbacks.StopOnSignal
    not_a_number: callbacks.StopOnNaN
    monitor: evaluation.QualityMonitor | None
    best: callbacks.KeepBest | None
    guard: callbacks.CollapseGuard | None
    in_order: list[keras.callbacks.Callback]

    @property
    def diverged(self) -> bool:
        """Whether what came out is no model."""
        return self.not_a_number.diverged and not (self.best and self.best.step)

    def ended_at(self, model: keras.Model) -> int:
        """The step at which training ended, whichever state was kept."""
        return self.best.ended_at if self.best else int(model.optimizer.iterations)


def watch(run: Run, *own: keras.callbacks.Callback) -> Watchers:
    """The watchers of a run.

    Args:
        run: before its first step here.
        *own: those of its family, such as a grid of pictures; they stand last.
    """
    budget = callbacks.Budget(run.options.epochs, run.options.minutes)
    signal, not_a_number = callbacks.StopOnSignal(), callbacks.StopOnNaN()
    monitor, best, guard = _monitor(run), None, None
    if monitor or run.model.best_by not in evaluation.METRICS:  # which nobody else logs
        best = callbacks.KeepBest(run.model.best_by)
    if monitor and run.model.adversarial:
        guard = callbacks.CollapseGuard(budget, monitor)
        guard.remedies = len(run.config["troubles"])
    in_order = [
        monitor,
        budget,
        guard,
        callbacks.ProgressBar(budget),
        signal,
        not_a_number,
        callbacks.MetricsCSV(run.directory / "metrics.csv"),
        callbacks.TensorBoardScalars(run.directory / "tensorboard"),
        callbacks.LossCurves(run.directory / "curves.png"),
        best,
        *own,
    ]
    return Watchers(budget, signal, not_a_number, monitor, best, guard, [each for each in in_order if each])


def with_checkpoints(run: Run, watchers: Watchers) -> list[keras.callbacks.Callback]:
    """What `fit` gets: the callback that writes checkpoints, or goes on from one, before the others."""
    folder = run.directory / checkpoints.FOLDER
    minutes = run.options.checkpoint_every
    return [
        callbacks.Checkpoints(folder, watchers.in_order, minutes, stop=watchers.signal, resume=run.checkpoint),
        *watchers.in_order,
    ]


def _monitor(run):
    """A monitor for a model that makes images of its own."""
    enough = len(run.images.train) >= MIN_SCORED_IMAGES
    if not run.options.score or not run.model.generates or not enough:
        return None
    try:
        with progress() as on_progress:
            net = features.FeatureNet.of(run.images, on_progress=on_progress)
        return evaluation.QualityMonitor(run.images.train, net)
    except Exception as error:  # whatever it is, it must not keep the model from being trained
        print(f"the quality is not watched: {' '.join(str(error).split())}")
        return None
