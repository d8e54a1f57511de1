"""Trains an autoencoder on your images, watches it, and exports it for TF Serving.

Examples:
  python train_ae.py                                         the article's autoencoder on real digits, 3 minutes
  python train_ae.py vae --data my_folder/ --image-size 32 --minutes 10
  python train_ae.py cvae --network conv --data my_folder/ --minutes 10
  python train_ae.py --resume                                goes on with the latest run that was interrupted
  KERAS_BACKEND=jax python train_ae.py article --epochs 20
"""

import keras_gen
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.presets import AUTOENCODERS
from keras_gen.runs import hardware
from keras_gen.runs.options import AutoencoderOptions, describe

VALIDATION_FRACTION = 0.1  # of the training images; the test images are for the final score alone


def main(options: AutoencoderOptions) -> None:
    with one_line_errors():
        options = hardware.choose_backend(options.resolve(AUTOENCODERS))

        start_keras()  # only now: it takes seconds, and --help and a wrong option should not wait for it
        import keras

        from keras_gen import callbacks, data
        from keras_gen.runs import dry_run, run

        images = data.load(options.data, image_size=options.image_size, channels=options.channels, fit=options.fit)
        options = hardware.choose_precision(options, images.image_shape)
        keras.utils.set_random_seed(options.seed)  # now: a measurement may have drawn some
        train, validation = images.train.hold_out(VALIDATION_FRACTION)
        autoencoder = build(options, images)

        learned = batches(options, autoencoder, train)
        if options.dry_run:
            return dry_run.show(autoencoder, learned, options, images)
        run = run.Run(options, images, autoencoder, learned)

    shown = validation.take(range(min(20, len(validation))))
    reconstructions = callbacks.ReconstructionGrid(
        run.directory / "samples",
        shown.images[:],
        autoencoder.conditions and autoencoder.conditions.of_split(shown),
        every=options.sample_every,
        tensorboard=run.directory / "tensorboard" / "reconstructions",
    )
    held_out = batches(options, autoencoder, validation, shuffle=False, drop_remainder=False)
    with one_line_errors(OSError):  # a disk fills up
        for attempt, options in enumerate(run.attempts(autoencoder, learned)):  # one, and more when it diverges
            if attempt:
                compile_autoencoder(autoencoder, options)
            autoencoder.fit(
                **learned.for_fit(),
                validation_data=held_out,
                initial_epoch=run.initial_epoch,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks(reconstructions),
            )
        remarks = []
        if isinstance(autoencoder, keras_gen.VAE):
            active = autoencoder.active_units(validation.images)
            remarks.append(f"{active} of {autoencoder.latent_dim} numbers of the code tell something about the images.")
        remarks.append(run.choose_prior(autoencoder, train, validation))
        run.finish(autoencoder, " ".join(filter(None, remarks)))


def build(options: AutoencoderOptions, images):
    """The compiled autoencoder that the options ask for."""
    from keras_gen import networks
    from keras_gen.models import autoencoders

    conditions = keras_gen.Conditions.of(images, options.condition) if options.conditional else None
    model = autoencoders.KINDS[options.kind]
    encoder = networks.encoder(options.network, images.image_shape, model.outputs_per_number * options.latent_dim)
    decoder = networks.decoder(
        options.network, images.image_shape, options.latent_dim, conditions.width if conditions else 0
    )
    autoencoder = model(encoder, decoder, conditions=conditions, seed=options.seed, **options.model_options)
    compile_autoencoder(autoencoder, options)
    return autoencoder


def compile_autoencoder(autoencoder, options: AutoencoderOptions) -> None:
    """Gives the autoencoder its optimizer and its loss."""
    import keras

    from keras_gen import likelihoods

    autoencoder.compile(
        keras.optimizers.Adam(options.learning_rate),
        loss=likelihoods.get(options.loss),
        steps_per_execution=hardware.steps_per_launch(),
    )


def batches(options: AutoencoderOptions, autoencoder, split, **how):
    """The images of a split, and their conditions if the autoencoder has any, as `data.Batches` of the options."""
    from keras_gen.data import Batches

    ahead = hardware.steps_per_launch()
    return Batches(
        split, options.batch_size, seed=options.seed, columns=autoencoder.columns_of(split), ahead=ahead, **how
    )


if __name__ == "__main__":
    main(parse(AutoencoderOptions, describe(__doc__, AUTOENCODERS)))
