"""Does the suite see defects? Forty are put in by hand, one at a time, and the tests have to fail.

Each defect is one line of the code changed in a copy of the repository, whose suite must pass without it. The tests of
its room run there, the first failure ends them; `--all` runs the whole suite for those that are still unseen, which
takes minutes each.

    python -m benchmarks.mutants                       # the suite of the working tree
    python -m benchmarks.mutants --commit 233abb6      # that of a commit, on the code of that commit
"""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from keras_gen.cli.command_line import one_line_errors, parse

ROOT = Path(__file__).resolve().parent.parent


class Mutant(NamedTuple):
    """One defect.

    Attributes:
        about: what is wrong, in a few words.
        file: in `keras_gen/`.
        line: what stands there, once.
        wrong: what stands there instead.
        tests: names of the files of tests, without `test_`, that are asked first.
    """

    about: str
    file: str
    line: str
    wrong: str
    tests: str


MUTANTS = [
    Mutant(
        "sign of the minimax game",
        "losses.py",
        "return -ops.mean(ops.softplus(fake_logits))",
        "return ops.mean(ops.softplus(fake_logits))",
        "losses",
    ),
    Mutant("hinge without its margin", "losses.py", "ops.relu(1 - real_logits)", "ops.relu(-real_logits)", "losses"),
    Mutant(
        "relative to its own mean",
        "losses.py",
        "above_fakes = real_logits - ops.mean(fake_logits)",
        "above_fakes = real_logits - ops.mean(real_logits)",
        "losses",
    ),
    Mutant(
        "R1 without the half",
        "penalties.py",
        "0.5 * ops.mean(_squared_norms(critic.gradients(real_images)))",
        "ops.mean(_squared_norms(critic.gradients(real_images)))",
        "penalties",
    ),
    Mutant(
        "R2 of the real images",
        "penalties.py",
        "0.5 * ops.mean(_squared_norms(critic.gradients(fake_images)))",
        "0.5 * ops.mean(_squared_norms(critic.gradients(real_images)))",
        "penalties",
    ),
    Mutant(
        "a random place for each pixel",
        "penalties.py",
        "return (ops.shape(images)[0], *[1] * (len(images.shape) - 1))",
        "return ops.shape(images)",
        "penalties",
    ),
    Mutant(
        "norms along one axis", "penalties.py", "axis=tuple(range(1, len(gradients.shape)))", "axis=-1", "penalties"
    ),
    Mutant(
        "no averaged generator",
        "models/game.py",
        "        self.after_round()\n        for",
        "        for",
        "conditional_gan",
    ),
    Mutant(
        "one step instead of several",
        "models/game.py",
        "for seen in parts[: player.steps]:",
        "for seen in parts[:1]:",
        "conditional_gan",
    ),
    Mutant(
        "steps counted twice",
        "models/game.py",
        "self.optimizer.iterations.assign_add(1)",
        "self.optimizer.iterations.assign_add(2)",
        "gan",
    ),
    Mutant(
        "the penalty is not in the loss",
        "models/gan.py",
        'return loss + penalty, {"d_loss"',
        'return loss, {"d_loss"',
        "conditional_gan",
    ),
    Mutant(
        "the term is not in the loss",
        "models/gan.py",
        'return loss + term, {"g_loss"',
        'return loss, {"g_loss"',
        "terms games gan",
    ),
    Mutant(
        "ADA turned around",
        "models/gan.py",
        "ops.sign(real_logits - boundary)",
        "ops.sign(boundary - real_logits)",
        "conditional_gan",
    ),
    Mutant(
        "a weight that does not follow the run",
        "models/gan.py",
        "schedules.evaluate(each.weight, self.progress)",
        "schedules.evaluate(each.weight, 0.0)",
        "gan conditional_gan",
    ),
    Mutant(
        "each epoch in the order of the first",
        "data/batches.py",
        "np.random.default_rng((self.seed, epoch))",
        "np.random.default_rng((self.seed, 0))",
        "data_batches",
    ),
    Mutant(
        "one batch too many after a resume",
        "data/batches.py",
        "if index + num <= self.skip:",
        "if index + num < self.skip:",
        "data_batches",
    ),
    Mutant(
        "bytes cut off and not rounded",
        "images.py",
        "keras.ops.round((images + 1.0) * 127.5)",
        "((images + 1.0) * 127.5)",
        "images",
    ),
    Mutant(
        "bytes as floats accepted",
        "images.py",
        "if low < -1 - _ROUNDING or high > 1 + _ROUNDING:",
        "if low < -1 - _ROUNDING:",
        "images accepted",
    ),
    Mutant(
        "a walk that goes backwards", "latents.py", "np.roll(stops, -1, axis=0)", "np.roll(stops, 1, axis=0)", "latents"
    ),
    Mutant(
        "always the curved way",
        "latents.py",
        "ops.logical_and(whole > 1e-3, curved)",
        "ops.logical_and(whole > 1e-3, True)",
        "latents",
    ),
    Mutant(
        "Fréchet without its 2",
        "evaluation/distances.py",
        "- 2 * np.sqrt(eigenvalues).sum()",
        "- np.sqrt(eigenvalues).sum()",
        "distances",
    ),
    Mutant(
        "recall in the balls of real images",
        "evaluation/distances.py",
        "(distances <= fake_radii)",
        "(distances <= real_radii[block, None])",
        "distances",
    ),
    Mutant(
        "pairs of an image with itself",
        "evaluation/distances.py",
        "_mean_kernel(fake_features, fake_features, fake_weights, fake_weights, without_self=True)",
        "_mean_kernel(fake_features, fake_features, fake_weights, fake_weights)",
        "distances",
    ),
    Mutant(
        "copies are what is rarer than by chance",
        "evaluation/copies.py",
        'alternative="greater"',
        'alternative="less"',
        "evaluation",
    ),
    Mutant(
        "a missing class is the first one",
        "inputs/attributes.py",
        "return np.where(rows.any(axis=1), rows.argmax(axis=1), -1)",
        "return rows.argmax(axis=1)",
        "conditions",
    ),
    Mutant(
        "labels beyond the schema are missing",
        "inputs/attributes.py",
        "or ((column < -1) | (column >= self.width)).any()",
        "or (column < -1).any()",
        "conditions accepted",
    ),
    Mutant(
        "a covariance transposed",
        "priors.py",
        "noise @ ops.transpose(self.scales[0])",
        "noise @ self.scales[0]",
        "priors",
    ),
    Mutant("a density that does not add up to 1", "priors.py", "np.log(2 * np.pi) / 2", "np.log(2 * np.pi)", "priors"),
    Mutant(
        "a likelihood without its 2",
        "likelihoods.py",
        "ops.log(2 * math.pi * variance)",
        "ops.log(math.pi * variance)",
        "likelihoods",
    ),
    Mutant(
        "pictures that depend on the batch",
        "export/signatures.py",
        "turned(_in_groups(make, *noise(seeds), *rows))",
        "turned(make(*noise(seeds), *rows))",
        "export serving",
    ),
    Mutant(
        "no truncation asked for is one",
        "export/signatures.py",
        "cut = tf.where(tf.math.is_nan(limits), free, cut)",
        "cut = tf.where(tf.math.is_nan(limits), cut, cut)",
        "export",
    ),
    Mutant(
        "any answer agrees",
        "export/verification.py",
        "if not difference <= tolerance:",
        "if not difference <= difference:",
        "verification",
    ),
    Mutant(
        "files are not compared",
        "export/verification.py",
        "    _check_files(saved_model)\n    cases",
        "    cases",
        "verification",
    ),
    Mutant(
        "served versions are removed",
        "export/versions.py",
        "sorted(set(published_versions(home)[:-keep]) - named_versions(home))",
        "sorted(set(published_versions(home)[:-keep]))",
        "versions",
    ),
    Mutant(
        "an unescaped caption",
        "pages.py",
        "caption = escape(caption)",
        "caption = str(caption)",
        "pages",
    ),
    Mutant(
        "the worst state is kept",
        "callbacks/keeping.py",
        "if self.last < self.value:",
        "if self.last > self.value:",
        "callbacks resume",
    ),
    Mutant(
        "the best state does not come back",
        "callbacks/keeping.py",
        "            self.checkpoint.restore(self.model)\n",
        "            pass\n",
        "callbacks resume",
    ),
    Mutant(
        "a checkpoint without optimizers",
        "models/checkpoints.py",
        "(model.variables, model.optimizer.variables, model.metrics_variables)",
        "(model.variables, model.metrics_variables)",
        "checkpoints resume",
    ),
    Mutant(
        "a lost option",
        "runs/gan.py",
        "ema_decay=options.ema_decay or None",
        "ema_decay=None",
        "options",
    ),
    Mutant("another lost option", "runs/gan.py", "flip=options.flip, ", "", "options"),
]


