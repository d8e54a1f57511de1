"""`keras-gen export | verify`: for a server."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path

import tyro

from keras_gen.paths import RUN, require_path
from keras_gen.runs.fields import Switch


@dataclasses.dataclass(frozen=True)
class Export:
    """Export a trained model as the next version that TF Serving loads, checked in fresh processes."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/."""
    name: str | None = None
    """Name of the exported model; by default the one that the run was given, or the name of the file."""
    discriminator: Switch = False
    """Keep the discriminator of a GAN, as the signature `discriminate`."""
    keep: int | None = None
    """How many of the newest versions to keep, besides those that model.config names; all by default."""

    format: tuple[str, ...] = ()
    """Any of onnx and litert: formats to write the default signature in as well, beside the versions."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.run_folder, RUN)

    def run(self) -> None:
        """Publishes the model and says where."""
        from keras_gen import export, files
        from keras_gen.console import no_progress, progress
        from keras_gen.models import saving
        from keras_gen.runs import options

        name = self.name or options.read_options(self.run_folder).get("name") or files.slug(self.run_folder.stem)
        export.check_name(name)
        files.require_writable(self.export_dir)
        model = saving.load(self.run_folder)
        # A program that reads the output gets only the path.
        with progress() if sys.stdout.isatty() else contextlib.nullcontext(no_progress) as on_progress:
            version = export.publish(
                model,
                self.export_dir,
                name,
                run=self.run_folder,
                discriminator=self.discriminator,
                keep=self.keep,
                formats=self.format,
                on_progress=on_progress,
            )
        if changed := export.changes(version):
            print(changed, file=sys.stderr)
        print(version)


@dataclasses.dataclass(frozen=True)
class Verify:
    """Repeat the check of an exported model that it passed when it was exported, in fresh processes."""

    saved_model: tyro.conf.Positional[Path]
    """Folder of an exported model, of which every version is checked, or of one version."""

    def check(self) -> None:
        """Refuses what is not there."""
        require_path(self.saved_model, "the folder of an exported model")

    def run(self) -> None:
        """Prints for each version which runtimes agree; the first one that is not as it was exported is an error."""
        from keras_gen import export
        from keras_gen.console import no_progress, progress

        versions = export.published_versions(self.saved_model)
        for folder in [self.saved_model / str(version) for version in versions] or [self.saved_model]:
            with progress() if sys.stdout.isatty() else contextlib.nullcontext(no_progress) as on_progress:
                agreed = export.verify(folder, on_progress)
            print(f"{folder}: {agreed}", flush=True)
