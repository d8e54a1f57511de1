"""Progress of long work on the console."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol


class OnProgress(Protocol):
    """What long work reports to: a short message before each step, again with the fraction of it that is done."""

    def __call__(self, text: str, fraction: float | None = None) -> None: ...


def no_progress(text: str, fraction: float | None = None) -> None:
    """Reports nothing."""


def no_fraction(fraction: float) -> None:
    """Reports nothing."""


@contextlib.contextmanager
def progress() -> Iterator[OnProgress]:
    """Shows which step of long work is running, for how long, and how much longer where that is known.

    Yields an `OnProgress`. Where the output is not a terminal each step is a line.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console, shown = Console(), ""
    with Progress(
        *(BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description} …")),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as display:
        task = display.add_task("starting", total=None)

        def report(text, fraction=None):
            nonlocal shown, task
            if text != shown:
                shown = text
                display.remove_task(task)
                task = display.add_task(text, total=None)  # each step has its own clock
                if not console.is_terminal:
                    console.print(f"{text} …", highlight=False)
            if fraction is not None:
                display.update(task, total=1.0, completed=fraction)

        yield report
