"""What a run that translates adds to that of a GAN: two kinds of pictures, and the model for pairs or without."""

from __future__ import annotations

from keras_gen import augment, networks
from keras_gen.data import SOURCE, ImageData
from keras_gen.inputs import Picture
from keras_gen.models.contrastive import ContrastiveTranslator
from keras_gen.models.cycle import Cycle
from keras_gen.models.translator import Translation, Translator
from keras_gen.runs import preparation
from keras_gen.runs.options import GANOptions

UNPAIRED_DISCRIMINATOR = "patch"  # whatever combines all of an image would ask for other contents


def model_of(options: GANOptions, images: ImageData) -> Translation:
    """The model that the options ask for, not compiled.

    Args:
        options: resolved options.
        images: as `load` returns them.
    """
    shape, paired = images.image_shape, options.translation == "paired"
    flip = options.flip and not paired  # a pair is mirrored before
    columns = images.train.pictures if paired else images.train.unpaired
    source_shape = tuple(columns[SOURCE].shape[1:])
    picture = Picture(SOURCE, source_shape, any_size=not paired and options.wrap == "none", to_discriminator=paired)
    common = {
        "inputs": [picture],
        "augmentation": augment.suitable(
            options.augment, len(images.train), shape[2], flip=flip, seed=options.seed, wrap=options.wrap
        ),
        "pack_size": options.pack_size,
        "discriminator_steps": options.discriminator_steps,
        "ema_decay": options.ema_decay or None,
        "seed": options.seed,
    }

    def discriminator():
        network = options.network if paired else UNPAIRED_DISCRIMINATOR
        arguments = preparation.arguments("discriminator network", networks.DISCRIMINATORS, network, options)
        packed = (*shape[:2], options.pack_size * shape[2])
        seen = options.pack_size * source_shape[2] if paired else 0
        return networks.discriminator(network, packed, 0, seen, **arguments)

    def translator():
        arguments = preparation.arguments("generator network", networks.TRANSLATORS, options.network, options)
        return networks.translator(options.network, shape, source_channels=source_shape[2], **arguments)

    if paired:
        arguments = preparation.arguments("generator network", networks.REPAIRERS, options.network, options)
        generator = networks.repairer(
            options.network, shape, options.latent_dim, source_shape=source_shape, **arguments
        )
        together = augment.for_pairs(  # its own seed, or its draws would be those of the other augmentation
            options.augment, len(images.train), flip=options.flip, seed=options.seed + 1, wrap=options.wrap
        )
        return Translator(generator, discriminator(), pair_augmentation=together, **common)
    weight = {} if options.content_weight is None else {"content_weight": options.content_weight}
    if options.translation == "contrastive":
        return ContrastiveTranslator(translator(), discriminator(), **weight, **common)
    weight = {} if options.content_weight is None else {"cycle_weight": options.content_weight}
    return Cycle(translator(), translator(), discriminator(), discriminator(), source=picture, **weight)
