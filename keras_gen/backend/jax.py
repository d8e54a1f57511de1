"""The primitives on JAX: pure functions of values; a `StatelessScope` reads and writes the Keras variables."""

import functools
import itertools
from collections.abc import Callable

import jax
import keras

# The scopes of the objectives that are being evaluated, the innermost last. The stack that Keras has is private.
_scopes: list[keras.StatelessScope] = []


class Model(keras.Model):
    """A model whose `steps_per_execution` steps are one launch of one program; stock Keras launches each on its own.

    On a GPU the launch of a small step takes longer than the step. Callbacks are called once for each launch.
    """

    train_function: Callable | None

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        super().make_train_function(force=True)
        one_program = self.jit_compile and not self.run_eagerly and keras.distribution.distribution() is None
        if self.steps_per_execution > 1 and one_program:
            self.train_function = _scan(self.train_step, self.steps_per_execution)


def _scan(step, num):
    """`(state, iterator) -> logs, state` that takes a step with each of up to `num` batches; the logs of the last."""

    @functools.partial(jax.jit, donate_argnums=0)
    def launch(state, batches):
        def body(state, batch):
            logs, state = step(state, batch)
            return state, logs

        stacked = jax.tree.map(lambda *parts: jax.numpy.stack(parts), *batches)
        state, logs = jax.lax.scan(body, state, stacked)
        return jax.tree.map(lambda values: values[-1], logs), state

    def train_function(state, iterator):
        logs = None
        # Only batches of one shape can be stacked; the last one of an epoch may be smaller.
        for _, batches in itertools.groupby(itertools.islice(iterator, num), key=_shapes):
            logs, state = launch(state, tuple(batches))
        if logs is None:
            raise StopIteration  # what Keras expects when there are no more batches
        return logs, state

    return train_function


def _shapes(batch):
    return [leaf.shape for leaf in jax.tree.leaves(batch)]


def train_step(model, state, data):
    """Keras calls `train_step(state, data)` with all values and expects the new values back."""
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

    The objective runs inside its own scope, as `jax.grad` requires a pure function; its changes of `state`
    (seeds, statistics) come out as values and are assigned outside.

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


def apply(optimizer, gradients, variables):
    """One step of an optimizer; the whole training step is already one XLA program."""
    optimizer.apply(gradients, variables)


def input_gradients(function, inputs):
    """`function(inputs)` and d sum(function(inputs)) / d inputs, through both of which gradients flow.

    Changes of variables (seeds, statistics) by the function are kept inside an objective and dropped elsewhere.
    """
    outer = _scopes[-1].state_mapping if _scopes else {}

    def pure(values):
        with keras.StatelessScope() as scope:
            scope.state_mapping.update(outer)
            outputs = function(values)
        return outputs.sum(), (outputs, scope.state_mapping)

    # Values leave the differentiated function only as outputs: a scope that outlives it would hold leaked tracers.
    gradients, (outputs, updated) = jax.grad(pure, has_aux=True)(jax.numpy.asarray(inputs))
    outer.update(updated)
    return outputs, gradients
