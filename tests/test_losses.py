"""Loss pairs compared with numbers from outside."""

import keras
import pytest
from keras import ops

from keras_gen import losses
from tests.contracts import check_loss_pair

REAL = [-5.0, 1.4, 12.5, 2.7]
FAKE = [10.0, 4.4, -5.5, 3.6]

# Mean over the batch: real logits, discriminator, generator.
# softplus of ±REAL and ±FAKE with a pocket calculator: real (5.00672, 0.22041, 0.00000, 0.06504), fake upwards
# (10.00005, 4.41220, 0.00408, 3.62696); of fake − real = (15, 3, −18, 0.9): (15.00000, 3.04859, 0.00000, 1.24115).
# The others as sums: squares 171.30 and 162.57 (towards 1: 141.57), hinges 6 and 21, means 2.9 and 3.125. TF-GAN's
# tests have the same for least squares, hinge, Wasserstein, the generator's 1.38582, and relativistic average.
NUMBERS = {
    "minimax": (REAL, 5.83387, -4.51082),
    "non_saturating": (REAL, 5.83387, 1.38582),
    "least_squares": (REAL, 41.73375, 17.69625),
    "hinge": (REAL, 6.75, -3.125),
    "wasserstein": (REAL, 0.225, -3.125),
    "relativistic": (REAL, 4.822435, 4.597435),
    "relativistic_average": ([-2.0, 0.4, 12.5, 2.7], 4.390114, 4.940114),
}


@pytest.mark.parametrize("name", losses.LOSSES)
def test_contract(name):
    real_logits, expected_discriminator, expected_generator = NUMBERS[name]
    check_loss_pair(losses.get(name), expected_discriminator, expected_generator, real_logits, FAKE)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_saving(name):
    pair = losses.get(name)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(pair))
    assert (type(again), again.get_config()) == (type(pair), pair.get_config())


def test_label_smoothing_moves_the_label_of_real_images_only():
    pair = losses.NonSaturating(label_smoothing=0.1)
    # The real side with the numbers above: 0.9 softplus(−x) + 0.1 softplus(x), where softplus(x) = softplus(−x) + x,
    # so 0.1 · mean of REAL = 0.1 · 2.9 is added.
    check_loss_pair(pair, 5.83387 + 0.29, 1.38582, REAL, FAKE)
    assert losses.NonSaturating.from_config(pair.get_config()).label_smoothing == 0.1


@pytest.mark.parametrize("wrong", [-0.1, 0.5, 1.0])
def test_a_label_that_no_longer_means_real_is_refused(wrong):
    with pytest.raises(ValueError, match=f"expected 0 ≤ label_smoothing < 0.5, .* received {wrong}"):
        losses.NonSaturating(label_smoothing=wrong)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=f"unknown loss 'wasserstien': expected one of {', '.join(losses.LOSSES)}"):
        losses.get("wasserstien")


def test_get_returns_objects_as_they_are():
    pair = losses.NonSaturating()
    assert losses.get(pair) is pair


@pytest.mark.parametrize("wrong", [None, losses.Minimax, keras.losses.MeanSquaredError(), 3])
def test_what_is_not_a_loss_pair_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a name or an object with discriminator_loss and generator_loss"):
        losses.get(wrong)


def test_a_loss_with_arguments_must_save_them():
    class Weighted(losses.Minimax):
        def __init__(self, weight):
            self.weight = weight

    with pytest.raises(TypeError, match="Weighted takes arguments: its get_config must return them"):
        Weighted(2.0).get_config()


def test_a_loss_that_ignores_the_real_logits_is_marked_and_an_override_is_not():
    marked = {name for name, loss in losses.LOSSES.items() if getattr(loss().generator_loss, "of_fakes_alone", False)}
    fakes = ops.array([0.5, -1.0])
    for name, loss in losses.LOSSES.items():
        values = {float(loss().generator_loss(ops.array(real), fakes)) for real in ([0.0, 0.0], [3.0, 7.0])}
        assert (len(values) == 1) == (name in marked), f"{name}: of_fakes_alone marks what ignores the real logits"

    class Mine(losses.Wasserstein):
        def generator_loss(self, real_logits, fake_logits):
            return super().generator_loss(real_logits, fake_logits) + ops.mean(real_logits)

    assert not getattr(Mine().generator_loss, "of_fakes_alone", False)
