"""Trains a GAN on your images, watches it, and exports a generator that TF Serving can load.

Examples:
  python train_gan.py                                        the article's GAN on real digits, 3 minutes
  python train_gan.py article --data my_folder/ --image-size 32 --minutes 10
  KERAS_BACKEND=jax python train_gan.py article --epochs 20
"""

import keras_gen
from keras_gen.command_line import one_line_errors, parse, start_keras
from keras_gen.options import TrainingOptions, describe
from keras_gen.presets import GANS


def main(options: TrainingOptions) -> None:
    with one_line_errors():
        options = options.resolve(GANS)

        start_keras()  # only now: it takes seconds, and --help and a wrong option should not wait for it
        import keras

        from keras_gen import callbacks, data, forecast, networks, runs

        keras.utils.set_random_seed(options.seed)
        images = data.load(options.data, image_size=options.image_size, channels=options.channels, fit=options.fit)
        batches = data.Batches(images.train, options.batch_size, seed=options.seed)

        generator = networks.generator(options.network, images.image_shape, options.latent_dim)
        discriminator = networks.discriminator(options.network, images.image_shape)
        gan = keras_gen.GAN(generator, discriminator, seed=options.seed)
        gan.compile(
            generator_optimizer=keras.optimizers.Adam(options.learning_rate),
            discriminator_optimizer=keras.optimizers.Adam(options.learning_rate),
            loss=options.loss,
        )
        if options.dry_run:
            return forecast.show(gan, batches, options, images)
        run = runs.Run(options, images, gan)

    samples = callbacks.SampleGrid(
        run.directory / "samples", every=options.sample_every, tensorboard=run.directory / "tensorboard" / "samples"
    )
    gan.fit(batches, epochs=run.epochs, shuffle=False, verbose=0, callbacks=[*run.callbacks(), samples])
    run.finish(gan)


if __name__ == "__main__":
    main(parse(TrainingOptions, describe(__doc__, GANS)))
