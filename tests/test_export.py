"""What exported models answer, read by TensorFlow's C library, as a server does."""

import io
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import outside_classifier
from keras_gen import export, latents, networks
from keras_gen.cli import sampling
from keras_gen.export.runtimes import CSavedModel
from keras_gen.export.signatures import _drawer, _index, _noise, _truncate, signatures
from keras_gen.inputs import Categorical, Conditions, Continuous, Picture, Request, request_names
from keras_gen.models.gan import GAN
from keras_gen.priors import Mixture
from tests.conftest import IMAGE_SHAPE, LATENT_DIM, make_autoencoder, make_conditional_gan, make_conditions, make_gan
from tests.contracts import array

SEEDS = np.array([3, 2**53, 0, 3, 41], "int64")
LIMITS = np.array([np.nan, 0.5, 9.0, np.nan, 2.0], "float32")
LATENTS = np.random.default_rng(1).standard_normal((5, LATENT_DIM)).astype("float32")
IMAGES = np.random.default_rng(2).integers(0, 256, (5, *IMAGE_SHAPE)).astype("uint8")


def make_generating_autoencoder():
    """An autoencoder with a prior that chooses among components."""
    autoencoder = make_autoencoder()
    codes = np.random.default_rng(0).normal(size=(200, LATENT_DIM)) * np.arange(1, LATENT_DIM + 1)
    autoencoder.prior = Mixture(LATENT_DIM, components=3).fit(codes)
    return autoencoder


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The folder of exported models and the models in it."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("saved_models")
    models = {"gan": make_gan(), "conditional": make_conditional_gan(), "autoencoder": make_generating_autoencoder()}
    for name, model in models.items():
        assert export.publish(model, folder, name, discriminator=name == "gan") == folder / name / "1"
    return folder, models


@pytest.fixture(scope="module")
def served(published):
    """The exported models in TensorFlow's C library."""
    folder, models = published
    return {name: CSavedModel(str(folder / name / "1")) for name in models}


def asked(limits=LIMITS, **others):
    return {"seed": SEEDS, "truncation": limits, **others}


def truncated(noise):
    """Rows with their limits, by the function for arrays."""
    return np.stack([row if np.isnan(t) else latents.truncate(row, t) for row, t in zip(noise, LIMITS, strict=True)])


def near(images, expected):
    assert images.dtype == np.uint8
    assert np.abs(images.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("name", "left_open"), [("gan", {}), ("conditional", {"species": "", "hat": "", "age": np.nan})]
)
def test_the_outside_classifier_asks_for_nothing_that_is_not_there(name, left_open, published, served):
    images, classes = outside_classifier.served(published[0] / name, ["a", "b"], 5)
    assert classes is None
    inputs = {"seed": np.arange(5), "truncation": np.full(5, np.nan, "float32")}
    inputs |= {key: np.full(5, value, "U1" if value == "" else "float32") for key, value in left_open.items()}
    np.testing.assert_array_equal(images, served[name].ask("generate", inputs)["images"])


def test_the_outside_classifier_wants_a_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected the folder of an exported model, found none at"):
        outside_classifier.served(tmp_path, ["a", "b"], 5)


def test_gan_default_signature(published, served):
    (images,) = served["gan"].ask("serving_default", {"latents": LATENTS}).values()
    np.testing.assert_allclose(images, array(published[1]["gan"](LATENTS)), atol=1e-5)


def test_generate_is_the_generator_on_the_noise_of_each_seed(published, served):
    images = served["gan"].ask("generate", asked())["images"]
    near(images, published[1]["gan"].decode(truncated(array(_noise(SEEDS, LATENT_DIM)))))
    np.testing.assert_array_equal(images[0], images[3])
    assert len({image.tobytes() for image in images}) == 4


def test_an_autoencoder_with_a_prior_generates(published, served):
    autoencoder = published[1]["autoencoder"]
    images = served["autoencoder"].ask("generate", asked(np.full(5, 0.5, "float32")))["images"]
    noise = autoencoder.truncate(array(_noise(SEEDS, LATENT_DIM + 1)), 0.5)  # but for what chooses the component
    near(images, autoencoder.decode(array(autoencoder.prior(noise))))


