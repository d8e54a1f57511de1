"""Several steps in one launch: the same training, fewer calls."""

import keras
import numpy as np
import pytest

from keras_gen import backend, callbacks
from keras_gen.callbacks import resuming
from keras_gen.data import Batches, Split
from tests.conftest import BATCH, IMAGE_SHAPE, make_autoencoder, make_gan, weights_of

NUM = 7 * BATCH  # images: seven steps, of which three at a time leave one


@pytest.fixture
def many():
    return np.random.default_rng(1).integers(0, 256, (NUM, *IMAGE_SHAPE)).astype("uint8")


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.begun, self.ended, self.losses = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)
        self.losses.append(logs["loss"])


def trained_gan(many, **compile_arguments):
    keras.utils.set_random_seed(0)
    gan, recorder = make_gan(loss="relativistic", penalties=["r1"], **compile_arguments), Recorder()
    batches = Batches(Split(many), BATCH, ahead=compile_arguments.get("steps_per_execution", 1))
    history = gan.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[recorder])
    return gan, recorder, history


@pytest.mark.jax
@pytest.mark.skipif(backend.BACKEND == "torch", reason="Keras on PyTorch takes one step at a time")
def test_launches_of_three_steps_train_the_same_game(many):
    one, each, history = trained_gan(many)
    three, together, of_three = trained_gan(many, steps_per_execution=3)
    assert int(three.optimizer.iterations) == int(one.optimizer.iterations) == 14
    for expected, received in zip(weights_of(one), weights_of(three), strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)
    assert together.begun == [0, 3, 6] * 2
    assert len(each.begun) == 14
    # Each launch reports what its last step does: the means of the epoch so far.
    np.testing.assert_allclose(together.losses, np.array(each.losses)[[2, 5, 6, 9, 12, 13]], rtol=1e-3)
    np.testing.assert_allclose(of_three.history["d_loss"], history.history["d_loss"], rtol=1e-3)


@pytest.mark.skipif(backend.BACKEND == "torch", reason="Keras on PyTorch takes one step at a time")
def test_a_smaller_last_batch_is_a_separate_launch(many):
    weights = []
    for steps in (1, 4):
        keras.utils.set_random_seed(0)
        autoencoder = make_autoencoder(steps_per_execution=steps)
        autoencoder.fit(many[:-1], batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
        assert int(autoencoder.optimizer.iterations) == 7
        weights.append(weights_of(autoencoder))
    for expected, received in zip(*weights, strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(backend.BACKEND == "torch", reason="Keras on PyTorch takes one step at a time")
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_run_continues_with_launches_of_any_length(steps, many):
    class After(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            resuming._skip_steps(self.model, 5)

    autoencoder = make_autoencoder(steps_per_execution=steps)
    batches = Batches(Split(many), BATCH)
    autoencoder.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[After()])
    assert int(autoencoder.optimizer.iterations) == 2 + 7


@pytest.mark.jax
@pytest.mark.skipif(backend.BACKEND != "jax", reason="only on JAX the values of a model live outside it")
def test_callbacks_that_act_at_each_step_do_not_copy_the_values_into_the_model(many, monkeypatch):
    autoencoder, calls = make_autoencoder(), []
    sync = autoencoder.jax_state_sync
    monkeypatch.setattr(autoencoder, "jax_state_sync", lambda: (calls.append(1), sync()))
    budget = callbacks.Budget(minutes=10)
    watchers = [budget, callbacks.StopOnSignal(), callbacks.StopOnNaN(), callbacks.ProgressBar(budget)]
    autoencoder.fit(many, batch_size=1, epochs=1, verbose=0, callbacks=watchers)
    assert len(calls) < NUM, "not at every step"
