"""Training with retries: after a collapse the run goes back to its best state and continues with a remedy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from keras_gen.callbacks import Resumable
from keras_gen.models.checkpoints import Checkpoint
from keras_gen.runs import remedies, watching
from keras_gen.runs.run import Run, write_config
from keras_gen.runs.watching import Watchers


def train(run: Run, watchers: Watchers, compile_again: Callable[[], None], **fit_arguments) -> None:
    """Trains until the run ends well, or no remedy is left.

    Args:
        run: what to train; each remedy changes its options, its position and its `config.json`.
        watchers: those that `watching.watch` returns.
        compile_again: compiles the model with the current options of the run.
        **fit_arguments: further arguments of `fit`, such as `validation_data`.
    """
    beginning = Checkpoint.of(run.model)
    while True:
        run.model.fit(
            **run.batches.for_fit(),
            **fit_arguments,
            initial_epoch=run.initial_epoch,
            epochs=run.epochs,
            verbose=0,
            callbacks=watching.with_checkpoints(run, watchers),
        )
        trouble = _trouble(run, watchers)
        if not trouble or not _go_back(run, watchers, trouble, beginning):
            return
        compile_again()


def _trouble(run, watchers) -> str:
    """What went wrong with the attempt that has just ended, if there is time for another one."""
    if not run.options.guard or watchers.signal.stopped_by or watchers.budget.fraction >= 1:
        return ""
    if watchers.not_a_number.diverged:
        return "the loss was no longer a number"
    return (watchers.guard and watchers.guard.trouble) or ""


def _go_back(run, watchers, trouble, beginning) -> bool:
    """Moves the run back to its best state, with the options of the next remedy; returns whether there was one."""
    troubles = run.config["troubles"]
    found = remedies.remedy(run.options, run.model, troubles[-1]["rung"] if troubles else 0)
    if found is None:
        troubles.append({"text": f"In the end {trouble}, and no remedy was left.", "rung": len(remedies.LADDER)})
        write_config(run)
        return False
    run.options, remedy, rung = found
    good, epoch = _best_state(watchers) or (beginning, 0)
    run.checkpoint = dataclasses.replace(good, epoch=epoch, batch=0, callbacks=_states(watchers))
    run.batches.start_at(epoch)
    text = f"At step {watchers.ended_at(run.model):,} {trouble}: back to step {good.step:,}, {remedy}."
    print(text, flush=True)
    troubles.append({"text": text, "rung": rung})
    if watchers.guard:
        watchers.guard.remedies = len(troubles)
    run.config["options"] = dataclasses.asdict(run.options)
    write_config(run)
    return True


def _best_state(watchers):
    """The best state of the run and the epoch after it; None where there was never a good one."""
    best, guard = watchers.best, watchers.guard
    if best is None or best.checkpoint is None or (guard and not guard.lively):
        return None
    return best.checkpoint, best.epoch + 1


def _states(watchers) -> dict:
    """The states of the callbacks, without what they know of the state that is given up."""
    states = {type(each).__name__: each.state() for each in watchers.in_order if isinstance(each, Resumable)}
    states["Budget"]["told"] = -1.0  # it reports again from the beginning
    states.get(type(watchers.monitor).__name__, {}).pop("numbers", None)
    return states
