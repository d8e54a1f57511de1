"""Keeps the best state of a model, which a run delivers instead of the last one."""

from __future__ import annotations

import math

from keras_gen.callbacks.resuming import Resumable
from keras_gen.models.checkpoints import Checkpoint


class KeepBest(Resumable):
    """Ends training with the best state of the model: weights, optimizers, seeds and all.

    The stock `EarlyStopping(restore_best_weights=True)` restores the weights only, and forgets them when a run is
    resumed. This callback does not stop training.

    Args:
        monitor: a number in the logs, the smaller the better: `val_loss`, or the `distance` of an `evaluation.Monitor`,
            which must come before this callback in the list.

    Attributes:
        value: the best value so far, infinite before the first.
        epoch: the epoch, from 0, after which it was reached.
        step: the step at which it was reached.
        last: the value at the end of training.
        ended_at: the step at which training ended.
        checkpoint: the best state of the model, or None before the first value.

    Example:
        `autoencoder.fit(images, validation_data=(others, others), epochs=50, callbacks=[KeepBest("val_loss")])`
    """

    def __init__(self, monitor: str):
        super().__init__()
        self.monitor = monitor

    def begin(self, state):
        self.value, self.epoch = state.get("value", math.inf), state.get("epoch", 0)
        self.last, self._epoch = state.get("last", self.value), state.get("last_epoch", 0)
        self.checkpoint: Checkpoint | None = Checkpoint(**state["best"]) if state.get("best") else None

    def state(self):
        best = self.checkpoint and vars(self.checkpoint)
        return {"value": self.value, "epoch": self.epoch, "best": best, "last": self.last, "last_epoch": self._epoch}

    @property
    def step(self) -> int:
        return self.checkpoint.step if self.checkpoint else 0

    def on_epoch_end(self, epoch, logs=None):
        self._compare(epoch, logs or {})
        self._epoch = epoch

    def on_train_end(self, logs=None):
        self._compare(self._epoch, logs or {})
        self.ended_at = int(self.model.optimizer.iterations)
        if self.checkpoint:
            self.checkpoint.restore(self.model)

    def _compare(self, epoch, logs):
        self.last = logs.get(self.monitor, self.last)
        if self.last < self.value:
            state = Checkpoint.of(self.model)
            if state.finite:  # uint8 images have no NaN and would hide it
                self.value, self.epoch, self.checkpoint = self.last, epoch, state
