"""Mistakes that would be accepted but mean something else are refused, with the fix, before the first step."""

import itertools
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from keras_gen import likelihoods, networks
from keras_gen.data import Batches, Split
from keras_gen.images import save_png
from keras_gen.inputs import Categorical, Conditions
from keras_gen.models.autoencoders import VAE, Autoencoder
from keras_gen.models.gan import GAN
from tests.commands import ROOT
from tests.conftest import BATCH, IMAGE_SHAPE, LATENT_DIM, MODELS, make_autoencoder, make_gan

BYTES_AS_FLOATS = np.resize(np.array([0, 255], "float32"), (2 * BATCH, *IMAGE_SHAPE))
NOT_A_NUMBER = np.full((2 * BATCH, *IMAGE_SHAPE), np.nan, "float32")
IMAGES = np.zeros((2 * BATCH, *IMAGE_SHAPE), "uint8")


class Stream(keras.utils.PyDataset):
    """A user's own data set."""

    def __init__(self, *parts):
        super().__init__()
        self.parts, self.reads = parts, []

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        self.reads.append(index)
        return tuple(part[index * BATCH : (index + 1) * BATCH] for part in self.parts)


def native(*parts):
    """TensorFlow's data set, as `keras.utils.image_dataset_from_directory` returns it."""
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)


