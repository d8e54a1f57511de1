"""Networks by role and name. One architecture is one file; a builder returns a Keras Functional model.

- generator: latents (batch, latent_dim) → images (batch, height, width, channels) in [-1, 1];
- discriminator: images → logits (batch, 1), higher = more real, no sigmoid inside;
- both, with `condition_width` > 0: the list [latents or images, conditions (batch, condition_width)] →;
- encoder: images → codes (batch, latent_dim); decoder: codes → images, like a generator, conditions included.

Every builder takes `image_shape` first and fits itself to it: any height, width and 1, 3 or 4 channels. Training,
losses and data do not belong here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from keras_gen.networks import conv, dcgan, mlp, resnet
from keras_gen.registry import lookup

GENERATORS: dict[str, Callable] = {
    "mlp": mlp.generator,
    "dcgan": dcgan.generator,
    "conv": conv.generator,
    "resnet": resnet.generator,
}
DISCRIMINATORS: dict[str, Callable] = {
    "mlp": mlp.discriminator,
    "dcgan": dcgan.discriminator,
    "conv": conv.discriminator,
    "resnet": resnet.discriminator,
}
ENCODERS: dict[str, Callable] = {"mlp": mlp.encoder, "conv": conv.encoder, "resnet": resnet.encoder}
DECODERS: dict[str, Callable] = {"mlp": mlp.decoder, "conv": conv.decoder, "resnet": resnet.decoder}


def generator(name: str, image_shape, latent_dim: int, condition_width: int = 0, **options):
    """The generator of the architecture `name`.

    Args:
        name: a name in `GENERATORS`.
        image_shape: (height, width, channels).
        latent_dim: numbers per latent.
        condition_width: numbers per row of conditions, 0 for none.
        **options: the keyword arguments of that generator.

    Raises:
        ValueError: for a name or an option that there is not; the message lists those that there are.

    Example:
        >>> generator("conv", (8, 12, 3), 4, width=8).output_shape
        (None, 8, 12, 3)
    """
    build = lookup("generator network", GENERATORS, name)
    _check_options(f"generator network {name!r}", build, options)
    return build(image_shape, latent_dim, condition_width, **options)


def discriminator(name: str, image_shape, condition_width: int = 0, **options):
    """The discriminator of the architecture `name`.

    Args:
        name: a name in `DISCRIMINATORS`.
        image_shape: (height, width, channels).
        condition_width: numbers per row of conditions, 0 for none.
        **options: the keyword arguments of that discriminator.

    Raises:
        ValueError: for a name or an option that there is not; the message lists those that there are.

    Example:
        >>> discriminator("mlp", (8, 12, 3), spectral_normalization=True).output_shape
        (None, 1)
    """
    build = lookup("discriminator network", DISCRIMINATORS, name)
    _check_options(f"discriminator network {name!r}", build, options)
    return build(image_shape, condition_width, **options)


def _check_options(network, build, options):
    parameters = inspect.signature(build).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    known.remove("name")  # of the model, not an option of the architecture
    for option in options:
        if option not in known:
            raise ValueError(f"unknown option {option!r} of the {network}: expected one of {', '.join(known)}")


def encoder(name: str, image_shape, latent_dim: int):
    """The encoder of the architecture `name`, see `ENCODERS`."""
    return lookup("encoder network", ENCODERS, name)(image_shape, latent_dim)


def decoder(name: str, image_shape, latent_dim: int, condition_width: int = 0):
    """The decoder of the architecture `name`, see `DECODERS`."""
    return lookup("decoder network", DECODERS, name)(image_shape, latent_dim, condition_width)