@dataclasses.dataclass(frozen=True)
class Options:
    """Which suite is asked about which defects."""

    commit: str | None = None
    """The commit whose code and tests are taken; the working tree by default."""

    only: tuple[str, ...] = ()
    """Words: only the defects that have one of them in what is wrong or in their file."""

    all: bool = False
    """Run the whole suite where the tests of the room see nothing."""


def main() -> None:
    """Puts in one defect after the other and prints which test saw it."""
    options = parse(Options, __doc__)
    with one_line_errors():
        chosen = [
            each
            for each in MUTANTS
            if not options.only or any(word in f"{each.about} {each.file}" for word in options.only)
        ]
        with tempfile.TemporaryDirectory() as folder:
            copy = _copied(options.commit, Path(folder))
            check(copy)
            seen = [_report(each, _failure(each, copy, options.all)) for each in chosen]
        print(f"{sum(seen)} of {len(seen)} seen")


def check(root: Path) -> None:
    """Refuses a list whose lines are not in the code, each once.

    Args:
        root: folder of the repository, or of a copy.

    Raises:
        ValueError: for the first line that is not.
    """
    for mutant in MUTANTS:
        found = (root / "keras_gen" / mutant.file).read_text(encoding="utf-8").count(mutant.line)
        if found != 1:
            raise ValueError(f"expected {mutant.line!r} once in {mutant.file}, found it {found} times")


