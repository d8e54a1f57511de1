"""Detects when a generator has collapsed."""

from __future__ import annotations

import statistics

from keras_gen.callbacks.logs import loss_names
from keras_gen.callbacks.resuming import Resumable
from keras_gen.callbacks.stopping import Budget

MIN_DIVERSITY = 0.1  # below this the images are nearly identical
ROUNDING = 0.5  # by less a distance does not become worse
NUM_CONSECUTIVE = 2  # measurements: one may be chance
MAX_LOSS_RATIO = 1_000.0  # times the median loss
MAX_MEDIAN_LOSS = 100.0  # caps the median, which is itself huge in a run that explodes at once
WINDOW_EPOCHS = 30  # epochs that the median is taken over, at least a tenth of them
EARLY_FRACTION = 0.25  # share of the run in which a generator may not have begun to make different images


class CollapseGuard(Resumable):
    """Ends training when a game has collapsed, and records the reason.

    Logs `remedies`, how many have been tried.

    A collapse is one of these: in two consecutive measurements of a monitor the images are all alike (`diversity` below
    0.1, after having been above, or after a quarter of the run) or much worse (its `distance` above `collapsed_above`
    times the least); or a player's loss is a thousand times its usual value in this run, or above 100,000.

    Args:
        budget: the `Budget` of this run.
        monitor: a `QualityMonitor`, or a `PairMonitor`, which logs no `diversity`. Place both before this callback.

    Attributes:
        trouble: what happened, in words, or None.
        lively: whether the run has ever been healthy: images that differ, losses of a usual size.
        remedies: how many have been tried, for the logs.
    """

    def __init__(self, budget: Budget, monitor):
        super().__init__()
        self.budget = budget
        self.monitor = monitor
        self.trouble: str | None = None
        self.remedies = 0

    def begin(self, state):
        self.trouble = None
        self._least, self.lively = state.get("least", float("inf")), state.get("lively", False)
        self._bad, self._measurements = state.get("bad", 0), self.monitor.measurements
        self._sizes: list[float] = state.get("sizes", [])

    def state(self):
        return {"least": self._least, "lively": self.lively, "bad": self._bad, "sizes": self._sizes}

    def on_epoch_end(self, epoch, logs=None):
        logs["remedies"] = self.remedies
        self._check_losses(max(abs(logs[name]) for name in loss_names(logs)))
        if self.trouble or self.monitor.measurements == self._measurements:  # until then it repeats its numbers
            return
        self._measurements = self.monitor.measurements
        name = self.monitor.distance
        distance, diversity = logs[name], logs.get("diversity", 1.0)
        self._least = min(self._least, distance)
        alike = diversity < MIN_DIVERSITY and (self.lively or self.budget.fraction > EARLY_FRACTION)
        worse = distance > max(self.monitor.collapsed_above * self._least, self._least + ROUNDING)
        self.lively = self.lively or diversity >= MIN_DIVERSITY
        self._bad = self._bad + 1 if alike or worse else 0
        if self._bad >= NUM_CONSECUTIVE:
            self._stop(
                f"all images have become alike (diversity {diversity:.2f} of real ones)"
                if alike
                else f"the images have become much worse ({name} {distance:.4g}, at best {self._least:.4g})"
            )

    def _check_losses(self, size):
        median = statistics.median(self._sizes or [size])
        usual = min(max(1.0, median), MAX_MEDIAN_LOSS)
        exploded = len(self._sizes) >= WINDOW_EPOCHS // 10 and size > MAX_LOSS_RATIO * usual
        self._sizes = [*self._sizes, size][-WINDOW_EPOCHS:]
        if exploded:
            self._stop(f"the losses had exploded ({size:.2g}, usually {usual:.3g})")
            if median > MAX_MEDIAN_LOSS:  # from the start: there is no state to return to, and no loss to compare with
                self.lively, self._sizes = False, []

    def _stop(self, trouble):
        self.trouble = trouble
        self._bad = 0  # the next attempt starts its own count
        self.model.stop_training = True