def test_an_autoencoder_without_a_prior_does_not():
    assert set(signatures(make_autoencoder())) == {"serving_default", "encode", "decode"}


def test_what_a_seed_gives_does_not_depend_on_its_batch():
    """With the article's network: its sums are so long that a product of another size rounds some bytes differently."""
    gan = GAN(networks.mlp.generator((28, 28, 1), 100), networks.mlp.discriminator((28, 28, 1)))
    signature = signatures(gan)["generate"]
    generate = tf.function(lambda *inputs: signature.function(*inputs)["images"], input_signature=signature.inputs)
    seeds = np.arange(192)

    def made(batch_size):
        parts = np.split(seeds, range(batch_size, len(seeds), batch_size))
        return np.concatenate([generate(part, np.full(len(part), np.nan, "float32")) for part in parts])

    alone = made(1)
    for batch_size in (2, 3, 8, 13, 64, 192):
        np.testing.assert_array_equal(made(batch_size), alone)


@pytest.mark.parametrize("signature", ["generate", "generate_png", "interpolate"])
@pytest.mark.parametrize("name", ["gan", "autoencoder"])
def test_the_same_seed_is_the_same_picture_in_any_place_and_server(name, signature, published, served):
    way = {"to_seed": SEEDS[::-1].copy(), "fraction": np.linspace(0, 1, 5, dtype="float32")}
    inputs = asked(**(way if signature == "interpolate" else {}))
    (answer,) = served[name].ask(signature, inputs).values()
    rows = [4, 0, 0, 2, 1, 3, 4]
    (elsewhere,) = served[name].ask(signature, {key: value[rows] for key, value in inputs.items()}).values()
    np.testing.assert_array_equal(elsewhere, answer[rows])
    python = tf.saved_model.load(str(published[0] / name / "1")).signatures[signature]
    (other,) = python(**{key: tf.constant(value) for key, value in inputs.items()}).values()
    np.testing.assert_array_equal(other, answer)


def test_generate_png_holds_the_same_images(served):
    images, pngs = (next(iter(served["gan"].ask(key, asked()).values())) for key in ("generate", "generate_png"))
    for png, image in zip(pngs, images, strict=True):
        with Image.open(io.BytesIO(png)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)


def test_generated_latents_are_standard_normal():
    drawn = array(_noise(np.arange(400), 50))
    # 20,000 numbers: the mean is within 4 standard errors (0.0071) of 0, the variance (0.01) of 1.
    assert abs(drawn.mean()) < 4 * 0.0071
    assert abs(drawn.var() - 1) < 4 * 0.01
    assert np.abs(np.corrcoef(drawn.T) - np.eye(50)).max() < 5 / np.sqrt(400)


@pytest.mark.parametrize("prior", [Mixture(LATENT_DIM), Mixture(LATENT_DIM - 1, components=2)])
def test_truncation_row_by_row_is_that_of_whole_batches(prior):
    cut = array(_truncate(LATENTS, LIMITS, prior.num_choices))
    for row, limit in enumerate(LIMITS):
        expected = LATENTS if np.isnan(limit) else prior.truncate(LATENTS, limit)
        np.testing.assert_allclose(cut[row], expected[row], rtol=1e-5)


@pytest.mark.parametrize("limit", [0.1, 0.5, 2.0, 9.0])
def test_a_server_truncates_as_python_does(limit):
    noise = np.concatenate([[-9.0, 0.0, 9.0], np.random.default_rng(0).standard_normal(997)]).reshape(-1, 4)
    cut = array(_truncate(noise.astype("float32"), np.full(len(noise), limit, "float32"), 0))
    np.testing.assert_allclose(cut, latents.truncate(noise.astype("float32"), np.float32(limit)), rtol=1e-6)
    assert np.abs(cut).max() <= np.float32(limit)


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_a_truncation_to_nothing_is_refused(limit, served):
    limits = np.array([1, np.nan, limit, 1, 1], "float32")
    with pytest.raises(RuntimeError, match="truncation: expected a number above 0, or NaN for none, received"):
        served["gan"].ask("generate", asked(limits))