# Every form in which images can be passed.
FORMS = {
    "array": lambda images: {"x": images},
    "tensor": lambda images: {"x": keras.ops.convert_to_tensor(images)},
    "columns": lambda images: {"x": {"images": images}},
    "native": lambda images: {"x": native(images), "shuffle": False},
    "py_dataset": lambda images: {"x": Stream(images)},
    "generator": lambda images: {"x": (each for each in Stream(images)), "steps_per_epoch": 2, "shuffle": False},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", MODELS)
def test_images_of_another_scale_are_refused_in_every_form(family, form):
    for images, message in (
        (BYTES_AS_FLOATS, "floats from 0 to 255: images / 127.5 - 1"),
        (NOT_A_NUMBER, "NaN among them"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            MODELS[family]().fit(**FORMS[form](images), verbose=0)


@pytest.mark.parametrize("form", FORMS)
def test_no_batch_of_a_checked_stream_is_lost(form):
    model = make_gan()
    model.fit(**FORMS[form](np.random.default_rng(0).uniform(-1, 0.4, IMAGES.shape).astype("float32")), verbose=0)
    assert int(model.optimizer.iterations) == (1 if form in ("array", "tensor", "columns") else 2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a data set of TensorFlow")
def test_the_data_set_of_a_directory_is_cast_first(tmp_path):
    import tensorflow as tf

    source = np.random.default_rng(0)
    for index in range(12):
        save_png(tmp_path / "abc"[index % 3] / f"{index}.png", source.integers(0, 256, IMAGE_SHAPE).astype("uint8"))
    found = keras.utils.image_dataset_from_directory(tmp_path, image_size=IMAGE_SHAPE[:2], batch_size=6, verbose=False)
    with pytest.raises(ValueError, match="floats from 0 to 255"):
        conditional_gan().fit(found, shuffle=False, verbose=0)
    gan = conditional_gan()
    gan.fit(found.map(lambda images, labels: (tf.cast(images, "uint8"), labels)), shuffle=False, verbose=0)
    assert int(gan.optimizer.iterations) == 2


@pytest.mark.parametrize("family", MODELS)
def test_a_step_and_an_evaluation_check_too(family):
    model = MODELS[family]()
    with pytest.raises(ValueError, match="floats from 0 to 255"):
        model.train_on_batch(BYTES_AS_FLOATS)
    with pytest.raises(ValueError, match="floats from 0 to 255"):
        model.evaluate(BYTES_AS_FLOATS, verbose=0)


def test_validation_is_checked_before_the_first_step():
    autoencoder = make_autoencoder()
    for validation in ((BYTES_AS_FLOATS, BYTES_AS_FLOATS), Stream(BYTES_AS_FLOATS)):
        with pytest.raises(ValueError, match="floats from 0 to 255"):
            autoencoder.fit(IMAGES, validation_data=validation, verbose=0)
    for use in (autoencoder.encode, autoencoder.reconstruct):
        with pytest.raises(ValueError, match="floats from 0 to 255"):
            use(BYTES_AS_FLOATS)
    gan = make_gan()
    for arguments in ({"validation_data": (IMAGES,)}, {"validation_split": 0.5}):
        with pytest.raises(ValueError, match="a game has no validation loss"):
            gan.fit(IMAGES, epochs=10**9, verbose=0, **arguments)
    assert int(gan.optimizer.iterations) == int(autoencoder.optimizer.iterations) == 0


LABELS = np.arange(2 * BATCH)
NO_TARGETS = {
    "(n,)": {"x": IMAGES, "y": LABELS},
    "floats": {"x": IMAGES, "y": LABELS.astype("float32")},
    "(n, 1)": {"x": IMAGES, "y": LABELS[:, None]},
    "one-hot": {"x": IMAGES, "y": np.eye(2 * BATCH, dtype="float32")},
    "native": {"x": lambda: native(IMAGES, LABELS)},
    "py_dataset": {"x": lambda: Stream(IMAGES, LABELS)},
    "another size": {"x": IMAGES, "y": np.zeros((2 * BATCH, 4, 6, 3), "uint8")},
}


@pytest.mark.parametrize("form", NO_TARGETS)
def test_labels_are_refused_as_targets_of_an_autoencoder(form):
    given = {name: value() if callable(value) else value for name, value in NO_TARGETS[form].items()}
    with pytest.raises(ValueError, match=r"expected targets that are images \(8, 12, 3\), .*Labels become conditions"):
        make_autoencoder().fit(**given, verbose=0)


def test_weights_without_effect_are_refused():
    weights = np.ones(2 * BATCH, "float32")
    for model, given in itertools.product((make_gan(), make_autoencoder()), ("sample_weight", "class_weight")):
        value = weights if given == "sample_weight" else {0: 1.0}
        with pytest.raises(ValueError, match="expected no sample_weight and no class_weight"):
            model.fit(IMAGES, verbose=0, **{given: value})
    with pytest.raises(ValueError, match="expected no sample_weight"):
        make_gan().fit(Stream(IMAGES, LABELS, weights), verbose=0)
    with pytest.raises(ValueError, match="expected no sample_weight"):
        make_autoencoder().fit(IMAGES, IMAGES, sample_weight=weights, verbose=0)


def conditional_gan():
    gan = GAN(
        networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, 3, widths=(8,)),
        networks.mlp.discriminator(IMAGE_SHAPE, 3, widths=(8,)),
        conditions=Conditions([Categorical("label", ["a", "b", "c"])]),
    )
    gan.compile()
    return gan


@pytest.mark.parametrize("labels", [np.arange(10, 16), np.arange(6), np.full((6, 1), 3), np.full(6, -2)])
def test_labels_beyond_the_schema_are_refused(labels):
    low, high = labels.min(), labels.max()
    message = f"expected label from 0 to 2, or -1 where it is missing, received {low} to {high}"
    for given in ({"x": IMAGES, "y": labels}, {"x": {"images": IMAGES, "label": labels}}):
        with pytest.raises(ValueError, match=message):
            conditional_gan().fit(**given, verbose=0)
    with pytest.raises(ValueError, match=message):
        conditional_gan().fit(Batches(Split(IMAGES), BATCH, targets=labels), shuffle=False, verbose=0)


def test_labels_that_are_not_learned_cause_a_warning():
    for given in ({"x": IMAGES, "y": LABELS}, {"x": Stream(IMAGES, LABELS)}):
        with pytest.warns(UserWarning, match="labels that this gan does not learn: it was made without `conditions`"):
            make_gan().fit(**given, verbose=0)


def test_both_players_have_an_optimizer():
    with pytest.raises(TypeError, match="expected generator_optimizer and discriminator_optimizer, one each"):
        make_gan().compile(optimizer="adam")


ENDS = {
    "sigmoid": layers.Activation("sigmoid"),
    "relu": layers.ReLU(),
    "softmax": layers.Softmax(),
    "hard_sigmoid": layers.Dense(3, "hard_sigmoid"),
    "softplus": layers.Conv2D(3, 1, activation="softplus"),
}


@pytest.mark.parametrize("end", ENDS)
def test_networks_of_another_scale_are_refused(end):
    codes = keras.Input((LATENT_DIM,))
    hidden = layers.Reshape(IMAGE_SHAPE)(layers.Dense(int(np.prod(IMAGE_SHAPE)))(codes))
    inner = keras.Model(codes, ENDS[end](hidden))  # in a nested network, and cropped after it
    cut = layers.Cropping2D(0)(layers.ZeroPadding2D(0)(inner(codes)))
    generator = keras.Model(codes, cut, name="generator")
    message = rf"expected a generator of images in \[-1, 1\], received one that ends in {end}, \[0, .*tanh"
    with pytest.raises(ValueError, match=message):
        GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, widths=(8,)))
    with pytest.raises(ValueError, match=message):
        Autoencoder(networks.mlp.encoder(IMAGE_SHAPE, LATENT_DIM, widths=(8,)), generator)


def test_a_discriminator_ends_in_logits():
    images = keras.Input(IMAGE_SHAPE)
    for end in ("sigmoid", "tanh"):
        critic = keras.Model(images, layers.Dense(1, end)(layers.Flatten()(images)), name="discriminator")
        with pytest.raises(ValueError, match=f"expected a discriminator that ends in logits, .* ends in {end}"):
            GAN(networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, widths=(8,)), critic)


