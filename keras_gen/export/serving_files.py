"""The files beside the versions, for anyone who runs a server: how to start it, send requests and configure it."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_gen.export.interface import example_shape, maker_of
from keras_gen.export.signatures import Signature
from keras_gen.export.verification import Cases
from keras_gen.export.versions import MODEL_CONFIG
from keras_gen.export.warm_up import BATCHES
from keras_gen.files import replace_file

BATCHING_CONFIG = "batching.config"

_MODEL_CONFIG = """model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""

_BATCHING_CONFIG = f"""max_batch_size {{ value: {BATCHES[-1]} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: 4 }}
{"".join(f"allowed_batch_sizes: {size}{chr(10)}" for size in BATCHES)}"""

_README = """# {name}

Each numbered folder is a version for TF Serving, checked before it appeared. `MODEL_CARD.md` in it says what the model
was trained on and how good it is. Each export overwrites this file. `{model_config}` and `{batching_config}` are yours:
an export writes them where they are missing and never changes them.

## Start a server

In this folder:

```
docker run -p 8500:8500 -p 8501:8501 -v "$PWD:/models/{name}" -e MODEL_NAME={name} tensorflow/serving \\
  --model_config_file=/models/{name}/{model_config} --model_config_file_poll_wait_seconds=60{batching}
```

## What it can be asked for

`b` is the number of rows in the request. Every input of a signature is required.

{signatures}

{explanation}

## curl

```
{curl}
```

## Python, REST

```python
{rest}
```

## Python, gRPC

With `pip install tensorflow-serving-api`:

```python
{grpc}
```

## Labels

A server that reads `{model_config}` serves the newest version. To try a new one (here version 2) on a few clients
first, name both versions there, at first without the lines `version_labels`:

```
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
    version_labels {{ key: "canary" value: 2 }}
  }}
}}
```

Clients then ask `/v1/models/{name}/labels/canary:predict`, or set `model_spec.version_label`. Only a loaded version can
have a label, so add these lines a minute later. `keras-gen export --keep 5` removes old versions, but none that
`{model_config}` names.

## Check

`keras-gen verify` with this folder repeats the check that every version passed when it was exported. Without keras_gen,
`sha256sum --check assets.extra/SHA256SUMS` in the folder of a version checks that its files are intact.
"""

_BATCHING = """ \\
  --enable_batching --batching_parameters_file=/models/{name}/{batching_config}"""

_NUMPY = "import numpy as np\n"

_REST = """import base64, json, urllib.request
{imports}
request = {request}
url = "http://localhost:8501/v1/models/{name}:predict"
with urllib.request.urlopen(url, json.dumps(request).encode()) as answer:
    outputs = json.load(answer)["outputs"]"""

_REST_PNG = """
for number, png in enumerate(outputs):
    with open(f"{number}.png", "wb") as file:
        file.write(base64.b64decode(png["b64"]))"""

_GRPC = """import grpc
{imports}import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

service = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel("localhost:8500"))
request = predict_pb2.PredictRequest()
request.model_spec.name = "{name}"
request.model_spec.signature_name = "{signature}"
{inputs}
outputs = service.Predict(request, 10.0).outputs  # waits 10 seconds at most
images = tf.make_ndarray(outputs["{output}"])  # {shape}"""


def write(home: Path, name: str, signatures: Mapping[str, Signature], cases: Cases) -> None:
    """Writes `README.md`, and `model.config` and `batching.config` where they are missing.

    Args:
        home: folder of the versions.
        name: name of the model on the server.
        signatures: what it can be asked for.
        cases: what it answers, see `verification.record`.
    """
    for file, content in ((MODEL_CONFIG, _MODEL_CONFIG.format(name=name)), (BATCHING_CONFIG, _BATCHING_CONFIG)):
        if not (home / file).exists():
            _replace(home / file, content)
    _replace(home / "README.md", _readme(name, signatures, cases))


def _replace(path: Path, content: str) -> None:
    replace_file(path, lambda file: file.write(content.encode()))


