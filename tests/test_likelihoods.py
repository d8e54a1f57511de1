"""Likelihoods compared with SciPy's densities."""

import keras
import numpy as np
import pytest
import scipy.stats

from keras_gen import likelihoods
from tests.contracts import array

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.uniform(-1, 1, (3, 4, 5, 2)).astype("float32")
RECONSTRUCTIONS = (IMAGES + GENERATOR.normal(0, 0.2, IMAGES.shape)).clip(-0.99, 0.99).astype("float32")


def test_gaussian_is_a_log_density_with_the_deviation_of_the_batch():
    deviation = np.sqrt(np.mean((IMAGES - RECONSTRUCTIONS) ** 2))
    expected = -scipy.stats.norm(RECONSTRUCTIONS, deviation).logpdf(IMAGES).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        array(likelihoods.Gaussian(reduction=None)(IMAGES, RECONSTRUCTIONS)), expected, rtol=1e-4
    )
    assert float(likelihoods.Gaussian()(IMAGES, RECONSTRUCTIONS)) == pytest.approx(expected.mean(), rel=1e-4)


def test_gaussian_is_bounded_by_the_precision_of_bytes():
    exact = float(likelihoods.Gaussian()(IMAGES, IMAGES))
    variance = (2 / 255) ** 2 / 12
    assert exact == pytest.approx(40 / 2 * np.log(2 * np.pi * variance), rel=1e-4)


def test_bernoulli_is_a_log_probability_of_black_and_white():
    whites = np.where(IMAGES > 0, 1.0, -1.0).astype("float32")
    expected = -scipy.stats.bernoulli((RECONSTRUCTIONS + 1) / 2).logpmf(whites > 0).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        array(likelihoods.Bernoulli(reduction=None)(whites, RECONSTRUCTIONS)), expected, rtol=1e-4
    )


def test_a_likelihood_by_name_or_a_loss_of_keras():
    assert isinstance(likelihoods.get("gaussian"), likelihoods.Gaussian)
    assert likelihoods.get("mse") is keras.losses.get("mse")
    mine = likelihoods.Bernoulli()
    assert likelihoods.get(mine) is mine
    with pytest.raises(ValueError, match="mean_sqared"):
        likelihoods.get("mean_sqared")
