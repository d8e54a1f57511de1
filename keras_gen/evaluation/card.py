"""The score card of a model: every number with what is needed to trust it, as JSON and in words.

Real images are those of the test split, which nothing else in a run uses. Beside each number stands the floor: the
value for as many real training images in place of the generated ones.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from keras_gen.data import ImageData

PROTOCOL = 1  # grows when numbers of the same name begin to mean something else


@dataclasses.dataclass(frozen=True)
class Score:
    """One number of a card.

    Attributes:
        value: mean over the feature nets and the sets of generated images.
        error: standard deviation over the sets, each a mean over the nets; None for a number that was measured once.
        floor: the value for real training images; None where that makes no sense.
        interval: [low, high] from a bootstrap over the images of the first draw, which contains the value for
            infinitely many images with at least 95 % confidence; mean over the nets; None where there is none.
    """

    value: float
    error: float | None = None
    floor: float | None = None
    interval: list[float] | None = None


@dataclasses.dataclass(frozen=True)
class ScoreCard:
    """How good a model is, and how that was measured.

    Attributes:
        model: the scored model: its path, its class, whether its weights are averaged, truncation.
        protocol: how it was scored; cards are comparable where this is the same.
        nets: for each feature net its seed, its hash, and its accuracy on the test split by attribute.
        scores: `Score` by names in `scores.METRICS`, or by the part of the card and the name, such as "50-60/seam".
        classes: how often each class is made, and how good it is, see `scores.by_class`; by the first net.
        attributes: how well the images show each attribute that was asked for; by the first net.
        copies: the copy check's findings, without the pairs; empty where nothing was generated.
        remarks: what to know before reading the numbers.
        baselines: for each simple method that was scored beside the model, its scores by name.
        floor_of: what the floors are measured on.

    Example:
        card, pictures = score(gan, keras_gen.load("mnist"))
        card.scores["frechet"].value, card.scores["frechet"].floor
        card.save("scorecard.json")
    """

    model: dict[str, Any]
    protocol: dict[str, Any]
    nets: list[dict[str, Any]]
    scores: dict[str, Score]
    classes: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    attributes: dict[str, float] = dataclasses.field(default_factory=dict)
    copies: dict[str, Any] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)
    baselines: dict[str, dict[str, Score]] = dataclasses.field(default_factory=dict)
    floor_of: str = "real training images"

    def save(self, path: str | Path) -> Path:
        """Writes the card as JSON."""
        path = Path(path)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> ScoreCard:
        """Reads a card that `save` wrote.

        Raises:
            ValueError: for a file that is not a score card.
        """
        try:
            card = json.loads(Path(path).read_text(encoding="utf-8"))
            scores, *others = [
                {name: Score(**score) for name, score in scores.items()}
                for scores in (card["scores"], *card.get("baselines", {}).values())
            ]
            baselines = dict(zip(card.get("baselines", {}), others, strict=True))
            return cls(**{**card, "scores": scores, "baselines": baselines})
        except (json.JSONDecodeError, AttributeError, TypeError, KeyError) as error:
            raise ValueError(f"expected a score card, {path} holds something else") from error


def protocol(
    data: ImageData, num: int, features: str, nets: list[dict[str, Any]], wrap: str = "none"
) -> dict[str, Any]:
    """What must be the same for two cards to be comparable.

    Args:
        data: the data set.
        num: images on each side.
        features: "own" or "inception".
        nets: as in `ScoreCard`.
        wrap: how images close, a name in `keras_gen.layers.WRAPS`: then a rolled copy is a copy.
    """
    return {
        "version": PROTOCOL,
        "training_images": data.train.fingerprint,
        "test_images": data.test.fingerprint,
        "image_shape": list(data.image_shape),
        "split": "test",
        "images": num,
        "features": features,
        "feature_nets": [net["hash"] for net in nets],
        **({} if wrap == "none" else {"wrap": wrap}),
    }
