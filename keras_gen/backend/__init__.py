"""The three primitives that differ between Keras backends; everything else is written once, in `keras.ops`.

- `train_step(model, *arguments)`: runs `model.play(data)` under the signature that the backend's trainer calls.
- `value_and_gradients(objective, variables, state)`: `(loss, logs), gradients` of one player's objective.
- `input_gradients(function, inputs)`: `function(inputs)` and d sum(function(inputs)) / d inputs, both differentiable.
"""

import keras

BACKEND = keras.backend.backend()

if BACKEND == "tensorflow":
    from keras_gen.backend.tensorflow import input_gradients, train_step, value_and_gradients
elif BACKEND == "jax":
    from keras_gen.backend.jax import input_gradients, train_step, value_and_gradients  # type: ignore[assignment]
elif BACKEND == "torch":
    from keras_gen.backend.torch import input_gradients, train_step, value_and_gradients
else:
    raise ImportError(f"keras_gen trains on the tensorflow, jax and torch backends; KERAS_BACKEND is {BACKEND!r}")

__all__ = ["input_gradients", "train_step", "value_and_gradients"]
