"""Remarks about a run that has ended: sentences for the console and the top of its report."""

from __future__ import annotations

from keras_gen.callbacks import KeepBest
from keras_gen.runs.run import Run
from keras_gen.runs.watching import Watchers

MIN_STEPS = 100  # with fewer, next to nothing can be learned
EARLY_FRACTION = 0.1  # share of a run; a best state before it is worth a remark


def ending(run: Run, watchers: Watchers) -> str:
    """What went wrong, and how training ended where that is worth mentioning."""
    words = [trouble["text"] for trouble in run.config["troubles"]]
    if watchers.not_a_number.diverged:
        words.append("Training diverged: the loss is no longer a number. A lower --learning-rate may help.")
    if watchers.signal.stopped_by:
        words.append(
            f"Training was ended early by {watchers.signal.stopped_by}: --resume {run.directory} continues it."
        )
    return " ".join(words)


def too_short(steps: int) -> str:
    """That the budget was over before anything was learned: compiling alone may take a fraction of a minute."""
    if steps >= MIN_STEPS:
        return ""
    taken = f"{steps} step{'s' * (steps != 1)}"
    return f"It trained for {taken} only, which is next to nothing: give it more --minutes or --epochs."


def kept(best: KeepBest | None) -> str:
    """Which state of the model was kept."""
    if best is None or not best.step:
        return ""
    last = best.step == best.ended_at
    text = (
        f"Kept step {best.step:,}, {'the last, ' * last}after epoch {best.epoch + 1}, the best by "
        f"{best.monitor}: {best.value:.4g}{'' if last else f', in the end {best.last:.4g}'}."
    )
    if best.monitor == "frechet":
        text += " (That is measured with at most a thousand training images; it is not the score card's distance.)"
    if best.monitor == "mean_l1":
        text += " (That is measured with images that it did not learn from; the score card measures on test images.)"
    if best.step < EARLY_FRACTION * best.ended_at:
        text += f" Nothing was gained in the {1 - EARLY_FRACTION:.0%} since: a lower --learning-rate may help."
    return text
