"""Runs that continue where another process stopped: callbacks with a state, and the one that saves it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_gen.models import checkpoints


class Resumable(keras.callbacks.Callback):
    """A callback that can continue where that of another process stopped.

    Subclasses define `state` and `begin` instead of `on_train_begin`.
    """

    resume_with: dict[str, Any] | None = None
    """What `begin` gets at the next start, set by `Checkpoints`; None for a new run."""

    def on_train_begin(self, logs=None):
        state, self.resume_with = self.resume_with, None
        self.begin(state or {})

    def begin(self, state: dict[str, Any]) -> None:
        """Starts, or continues.

        Args:
            state: what `state` returned where the run stopped; empty for a new run.
        """

    def state(self) -> dict[str, Any]:
        """What `begin` needs in order to continue: JSON values and NumPy arrays, by name."""
        return {}


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints, from which `fit` continues bit for bit.

    A checkpoint has all variables of the model, its optimizers, seeds and metrics, the position in the data, and the
    state of the other callbacks. It is written between two steps: before the first one, every few minutes, and when
    `stop` has received a signal. There is one more at the end, for anyone who wants to train longer. When the disk is
    full, a message says so and training continues.

    To continue, build the model, the callbacks and the data as before and pass the checkpoint:

    ```
    checkpoint = checkpoints.newest("checkpoints")
    batches = Batches(split, 64, seed=0, epoch=checkpoint.epoch, skip=checkpoint.batch)
    gan.fit(**batches.for_fit(), epochs=20, initial_epoch=checkpoint.epoch,
            callbacks=[Checkpoints("checkpoints", others, resume=checkpoint), *others])
    ```

    Place it before all others, so that they get the restored model, and it saves their state before an epoch ends.

    Args:
        directory: folder of the checkpoints.
        callbacks: the other callbacks; the state of those that are `Resumable` is saved.
        minutes: between two checkpoints; 0 for those at the end only.
        keep: how many checkpoints to keep.
        stop: a `StopOnSignal`, or None.
        resume: the checkpoint to continue from, or None.

    Attributes:
        seconds: spent on writing.
    """

    def __init__(
        self,
        directory: str | Path,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        minutes: float = 5.0,
        keep: int = 2,
        stop=None,
        resume: checkpoints.Checkpoint | None = None,
    ):
        super().__init__()
        self.directory = Path(directory)
        self.others = {type(each).__name__: each for each in callbacks if isinstance(each, Resumable)}
        self.minutes = minutes
        self.keep = keep
        self.stop = stop
        self.resume = resume
        self.seconds = 0.0

    def on_train_begin(self, logs=None):
        self._epoch = self.resume.epoch - 1 if self.resume else 0  # the last one, if no more follows
        self._saved_at = time.monotonic() if self.resume else -math.inf  # at once, so that a full disk is reported now
        if self.resume:
            self._write(self.resume)  # otherwise a process that is killed now would leave the abandoned state
            self.resume.restore(self.model)
            _skip_steps(self.model, self.resume.batch)
            for name, callback in self.others.items():
                callback.resume_with = self.resume.callbacks.get(name)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if self.resume and self.resume.batch:  # again: Keras has just reset the metrics of this unfinished epoch
            self.resume.restore(self.model)

    def on_train_batch_begin(self, batch, logs=None):
        if self.resume and batch < self.resume.batch:
            return
        self.resume = None
        due = self.minutes and time.monotonic() - self._saved_at >= 60 * self.minutes
        if due or (self.stop and self.stop.stopped_by):
            self._save(self._epoch, batch)

    def on_train_end(self, logs=None):
        if not (self.stop and self.stop.stopped_by):
            self._save(self._epoch + 1, 0)

    def _save(self, epoch, batch):
        before = time.monotonic()
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        states = {name: callback.state() for name, callback in self.others.items()}
        self._write(checkpoints.Checkpoint.of(self.model, epoch, batch, states))
        self._saved_at = time.monotonic()
        self.seconds += self._saved_at - before

    def _write(self, checkpoint):
        try:
            checkpoint.save(self.directory, self.keep)
        except OSError as error:
            print(f"no checkpoint written, training continues: {error.strerror or error}", flush=True)


def _skip_steps(model, num):
    """Makes the train function skip the next `num` batches: `fit` counts them, but nothing is trained."""
    train, left = model.train_function, num

    def train_or_skip(*arguments):
        nonlocal left
        if left <= 0:
            return train(*arguments)
        *state, data = arguments  # JAX passes its state; data is an iterator, on PyTorch the batch
        skipped = min(left, model.steps_per_execution)
        left -= skipped
        for _ in range(skipped if isinstance(data, Iterator) else 0):
            next(data)
        if rest := model.steps_per_execution - skipped:  # the stopped run had launches of another length
            return train(*state, itertools.islice(data, rest))
        return ({"loss": 0.0}, *state) if state else {"loss": 0.0}

    if num:
        model.train_function = train_or_skip
