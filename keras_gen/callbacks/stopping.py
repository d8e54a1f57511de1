"""Callbacks that end a training run: after its epochs, after its minutes, or on a signal from the user or system."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator

import keras
from keras import ops

from keras_gen.callbacks.resuming import Resumable
from keras_gen.models.base import ProgressReporter


class Budget(ProgressReporter, Resumable):
    """Ends training when its time is used up, and reports the share of the run to the model, see `ProgressReporter`.

    The clock runs from the first callback to the last: compiling, callbacks and validation count, and in a resumed
    run the time before it. It stands still while it is `paused`.

    Args:
        epochs: the epochs that `fit` was given, or None when only time limits the run.
        minutes: wall-clock minutes for the whole training loop, or None when only epochs limit it.

    Raises:
        ValueError: if neither limits the run, or one is not positive.

    Example:
        >>> Budget(epochs=3).fraction
        0.0
    """

    def __init__(self, epochs=None, minutes=None):
        super().__init__()
        if epochs is None and minutes is None:
            raise ValueError("expected `epochs`, `minutes` or both, received neither")
        for name, value in (("epochs", epochs), ("minutes", minutes)):
            if value is not None and not value > 0:
                raise ValueError(f"expected `{name}` above 0, received {value}")
        self.epochs = epochs
        self.minutes = minutes
        self.fraction = 0.0
        """Share of the run that is over, in [0, 1]: by epochs or by time, whichever is further."""
        self.seconds_at_end = 0.0
        """What the clock showed when training ended."""

    def begin(self, state):
        self._started_at = time.monotonic() - state.get("seconds", 0.0)
        self._epoch = 0
        self.fraction = 0.0
        self._reported = state.get("told", -1.0)  # -1: nothing reported yet

    def state(self):
        return {"seconds": self.seconds, "told": self._reported}

    @property
    def seconds(self) -> float:
        """What the clock shows."""
        return time.monotonic() - self._started_at

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """For work in the middle of training that is not to take from its time."""
        paused_at = time.monotonic()
        try:
            yield
        finally:
            self._started_at += time.monotonic() - paused_at

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.fraction = self.fraction_after(batch + 1)
        if self.minutes and self.seconds >= 60 * self.minutes:
            self.fitted.stop_training = True

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.seconds_at_end = self.seconds

    def fraction_after(self, batches):
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        steps = self.params["steps"]  # None for data whose length Keras does not know
        by_epochs = (self._epoch + (batches / steps if steps else 0.0)) / self.epochs if self.epochs else 0.0
        return min(1.0, max(by_time, by_epochs))


class StopOnNaN(keras.callbacks.Callback):
    """Ends training as soon as the loss, or after an epoch a weight, is NaN or infinite, and records that it did.

    The stock `TerminateOnNaN` makes every step wait for its logs; this one checks them during the next step. It also
    checks the weights, because a fused ReLU on TensorFlow turns NaN into 0: the loss may hide that half the network is
    dead.
    """

    async_safe = True

    def __init__(self):
        super().__init__()
        self.diverged = False
        """Whether the loss or a weight has become NaN or infinite."""

    def set_model(self, model):
        super().set_model(model)
        self.fitted = model  # not to be looked up during the next step, see `ProgressReporter`

    def on_train_begin(self, logs=None):
        self.diverged = False

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        if not all(bool(ops.all(ops.isfinite(weight))) for weight in self.model.trainable_variables):
            self._stop()

    def _stop(self):
        self.diverged = True
        self.fitted.stop_training = True


class StopOnSignal(keras.callbacks.Callback):
    """Ends training after the next step on Ctrl-C (SIGINT) or SIGTERM, so that what was learned is kept and exported.

    A second Ctrl-C interrupts as usual. The previous handlers are restored when training ends; if `fit`
    raises, at the first signal after that. Outside the main thread, where Python handles no signals, it does nothing.
    """

    signals = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        super().__init__()
        self.stopped_by: str | None = None
        """Name of the signal that ended training, or None."""
        self._previous: dict = {}

    def on_train_begin(self, logs=None):
        self.stopped_by = None
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in self.signals}

    def on_train_end(self, logs=None):
        self._restore()

    def _handle(self, number, frame):
        self.stopped_by = signal.Signals(number).name
        # At once, or people press it again: the export takes several seconds.
        print(f"\n{self.stopped_by}: stopping after this step, keeping what was learned; again to abort", flush=True)
        self._restore()

    def on_train_batch_begin(self, batch, logs=None):
        if self.stopped_by:  # here and not in the handler: between steps everything can be saved
            self.model.stop_training = True

    def _restore(self):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
