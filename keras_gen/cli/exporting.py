"""`keras-gen export`: for a server."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro


@dataclasses.dataclass(frozen=True)
class Export:
    """Export a trained model as the next version that TF Serving loads, checked in a fresh process."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a run, or a .keras file."""
    export_dir: Path = Path("saved_models")
    """Folder of exported models: <export-dir>/<name>/<version>/."""
    name: str | None = None
    """Name of the exported model; by default the one that the run was given, or the name of the file."""

    def run(self) -> None:
        """Publishes the model and says where."""
        from keras_gen import export, folders, options, runs

        name = self.name or options.read_options(self.run_folder).get("name") or folders.slug(self.run_folder.stem)
        export.check_name(name)
        folders.require_writable(self.export_dir)
        print(export.publish(runs.load_model(self.run_folder), self.export_dir, name))
