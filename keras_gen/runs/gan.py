"""The run of a GAN, in order: images, what is learned about them, the game, training, what it delivers."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np

from keras_gen import augment, callbacks, corruptions, networks, penalties, schedules, terms
from keras_gen.data import CLUSTER, MIN_SCORED_IMAGES, Batches, ImageData, Split, with_clusters
from keras_gen.inputs import Conditions, Input
from keras_gen.models.gan import GAN
from keras_gen.models.repairer import Repairer
from keras_gen.registry import lookup
from keras_gen.runs import (
    attempts,
    beginning,
    delivering,
    dry_run,
    hardware,
    preparation,
    repair,
    translation,
    watching,
)
from keras_gen.runs.options import GANOptions
from keras_gen.runs.run import Run

MAX_GRID_IMAGES = 64  # in the pictures that a run saves
MAX_HELD_OUT = 1_000  # images that choose the best state
GAMMA_IMAGES = 2_000  # images from which the weight of R1 and R2 is chosen


def prepare(options: GANOptions) -> Run[GANOptions] | None:
    """Everything before the first step; errors here are the user's to fix.

    Args:
        options: resolved options.

    Returns:
        The run that `train` takes, or None after a dry run.
    """
    options, images = preparation.prepare(options)
    learned, held_out = hold_out(options, images)
    gan, batches = build(options, learned)
    if options.dry_run:
        dry_run.show(gan, batches, options, images)
        return None
    return beginning.begin(options, images, gan, batches, held_out)


def train(run: Run[GANOptions]) -> None:
    """Trains a prepared run and delivers the model."""
    grid = callbacks.SampleGrid(
        run.directory / "samples",
        num=MAX_GRID_IMAGES,
        every=run.options.sample_every,
        given=run.model.given_of((run.held_out or run.images.train).some(MAX_GRID_IMAGES)),
        tensorboard=run.directory / "tensorboard" / "samples",
    )
    watchers = watching.watch(run, grid)
    attempts.train(run, watchers, lambda: compile_gan(run.model, run.options, run.batches.split))
    delivering.deliver(run, watchers)


def hold_out(options: GANOptions, images: ImageData) -> tuple[ImageData, Split | None]:
    """The data to learn from and, where an answer is right or wrong, images that choose the best state of the run.

    Args:
        options: resolved options; without a score nothing is held out.
        images: the data. The test part is for the final score alone, so a tenth of the training images is held out, at
            most `MAX_HELD_OUT`: whole groups where there are enough.
    """
    answers = options.task is not None or options.translation == "paired"
    if not (answers and options.score) or len(images.train) < MIN_SCORED_IMAGES:
        return images, None
    fraction, train = min(0.1, MAX_HELD_OUT / len(images.train)), images.train
    if train.groups is not None and len(np.unique(train.groups)) * fraction < 1:  # a group would be too many
        print("few groups of images: single images choose the best state, though they are like those that are learned")
        train = dataclasses.replace(train, groups=None)
    learned, held_out = train.hold_out(fraction)
    return dataclasses.replace(images, train=learned), held_out


def build(options: GANOptions, images: ImageData) -> tuple[keras.Model, Batches]:
    """The compiled game that the options ask for, and the batches to train it with.

    Args:
        options: resolved options with a batch size.
        images: the data to learn from.
    """
    if options.translation:
        gan, split = translation.model_of(options, images), images.train
    else:
        gan, split = model_of(options, images)
    compile_gan(gan, options, images.train)
    return gan, preparation.batches(options, gan, split, options.batch_size * options.discriminator_steps)


def model_of(options: GANOptions, images: ImageData) -> tuple[GAN, Split]:
    """The GAN that the options ask for, not compiled, and the training images with what it learns of them."""
    conditions, split = conditions_of(options, images)
    height, width, channels = images.image_shape
    condition_width = conditions.width if conditions else 0
    inputs = repair.inputs_of(options, images.image_shape)
    discriminates = preparation.arguments("discriminator network", networks.DISCRIMINATORS, options.network, options)
    kind = functools.partial(Repairer, task=options.task) if options.task else GAN
    gan = kind(
        generator(options, images, condition_width, inputs),
        networks.discriminator(
            options.network,
            (height, width, options.pack_size * channels),
            options.pack_size * condition_width,
            options.pack_size * sum(each.shape[-1] for each in inputs if each.to_discriminator),
            **discriminates,
        ),
        conditions=conditions,
        inputs=inputs,
        augmentation=augment.suitable(
            options.augment, len(images.train), channels, flip=options.flip, seed=options.seed, wrap=options.wrap
        ),
        pack_size=options.pack_size,
        discriminator_steps=options.discriminator_steps,
        ema_decay=options.ema_decay or None,
        seed=options.seed,
    )
    if isinstance(gan, Repairer):
        gan.adapt(images.train.images)
    return gan, split


def generator(options: GANOptions, images: ImageData, condition_width: int, inputs: list[Input]) -> keras.Model:
    """The generator that the options ask for: for a task of repair one that takes pictures.

    Args:
        options: resolved options.
        images: the data.
        condition_width: width of the rows of conditions, 0 for none.
        inputs: a picture and a mask, or nothing.
    """
    builders = networks.REPAIRERS if inputs else networks.GENERATORS
    generates = preparation.arguments("generator network", builders, options.network, options)
    generates.pop("batch_normalization", None)  # presets set it for the discriminator alone
    if not inputs:
        return networks.generator(options.network, images.image_shape, options.latent_dim, condition_width, **generates)
    picture, *masks = inputs
    generates |= {"source_shape": picture.shape, "masked": bool(masks)}
    if options.corruption not in corruptions.PROJECTIONS:
        generates |= {"corruption": None, "amount": None}
    return networks.repairer(options.network, images.image_shape, options.latent_dim, condition_width, **generates)


def conditions_of(options: GANOptions, images: ImageData) -> tuple[Conditions | None, Split]:
    """The conditions that the GAN learns, and the training images with them: what is known of each, or kinds found.

    Kinds only help training. The run is recorded and scored by the images as they were loaded.
    """
    conditions = Conditions.of(images, options.condition) if options.conditional else None
    if conditions is not None or not options.clusters:
        return conditions, images.train
    clustered = with_clusters(images, options.clusters, options.seed)
    if clustered is images:
        return None, images.train
    kinds = len(clustered.attribute_values[CLUSTER])
    print(f"no labels to learn: {kinds} kinds of images, found by k-means, take their place (--clusters)")
    return Conditions.of(clustered, [CLUSTER]), clustered.train


def compile_gan(gan: keras.Model, options: GANOptions, split: Split) -> None:
    """Gives the game its optimizers, its loss and, if it is a GAN, its penalties and terms.

    Args:
        gan: the model.
        options: resolved options.
        split: the images to learn from, whose variance sets the weight of penalties that the options leave open.
    """

    def optimizer():
        if options.optimizer == "rmsprop":
            return keras.optimizers.RMSprop(options.learning_rate)
        return keras.optimizers.Adam(options.learning_rate, beta_1=options.beta_1, beta_2=options.beta_2)

    gamma = None
    if options.penalty_weight is None and {"r1", "r2"} & set(options.penalties):
        gamma = penalties.gamma(split.some(GAMMA_IMAGES).images)

    def penalty(name):
        suits = gamma if name in ("r1", "r2") else None  # None: the penalty's own default
        chosen = penalties.get(name, suits if options.penalty_weight is None else options.penalty_weight)
        if options.penalty_final != 1:
            chosen.weight = schedules.Cosine(chosen.weight, options.penalty_final * chosen.weight)
        return chosen

    hyperparameters = {"learning_rate": schedules.RATES[options.rate_schedule](options.learning_rate)}
    if options.optimizer == "adam" and options.beta_2_start:
        hyperparameters["beta_2"] = schedules.Cosine(options.beta_2_start, options.beta_2)
    of_gans = {}
    if isinstance(gan, GAN):
        added = [lookup("term", terms.TERMS, options.term)(options.term_weight)] if options.term_weight else []
        of_gans = {"penalties": [penalty(name) for name in options.penalties], "terms": added}
    gan.compile(
        generator_optimizer=optimizer(),
        discriminator_optimizer=optimizer(),
        loss=options.loss,
        hyperparameters=hyperparameters,
        steps_per_execution=hardware.steps_per_launch(),
        **of_gans,
    )
