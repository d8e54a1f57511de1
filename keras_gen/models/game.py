"""Games between networks: players that take turns, each with its own weights, objective and optimizer.

This module has everything that any adversarial game needs: the round, one optimizer object, metrics, saving. A
subclass (`gan.GAN`) defines the objectives of the players; `backend` defines how gradients are taken.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
from keras import ops

from keras_gen import backend, images, schedules
from keras_gen.models.base import ScheduledModel


def optimizers_of(generator=None, discriminator=None) -> dict[str, keras.optimizers.Optimizer]:
    """The optimizers of two players: Keras optimizers, or their names; Adam(2e-4) by default.

    Example:
        >>> [(player, type(each).__name__) for player, each in optimizers_of("rmsprop").items()]
        [('generator', 'RMSprop'), ('discriminator', 'Adam')]
    """
    given = {"generator": generator, "discriminator": discriminator}
    return {player: keras.optimizers.get(each or keras.optimizers.Adam(2e-4)) for player, each in given.items()}


class Player(NamedTuple):
    """One player of a game.

    Attributes:
        name: the key of its optimizer in `compile`.
        networks: the models whose trainable weights it updates; no weight belongs to two players.
        objective: `objective(batch) -> (loss, logs)`, a float32 scalar that the player minimises and a dict of
            scalars to log; `batch` is what the model's `prepare` returns. It must call networks with `training=True`:
            inside a custom step Keras does not imply it.
        steps: its number of steps in one round, each on another part of the batch.
    """

    name: str
    networks: tuple[keras.Model, ...]
    objective: Callable
    steps: int = 1

    @property
    def variables(self) -> list:
        """The trainable variables of its networks."""
        return [variable for network in self.networks for variable in network.trainable_variables]


class AdversarialModel(ScheduledModel):
    """A model whose networks play against each other, trained by the stock `fit`.

    A subclass keeps its networks as attributes, lists `players` in the order in which they move and names the
    scalars that the objectives log in `log_names`. One training step is one round: each player in turn takes its
    steps with its own optimizer on the weights that the player before it left. A batch is cut into as many equal parts
    as the busiest player has steps; each step gets another part.

    Besides `log_names` a round logs `loss`, the sum of all players' losses. It says nothing about quality: it is
    there because stock callbacks such as `TerminateOnNaN` use it.

    `.keras` and `.weights.h5` files hold all weights, all optimizers' state and the state of every random seed, so
    that a loaded model continues exactly where the saved one stopped.

    Example:
        See `keras_gen.models.gan.GAN`, the game of two players.
    """

    log_names: tuple[str, ...] = ()
    """The scalars that the objectives log; `compile` makes a metric of each."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._trackers: list[keras.metrics.Mean] = []

    @property
    def players(self) -> tuple[Player, ...]:
        """The players in the order in which they move."""
        return ()

    @property
    def metrics(self):
        return self._trackers

    def compile(
        self, optimizers, *, hyperparameters=None, run_eagerly=False, steps_per_execution=1, jit_compile="auto"
    ):
        """Gives each player its optimizer.

        The optimizers are joined in one `keras.optimizers.MultiOptimizer`, so that saving, learning-rate callbacks
        and JAX's functional state see all of them.

        Args:
            optimizers: dict from player names to Keras optimizers; one object each.
            hyperparameters: dict from attributes of all these optimizers (`learning_rate`, `beta_2`) to numbers or
                schedules of `progress` from `keras_gen.schedules`. They replace the optimizers' own values.
            run_eagerly: as in `keras.Model.compile`.
            steps_per_execution: as in `keras.Model.compile`.
            jit_compile: as in `keras.Model.compile`.

        Raises:
            ValueError: if a player has no optimizer, two share one or one lacks a scheduled attribute, a trainable
                variable belongs to no player, or the networks compute in float16, which would need a loss scale for
                each player.
        """
        players = self.players
        names = list(dict.fromkeys(player.name for player in players))
        if set(optimizers) != set(names) or len(set(map(id, optimizers.values()))) < len(names):
            raise ValueError(f"expected one optimizer object for each of {names}, received {optimizers}")
        ids = [id(variable) for player in players for variable in player.variables]
        if len(set(ids)) < len(ids):
            shared = sorted({each.path for player in players for each in player.variables if ids.count(id(each)) > 1})
            raise ValueError(
                f"expected players without a weight in common, received {', '.join(shared)} in two of them"
            )
        # By identity: the path of a variable changes when its model is loaded (generator/dense → dense).
        owners = {id(variable): player.name for player in players for variable in player.variables}
        unowned = [variable.path for variable in self.trainable_variables if id(variable) not in owners]
        if unowned:
            raise ValueError(f"expected every trainable variable to belong to a player, received also {unowned}")
        if any(layer.compute_dtype == "float16" for layer in self._flatten_layers(include_self=False)):
            raise ValueError(
                "expected networks in float32 or mixed_bfloat16, received float16: its gradients underflow"
            )
        for name, optimizer in itertools.product(hyperparameters or {}, optimizers.values()):
            if not hasattr(optimizer, name):
                raise ValueError(f"expected optimizers with the scheduled attribute {name!r}, received {optimizer!r}")
        joint = keras.optimizers.MultiOptimizer(lambda variable: optimizers[owners[id(variable)]])
        super().compile(
            optimizer=joint,
            loss=None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )
        names = ["loss", *self.log_names]
        if [tracker.name for tracker in self._trackers] != names:
            self._trackers = [keras.metrics.Mean(name=name) for name in names]
        # Now: an optimizer that is built at its first step has no slots yet when a saved state is loaded.
        joint.build(self.trainable_variables)
        self._optimizers = dict(optimizers)
        self._hyperparameters = dict(hyperparameters or {})
        self._compile_arguments = {
            "optimizers": self._optimizers,
            "hyperparameters": self._hyperparameters,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def get_compile_config(self):
        return keras.saving.serialize_keras_object(self._compile_arguments) if self.compiled else {}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(self, *args, validation_data=None, validation_split=0.0, **kwargs):
        """`keras.Model.fit`; a game has no validation loss, so validation data are refused before training."""
        if validation_data is not None or validation_split:
            self.test_step()
        return super().fit(*args, **kwargs)

    def train_step(self, *arguments):
        return backend.train_step(self, *arguments)

    def test_step(self, *arguments):
        raise ValueError(
            "a game has no validation loss: expected fit without validation data and no evaluate. "
            "Make images with the generator and evaluate those."
        )

    def prepare(self, data):
        """What the objectives get of a batch: tensors with the same number of rows, in any nested structure.

        Here it is the scaled images; a game that is also `Generative` gets its inputs beside them.
        """
        return images.to_float(keras.utils.unpack_x_y_sample_weight(data)[0])

    def after_round(self) -> None:
        """Called when all players have taken their steps; does nothing here."""

    def play(self, data):
        """Plays one round and updates the metrics: the step itself, the same on every backend.

        Args:
            data: what `fit` delivers: `(images,)` or images alone, uint8 in [0, 255] or float in [-1, 1].

        Returns:
            Dict of float32 scalars: `loss` and `log_names`, each from a player's last step, averaged over the epoch
            so far.
        """
        players = self.players
        num = max(player.steps for player in players)
        batch = self.prepare(data)
        parts = [keras.tree.map_structure(lambda tensor, at=at: part(tensor, at, num), batch) for at in range(num)]
        logs: dict = {}
        losses = []
        for player in players:
            for seen in parts[: player.steps]:
                loss, player_logs = self._move(player, seen)
            losses.append(loss)
            logs |= player_logs
        # One sum and not a chain of additions: TensorFlow orders those differently in each process, which changes bits.
        logs["loss"] = ops.sum(ops.stack(losses))
        self.optimizer.iterations.assign_add(1)
        self.after_round()
        for tracker in self._trackers:
            tracker.update_state(logs[tracker.name])
        return {tracker.name: tracker.result() for tracker in self._trackers}

    def _move(self, player, batch):
        variables = player.variables
        own = set(map(id, variables))
        state = [variable for variable in self.variables if id(variable) not in own]
        (loss, logs), gradients = backend.value_and_gradients(lambda: player.objective(batch), variables, state)
        optimizer = self._optimizers[player.name]
        with self._scheduled(optimizer):
            # The inner optimizer: the joint one would need the gradients of all players at once.
            backend.apply(optimizer, gradients, variables)
        return loss, logs

    @contextlib.contextmanager
    def _scheduled(self, optimizer) -> Iterator[None]:
        """Sets the hyper-parameters of the optimizer for the current `progress`."""
        values = {name: schedules.evaluate(value, self.progress) for name, value in self._hyperparameters.items()}
        if "learning_rate" in values:
            optimizer.learning_rate = values.pop("learning_rate")  # a variable, which TensorBoard may show
        constants = {name: getattr(optimizer, name) for name in values}
        for name, value in values.items():
            setattr(optimizer, name, value)
        try:
            yield
        finally:
            for name, value in constants.items():  # tensors are valid in one step only, and must not be saved
                setattr(optimizer, name, value)


def part(tensor, index: int, num: int):
    """One of `num` parts of equal size of a batch, where each row is in at least one of them.

    Where the rows do not divide evenly, as in the last batch of an epoch, the last parts repeat the first rows.

    Args:
        tensor: tensor (b, ...), b ≥ 1.
        index: int, 0 ≤ index < num.
        num: int ≥ 1.

    Returns:
        Tensor (⌈b / num⌉, ...).

    Example:
        >>> [ops.convert_to_numpy(part(ops.arange(5), index, 2)).tolist() for index in range(2)]
        [[0, 1, 2], [3, 4, 0]]
    """
    if num == 1:
        return tensor
    rows = ops.shape(tensor)[0]
    size = -(-rows // num)
    return ops.take(tensor, (index * size + ops.arange(size)) % rows, axis=0)
