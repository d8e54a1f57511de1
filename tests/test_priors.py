"""Priors: densities and draws compared with scikit-learn, SciPy or numbers worked by hand."""

import keras
import numpy as np
import pytest
import scipy.stats

from keras_gen import evaluation
from keras_gen.data import Split
from keras_gen.evaluation import prior_choice
from keras_gen.models.autoencoders import SecondStage
from keras_gen.priors import Mixture, StandardNormal
from tests import games
from tests.conftest import make_autoencoder, untrained_net
from tests.contracts import array

NUM = 3_000


def two_clouds(num=NUM):
    """A quarter of the codes around (−4, 0), the others around (4, 1), stretched along a diagonal."""
    generator = np.random.default_rng(0)
    codes = generator.standard_normal((num, 2)) @ np.array([[0.5, 0.4], [0.0, 0.3]])
    right = np.arange(num) % 4 > 0
    return codes + np.where(right[:, None], [4.0, 1.0], [-4.0, 0.0])


PRIORS = {
    "standard normal": lambda: StandardNormal(2),
    "independent": lambda: Mixture(2, covariance="diagonal"),
    "Gaussian": lambda: Mixture(2),
    "two Gaussians": lambda: Mixture(2, components=2),
    "second stage": lambda: SecondStage(2, width=16),
}


@pytest.mark.parametrize("case", PRIORS)
def test_draws_are_a_function_of_the_seed_and_survive_saving(case, tmp_path):
    prior = PRIORS[case]().fit(two_clouds(300))
    draws = prior.sample(5, seed=1)
    assert (draws.shape, draws.dtype) == ((5, 2), np.float32)
    np.testing.assert_array_equal(draws, prior.sample(5, seed=1))
    assert not np.allclose(draws, prior.sample(5, seed=2))
    again = PRIORS[case]().fit(two_clouds(300))
    np.testing.assert_allclose(again.sample(5, seed=1), draws, atol=1e-5)
    noise = keras.Input((prior.noise_dim,))
    keras.Model(noise, prior(noise)).save(tmp_path / "prior.keras")
    loaded = keras.saving.load_model(tmp_path / "prior.keras").layers[-1]
    np.testing.assert_array_equal(loaded.sample(5, seed=1), draws)
    np.testing.assert_allclose(loaded.log_prob(draws), prior.log_prob(draws))
    assert not prior.trainable_variables, "an optimizer would train it with the autoencoder"


@pytest.mark.parametrize("covariance", ["full", "diagonal"])
def test_one_gaussian_has_the_moments_of_the_codes(covariance):
    codes = two_clouds()
    prior = Mixture(2, covariance=covariance).fit(codes)
    expected = np.cov(codes.T, bias=True) if covariance == "full" else np.diag(codes.var(axis=0))
    reference = scipy.stats.multivariate_normal(codes.mean(axis=0), expected)
    places = np.array([[0.0, 0.0], [4.0, 1.0], [-9.0, 3.0]])
    np.testing.assert_allclose(prior.log_prob(places), reference.logpdf(places), rtol=1e-3)
    draws = prior.sample(20_000)
    np.testing.assert_allclose(draws.mean(axis=0), codes.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(draws.T), expected, atol=0.2)


def test_a_mixture_finds_the_clouds():
    codes = two_clouds()
    prior = Mixture(2, components=2).fit(codes)
    left, right = (
        scipy.stats.multivariate_normal(part.mean(axis=0), np.cov(part.T, bias=True))
        for part in (codes[codes[:, 0] < 0], codes[codes[:, 0] > 0])
    )
    places = codes[:50]
    np.testing.assert_allclose(
        prior.log_prob(places), np.log(0.25 * left.pdf(places) + 0.75 * right.pdf(places)), rtol=2e-2
    )
    draws = prior.sample(20_000)
    assert np.mean(draws[:, 0] < 0) == pytest.approx(0.25, abs=0.01)
    for cloud, part in ((left, draws[draws[:, 0] < 0]), (right, draws[draws[:, 0] > 0])):
        np.testing.assert_allclose(part.mean(axis=0), cloud.mean, atol=0.03)
        np.testing.assert_allclose(np.cov(part.T), cloud.cov, atol=0.03)


