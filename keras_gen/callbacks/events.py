"""TensorBoard event files without TensorFlow, so that a run on JAX or PyTorch can be watched in the same way."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class EventWriter:
    """Writes scalars and PNG images to one folder of a TensorBoard run.

    TensorBoard follows one event file per folder: give each writer its own folder. After each call the data
    are in the file. (TensorBoard's own `EventFileWriter` would import TensorFlow where it is installed.)

    Args:
        directory: folder of the event file; made when missing.
        place: a `place` of an earlier writer of the folder: what came after it is cut off, and this writer continues
            there.
    """

    def __init__(self, directory: str | Path, place: tuple[str, int] | None = None):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        name, size = place or (f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}", 0)
        self._path = directory / name
        self._file = self._path.open("ab")
        self._file.truncate(min(size, self._file.tell()))
        self._file.seek(0, os.SEEK_END)
        self._records = RecordWriter(self._file)
        if not self._file.tell():
            self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    @property
    def place(self) -> tuple[str, int]:
        """The name of the file and its size in bytes."""
        return self._path.name, self._path.stat().st_size

    def add_scalars(self, values: dict[str, float], step: int) -> None:
        """Adds a point to the curve of each name."""
        self._add([Summary.Value(tag=name, simple_value=value) for name, value in values.items()], step)

    def add_image(self, name: str, image, png: bytes, step: int) -> None:
        """Adds a picture: the uint8 array (height, width, channels) for its shape and its PNG bytes."""
        height, width, channels = image.shape
        picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png)
        self._add([Summary.Value(tag=name, image=picture)], step)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _add(self, values, step):
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _write(self, event):
        self._records.write(event.SerializeToString())
        self._file.flush()
