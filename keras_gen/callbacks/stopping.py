"""When a training run ends: after its epochs, after its minutes, or when a person or the system asks."""

from __future__ import annotations

import math
import signal
import threading
import time

import keras
from keras import ops

from keras_gen.callbacks.resuming import Resumable
from keras_gen.models.base import ProgressReporter


class Budget(ProgressReporter, Resumable):
    """Ends training when its time is used up, and tells the model how much of the run is over, see `ProgressReporter`.

    The clock runs from the first callback to the last: compiling, callbacks and validation count, and in a run that
    is resumed what it had taken before.

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

    def begin(self, state):
        self._started_at = time.monotonic() - state.get("seconds", 0.0)
        self._epoch = 0
        self.fraction = 0.0
        self._reported = state.get("told", -1.0)  # nothing yet

    def state(self):
        return {"seconds": time.monotonic() - self._started_at, "told": self._reported}

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.fraction = self.fraction_after(batch + 1)
        if self.minutes and self._minutes() >= self.minutes:
            self.fitted.stop_training = True

    def _minutes(self):
        return (time.monotonic() - self._started_at) / 60

    def fraction_after(self, batches):
        by_time = self._minutes() / self.minutes if self.minutes else 0.0
        steps = self.params["steps"]  # None for data whose length Keras does not know
        by_epochs = (self._epoch + (batches / steps if steps else 0.0)) / self.epochs if self.epochs else 0.0
        return min(1.0, max(by_time, by_epochs))


class StopOnNaN(keras.callbacks.Callback):
    """Ends training as soon as the loss is NaN or infinite, or a weight after an epoch, and remembers that it did.

    The stock `TerminateOnNaN` makes every step wait for its numbers; this one looks at them beside the next step. And
    at the weights, because a fused ReLU on TensorFlow turns NaN into 0: the loss can do without half a network.
    """

    async_safe = True

    def __init__(self):
        super().__init__()
        self.diverged = False
        """Whether the loss or a weight has left the numbers."""

    def set_model(self, model):
        super().set_model(model)
        self.fitted = model  # not to be looked up beside the next step, see `ProgressReporter`

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

    A second Ctrl-C interrupts as usual. The handlers that were there before come back when training ends; if `fit`
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
        # At once, or people press it again: the export takes some seconds.
        print(f"\n{self.stopped_by}: stopping after this step, keeping what was learned; again to abort", flush=True)
        self._restore()

    def on_train_batch_begin(self, batch, logs=None):
        if self.stopped_by:  # now and not at once: here everything is in a state that can be saved
            self.model.stop_training = True

    def _restore(self):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
