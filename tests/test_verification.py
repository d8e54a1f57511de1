"""Damaged exports are refused, by the exporter and whenever somebody looks again."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_gen import data, evaluation, export
from keras_gen.export import publishing, verification
from keras_gen.presets import AUTOENCODERS, GANS
from keras_gen.runs import autoencoder as autoencoder_story
from keras_gen.runs import gan as gan_story
from keras_gen.runs import preparation
from keras_gen.runs.options import AutoencoderOptions, GANOptions
from tests.commands import fail, succeed
from tests.conftest import LATENT_DIM, MODELS, make_gan

SHARD = "variables/variables.data-00000-of-00001"


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A version as it was published."""
    keras.utils.set_random_seed(0)
    return export.publish(make_gan(), tmp_path_factory.mktemp("saved_models"), "gan")


@pytest.fixture
def copy(version, tmp_path):
    """A version that a test may damage."""
    return shutil.copytree(version, tmp_path / "gan" / "1")


def test_the_files_are_those_that_sha256sum_checks(version):
    lines = (version / verification.SUMS).read_text().splitlines()
    assert len(lines) == sum(path.is_file() for path in version.rglob("*")) - 1  # all but itself
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((version / name).read_bytes()).hexdigest() == digest


@pytest.mark.all_runtimes
def test_three_runtimes_agree(version):
    line = export.verify(version)
    assert line.startswith("4 signatures agree with Python: tensorflow 4 (floats to ")
    assert all(runtime in line for runtime in verification.RUNTIMES)


def flip_a_bit(path, name=SHARD):
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_bit, f"{SHARD} has changed"),
        (lambda path: (path / SHARD).unlink(), f"{SHARD} is missing"),
        (lambda path: (path / "variables" / "more").write_text(""), "variables/more was not exported"),
        (lambda path: flip_a_bit(path, verification.CASES), "verification.npz has changed"),
        (lambda path: (path / verification.SUMS).unlink(), "does not say what it should answer"),
    ],
)
def test_files_that_are_not_those_of_the_export(damage, message, copy):
    damage(copy)
    with pytest.raises(export.VerificationError, match=message):
        export.verify(copy)


def change_a_weight(path):
    """Writes the variables again, one number of one of them another, as a checkpoint that is whole."""
    checkpoint = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    names = sorted(checkpoint.get_variable_to_shape_map())
    values = [checkpoint.get_tensor(name) for name in names]
    kernel = next(
        i for i, value in enumerate(values) if getattr(value, "dtype", None) == np.float32 and value.ndim == 2
    )
    values[kernel][0, 0] += 0.1
    prefix = str(path / "variables" / "variables")
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)


def change_a_type(path):
    """Says that seeds are of another type than they are."""
    file = path / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    saved.meta_graphs[0].signature_def["generate"].inputs["seed"].dtype = tf.int32.as_datatype_enum
    file.write_bytes(saved.SerializeToString())


@pytest.mark.parametrize("runtime", verification.RUNTIMES)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_a_weight, ": serving_default/images: differs from the Python model by"),
        (lambda path: (path / SHARD).unlink(), " cannot answer: "),
    ],
)
def test_each_runtime_refuses_what_is_not_the_model(runtime, damage, message, copy, monkeypatch):
    """As if the exporter had written it so: with checksums that fit."""
    damage(copy)
    verification.seal(copy)
    monkeypatch.setattr(verification, "RUNTIMES", [runtime])
    if runtime == "openvino" and "answer" in message:  # which may lack something: told, not refused
        assert "openvino cannot answer" in export.verify(copy)
        return
    with pytest.raises(export.VerificationError, match=f"^{runtime}{message}"):
        export.verify(copy)


def test_a_signature_of_another_type_is_refused(copy, monkeypatch):
    change_a_type(copy)
    verification.seal(copy)
    monkeypatch.setattr(verification, "RUNTIMES", ["c_api"])
    with pytest.raises(export.VerificationError, match="c_api cannot answer: TypeError: expected int32, received int"):
        export.verify(copy)


def test_a_seed_that_gives_other_bytes_elsewhere_is_refused(copy, monkeypatch):
    monkeypatch.setattr(verification, "RUNTIMES", ["c_api"])
    ask = verification._ask

    def depends_on_the_batch(*arguments):
        answers = ask(*arguments)
        for answer in answers[2::3]:  # the third question of each signature: more rows, in another order
            answer |= {name: value + np.uint8(1) for name, value in answer.items() if value.dtype == np.uint8}
        return answers

    monkeypatch.setattr(verification, "_ask", depends_on_the_batch)
    with pytest.raises(export.VerificationError, match="generate/images: the same seed gives other bytes in another"):
        export.verify(copy)


@pytest.mark.parametrize("value", [np.nan, 1.1])
def test_what_is_no_number_differs(value):
    ones = np.ones(3, "float32")
    with pytest.raises(export.VerificationError, match="codes: differs from the Python model by"):
        verification._difference("codes", ones * np.float32(value), ones)


def test_large_codes_are_compared_on_their_own_scale():
    expected = np.array([1000.0, 0.0], "float32")
    assert verification._difference("codes", expected + np.float32(0.5), expected) == pytest.approx(0.5, rel=0.1)
    with pytest.raises(export.VerificationError, match="codes: differs from the Python model by 2"):
        verification._difference("codes", expected + np.float32(2), expected)


