"""Exports as a server sees them: other processes, no keras_gen, nothing half-written."""

import io
import os
import pickle
import shutil
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gen import export, sampling
from keras_gen.conditions import Categorical, Conditions, Continuous
from keras_gen.export import publishing, verification
from keras_gen.export.signatures import _conditions, _input_names, _noise
from keras_gen.gan import GAN
from keras_gen.priors import Mixture
from tests.conftest import IMAGE_SHAPE, LATENT_DIM, MODELS, make_autoencoder, make_conditional_gan, make_gan
from tests.contracts import array

SEEDS = np.array([3, 2**53, 0, 3, 41], "int64")
LATENTS = np.random.default_rng(1).standard_normal((5, LATENT_DIM)).astype("float32")
IMAGES = np.random.default_rng(2).integers(0, 256, (5, *IMAGE_SHAPE)).astype("uint8")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The folder of exported models and the two models in it."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("saved_models")
    models = {"gan": make_gan(), "autoencoder": make_autoencoder()}
    for name, model in models.items():
        assert export.publish(model, folder, name) == folder / name / "1"
    return folder, models


def ask(saved_model, scratch, *questions):
    """Loads a model in a process without keras_gen and puts questions (signature, input name, array) to it.

    Several inputs are a dict of arrays by name in place of the input's name, and None. Returns the outputs of each
    question, a dict of arrays by name.
    """
    program = """
        import pickle, sys
        import tensorflow as tf
        saved_model, path = sys.argv[1:]
        with open(path, "rb") as file:
            questions = pickle.load(file)
        signatures = tf.saved_model.load(saved_model).signatures
        answers = []
        for signature, name, value in questions:
            inputs = name if isinstance(name, dict) else {name: value}
            answers.append(signatures[signature](**{key: tf.constant(array) for key, array in inputs.items()}))
        assert "keras_gen" not in sys.modules
        with open(path, "wb") as file:
            pickle.dump([{name: value.numpy() for name, value in answer.items()} for answer in answers], file)
    """
    path = scratch / "exchange.pickle"
    path.write_bytes(pickle.dumps(questions))
    subprocess.run([sys.executable, "-I", "-c", textwrap.dedent(program), saved_model, path], check=True)
    return pickle.loads(path.read_bytes())


@pytest.fixture(scope="module")
def gan_answers(published, tmp_path_factory):
    folder, _ = published
    return ask(
        folder / "gan" / "1",
        tmp_path_factory.mktemp("answers"),
        ("serving_default", "latents", LATENTS),
        ("generate", "seed", SEEDS),
        ("generate", "seed", SEEDS[1:2]),
        ("generate_png", "seed", SEEDS),
    )


def test_gan_default_signature(published, gan_answers):
    assert set(gan_answers[0]) == {"images"}
    np.testing.assert_allclose(gan_answers[0]["images"], array(published[1]["gan"](LATENTS)), atol=1e-5)


def test_generate_draws_each_row_from_its_own_seed(gan_answers):
    batch, alone = gan_answers[1]["images"], gan_answers[2]["images"]
    assert batch.shape == (5, *IMAGE_SHAPE)
    assert batch.dtype == np.uint8
    np.testing.assert_array_equal(batch[0], batch[3])
    assert len({image.tobytes() for image in batch}) == 4
    np.testing.assert_array_equal(alone[0], batch[1])


def test_an_autoencoder_with_a_prior_generates(tmp_path):
    keras.utils.set_random_seed(0)
    autoencoder = make_autoencoder()
    codes = np.random.default_rng(0).normal(size=(200, LATENT_DIM)) * np.arange(1, LATENT_DIM + 1)
    autoencoder.prior = Mixture(LATENT_DIM, components=3).fit(codes)
    export.publish(autoencoder, tmp_path, "autoencoder")
    (answer,) = ask(tmp_path / "autoencoder" / "1", tmp_path, ("generate", "seed", SEEDS))
    noise = array(_noise(SEEDS, LATENT_DIM + 1))
    expected = autoencoder.decode(array(autoencoder.prior(noise)))
    np.testing.assert_allclose(answer["images"].astype(int), expected, atol=1)
    np.testing.assert_array_equal(answer["images"][0], answer["images"][3])  # the same seed in another row


def test_an_autoencoder_without_a_prior_does_not(published):
    with pytest.raises(ValueError, match="expected a model with the signature `generate`"):
        sampling.sample(published[0] / "autoencoder", 1)


def test_generate_is_the_generator_on_the_drawn_noise(published, gan_answers):
    expected = published[1]["gan"].decode(array(_noise(SEEDS, LATENT_DIM)))
    assert np.abs(gan_answers[1]["images"].astype(int) - expected).max() <= 1


