"""How fast an exported model answers, how long its cold start takes and how much memory it needs: as it is, and frozen.

A separate process, with TensorFlow's C library as in TF Serving, is asked for images in batches of 1, 8 and 64.
"Frozen" is the same SavedModel with its weights as constants of the graph, which lets TensorFlow fold constants in
advance. The variants take turns, so that other load on the machine disturbs both.

Example:
  python -m benchmarks.serving saved_models/gan-fast-mnist-sample
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tyro

from keras_gen.cli.command_line import one_line_errors, parse, start_keras

CLIENT = """
import json, resource, runpy, sys, time
import numpy as np

runtimes, path, signature, requests, inputs = sys.argv[1:]
rows = json.loads(inputs)
start = time.perf_counter()
model = runpy.run_path(runtimes)["CSavedModel"](path)


def ask(batch):
    columns = {name: np.resize(np.array(values, dtype), batch) for name, (dtype, values) in rows.items()}
    before = time.perf_counter()
    model.ask(signature, columns)
    return time.perf_counter() - before


ask(1)
numbers = {"cold start": time.perf_counter() - start}
for batch in (1, 8, 64):
    times = [ask(batch) for _ in range(10 + int(requests))][10:]
    numbers |= {f"{batch} p50": np.percentile(times, 50), f"{batch} p99": np.percentile(times, 99)}
print(json.dumps(numbers | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


@dataclasses.dataclass(frozen=True)
class Options:
    """What to measure."""

    saved_model: tyro.conf.Positional[Path]
    """Folder of an exported model; the newest version is taken."""
    signature: str = "generate"
    """A signature whose requests have seeds."""
    requests: int = 300
    """Requests of each size, in each round."""
    rounds: int = 3
    """Processes of each variant; the median of them is shown."""


def freeze(saved_model: Path, folder: Path) -> Path:
    """Writes a SavedModel with the same signatures, whose weights are constants."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def constant(signature, function):
        frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
        names = [tensor.name.partition(":")[0].removeprefix(f"{signature}_") for tensor in frozen.inputs]
        specs = function.structured_input_signature[1]
        (output,) = function.structured_outputs
        return tf.function(lambda *inputs: {output: frozen(*inputs)[0]}, [specs[name] for name in names])

    loaded = tf.saved_model.load(str(saved_model))  # kept: its variables are freed with it
    module = tf.Module()
    module.answers = {name: constant(name, function) for name, function in loaded.signatures.items()}
    tf.saved_model.save(module, str(folder), signatures=dict(module.answers))
    return folder


def example(saved_model: Path, signature: str) -> dict[str, tuple[str, list]]:
    """One request of those that the version was checked with: type and values by input."""
    from keras_gen.export.verification import recorded

    case = recorded(saved_model)[signature]
    columns = {name.removeprefix("inputs/"): column for name, column in case.items() if name.startswith("inputs/")}
    return {name: (column.dtype.str, column.tolist()) for name, column in columns.items()}


def measure(saved_model: Path, signature: str, requests: int, inputs: dict) -> dict[str, float]:
    """Asks in a separate process; returns seconds, and bytes of memory."""
    from keras_gen.export import runtimes

    arguments = [runtimes.__file__, str(saved_model), signature, str(requests), json.dumps(inputs)]
    process = subprocess.run([sys.executable, "-P", "-c", CLIENT, *arguments], capture_output=True, text=True)
    if process.returncode:
        raise ValueError(process.stderr.strip().splitlines()[-1])
    return json.loads(process.stdout.splitlines()[-1])


def main(options: Options) -> None:
    """Prints a table with a row for each variant."""
    with one_line_errors():
        start_keras()
        from keras_gen.export import published_versions

        saved_model = options.saved_model / str(published_versions(options.saved_model)[-1])
        inputs = example(saved_model, options.signature)
        with tempfile.TemporaryDirectory() as folder:
            frozen = freeze(saved_model, Path(folder) / "1")
            variants = {"as exported": saved_model, "frozen": frozen}
            rounds = [
                {name: measure(path, options.signature, options.requests, inputs) for name, path in variants.items()}
                for _ in range(options.rounds)
            ]
            sizes = {name: sum(file.stat().st_size for file in path.rglob("*")) for name, path in variants.items()}
    batches = [f"batch {batch}, {share}, ms" for batch in (1, 8, 64) for share in ("p50", "p99")]
    print(f"| {' | '.join(['variant', *batches, 'cold start, s', 'memory, MB', 'on disk, MB'])} |")
    print(f"|{' --- |' * (len(batches) + 4)}")
    for name, size in sizes.items():
        numbers = {key: np.median([found[name][key] for found in rounds]) for key in rounds[0][name]}
        times = [f"{1e3 * numbers[f'{batch} {share}']:.2f}" for batch in (1, 8, 64) for share in ("p50", "p99")]
        rest = [f"{numbers['cold start']:.2f}", f"{numbers['memory'] / 1e6:.0f}", f"{size / 1e6:.2f}"]
        print(f"| {' | '.join([name, *times, *rest])} |")


if __name__ == "__main__":
    main(parse(Options, __doc__))
