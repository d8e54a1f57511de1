"""Models with inputs of every kind, made here and not in keras_gen: what the contract of inputs promises to users."""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from keras_gen import callbacks, losses, networks, terms
from keras_gen.augment import Augmentation
from keras_gen.data import Batches, ImageData, Split
from keras_gen.inputs import Categorical, Conditions, Input, Mask, Picture, Request
from keras_gen.models import cycle as cycles
from keras_gen.models.autoencoders import VAE
from keras_gen.models.contrastive import ContrastiveTranslator
from keras_gen.models.game import AdversarialModel, Player
from keras_gen.models.gan import GAN
from keras_gen.models.generative import Generative
from keras_gen.models.repairer import Repairer
from keras_gen.models.translator import Translator

HEIGHT, WIDTH = 8, 12
IMAGE_SHAPE = (HEIGHT, WIDTH, 3)
SOURCE_SHAPE = (HEIGHT, WIDTH, 1)
LATENT_DIM = 4
BATCH, EPOCHS = 6, 2


def network(shapes, channels, name):
    """A small network of maps of one size: vectors, such as rows of conditions, are repeated over all pixels."""
    inputs = [keras.Input(shape, name=each) for each, shape in shapes.items()]
    maps = [each if len(each.shape) == 4 else _laid_out(each) for each in inputs]
    hidden = layers.Concatenate()(maps) if len(maps) > 1 else maps[0]
    hidden = layers.LeakyReLU(0.2)(layers.Conv2D(6, 3, padding="same")(hidden))
    if channels:
        return keras.Model(inputs, layers.Conv2D(channels, 3, padding="same", activation="tanh")(hidden), name=name)
    return keras.Model(inputs, layers.Dense(1)(layers.Flatten()(hidden)), name=name)


def _laid_out(numbers):
    return layers.Reshape((HEIGHT, WIDTH, 1))(layers.Dense(HEIGHT * WIDTH)(numbers))


@keras.saving.register_keras_serializable("tests")
class Brightness(Input):
    """The brightness of an image, from 0 to 1: computed from the data, drawn unless requested. A custom input."""

    is_drawn = True
    shape = (1,)

    @property
    def names(self):
        return [self.name]

    def of_split(self, split):
        return split.images[:].mean(axis=(1, 2, 3), dtype="float32") / 255

    def rows(self, num, seed, where=None, given=None):
        if given is None:
            given = (where or {}).get(self.name, np.random.default_rng(seed).random(num))
        return np.broadcast_to(np.reshape(given, (-1, 1)).astype("float32"), (num, 1))

    def to_tensor(self, rows):
        return ops.reshape(rows, (-1, 1))

    def requests(self):
        return {self.name: Request("float32", examples=(np.nan, 0.5), about="from 0, dark, to 1")}

    def from_request(self, values, draw=None):
        drawn = ops.cast(draw(101), "float32") / 100 if draw else 0.5
        return self.to_tensor(ops.where(ops.isnan(values[0]), drawn, values[0]))

    def get_config(self):
        return {"name": self.name, "to_discriminator": self.to_discriminator}


def picture_and_noise():
    """A game whose generator takes noise, a class, a picture and a number, with a term that keeps it near the image."""
    source, brightness = Picture("source", SOURCE_SHAPE), Brightness("brightness")
    label = Conditions([Categorical("label", ["dark", "bright"])])
    beside = {"conditions": label.shape, "source": source.shape, "brightness": brightness.shape}
    gan = GAN(
        network({"latents": (LATENT_DIM,), **beside}, 3, "generator"),
        network({"images": IMAGE_SHAPE, **beside}, 0, "discriminator"),
        conditions=label,
        inputs=[source, brightness],
        ema_decay=0.9,
        seed=1,
    )
    gan.compile(loss="non_saturating", penalties=["r1", "r2"], terms=[terms.L1(10.0)])
    return gan


