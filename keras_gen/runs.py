"""The folder of one training run: what was asked for, what happened, what came out.

runs/<time>-<preset>-<data>/
config.json      every option, resolved; versions; git commit; the data and its hash
metrics.csv      the losses of each epoch        curves.png   the same as a picture
tensorboard/     scalars and images              samples/     step_<number>.png
checkpoints/     final.keras, the best model of the run; step_<number>.npz, from which --resume goes on
report.html      all of it on one page
scorecard.json   how good it is, and how that was measured; scorecard.html the same with pictures
priors.csv       of an autoencoder: what its codes may be distributed like; priors.png, new.png  images made so;
                 tensorboard/codes  its codes for the projector
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import math
import re
import tempfile
from pathlib import Path

import filelock
import keras
import numpy as np

from keras_gen import callbacks, checkpoints, doctor, evaluation, projector, provenance, report
from keras_gen.autoencoders import Autoencoder
from keras_gen.command_line import progress
from keras_gen.conditions import Conditions, Continuous, learnable
from keras_gen.data import Batches, ImageData, Split
from keras_gen.export import check_name, publish, published_versions
from keras_gen.images import save_png
from keras_gen.options import TrainingOptions

CHECKPOINTS = "checkpoints"  # folder in that of the run
PROJECTED = 1_000  # training images whose codes TensorBoard shows


class Run:
    """One training run and its folder, new or resumed.

    Args:
        options: resolved options of the training script.
        images: the data.
        model: compiled model; its class names the family.
        batches: what `fit` will get; of a run that is resumed moved on to where it stopped.

    Raises:
        ValueError: if the folder already holds a run, it or the export folder cannot be written, the name cannot
            be a folder's, or another process trains in it; of one that is resumed, if it is over or its data have
            changed.
    """

    def __init__(self, options: TrainingOptions, images: ImageData, model: keras.Model, batches: Batches):
        self.family = "autoencoder" if isinstance(model, Autoencoder) else type(model).__name__.lower()
        self.generates = model.generates  # while it learns: an autoencoder may get its prior afterwards
        data = slug(images.name)
        self.name = options.name or f"{self.family}-{options.preset}-{data}"
        self.options = dataclasses.replace(options, name=self.name)
        time = f"{provenance.now():%Y%m%d-%H%M%S}"
        self.directory = options.run_dir or _unused(Path("runs") / f"{time}-{options.preset}-{data}")
        if (self.directory / "config.json").exists() and not options.resume:
            raise ValueError(f"{self.directory} already holds a run: give another --run-dir, or --resume it")
        check_name(self.name)
        require_writable(self.directory)
        require_writable(options.export_dir)
        self.budget = callbacks.Budget(options.epochs, options.minutes)
        self.signal = callbacks.StopOnSignal()
        self.not_a_number = callbacks.StopOnNaN()
        self.images = images
        self.monitor: evaluation.QualityMonitor | None = None
        self.best: callbacks.KeepBest | None = None
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.directory)
        self.config = provenance.record(self.options, images, model)
        self.checkpoint = self._resume(batches) if options.resume else None
        text = json.dumps(self.config, indent=2, default=str) + "\n"
        checkpoints.replace_file(self.directory / "config.json", lambda file: file.write(text.encode()))
        print(f"{self.family} on {images.name}: {len(images.train)} training images of {images.image_shape}")
        self.warnings = [finding.text for finding in doctor.examine(images) if finding.serious]
        for warning in self.warnings:
            print(f"! {warning}")
        conditions = model.conditions
        if conditions:
            print("it can be asked for", "; ".join(self.config["conditions"]))
            unused = [name for name in images.train.attributes if name not in conditions.names]
            if unused:
                print(f"not learned: {', '.join(unused)} (--condition says what to learn)")

    def _resume(self, batches: Batches) -> checkpoints.Checkpoint | None:
        """The checkpoint to go on from, the batches moved there; None for a run that died before its first."""
        before = json.loads((self.directory / "config.json").read_text())
        if before["data"]["sha256"] != self.images.fingerprint:
            raise ValueError(f"{self.directory} was trained on other images than {self.images.name} has now")
        checkpoint = checkpoints.newest(self.directory / CHECKPOINTS)
        if checkpoint is None:
            print(f"{self.directory} has no checkpoint yet: it begins anew")
        else:
            batches.epoch, batches.skip = checkpoint.epoch, checkpoint.batch
            minutes = checkpoint.callbacks["Budget"]["seconds"] / 60
            if checkpoint.epoch >= self.epochs or minutes >= (self.options.minutes or math.inf):
                raise ValueError(
                    f"{self.directory} is over, after {checkpoint.epoch} epochs in {minutes:.1f} minutes: "
                    "more --epochs or --minutes train it longer"
                )
            print(f"resuming {self.directory} at step {checkpoint.step:,}, {minutes:.1f} minutes into it")
        at = {"at": provenance.now().isoformat(timespec="seconds"), "step": checkpoint.step if checkpoint else 0}
        self.config |= {"started": before["started"], "resumed": [*before.get("resumed", []), at]}
        return checkpoint

    @property
    def epochs(self) -> int:
        """What to give `fit`: the options' epochs, or so many that the minutes end first."""
        return self.options.epochs or 10**9

    @property
    def initial_epoch(self) -> int:
        """What to give `fit`: 0, or of a run that is resumed the epoch in which it stopped."""
        return self.checkpoint.epoch if self.checkpoint else 0

    def callbacks(self, *own: keras.callbacks.Callback) -> list[keras.callbacks.Callback]:
        """The callbacks of every run.

        Args:
            *own: those of the script, such as a grid of pictures.
        """
        monitor = self._quality()
        if monitor or self.family == "autoencoder":
            self.best = callbacks.KeepBest("val_loss" if self.family == "autoencoder" else "frechet")
        watchers = [
            *monitor,
            self.budget,
            callbacks.ProgressBar(self.budget),
            self.signal,
            self.not_a_number,
            callbacks.MetricsCSV(self.directory / "metrics.csv"),
            callbacks.TensorBoardScalars(self.directory / "tensorboard"),
            callbacks.LossCurves(self.directory / "curves.png"),
            *([self.best] if self.best else []),
            *own,
        ]
        folder, minutes = self.directory / CHECKPOINTS, self.options.checkpoint_every
        return [
            callbacks.Checkpoints(folder, watchers, minutes, stop=self.signal, resume=self.checkpoint),
            *watchers,
        ]

    def _quality(self) -> list[keras.callbacks.Callback]:
        """A monitor for a model that makes images of its own."""
        enough = len(self.images.train) >= evaluation.LEAST_IMAGES
        if not self.options.score or not self.generates or not enough:
            return []
        try:
            with progress() as tell:
                net = evaluation.FeatureNet.of(self.images, tell=tell)
            self.monitor = evaluation.QualityMonitor(self.images.train, net)
        except Exception as error:  # whatever it is, it must not keep the model from being trained
            print(f"the quality is not watched: {' '.join(str(error).split())}")
            return []
        return [self.monitor]

    def choose_prior(self, autoencoder: Autoencoder, train: Split, held_out: Split) -> str:
        """Fits a prior to the autoencoder's codes, see `evaluation.choose_prior`, and shows what there was to choose.

        Args:
            autoencoder: the trained autoencoder.
            train: what it has learned from.
            held_out: what it has not.

        Returns:
            Why there is none, or nothing.
        """
        if self._diverged:
            return ""
        self._save(autoencoder)  # what was learned is safe, whatever happens now
        before = autoencoder.prior
        try:
            self._choose_prior(autoencoder, train, held_out)
        except (Exception, KeyboardInterrupt) as error:
            autoencoder.prior = before
            return f"No prior was fitted to the codes: {' '.join(str(error).split()) or 'interrupted'}."
        return ""

    def _choose_prior(self, autoencoder, train, held_out):
        enough = self.options.score and min(len(train), len(held_out)) >= evaluation.LEAST_IMAGES
        with progress() as tell:
            net = evaluation.FeatureNet.of(self.images, tell=tell) if enough else None
            candidates = evaluation.choose_prior(autoencoder, train, held_out, net, self.options.seed, tell)
        evaluation.write_candidates(candidates, self.directory)
        self._project(autoencoder, train.some(PROJECTED))
        save_png(self.directory / "new.png", autoencoder.picture())
        chosen = candidates[0].prior.about
        print(f"new images come from codes that are drawn from a {chosen}: {self.directory / 'new.png'}")

    def _project(self, autoencoder, split):
        """The codes of some images, and what is known about these, for TensorBoard's projector."""
        schema = Conditions.of(self.images, names) if (names := learnable(self.images)) else None
        known = {}
        for item, column in zip(schema.attributes, schema.columns(split).values(), strict=True) if schema else []:
            missing = np.isnan(column) if isinstance(item, Continuous) else column < 0
            known[item.name] = ["" if gone else item.text(value) for gone, value in zip(missing, column, strict=True)]
        pictures = np.asarray(split.images[:])
        projector.write(self.directory / "tensorboard" / "codes", autoencoder.encode(pictures), pictures, known)

    def finish(self, model: keras.Model, remark: str = "") -> None:
        """Saves, scores and exports the trained model, writes the report and says where everything is.

        Args:
            model: the trained model.
            remark: what the script wants said about it.

        Raises:
            SystemExit: with code 1 when the export failed; everything else is there.
        """
        checkpoint = self._save(model)
        scored, not_scored = self._score(model)
        version, problem = self._export(model)
        remarks = [text for text in (self._ending(), self._kept(), remark, not_scored, problem) if text]
        page = report.write(self.directory, self.config, version, [*remarks, *self.warnings])
        look = f"sample {version or self.directory} --num 64" if model.generates else f"reconstruct {self.directory}"
        places = {
            "pictures": self.directory / "samples",
            "report": page,
            "scores": scored,
            "watch": f"tensorboard --logdir {self.directory.parent}",
            "model": checkpoint,
            "serve": version,
            "try": f"keras-gen {look} --out grid.png",
        }
        print("\n".join([*remarks, *(f"{name:>9}  {place}" for name, place in places.items() if place)]))
        if problem and importlib.util.find_spec("tensorflow"):  # training without TensorFlow is no failure
            raise SystemExit(1)

    def _ending(self) -> str:
        """How training ended, where that is worth a word."""
        if self.not_a_number.diverged:
            return "Training diverged: the loss is no longer a number. A lower --learning-rate may help."
        if self.signal.stopped_by:
            return f"Training was ended early by {self.signal.stopped_by}: --resume {self.directory} goes on."
        return ""

    def _kept(self) -> str:
        """Which state of the model was kept."""
        if self.best is None or not self.best.step:
            return ""
        return (
            f"Kept step {self.best.step:,}, after epoch {self.best.epoch + 1}, the best by {self.best.monitor}: "
            f"{self.best.value:.4g}, in the end {self.best.last:.4g}."
        )

    @property
    def _diverged(self) -> bool:
        """Whether what came out is no model."""
        return self.not_a_number.diverged and not (self.best and self.best.step)

    def _score(self, model: keras.Model) -> tuple[Path | None, str]:
        """The page of the score card, or None and why there is none."""
        if self.monitor:
            share = self.monitor.seconds / max(self.monitor.seconds_of_training, 1e-9)
            print(f"watching the quality took {self.monitor.seconds:.1f} s, {share:.1%} of the training time")
        if not self.options.score:
            return None, ""
        if self._diverged:
            return None, "Not scored: the model has diverged."
        try:
            with progress() as tell:
                card, pictures = evaluation.score(model, self.images, tell=tell)
            page = evaluation.write(card, pictures, self.directory)
        except KeyboardInterrupt:
            return None, f"Not scored: interrupted. keras-gen evaluate {self.directory} makes up for it."
        except Exception as error:  # whatever it is, the run must not end without its export and report
            return None, f"Not scored: {' '.join(str(error).split())}"
        print("\n".join(evaluation.lines(card)))
        return page, ""

    def _export(self, model: keras.Model) -> tuple[Path | None, str]:
        """The exported version, or None and why there is none."""
        print("exporting, and checking the SavedModel in a fresh process …", flush=True)
        try:
            return publish(model, self.options.export_dir, self.name), ""
        except KeyboardInterrupt:
            return None, f"Not exported: interrupted. keras-gen export {self.directory} makes up for it."
        except Exception as error:  # whatever it is, the run must not end without its report
            return None, f"Not exported: {' '.join(str(error).split())}"

    def _save(self, model: keras.Model) -> Path:
        folder = self.directory / CHECKPOINTS
        folder.mkdir(exist_ok=True)
        unfinished = folder / "unfinished.keras"
        model.save(unfinished)
        return unfinished.replace(folder / "final.keras")


