"""Times a training step of keras_gen and of its alternatives, with the same networks, losses and batches.

Every contender has its own process and takes a turn in each round, so that all of them meet the same load on the
machine. A table of medians shows how long a step took. Beside it stands the share of the ceiling: the operations of the
step's matrix products and convolutions (as PyTorch counts them), over its time and the rate at which the same framework
multiplied matrices just afterwards. Needs `pip install -e ".[bench]"`.

Examples:
  python -m benchmarks.speed --quick                            two minutes: the article's GAN and the default
  python -m benchmarks.speed --cases article fast --precisions float32
  python -m benchmarks.speed --together --contenders jax pytorch pytorch_compiled pytorch_graph    on a GPU
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.stepping import CASES
from keras_gen.cli.command_line import one_line_errors, parse

ROOT = Path(__file__).resolve().parent.parent
PACE = 0.5  # seconds that a turn lasts at least, however few the steps

# What stands in the table → the contender of `benchmarks.stepping`, and the backend of Keras where it has one.
CONTENDERS = {
    "tensorflow": ("keras_gen", "tensorflow"),
    "jax": ("keras_gen", "jax"),
    "torch": ("keras_gen", "torch"),
    "keras_example": ("keras_example", "tensorflow"),
    "pytorch": ("pytorch", ""),
    "pytorch_compiled": ("pytorch_compiled", ""),
    "pytorch_graph": ("pytorch_graph", ""),
}
TITLES = {
    "tensorflow": "keras_gen on TensorFlow",
    "jax": "keras_gen on JAX",
    "torch": "keras_gen on PyTorch",
    "keras_example": "public Keras examples",
    "pytorch": "PyTorch, eager",
    "pytorch_compiled": "PyTorch, compiled",
    "pytorch_graph": "PyTorch, CUDA graph",
}
BASELINE = ("pytorch", "float32")


@dataclasses.dataclass(frozen=True)
class Options:
    """What to time."""

    cases: tuple[str, ...] = tuple(CASES)
    """Any of article, dcgan-28, dcgan-32, wgan-gp, fast, vae."""
    contenders: tuple[str, ...] = ("tensorflow", "jax", "torch", "keras_example", "pytorch", "pytorch_compiled")
    """Any of those, or pytorch_graph on a GPU."""
    precisions: tuple[str, ...] = ("float32", "bfloat16")
    """Any of float32, bfloat16."""
    rounds: int = 5
    """Turns of each contender."""
    seconds: float = 2.0
    """Length of a turn."""
    together: bool = False
    """Start all contenders of a case at once: faster, but the times of the first step are then of no use."""
    quick: bool = False
    """Two cases, float32, three rounds of one second."""
    out: Path = Path("runs/speed")
    """Folder of speed.json, speed.md and speed.png."""


class Worker:
    """A contender in its process.

    Args:
        case: a name in `stepping.CASES`.
        contender: a name in `CONTENDERS`.
        precision: "float32" or "bfloat16".
        log: file for what it prints.
    """

    def __init__(self, case: str, contender: str, precision: str, log: Path):
        how, backend = CONTENDERS[contender]
        self.contender, self.precision, self.log = contender, precision, log
        self.turns: list[dict[str, float]] = []
        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
        if backend:
            environment["KERAS_BACKEND"] = backend
        command = [sys.executable, "-m", "benchmarks.stepping", case, how, precision]
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=-1, stdout=-1, stderr=file, text=True
            )

    def begin(self) -> bool:
        """Waits until it is warm and finds the number of steps of a turn; False if it cannot run the case."""
        self.about = self._answer()
        if not self.about:
            return False
        self.steps = max(8, self.about["unit"])
        while self.ask(self.steps)["seconds"] < PACE:
            self.steps *= 2
        return True

    def ask(self, steps: int) -> dict[str, Any]:
        """Makes it take `steps` steps."""
        assert self._process.stdin is not None
        print(steps, file=self._process.stdin, flush=True)
        return self._answer()

    def take_turn(self, seconds: float) -> None:
        """Makes it train for about `seconds` seconds, and keeps its answer."""
        turn = self.ask(self.steps)
        self.turns.append({**turn, "ms": 1_000 * turn["seconds"] / self.steps})
        unit = self.about["unit"]
        self.steps = unit * max(1, round(self.steps * seconds / turn["seconds"] / unit))

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _answer(self):
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def time_case(case: str, options: Options) -> list[dict[str, Any]]:
    """A row for each contender, the medians of its turns."""
    starting = (
        Worker(case, contender, precision, options.out / f"{case}-{contender}-{precision}.log")
        for precision in options.precisions
        for contender in options.contenders
    )
    workers = []
    for worker in list(starting) if options.together else starting:
        if worker.begin():
            workers.append(worker)
        else:
            who = f"{TITLES[worker.contender]}, {worker.precision}"
            print(f"{case}: {who}: cannot. {_last_line(worker.log)}", flush=True)
            worker.close()
    for turn in range(options.rounds):
        for worker in workers if turn % 2 == 0 else workers[::-1]:
            worker.take_turn(options.seconds)
    for worker in workers:
        worker.close()
    # PyTorch alone counts its operations. The others have the same work to do, with however many operations.
    flops = next((worker.about["flops"] for worker in workers if worker.about["flops"]), None)
    return [_row(case, worker, flops) for worker in workers]


def _row(case, worker, flops):
    times = [turn["ms"] for turn in worker.turns]
    milliseconds = statistics.median(times)
    ceiling = statistics.median(turn["ceiling"] for turn in worker.turns)
    return {
        "case": case,
        "contender": worker.contender,
        "precision": worker.precision,
        "ms": milliseconds,
        "least_ms": min(times),
        "most_ms": max(times),
        "images_per_second": 1_000 * CASES[case].batch_size / milliseconds,
        "first_step_seconds": worker.about["first_step_seconds"],
        "memory": worker.turns[-1]["memory"],
        "flops": flops,
        "ceiling": ceiling,
        "share": flops / (milliseconds / 1_000) / ceiling if flops else None,
        "weights": worker.about["weights"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, in the order in which they were timed."""
    lines = [
        "| case | who | precision | ms a step (least–most) | images/s | faster than PyTorch eager, float32 | "
        "share of the ceiling | first step, s | memory, MB |",
        "|" + " --- |" * 9,
    ]
    for row in rows:
        baseline = [
            each["ms"]
            for each in rows
            if (each["contender"], each["precision"], each["case"]) == (*BASELINE, row["case"])
        ]
        cells = [
            row["case"],
            TITLES[row["contender"]],
            row["precision"],
            f"{row['ms']:.3g} ({row['least_ms']:.3g}–{row['most_ms']:.3g})",
            f"{row['images_per_second']:,.0f}",
            f"{baseline[0] / row['ms']:.2f} ×" if baseline else "–",
            f"{row['share']:.0%}" if row["share"] else "–",
            f"{row['first_step_seconds']:.1f}",
            f"{row['memory'] / 1e6:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Bars of the images per second, a panel for each case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cases = list(dict.fromkeys(row["case"] for row in rows))
    figure, panels = pyplot.subplots(1, len(cases), figsize=(4 * len(cases), 4), squeeze=False, layout="constrained")
    for panel, case in zip(panels[0], cases, strict=True):
        of_case = [row for row in rows if row["case"] == case]
        names = [f"{TITLES[row['contender']]}, {row['precision']}" for row in of_case]
        ours = [CONTENDERS[row["contender"]][0] == "keras_gen" for row in of_case]
        rates = [row["images_per_second"] for row in of_case]
        panel.barh(names, rates, color=["tab:blue" if own else "tab:grey" for own in ours])
        panel.invert_yaxis()
        panel.set_title(case)
        panel.set_xlabel("images per second")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def main(options: Options) -> None:
    """Prints the table, and writes it with all numbers and a picture."""
    if options.quick:
        options = dataclasses.replace(
            options, cases=("article", "fast"), precisions=("float32",), rounds=3, seconds=1.0
        )
    with one_line_errors():
        for given, known in ((options.cases, CASES), (options.contenders, CONTENDERS)):
            if unknown := [name for name in given if name not in known]:
                raise ValueError(f"expected any of {', '.join(known)}, received {', '.join(unknown)}")
        options.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for case in options.cases:
        rows += time_case(case, options)
        (options.out / "speed.json").write_text(json.dumps(rows, indent=2) + "\n")
    (options.out / "speed.md").write_text(table(rows) + "\n")
    plot(rows, options.out / "speed.png")
    print(table(rows))


if __name__ == "__main__":
    main(parse(Options, __doc__))
