"""What differs between Keras backends; everything else is written once, in `keras.ops`.

- `train_step(model, *arguments)`: runs `model.play(data)` under the signature that the backend's trainer calls.
- `value_and_gradients(objective, variables, state)`: `(loss, logs), gradients` of one player's objective.
- `apply(optimizer, gradients, variables)`: one step of an optimizer.
- `input_gradients(function, inputs)`: `function(inputs)` and d sum(function(inputs)) / d inputs, both differentiable.
- `Model`: the base class of all models, with `steps_per_execution` steps in one launch.
"""

import keras

BACKEND = keras.backend.backend()

Model = keras.Model  # does so on TensorFlow; on PyTorch it takes one step at a time

if BACKEND == "tensorflow":
    from keras_gen.backend.tensorflow import apply, input_gradients, train_step, value_and_gradients
elif BACKEND == "jax":
    from keras_gen.backend.jax import (  # type: ignore[assignment]
        Model,
        apply,
        input_gradients,
        train_step,
        value_and_gradients,
    )
elif BACKEND == "torch":
    from keras_gen.backend.torch import apply, input_gradients, train_step, value_and_gradients
else:
    raise ImportError(f"keras_gen trains on the tensorflow, jax and torch backends; KERAS_BACKEND is {BACKEND!r}")

__all__ = ["Model", "apply", "input_gradients", "train_step", "value_and_gradients"]
