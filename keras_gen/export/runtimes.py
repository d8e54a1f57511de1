"""Runtimes that load an exported model and answer questions as a server does, in a separate process.

Run by its path, so that nothing of keras_gen is imported: `python runtimes.py RUNTIME MODEL QUESTIONS.npz ANSWERS.npz`.
A question consists of the arrays `<number>/<signature>/<input>`, its answer of the arrays `<number>/<output>`. Texts
are Unicode arrays, answers in bytes are arrays of bytes.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

Arrays = dict[str, np.ndarray]
Ask = Callable[[str, Arrays], Arrays]  # (signature, inputs) → outputs

DEFAULT = "serving_default"


def tensorflow(path: str) -> Ask:
    """`tf.saved_model.load` of TensorFlow's Python."""
    import tensorflow as tf

    signatures = tf.saved_model.load(path).signatures

    def ask(signature, inputs):
        outputs = signatures[signature](**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return ask


def c_api(path: str) -> Ask:
    """The C library in TensorFlow's wheel, whose loader TF Serving uses too."""
    return CSavedModel(path).ask


def openvino(path: str) -> Ask:
    """Intel's OpenVINO, which shares no code with the others; it knows the default signature alone."""
    import openvino

    core = openvino.Core()
    try:
        # In float32: by default it computes in bfloat16 where the processor can.
        model = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as error:
        lacking = re.search("No conversion rule found for operations: .*", str(error))
        raise SystemExit(lacking[0] if lacking else str(error)) from error

    def ask(signature, inputs):
        assert signature == DEFAULT
        outputs = model(inputs)
        return {output.any_name: outputs[output] for output in model.outputs}

    return ask


def onnx(path: str) -> Ask:
    """ONNX Runtime, for a file in that format."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda signature, inputs: dict(zip(names, session.run(names, inputs), strict=True))


def litert(path: str) -> Ask:
    """The interpreter of LiteRT (TensorFlow Lite), for a file in that format: it takes one row at a time."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(path).get_signature_runner(DEFAULT)

    def ask(signature, inputs):
        num = len(next(iter(inputs.values())))
        # Copies, since the interpreter overwrites the previous answer.
        answers = [
            {
                name: value.copy()
                for name, value in run(**{name: array[row : row + 1] for name, array in inputs.items()}).items()
            }
            for row in range(num)
        ]
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    return ask


RUNTIMES = {"tensorflow": tensorflow, "c_api": c_api, "openvino": openvino, "onnx": onnx, "litert": litert}


class CSavedModel:
    """A SavedModel in a session of TensorFlow's C library, without TensorFlow's Python.

    Args:
        path: folder of the SavedModel.

    Attributes:
        signatures: by name, a pair of inputs and outputs; each by name (tensor in the graph, number of its type).

    Raises:
        OSError: if TensorFlow's C library is not installed.
        RuntimeError: with TensorFlow's own message, if the model cannot be loaded or does not answer.
    """

    TEXT = 7
    TYPES: ClassVar = {1: "float32", 3: "int32", 4: "uint8", TEXT: "text", 9: "int64"}  # types.proto

    def __init__(self, path: str):
        self._library = library = _library()
        self._graph = ctypes.c_void_p(library.TF_NewGraph())
        options = ctypes.c_void_p(library.TF_NewSessionOptions())
        buffer = library.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        with _Status(library) as status:
            self._session = ctypes.c_void_p(
                library.TF_LoadSessionFromSavedModel(
                    options, None, os.fsencode(path), tags, 1, self._graph, buffer, status
                )
            )
        meta_graph = ctypes.string_at(buffer.contents.data, buffer.contents.length)
        self.signatures = dict(_signatures(meta_graph))

    def ask(self, signature: str, inputs: Arrays) -> Arrays:
        """The outputs of a signature by name; KeyError for a signature or an input that it does not have."""
        library = self._library
        takes, gives = self.signatures[signature]
        tensors = [self._to_tensor(array, takes[name][1]) for name, array in inputs.items()]
        answers = (ctypes.c_void_p * len(gives))()
        given = (self._places(takes[name] for name in inputs), (ctypes.c_void_p * len(tensors))(*tensors), len(tensors))
        wanted = (self._places(gives.values()), answers, len(gives))
        try:
            with _Status(library) as status:
                library.TF_SessionRun(self._session, None, *given, *wanted, None, 0, None, status)
        finally:
            for tensor in tensors:
                library.TF_DeleteTensor(ctypes.c_void_p(tensor))
        return {name: self._to_array(ctypes.c_void_p(tensor)) for name, tensor in zip(gives, answers, strict=True)}

    def _places(self, tensors):
        places = []
        for name, _ in tensors:
            operation, _, index = name.partition(":")
            found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            places.append(_Output(found, int(index)))
        return (_Output * len(places))(*places)

    def _to_tensor(self, array, kind) -> int:
        library = self._library
        received = "text" if array.dtype.kind == "U" else array.dtype.name
        if received != self.TYPES[kind]:
            raise TypeError(f"expected {self.TYPES[kind]}, received {received}")
        texts = [text.encode() for text in array.flat] if kind == self.TEXT else []
        content = b"" if texts else np.ascontiguousarray(array).tobytes()
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        length = len(texts) * _STRING if texts else len(content)
        tensor = library.TF_AllocateTensor(kind, shape, array.ndim, ctypes.c_size_t(length))
        start = library.TF_TensorData(ctypes.c_void_p(tensor))
        ctypes.memmove(start, content, len(content))
        for index, text in enumerate(texts):
            place = ctypes.c_void_p(start + index * _STRING)
            library.TF_StringInit(place)
            library.TF_StringCopy(place, text, ctypes.c_size_t(len(text)))
        return tensor

    def _to_array(self, tensor) -> np.ndarray:
        library = self._library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        start, kind = library.TF_TensorData(tensor), library.TF_TensorType(tensor)
        if kind == self.TEXT:
            places = [ctypes.c_void_p(start + index * _STRING) for index in range(int(np.prod(shape)))]
            texts = [
                ctypes.string_at(library.TF_StringGetDataPointer(place), library.TF_StringGetSize(place))
                for place in places
            ]
            array = np.array(texts, object).reshape(shape)
        else:
            content = ctypes.string_at(start, library.TF_TensorByteSize(tensor)) if start else b""
            array = np.frombuffer(content, self.TYPES[kind]).reshape(shape)
        library.TF_DeleteTensor(tensor)
        return array


_STRING = 24  # bytes of a TF_TString


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p))


