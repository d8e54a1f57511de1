"""Schedules compared with values worked by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import schedules
from tests.contracts import array

# Progress → value from 3 to 1. Cosine: cos 60° = 1/2 after a third of the time, so a quarter of the change is done.
VALUES = {
    "linear": (schedules.Linear(3.0, 1.0), {0.0: 3.0, 0.25: 2.5, 0.5: 2.0, 1.0: 1.0}),
    "linear, late": (schedules.Linear(3.0, 1.0, begin=0.5), {0.0: 3.0, 0.5: 3.0, 0.75: 2.0, 1.0: 1.0}),
    "linear, early": (schedules.Linear(3.0, 1.0, until=0.5), {0.0: 3.0, 0.125: 2.5, 0.5: 1.0, 1.0: 1.0}),
    "cosine": (schedules.Cosine(3.0, 1.0), {0.0: 3.0, 1 / 3: 2.5, 0.5: 2.0, 2 / 3: 1.5, 1.0: 1.0}),
    "cosine, between": (schedules.Cosine(3.0, 1.0, begin=0.2, until=0.8), {0.1: 3.0, 0.4: 2.5, 0.6: 1.5, 0.9: 1.0}),
}


@pytest.mark.parametrize(("schedule", "values"), VALUES.values(), ids=VALUES)
def test_contract(schedule, values):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    for progress, expected in values.items():
        for value in (schedule(progress), schedule(ops.array(progress)), again(progress)):
            assert value.shape == ()
            assert keras.backend.standardize_dtype(value.dtype) == "float32"
            np.testing.assert_allclose(array(value), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", [schedules.Linear, schedules.Cosine])
def test_both_ends_are_exact(kind):
    schedule = kind(0.3, 1e-9)
    assert [array(schedule(0.0)), array(schedule(1.0))] == [np.float32(0.3), np.float32(1e-9)]


def test_a_number_stays_as_it_is():
    assert schedules.evaluate(0.7, progress=0.5) == 0.7


@pytest.mark.parametrize(("begin", "until"), [(-0.1, 1.0), (0.0, 1.1), (0.5, 0.5), (0.8, 0.2)])
def test_fractions_outside_the_run_are_refused(begin, until):
    with pytest.raises(ValueError, match=f"0 ≤ begin < until ≤ 1, received {begin} and {until}"):
        schedules.Linear(1.0, 0.0, begin=begin, until=until)