def test_truncation_does_not_change_the_choice_of_the_cloud():
    prior = Mixture(2, components=2).fit(two_clouds())
    noise = np.random.default_rng(0).standard_normal((4_000, 3)).astype("float32")
    wide, narrow = (array(prior(numbers)) for numbers in (noise, prior.truncate(noise, 0.1)))
    np.testing.assert_array_equal(wide[:, 0] < 0, narrow[:, 0] < 0)
    assert narrow[narrow[:, 0] > 0].std(axis=0).max() < 0.1 < wide[wide[:, 0] > 0].std(axis=0).min()


def test_a_second_stage_learns_what_no_gaussian_fits():
    def between_the_clouds(prior):
        return np.mean(np.abs(prior.fit(two_clouds()).sample(2_000)[:, 0]) < 2)

    # Not zero: its decoder maps connected noise to connected codes.
    assert between_the_clouds(SecondStage(2, width=64)) < 0.6 * between_the_clouds(Mixture(2))


def test_the_bound_of_a_second_stage_is_below_the_density_and_near_it():
    codes = np.random.default_rng(1).normal([1.0, -2.0], [0.5, 3.0], (2_000, 2))
    density = scipy.stats.norm([1.0, -2.0], [0.5, 3.0]).logpdf(codes).sum(axis=1).mean()
    assert density - 1.0 < SecondStage(2, width=32).fit(codes).log_prob(codes).mean() < density + 0.05


def test_dimensions_that_never_change_can_be_fitted():
    codes = np.concatenate([two_clouds(), np.full((NUM, 1), 7.0)], axis=1)
    for prior in (Mixture(3), Mixture(3, components=2), SecondStage(3, width=16)):
        draws = prior.fit(codes).sample(100)
        assert np.isfinite(prior.log_prob(draws)).all()
        np.testing.assert_allclose(draws[:, 2], 7.0, atol=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mixture(2, components=0), "expected at least 1 component, received 0"),
        (lambda: Mixture(2, covariance="round"), "expected a covariance 'full' or 'diagonal', received 'round'"),
        (lambda: Mixture(2, components=3).fit(np.zeros((5, 2))), "expected at least 6 codes to fit, received 5"),
    ],
)
def test_impossible_priors_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_most_probable_of_the_equally_good_priors_is_chosen(monkeypatch, images):
    autoencoder = make_autoencoder()
    distances = iter([5.0, 1.05, 1.0])
    monkeypatch.setattr(prior_choice, "frechet_distance", lambda real, made: next(distances))
    train, held_out = Split(np.repeat(images, 4, axis=0)), Split(images)
    candidates = evaluation.choose_prior(autoencoder, train, held_out, untrained_net())
    by_distance = {candidate.frechet: candidate for candidate in candidates}
    assert set(by_distance) == {5.0, 1.05, 1.0}
    expected = max((by_distance[1.05], by_distance[1.0]), key=lambda candidate: candidate.log_prob)
    assert autoencoder.prior is candidates[0].prior is expected.prior
    assert [candidate.frechet for candidate in candidates[1:]] == sorted({5.0, 1.05, 1.0} - {expected.frechet})


@pytest.mark.parametrize("by_images", [False, True])
def test_an_autoencoder_that_is_given_pictures_chooses_too(by_images):
    net = untrained_net() if by_images else None
    autoencoder, known = games.make("two_pictures"), games.data()
    held_out = known.test.take(np.arange(12))
    candidates = evaluation.choose_prior(autoencoder, known.train, held_out, net)
    assert autoencoder.prior is candidates[0].prior
    # Images from the drawn codes and the first held-out pictures.
    given = {"source": held_out.pictures["source"]}
    for candidate in candidates:
        autoencoder.prior = candidate.prior
        np.testing.assert_array_equal(candidate.images, autoencoder.sample(12, seed=0, given=given)[:10])