def test_another_order_of_additions_is_no_difference():
    """A generator with numbers of about 50 inside, as one has after thousands of steps, in two orders of addition."""
    numbers = 50 * np.random.default_rng(0).standard_normal((4096, 32)).astype("float32")
    numbers = np.concatenate([numbers, -numbers + np.float32(0.02)], axis=1)  # what is left lies in [-1, 1]
    one_way, other_way = (np.cumsum(order, axis=1, dtype="float32")[:, -1] for order in (numbers, numbers[:, ::-1]))
    assert 1e-5 < verification._difference("images", one_way, other_way) < 1e-3
    with pytest.raises(export.VerificationError, match="images: differs from the Python model by 0"):
        verification._difference("images", one_way, other_way + np.float32(2e-3))


def test_bytes_and_types_are_compared():
    grey = np.full(2, 7, "uint8")
    assert verification._difference("images", grey + np.uint8(1), grey) == 1
    with pytest.raises(export.VerificationError, match="images: differs from the Python model by 2"):
        verification._difference("images", grey + np.uint8(2), grey)
    with pytest.raises(export.VerificationError, match=r"images: expected uint8 \(2,\), received int32 \(2,\)"):
        verification._difference("images", grey.astype("int32"), grey)


def test_nothing_is_published_that_does_not_answer_as_the_model(tmp_path, monkeypatch):
    gan = make_gan()
    record = publishing.record

    def record_of_another(saved_model, cases):
        case = cases["serving_default"]
        case["outputs/images"] = case["outputs/images"] + np.float32(0.01)
        record(saved_model, cases)

    monkeypatch.setattr(publishing, "record", record_of_another)
    with pytest.raises(
        export.VerificationError, match=r"serving_default/images: differs from the Python model by 0\.01"
    ):
        export.publish(gan, tmp_path, "gan")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("family", MODELS)
def test_a_diverged_model_is_refused_and_leaves_nothing(family, tmp_path):
    model = MODELS[family]()
    last = model.trainable_variables[-1]  # of the discriminator or the decoder: the outputs may not even show it
    last.assign(np.full(last.shape, np.nan))
    with pytest.raises(export.VerificationError, match="the model has diverged: not all numbers in"):
        export.publish(model, tmp_path, "model")
    assert list(tmp_path.iterdir()) == []


def test_the_runtimes_know_nothing_of_keras_gen(version, tmp_path):
    program = tmp_path / "runtimes.py"  # run by its path: a folder with nothing but it must do
    check = '    assert not {"tensorflow", "keras", "keras_gen"} & set(sys.modules)\n'
    program.write_text(Path(verification.runtimes.__file__).read_text() + check)
    np.savez(tmp_path / "questions.npz", **{"0/serving_default/latents": np.zeros((2, LATENT_DIM), "float32")})
    for name in verification.RUNTIMES[1:]:
        command = [sys.executable, "-P", program, name, version, tmp_path / "questions.npz", tmp_path / "answers.npz"]
        subprocess.run(command, check=True, capture_output=True)
        with np.load(tmp_path / "answers.npz") as answers:
            assert answers["0/images"].shape == (2, 8, 12, 3)


def test_the_command_checks_every_version(version, tmp_path):
    for number in (1, 2):
        shutil.copytree(version, tmp_path / "gan" / str(number))
    lines = succeed(tmp_path, "keras-gen", "verify", "gan/1").stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["gan/1"]
    flip_a_bit(tmp_path / "gan" / "2")
    assert f"gan/2: {SHARD} has changed" in fail(tmp_path, "keras-gen", "verify", "gan")
    assert "does not say what it should answer" in fail(tmp_path, "keras-gen", "verify", ".")


@pytest.mark.slow
@pytest.mark.all_runtimes
@pytest.mark.parametrize("preset", GANS)
def test_every_gan_is_verified(preset, tmp_path):
    images = data.load("mnist-sample")
    gan, batches = gan_story.build(GANOptions(preset=preset).resolve(GANS).suited_to(images.image_shape), images)
    gan.fit(batches, steps_per_epoch=2, shuffle=False, verbose=0)
    version = export.publish(gan, tmp_path, preset, discriminator=True)
    assert_all_agree(export.verify(version), "5 signatures", "")


@pytest.mark.slow
@pytest.mark.all_runtimes
@pytest.mark.parametrize("preset", AUTOENCODERS)
def test_every_autoencoder_is_verified(preset, tmp_path):
    images = data.load("mnist-sample")
    train, held_out = images.train.take(range(512)), images.train.take(range(512, 640))
    options = AutoencoderOptions(preset=preset).resolve(AUTOENCODERS)
    autoencoder = autoencoder_story.build(options, images)
    autoencoder.fit(preparation.batches(options, autoencoder, train), shuffle=False, verbose=0)
    evaluation.choose_prior(autoencoder, train, held_out, net=None)
    version = export.publish(autoencoder, tmp_path, preset)
    assert_all_agree(export.verify(version), "6 signatures", preset)


def assert_all_agree(line, signatures, preset):
    print(preset, line)
    assert line.startswith(f"{signatures} agree with Python: tensorflow {signatures[0]} (")
    assert f"c_api {signatures[0]} (" in line
    if preset == "vqvae":  # the nearest vector is found by Keras' argmin
        assert "openvino cannot answer: No conversion rule found for operations: Bitcast" in line
    else:
        assert "openvino 1 (" in line
