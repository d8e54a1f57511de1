"""The callbacks that watch a run: those that every run has, in their order, and those that its model allows."""

from __future__ import annotations

import dataclasses

import keras

from keras_gen import callbacks, evaluation, features
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
        in_order: these and the others, in the order in which `fit` gets them, except the checkpoints.
    """

    budget: callbacks.Budget
    signal: callbacks.StopOnSignal
    not_a_number: callbacks.StopOnNaN
    monitor: evaluation.Monitor | None
    best: callbacks.KeepBest | None
    guard: callbacks.CollapseGuard | None
    in_order: list[keras.callbacks.Callback]

    @property
    def seconds(self) -> float:
        """The time of training."""
        return self.budget.seconds_at_end

    @property
    def diverged(self) -> bool:
        """Whether the result is not a usable model."""
        return self.not_a_number.diverged and not (self.best and self.best.step)

    def ended_at(self, model: keras.Model) -> int:
        """The step at which training ended, whichever state was kept."""
        return self.best.ended_at if self.best else int(model.optimizer.iterations)


def watch(run: Run, *own: keras.callbacks.Callback) -> Watchers:
    """The watchers of a run.

    Args:
        run: before its first step in this process.
        *own: those of its family, such as a grid of pictures; they come last.
    """
    budget = callbacks.Budget(run.options.epochs, run.options.minutes)
    signal, not_a_number = callbacks.StopOnSignal(), callbacks.StopOnNaN()
    bar = callbacks.ProgressBar(budget)
    monitor, best, guard = _monitor(run, budget, bar, signal), None, None
    if monitor or run.model.best_by not in evaluation.METRICS:  # which only the monitor logs
        best = callbacks.KeepBest(run.model.best_by)
    if monitor and run.model.adversarial:
        guard = callbacks.CollapseGuard(budget, monitor)
        guard.remedies = len(run.config["troubles"])
    in_order = [
        monitor,
        budget,
        guard,
        bar,
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
    """What `fit` gets: the callback that writes checkpoints, or resumes from one, before the others."""
    folder = run.directory / checkpoints.FOLDER
    minutes = run.options.checkpoint_every
    return [
        callbacks.Checkpoints(folder, watchers.in_order, minutes, stop=watchers.signal, resume=run.checkpoint),
        *watchers.in_order,
    ]


def _monitor(run, budget, bar, signal):
    """A monitor, for a model that makes images: of answers to held-out pictures, or compared with training images."""
    enough = len(run.images.train) >= MIN_SCORED_IMAGES
    if not run.options.score or not run.model.generates or not enough:
        return None
    if run.held_out is not None and run.model.best_by == "mean_l1":
        return PairMonitor(budget, run.held_out)

    def on_progress(text, fraction=None):
        bar.report(text, fraction)
        if signal.stopped_by:
            raise InterruptedError(f"stopped by {signal.stopped_by}")

    return QualityMonitor(budget, run.images.train, lambda: features.FeatureNet.of(run.images, on_progress=on_progress))


class _Unobtrusive(evaluation.Monitor):
    """A monitor that takes no time from training before it measures, and does not end it when something is wrong."""

    def __init__(self, budget, *arguments):
        super().__init__(*arguments)
        self.budget = budget
        self.has_failed = False

    def prepare(self):
        if self.has_failed:
            return False
        try:
            with self.budget.paused():
                return super().prepare()
        except Exception as error:  # whatever it is
            print(f"the quality is not watched: {' '.join(str(error).split())[:200]}")
            self.has_failed = True
            return False


# By these names checkpoints know their states.
class QualityMonitor(_Unobtrusive, evaluation.QualityMonitor):
    """The monitor of a run that makes new images."""


class PairMonitor(_Unobtrusive, evaluation.PairMonitor):
    """The monitor of a run that answers pictures."""
