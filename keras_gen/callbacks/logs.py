"""The metrics of a training run: on the console, in a CSV file, in TensorBoard and as a picture of the curves."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import time
from pathlib import Path

import keras
import rich.console
import rich.progress

from keras_gen.callbacks.events import EventWriter
from keras_gen.callbacks.resuming import Resumable
from keras_gen.files import replace_file


class ProgressBar(keras.callbacks.Callback):
    """Shows how much of a `Budget` is used, the step and the epoch's losses, on one line.

    Where the output is not a terminal (a log file, CI) it prints a plain line every `every_seconds` instead.

    Args:
        budget: the `Budget` of this run, which must come before this callback in the list.
        every_seconds: between two plain lines.
    """

    async_safe = True  # reads no log values during batches: the step need not wait for them

    def __init__(self, budget, every_seconds=15.0):
        super().__init__()
        self.budget = budget
        self.every_seconds = every_seconds
        self.console = rich.console.Console()

    def on_train_begin(self, logs=None):
        self._epoch, self._losses, self._line = None, "", ""
        self._printed_at = time.monotonic()
        columns = (
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("{task.description}"),
        )
        self._progress = rich.progress.Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self._task = self._progress.add_task("the first step compiles the model …", total=1.0)
        self._progress.start()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        steps = self.params["steps"]  # None for data whose length Keras does not know
        self._steps_before = epoch * steps if steps else int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        step = self._steps_before + batch + 1
        self._progress.update(self._task, completed=self.budget.fraction, description=f"step {step} {self._losses}")

    def report(self, text: str, fraction: float | None = None) -> None:
        """Shows on the same line what else is done between two steps, see `console.OnProgress`."""
        done = "" if fraction is None else f" {fraction:.0%}"
        self._progress.update(self._task, description=f"{text}{done} …")
        if not self.console.is_terminal and text != self._line:
            self.console.print(f"{text} …", highlight=False)
            self._line = text

    def on_epoch_end(self, epoch, logs=None):
        self._losses = " ".join(f"{name} {logs[name]:.4g}" for name in loss_names(logs))
        if not self.console.is_terminal and time.monotonic() - self._printed_at >= self.every_seconds:
            self._print_line(epoch)

    def on_train_end(self, logs=None):
        self._progress.update(self._task, completed=self.budget.fraction)
        self._progress.stop()
        if not self.console.is_terminal and self._epoch is not None:
            self._print_line(self._epoch)

    def _print_line(self, epoch):
        line = f"{self.budget.fraction:4.0%}  epoch {epoch + 1}  {self._losses}"
        if line != self._line:  # the last line of training may repeat that of the last epoch
            self.console.print(line, highlight=False)
        self._printed_at, self._line = time.monotonic(), line


class MetricsCSV(Resumable):
    """Writes a line per epoch: `epoch` (from 1), `step`, `seconds` since training began, and the epoch's logs.

    Each line is in the file as soon as its epoch is over. A cell is empty where an epoch lacks the value, as with less
    frequent validation.

    Args:
        path: the CSV file; overwritten, or cut back to the point where the run is resumed.
    """

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)

    def begin(self, state):
        self._started_at = time.monotonic() - state.get("seconds", 0.0)
        self._rows = []
        if state.get("rows") and self.path.exists():
            with self.path.open(newline="") as file:
                self._rows = list(itertools.islice(csv.DictReader(file), state["rows"]))
        self._rewrite()

    def state(self):
        return {"seconds": time.monotonic() - self._started_at, "rows": len(self._rows)}

    def on_epoch_end(self, epoch, logs=None):
        step, seconds = int(self.model.optimizer.iterations), time.monotonic() - self._started_at
        row = {"epoch": epoch + 1, "step": step, "seconds": f"{seconds:.2f}", **(logs or {})}
        self._rows.append(row)
        if set(row) <= set(self._names):
            csv.DictWriter(self._file, self._names).writerow(row)
            self._file.flush()
        else:
            self._file.close()
            self._rewrite()

    def on_train_end(self, logs=None):
        self._file.close()

    def _rewrite(self):
        """Writes the whole file, with a column for each name so far."""
        self._names = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO(newline="")
        if self._names:
            writer = csv.DictWriter(text, self._names)
            writer.writeheader()
            writer.writerows(self._rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, lambda file: file.write(text.getvalue().encode()))
        self._file = self.path.open("a", newline="")


class TensorBoardScalars(Resumable):
    """Writes each epoch's logs as TensorBoard scalars, on every backend and without TensorFlow.

    Training values go to `<directory>/train`, those with `val_` to `<directory>/validation`, so that TensorBoard draws
    both in one chart; steps are optimizer steps.

    Args:
        directory: folder of the TensorBoard run; made when missing.
    """

    parts = (("train", ""), ("validation", "val_"))
    """The folders, and the prefixes of their values."""

    def __init__(self, directory):
        super().__init__()
        self.directory = Path(directory)

    def begin(self, state):
        self._writers = {part: EventWriter(self.directory / part, place) for part, place in state.items() if place}
        for part in set(state) - set(self._writers):  # what was written there came after the checkpoint
            shutil.rmtree(self.directory / part, ignore_errors=True)

    def state(self):
        return {part: self._writers[part].place if part in self._writers else None for part, _ in self.parts}

    def on_epoch_end(self, epoch, logs=None):
        step = int(self.model.optimizer.iterations)
        for part, prefix in self.parts:
            values = {
                name.removeprefix("val_"): value
                for name, value in (logs or {}).items()
                if name.startswith("val_") == bool(prefix)
            }
            if values:
                if part not in self._writers:
                    self._writers[part] = EventWriter(self.directory / part)
                self._writers[part].add_scalars(values, step)

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()


class LossCurves(Resumable):
    """Draws the losses of all epochs as a PNG when training ends.

    The curves show the course of the game or fit; they say nothing about the quality of a GAN's images.

    Args:
        path: the PNG file.
    """

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)

    def begin(self, state):
        self._curves: dict[str, list[tuple[int, float]]] = state

    def state(self):
        return self._curves

    def on_epoch_end(self, epoch, logs=None):
        step = int(self.model.optimizer.iterations)
        for name in loss_names(logs):  # not the same ones each time: validation may be less frequent
            self._curves.setdefault(name, []).append((step, logs[name]))

    def on_train_end(self, logs=None):
        from matplotlib.figure import Figure  # takes half a second and is needed only at the end

        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for name, points in self._curves.items():
            axes.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 20 else None)
        axes.set(xlabel="step", ylabel="loss, mean over the epoch")
        axes.grid(alpha=0.3)
        if self._curves:
            axes.legend()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.path, dpi=120)


def loss_names(logs) -> list[str]:
    """The losses to show. A game's `loss` is a sum for stock callbacks: those of the players are more informative."""
    names = {name for name in logs or {} if "loss" in name}
    return sorted(names - {"loss"} if "d_loss" in names else names)
