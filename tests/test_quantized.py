"""Codes of tokens from a codebook, and their prior."""

import keras
import numpy as np
import pytest

from keras_gen import networks
from keras_gen.data import Split
from keras_gen.evaluation import choose_prior
from keras_gen.models.autoencoders import VQVAE, TokenPrior
from keras_gen.models.autoencoders.quantized import Codebook
from tests.conftest import BATCH, IMAGE_SHAPE, untrained_net
from tests.contracts import array

SEED = keras.random.SeedGenerator


def square_codebook():
    """The corners of a square, all used equally often."""
    codebook = Codebook(4, 2)
    codebook.vectors.assign([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    codebook.uses.assign([1.0, 1.0, 1.0, 1.0])
    codebook.sums.assign(codebook.vectors)
    return codebook


def test_each_piece_becomes_the_nearest_vector():
    codes = np.array([[0.1, 0.2, 0.9, 0.6], [0.4, 0.7, -3.0, -2.0]], "float32")
    np.testing.assert_array_equal(array(square_codebook()(codes)), [[0, 0, 1, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(array(square_codebook().tokens(codes)), [[0, 3], [1, 0]])


@pytest.mark.jax
def test_vectors_are_running_averages_of_their_pieces():
    codebook = square_codebook()
    codebook.learn(np.array([[0.2, 0.1, 0.4, 0.3], [1.0, 0.8, 0.1, 0.9]], "float32"), SEED(0))
    # By hand: sums and uses keep 0.99; vector 0 gets two pieces, 3 and 1 get one, 2 none.
    expected = [[0.01 * 0.6 / 1.01, 0.01 * 0.4 / 1.01], [0.001, 0.99 + 0.009], [1.0, 0.0], [0.99 + 0.01, 0.99 + 0.008]]
    np.testing.assert_allclose(array(codebook.uses), [1.01, 1.0, 0.99, 1.0], rtol=1e-6)
    np.testing.assert_allclose(array(codebook.vectors), expected, atol=1e-6)


def test_a_codebook_starts_as_pieces_of_the_first_batch_and_an_unused_vector_restarts():
    codebook = Codebook(4, 2)
    first = np.arange(12, dtype="float32").reshape(2, 6)
    codebook.learn(first, SEED(0))
    pieces = {tuple(piece) for piece in first.reshape(-1, 2)}
    assert {tuple(vector) for vector in array(codebook.vectors).round(3)} <= pieces
    codebook = square_codebook()
    codebook.uses.assign([1.0, 1.0, 1e-4, 1.0])
    codebook.learn(np.full((3, 2), 0.25, "float32"), SEED(0))
    np.testing.assert_allclose(array(codebook.vectors)[2], [0.25, 0.25])
    np.testing.assert_allclose(array(codebook.vectors)[3], [1.0, 1.0], atol=1e-6)


def make_vqvae(**options):
    """Codes of 4 dimensions: two tokens from a codebook of 5."""
    halves = networks.mlp.encoder(IMAGE_SHAPE, 4, widths=(16,)), networks.mlp.decoder(IMAGE_SHAPE, 4, widths=(16,))
    vqvae = VQVAE(*halves, depth=2, size=5, **options)
    vqvae.compile(keras.optimizers.Adam(1e-2), loss="mse")
    return vqvae


def test_the_loss_by_hand(images):
    vqvae = make_vqvae(commitment=0.5)
    vqvae.codebook.vectors.assign(np.random.default_rng(0).standard_normal((5, 2)))
    encoded = array(vqvae.encoder(images / 127.5 - 1))
    codes = array(vqvae.codebook(encoded))
    expected_code_loss = 0.5 * np.mean((encoded - codes) ** 2)
    error = np.mean((array(vqvae.decoder(codes)) - (images / 127.5 - 1)) ** 2)
    logs = vqvae.evaluate(images, return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["code_loss"], expected_code_loss, rtol=1e-4)
    np.testing.assert_allclose(logs["loss"], error + expected_code_loss, rtol=1e-4)
    assert logs["perplexity"] == pytest.approx(5)


def test_gradients_pass_through_the_replacement(images):
    vqvae = make_vqvae(commitment=0.0)
    before = array(vqvae.encoder.trainable_variables[0])
    history = vqvae.fit(images, batch_size=BATCH, epochs=40, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert not np.array_equal(before, array(vqvae.encoder.trainable_variables[0]))
    assert 1 <= history["perplexity"][-1] <= 5
    alphabet = {tuple(vector) for vector in array(vqvae.codebook.vectors)}
    assert {tuple(piece) for piece in vqvae.encode(images).reshape(-1, 2)} <= alphabet


VECTORS = np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0]], "float32")


def sentences(num, seed=0):
    """Codes of three tokens: the first 0 or 1 (one in four), the second the same as the first, the third always 2."""
    first = (np.random.default_rng(seed).random(num) < 0.25).astype(int)
    return VECTORS[np.stack([first, first, np.full(num, 2)], axis=1)].reshape(num, 6)


def test_a_prior_of_tokens_learns_which_token_follows_which():
    prior = TokenPrior(6, 2, 3, VECTORS, width=16).fit(sentences(4_000))
    drawn = prior.sample(2_000).reshape(-1, 3, 2)
    tokens = np.argmin(((drawn[:, :, None] - VECTORS) ** 2).sum(axis=-1), axis=-1)
    np.testing.assert_array_equal(VECTORS[tokens], drawn)
    assert np.mean(tokens[:, 0] == tokens[:, 1]) > 0.95
    assert np.mean(tokens[:, 2] == 2) > 0.97
    assert np.mean(tokens[:, 0]) == pytest.approx(0.25, abs=0.04)
    # The entropy of a choice of one in four.
    expected = 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    assert prior.log_prob(sentences(2_000, seed=1)).mean() == pytest.approx(expected, abs=0.06)


def test_a_token_does_not_depend_on_itself_or_later_ones():
    prior = TokenPrior(6, 2, 3, VECTORS, width=8)
    tokens = np.array([[0, 1, 2], [0, 1, 0], [0, 2, 2]], "int32")
    logits = array(prior.network(tokens))
    np.testing.assert_allclose(logits[0, :3], logits[1, :3], atol=1e-6)
    np.testing.assert_allclose(logits[0, :2], logits[2, :2], atol=1e-6)
    assert np.abs(logits[0, 2] - logits[2, 2]).max() > 1e-4


def test_the_same_seed_gives_the_same_fit_and_the_same_draws():
    first, second = (TokenPrior(6, 2, 3, VECTORS, width=8).fit(sentences(200), seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.sample(50, seed=1), second.sample(50, seed=1))
    with pytest.raises(ValueError, match="expected no truncation"):
        first.truncate(np.zeros((1, 3)), 1.0)


def test_a_prior_of_tokens_is_chosen_for_a_vqvae(images, tmp_path):
    vqvae = make_vqvae()
    many = np.repeat(images, 20, axis=0)
    vqvae.fit(many, epochs=5, verbose=0)
    candidates = choose_prior(vqvae, Split(many), Split(images), untrained_net())
    assert {candidate.prior.about for candidate in candidates} == {"recurrent network of tokens", "standard normal"}
    (alone,) = choose_prior(vqvae, Split(many), Split(images), None)
    assert isinstance(vqvae.prior, TokenPrior)
    assert vqvae.prior is alone.prior
    vqvae.save(tmp_path / "vqvae.keras")
    loaded = keras.saving.load_model(tmp_path / "vqvae.keras")
    np.testing.assert_array_equal(loaded.sample(4, seed=1), vqvae.sample(4, seed=1))


def test_a_depth_that_does_not_divide_the_code_is_refused():
    halves = networks.mlp.encoder(IMAGE_SHAPE, 4), networks.mlp.decoder(IMAGE_SHAPE, 4)
    with pytest.raises(ValueError, match="expected a depth that divides the latent_dim of 4, received 3"):
        VQVAE(*halves, depth=3)