def load_model(path: str | Path) -> keras.Model:
    """The trained model of a run.

    Args:
        path: folder of a run, or a `.keras` file.

    Returns:
        The `GAN` or `Autoencoder`, not compiled.

    Raises:
        FileNotFoundError: if there is no such run or file.
        ValueError: if the file is no saved model.
    """
    from keras_gen import autoencoders, gan  # noqa: F401  registers the classes that a file may name

    path = Path(path)
    file = path / CHECKPOINTS / "final.keras" if path.is_dir() else path
    if (path / "saved_model.pb").exists() or published_versions(path):
        raise ValueError(f"{path} is an exported model: expected the folder of a run or a .keras file")
    if not file.is_file():
        raise FileNotFoundError(f"expected the folder of a finished run or a .keras file, found no {file}")
    # Not compiled: whoever made the model may have used a loss that is not known here.
    return keras.saving.load_model(file, compile=False)


def slug(text: str) -> str:
    """`text` as a part of a file name: letters, digits, `.`, `_` and `-`.

    Example:
        >>> slug("my pictures/")
        'my-pictures'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.") or "data"


def require_writable(folder: Path) -> None:
    """Tries to write into a folder, existing or not, and leaves everything as it was.

    Raises:
        ValueError: if it cannot be written: better now than after training.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"cannot write to {folder} ({error.strerror}): give another folder") from error
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()


def _locked(directory: Path) -> filelock.BaseFileLock:
    """The lock of a run's folder, until this process ends, however it does."""
    lock = filelock.FileLock(directory / ".lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(f"another process trains in {directory}: wait for it, or give another --run-dir") from None
    return lock


def _unused(directory: Path) -> Path:
    """The folder, with a number behind when two runs start in one second."""
    candidates = (
        directory if not number else directory.with_name(f"{directory.name}-{number}") for number in range(10**6)
    )
    return next(candidate for candidate in candidates if not candidate.exists())
