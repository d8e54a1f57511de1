"""The folder of what can be made again, such as parsed data and trained feature nets: that of Keras."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder `name` where Keras keeps such things: in `~/.keras`, or where the variable KERAS_HOME says.

    Example:
        >>> cache_folder("datasets").name
        'datasets'
    """
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / name
