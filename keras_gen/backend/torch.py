"""The primitives on PyTorch: variables change in place, autograd records only inside the objectives."""

import torch


def train_step(model, data):
    """Keras calls `train_step(data)`; nothing outside an objective is recorded, not even the optimizers' updates."""
    with torch.no_grad():
        return model.play(data)


def value_and_gradients(objective, variables, state):
    """Evaluates `objective() -> (loss, logs)` and differentiates the loss by `variables`.

    Args:
        objective: function without arguments.
        variables: list of Keras variables.
        state: the other variables that the objective may update; PyTorch updates them in place.

    Returns:
        `(loss, logs), gradients`, the gradients in the order of `variables`.
    """
    with torch.enable_grad():
        loss, logs = objective()
        gradients = torch.autograd.grad(loss, [variable.value for variable in variables])
    return (loss.detach(), {name: value.detach() for name, value in logs.items()}), list(gradients)


def apply(optimizer, gradients, variables):
    """One step of an optimizer."""
    optimizer.apply(gradients, variables)


def input_gradients(function, inputs):
    """`function(inputs)` and d sum(function(inputs)) / d inputs, through both of which gradients flow."""
    with torch.enable_grad():
        inputs = torch.as_tensor(inputs).detach().requires_grad_(True)
        outputs = function(inputs)
        return outputs, torch.autograd.grad(outputs.sum(), inputs, create_graph=True)[0]
