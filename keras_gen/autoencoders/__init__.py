"""Autoencoders under the stock `fit`: what they share, and one file for each idea of what codes should be like."""

from keras_gen.autoencoders.autoencoder import Autoencoder
from keras_gen.autoencoders.denoising import DenoisingAutoencoder
from keras_gen.autoencoders.regularized import RAE, WAE, RegularizedAutoencoder
from keras_gen.autoencoders.second_stage import SecondStage
from keras_gen.autoencoders.variational import VAE

KINDS = {
    "plain": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "vae": VAE,
    "rae": RAE,
    "wae": WAE,
}

__all__ = [
    "KINDS",
    "RAE",
    "VAE",
    "WAE",
    "Autoencoder",
    "DenoisingAutoencoder",
    "RegularizedAutoencoder",
    "SecondStage",
]
