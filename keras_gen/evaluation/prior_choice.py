"""Which prior suits the codes of an autoencoder: all are fitted, and each is scored by the images that it makes."""

from __future__ import annotations

import csv
import functools
import math
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_gen import images as pixels
from keras_gen.console import OnProgress, no_progress
from keras_gen.data import Split
from keras_gen.evaluation.distances import frechet_distance
from keras_gen.features import FeatureNet
from keras_gen.models.autoencoders import VQVAE, Autoencoder, SecondStage, TokenPrior
from keras_gen.priors import Mixture, Prior, StandardNormal

COMPONENTS = (10, 20, 100)
MIN_CODES_PER_DIMENSION = 4  # codes that each Gaussian of a mixture needs per dimension, or it learns single images
MAX_SCORED = 5_000
NUM_SHOWN = 10
MAX_DISTANCE_RATIO = 1.1  # up to so many times the smallest distance is as good


class Candidate(NamedTuple):
    """A prior, fitted and scored.

    Attributes:
        prior: the prior.
        frechet: Fréchet distance of the images that it makes from held-out ones; NaN without a feature net.
        log_prob: mean logarithm of its density at the codes of held-out images, nats; a lower bound for a second stage.
        seconds: how long the fit took.
        images: some of the images that it makes, uint8 (10, height, width, channels).
    """

    prior: Prior
    frechet: float
    log_prob: float
    seconds: float
    images: np.ndarray


def choose_prior(
    autoencoder: Autoencoder,
    train: Split,
    held_out: Split,
    net: FeatureNet | None,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> list[Candidate]:
    """Fits priors to the codes of training images and gives the autoencoder the one that makes the best images.

    Candidates are the standard normal, a Gaussian with independent dimensions and one with correlated dimensions,
    mixtures of 10, 20 and 100 Gaussians and a second-stage VAE, as far as there are enough images. Of those whose
    distance is within a tenth of the smallest, it takes the one under which the codes of held-out images are the most
    probable.

    Args:
        autoencoder: trained; its `prior` is replaced.
        train: images whose codes the priors are fitted to.
        held_out: images that neither the autoencoder nor the priors were trained on, and that no test will use.
        net: scores the images; None to choose by the density of the held-out codes, which is faster.
        seed: of the fits and the draws.
        on_progress: called with a short message before each fit.

    Returns:
        The candidates: the chosen one, then by distance.

    Example:
        candidates = choose_prior(autoencoder, train, validation, FeatureNet.of(data))
        autoencoder.sample(16)
    """
    has_more_inputs = len(autoencoder.encoder.inputs) > 1
    codes, unseen = (
        autoencoder.encode(split.images, given=autoencoder.given_of(split, drawn_too=True) if has_more_inputs else None)
        for split in (train, held_out)
    )
    num, given = NUM_SHOWN if net is None else MAX_SCORED, autoencoder.given_of(held_out)
    if given:  # new images are made from these
        num = min(num, len(held_out))
        given = {name: column[:num] for name, column in given.items()}
    real = net and net.extract(held_out.images[:MAX_SCORED])
    tried = []
    for prior in candidates(autoencoder, len(codes), scored=net is not None):
        on_progress(f"prior of the codes: {prior.about}")
        started_at = time.monotonic()
        prior.fit(codes, seed)
        seconds = time.monotonic() - started_at
        autoencoder.prior = prior
        log_prob = float(prior.log_prob(unseen).mean())
        made = autoencoder.sample(num, seed, given=given)
        distance = frechet_distance(real.features, net.extract(made).features) if net and real else math.nan
        tried.append(Candidate(prior, distance, log_prob, seconds, made[:NUM_SHOWN]))
    tried.sort(key=lambda candidate: -candidate.log_prob if net is None else candidate.frechet)
    # Distances this close to each other differ by chance; densities do not.
    equals = [item for item in tried if net is None or item.frechet <= MAX_DISTANCE_RATIO * tried[0].frechet]
    chosen = max(equals, key=lambda candidate: candidate.log_prob)
    autoencoder.prior = chosen.prior
    return [chosen, *(item for item in tried if item is not chosen)]


@functools.singledispatch
def candidates(autoencoder: Autoencoder, num_codes: int, scored: bool) -> list[Prior]:
    """The priors to try for the codes of such an autoencoder.

    A second stage is for many codes whose images are scored: it knows only a bound of its density.
    """
    latent_dim = autoencoder.latent_dim
    sizes = [size for size in COMPONENTS if num_codes >= MIN_CODES_PER_DIMENSION * latent_dim * size]
    return [
        StandardNormal(latent_dim),
        Mixture(latent_dim, covariance="diagonal"),
        Mixture(latent_dim),
        *(Mixture(latent_dim, size) for size in sizes),
        *([SecondStage(latent_dim)] if scored and sizes else []),
    ]


@candidates.register
def _(autoencoder: VQVAE, num_codes: int, scored: bool) -> list[Prior]:
    # No Gaussians: the density of codes that are points cannot be compared with the probability of these.
    latent_dim, book = autoencoder.latent_dim, autoencoder.codebook
    tokens = TokenPrior(latent_dim, book.depth, book.size, keras.ops.convert_to_numpy(book.vectors.value))
    return [tokens, *([StandardNormal(latent_dim)] if scored else [])]


HEADER = ("prior", "frechet", "log_prob", "seconds")


def write_candidates(candidates: list[Candidate], directory: str | Path) -> None:
    """Writes `priors.csv`, and `priors.png` with a row of images of each."""
    directory = Path(directory)
    with (directory / "priors.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for prior, frechet, log_prob, seconds, _ in candidates:
            writer.writerow([prior.about, f"{frechet:.2f}", f"{log_prob:.1f}", f"{seconds:.1f}"])
    made = np.concatenate([candidate.images for candidate in candidates])
    pixels.save_png(directory / "priors.png", pixels.grid(made, NUM_SHOWN))