def test_generate_png_holds_the_same_images(gan_answers):
    for png, image in zip(gan_answers[3]["image_bytes"], gan_answers[1]["images"], strict=True):
        with Image.open(io.BytesIO(png)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)


def test_generated_latents_are_standard_normal():
    drawn = array(_noise(np.arange(400), 50))
    # 20,000 numbers: the mean is within 4 standard errors (0.0071) of 0, the variance (0.01) of 1.
    assert abs(drawn.mean()) < 4 * 0.0071
    assert abs(drawn.var() - 1) < 4 * 0.01
    assert np.abs(np.corrcoef(drawn.T) - np.eye(50)).max() < 5 / np.sqrt(400)


def test_a_conditional_model_is_asked_by_name(tmp_path):
    model = make_conditional_gan()
    export.publish(model, tmp_path, "conditional")
    rows = model.conditions.encode({"species": [1, 1, 0], "hat": [1, 1, 0], "age": [100.0, 100.0, 0.0]})
    seeds = np.array([7, 8, 7], "int64")
    asked = {
        "seed": seeds,
        "species": np.array(["orc", "orc", "elf"]),
        "hat": np.array(["yes", "yes", "no"]),
        "age": np.array([100.0, 100.0, 0.0], "float32"),
    }
    nothing = {"seed": seeds, "species": np.array([""] * 3), "hat": np.array([""] * 3), "age": np.full(3, np.nan, "f4")}
    by_rows, by_name, alone, png, drawn = ask(
        tmp_path / "conditional" / "1",
        tmp_path,
        ("serving_default", {"latents": LATENTS[:3], "conditions": rows}, None),
        ("generate", asked, None),
        ("generate", {name: values[1:2] for name, values in asked.items()}, None),
        ("generate_png", asked, None),
        ("generate", nothing, None),
    )
    np.testing.assert_allclose(by_rows["images"], array(model([LATENTS[:3], rows])), atol=1e-5)
    expected = model.decode(array(_noise(seeds, LATENT_DIM)), rows)
    assert np.abs(by_name["images"].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(alone["images"][0], by_name["images"][1])
    with Image.open(io.BytesIO(png["image_bytes"][0])) as picture:
        np.testing.assert_array_equal(np.asarray(picture), by_name["images"][0])
    np.testing.assert_array_equal(drawn["images"][0], drawn["images"][2])  # the seed draws what is left open
    assert not np.array_equal(drawn["images"][0], drawn["images"][1])


def test_names_of_inputs_are_names_in_any_language():
    conditions = Conditions([Categorical(name, ["no", "yes"]) for name in ("hair colour", "seed", "hair-colour", "2")])
    names = _input_names(conditions)
    assert names == ["hair_colour", "condition_seed", "condition_hair_colour", "condition_2"]


def test_rows_left_open_are_those_of_the_examples():
    hat, age = Categorical("hat", ["no", "yes"]), Continuous("age", 0, 100, knots=3)
    conditions = Conditions([hat, age], examples={"hat": [0, 1, -1], "age": [0.0, 75.0, np.nan]})
    texts, numbers = tf.constant([""] * 600), tf.fill([600], np.nan)
    rows = array(_conditions(conditions, tf.range(600, dtype=tf.int64), (texts, numbers)))
    found, counts = np.unique(rows, axis=0, return_counts=True)
    # By hand: 0 is the first knot, 75 lies half-way between the second and the third; what is missing is zeros.
    assert found.tolist() == [[0, 0, 0, 0, 0], [0, 1, 0, 0.5, 0.5], [1, 0, 1, 0, 0]]
    assert counts.min() > 150  # 200 of each are expected, with a deviation of 11.5


def test_what_is_not_known_is_refused_by_the_served_model():
    conditions = Conditions([Categorical("hat", ["no", "yes"])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="hat: expected one of no, yes, or nothing, received"):
        _conditions(conditions, tf.constant([1], tf.int64), (tf.constant(["maybe"]),))


def test_autoencoder_signatures(published, tmp_path):
    folder, models = published
    model = models["autoencoder"]
    codes = model.encode(IMAGES)
    reconstructed, encoded, decoded = ask(
        folder / "autoencoder" / "1",
        tmp_path,
        ("serving_default", "images", IMAGES),
        ("encode", "images", IMAGES),
        ("decode", "codes", codes),
    )
    assert reconstructed["reconstructions"].dtype == decoded["images"].dtype == np.uint8
    assert np.abs(reconstructed["reconstructions"].astype(int) - model.reconstruct(IMAGES)).max() <= 1
    np.testing.assert_allclose(encoded["codes"], codes, atol=1e-5)
    assert np.abs(decoded["images"].astype(int) - model.decode(codes)).max() <= 1


def test_versions_count_up_and_foreign_folders_are_ignored(published):
    folder, models = published
    (folder / "gan" / "canary").mkdir()
    (folder / "gan" / "7").mkdir()
    (folder / "gan" / "009").mkdir()
    assert export.publish(models["gan"], folder, "gan") == folder / "gan" / "8"
    assert sorted(path.name for path in (folder / "gan").iterdir()) == ["009", "1", "7", "8", "canary"]


def test_two_exporters_never_share_a_version(tmp_path, monkeypatch):
    home = tmp_path / "gan"
    for name in ("a", "b"):
        (home / name).mkdir(parents=True)
        (home / name / "saved_model.pb").write_text(name)
    # Both looked before either had renamed: version 1 seems free to the second one, too.
    answers = iter([[], [], [1]])
    monkeypatch.setattr(publishing, "published_versions", lambda home: next(answers))
    assert publishing._claim_version(home / "a", home) == home / "1"
    assert publishing._claim_version(home / "b", home) == home / "2"
    assert (home / "1" / "saved_model.pb").read_text() == "a"


def test_discriminator_and_optimizers_stay_behind(published):
    folder, models = published
    size = sum(path.stat().st_size for path in (folder / "gan" / "1" / "variables").iterdir())
    parameters = models["gan"].generator.count_params()
    assert 4 * parameters < size < 4 * parameters + 4096


def cases_of(model, folder):
    return publishing._write(model, folder / "model")


def test_a_damaged_export_is_refused(tmp_path):
    gan = make_gan()
    cases = cases_of(gan, tmp_path)
    verification.verify(tmp_path / "model", cases, tmp_path)
    # The Python model answers for one changed weight.
    kernel = gan.generator.layers[1].kernel
    kernel.assign(kernel + keras.ops.one_hot(0, LATENT_DIM)[:, None] * 0.1)
    (tmp_path / "other").mkdir()
    with pytest.raises(export.VerificationError, match="serving_default/images: differs from the Python model by"):
        verification.verify(tmp_path / "model", cases_of(gan, tmp_path / "other"), tmp_path)


def test_an_export_without_its_weights_is_refused(tmp_path):
    cases = cases_of(make_gan(), tmp_path)
    (tmp_path / "model" / "variables" / "variables.data-00000-of-00001").unlink()
    with pytest.raises(export.VerificationError, match="the SavedModel failed its check"):
        verification.verify(tmp_path / "model", cases, tmp_path)


@pytest.mark.parametrize("family", MODELS)
def test_a_diverged_model_is_refused_and_leaves_nothing(family, tmp_path):
    model = MODELS[family]()
    last = model.trainable_variables[-1]  # of the discriminator or the decoder: the outputs may not even show it
    last.assign(np.full(last.shape, np.nan))
    with pytest.raises(export.VerificationError, match="the model has diverged: not all numbers in"):
        export.publish(model, tmp_path, "model")
    assert list(tmp_path.iterdir()) == []


def test_large_codes_are_compared_on_their_own_scale():
    expected = np.array([1000.0, 0.0], "float32")
    assert verification._compare("codes", expected + np.float32(0.005), expected) == pytest.approx(0.005, rel=0.1)
    with pytest.raises(SystemExit, match="codes: differs from the Python model by 0"):
        verification._compare("codes", expected + np.float32(0.02), expected)


class OwnGAN(GAN):
    """A user's class that nobody registered."""


def test_a_class_of_ones_own_is_exported(tmp_path):
    gan = make_gan()
    assert export.publish(OwnGAN(gan.generator, gan.discriminator), tmp_path, "own") == tmp_path / "own" / "1"


def test_bfloat16_models_serve_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = make_gan()
        version = export.publish(gan, tmp_path, "gan")
    finally:
        keras.config.set_dtype_policy("float32")
    in_float32 = make_gan()
    in_float32.set_weights(gan.get_weights())
    (served,) = ask(version, tmp_path, ("serving_default", "latents", LATENTS))
    np.testing.assert_allclose(served["images"], array(in_float32(LATENTS)), atol=1e-5)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-option", "new\nline"])
def test_names_that_are_no_folder_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="expected a model name of letters"):
        export.publish(make_gan(), tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_other_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a GAN or an Autoencoder to export, received Functional"):
        export.publish(make_gan().generator, tmp_path, "generator")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        export.publish(make_gan(), tmp_path / "file", "gan")


def test_the_check_needs_no_keras_gen(published, tmp_path):
    # The program is run by its path: a folder with nothing but it must do.
    _, models = published
    program = tmp_path / "verification.py"
    shutil.copy(verification.__file__, program)
    cases = cases_of(models["autoencoder"], tmp_path)
    arrays = {f"{signature}/{name}": array for signature, case in cases.items() for name, array in case.items()}
    np.savez(tmp_path / "cases.npz", **arrays)
    command = [sys.executable, "-I", program, tmp_path / "model", tmp_path / "cases.npz"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=os.sep)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("3 signatures agree with Python: floats to ")