@pytest.mark.parametrize(("name", "curved"), [("gan", True), ("autoencoder", False)])
def test_interpolate_goes_where_a_walk_goes(name, curved, published, served):
    model = published[1][name]
    ends = np.array([5, 6], "int64")
    stops = array(model.from_noise(_noise(ends, model.noise_dim)))
    way = latents.walk(stops, 4, curved)[:5]  # in quarters, both ends among them
    inputs = {
        "seed": np.full(5, 5),
        "to_seed": np.full(5, 6),
        "fraction": np.linspace(0, 1, 5, dtype="float32"),
        "truncation": np.full(5, np.nan, "float32"),
    }
    images = served[name].ask("interpolate", inputs)["images"]
    near(images, model.decode(way))
    generated = served[name].ask("generate", {"seed": ends, "truncation": inputs["truncation"][:2]})["images"]
    np.testing.assert_array_equal(images[[0, -1]], generated)
    assert not np.array_equal(images[0], images[-1])


@pytest.mark.parametrize("fraction", [-0.1, 1.1, np.nan])
def test_a_fraction_that_is_none_is_refused(fraction, served):
    way = {"to_seed": SEEDS, "fraction": np.full(5, fraction, "float32")}
    with pytest.raises(RuntimeError, match="fraction: expected 0 to 1, received"):
        served["gan"].ask("interpolate", asked(**way))


def test_a_conditional_model_is_asked_by_name(published, served):
    model, served = published[1]["conditional"], served["conditional"]
    rows = model.conditions.encode({"species": [1, 1, 0], "hat": [1, 1, 0], "age": [100.0, 100.0, 0.0]})
    seeds = np.array([7, 8, 7], "int64")
    given = {
        "seed": seeds,
        "species": np.array(["orc", "orc", "elf"]),
        "hat": np.array(["yes", "yes", "no"]),
        "age": np.array([100.0, 100.0, 0.0], "float32"),
        "truncation": np.full(3, np.nan, "float32"),
    }
    nothing = given | {name: np.array([""] * 3) for name in ("species", "hat")} | {"age": np.full(3, np.nan, "f4")}
    by_rows = served.ask("serving_default", {"latents": LATENTS[:3], "conditions": rows})["images"]
    np.testing.assert_allclose(by_rows, array(model([LATENTS[:3], rows])), atol=1e-5)
    by_name = served.ask("generate", given)["images"]
    near(by_name, model.decode(array(_noise(seeds, LATENT_DIM)), rows))
    drawn = served.ask("generate", nothing)["images"]
    np.testing.assert_array_equal(drawn[0], drawn[2])  # the seed draws what is left open
    assert not np.array_equal(drawn[0], drawn[1])
    # On a way, what is left open is that of its beginning.
    way = nothing | {"to_seed": seeds[::-1].copy() + 1, "fraction": np.zeros(3, "float32")}
    np.testing.assert_array_equal(served.ask("interpolate", way)["images"], drawn)


def test_images_to_discriminate(published, served):
    gan = published[1]["gan"]
    logits = served["gan"].ask("discriminate", {"images": IMAGES})["logits"]
    np.testing.assert_allclose(logits, array(gan.discriminator(IMAGES / 127.5 - 1)), atol=1e-5)


