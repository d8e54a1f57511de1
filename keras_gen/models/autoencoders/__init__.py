"""Autoencoders under the stock `fit`: what they share, and one file for each way to regularise codes."""

from keras_gen.models.autoencoders.autoencoder import Autoencoder
from keras_gen.models.autoencoders.denoising import DenoisingAutoencoder
from keras_gen.models.autoencoders.quantized import VQVAE
from keras_gen.models.autoencoders.regularized import RAE, WAE, RegularizedAutoencoder
from keras_gen.models.autoencoders.second_stage import SecondStage
from keras_gen.models.autoencoders.token_prior import TokenPrior
from keras_gen.models.autoencoders.variational import VAE

KINDS = {
    "plain": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "vae": VAE,
    "rae": RAE,
    "wae": WAE,
    "vqvae": VQVAE,
}

__all__ = [
    "KINDS",
    "RAE",
    "VAE",
    "VQVAE",
    "WAE",
    "Autoencoder",
    "DenoisingAutoencoder",
    "RegularizedAutoencoder",
    "SecondStage",
    "TokenPrior",
]