def _copied(commit: str | None, folder: Path) -> Path:
    """The files of a commit, or those of the working tree that git knows."""
    tree = (
        commit
        or subprocess.run(
            ["git", "stash", "create"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    archive = subprocess.run(["git", "archive", tree or "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _failure(mutant: Mutant, copy: Path, whole_suite: bool) -> str:
    """The test that sees the defect, or nothing."""
    path = copy / "keras_gen" / mutant.file
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(mutant.line, mutant.wrong), encoding="utf-8")
    try:
        near = [f"tests/test_{name}.py" for name in mutant.tests.split()]
        there = [path for path in near if (copy / path).exists()]  # an earlier commit may lack one
        return (there and _first_failure(copy, there)) or (_first_failure(copy, []) if whole_suite else "")
    finally:
        path.write_text(right, encoding="utf-8")


def _first_failure(copy: Path, files: list[str]) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    process = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    failures = [line for line in process.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if process.returncode not in (0, 1) or bool(failures) != (process.returncode == 1):
        raise ValueError(f"the tests did not run: {(process.stdout + process.stderr)[-2000:]}")
    return failures[0].split(" - ")[0] if failures else ""


def _report(mutant: Mutant, failure: str) -> bool:
    print(f"{'seen  ' if failure else 'UNSEEN'}  {mutant.about} ({mutant.file}): {failure}", flush=True)
    return bool(failure)


if __name__ == "__main__":
    main()
