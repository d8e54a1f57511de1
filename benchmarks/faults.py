"""Trains with a dozen different faults and prints how the project reacted to each.

Each fault is put into a run of `train_gan.py` in its own process. What is printed comes from the run's own messages:
what it warned of, noticed, tried and refused, and the first step at which it did (0: before the first one). An export
is bad if it has less than half the coverage or the correct classes of the run without a fault. It is unreported if
there was no message.

Example:
  python -m benchmarks.faults
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from keras_gen.cli import training
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.runs import hardware
from keras_gen.runs.options import GANOptions

METRICS = ("frechet", "coverage", "reads_back")
ROOT = Path(__file__).resolve().parent.parent
AT = 200  # the step at which something breaks
FULL = 200_000  # bytes beyond which no file can grow
SAID = (
    "^(?:no checkpoint written|At step|In the end|Training diverged|Not exported|Not scored|Not saved|"
    "Kept .* Nothing was gained).*"
)
HIGHER = ("coverage", "reads_back")  # of METRICS, those that are better when they are higher


class Fault(NamedTuple):
    """Something that goes wrong.

    Attributes:
        arguments: of `train_gan.py`.
        data: makes other images and labels of the right ones.
        inject: is called with the compiled GAN before it is trained.
        prepare: is called before anything is built.
    """

    arguments: str = ""
    data: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] = lambda images, labels: (images, labels)
    inject: Callable = lambda gan: None
    prepare: Callable[[], None] = lambda: None


def break_a_weight(gan) -> None:
    """One number of the generator becomes NaN, once."""
    import keras

    class Break(keras.callbacks.Callback):
        done = False

        def on_train_batch_end(self, batch, logs=None):
            if not self.done and int(gan.optimizer.iterations) >= AT:
                self.done = True
                kernel = gan.generator.trainable_variables[0]
                kernel.assign(np.where(np.arange(kernel.shape[-1]) == 0, np.nan, kernel))

    fit, own = gan.fit, Break()
    gan.fit = lambda *arguments, callbacks, **others: fit(*arguments, callbacks=[*callbacks, own], **others)


def widen_the_discriminator() -> None:
    """Ten times the channels in one of the two networks, for which there is no option."""
    from keras_gen import networks

    networks.DISCRIMINATORS["conv"] = functools.partial(networks.DISCRIMINATORS["conv"], width=320)


def in_half_precision() -> None:
    """Everything in numbers of 16 bits, for which there is no option."""
    hardware.POLICIES["float32"] = "float16"


def on_a_full_disk() -> None:
    """No file grows beyond some bytes: what writes gets the error that a full disk would give."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL))