def mask():
    """A game without noise that fills a hole: the picture is the image with pixels missing, the mask says where."""
    inputs = [Picture("damaged", IMAGE_SHAPE, corruption="masking", amount=0.3), Mask("hole", (HEIGHT, WIDTH))]
    shapes = {each.name: each.shape for each in inputs}
    gan = GAN(
        network(shapes, 3, "generator"),
        network({"images": IMAGE_SHAPE, **shapes}, 0, "discriminator"),
        inputs=inputs,
        seed=1,
    )
    gan.compile(loss="non_saturating", terms=["l1"])
    return gan


def two_pictures():
    """An autoencoder whose encoder and decoder both take a second picture."""
    source = Picture("source", SOURCE_SHAPE)
    hidden = network({"images": IMAGE_SHAPE, "source": source.shape}, 2, "maps")
    codes = layers.Dense(2 * LATENT_DIM)(layers.Flatten()(hidden.output))
    vae = VAE(
        keras.Model(hidden.inputs, codes, name="encoder"),
        network({"codes": (LATENT_DIM,), "source": source.shape}, 3, "decoder"),
        inputs=[source],
        warm_up=0.5,
        seed=1,
    )
    vae.compile("adam", loss="gaussian")
    return vae


@keras.saving.register_keras_serializable("tests")
class Cycle(Generative, AdversarialModel):
    """Two generators and two discriminators: translation in both directions between unpaired images and sources."""

    log_names = ("d_loss", "g_loss", "cycle")

    def __init__(self, there, back, image_critic, source_critic, **kwargs):
        super().__init__(**kwargs)
        self.there, self.back = there, back
        self.image_critic, self.source_critic = image_critic, source_critic
        self.loss_pair = losses.get("least_squares")
        self.built = True

    @property
    def inputs(self):
        return (Picture("source", SOURCE_SHAPE),)

    @property
    def image_network(self):
        return self.there

    @property
    def players(self):
        return (
            Player("critics", (self.image_critic, self.source_critic), self._criticise),
            Player("generators", (self.there, self.back), self._generate),
        )

    def _sides(self, batch):
        images, sources = batch["images"], batch["source"]
        made = self.there(sources, training=True), self.back(images, training=True)
        return (self.image_critic, images, made[0]), (self.source_critic, sources, made[1])

    def _criticise(self, batch):
        loss = sum(
            self.loss_pair.discriminator_loss(critic(real, training=True), critic(ops.stop_gradient(made)))
            for critic, real, made in self._sides(batch)
        )
        return loss, {"d_loss": loss}

    def _generate(self, batch):
        first, second = self._sides(batch)
        loss = sum(
            self.loss_pair.generator_loss(None, critic(made, training=True)) for critic, _, made in (first, second)
        )
        back_again = (self.back(first[2], training=True), second[1]), (self.there(second[2], training=True), first[1])
        cycle = sum(ops.mean(ops.abs(found - own)) for found, own in back_again)
        return loss + 10.0 * cycle, {"g_loss": loss, "cycle": cycle}

    def get_config(self):
        parts = (self.there, self.back, self.image_critic, self.source_critic)
        names = ("there", "back", "image_critic", "source_critic")
        return {**super().get_config(), **keras.saving.serialize_keras_object(dict(zip(names, parts, strict=True)))}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))


def cycle():
    """The game of four networks; two of them, those that make images, are sampled and served."""
    game = Cycle(
        network({"source": SOURCE_SHAPE}, 3, "there"),
        network({"images": IMAGE_SHAPE}, 1, "back"),
        network({"images": IMAGE_SHAPE}, 0, "image_critic"),
        network({"source": SOURCE_SHAPE}, 0, "source_critic"),
    )
    game.compile({"critics": keras.optimizers.Adam(1e-3), "generators": keras.optimizers.Adam(1e-3)})
    return game


def repair():
    """The game of `keras-gen inpaint`: holes are drawn in the step, two proposals are compared with the original."""
    game = Repairer(
        networks.repairer("conv", IMAGE_SHAPE, LATENT_DIM, masked=True, width=4),
        networks.discriminator("conv", IMAGE_SHAPE, 0, 1, width=4),
        inputs=[
            Picture("picture", IMAGE_SHAPE, corruption="identity", to_discriminator=False),
            Mask("mask", (HEIGHT, WIDTH), is_drawn=True),
        ],
        ema_decay=0.9,
        seed=1,
    )
    game.compile(loss="non_saturating", penalties=["r1", "r2"], terms=["posterior"])
    return game