def _readme(name, signatures, cases) -> str:
    maker = maker_of(signatures)
    asked = maker or next(each for each in ("decode", "serving_default") if each in signatures)
    by_rest = f"{maker}_png" if maker else asked
    output = next(name for name in cases[asked] if name.startswith("outputs/"))
    inputs = _inputs(signatures[asked])
    rows = ", ".join(f"{spec!r}: {values}" for spec, values in inputs.items())
    request = f"{{'signature_name': {by_rest!r}, 'inputs': {{{rows}}}}}"
    pictures = "np." in request  # too long to write out
    shape = cases[asked][output].shape[1:]
    given = (
        f'request.inputs["{spec.name}"].CopyFrom(tf.make_tensor_proto({values}, tf.{spec.dtype.name}))'
        for spec, values in zip(signatures[asked].inputs, inputs.values(), strict=True)
    )
    # A server would merge requests of different sizes, and refuse them then.
    merges = not any(map(_has_free_sides, signatures.values()))
    return _README.format(
        name=name,
        batching=_BATCHING.format(name=name, batching_config=BATCHING_CONFIG) * merges,
        model_config=MODEL_CONFIG,
        batching_config=BATCHING_CONFIG,
        signatures=_table(signatures, cases),
        explanation=_explanation(signatures),
        curl=_curl(request, name, pictures),
        rest=_REST.format(request=request, name=name, imports=_NUMPY * pictures) + (_REST_PNG if maker else ""),
        grpc=_GRPC.format(
            name=name,
            signature=asked,
            inputs="\n".join(given),
            output=output.removeprefix("outputs/"),
            imports=_NUMPY * pictures,
            shape=f"(3, {', '.join(map(str, shape))})",
        ),
    )


def _curl(request: str, name: str, pictures: bool) -> str:
    url = f"http://localhost:8501/v1/models/{name}:predict"
    if not pictures:
        return f"curl -d {shlex.quote(json.dumps(ast.literal_eval(request)))} {url}"
    program = f"import json, numpy as np; print(json.dumps({request}))"
    return f"python3 -c {shlex.quote(program)} | curl -d @- {url}"


def _table(signatures, cases) -> str:
    lines = ["| signature | inputs | outputs |", "|---|---|---|"]
    for key, signature in signatures.items():
        takes = ", ".join(_tensor(spec.name, spec.dtype.name, spec.shape[1:]) for spec in signature.inputs)
        outputs = {name.removeprefix("outputs/"): array for name, array in cases[key].items() if "outputs/" in name}
        sides = (None, None) if _has_free_sides(signature) else ()
        gives = ", ".join(
            # A picture as PNG is recorded as its pixels.
            _tensor(name, "string", ())
            if name == "image_bytes"
            else _tensor(name, array.dtype, (*sides, *array.shape[1 + len(sides) :]))
            for name, array in outputs.items()
        )
        lines.append(f"| `{key}` | {takes} | {gives} |")
    return "\n".join(lines)


def _has_free_sides(signature: Signature) -> bool:
    """Whether it takes pictures of any height and width, and answers with such."""
    return any(None in spec.shape[1:] for spec in signature.inputs)


def _tensor(name, dtype, shape) -> str:
    if tuple(shape[:2]) == (None, None):
        shape = ("height", "width", *shape[2:])
    return f"`{name}` {dtype} ({', '.join(map(str, ('b', *shape)))})"


def _explanation(signatures) -> str:
    """What the inputs of this model mean."""
    requests = {name: request for signature in signatures.values() for name, request in signature.requests.items()}
    lines = []
    for name, request in requests.items():
        kind = "input" if request.shape else "attribute"
        own = "" if request.asks_for in ("", name) else f"the {kind} {request.asks_for}, "
        lines.append(f"- `{name}`: {own}{request.about}")
    if any("images" not in signature.requests for signature in signatures.values()):
        lines.append("- `images` in an answer: uint8: 0 to 255; float32: about [-1, 1], to be clipped.")
    return "\n".join(lines)


def _inputs(signature: Signature) -> dict[str, str]:
    """Three rows of each input of a request, as Python."""
    columns = {}
    for spec in signature.inputs:
        shape = (3, *example_shape(spec.shape[1:]))
        values = [value for value in signature.examples.get(spec.name, []) if value == value]  # JSON has no NaN
        if len(spec.shape) > 2 and values:  # a mask, here of a hole everywhere
            columns[spec.name] = f'np.full({shape}, {values[-1]}, "{spec.dtype.name}").tolist()'
        elif len(spec.shape) > 2:
            columns[spec.name] = f'np.zeros({shape}, "{spec.dtype.name}").tolist()'  # your picture
        elif values:
            columns[spec.name] = repr([values[(row + 1) % len(values)] for row in range(3)])
        else:
            columns[spec.name] = repr([1, 2, 3] if spec.name == "seed" else np.zeros(shape).tolist())
    return columns
