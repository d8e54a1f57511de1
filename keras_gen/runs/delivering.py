"""What comes out of a run: the saved model, its score card, its export, and the report that says where they are."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

from keras_gen import evaluation
from keras_gen.console import progress
from keras_gen.export import changes, publish
from keras_gen.models import saving
from keras_gen.runs import provenance, remarks, report
from keras_gen.runs.run import Run, write_config
from keras_gen.runs.watching import Watchers

MAX_CARD_SHARE, MIN_CARD_SECONDS = 0.25, 20.0  # of the time of training that a score card may take


def deliver(run: Run, watchers: Watchers, *more: str) -> None:
    """Saves, scores and exports the trained model, writes the report and says where everything is.

    Args:
        run: trained.
        watchers: those that it was trained with.
        *more: sentences about the model, for the report.

    Raises:
        SystemExit: with code 1 when the model could not be saved or exported; everything else is there.
    """
    model, directory = run.model, run.directory
    saved, not_saved = save(run)
    scored, not_scored = score(run, watchers)
    version, on_export = export(run)
    steps = watchers.ended_at(model)
    said = [remarks.ending(run, watchers), remarks.too_short(steps), remarks.kept(watchers.best), *more]
    said = [text for text in (*said, not_saved, not_scored, on_export) if text]
    page = report.write(directory, run.config, version, [*said, *run.warnings])
    places = {
        "pictures": directory / "samples",
        "report": page,
        "scores": scored,
        "watch": f"tensorboard --logdir {directory.parent}",
        "model": saved,
        "serve": version,
        "try": f"keras-gen {_to_try(run, version)}",
    }
    print("\n".join([*said, *(f"{name:>9}  {place}" for name, place in places.items() if place)]))
    not_exported = version is None and importlib.util.find_spec("tensorflow")  # training without it is not a failure
    if not_saved or not_exported:
        raise SystemExit(1)
    if not watchers.signal.stopped_by:  # else --resume goes on with it
        run.config["finished"] = provenance.now().isoformat(timespec="seconds")
        write_config(run)


def _to_try(run: Run, version: Path | None) -> str:
    """The command, after `keras-gen`, that shows what the model can do."""
    model, place = run.model, version or run.directory
    if model.task:
        masks = " --mask MASKS/" if model.mask else ""
        proposals = " --num 4" if model.repairs and model.latent_input else ""  # translations hardly differ
        return f"{model.task} {place} --data PICTURES/{masks}{proposals}"
    if model.stylizes:
        return f"stylize {place} --data PICTURES/ --style-name {shlex.quote(model.styles[0])}"
    if model.generates:
        return f"sample {place} --num 64 --out grid.png"
    return f"reconstruct {run.directory} --out grid.png"


def save(run: Run) -> tuple[Path | None, str]:
    """The file of the model, or None and why there is none."""
    try:
        return saving.save(run.model, run.directory), ""
    except OSError as error:
        return None, f"Not saved: {error.strerror or error}. Free some space, then go on with --resume {run.directory}."


def score(run: Run, watchers: Watchers) -> tuple[Path | None, str]:
    """The page of the score card, or None and why there is none."""
    if (monitor := watchers.monitor) and monitor.measurements:
        share = monitor.seconds / max(monitor.seconds_of_training, 1e-9)
        print(f"watching the quality took {monitor.seconds:.1f} s, {share:.1%} of the training time")
    for stale in ("scorecard.json", "scorecard.html"):  # of the state that a resumed run had before
        (run.directory / stale).unlink(missing_ok=True)
    if not run.options.score:
        return None, ""
    if watchers.diverged:
        return None, "Not scored: the model has diverged."
    try:
        with progress() as on_progress:
            seconds = max(MIN_CARD_SECONDS, MAX_CARD_SHARE * watchers.seconds)
            card, pictures = evaluation.score(run.model, run.images, on_progress=on_progress, seconds=seconds)
        page = evaluation.write(card, pictures, run.directory)
    except KeyboardInterrupt:
        return None, f"Not scored: interrupted. Run keras-gen evaluate {run.directory} to score it."
    except Exception as error:  # whatever it is, the run must not end without its export and report
        return None, f"Not scored: {' '.join(str(error).split())}"
    print("\n".join(evaluation.lines(card)))
    return page, ""


def export(run: Run) -> tuple[Path | None, str]:
    """The exported version, or None, and remarks about it."""
    options = run.options
    try:
        with progress() as on_progress:
            version = publish(run.model, options.export_dir, options.name, run=run.directory, on_progress=on_progress)
        return version, changes(version)
    except KeyboardInterrupt:
        return None, f"Not exported: interrupted. Run keras-gen export {run.directory} to export it."
    except Exception as error:  # whatever it is, the run must not end without its report
        return None, f"Not exported: {' '.join(str(error).split())}"
