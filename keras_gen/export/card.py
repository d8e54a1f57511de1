"""The model card: what anyone who receives an exported model should know about it, in Markdown.

Everything comes from the folder of its run: the card claims nothing that was not measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_gen.evaluation import ScoreCard, metric_of
from keras_gen.evaluation.page import copies_sentence, floor_text, text


def model_card(name: str, run: Path) -> str:
    """The card of a run's model.

    Args:
        name: of the exported model.
        run: folder of the run, with `config.json` and, where it was scored, `scorecard.json`.

    Returns:
        Markdown.
    """
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    path = run / "scorecard.json"
    score_card = ScoreCard.load(path) if path.exists() else None
    sections = {
        "Model": _bullets(_model(config)),
        "Data": _bullets(_data(config["data"])),
        "Scores": _scores(score_card),
        "Limits": _bullets(_limits(config, score_card)),
        "Made with": _bullets(_made_with(config)),
    }
    return f"# {name}\n" + "".join(f"\n## {title}\n\n{content}\n" for title, content in sections.items())


def image_counts(data: Mapping[str, Any]) -> str:
    """How many images a model was trained on, chosen by and tested on, in words.

    Args:
        data: what the configuration of a run says of them.

    Example:
        >>> image_counts({"train_images": 1170, "held_out_images": 130, "test_images": 500})
        '1,170 training images, 130 held out to choose the best state, 500 test images'
    """
    num_held_out = data.get("held_out_images", 0)
    chosen = f", {num_held_out:,} held out to choose the best state" if num_held_out else ""
    return f"{data['train_images']:,} training images{chosen}, {data['test_images']:,} test images"


def _model(config: dict) -> list[str]:
    height, width, channels = config["data"]["image_shape"]
    makes = f"makes images of {height}×{width} pixels"
    if paintings := config["options"].get("style"):
        makes = f"repaints pictures of any size like {', '.join(Path(file).name for file in paintings)}"
    lines = [
        f"{config['family']}, preset `{config['options']['preset']}` of keras_gen",
        f"{makes}, {channels} channel{'s' if channels > 1 else ''}",
        f"parameters: {', '.join(f'{network} {count:,}' for network, count in config['parameters'].items())}",
    ]
    return lines + [f"can be asked for {attribute}" for attribute in config["conditions"] or []]


def _data(data: dict) -> list[str]:
    return [
        f"{data['name']}: {image_counts(data)}",
        f"source: {data['source'] or 'not known'}",
        f"licence: {data['licence'] or 'not known: find out before you pass on the model or its images'}",
        f"SHA-256: `{data['sha256']}`",
        *([f"files that could not be read: {len(data['skipped_files']):,}"] if data["skipped_files"] else []),
    ]


def _scores(card: ScoreCard | None) -> str:
    if card is None:
        return "Not scored. Run `keras-gen evaluate` on the run's folder; the next export then includes the numbers."
    rows = [
        [name, text(name, score), floor_text(name, score), metric_of(name).better, metric_of(name).about]
        for name, score in card.scores.items()
    ]
    shown = ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in card.model.items() if value is not None)
    return "\n\n".join(
        [
            "Measured on the test images, which nothing else in the run used. Beside each number stands the value for "
            f"as many {card.floor_of}. {shown[:1].upper()}{shown[1:]}.",
            _table(["metric", "value", "real images", "better", ""], rows),
        ]
    )


def _limits(config: dict, card: ScoreCard | None) -> list[str]:
    lines = [
        f"It knows only what its {config['data']['train_images']:,} training images show: it inherits their gaps and "
        "their bias.",
    ]
    if card is None:
        return [*lines, "Nothing was measured: neither how good its images are nor whether it copies training images."]
    lines.append(
        "The feature nets behind the scores were trained on the same data: scores compare models of these data with "
        "each other, not with numbers from elsewhere."
    )
    copied = [copies_sentence(card)] if card.copies else []
    return [*lines, *copied, *card.remarks, *(trouble["text"] for trouble in config["troubles"])]


def _made_with(config: dict) -> list[str]:
    versions = ", ".join(f"{package} {version}" for package, version in config["versions"].items() if version)
    return [
        f"started {config['started']}",
        f"{versions}; backend {config['backend']}",
        *([f"git commit of keras_gen: `{config['git_commit']}`"] if config["git_commit"] else []),
    ]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
