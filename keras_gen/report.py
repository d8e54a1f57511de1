"""The report of a run: what was trained, on what, what it makes and what went wrong, on one HTML page."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  img {{ max-width: 100%; image-rendering: pixelated; }}
  img.large {{ width: 36rem; }}
  table {{ border-collapse: collapse; }}
  td, th {{ text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }}
  .problem {{ border-left: .3rem solid #c33; padding-left: 1rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def write(
    directory: Path, config: dict, version: Path | None, problem: Exception | None, stopped_by: str | None
) -> Path:
    """Writes `report.html` into the folder of a finished run.

    Args:
        directory: the run's folder with `metrics.csv`, `curves.png` and `samples/`.
        config: what `config.json` holds.
        version: folder of the exported model, or None.
        problem: why there is none, or None.
        stopped_by: name of the signal that ended training, or None.

    Returns:
        The path of the page.
    """
    options, data = config["options"], config["data"]
    epochs = _last_epoch(directory / "metrics.csv")
    pictures = sorted((directory / "samples").glob("step_*.png"))
    sections = []
    if problem:
        sections.append(f'<p class="problem">Not exported: {escape(str(problem))}</p>')
    if stopped_by:
        sections.append(
            f"<p>Training was ended early by {escape(stopped_by)}; the model is the one of that moment.</p>"
        )
    if pictures:
        sections.append(_picture(f"samples/{pictures[-1].name}", f"{pictures[-1].stem.replace('_', ' ')}", "large"))
        sections.append("<p>Not chosen: the same latents or images are drawn each time.</p>")
    if (directory / "curves.png").exists():
        sections.append("<h2>Losses</h2>" + _picture("curves.png", "losses by step"))
        sections.append("<p>Losses tell how training went, not how good the images are.</p>")
    summary = {
        "data": f"{data['name']}: {data['train_images']} training images of {_shape(data['image_shape'])}",
        "source": data["source"],
        "licence": data["licence"],
        "parameters": ", ".join(f"{name} {count:,}" for name, count in config["parameters"].items()),
        "exported to": version or "–",
        **{f"last epoch: {name}": value for name, value in epochs.items()},
    }
    sections.append("<h2>Summary</h2>" + _table(summary))
    sections.append("<h2>Options</h2>" + _table(options))
    sections.append("<h2>Made with</h2>" + _table({**config["versions"], "backend": config["backend"]}))
    if len(pictures) > 1:
        sections.append("<h2>While it learned</h2>")
        sections += [
            _picture(f"samples/{picture.name}", picture.stem.replace("_", " ")) for picture in _spread(pictures)
        ]
    page = directory / "report.html"
    title = escape(f"{options['preset']} on {data['name']}")
    page.write_text(_PAGE.format(title=title, body="\n".join(sections)), encoding="utf-8")
    return page


def _last_epoch(metrics: Path) -> dict[str, str]:
    if not metrics.exists():
        return {}
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows[-1] if rows else {}


def _spread(pictures: list[Path], most: int = 6) -> list[Path]:
    """At most `most` pictures, evenly over the run, the first and the last among them."""
    if len(pictures) <= most:
        return pictures
    return [pictures[round(index * (len(pictures) - 1) / (most - 1))] for index in range(most)]


def _shape(shape) -> str:
    height, width, channels = shape
    return f"{height}×{width} pixels, {channels} channel{'s' if channels > 1 else ''}"


def _picture(source: str, caption: str, style: str = "") -> str:
    return (
        f'<figure><img class="{style}" src="{escape(source)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(values: dict) -> str:
    rows = (f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>" for name, value in values.items())
    return f"<table>{''.join(rows)}</table>"
