"""A server that speaks TF Serving's REST and gRPC on this machine, over TensorFlow's C library: for tests only.

It serves one folder of versions as its `model.config` says, and merges requests that come together as
`batching.config` allows: what a client gets must not depend on who else asks.
"""

import base64
import contextlib
import json
import queue
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from keras_gen.export import published_versions
from keras_gen.export.runtimes import CSavedModel

REAL = "tensorflow_model_server"


class Address(NamedTuple):
    """Where a server listens on this machine."""

    rest: int
    grpc: int


def model_config(path):
    """The configuration of the one model that a `model.config` is about, read by the official messages."""
    config = text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    return model


class Model:
    """The versions that a server has loaded."""

    def __init__(self, home):
        config = model_config(home / "model.config")
        policy, there = config.model_version_policy, published_versions(home)
        chosen = policy.specific.versions or there[-max(policy.latest.num_versions, 1) :]
        self.name = config.name
        self.labels = dict(config.version_labels)
        batching = (home / "batching.config").read_text()
        self.sizes = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", batching)]
        self.versions = {version: CSavedModel(str(home / str(version))) for version in chosen}
        self.merged = []  # how many requests were answered together, each time
        self._queues = {}
        self._lock = threading.Lock()

    def takes(self, version, signature):
        """The inputs of a signature: name → tensor and type."""
        if version not in self.versions:
            raise ValueError(f"Servable not found for request: Specific({self.name}, {version})")
        signatures = self.versions[version].signatures
        if signature not in signatures:
            raise ValueError(f"Serving signature name: {signature!r} not found in signature def")
        return signatures[signature][0]

    def ask(self, version, signature, inputs):
        """The outputs; ValueError for what cannot be asked."""
        takes = self.takes(version, signature)
        if set(inputs) != set(takes):
            raise ValueError(f"expected the inputs {sorted(takes)}, received {sorted(inputs)}")
        inputs = {name: _as(value, CSavedModel.TYPES[takes[name][1]]) for name, value in inputs.items()}
        with self._lock:
            waiting = self._queues.get((version, signature))
            if waiting is None:
                waiting = self._queues[version, signature] = queue.Queue()
                threading.Thread(target=self._answer, args=(version, signature, waiting), daemon=True).start()
        answer = futures.Future()
        waiting.put((inputs, answer))
        return answer.result()

    def _answer(self, version, signature, waiting):
        held = None
        while True:
            requests = [held or waiting.get()]
            held = None
            time.sleep(0.002)  # batch_timeout_micros
            with contextlib.suppress(queue.Empty):
                while held is None:
                    request = waiting.get_nowait()
                    if sum(map(_rows, [*requests, request])) > self.sizes[-1]:
                        held = request
                    else:
                        requests.append(request)
            self.merged.append(len(requests))
            try:
                outputs = self.versions[version].ask(signature, self._merge([inputs for inputs, _ in requests]))
            except (RuntimeError, TypeError) as error:
                for _, answer in requests:
                    answer.set_exception(ValueError(str(error)))
                continue
            start = 0
            for request in requests:
                end = start + _rows(request)
                request[1].set_result({name: value[start:end] for name, value in outputs.items()})
                start = end

    def _merge(self, parts):
        """One batch, filled up to an allowed size."""
        merged = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        num = len(next(iter(merged.values())))
        fill = next((size for size in self.sizes if size >= num), num) - num
        return {name: np.concatenate([value, np.repeat(value[:1], fill, axis=0)]) for name, value in merged.items()}


def _rows(request):
    return len(next(iter(request[0].values())))


def _as(value, dtype):
    """A JSON list, or the array of a TensorProto, as an array of the input's type."""
    if dtype == "text":
        texts = [text.decode() if isinstance(text, bytes) else text for text in np.asarray(value, object).flat]
        return np.array(texts, str).reshape(np.shape(value))
    return np.asarray(value, dtype)


class _REST(BaseHTTPRequestHandler):
    """TF Serving's REST API: its guide is at https://www.tensorflow.org/tfx/serving/api_rest."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        states = [{"version": str(version), "state": "AVAILABLE"} for version in self.server.model.versions]
        self._send(200, {"model_version_status": states})

    def do_POST(self):
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pattern = rf"/v1/models/{re.escape(model.name)}(?:/versions/(\d+)|/labels/(\w+))?:predict"
        found = re.fullmatch(pattern, self.path)
        if not found:
            return self._send(404, {"error": f"Malformed request: POST {self.path}"})
        try:
            version = int(found[1] or (model.labels.get(found[2], 0) if found[2] else max(model.versions)))
            signature = body.get("signature_name", "serving_default")
            answer = model.ask(version, signature, self._inputs(body, model.takes(version, signature)))
        except ValueError as error:
            return self._send(400, {"error": str(error)})
        values = {name: _to_json(name, value) for name, value in answer.items()}
        columns = next(iter(values.values())) if len(values) == 1 else values
        if "inputs" in body:
            return self._send(200, {"outputs": columns})
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        return self._send(200, {"predictions": columns if len(values) == 1 else rows})

    def _inputs(self, body, takes):
        if "inputs" in body:
            given = body["inputs"]
        elif isinstance(body["instances"][0], dict):
            given = {name: [row[name] for row in body["instances"]] for name in body["instances"][0]}
        else:
            given = body["instances"]
        if isinstance(given, dict):
            return given
        (name,) = takes
        return {name: given}

    def _send(self, code, body):
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _to_json(name, value):
    if value.dtype == object:
        return [
            {"b64": base64.b64encode(text).decode()} if name.endswith("_bytes") else text.decode() for text in value
        ]
    return value.tolist()


class _GRPC(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        spec = request.model_spec
        version = self.model.labels.get(spec.version_label, 0) if spec.version_label else spec.version.value
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        try:
            answer = self.model.ask(version or max(self.model.versions), spec.signature_name, inputs)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = predict_pb2.PredictResponse()
        for name, value in answer.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@contextlib.contextmanager
def loopback(home):
    """Serves the versions in a folder; yields the address and the `Model`."""
    model = Model(home)
    rest = _Listener(("127.0.0.1", 0), _REST)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    service = grpc.server(futures.ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_GRPC(model), service)
    port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    try:
        yield Address(rest.server_address[1], port), model
    finally:
        service.stop(None)
        rest.shutdown()
        rest.server_close()


@contextlib.contextmanager
def tensorflow_model_server(home, scratch):
    """Serves the versions in a folder by the real server, if there is one; yields its address and None."""
    address = Address(_free_port(), _free_port())
    config = scratch / "model.config"
    config.write_text((home / "model.config").read_text().replace(f"/models/{home.name}", str(home.resolve())))
    command = [
        *(shutil.which(REAL), f"--rest_api_port={address.rest}", f"--port={address.grpc}"),
        *(f"--model_config_file={config}", "--enable_batching"),
        f"--batching_parameters_file={home / 'batching.config'}",
    ]
    with subprocess.Popen(command) as process:
        try:
            while process.poll() is None and not _available(address, home.name):
                time.sleep(0.1)
            yield address, None
        finally:
            process.terminate()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _available(address, name):
    with contextlib.suppress(OSError):
        url = f"http://127.0.0.1:{address.rest}/v1/models/{name}"
        return b"AVAILABLE" in urllib.request.urlopen(url).read()
    return False