class _Status:
    """The status of a call of TensorFlow; anything but success is raised."""

    def __init__(self, library):
        self._library = library
        self._status = ctypes.c_void_p(library.TF_NewStatus())

    def __enter__(self):
        return self._status

    def __exit__(self, *error):
        message = self._library.TF_Message(self._status).decode(errors="replace")
        failed = self._library.TF_GetCode(self._status)
        self._library.TF_DeleteStatus(self._status)
        if failed:
            raise RuntimeError(message)


def c_library() -> Path | None:
    """The path of TensorFlow's C library, found without importing TensorFlow; not every platform's wheel has one."""
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        return None
    names = ("libtensorflow_cc.so.2", "libtensorflow_cc.2.dylib")
    return next((path for name in names if (path := Path(found.origin).parent / name).exists()), None)


def _library():
    """TensorFlow's C library, with the return types of its functions."""
    path = c_library()
    if path is None:
        raise OSError("expected a TensorFlow that includes its C library")
    library = ctypes.CDLL(str(path))
    pointers = (
        *("TF_NewGraph", "TF_NewSessionOptions", "TF_NewStatus", "TF_LoadSessionFromSavedModel", "TF_TensorData"),
        *("TF_AllocateTensor", "TF_GraphOperationByName", "TF_StringGetDataPointer"),
    )
    for name in pointers:
        getattr(library, name).restype = ctypes.c_void_p
    library.TF_NewBuffer.restype = ctypes.POINTER(_Buffer)
    library.TF_Message.restype = ctypes.c_char_p
    library.TF_Dim.restype = ctypes.c_int64
    for name in ("TF_TensorByteSize", "TF_StringGetSize"):
        getattr(library, name).restype = ctypes.c_size_t
    return library


def _signatures(meta_graph: bytes) -> Iterator[tuple[str, tuple[dict, dict]]]:
    """The signatures in a serialized MetaGraphDef (meta_graph.proto), without TensorFlow's classes for it."""

    def entries(maps):
        """The keys and values of map fields."""
        for entry in maps:
            fields = dict(_fields(entry))
            yield fields[1].decode(), fields[2]

    def tensors(number, signature):
        for name, info in entries(value for field, value in _fields(signature) if field == number):
            fields = dict(_fields(info))
            yield name, (fields[1].decode(), fields[2])

    for name, signature in entries(value for number, value in _fields(meta_graph) if number == 5):
        if not name.startswith("__"):  # the initializer
            yield name, (dict(tensors(1, signature)), dict(tensors(2, signature)))


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message in the wire format of protocol buffers: number and value."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        length = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield number, message[position : position + length]
        position += length


def _main(runtime: str, path: str, questions: str, answers: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    ask = RUNTIMES[runtime](path)
    asked: dict[str, tuple[str, Arrays]] = {}
    with np.load(questions) as archive:
        for key, array in archive.items():
            number, signature, name = key.split("/")
            asked.setdefault(number, (signature, {}))[1][name] = array
    answered: dict[str, Any] = {}
    for number, (signature, inputs) in asked.items():
        for name, array in ask(signature, inputs).items():
            answered[f"{number}/{name}"] = array.astype(bytes) if array.dtype == object else array
    np.savez(answers, **answered)


if __name__ == "__main__":
    _main(*sys.argv[1:])