def test_discriminate_takes_conditions_by_name():
    conditions = make_conditions()
    discriminator = networks.mlp.discriminator(IMAGE_SHAPE, conditions.width, widths=(16,))
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, conditions.width, widths=(16,))
    served = signatures(GAN(generator, discriminator, conditions=conditions), discriminator=True)["discriminate"]
    assert [spec.name for spec in served.inputs] == ["images", "species", "hat", "age"]
    # What is not said of an image is missing, as it may be in training.
    rows = conditions.encode({"species": [1, -1], "hat": [-1, 1], "age": [50.0, np.nan]})
    logits = served.function(
        IMAGES[:2], tf.constant(["orc", ""]), tf.constant(["", "yes"]), tf.constant([50.0, np.nan])
    )
    expected = array(discriminator([IMAGES[:2] / 127.5 - 1, rows]))
    np.testing.assert_allclose(array(logits["logits"]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_conditional_gan, "expected a discriminator that scores single images, received one of packs of 2"),
        (make_autoencoder, "expected a GAN whose discriminator to keep"),
    ],
)
def test_a_discriminator_that_cannot_be_kept(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export.publish(make(), tmp_path, "model", discriminator=True)
    assert list(tmp_path.iterdir()) == []


def test_names_of_inputs_are_names_in_any_language():
    names = {
        "hair colour": "hair_colour",
        "seed": "condition_seed",
        "hair-colour": "condition_hair_colour",
        "2": "condition_2",
        "class": "condition_class",
        "self": "condition_self",
        "Seed": "condition_condition_Seed",
        "HAIR_colour": "condition_condition_HAIR_colour",
        "größe": "gr__e",
        "grüße": "condition_gr__e",
        "身長": "condition_11",
        "体重": "condition_12",
    }
    assert request_names(names) == names
    gan = make_gan()
    gan._declared = (*gan.inputs, Conditions([Categorical(name, ["no", "yes"]) for name in names]))
    assert gan.request_names == names


def served_rows(conditions, *values, seeds):
    """The tensor of what a request asks for, as in `generate`."""
    read = zip(conditions.requests().values(), values, strict=True)
    indices = [_index(request, value) if request.choices else value for request, value in read]
    return conditions.from_request(indices, _drawer(seeds))


def test_rows_left_open_are_those_of_the_examples():
    hat, age = Categorical("hat", ["no", "yes"]), Continuous("age", 0, 100, knots=3)
    conditions = Conditions([hat, age], examples={"hat": [0, 1, -1], "age": [0.0, 75.0, np.nan]})
    texts, numbers = tf.constant([""] * 600), tf.fill([600], np.nan)
    rows = array(served_rows(conditions, texts, numbers, seeds=tf.range(600, dtype=tf.int64)))
    found, counts = np.unique(rows, axis=0, return_counts=True)
    # By hand: 0 is the first knot, 75 lies half-way between the second and the third; what is missing is zeros.
    assert found.tolist() == [[0, 0, 0, 0, 0], [0, 1, 0, 0.5, 0.5], [1, 0, 1, 0, 0]]
    assert counts.min() > 150  # 200 of each are expected, with a deviation of 11.5


def test_what_is_not_known_is_refused_by_the_served_model():
    conditions = Conditions([Categorical("hat", ["no", "yes"])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="hat: expected one of no, yes, or nothing, received"):
        served_rows(conditions, tf.constant(["maybe"]), seeds=tf.constant([1], tf.int64))


def test_autoencoder_signatures(published, served):
    model, served = published[1]["autoencoder"], served["autoencoder"]
    codes = model.encode(IMAGES)
    near(served.ask("serving_default", {"images": IMAGES})["reconstructions"], model.reconstruct(IMAGES))
    np.testing.assert_allclose(served.ask("encode", {"images": IMAGES})["codes"], codes, atol=1e-5)
    near(served.ask("decode", {"codes": codes})["images"], model.decode(codes))


def test_a_request_of_no_rows_is_answered(served):
    nothing = {"seed": SEEDS[:0], "truncation": LIMITS[:0]}
    assert served["gan"].ask("generate", nothing)["images"].shape == (0, *IMAGE_SHAPE)


def test_sampling_an_export_truncates(published):
    folder, models = published
    images = sampling.sample(folder / "gan", 3, seed=1, truncation=0.5)
    seeds = np.random.default_rng(1).integers(0, 2**53, 3)
    near(images, models["gan"].decode(latents.truncate(array(_noise(seeds, LATENT_DIM)), 0.5)))
    with pytest.raises(ValueError, match="expected a truncation above 0"):
        sampling.sample(folder / "gan", 3, truncation=0.0)


NAMES = ("seed", "hair_colour", "hair [colour]", "class", "self", "身長", "Hair_Colour")


@pytest.fixture(scope="module")
def oddly_named(tmp_path_factory):
    """A GAN whose attributes' names are no names of inputs, and the folder that it was exported to."""
    conditions = Conditions([Categorical(name, ["no", 'a "yes"']) for name in NAMES])
    discriminator = networks.mlp.discriminator(IMAGE_SHAPE, conditions.width, widths=(16,))
    generator = networks.mlp.generator(IMAGE_SHAPE, LATENT_DIM, conditions.width, widths=(16,))
    gan = GAN(generator, discriminator, conditions=conditions)
    folder = tmp_path_factory.mktemp("oddly") / "gan"
    export.publish(gan, folder.parent, "gan")
    return gan, folder


@pytest.mark.parametrize("asked", NAMES)
def test_sampling_asks_an_export_by_the_names_of_attributes(asked, oddly_named):
    gan, folder = oddly_named
    where = {name: 'a "yes"' if name == asked else "no" for name in NAMES}
    images = sampling.sample(folder, 3, seed=1, where=where)
    seeds = np.random.default_rng(1).integers(0, 2**53, 3)
    near(images, gan.decode(array(_noise(seeds, LATENT_DIM)), gan.conditions.rows(3, seed=0, where=where)))


def test_what_an_export_does_not_know_is_said_by_the_names_of_attributes(oddly_named):
    _, folder = oddly_named
    wrong = 'may"be'
    for name in ("hair_colour", "hair [colour]", "身長"):
        said = f'unknown {name} {wrong!r}: expected one of no, a "yes"'
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            sampling.sample(folder, 1, where={name: wrong})
    with pytest.raises(ValueError, match=r"^unknown attribute 'hat': expected one of seed, hair_colour, hair \[colour"):
        sampling.sample(folder, 1, where={"hat": "no"})


def test_the_readme_says_which_input_is_which_attribute(oddly_named):
    text = (oddly_named[1] / "README.md").read_text()
    assert "- `condition_6`: the attribute 身長, one of `no`" in text
    assert "- `hair_colour`: one of `no`" in text


class Sketch(Picture):
    """A user's kind of input, which does not say again what it is called."""

    @property
    def row(self):
        return Request("uint8", self.shape, about="lines.")


def test_pictures_are_asked_for_by_their_own_names(tmp_path):
    sketches = [Sketch("my sketch", (8, 12, 1)), Picture("帽子", (8, 12, 2))]
    inputs = [keras.Input((LATENT_DIM,)), *(keras.Input(each.shape) for each in sketches)]
    maps = [keras.layers.Reshape(IMAGE_SHAPE)(keras.layers.Dense(8 * 12 * 3)(inputs[0])), *inputs[1:]]
    images = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(keras.layers.Concatenate()(maps))
    both = [keras.Input(IMAGE_SHAPE), *(keras.Input(each.shape) for each in sketches)]
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(keras.layers.Concatenate()(both)))
    gan = GAN(keras.Model(inputs, images), keras.Model(both, logits), inputs=sketches)
    export.publish(gan, tmp_path, "gan")
    given = {"my sketch": IMAGES[..., :1], "帽子": IMAGES[..., :2]}
    seeds = np.random.default_rng(1).integers(0, 2**53, 5)
    made = sampling.sample(tmp_path / "gan", 5, seed=1, given=given)
    near(made, gan.decode(array(_noise(seeds, LATENT_DIM)), *given.values()))
    with pytest.raises(ValueError, match="expected my sketch, 帽子 to be given, received nothing"):
        sampling.sample(tmp_path / "gan", 5)
    text = (tmp_path / "gan" / "README.md").read_text()
    assert "- `my_sketch`: lines." in text
    assert "- `condition_2`: the input 帽子, a picture, uint8" in text


class OwnGAN(GAN):
    """A user's class that nobody registered."""


def test_what_only_training_needs_stays_behind(tmp_path):
    networks_of_gan = make_gan()
    gan = OwnGAN(networks_of_gan.generator, networks_of_gan.discriminator)
    size = sum(path.stat().st_size for path in (export.publish(gan, tmp_path, "gan") / "variables").iterdir())
    parameters = gan.generator.count_params()
    assert 4 * parameters < size < 4 * parameters + 4096


def test_bfloat16_models_serve_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = make_gan()
        version = export.publish(gan, tmp_path, "gan")
    finally:
        keras.config.set_dtype_policy("float32")
    in_float32 = make_gan()
    in_float32.set_weights(gan.get_weights())
    images = CSavedModel(str(version)).ask("serving_default", {"latents": LATENTS})["images"]
    np.testing.assert_allclose(images, array(in_float32(LATENTS)), atol=1e-5)


def test_other_models_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="expected a GAN, an Autoencoder or another Generative model, received Functional"
    ):
        export.publish(make_gan().generator, tmp_path, "generator")
