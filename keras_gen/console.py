"""Progress of long work on the console."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

OnProgress = Callable[[str], None]  # called with a few words before each step of long work


def no_progress(text: str) -> None:
    """Reports nothing."""


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Shows what a long piece of work is doing, and for how long: what it yields is to be told each step.

    Where the output is no terminal each step is a line.
    """
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        yield lambda text: console.print(f"{text} …", highlight=False)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), transient=True) as display:
        task = display.add_task("", total=None)
        yield lambda text: display.update(task, description=f"{text} …")
