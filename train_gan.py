"""Trains a GAN on your images, watches it, and exports a generator that TF Serving can load.

Examples:
  python train_gan.py                                        real digits, asked for by name, in 3 minutes
  python train_gan.py --data my_folder/ --image-size 32 --minutes 10
  python train_gan.py wgan-gp --data my_folder/ --minutes 60
  python train_gan.py wgan-gp --data characters.npz --condition species "hair colour"
  python train_gan.py --resume                               goes on with the latest run that was interrupted
  KERAS_BACKEND=jax python train_gan.py --epochs 20
"""

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import GANS
from keras_gen.runs import hardware
from keras_gen.runs.options import GANOptions, describe

GAMMA_IMAGES = 2_000  # by which the weight of R1 and R2 is chosen


def main(options: GANOptions) -> None:
    with one_line_errors():
        options = hardware.choose_backend(options.resolve(GANS))

        start_keras()  # only now: it takes seconds, and --help and a wrong option should not wait for it
        import keras

        from keras_gen import callbacks, data
        from keras_gen.runs import dry_run, run

        images = data.load(options.data, image_size=options.image_size, channels=options.channels, fit=options.fit)
        options = hardware.choose_precision(options.suited_to(images.image_shape), images.image_shape)
        keras.utils.set_random_seed(options.seed)  # now: a measurement may have drawn some
        gan, batches = build(options, images)
        if options.dry_run:
            return dry_run.show(gan, batches, options, images)
        run = run.Run(options, images, gan, batches)

    samples = callbacks.SampleGrid(
        run.directory / "samples", every=options.sample_every, tensorboard=run.directory / "tensorboard" / "samples"
    )
    with one_line_errors(OSError):  # a disk fills up
        for attempt, options in enumerate(run.attempts(gan, batches)):  # one, and more with a remedy after a collapse
            if attempt:
                compile_gan(gan, options, images)
            gan.fit(
                **batches.for_fit(),
                initial_epoch=run.initial_epoch,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks(samples),
            )
        run.finish(gan)


def build(options: GANOptions, images):
    """The compiled GAN that options ask for, resolved and suited to the images, and the batches to train it with."""
    from keras_gen import augment, data, networks

    conditions = keras_gen.Conditions.of(images, options.condition) if options.conditional else None
    if conditions is None and options.clusters:
        clustered = data.with_clusters(images, options.clusters, options.seed)
        if clustered is not images:
            kinds = len(clustered.attribute_values[data.CLUSTER])
            print(f"no labels to learn: {kinds} kinds of images, found by k-means, in their place (--clusters)")
            images, conditions = clustered, keras_gen.Conditions.of(clustered, [data.CLUSTER])
    batches = data.Batches(
        images.train,
        options.batch_size * options.discriminator_steps,
        seed=options.seed,
        targets=conditions.of_split(images.train) if conditions else None,
        ahead=hardware.steps_per_launch(),
    )
    height, width, channels = images.image_shape
    condition_width = conditions.width if conditions else 0
    generator = networks.generator(
        options.network, images.image_shape, options.latent_dim, condition_width, **options.generator_options
    )
    discriminator = networks.discriminator(
        options.network,
        (height, width, options.pack_size * channels),
        options.pack_size * condition_width,
        **options.discriminator_options,
    )
    gan = keras_gen.GAN(
        generator,
        discriminator,
        conditions=conditions,
        augmentation=augment.suitable(
            options.augment, len(images.train), channels, flip=options.flip, seed=options.seed
        ),
        pack_size=options.pack_size,
        discriminator_steps=options.discriminator_steps,
        ema_decay=options.ema_decay,
        seed=options.seed,
    )
    compile_gan(gan, options, images)
    return gan, batches


def compile_gan(gan, options: GANOptions, images) -> None:
    """Gives the GAN its optimizers, its loss and its penalties."""
    import keras

    from keras_gen import penalties, schedules

    def optimizer():
        if options.optimizer == "rmsprop":
            return keras.optimizers.RMSprop(options.learning_rate)
        return keras.optimizers.Adam(options.learning_rate, beta_1=options.beta_1, beta_2=options.beta_2)

    gamma = None
    if options.penalty_weight is None and {"r1", "r2"} & set(options.penalties):
        gamma = penalties.gamma(images.train.some(GAMMA_IMAGES).images)

    def penalty(name):
        suits = gamma if name in ("r1", "r2") else None  # None: the penalty's own default
        chosen = penalties.get(name, suits if options.penalty_weight is None else options.penalty_weight)
        if options.penalty_final != 1:
            chosen.weight = schedules.Cosine(chosen.weight, options.penalty_final * chosen.weight)
        return chosen

    hyperparameters = {"learning_rate": schedules.RATES[options.rate_schedule](options.learning_rate)}
    if options.optimizer == "adam" and options.beta_2_start:
        hyperparameters["beta_2"] = schedules.Cosine(options.beta_2_start, options.beta_2)
    gan.compile(
        generator_optimizer=optimizer(),
        discriminator_optimizer=optimizer(),
        loss=options.loss,
        penalties=[penalty(name) for name in options.penalties],
        hyperparameters=hyperparameters,
        steps_per_execution=hardware.steps_per_launch(),
    )


if __name__ == "__main__":
    main(parse(GANOptions, describe(__doc__, GANS)))