@pytest.mark.parametrize(
    "loss",
    [
        *("binary_crossentropy", "poisson", "kl_divergence", "cosine_similarity", "msle", "mape", "hinge"),
        *(keras.losses.BinaryCrossentropy(), keras.losses.CategoricalFocalCrossentropy(), keras.losses.Poisson()),
        keras.losses.kl_divergence,
    ],
)
def test_losses_of_another_scale_are_refused(loss):
    for model in (make_autoencoder, lambda **given: likelihoods.get(given["loss"])):
        with pytest.raises(ValueError, match=r"expected a loss for images in \[-1, 1\], .*'bernoulli'"):
            model(loss=loss)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh", keras.losses.MeanSquaredError(), "bernoulli"])
def test_losses_of_the_scale_are_accepted(loss):
    assert make_autoencoder(loss=loss).compiled


def test_latents_and_weights_that_do_not_fit_are_refused_at_once():
    latents = keras.Input((1, 1, LATENT_DIM))
    pixels = layers.Dense(int(np.prod(IMAGE_SHAPE)))(layers.Flatten()(latents))
    generator = keras.Model(latents, layers.Reshape(IMAGE_SHAPE)(pixels), name="generator")
    with pytest.raises(ValueError, match=r"expected a generator that takes latents \(4,\), .* \(1, 1, 4\)"):
        GAN(generator, networks.mlp.discriminator(IMAGE_SHAPE, widths=(8,)))
    shared = layers.Dense(5, name="shared")
    codes, images = keras.Input((LATENT_DIM,)), keras.Input(IMAGE_SHAPE)
    pixels = layers.Reshape(IMAGE_SHAPE)(layers.Dense(int(np.prod(IMAGE_SHAPE)))(shared(codes)))
    logits = layers.Dense(1)(shared(layers.Dense(LATENT_DIM)(layers.Flatten()(images))))
    gan = GAN(keras.Model(codes, pixels, name="generator"), keras.Model(images, logits, name="discriminator"))
    with pytest.raises(ValueError, match="expected players without a weight in common, received shared/bias, shared/k"):
        gan.compile()


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_a_file_that_could_not_be_loaded_is_not_written(family, ending, tmp_path):
    with pytest.raises(ValueError, match=f"expected a path that ends in .keras, received .*m.{ending}"):
        MODELS[family]().save(tmp_path / f"m.{ending}")
    assert not list(tmp_path.iterdir())


def test_the_vae_takes_a_likelihood_by_name():
    vae = VAE(
        networks.mlp.encoder(IMAGE_SHAPE, 2 * LATENT_DIM, widths=(8,)),
        networks.mlp.decoder(IMAGE_SHAPE, LATENT_DIM, widths=(8,)),
    )
    vae.compile(loss="gaussian")
    assert isinstance(vae.loss, likelihoods.Gaussian)


def test_importing_the_package_is_enough_to_load_a_model(tmp_path):
    for family, make in MODELS.items():
        make().save(tmp_path / f"{family}.keras")
    program = "import sys, keras, keras_gen; [print(type(keras.saving.load_model(f)).__name__) for f in sys.argv[1:]]"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [sys.executable, "-c", program, *(f"{family}.keras" for family in MODELS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert process.stdout.split() == [type(make()).__name__ for make in MODELS.values()], process.stderr
