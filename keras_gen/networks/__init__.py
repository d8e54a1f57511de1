"""Networks by role and name. One architecture is one file; a builder returns a Keras Functional model.

- generator: latents (batch, latent_dim) → images (batch, height, width, channels) in [-1, 1];
- discriminator: images → logits (batch, 1), higher = more real, no sigmoid inside;
- encoder: images → codes (batch, latent_dim); decoder: codes → images, like a generator.

Every builder takes `image_shape` first and fits itself to it: any height, width and 1, 3 or 4 channels. Training,
losses and data do not belong here.
"""

from keras_gen.networks import conv, mlp
from keras_gen.registry import lookup

GENERATORS = {"mlp": mlp.generator}
DISCRIMINATORS = {"mlp": mlp.discriminator}
ENCODERS = {"mlp": mlp.encoder, "conv": conv.encoder}
DECODERS = {"mlp": mlp.decoder, "conv": conv.decoder}


def generator(name: str, image_shape, latent_dim: int):
    """The generator of the architecture `name`, see `GENERATORS`."""
    return lookup("generator network", GENERATORS, name)(image_shape, latent_dim)


def discriminator(name: str, image_shape):
    """The discriminator of the architecture `name`, see `DISCRIMINATORS`."""
    return lookup("discriminator network", DISCRIMINATORS, name)(image_shape)


def encoder(name: str, image_shape, latent_dim: int):
    """The encoder of the architecture `name`, see `ENCODERS`."""
    return lookup("encoder network", ENCODERS, name)(image_shape, latent_dim)


def decoder(name: str, image_shape, latent_dim: int):
    """The decoder of the architecture `name`, see `DECODERS`."""
    return lookup("decoder network", DECODERS, name)(image_shape, latent_dim)
