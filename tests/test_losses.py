"""Loss pairs against numbers from outside."""

import keras
import pytest

from keras_gen import losses
from tests.contracts import check_loss_pair

REAL = [-5.0, 1.4, 12.5, 2.7]
FAKE = [10.0, 4.4, -5.5, 3.6]

# Mean over the batch. softplus of ±REAL and ±FAKE with a pocket calculator: real (5.00672, 0.22041, 0.00000, 0.06504),
# fake upwards (10.00005, 4.41220, 0.00408, 3.62696). The generator's 1.38582 is also in TF-GAN's tests.
NUMBERS = {
    "minimax": (5.83387, -4.51082),
    "non_saturating": (5.83387, 1.38582),
}


@pytest.mark.parametrize("name", losses.LOSSES)
def test_contract(name):
    expected_discriminator, expected_generator = NUMBERS[name]
    check_loss_pair(losses.get(name), expected_discriminator, expected_generator, REAL, FAKE)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=f"unknown loss 'wasserstien': expected one of {', '.join(losses.LOSSES)}"):
        losses.get("wasserstien")


def test_get_returns_objects_as_they_are():
    pair = losses.NonSaturating()
    assert losses.get(pair) is pair


@pytest.mark.parametrize("wrong", [None, losses.Minimax, keras.losses.MeanSquaredError(), 3])
def test_what_is_no_loss_pair_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a name or an object with discriminator_loss and generator_loss"):
        losses.get(wrong)


def test_a_loss_with_arguments_must_save_them():
    class Weighted(losses.Minimax):
        def __init__(self, weight):
            self.weight = weight

    with pytest.raises(TypeError, match="Weighted takes arguments: its get_config must return them"):
        Weighted(2.0).get_config()
