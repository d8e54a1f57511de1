"""What clients of a server get: TF Serving's own request formats, spoken over the loopback, as the docs write them."""

import base64
import functools
import io
import itertools
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from keras_gen import export, networks
from keras_gen.export import signatures, warm_up
from keras_gen.export.runtimes import CSavedModel
from keras_gen.inputs import Categorical, Conditions
from keras_gen.models.gan import GAN
from tests.commands import ROOT
from tests.conftest import make_autoencoder
from tests.serving import REAL, loopback, model_config, tensorflow_model_server

DIGITS = [str(digit) for digit in range(10)]
SEEDS = list(range(1, 601))
OPERATORS_CONFIG = 'model_config_list { config { name: "ae" base_path: "/mine" model_platform: "tensorflow" } }'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder of a conditional GAN of the article's size, so that its sums are long enough to depend on batches."""
    keras.utils.set_random_seed(0)
    conditions = Conditions([Categorical("label", DIGITS)])
    generator = networks.mlp.generator((28, 28, 1), 100, conditions.width)
    gan = GAN(generator, networks.mlp.discriminator((28, 28, 1), conditions.width), conditions=conditions)
    folder = tmp_path_factory.mktemp("saved_models")
    return export.publish(gan, folder, "digits", discriminator=True).parent


@pytest.fixture(scope="module")
def autoencoder_home(tmp_path_factory):
    """The folder of an autoencoder without a prior, in which an operator was before."""
    home = tmp_path_factory.mktemp("saved_models") / "ae"
    home.mkdir()
    (home / "model.config").write_text(OPERATORS_CONFIG)
    return export.publish(make_autoencoder(), home.parent, "ae").parent


@pytest.fixture(scope="module")
def saved_model(home):
    return CSavedModel(str(home / "1"))


@pytest.fixture(scope="module", params=["loopback", REAL])
def server(request, home, tmp_path_factory):
    """Address and, of the loopback server, the model: the same tests for both."""
    if request.param == REAL and not shutil.which(REAL):
        pytest.skip(f"no {REAL} here")
    serve = (
        loopback(home) if request.param == "loopback" else tensorflow_model_server(home, tmp_path_factory.mktemp(REAL))
    )
    with serve as found:
        yield found


def post(address, body, name="digits"):
    """The answer to a REST request, or the error's."""
    url = f"http://127.0.0.1:{address.rest}/v1/models/{name}:predict"
    try:
        with urllib.request.urlopen(url, json.dumps(body).encode()) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)[..., None]


def generate(saved_model, request):
    """What a request for pictures must get."""
    inputs = request["inputs"]
    return saved_model.ask(
        "generate",
        {
            "seed": np.array(inputs["seed"], "int64"),
            "truncation": np.array(inputs["truncation"], "float32"),
            "label": np.array(inputs["label"]),
        },
    )["images"]


