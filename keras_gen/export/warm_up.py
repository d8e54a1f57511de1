"""Requests that a server sends to itself before it accepts clients, so that none waits for the first answer.

TF Serving reads `assets.extra/tf_serving_warmup_requests`: a TFRecord of `PredictionLog` messages. Their few
fields are written here, byte for byte as `tensorflow-serving-api` does (a test compares), so that an export does not
need that package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from keras_gen.export.interface import EXTRAS, example_shape
from keras_gen.export.signatures import Signature

BATCHES = (1, 8, 32, 64)  # sizes to warm up, and to which `batching.config` pads batches


def write(saved_model: Path, name: str, signatures: Mapping[str, Signature]) -> Path:
    """Writes the requests of a SavedModel: each signature with each of `BATCHES`.

    Args:
        saved_model: folder of the SavedModel.
        name: name of the model on the server.
        signatures: what it can be asked for.

    Returns:
        The file.
    """
    path = saved_model / EXTRAS / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for key, signature in signatures.items():
            for rows in BATCHES:
                inputs = {spec.name: _constant(spec, rows, signature.examples) for spec in signature.inputs}
                file.write(_prediction_log(name, key, inputs))
    return path


def _constant(spec, rows: int, examples: Mapping[str, list]):
    """A tensor of one value, which is stored once."""
    tensor = tf.make_tensor_proto(examples.get(spec.name, [0])[0], spec.dtype)
    tensor.tensor_shape.CopyFrom(tf.TensorShape(example_shape(spec, rows)).as_proto())
    return tensor


def _prediction_log(name: str, signature: str, inputs: Mapping) -> bytes:
    """PredictionLog{predict_log: PredictLog{request: PredictRequest{model_spec, inputs}}}, serialized."""
    model_spec = _field(1, name.encode()) + _field(3, signature.encode())
    request = _field(1, model_spec)
    for key in sorted(inputs):  # entries of a map
        request += _field(2, _field(1, key.encode()) + _field(2, inputs[key].SerializeToString()))
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer that holds bytes: a text or another message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    *low, last = [value >> shift & 127 for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*(part | 128 for part in low), last])
