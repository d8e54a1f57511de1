"""The primitives on TensorFlow: variables change in place, tapes record operations."""

import tensorflow as tf


def train_step(model, data):
    """Keras calls `train_step(data)` and reads the model's own variables afterwards."""
    return model.play(data)


def value_and_gradients(objective, variables, state):
    """Evaluates `objective() -> (loss, logs)` and differentiates the loss by `variables`.

    Args:
        objective: function without arguments.
        variables: list of Keras variables.
        state: the other variables that the objective may update; TensorFlow updates them in place.

    Returns:
        `(loss, logs), gradients`, the gradients in the order of `variables`.
    """
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss, logs = objective()
    return (loss, logs), tape.gradient(loss, values)


def apply(optimizer, gradients, variables):
    """One step of an optimizer. On a CPU it is one XLA program: each weight is read and written once, not ten times.

    Except while Keras runs eagerly, where every operation should be visible, and under a distribution strategy, whose
    replicas synchronise inside.
    """

    def step(gradients):
        optimizer.apply(gradients, variables)

    plain = tf.executing_eagerly() or tf.distribute.has_strategy() or tf.config.list_logical_devices("GPU")
    (step if plain else tf.function(step, jit_compile=True, autograph=False))(gradients)


def input_gradients(function, inputs):
    """`function(inputs)` and d sum(function(inputs)) / d inputs, through both of which gradients flow."""
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(inputs)
        total = tf.reduce_sum(outputs)
    return outputs, tape.gradient(total, inputs)
