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
  .remark {{ border-left: .3rem solid #888; padding-left: 1rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


_WHAT = {
    "GAN": "What it makes, none chosen: the same latents in every picture.",
    "Autoencoder": "Images that it did not train on, and below each its reconstruction.",
}


def write(directory: Path, config: dict, version: Path | None, remarks: list[str]) -> Path:
    """Writes `report.html` into the folder of a finished run.

    Args:
        directory: the run's folder with `metrics.csv`, `curves.png` and `samples/`.
        config: what `config.json` holds.
        version: folder of the exported model, or None.
        remarks: sentences on what happened, for the top of the page.

    Returns:
        The path of the page.
    """
    options, data = config["options"], config["data"]
    title = escape(f"{config['family']}, preset {options['preset']}, on {data['name']}")
    *earlier, latest = sorted((directory / "samples").glob("step_*.png"))
    skipped = data["skipped_files"]
    summary = {
        "images": f"{data['train_images']} for training, {data['test_images']} for testing, "
        f"{_shape(data['image_shape'])}",
        "classes": ", ".join(data["classes"] or []),
        "skipped files": f"{len(skipped)}: {', '.join(skipped[:5])}{' …' if len(skipped) > 5 else ''}"
        if skipped
        else "",
        "source": data["source"],
        "licence": data["licence"],
        "parameters": ", ".join(f"{name} {count:,}" for name, count in config["parameters"].items()),
        "exported to": version,
        **_last_epoch(directory / "metrics.csv"),
    }
    sections = [
        *(f'<p class="remark">{escape(remark)}</p>' for remark in remarks),
        _picture(latest, _WHAT[config["family"]], "large"),
        *(f"<p>{escape(sentence)}</p>" for sentence in _asked_for(config)),
        "<h2>Losses</h2>",
        _picture(directory / "curves.png", "Losses tell how training went, not how good the images are."),
        "<h2>Summary</h2>",
        _table(summary),
        "<h2>While it learned</h2>" if earlier else "",
        *(_picture(path, f"step {int(path.stem.removeprefix('step_')):,}") for path in _spread(earlier)),
        "<h2>Options</h2>",
        _table({name: value for name, value in options.items() if name != "dry_run"}),
        "<h2>Made with</h2>",
        _table({"backend": config["backend"], **config["versions"], "git commit": config["git_commit"]}),
    ]
    page = directory / "report.html"
    page.write_text(_PAGE.format(title=title, body="\n".join(filter(None, sections))), encoding="utf-8")
    return page


def _asked_for(config: dict) -> list[str]:
    """What a conditional model can be asked for, and what the columns of its picture show."""
    attributes = config.get("conditions") or []
    return (
        [f"One latent a row, one {attributes[0].split(':')[0]} a column. It can be asked for:", *attributes]
        if attributes
        else []
    )


def _last_epoch(metrics: Path) -> dict[str, str]:
    """The last line of the CSV file, numbers shortened."""
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {f"last {name}": f"{float(value):.6g}" for name, value in rows[-1].items()} if rows else {}


def _spread(pictures: list[Path], most: int = 6) -> list[Path]:
    """At most `most` pictures, evenly over the run, the first and the last among them."""
    if len(pictures) <= most:
        return pictures
    return [pictures[round(index * (len(pictures) - 1) / (most - 1))] for index in range(most)]


def _shape(shape) -> str:
    height, width, channels = shape
    return f"{height}×{width} pixels, {channels} channel{'s' if channels > 1 else ''}"


def _picture(path: Path, caption: str, style: str = "small") -> str:
    """A picture of the run's folder, by its address relative to the page in it."""
    source = path.name if path.name == "curves.png" else f"samples/{path.name}"
    caption = escape(caption)
    return (
        f'<figure><img class="{style}" src="{escape(source)}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _table(values: dict) -> str:
    """Rows of names and values; what is not known has no row."""
    rows = (
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in values.items()
        if value not in (None, "")
    )
    return f"<table>{''.join(rows)}</table>"