def blocks(path, language):
    """The fenced blocks of a page."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def here(text, address):
    """The same request to the ports on which the server of the tests listens."""
    return text.replace("localhost:8501", f"127.0.0.1:{address.rest}").replace(
        "localhost:8500", f"127.0.0.1:{address.grpc}"
    )


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_curl_as_documented(home, server, saved_model):
    pages = [home / "README.md", ROOT / "README.md", ROOT / "docs" / "serving.md"]
    commands = [
        line for page in pages for block in blocks(page, "") for line in block.splitlines() if "curl -d" in line
    ]
    assert len(commands) >= len(pages)
    for command in commands:
        request = json.loads(re.search(r"-d '(.*?)' ", command)[1])
        assert request["signature_name"] == "generate_png"
        process = subprocess.run(here(command, server[0]), shell=True, capture_output=True, check=True)
        answered = [pixels(base64.b64decode(png["b64"])) for png in json.loads(process.stdout)["outputs"]]
        np.testing.assert_array_equal(answered, generate(saved_model, request))


def test_python_as_documented(home, server, saved_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rest, grpc = (here(block, server[0]) for block in blocks(home / "README.md", "python"))
    names = {}
    exec(rest, names)
    expected = generate(saved_model, names["request"])
    written = [pixels(path.read_bytes()) for path in sorted(tmp_path.iterdir())]
    np.testing.assert_array_equal(written, expected)
    exec(grpc, names)
    np.testing.assert_array_equal(names["images"], expected)
    assert names["images"].dtype == np.uint8


def test_python_without_a_server_as_documented(home):
    (block,) = blocks(ROOT / "docs" / "serving.md", "python")
    names = {}
    exec(block.replace("saved_models/digits", str(home)), names)
    assert names["images"].shape == (2, 28, 28, 1)


def test_rows_and_columns_ask_the_same(server, saved_model):
    columns = {"seed": [4, 5], "truncation": [1.0, 9.0], "label": ["3", ""]}
    rows = [{name: values[row] for name, values in columns.items()} for row in range(2)]
    by_columns = post(server[0], {"signature_name": "generate", "inputs": columns})
    by_rows = post(server[0], {"signature_name": "generate", "instances": rows})
    assert by_columns["outputs"] == by_rows["predictions"]
    np.testing.assert_array_equal(by_columns["outputs"], generate(saved_model, {"inputs": columns}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": ["x", "3"]}, "label: expected one of 0, 1, 2"),
        ({"truncation": [1.0, 0.0]}, "truncation: expected a number above 0, or NaN for none, received"),
        ({"seed": None}, "seed"),
    ],
)
def test_what_cannot_be_asked_is_refused(change, message, server):
    inputs = {"seed": [1, 2], "truncation": [9.0, 9.0], "label": ["", ""]} | change
    inputs = {name: values for name, values in inputs.items() if values}
    assert message in post(server[0], {"signature_name": "generate", "inputs": inputs})["error"]


def test_a_thousand_clients_get_the_pictures_of_one(server, saved_model):
    address, model = server
    alone = {}
    for seed in SEEDS:
        request = {"seed": [seed], "truncation": [1.5], "label": [DIGITS[seed % 10]]}
        alone[seed] = generate(saved_model, {"inputs": request})[0]
    draw = np.random.default_rng(0)
    requests = [draw.choice(SEEDS, size).tolist() for size in draw.choice([1, 1, 2, 3, 5, 8, 13, 60], 1000)]

    def client(seeds):
        inputs = {"seed": seeds, "truncation": [1.5] * len(seeds), "label": [DIGITS[seed % 10] for seed in seeds]}
        answer = post(address, {"signature_name": "generate_png", "inputs": inputs})["outputs"]
        return [pixels(base64.b64decode(png["b64"])) for png in answer]

    with ThreadPoolExecutor(50) as clients:
        for seeds, images in zip(requests, clients.map(client, requests), strict=True):
            np.testing.assert_array_equal(images, [alone[seed] for seed in seeds])
    if model:
        assert max(model.merged) > 3, "requests were answered together"


def test_labels_lead_to_their_versions(home, autoencoder_home, tmp_path):
    """The configuration that the README gives for a canary: a GAN that is to be replaced by an autoencoder."""
    copy = tmp_path / "digits"
    shutil.copytree(home, copy)
    shutil.copytree(autoencoder_home / "1", copy / "2")
    (labelled,) = (block for block in blocks(home / "README.md", "") if "canary" in block)
    (copy / "model.config").write_text(labelled)
    questions = {
        "stable": {
            "signature_name": "serving_default",
            "inputs": {"latents": [[0.0] * 100], "conditions": [[0.0] * 10]},
        },
        "canary": {"signature_name": "decode", "inputs": [[0.0] * 4]},
    }
    with loopback(copy) as (address, _):
        for (label, question), other in zip(questions.items(), ("canary", "stable"), strict=True):
            assert "outputs" in post(address, question, f"digits/labels/{label}")
            assert "error" in post(address, question, f"digits/labels/{other}")
        assert "outputs" in post(address, questions["canary"]), "the newest version"
        assert "Servable not found" in post(address, questions["canary"], "digits/labels/none")["error"]


def test_the_files_beside_the_versions_are_the_servers_to_read(home):
    config = model_config(home / "model.config")
    assert (config.name, config.base_path, config.model_platform) == ("digits", "/models/digits", "tensorflow")
    batching = (home / "batching.config").read_text()
    sizes = [int(size) for size in re.findall(r"^allowed_batch_sizes: (\d+)$", batching, flags=re.MULTILINE)]
    # What TF Serving asks for: ascending, and the last one is the largest batch.
    assert sizes == sorted(sizes)
    assert f"max_batch_size {{ value: {sizes[-1]} }}" in batching


def test_an_export_leaves_the_operators_files_alone(autoencoder_home):
    assert (autoencoder_home / "model.config").read_text() == OPERATORS_CONFIG


def test_the_readme_of_an_autoencoder_asks_for_what_it_has(autoencoder_home):
    rest, grpc = blocks(autoencoder_home / "README.md", "python")
    with loopback(autoencoder_home) as (address, _):
        names = {}
        exec(here(rest, address), names)
        exec(here(grpc, address), names)
    assert names["images"].shape == (3, 8, 12, 3)


def warm_up_requests(version):
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


def test_warm_up_requests_are_those_of_the_official_messages(home):
    records = warm_up_requests(home / "1")
    assert len(records) <= 1000  # as many as TF Serving takes
    asked = set()
    for record in records:
        log = prediction_log_pb2.PredictionLog.FromString(record)
        again = prediction_log_pb2.PredictionLog()
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "digits"
        request.model_spec.signature_name = log.predict_log.request.model_spec.signature_name
        for name, tensor in log.predict_log.request.inputs.items():
            request.inputs[name].CopyFrom(tensor)
        again.predict_log.request.CopyFrom(request)
        assert again.SerializeToString(deterministic=True) == record, text_format.MessageToString(log)
        (rows,) = {tensor.tensor_shape.dim[0].size for tensor in request.inputs.values()}
        asked.add((request.model_spec.signature_name, rows))
    signatures = ["serving_default", "generate", "generate_png", "interpolate", "discriminate"]
    assert asked == set(itertools.product(signatures, warm_up.BATCHES))


def test_warm_up_requests_are_answered(home, saved_model):
    for record in warm_up_requests(home / "1"):
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        inputs = {name: array.astype("str") if array.dtype == object else array for name, array in inputs.items()}
        outputs = saved_model.ask(request.model_spec.signature_name, inputs)
        rows = len(next(iter(inputs.values())))
        assert {len(output) for output in outputs.values()} == {rows}


@pytest.mark.parametrize(("sides", "expected"), [((8, 12), [4, 4]), ((None, None), [1] * 5)], ids=["fixed", "free"])
def test_pictures_of_any_size_are_made_one_by_one(sides, expected):
    sizes = []

    def made(rows):
        tf.py_function(lambda num: sizes.append(int(num)), [tf.shape(rows)[0]], [])
        return rows + 1

    grouped = tf.function(functools.partial(signatures._in_groups, made))
    pictures = np.arange(5 * 96, dtype="uint8").reshape(5, 8, 12, 1)
    answer = grouped.get_concrete_function(tf.TensorSpec((None, *sides, 1), tf.uint8))(tf.constant(pictures))
    np.testing.assert_array_equal(answer, pictures + np.uint8(1))
    assert sizes == expected
