"""Training as in the public Keras examples: a `keras.Model` with its own `train_step`, on TensorFlow.

The networks are those of keras_gen, so that only the training differs. There is no public example with R1 and R2.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops


class CrossEntropyGAN(keras.Model):
    """Real images and fakes in one batch with noisy labels, then a second batch of fakes for the generator."""

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.seed_generator = keras.random.SeedGenerator(0)
        self.d_tracker = keras.metrics.Mean(name="d_loss")
        self.g_tracker = keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [self.d_tracker, self.g_tracker]

    def latents(self, num):
        """Standard normal latents."""
        return keras.random.normal((num, self.generator.inputs[0].shape[-1]), seed=self.seed_generator)

    def train_step(self, data):
        real = ops.cast(data[0] if isinstance(data, tuple) else data, "float32") / 127.5 - 1
        num = ops.shape(real)[0]
        fakes = self.generator(self.latents(num), training=True)
        labels = ops.concatenate([ops.ones((num, 1)), ops.zeros((num, 1))])
        labels += 0.05 * keras.random.uniform(ops.shape(labels), seed=self.seed_generator)
        with tf.GradientTape() as tape:
            logits = self.discriminator(ops.concatenate([real, fakes]), training=True)
            d_loss = self.cross_entropy(labels, logits)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))

        latents = self.latents(num)
        with tf.GradientTape() as tape:
            g_loss = self.cross_entropy(
                ops.ones((num, 1)), self.discriminator(self.generator(latents, training=True), training=True)
            )
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_tracker.update_state(d_loss)
        self.g_tracker.update_state(g_loss)
        return {tracker.name: tracker.result() for tracker in self.metrics}


class WassersteinGAN(CrossEntropyGAN):
    """WGAN-GP with five critic steps, all of them on the same real images."""

    batch_of_the_game = 64

    def train_step(self, data):
        images = data[0] if isinstance(data, tuple) else data
        real = ops.cast(images[: self.batch_of_the_game], "float32") / 127.5 - 1
        num = ops.shape(real)[0]
        for _ in range(5):
            latents = self.latents(num)
            with tf.GradientTape() as tape:
                fakes = self.generator(latents, training=True)
                fake_logits = self.discriminator(fakes, training=True)
                real_logits = self.discriminator(real, training=True)
                penalty = self.penalty(real, fakes)
                d_loss = ops.mean(fake_logits) - ops.mean(real_logits) + 10.0 * penalty
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        latents = self.latents(num)
        with tf.GradientTape() as tape:
            g_loss = -ops.mean(self.discriminator(self.generator(latents, training=True), training=True))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_tracker.update_state(d_loss)
        self.g_tracker.update_state(g_loss)
        return {tracker.name: tracker.result() for tracker in self.metrics}

    def penalty(self, real, fakes):
        """(‖∇D‖ − 1)² between real images and fakes."""
        share = keras.random.uniform((ops.shape(real)[0], 1, 1, 1), seed=self.seed_generator)
        between = real + share * (fakes - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            logits = self.discriminator(between, training=True)
        slope = tape.gradient(logits, [between])[0]
        return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3))) - 1.0))


class VariationalAutoencoder(keras.Model):
    """A VAE whose losses are taken inside the tape."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.seed_generator = keras.random.SeedGenerator(0)
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.tracker]

    def train_step(self, data):
        images = ops.cast(data[0] if isinstance(data, tuple) else data, "float32") / 127.5 - 1
        with tf.GradientTape() as tape:
            mean, log_variance = ops.split(self.encoder(images, training=True), 2, axis=-1)
            noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
            reconstructions = self.decoder(mean + ops.exp(log_variance / 2) * noise, training=True)
            error = ops.mean(ops.sum(ops.square(images - reconstructions), axis=(1, 2, 3)))
            divergence = ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=1) / 2
            loss = error + ops.mean(divergence)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True)
        )
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}
