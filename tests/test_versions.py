"""Folders of versions: what a server may find in them at any moment."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_gen import export
from keras_gen.evaluation import Score, ScoreCard
from keras_gen.export import versions
from keras_gen.export.runtimes import CSavedModel
from keras_gen.export.verification import record
from tests.commands import ROOT
from tests.conftest import make_gan


def make_versions(home, *names):
    """Folders that hold their name."""
    for name in map(str, names):
        (home / name).mkdir(parents=True)
        (home / name / "saved_model.pb").write_text(name)


def test_versions_count_up_and_foreign_folders_are_ignored(tmp_path):
    make_versions(tmp_path, "a", 1, 7, "canary", "009")
    assert versions.published_versions(tmp_path) == [1, 7]
    assert versions.claim(tmp_path / "a", tmp_path) == tmp_path / "8"
    assert (tmp_path / "8" / "saved_model.pb").read_text() == "a"


def test_concurrent_exporters_never_share_a_version(tmp_path):
    names = [f"exporter{number}" for number in range(40)]
    make_versions(tmp_path, *names)
    with ThreadPoolExecutor(8) as exporters:
        claimed = list(exporters.map(lambda name: versions.claim(tmp_path / name, tmp_path), names))
    assert sorted(int(path.name) for path in claimed) == list(range(1, 41))
    assert [(path / "saved_model.pb").read_text() for path in claimed] == names


def test_an_exporter_that_chose_too_early_takes_the_next_version(tmp_path, monkeypatch):
    make_versions(tmp_path, "a", "b")
    # Both chose before either had renamed: version 1 seems free to the second one, too.
    answers = iter([[], [], [1]])
    monkeypatch.setattr(versions, "published_versions", lambda home: next(answers))
    assert [versions.claim(tmp_path / name, tmp_path).name for name in "ab"] == ["1", "2"]
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "a"


DIGITS = {
    "inputs/seed": np.zeros(3, "int64"),
    "inputs/label": np.array(["1", "2", "10"]),
    "outputs/images": np.zeros((3, 28, 28, 1), "uint8"),
}
LARGER = {"outputs/images": np.zeros((3, 32, 32, 1), "uint8")}
HAT = {"inputs/hat": np.array(["yes", "no", "yes"])}
LATER = [
    ("the same", {"generate": {**DIGITS, "inputs/label": np.array(["3", "", ""])}}, ""),
    ("a signature more", {"generate": DIGITS, "discriminate": LARGER}, ""),
    ("an output more", {"generate": {**DIGITS, "outputs/logits": np.zeros((3, 1))}}, ""),
    ("larger", {"generate": {**DIGITS, **LARGER}}, "generate/outputs/images uint8 28×28×1 → uint8 32×32×1. "),
    ("an input more", {"generate": {**DIGITS, **HAT}}, "generate/inputs/hat none → text. "),
    (
        "a signature less",
        {},
        "generate/inputs/label text → none; generate/inputs/seed int64 → none; "
        "generate/outputs/images uint8 28×28×1 → none. ",
    ),
    (
        "four changes",
        {"generate": {**HAT, **LARGER, "inputs/seed": np.zeros(3, "int32")}},
        "generate/inputs/hat none → text; generate/inputs/label text → none; generate/inputs/seed int64 → int32; "
        "and 1 more. ",
    ),
]


@pytest.mark.parametrize(("cases", "text"), [row[1:] for row in LATER], ids=[row[0] for row in LATER])
def test_what_clients_of_the_version_before_would_notice(cases, text, tmp_path):
    make_versions(tmp_path, 2, 5, 6)
    for version, each in ((2, {}), (5, {"generate": DIGITS}), (6, cases)):
        record(tmp_path / str(version), each)
    sentence = export.changes(tmp_path / "6")
    assert sentence == (f"Clients of version 5 will notice: {text}Another --name keeps the two apart." if text else "")


def card(distance, error=0.1, protocol="one", metric="frechet", truncation=None):
    return ScoreCard({"truncation": truncation}, {"data": protocol}, [], {metric: Score(distance, error)})


SCORED = [
    ("better", card(3.0), card(2.0), ""),
    ("within the errors", card(3.0), card(3.19), ""),
    ("worse", card(3.0), card(3.25), "frechet 3.250 ± 0.100, compared with 3.000 ± 0.100. "),
    ("an error that is not known", card(3.0, None), card(3.15), "frechet 3.150 ± 0.100, compared with 3.000. "),
    (
        "reconstructions",
        card(0.02, None, metric="mse"),
        card(0.03, None, metric="mse"),
        "mse 0.03000, compared with 0.02000. ",
    ),
    ("another way", card(3.0), card(9.0, protocol="two"), ""),
    ("truncated", card(3.0, truncation=1.0), card(9.0), ""),
    ("of another kind", card(3.0), card(9.0, metric="mse"), ""),
    ("not scored", None, card(9.0), ""),
    ("scored no more", card(3.0), None, ""),
]


@pytest.mark.parametrize(("before", "now", "text"), [row[1:] for row in SCORED], ids=[row[0] for row in SCORED])
def test_a_version_that_scores_worse_than_the_one_before(before, now, text, tmp_path):
    make_versions(tmp_path, 1, 2, 3)
    for version, each in (("1", card(0.1)), ("2", before), ("3", now)):
        record(tmp_path / version, {"generate": DIGITS})
        if each is not None:
            each.save(tmp_path / version / "assets.extra" / "scorecard.json")
    taken_back = (
        f"Servers load the newest version unless model.config says otherwise: delete {tmp_path / '3'} to go back."
    )
    assert export.changes(tmp_path / "3") == (f"Version 3 is worse than version 2: {text}{taken_back}" if text else "")


def test_versions_of_somebody_else_are_not_compared(tmp_path):
    make_versions(tmp_path, 1, 2)
    record(tmp_path / "2", {"generate": DIGITS})
    assert export.changes(tmp_path / "2") == ""


CONFIGURED = """
# value: 1
model_config_list { config {
  name: "gan"
  model_version_policy { specific { versions: [2, 3] versions: 4 } }
  version_labels { key: "stable" value: 5 }
  version_labels {
    key: "canary"
    value: 9
  }
} }
"""


def test_pruning_keeps_the_newest_and_what_a_server_is_asked_to_serve(tmp_path):
    make_versions(tmp_path, *range(1, 10), "canary")
    for version in (1, 10, 2):
        (tmp_path / f"{version}.onnx").write_text("")
    (tmp_path / "model.config").write_text(CONFIGURED)
    assert versions.named_versions(tmp_path) == {2, 3, 4, 5, 9}
    assert versions.prune(tmp_path, keep=2) == [1, 6, 7]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("10.onnx", "2", "2.onnx", "3", "4", "5", "8", "9", "canary", "model.config")
    ]
    assert versions.prune(tmp_path, keep=20) == []


def test_concurrent_pruners_get_along(tmp_path):
    make_versions(tmp_path, *range(1, 41))
    with ThreadPoolExecutor(8) as exporters:
        gone = list(exporters.map(lambda _: versions.prune(tmp_path, keep=3), range(8)))
    assert sorted(itertools.chain(*gone)) == list(range(1, 38)), "each is removed by one"
    assert versions.published_versions(tmp_path) == [38, 39, 40]


def test_what_a_killed_exporter_left_goes_after_a_day(tmp_path):
    make_versions(tmp_path, ".tmp-old", ".tmp-young", 1)
    os.utime(tmp_path / ".tmp-old", (0, time.time() - 25 * 3600))
    with versions.scratch(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert {path.name for path in tmp_path.iterdir()} == {".tmp-young", "1", folder.name}
    assert {path.name for path in tmp_path.iterdir()} == {".tmp-young", "1"}


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-option", "new\nline"])
def test_names_that_are_no_folder_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="expected a model name of letters"):
        export.publish(make_gan(), tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_to_keep_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected to keep at least 1 version, received 0"):
        export.publish(make_gan(), tmp_path, "gan", keep=0)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        export.publish(make_gan(), tmp_path / "file", "gan")


EXPORTER = """
import sys
from keras_gen import export
from keras_gen.export import verification
from tests.conftest import make_gan
gan = make_gan()
verification.RUNTIMES = ["c_api"]  # the quickest of the checks: more of the time is spent on writing
print("ready", flush=True)
for _ in range(9):  # more than there is time for
    print(export.publish(gan, sys.argv[1], "gan", keep=2), flush=True)
"""


@pytest.mark.slow
def test_an_exporter_that_is_killed_leaves_nothing_that_does_not_load(tmp_path):
    """At 50 random moments, while it publishes one version after the other and removes old ones."""
    moments, loaded = random.Random(0), set()
    for _ in range(50):
        command = [sys.executable, "-c", EXPORTER, tmp_path]
        # Its own session: what it has started to check is killed along with it.
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as exporter:
            assert exporter.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0, 8))
            os.killpg(exporter.pid, signal.SIGKILL)
        there = versions.published_versions(tmp_path / "gan")
        assert len(there) <= 3, "old ones are removed"  # two, and one that was about to be
        for version in there:
            assert "generate" in CSavedModel(str(tmp_path / "gan" / str(version))).signatures
        loaded |= set(there)
    assert len(loaded) > 10
    for version in there:
        export.verify(tmp_path / "gan" / str(version))
