"""The run of an autoencoder, in order: images, the two networks, training, a prior for its codes."""

from __future__ import annotations

from typing import cast

import keras

from keras_gen import callbacks, networks
from keras_gen.data import ImageData, Split
from keras_gen.inputs import Conditions
from keras_gen.models.autoencoders import KINDS, Autoencoder
from keras_gen.runs import attempts, beginning, codes, delivering, dry_run, hardware, preparation, watching
from keras_gen.runs.options import AutoencoderOptions
from keras_gen.runs.run import Run

VALIDATION_FRACTION = 0.1  # of the training images; the test images are for the final score alone
NUM_SHOWN = 20  # images of the grid


def prepare(options: AutoencoderOptions) -> Run[AutoencoderOptions] | None:
    """Everything before the first step; errors here are the user's to fix.

    Args:
        options: resolved options.

    Returns:
        The run that `train` takes, or None after a dry run.
    """
    options, images = preparation.prepare(options)
    learned, held_out = images.train.hold_out(VALIDATION_FRACTION)
    autoencoder = build(options, images)
    batches = preparation.batches(options, autoencoder, learned)
    if options.dry_run:
        dry_run.show(autoencoder, batches, options, images)
        return None
    return beginning.begin(options, images, autoencoder, batches, held_out)


def train(run: Run[AutoencoderOptions]) -> None:
    """Trains a prepared run, fits a prior to the codes, and delivers both."""
    autoencoder, options, held_out = run.model, run.options, cast(Split, run.held_out)
    shown = held_out.take(range(min(NUM_SHOWN, len(held_out))))
    grid = callbacks.ReconstructionGrid(
        run.directory / "samples",
        shown.images[:],
        every=options.sample_every,
        tensorboard=run.directory / "tensorboard" / "reconstructions",
        given=autoencoder.given_of(shown, drawn_too=True),
    )
    watchers = watching.watch(run, grid)
    validation = preparation.batches(options, autoencoder, held_out, shuffle=False, drop_remainder=False)
    attempts.train(run, watchers, lambda: compile_autoencoder(autoencoder, run.options), validation_data=validation)
    active = ""
    if hasattr(autoencoder, "active_units"):
        num = autoencoder.active_units(held_out.images, given=autoencoder.given_of(held_out, drawn_too=True))
        active = f"{num} of the {autoencoder.latent_dim} dimensions of the codes carry information about the images."
    delivering.deliver(run, watchers, active, codes.choose_prior(run, watchers, held_out))


def build(options: AutoencoderOptions, images: ImageData) -> Autoencoder:
    """The compiled autoencoder that the options ask for.

    Args:
        options: resolved options.
        images: the data.
    """
    conditions = Conditions.of(images, options.condition) if options.conditional else None
    own = preparation.arguments("kind of autoencoder", KINDS, options.kind, options)
    encodes = preparation.arguments("encoder network", networks.ENCODERS, options.network, options)
    decodes = preparation.arguments("decoder network", networks.DECODERS, options.network, options)
    shape, kind = images.image_shape, KINDS[options.kind]
    autoencoder = kind(
        networks.encoder(options.network, shape, kind.outputs_per_number * options.latent_dim, **encodes),
        networks.decoder(options.network, shape, options.latent_dim, conditions.width if conditions else 0, **decodes),
        conditions=conditions,
        seed=options.seed,
        **own,
    )
    compile_autoencoder(autoencoder, options)
    return autoencoder


def compile_autoencoder(autoencoder: Autoencoder, options: AutoencoderOptions) -> None:
    """Gives the autoencoder its optimizer and its loss.

    Args:
        autoencoder: the model.
        options: resolved options.
    """
    autoencoder.compile(
        keras.optimizers.Adam(options.learning_rate),
        loss=options.loss,
        steps_per_execution=hardware.steps_per_launch(),
    )
