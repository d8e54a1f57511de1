"""What every model has: random seeds that are saved with it, and the share of its run that is over."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import backend
from keras_gen.backend import BACKEND

MIN_PROGRESS = 0.002  # that is reported to a model: on JAX, which passes its state, a report takes longer than a step


class SeededModel(backend.Model):
    """A model whose `.keras` and `.weights.h5` files hold the state of every `SeedGenerator` in it.

    Latents, dropout and noise of a loaded model continue where those of the saved one stopped. Keras saves weights
    only, and restarts its seeds on load.
    """

    @property
    def _seed_states(self):
        return [variable for variable in self.variables if variable.name == "seed_generator_state"]

    def save(self, filepath, *args, **kwargs):
        """`keras.Model.save`, to a `.keras` file: Keras also writes `.h5`, which it could not read again."""
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(f"expected a path that ends in .keras, received {filepath}: a subclassed model has no .h5")
        super().save(filepath, *args, **kwargs)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self._seed_states):
            store[f"seed_{index}"] = keras.ops.convert_to_numpy(state.value)

    def load_own_variables(self, store):
        weights = [name for name in list(store.keys()) if not name.startswith("seed_")]
        super().load_own_variables({name: store[name] for name in weights})
        for index, state in enumerate(self._seed_states):
            state.assign(np.asarray(store[f"seed_{index}"]).astype(state.dtype))  # int64 or uint32, by backend


class ScheduledModel(SeededModel):
    """A model that knows how much of its run is over, for the schedules of its rates and weights.

    `progress` is the share that is over, in [0, 1]. `fit` updates it step by step according to the epochs, unless one
    of its callbacks is a `ProgressReporter`, such as `callbacks.Budget`. With `train_on_batch`, call `set_progress`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.progress = self.add_weight((), "zeros", trainable=False, name="progress")

    def set_progress(self, fraction: float) -> None:
        """Sets the share of the run that is over. To be called before a step, as by a callback."""
        if BACKEND == "jax":
            self.jax_state_sync()  # during `fit` the values live outside the model; this lets the next step see ours
        self.progress.assign(fraction)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, *args, **kwargs):
        """`keras.Model.fit`, which also updates `progress` and with it all schedules."""
        given = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks or []
        listed = given.callbacks if isinstance(given, keras.callbacks.CallbackList) else given
        if not any(isinstance(callback, ProgressReporter) for callback in listed):
            reporter = _ByEpochs(epochs)
            if isinstance(given, keras.callbacks.CallbackList):
                given.callbacks.insert(0, reporter)
                reporter.set_model(self)  # the others have it already, as Keras takes such a list as it is
            else:
                given = [reporter, *given]  # first, or others would save an epoch with the progress before its end
        return super().fit(x, y, batch_size, epochs, verbose, given, *args, **kwargs)


class ProgressReporter(keras.callbacks.Callback):
    """A callback that reports to a model before each step how much of its run is over.

    Subclasses define `fraction_after`. The model is `self.fitted`: on JAX each access to Keras' own `self.model`
    copies all values back into the model. That takes longer than a small step, and in the thread that runs during the
    next step it breaks that step, which owns the values.
    """

    async_safe = True  # reads no log values: the step need not wait for them

    def set_model(self, model):
        super().set_model(model)
        self.fitted = model
        self._reported = -1.0  # nothing reported yet

    def fraction_after(self, batches: int) -> float:
        """The share of the run that is over after so many batches of this epoch, in [0, 1]."""
        raise NotImplementedError

    def on_train_batch_begin(self, batch, logs=None):
        # Not at the end of the previous step: Keras calls that during the next step, in another thread.
        fraction = self.fraction_after(batch)
        # It may decrease: when a run is extended, a smaller share of it is over.
        if hasattr(self.fitted, "set_progress") and abs(fraction - self._reported) >= MIN_PROGRESS:
            self.fitted.set_progress(fraction)
            self._reported = fraction


class _ByEpochs(ProgressReporter):
    """Reports the share of the epochs of `fit` that are over."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self.fitted.set_progress(min(1.0, (epoch + 1) / self.epochs))

    def fraction_after(self, batches):
        steps = self.params["steps"]  # None for data whose length Keras does not know
        return min(1.0, (self._epoch + (batches / steps if steps else 0.0)) / self.epochs)
