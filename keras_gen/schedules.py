"""Values that change over a run: learning rates, penalty weights.

A schedule is a function of the fraction of the run that is over, so that a run of three minutes goes through all of
it. The use of the value does not belong here.
"""

from __future__ import annotations

import abc
import math

import keras
from keras import ops


class Schedule(abc.ABC):
    """The base of schedules: from `start` to `end` while the run goes from `begin` to `until`.

    Before `begin` the value is `start`, after `until` it is `end`. Subclasses define `weight(fraction)`, the share of
    the change so far, and are registered with `keras.saving.register_keras_serializable`.

    Args:
        start: float, the value up to `begin`.
        end: float, the value from `until` on.
        begin: fraction of the run at which the value starts to change.
        until: fraction of the run at which it has reached `end`.

    Call arguments:
        progress: float or scalar tensor in [0, 1], the fraction of the run that is over.

    Call returns:
        float32 scalar.

    Raises:
        ValueError: unless 0 ≤ begin < until ≤ 1.
    """

    def __init__(self, start: float, end: float, *, begin: float = 0.0, until: float = 1.0):
        if not 0 <= begin < until <= 1:
            raise ValueError(f"expected fractions of the run, 0 ≤ begin < until ≤ 1, received {begin} and {until}")
        self.start = start
        self.end = end
        self.begin = begin
        self.until = until

    @abc.abstractmethod
    def weight(self, fraction):
        """The share of the change from `start` to `end` so far.

        Args:
            fraction: float32 scalar in [0, 1], the share of the time from `begin` to `until` that is over.

        Returns:
            float32 scalar: 0 at 0 and 1 at 1.
        """

    def __call__(self, progress):
        progress = ops.convert_to_tensor(progress, dtype="float32")
        weight = self.weight(ops.clip((progress - self.begin) / (self.until - self.begin), 0.0, 1.0))
        return (1 - weight) * self.start + weight * self.end  # exact at both ends

    def get_config(self):
        return {"start": self.start, "end": self.end, "begin": self.begin, "until": self.until}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class Linear(Schedule):
    """A straight line from `start` to `end`; see `Schedule` for the arguments.

    `start + (end − start) · t` with `t = (progress − begin) / (until − begin)`.

    Example:
        >>> rate = Linear(1.0, 0.5, begin=0.5)  # constant for half of the run
        >>> [float(rate(progress)) for progress in (0.0, 0.5, 0.75, 1.0)]
        [1.0, 1.0, 0.75, 0.5]
    """

    def weight(self, fraction):
        return fraction


@keras.saving.register_keras_serializable("keras_gen")
class Cosine(Schedule):
    """Half a wave from `start` to `end`, flat at both ends; see `Schedule` for the arguments.

    `start + (end − start) · (1 − cos πt) / 2` with `t = (progress − begin) / (until − begin)`.

    Example:
        >>> gamma = Cosine(1.0, 0.0)
        >>> [round(float(gamma(progress)), 4) for progress in (0.0, 0.25, 0.5, 1.0)]
        [1.0, 0.8536, 0.5, 0.0]

    Source:
        Loshchilov and Hutter, SGDR (2017), equation 5 without restarts, https://arxiv.org/abs/1608.03983
    """

    def weight(self, fraction):
        return (1 - ops.cos(math.pi * fraction)) / 2


# How a learning rate changes over the run, by name.
RATES = {
    "constant": lambda rate: rate,
    "linear": lambda rate: Linear(rate, 0.0),
    "late": lambda rate: Linear(rate, 0.05 * rate, begin=0.5),
    "cosine": lambda rate: Cosine(rate, 0.25 * rate),
}


def evaluate(value, progress):
    """The value of a setting that is a number or a schedule.

    Args:
        value: a number, or a function of the progress such as a `Schedule`.
        progress: float or scalar tensor in [0, 1], the fraction of the run that is over.

    Returns:
        The number as it is, or the value of the schedule.

    Example:
        >>> evaluate(0.2, progress=0.5), float(evaluate(Linear(0.0, 1.0), progress=0.5))
        (0.2, 0.5)
    """
    return value(progress) if callable(value) else value
