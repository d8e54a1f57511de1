"""The report of a run: what was trained, on what, what it makes and what went wrong, on one HTML page."""

from __future__ import annotations

import csv
from pathlib import Path

from keras_gen import evaluation, pages
from keras_gen.callbacks.logs import loss_names
from keras_gen.export.card import image_counts

_WHAT_IT_MAKES = "What it makes, uncurated: the same latents in every picture."
_WHAT_COMES_BACK = "Images that it did not train on, and below each its reconstruction."


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
    title = f"{config['family']}, preset {options['preset']}, on {data['name']}"
    *earlier, latest = sorted((directory / "samples").glob("step_*.png"))
    skipped = data["skipped_files"]
    summary = {
        "images": f"{image_counts(data)}, {_shape(data['image_shape'])}",
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
        *map(pages.remark, remarks),
        _picture(latest, _WHAT_COMES_BACK if config["reconstructs"] else _WHAT_IT_MAKES, "large"),
        *_priors(directory),
        *map(pages.paragraph, _asked_for(config)),
        *_score_card(directory),
        pages.heading("Losses"),
        _picture(directory / "curves.png", "Losses show how training went, not how good the images are."),
        pages.heading("Summary"),
        pages.facts(summary),
        pages.heading("During training") if earlier else "",
        *(_picture(path, f"step {int(path.stem.removeprefix('step_')):,}") for path in _spread(earlier)),
        pages.heading("Options"),
        pages.facts({name: value for name, value in options.items() if name != "dry_run"}),
        pages.heading("Made with"),
        pages.facts({"backend": config["backend"], **config["versions"], "git commit": config["git_commit"]}),
    ]
    page = directory / "report.html"
    page.write_text(pages.page(title, sections), encoding="utf-8")
    return page


def _score_card(directory: Path) -> list[str]:
    """The numbers of the score card, if there is one."""
    path = directory / "scorecard.json"
    if not path.exists():
        return []
    more = '<p><a href="scorecard.html">How it was measured, and pictures</a></p>'
    return [pages.heading("How good is it?"), *evaluation.section(evaluation.ScoreCard.load(path)), more]


def _priors(directory: Path) -> list[str]:
    """The priors that were fitted to an autoencoder's codes, the best first."""
    path = directory / "priors.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    about = "New images, a row for each line of the table: codes drawn from that prior, and decoded."
    explanation = (
        "Which distribution do the codes have? Each prior was fitted to the codes of the training images. frechet: "
        "distance of the images that it makes from real ones that were held out. log_prob: mean log density of the "
        "codes of those held-out images, nats. The first prior is saved with the model: of all whose distance is about "
        "the smallest, it has the highest density."
    )
    return [
        pages.heading("Which codes make new images?"),
        pages.paragraph(explanation),
        pages.table(header, rows),
        pages.picture("priors.png", about, "large"),
        pages.heading("New images"),
        pages.picture("new.png", "Uncurated, with the prior that was chosen.", "large"),
    ]


def _asked_for(config: dict) -> list[str]:
    """What a conditional model can be asked for, and what the columns of its picture show."""
    if not config["conditions"]:
        return []
    grid = f"One latent per row, one {config['columns']} per column. " if config["columns"] else ""
    return [f"{grid}It can be asked for:", *config["conditions"]]


def _last_epoch(metrics: Path) -> dict[str, str]:
    """Where training ended, and the last losses, shortened; the monitor's numbers may be of an earlier epoch."""
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    last = {name: value for name, value in rows[-1].items() if value} if rows else {}
    shown = [name for name in ("epoch", "step", "seconds", *loss_names(last)) if name in last]
    return {f"last {name}": f"{float(last[name]):.6g}" for name in shown}


def _spread(pictures: list[Path], most: int = 6) -> list[Path]:
    """At most `most` pictures, evenly over the run, including the first and the last."""
    if len(pictures) <= most:
        return pictures
    return [pictures[round(index * (len(pictures) - 1) / (most - 1))] for index in range(most)]


def _shape(shape) -> str:
    height, width, channels = shape
    return f"{height}×{width} pixels, {channels} channel{'s' if channels > 1 else ''}"


def _picture(path: Path, caption: str, style: str = "small") -> str:
    """A picture of the run's folder, by its address relative to the page in it."""
    return pages.picture(path.name if path.name == "curves.png" else f"samples/{path.name}", caption, style)
