"""What a score card costs, and what it leaves out where there is less time."""

import dataclasses

import numpy as np
import pytest

from keras_gen import evaluation
from keras_gen.data import ImageData, Split
from keras_gen.evaluation import effort
from keras_gen.evaluation.effort import FULL, Effort, Pace, Work
from keras_gen.features import FeatureNet

PACE = Pace(draw=0.003, extract=0.001)
WORK = Work(num_images=50, num_train=400, num_test=50, num_values=300, is_labelled=True, missing_nets=(True, True))
ONE_NET = Effort(num_nets=1, classification=False)


def images(num, seed):
    return np.random.default_rng(seed).integers(0, 256, (num, 8, 12, 3)).astype("uint8")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """400 training images, of which 100 are held out for the floor, and 50 test images; no net is there."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    train, test = Split(images(400, 0), np.arange(400) % 2), Split(images(50, 1), np.arange(50) % 2)
    return ImageData("noise", train, test, class_names=["even", "odd"])


def test_the_work_on_a_data_set(data):
    assert Work.of(data, 50, own_features=True) == WORK._replace(num_values=8 * 12 * 3)
    unlabelled = dataclasses.replace(
        data, train=Split(data.train.images), test=Split(data.test.images), class_names=None
    )
    assert not Work.of(unlabelled, 50, own_features=True).is_labelled
    assert Work.of(data, 50, own_features=False).missing_nets == ()
    FeatureNet.of(data)
    assert Work.of(data, 50, own_features=True).missing_nets == (False, True)


# A step of 128 images takes 4 ms each, a net 400 steps, both classifiers 400 each.
NET, CLASSIFIERS = 400 * 128 * 0.004, 2 * 400 * 128 * 0.004
# Two draws of 50 images at 4 ms; 150 more images to extract; four comparisons of 0.5 s and 2,500 pairs at 0.1 µs.
EACH = 2 * 50 * 0.004 + 150 * 0.001 + 4 * (0.5 + 2_500e-7)
COPIES = 100 * 450 * 300 * 1e-10  # 50 generated and 50 real images, each with all 450


@pytest.mark.parametrize(
    ("chosen", "work", "expected"),
    [
        (FULL, WORK, 2 * NET + 2 * EACH + CLASSIFIERS + COPIES),
        (FULL, WORK._replace(missing_nets=(False, True)), NET + 2 * EACH + CLASSIFIERS + COPIES),
        (ONE_NET, WORK, NET + EACH + COPIES),
        (ONE_NET, WORK._replace(is_labelled=False), 3 * NET + EACH + COPIES),
        (FULL._replace(num_nets=1), WORK._replace(missing_nets=()), EACH + COPIES),  # nets of others
    ],
)
def test_seconds_by_hand(chosen, work, expected):
    assert effort.seconds_for(chosen, PACE, work) == pytest.approx(expected)


# In seconds, with the margin of a half: all 1,237, one net 925, no classifier 311; then fewer of a thousand images.
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1_300, FULL), (1_200, Effort(num_nets=1)), (600, ONE_NET), (1, ONE_NET._replace(num_images=100))],
)
def test_the_second_net_goes_first_then_the_classifiers_then_images(seconds, expected):
    work = WORK._replace(num_images=1_000) if seconds == 1 else WORK
    assert effort.affordable(FULL, seconds, PACE, work) == expected


def test_there_are_never_more_images_than_were_asked_for():
    few = FULL._replace(num_images=40)
    assert effort.affordable(few, 1, PACE, WORK._replace(num_images=1_000)).num_images == 40


def test_a_brief_card_says_so_and_is_not_compared_with_a_full_one(data):
    def draw(num, seed):
        return images(num, seed + 2), {"label": np.arange(num) % 2}

    about = {"class": "noise", "data": "noise"}
    brief, full = (evaluation.score_images(draw, data, about, seconds=seconds).card for seconds in (1, None))
    assert (brief.protocol["images"], len(brief.nets)) == (50, 1)
    assert "classification" in full.scores
    assert "classification" not in brief.scores
    assert brief.remarks[0].startswith("A brief card (1 of 2 feature nets, no classifier trained on generated images")
    assert not any("brief" in remark for remark in full.remarks)
    assert brief.nets[0] == full.nets[0]
    with pytest.raises(ValueError, match="differ in feature nets"):
        evaluation.side_by_side({"brief": brief, "full": full})
