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

import dataclasses
import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from keras_gen import callbacks, evaluation, features
from keras_gen.console import progress
from keras_gen.data import MIN_SCORED_IMAGES, Batches, ImageData, Split, doctor
from keras_gen.export import changes, check_name, publish
from keras_gen.files import locked, new_folder, require_writable, slug
from keras_gen.images import save_png
from keras_gen.inputs import Conditions, Continuous, learnable
from keras_gen.models import checkpoints, saving
from keras_gen.models.autoencoders import Autoencoder
from keras_gen.runs import projector, provenance, remedies, report
from keras_gen.runs.options import TrainingOptions

MIN_STEPS = 100  # in which next to nothing can be learned
EARLY_FRACTION = 0.1  # share of a run before which the best state must not be
MAX_PROJECTED = 1_000  # training images whose codes TensorBoard shows


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
        self.options = dataclasses.replace(options, name=self.name, backend=keras.backend.backend())
        time = f"{provenance.now():%Y%m%d-%H%M%S}"
        self.directory = options.run_dir or new_folder(Path("runs") / f"{time}-{options.preset}-{data}")
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
        self.guard: callbacks.CollapseGuard | None = None
        self._watchers: list[keras.callbacks.Callback] = []
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = locked(self.directory)
        self.over = False  # trained to its end by a process that then could not finish it
        self.config = provenance.record(self.options, images, model)
        self.checkpoint = self._resume(batches) if options.resume else None
        self._write_config()
        print(f"{self.family} on {images.name}: {len(images.train)} training images of {images.image_shape}")
        self.warnings = [finding.text for finding in doctor.examine(images) if finding.serious]
        for warning in self.warnings:
            print(f"! {warning}")
        conditions = model.conditions
        if conditions:
            print("it can be asked for", "; ".join(self.config["conditions"]))
            unlearned = [name for name in images.train.attributes if name not in conditions.names]
            if unlearned:
                print(f"not learned: {', '.join(unlearned)} (--condition says what to learn)")
        elif self.options.conditional:
            print("no labels or attributes to learn: nothing can be asked for")

    def _resume(self, batches: Batches) -> checkpoints.Checkpoint | None:
        """The checkpoint to go on from, the batches moved there; None for a run that died before its first."""
        before = json.loads((self.directory / "config.json").read_text())
        if before["data"]["sha256"] != self.images.fingerprint:
            raise ValueError(f"{self.directory} was trained on other images than {self.images.name} has now")
        checkpoint = checkpoints.newest(self.directory / checkpoints.FOLDER)
        if checkpoint is None:
            print(f"{self.directory} has no checkpoint yet: it begins anew")
        else:
            batches.start_at(checkpoint.epoch, checkpoint.batch)
            minutes = checkpoint.callbacks["Budget"]["seconds"] / 60
            self.over = checkpoint.epoch >= self.epochs or minutes >= (self.options.minutes or math.inf)
            if self.over and before.get("finished"):
                raise ValueError(
                    f"{self.directory} is over, after {checkpoint.epoch} epochs in {minutes:.1f} minutes: "
                    "more --epochs or --minutes train it longer"
                )
            print(
                f"resuming {self.directory} at step {checkpoint.step:,}, {minutes:.1f} minutes into it"
                + self.over * ", to finish it"
            )
        at = {"at": provenance.now().isoformat(timespec="seconds"), "step": checkpoint.step if checkpoint else 0}
        self.config |= {"started": before["started"], "resumed": [*before.get("resumed", []), at]}
        self.config |= {"troubles": before["troubles"]}
        return checkpoint

    @property
    def epochs(self) -> int:
        """What to give `fit`: the options' epochs, or so many that the minutes end first; no more when it is over."""
        return self.initial_epoch if self.over else self.options.epochs or 10**9

    @property
    def initial_epoch(self) -> int:
        """What to give `fit`: 0, or of a run that is resumed the epoch in which it stopped."""
        return self.checkpoint.epoch if self.checkpoint else 0

    def callbacks(self, *own: keras.callbacks.Callback) -> list[keras.callbacks.Callback]:
        """The callbacks of every run.

        Args:
            *own: those of the script, such as a grid of pictures.
        """
        self._watchers = self._watchers or [*self._every_run(), *own]
        return [
            callbacks.Checkpoints(
                self.directory / checkpoints.FOLDER,
                self._watchers,
                self.options.checkpoint_every,
                stop=self.signal,
                resume=self.checkpoint,
            ),
            *self._watchers,
        ]

    def _every_run(self) -> list[keras.callbacks.Callback]:
        monitor = self._quality()
        if monitor or self.family == "autoencoder":
            self.best = callbacks.KeepBest("val_loss" if self.family == "autoencoder" else "frechet")
        if self.monitor and self.family != "autoencoder":
            self.guard = callbacks.CollapseGuard(self.budget, self.monitor)
            self.guard.remedies = len(self.config["troubles"])
        return [
            *monitor,
            self.budget,
            *([self.guard] if self.guard else []),
            callbacks.ProgressBar(self.budget),
            self.signal,
            self.not_a_number,
            callbacks.MetricsCSV(self.directory / "metrics.csv"),
            callbacks.TensorBoardScalars(self.directory / "tensorboard"),
            callbacks.LossCurves(self.directory / "curves.png"),
            *([self.best] if self.best else []),
        ]

    def attempts(self, model: keras.Model, batches: Batches) -> Iterator[TrainingOptions]:
        """The options to train with: those of the run, and as long as it ends badly those with the next remedy.

        Before it yields again it moves `batches` and `initial_epoch` back to the best state of the run, which the
        callbacks then restore. The model must be compiled anew, with the new options.

        Args:
            model: the compiled model.
            batches: what `fit` gets.
        """
        beginning = checkpoints.Checkpoint.of(model)
        yield self.options
        while trouble := self._trouble():
            troubles = self.config["troubles"]
            found = remedies.remedy(self.options, model, troubles[-1]["rung"] if troubles else 0)
            if found is None:
                troubles.append(
                    {"text": f"In the end {trouble}, and no remedy was left.", "rung": len(remedies.LADDER)}
                )
                self._write_config()
                return
            self.options, remedy, rung = found
            good, epoch = beginning, 0
            if self.best and self.best.checkpoint and not (self.guard and not self.guard.lively):
                good, epoch = self.best.checkpoint, self.best.epoch + 1
            resumable = [each for each in self._watchers if isinstance(each, callbacks.Resumable)]
            states = {type(each).__name__: each.state() for each in resumable}
            states["Budget"]["told"] = -1.0  # nothing of what it is to tell again
            states.get("QualityMonitor", {}).pop("numbers", None)  # they are of the state that is given up
            self.checkpoint = dataclasses.replace(good, epoch=epoch, batch=0, callbacks=states)
            batches.start_at(epoch)
            text = f"At step {self._ended_at(model):,} {trouble}: back to step {good.step:,}, {remedy}."
            print(text, flush=True)
            troubles.append({"text": text, "rung": rung})
            if self.guard:
                self.guard.remedies = len(troubles)
            self.config["options"] = dataclasses.asdict(self.options)
            self._write_config()
            yield self.options

    def _trouble(self) -> str:
        """What went wrong with the attempt that has just ended, if there is time for another one."""
        if not self.options.guard or self.signal.stopped_by or self.budget.fraction >= 1:
            return ""
        if self.not_a_number.diverged:
            return "the loss was no longer a number"
        return (self.guard and self.guard.trouble) or ""

    def _write_config(self) -> None:
        text = json.dumps(self.config, indent=2, default=str) + "\n"
        checkpoints.replace_file(self.directory / "config.json", lambda file: file.write(text.encode()))

    def _quality(self) -> list[keras.callbacks.Callback]:
        """A monitor for a model that makes images of its own."""
        enough = len(self.images.train) >= MIN_SCORED_IMAGES
        if not self.options.score or not self.generates or not enough:
            return []
        try:
            with progress() as on_progress:
                net = features.FeatureNet.of(self.images, on_progress=on_progress)
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
        enough = self.options.score and min(len(train), len(held_out)) >= MIN_SCORED_IMAGES
        with progress() as on_progress:
            net = features.FeatureNet.of(self.images, on_progress=on_progress) if enough else None
            candidates = evaluation.choose_prior(autoencoder, train, held_out, net, self.options.seed, on_progress)
        evaluation.write_candidates(candidates, self.directory)
        self._project(autoencoder, train.some(MAX_PROJECTED))
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
            SystemExit: with code 1 when the model could not be saved or exported; everything else is there.
        """
        saved, not_saved = self._save(model)
        scored, not_scored = self._score(model)
        version, on_export = self._export(model)
        ending = (self._ending(), self._short(model), self._kept())
        remarks = [text for text in (*ending, remark, not_saved, not_scored, on_export) if text]
        page = report.write(self.directory, self.config, version, [*remarks, *self.warnings])
        look = f"sample {version or self.directory} --num 64" if model.generates else f"reconstruct {self.directory}"
        places = {
            "pictures": self.directory / "samples",
            "report": page,
            "scores": scored,
            "watch": f"tensorboard --logdir {self.directory.parent}",
            "model": saved,
            "serve": version,
            "try": f"keras-gen {look} --out grid.png",
        }
        print("\n".join([*remarks, *(f"{name:>9}  {place}" for name, place in places.items() if place)]))
        not_exported = version is None and importlib.util.find_spec("tensorflow")  # to train without it is no failure
        if not_saved or not_exported:
            raise SystemExit(1)
        self.config["finished"] = provenance.now().isoformat(timespec="seconds")
        self._write_config()

    def _ending(self) -> str:
        """What went wrong, and how training ended where that is worth a word."""
        words = [trouble["text"] for trouble in self.config["troubles"]]
        if self.not_a_number.diverged:
            words.append("Training diverged: the loss is no longer a number. A lower --learning-rate may help.")
        if self.signal.stopped_by:
            words.append(f"Training was ended early by {self.signal.stopped_by}: --resume {self.directory} goes on.")
        return " ".join(words)

    def _short(self, model: keras.Model) -> str:
        """That the budget was over before anything was learned: compiling alone may take a fraction of a minute."""
        steps = self._ended_at(model)
        if steps >= MIN_STEPS:
            return ""
        taken = f"{steps} step{'s' * (steps != 1)}"
        return f"It learned for {taken} only, which is next to nothing: give it more --minutes or --epochs."

    def _ended_at(self, model: keras.Model) -> int:
        """The step at which training ended, whichever state was kept."""
        return self.best.ended_at if self.best else int(model.optimizer.iterations)

    def _kept(self) -> str:
        """Which state of the model was kept."""
        if self.best is None or not self.best.step:
            return ""
        last = self.best.step == self.best.ended_at
        text = (
            f"Kept step {self.best.step:,}, {'the last, ' * last}after epoch {self.best.epoch + 1}, the best by "
            f"{self.best.monitor}: {self.best.value:.4g}{'' if last else f', in the end {self.best.last:.4g}'}."
        )
        if self.best.monitor == "frechet":
            text += " (That is against a thousand training images at most, and not the score card's distance.)"
        if self.best.step < EARLY_FRACTION * self.best.ended_at:
            text += f" Nothing was gained in the {1 - EARLY_FRACTION:.0%} since: a lower --learning-rate may help."
        return text

    @property
    def _diverged(self) -> bool:
        """Whether what came out is no model."""
        return self.not_a_number.diverged and not (self.best and self.best.step)

    def _score(self, model: keras.Model) -> tuple[Path | None, str]:
        """The page of the score card, or None and why there is none."""
        if self.monitor:
            share = self.monitor.seconds / max(self.monitor.seconds_of_training, 1e-9)
            print(f"watching the quality took {self.monitor.seconds:.1f} s, {share:.1%} of the training time")
        for stale in ("scorecard.json", "scorecard.html"):  # of the state that a resumed run had before
            (self.directory / stale).unlink(missing_ok=True)
        if not self.options.score:
            return None, ""
        if self._diverged:
            return None, "Not scored: the model has diverged."
        try:
            with progress() as on_progress:
                card, pictures = evaluation.score(model, self.images, on_progress=on_progress)
            page = evaluation.write(card, pictures, self.directory)
        except KeyboardInterrupt:
            return None, f"Not scored: interrupted. keras-gen evaluate {self.directory} makes up for it."
        except Exception as error:  # whatever it is, the run must not end without its export and report
            return None, f"Not scored: {' '.join(str(error).split())}"
        print("\n".join(evaluation.lines(card)))
        return page, ""

    def _export(self, model: keras.Model) -> tuple[Path | None, str]:
        """The exported version, or None, and what is to be said about it."""
        print("exporting, and checking the SavedModel in a fresh process …", flush=True)
        try:
            version = publish(model, self.options.export_dir, self.name, run=self.directory)
            return version, changes(version)
        except KeyboardInterrupt:
            return None, f"Not exported: interrupted. keras-gen export {self.directory} makes up for it."
        except Exception as error:  # whatever it is, the run must not end without its report
            return None, f"Not exported: {' '.join(str(error).split())}"

    def _save(self, model: keras.Model) -> tuple[Path | None, str]:
        """The file of the model, or None and why there is none."""
        try:
            return saving.save(model, self.directory), ""
        except OSError as error:
            return None, f"Not saved: {error.strerror or error}. Free some space; --resume {self.directory} goes on."
