"""The primitives on JAX: pure functions of values, Keras variables read and written through a `StatelessScope`."""

import jax
import keras

# The scopes of the objectives that are being evaluated, the innermost one last. Keras keeps its own such stack private.
_scopes: list[keras.StatelessScope] = []


def train_step(model, state, data):
    """Keras calls `train_step(state, data)` with every value and wants the new values back."""
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    mapping = [pair for group, values in zip(groups, state, strict=True) for pair in zip(group, values, strict=True)]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        logs = model.play(data)
    return logs, tuple([scope.get_current_value(variable) for variable in group] for group in groups)


def value_and_gradients(objective, variables, state):
    """Evaluates `objective() -> (loss, logs)` and differentiates the loss by `variables`.

    The objective runs inside a scope of its own, as `jax.grad` asks for a pure function; what it did to `state`
    (seeds, statistics) comes out as values and is assigned outside.

    Args:
        objective: function without arguments.
        variables: list of Keras variables.
        state: the other variables that the objective reads or updates.

    Returns:
        `(loss, logs), gradients`, the gradients in the order of `variables`.
    """

    def pure(values, others):
        mapping = [*zip(variables, values, strict=True), *zip(state, others, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            _scopes.append(scope)
            try:
                loss, logs = objective()
            finally:
                _scopes.pop()
        return loss, (logs, [scope.get_current_value(variable) for variable in state])

    values = [variable.value for variable in variables]
    others = [variable.value for variable in state]
    (loss, (logs, updated)), gradients = jax.value_and_grad(pure, has_aux=True)(values, others)
    for variable, value in zip(state, updated, strict=True):
        variable.assign(value)
    return (loss, logs), gradients


def input_gradients(function, inputs):
    """`function(inputs)` and d sum(function(inputs)) / d inputs, through both of which gradients flow.

    What the function does to variables (seeds, statistics) is kept inside an objective and dropped elsewhere.
    """
    outer = _scopes[-1].state_mapping if _scopes else {}

    def pure(values):
        with keras.StatelessScope() as scope:
            scope.state_mapping.update(outer)
            outputs = function(values)
        return outputs.sum(), (outputs, scope.state_mapping)

    # Values leave the differentiated function through its outputs: a scope that outlives it would hold dead tracers.
    gradients, (outputs, updated) = jax.grad(pure, has_aux=True)(jax.numpy.asarray(inputs))
    outer.update(updated)
    return outputs, gradients
