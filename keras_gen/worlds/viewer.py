"""A page to look around in panoramas with: one file, for any browser, phone or headset."""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
from collections.abc import Sequence
from pathlib import Path

from keras_gen.files import replacing

KINDS = {".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".png": "png"}


def viewer(path: str | Path, panoramas: Sequence[Path], title: str = "Worlds") -> Path:
    """Writes one HTML page that shows panoramas: mouse, touch, keyboard, tilting a phone, full screen, a headset.

    The pictures lie inside the page, which therefore opens from a disk too, and loads nothing from a network. A headset
    needs it from https or localhost, as browsers demand. `#world=2&yaw=90&pitch=0&fov=75` in its address says where
    to look, in degrees.

    Args:
        path: of the page.
        panoramas: equirectangular pictures with a suffix in `KINDS`; at least one.
        title: of the page.

    Returns:
        The path.
    """
    worlds = []
    for file in panoramas:
        kind = KINDS[file.suffix]
        data = base64.b64encode(file.read_bytes()).decode()
        worlds.append({"name": file.stem.replace("_", " "), "picture": f"data:image/{kind};base64,{data}"})
    page = importlib.resources.files(__package__).joinpath("viewer.html").read_text("utf-8")
    script = json.dumps(worlds).replace("<", "\\u003c")  # or a name could end the script that it stands in
    page = page.replace("__TITLE__", html.escape(title)).replace("__WORLDS__", script)
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")
    return Path(path)