def pairs():
    """The game of `train_gan.py pix2pix`: from grey pictures to colours, with an L1 term, both sides moved alike."""
    game = Translator(
        networks.repairer("conv", IMAGE_SHAPE, LATENT_DIM, source_shape=SOURCE_SHAPE, width=4),
        networks.discriminator("conv", IMAGE_SHAPE, 0, 1, width=4),
        inputs=[Picture("source", SOURCE_SHAPE)],
        pair_augmentation=Augmentation(("flip", "shift"), seed=2),
        ema_decay=0.9,
        seed=1,
    )
    game.compile(loss="non_saturating", penalties=["r1", "r2"], terms=["l1"])
    return game


def contrast():
    """The game of `train_gan.py translate`: heads that train with the generator, places that are drawn in the step."""
    game = ContrastiveTranslator(
        networks.translator("conv", IMAGE_SHAPE, width=4, blocks=2),
        networks.discriminator("patch", IMAGE_SHAPE, width=4),
        inputs=[Picture("image_before", IMAGE_SHAPE, any_size=True, to_discriminator=False)],
        ema_decay=0.9,
        seed=1,
    )
    game.compile(loss="non_saturating", penalties=["r1", "r2"])
    return game


def there_and_back():
    """The game of `train_gan.py cyclegan`."""
    translators = [networks.translator("conv", IMAGE_SHAPE, width=4, blocks=2) for _ in range(2)]
    critics = [networks.discriminator("patch", IMAGE_SHAPE, width=4) for _ in range(2)]
    game = cycles.Cycle(*translators, *critics, source=Picture("image_before", IMAGE_SHAPE, any_size=True))
    game.compile()
    return game


GAMES = {
    "picture_and_noise": picture_and_noise,
    "mask": mask,
    "two_pictures": two_pictures,
    "cycle": cycle,
    "repair": repair,
    "pairs": pairs,
    "contrast": contrast,
    "there_and_back": there_and_back,
}


def make(name):
    """A compiled model, the same one each time."""
    keras.utils.set_random_seed(0)
    return GAMES[name]()


def data(num=90) -> ImageData:
    """Dark and bright images, the picture that each was made from, and where it has a hole."""

    def split(num, seed):
        source = np.random.default_rng(seed)
        labels = source.integers(0, 2, num)
        grey = (source.integers(0, 100, (num, *SOURCE_SHAPE)) + 150 * labels[:, None, None, None]).astype("uint8")
        tint = source.integers(0, 6, (num, 1, 1, 3)).astype("uint8")
        holes = (source.random((num, HEIGHT, WIDTH, 1)) < 0.3).astype("uint8")
        images, before = grey + tint, source.integers(0, 256, (max(2, num // 2), *IMAGE_SHAPE)).astype("uint8")
        return Split(images, labels, pictures={"source": grey, "hole": holes}, unpaired={"image_before": before})

    return ImageData("grey", split(num, 0), split(24, 1), class_names=["dark", "bright"])


def fit(model, folder: Path, resume=None, *others):
    """Trains with checkpoints, continuing from one if it is given."""
    train = data().train
    batches = Batches(train, BATCH, seed=3, columns=model.columns_of(train))
    if resume:
        batches.start_at(resume.epoch, resume.batch)
    budget = callbacks.Budget(epochs=EPOCHS)
    checkpoints = callbacks.Checkpoints(folder, [budget], minutes=1e-9, resume=resume)
    model.fit(
        **batches.for_fit(),
        epochs=EPOCHS,
        initial_epoch=resume.epoch if resume else 0,
        verbose=0,
        callbacks=[checkpoints, budget, *others],
    )
    return model


class PowerCut(Exception):
    """Ends a training without a chance to put things in order."""

    class At(keras.callbacks.Callback):
        """Raises it before a batch of an epoch."""

        def __init__(self, epoch, batch):
            super().__init__()
            self.place, self.epoch = (epoch, batch), 0

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch, batch) == self.place:
                raise PowerCut
