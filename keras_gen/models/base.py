"""What every model here has: random seeds that are saved with it, and the share of its run that is over."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import backend
from keras_gen.backend import BACKEND


class SeededModel(backend.Model):
    """A model whose `.keras` and `.weights.h5` files hold the state of every `SeedGenerator` in it.

    Latents, dropout and noise of a loaded model go on where those of the saved one stood. Keras saves weights only,
    and restarts its seeds on load.
    """

    @property
    def _seed_states(self):
        return [variable for variable in self.variables if variable.name == "seed_generator_state"]

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

    `progress` is the share that is over, in [0, 1]. Someone has to say it: `callbacks.Budget` does, or `set_progress`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.progress = self.add_weight((), "zeros", trainable=False, name="progress")

    def set_progress(self, fraction: float) -> None:
        """Says how much of the run is over. To be called before a step, as by a callback."""
        if BACKEND == "jax":
            self.jax_state_sync()  # during `fit` the values live outside the model; this lets the next step see ours
        self.progress.assign(fraction)
