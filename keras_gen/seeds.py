"""Random seeds that are saved with a model, which Keras leaves out of its files."""

from __future__ import annotations

import keras
import numpy as np

from keras_gen import backend


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