def rare(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keeps only a few images of every class but the first: a hundred to one."""
    kept = np.concatenate([np.flatnonzero(labels == 0), *(np.flatnonzero(labels == kind)[:2] for kind in range(1, 10))])
    return images[kept], labels[kept]


FAULTS = {
    "none": Fault(),
    "learning rate × 50": Fault("--learning-rate 0.05"),
    "learning rate × 10,000": Fault("--learning-rate 10"),
    "no penalty (γ = 0)": Fault("--penalty-weight 0"),
    "a NaN at step 200": Fault(inject=break_a_weight),
    "values of 0 and 1": Fault(data=lambda images, labels: (images // 128, labels)),
    "all images black": Fault(data=lambda images, labels: (0 * images, labels)),
    "labels shuffled": Fault(data=lambda images, labels: (images, np.random.default_rng(0).permutation(labels))),
    "100 images": Fault(data=lambda images, labels: (images[:100], labels[:100])),
    "one class 100 : 1": Fault(data=rare),
    "a discriminator ten times wider": Fault(prepare=widen_the_discriminator),
    "batch normalisation under R1 + R2": Fault("--network dcgan --image-size 16"),
    "float16": Fault(prepare=in_half_precision),
    "a full disk": Fault(prepare=on_a_full_disk),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to break."""

    epochs: int = 40
    """Epochs of each run, of 22 steps each."""
    only: tuple[str, ...] = ()
    """Names of the faults; all by default."""
    out: Path = Path("runs/faults")
    """Folder of the runs; must not exist yet."""
    inject: str | None = None
    """Train here with this fault, on data.npz: what the benchmark starts each process with."""


def break_and_train(options: Options) -> None:
    """What the process with the fault does."""
    assert options.inject is not None
    fault = FAULTS[options.inject]
    start_keras()
    fault.prepare()
    arguments = ["--data", "data.npz", "--epochs", str(options.epochs), "--run-dir", "run", *fault.arguments.split()]
    from keras_gen.runs import gan as story

    build = story.build

    def build_broken(*given):
        gan, batches = build(*given)
        fault.inject(gan)
        return gan, batches

    story.build = build_broken
    training.train(tyro.cli(GANOptions, args=arguments))


def words_of(process: subprocess.CompletedProcess) -> tuple[list[str], list[str]]:
    """What the run reported as wrong, without repetitions: before training, and after it began."""
    before = re.findall(r"^! (.*)|^(no checkpoint written.*)", process.stdout, re.MULTILINE)
    first = [*map("".join, before), *re.findall(r"(?:error|UserWarning): (.*)", process.stderr)]
    later = re.findall(SAID, process.stdout, re.MULTILINE)
    if "Traceback" in process.stderr:
        later.append(f"a defect: {process.stderr.splitlines()[-1]}")
    sentences = [sentence for line in later for sentence in re.split(r"(?<=\.) (?=At step|In the end)", line)]
    return list(dict.fromkeys(first)), [each for each in dict.fromkeys(sentences) if each not in first]


def main(options: Options) -> None:
    """Prints a row for each fault."""
    if options.inject:
        return break_and_train(options)
    with one_line_errors():
        options.out.mkdir(parents=True)
        from keras_gen.data import DATASETS

        train = DATASETS["digits"]().train
    head = ("fault", "noticed at step", "exit", "exported", *METRICS, "what was said")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    sound: dict[str, float] = {}  # what the first run reaches, and the remarks on it
    usual: list[str] = []
    unreported = []
    for number, (name, fault) in enumerate(FAULTS.items()):
        if options.only and name not in options.only:
            continue
        folder = (options.out / f"{number:02}").resolve()
        folder.mkdir()
        images, labels = fault.data(np.asarray(train.images), train.labels)
        np.savez(folder / "data.npz", x=images, y=labels)
        command = [sys.executable, "-m", "benchmarks.faults", "--inject", name, "--epochs", str(options.epochs)]
        process = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
        )
        (folder / "log.txt").write_text(process.stdout + process.stderr)
        card = folder / "run" / "scorecard.json"
        card = json.loads(card.read_text()) if card.exists() else {"scores": {}, "remarks": []}
        values = {metric: card["scores"][metric]["value"] for metric in METRICS if metric in card["scores"]}
        first, later = words_of(process)
        usual = usual or card["remarks"]
        said = [*first, *later, *(remark for remark in card["remarks"] if remark not in usual)]
        exported = bool(list(folder.glob("saved_models/*/*/saved_model.pb")))
        step = re.search(r"^At step ([\d,]+)", "\n".join(later), re.MULTILINE)
        cells = ["0" if first else step[1] if step else "–", process.returncode, "yes" if exported else "no"]
        cells += [f"{values[metric]:.3g}" if metric in values else "–" for metric in METRICS]
        print(f"| {name} | {' | '.join(map(str, cells))} | {'; '.join(said)} |", flush=True)
        sound = sound or values
        if exported and not said and any(values.get(metric, 0) < sound[metric] / 2 for metric in HIGHER):
            unreported.append(name)
    print(f"bad exports that were not reported: {', '.join(unreported) or 'none'}")


if __name__ == "__main__":
    main(parse(Options, __doc__))
