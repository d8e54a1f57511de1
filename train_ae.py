"""Trains an autoencoder on your images, watches it, and exports it for TF Serving.

Examples:
  python train_ae.py                                         the article's autoencoder on real digits, 3 minutes
  python train_ae.py article --network conv --data my_folder/ --image-size 32 --minutes 10
  KERAS_BACKEND=jax python train_ae.py article --epochs 20
"""

import keras_gen
from keras_gen.command_line import one_line_errors, parse, start_keras
from keras_gen.options import TrainingOptions, describe
from keras_gen.presets import AUTOENCODERS

VALIDATION_FRACTION = 0.1  # of the training images; the test images are for the final score alone


def main(options: TrainingOptions) -> None:
    with one_line_errors():
        options = options.resolve(AUTOENCODERS)

        start_keras()  # only now: it takes seconds, and --help and a wrong option should not wait for it
        import keras

        from keras_gen import callbacks, data, forecast, networks, runs

        keras.utils.set_random_seed(options.seed)
        images = data.load(options.data, image_size=options.image_size, channels=options.channels, fit=options.fit)
        train, validation = images.train.hold_out(VALIDATION_FRACTION)
        batches = data.Batches(train, options.batch_size, seed=options.seed)
        validation_batches = data.Batches(validation, options.batch_size, shuffle=False, drop_remainder=False)

        encoder = networks.encoder(options.network, images.image_shape, options.latent_dim)
        decoder = networks.decoder(options.network, images.image_shape, options.latent_dim)
        autoencoder = keras_gen.Autoencoder(encoder, decoder)
        autoencoder.compile(keras.optimizers.Adam(options.learning_rate), loss=keras.losses.get(options.loss))
        if options.dry_run:
            return forecast.show(autoencoder, batches, options, images)
        run = runs.Run(options, images, autoencoder)

    # The exported model is the best on the validation images, not the last.
    best = keras.callbacks.EarlyStopping(monitor="val_loss", patience=run.epochs, restore_best_weights=True)
    reconstructions = callbacks.ReconstructionGrid(
        run.directory / "samples",
        validation.images[:20],
        every=options.sample_every,
        tensorboard=run.directory / "tensorboard" / "reconstructions",
    )
    autoencoder.fit(
        batches,
        validation_data=validation_batches,
        epochs=run.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[*run.callbacks(), best, reconstructions],
    )
    run.finish(autoencoder, f"Kept epoch {best.best_epoch + 1}, the best on {len(validation)} validation images.")


if __name__ == "__main__":
    main(parse(TrainingOptions, describe(__doc__, AUTOENCODERS)))
