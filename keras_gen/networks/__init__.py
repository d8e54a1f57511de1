"""Networks by role and name. Each architecture has its own file; a builder returns a Keras Functional model.

- generator: latents (batch, latent_dim) → images (batch, height, width, channels) in [-1, 1];
- discriminator: images → logits (batch, 1), higher = more real, no sigmoid inside;
- both, with `condition_width` > 0: the list [latents or images, conditions (batch, condition_width)] →;
- encoder: images → codes (batch, latent_dim); decoder: codes → images, like a generator, conditions included.

Every builder takes `image_shape` first and adapts to it: any height and width, and 1, 3 or 4 channels. With
`wrap="width"` (panoramas) or "both" (tiles) images are periodic along these axes: convolutions have no border there.
Training, losses and data do not belong here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from keras_gen.networks import conv, dcgan, mlp, modulated, patch, residual, resnet, unet
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
    "patch": patch.discriminator,
}
REPAIRERS: dict[str, Callable] = {"conv": unet.generator}
TRANSLATORS: dict[str, Callable] = {"conv": residual.generator}
STYLIZERS: dict[str, Callable] = {"modulated": modulated.stylizer}
ENCODERS: dict[str, Callable] = {"mlp": mlp.encoder, "conv": conv.encoder, "resnet": resnet.encoder}
DECODERS: dict[str, Callable] = {"mlp": mlp.decoder, "conv": conv.decoder, "resnet": resnet.decoder}


def generator(name: str, image_shape, latent_dim: int, condition_width: int = 0, **options):
    """The generator of the architecture `name`.

    Args:
        name: a name in `GENERATORS`.
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        **options: the keyword arguments of that generator.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> generator("conv", (8, 12, 3), 4, width=8).output_shape
        (None, 8, 12, 3)
    """
    return _builder("generator", GENERATORS, name, options)(image_shape, latent_dim, condition_width, **options)


def discriminator(name: str, image_shape, condition_width: int = 0, mask_channels: int = 0, **options):
    """The discriminator of the architecture `name`.

    Args:
        name: a name in `DISCRIMINATORS`.
        image_shape: (height, width, channels).
        condition_width: width of the rows of conditions, 0 for none.
        mask_channels: channels of a mask that comes with the images, 0 for none.
        **options: the keyword arguments of that discriminator.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> discriminator("mlp", (8, 12, 3), spectral_normalization=True).output_shape
        (None, 1)
    """
    build = _builder("discriminator", DISCRIMINATORS, name, options)
    masks = (mask_channels,) if mask_channels else ()  # an architecture without them need not take their number
    return build(image_shape, condition_width, *masks, **options)


def repairer(name: str, image_shape, latent_dim: int, condition_width: int = 0, **options):
    """The generator of the architecture `name` that makes images from pictures.

    Args:
        name: a name in `REPAIRERS`.
        image_shape: (height, width, channels).
        latent_dim: dimensions of the latents.
        condition_width: width of the rows of conditions, 0 for none.
        **options: the keyword arguments of that generator.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> repairer("conv", (8, 12, 3), 4, masked=True, width=8).output_shape
        (None, 8, 12, 3)
    """
    return _builder("repairer", REPAIRERS, name, options)(image_shape, latent_dim, condition_width, **options)


def translator(name: str, image_shape, **options):
    """The generator of the architecture `name` that makes images from pictures of any size, each place by itself.

    Args:
        name: a name in `TRANSLATORS`.
        image_shape: (height, width, channels).
        **options: the keyword arguments of that generator.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> translator("conv", (8, 12, 3), source_channels=4, width=8).output_shape
        (None, 8, 12, 3)
    """
    return _builder("translator", TRANSLATORS, name, options)(image_shape, **options)


def stylizer(name: str, channels: int, num_styles: int, **options):
    """The network of the architecture `name` that repaints pictures of any size.

    Args:
        name: a name in `STYLIZERS`.
        channels: of the pictures.
        num_styles: number of styles.
        **options: the keyword arguments of that network.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> stylizer("modulated", 3, num_styles=2, width=8).output_shape
        (None, None, None, 3)
    """
    return _builder("stylizer", STYLIZERS, name, options)(channels, num_styles, **options)


def encoder(name: str, image_shape, latent_dim: int, **options):
    """The encoder of the architecture `name`.

    Args:
        name: a name in `ENCODERS`.
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        **options: the keyword arguments of that encoder.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> encoder("conv", (8, 12, 3), 4, widths=(8, 16), wrap="width").output_shape
        (None, 4)
    """
    return _builder("encoder", ENCODERS, name, options)(image_shape, latent_dim, **options)


def decoder(name: str, image_shape, latent_dim: int, condition_width: int = 0, **options):
    """The decoder of the architecture `name`.

    Args:
        name: a name in `DECODERS`.
        image_shape: (height, width, channels).
        latent_dim: dimensions of the codes.
        condition_width: width of the rows of conditions, 0 for none.
        **options: the keyword arguments of that decoder.

    Raises:
        ValueError: for an unknown name or option; the message lists the known ones.

    Example:
        >>> decoder("conv", (8, 12, 3), 4, widths=(16, 8), wrap="width").output_shape
        (None, 8, 12, 3)
    """
    return _builder("decoder", DECODERS, name, options)(image_shape, latent_dim, condition_width, **options)


def _builder(role, table, name, options):
    """The function in `table` that builds `name`, if it accepts all `options`."""
    build = lookup(f"{role} network", table, name)
    parameters = inspect.signature(build).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    known.remove("name")  # it names the model and is not an option of the architecture
    for option in options:
        if option not in known:
            raise ValueError(
                f"unknown option {option!r} of the {role} network {name!r}: expected one of {', '.join(known)}"
            )
    return build
