"""A score card for readers: a page with the numbers, what each says, and pictures; and cards side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_gen import images as pixels
from keras_gen import pages
from keras_gen.evaluation.card import Score, ScoreCard
from keras_gen.evaluation.scores import METRICS, metric_of


def write(card: ScoreCard, pictures: Mapping[str, np.ndarray], directory: str | Path) -> Path:
    """Writes `scorecard.json`, `scorecard.html` and the pictures that go with it into a folder.

    Args:
        card: the card.
        pictures: uint8 arrays (height, width, channels) by caption.
        directory: the folder; created if missing.

    Returns:
        The path of the page.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    card.save(directory / "scorecard.json")
    figures = []
    for number, (caption, picture) in enumerate(pictures.items(), start=1):
        name = f"scorecard_{number}.png"
        pixels.save_png(directory / name, picture)
        figures.append(pages.picture(name, caption, "large"))
    page = directory / "scorecard.html"
    sections = [*section(card), *figures, *_details(card), *_protocol(card)]
    page.write_text(pages.page(f"Score card of {card.model['class']} on {card.model['data']}", sections), "utf-8")
    return page


def section(card: ScoreCard) -> list[str]:
    """The numbers of a card as a part of a page: remarks and a table, or one for each part of the card."""
    remarks = list(map(pages.remark, card.remarks))
    parts: dict[str, list[str]] = {}
    for name in card.scores:
        parts.setdefault(name.rpartition("/")[0], []).append(name)
    if set(parts) <= {""}:
        rows = [[*_row(card, name), metric_of(name).about] for name in card.scores]
        return [*remarks, pages.table([*_header(card), ""], rows)]
    tables = []
    for part, names in parts.items():
        rows = [[name.rpartition("/")[2], *_row(card, name)[1:]] for name in names]
        tables += [pages.heading(part), pages.table(_header(card), rows)]
    # Once for all parts, which leaves their tables room for the baselines.
    abouts = {name.rpartition("/")[2]: metric_of(name).about for name in card.scores}
    return [*remarks, *tables, pages.heading("What the numbers say"), pages.facts(abouts)]


def _header(card: ScoreCard) -> list[str]:
    return ["metric", "value", card.floor_of, *card.baselines, "better"]


def _row(card: ScoreCard, name: str) -> list[str]:
    """What a table says about one number, the baselines' values beside it."""
    score = card.scores[name]
    baselines = [text(name, scores[name]) if name in scores else "" for scores in card.baselines.values()]
    return [name, text(name, score), floor_text(name, score), *baselines, metric_of(name).better]


def lines(card: ScoreCard) -> list[str]:
    """The numbers of a card for the console, and its remarks."""
    rows = [_header(card), *(_row(card, name) for name in card.scores)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return [*card.remarks, *padded]


def text(name: str, score: Score) -> str:
    """A number with its error, in the format of the metric.

    Example:
        >>> text("frechet", Score(1.25, 0.031))
        '1.250 ± 0.031'
    """
    form = metric_of(name).form
    error = "" if score.error is None else f" ± {score.error:{form}}"
    interval = "" if score.interval is None else " [{:{form}}, {:{form}}]".format(*score.interval, form=form)
    return f"{score.value:{form}}{error}{interval}"


def floor_text(name: str, score: Score) -> str:
    """The floor of a number, empty where there is none."""
    return "" if score.floor is None else f"{score.floor:{metric_of(name).form}}"


def _details(card: ScoreCard) -> list[str]:
    """What is made of each class, and how well images show each attribute that was asked for."""
    rows = [
        [
            name,
            f"{found['real']:.3f}",
            f"{found['made']:.3f}",
            f"{found['frechet']:.2f}" if "frechet" in found else "",
            "",
        ]
        for name, found in card.classes.items()
    ]
    shown = {name: f"{value:.3f}" for name, value in card.attributes.items()}
    return [
        *(
            [
                pages.heading("Class by class, by feature net 1"),
                pages.table(["class", "real", "made", "frechet", ""], rows),
            ]
            if rows
            else []
        ),
        *(
            [pages.heading("How well images show each attribute, by feature net 1"), pages.facts(shown)]
            if shown
            else []
        ),
    ]


def _protocol(card: ScoreCard) -> list[str]:
    accuracies = {
        f"accuracy of feature net {net['seed'] + 1} ({net['hash']})": ", ".join(
            f"{name} {value:.3f}" for name, value in net["accuracy"].items()
        )
        or "none: it was trained without labels"
        for net in card.nets
    }
    protocol = {name: value for name, value in card.protocol.items() if name != "feature_nets"}
    return [
        *_copies(card),
        pages.heading("How it was measured"),
        pages.facts({**card.model, **protocol, **accuracies}),
    ]


def _copies(card: ScoreCard) -> list[str]:
    if not card.copies:
        return []
    copied = "Yes" if card.copies["copied"] else "No"
    return [pages.heading(f"Does it copy? {copied}"), pages.paragraph(copies_sentence(card))]


def copies_sentence(card: ScoreCard) -> str:
    """What the copy check found, in words; the card must have `copies`."""
    found = card.copies
    return (
        f"{found['suspicious']:.1%} of the generated images are much nearer to a training image than to any unseen "
        f"image; of unseen real images 5 % are (p = {found['p_value']:.2g}). The median distance to the nearest "
        f"training image is {found['fake_distance']:.1f} bytes per value for generated images and "
        f"{found['test_distance']:.1f} for unseen real ones."
    )


def _short(value) -> str:
    """A part of a protocol for an error message: hashes by their beginning."""
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)[:12]


def side_by_side(cards: Mapping[str, ScoreCard]) -> list[list[str]]:
    """The numbers of several cards that were made in the same way, as lines of a table.

    Args:
        cards: at least two cards by name.

    Returns:
        The header and a row for each metric: its name, each card's value, the floor, the baselines of the first card,
        which direction is better.

    Raises:
        ValueError: if two cards were made in different ways, which says where: their numbers mean different things.
    """
    first_name, first = next(iter(cards.items()))
    for name, card in cards.items():
        differing = [
            f"{key.replace('_', ' ')} {_short(first.protocol.get(key))} and {_short(card.protocol.get(key))}"
            for key in {**first.protocol, **card.protocol}
            if first.protocol.get(key) != card.protocol.get(key)
        ]
        if differing:
            raise ValueError(
                f"expected cards that were made in the same way, {first_name} and {name} differ in "
                f"{'; '.join(differing)}: score them again"
            )
    rows = []
    if any(card.model.get("truncation") for card in cards.values()):
        rows.append(["truncation", *(str(card.model["truncation"] or "") for card in cards.values()), "", ""])
    by_metric = {name: list(METRICS).index(name.rpartition("/")[2]) for card in cards.values() for name in card.scores}
    parts = list(dict.fromkeys(name.rpartition("/")[0] for name in by_metric))
    for name in sorted(by_metric, key=lambda name: (parts.index(name.rpartition("/")[0]), by_metric[name])):
        scores = [card.scores.get(name) for card in cards.values()]
        values = ("" if score is None else text(name, score) for score in scores)
        floor = next((floor_text(name, score) for score in scores if score), "")
        baselines = (text(name, known[name]) if name in known else "" for known in first.baselines.values())
        rows.append([name, *values, floor, *baselines, metric_of(name).better])
    return [["metric", *cards, first.floor_of, *first.baselines, "better"], *rows]
