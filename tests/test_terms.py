"""Terms compared with values worked by hand; in a game, see test_gan.py."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import schedules, terms
from tests.contracts import array

# Two images of 1 × 3 × 1. Fakes differ from the images by 1, 0.5, 0, 0.25, 0 and 0.25, from the source by 0.5.
FAKES = np.array([[[1.0], [0.5], [0.0]], [[0.25], [0.0], [-0.25]]], "float32").reshape(2, 1, 3, 1)
BATCH = {
    "images": np.array([0.0, 0.0, 0.0, 0.5, 0.0, 0.0], "float32").reshape(2, 1, 3, 1),
    "source": FAKES - 0.5,
}

# Their mean is FAKES, whose error is 2/6; they differ by 0.6 everywhere.
PROPOSALS = np.stack([FAKES - 0.3, FAKES + 0.3])

NUMBERS = {
    "l1": (terms.L1(), FAKES, 2.0 / 6),
    "l1, of a source": (terms.L1(target="source"), FAKES, 0.5),
    "posterior": (terms.Posterior(), PROPOSALS, 2.0 / 6 - 0.6 / 12**0.5),
    "posterior, of a source": (terms.Posterior(target="source"), PROPOSALS, 0.5 - 0.6 / 12**0.5),
}


@pytest.mark.parametrize(("term", "fakes", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(term, fakes, expected):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(term))
    for each in (term, again):
        value = each({name: ops.array(column) for name, column in BATCH.items()}, ops.array(fakes))
        assert value.shape == ()
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        np.testing.assert_allclose(array(value), expected, rtol=1e-6)


def test_every_term_has_its_numbers():
    assert {name.partition(",")[0] for name in NUMBERS} == set(terms.TERMS)


def test_proposals_with_the_mean_and_the_spread_of_the_posterior_are_best():
    draws = np.random.default_rng(0).standard_normal((3, 200_000, 1, 1, 1)).astype("float32")
    truth, first, second = draws  # normal around 0 with σ₀ = 1, as are the proposals at the right spread

    def value(mean, spread):
        proposals = ops.array(np.stack([mean + spread * first, mean + spread * second]))
        return float(terms.Posterior().value({"images": ops.array(truth)}, proposals))

    best = value(0.0, 1.0)
    for mean, spread in ((0.0, 0.7), (0.0, 1.3), (0.0, 0.0), (0.3, 1.0), (-0.3, 1.0)):
        assert value(mean, spread) > best + 0.005


def test_a_term_is_saved_with_its_schedule():
    term = terms.L1(schedules.Linear(3.0, 1.0), target="source")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(term))
    assert float(again.weight(0.5)) == 2.0
    assert again.target == "source"


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_below_zero_is_refused(weight):
    with pytest.raises(ValueError, match=f"expected a term's weight of 0 or more, received {weight}"):
        terms.L1(weight)


def test_terms_are_known_by_name():
    term = terms.L1(2.0)
    assert terms.get(term) is term
    assert isinstance(terms.get("l1"), terms.L1)
    with pytest.raises(ValueError, match="unknown term 'l3': expected one of l1"):
        terms.get("l3")
    with pytest.raises(ValueError, match=r"expected the name of a term or a Term, received 1\.0"):
        terms.get(1.0)
