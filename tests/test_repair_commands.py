"""Repair from the first command to the last: train, look, score, export, and a user's own pictures through each."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_gen import evaluation
from keras_gen.runs.repair import own_masks
from tests.commands import call, spawn, succeed
from tests.conftest import shared

COLOURS = np.array([[200, 40, 30], [40, 120, 220], [90, 160, 60]])  # of three kinds of stripes


def striped(num, seed=0):
    """Stripes of three colours, at a random place and brightness; what is hidden follows from the rest."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 3, num)
    waves = np.sin((np.arange(12)[None] + random.integers(0, 6, (num, 1))) * np.pi / 3) * 0.3 + 0.6
    images = waves[:, None, :, None] * COLOURS[kinds][:, None, None] * random.uniform(0.7, 1.1, (num, 1, 1, 1))
    return np.clip(np.repeat(images, 8, axis=1), 0, 255).astype("uint8"), kinds


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of each task in the folder runs/, and their exports."""

    def make(folder):
        (x_train, y_train), (x_test, y_test) = striped(600), striped(120, seed=1)
        np.savez(folder / "stripes.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
        masks = folder / "shapes"
        masks.mkdir()
        Image.fromarray(np.eye(16, dtype="uint8") * 255).save(masks / "diagonal.png")
        for task, options in {"inpaint": ["--mask-dir", "shapes"], "colorize": [], "upscale": ["--no-score"]}.items():
            command = ["train_gan.py", task, "--data", "stripes.npz", "--epochs", "4", "--width", "8"]
            ended = succeed(folder, *command, "--run-dir", f"runs/{task}", "--name", task, *options)
            assert f"keras-gen {task} saved_models/{task}/1 --data PICTURES/" in ended.stdout
        return folder

    return shared(tmp_path_factory, "repair", make)


@pytest.fixture
def damaged(tmp_path):
    """Three pictures of other sizes and kinds, with a mask for each."""
    (tmp_path / "damaged").mkdir()
    (tmp_path / "masks").mkdir()
    random = np.random.default_rng(2)
    for name, shape in {"one.png": (8, 12, 3), "two.png": (30, 41, 4), "three.png": (9, 25)}.items():
        pixels = random.integers(0, 256, shape).astype("uint8")
        hole = np.zeros(shape[:2], "uint8")
        hole[2:6, 3:8] = 255
        Image.fromarray(pixels).save(tmp_path / "damaged" / name)
        Image.fromarray(hole).save(tmp_path / "masks" / name)
    return tmp_path


@pytest.mark.parametrize(("model", "run"), [("runs/inpaint", spawn), ("saved_models/inpaint", call)])
def test_holes_are_filled_in_pictures_of_any_kind(model, run, trained, damaged):
    command = ["keras-gen", "inpaint", trained / model, "--data", "damaged", "--mask", "masks", "--num", "2"]
    ended = succeed(damaged, *command, run=run)  # in a process that has not imported the model's class
    assert "3 pictures, 2 proposals each: inpainted" in ended.stdout
    for path in sorted((damaged / "damaged").iterdir()):
        before = Image.open(path)
        pixels = np.asarray(before)
        first, second = (Image.open(damaged / "inpainted" / f"{path.stem}_{index}.png") for index in (1, 2))
        assert (first.size, first.mode) == (before.size, before.mode)
        hole = np.asarray(Image.open(damaged / "masks" / path.name)) != 0
        for proposal in (first, second):
            np.testing.assert_array_equal(np.asarray(proposal)[~hole], pixels[~hole])
        assert not np.array_equal(np.asarray(first)[hole], pixels[hole])
        assert not np.array_equal(np.asarray(first), np.asarray(second))


def test_a_run_and_its_export_are_scored_and_described(trained):
    card = evaluation.ScoreCard.load(trained / "runs" / "inpaint" / "scorecard.json")
    assert card.scores["30-40/known_changed"].value == 0
    assert card.scores["30-40/mean_psnr"].value > card.baselines["mean image"]["30-40/mean_psnr"].value + 3
    assert card.scores["30-40/reads_again"].value > 0.9
    assert set(card.baselines) == set(evaluation.BASELINES["inpaint"])
    colour = evaluation.ScoreCard.load(trained / "runs" / "colorize" / "scorecard.json")
    assert {"bicubic"}.isdisjoint(colour.baselines)
    assert any(name.endswith("repair_psnr") for name in colour.scores)
    assert (trained / "runs" / "inpaint" / "scorecard.html").is_file()
    readme = (trained / "saved_models" / "inpaint" / "README.md").read_text()
    for words in ("| `inpaint` |", "`images` uint8 (b, 8, 12, 3)", "`masks` uint8 (b, 8, 12, 1)"):
        assert words in readme
    (model_card,) = (trained / "saved_models" / "inpaint").glob("1/**/MODEL_CARD.md")
    counts = "540 training images, 60 held out to choose the best state, 120 test images"
    assert counts in model_card.read_text()
    assert counts in (trained / "runs" / "inpaint" / "report.html").read_text()


def test_the_state_with_the_least_error_on_held_out_images_is_delivered(trained):
    names, *rows = (line.split(",") for line in (trained / "runs/inpaint/metrics.csv").read_text().splitlines())
    least = min(float(row[names.index("mean_l1")]) for row in rows)
    report = (trained / "runs/inpaint/report.html").read_text()
    delivered = float(re.search(r"the best by mean_l1: ([\d.]*\d)", report)[1])
    assert 0 < delivered <= least, "at the end it is measured once more"
    steps = [int(row[names.index("step")]) for row in rows]
    assert steps == [(540 // 32) * epoch for epoch in (1, 2, 3, 4)], "of 600 images a tenth is not learned from"


def test_a_grid_shows_pictures_holes_and_proposals(trained):
    latest = sorted((trained / "runs" / "inpaint" / "samples").iterdir())[-1]
    grid = np.asarray(Image.open(latest))
    assert grid.shape == (4 * 5 * 9 + 1, 16 * 13 + 1, 3)  # 64 pictures in four rows of five


def test_the_users_own_masks_are_learned_too(trained):
    config = json.loads((trained / "runs" / "inpaint" / "config.json").read_text())
    assert config["options"]["mask_dir"] == "shapes"


@pytest.mark.parametrize(
    ("name", "before", "message"),
    [
        ("masks", "0" * 64, "run was trained with other masks than shapes has now"),
        ("held_out_images", 59, "run did not hold out the 60 training images that this version does: resume it"),
        ("held_out_images", None, "run did not hold out the 60 training images that this version does: resume it"),
    ],
)
def test_a_resumed_run_has_the_same_masks_and_images(name, before, message, trained, tmp_path):
    shutil.copytree(trained / "runs" / "inpaint", tmp_path / "run")
    for file in ("stripes.npz", "shapes"):
        (tmp_path / file).symlink_to(trained / file)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"][name] != before
    config["data"][name] = before
    if before is None:  # as of an earlier version
        del config["data"][name]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    ended = call(tmp_path, "train_gan.py", "--resume", "run", "--epochs", "5")
    assert ended.returncode == 2
    assert message in ended.stderr


def test_masks_of_all_or_nothing_are_refused(trained, tmp_path):
    (tmp_path / "shapes").mkdir()
    transparent = np.zeros((9, 9, 4), "uint8")
    transparent[2:5, 2:5] = 255  # white on nothing: the hole is the white
    Image.fromarray(transparent).save(tmp_path / "shapes" / "fine.png")
    found = own_masks(tmp_path / "shapes", (9, 9))
    np.testing.assert_array_equal(found[0, ..., 0], transparent[..., 3] != 0)
    Image.fromarray(np.full((9, 9), 255, "uint8")).save(tmp_path / "shapes" / "white.png")
    with pytest.raises(ValueError, match=r"expected masks with a hole, white, and something known, black; white\.png"):
        own_masks(tmp_path / "shapes", (9, 9))


def test_grey_pictures_are_coloured_and_keep_their_luma(trained, tmp_path):
    originals, _ = striped(2, seed=5)
    (tmp_path / "grey").mkdir()
    for index, image in enumerate(originals):
        Image.fromarray(image).convert("L").save(tmp_path / "grey" / f"{index}.png")
    succeed(tmp_path, "keras-gen", "colorize", trained / "runs" / "colorize", "--data", "grey")
    for index, image in enumerate(originals):
        made = Image.open(tmp_path / "colorized" / f"{index}.png")
        assert made.mode == "RGB"
        luma = np.asarray(made.convert("L")).astype(int) - np.asarray(Image.fromarray(image).convert("L"))
        assert np.abs(luma).max() <= 1
        assert np.ptp(np.asarray(made).astype(int), axis=-1).max() > 20  # it has colours


def test_small_pictures_become_twice_as_large(trained, tmp_path):
    image = Image.fromarray(striped(1)[0][0])
    image.save(tmp_path / "small.png")
    succeed(tmp_path, "keras-gen", "upscale", trained / "saved_models" / "upscale", "--data", "small.png")
    with Image.open(tmp_path / "upscaled" / "small.png") as large:
        assert large.size == (24, 16)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["inpaint", "runs/colorize", "--data", "stripes.npz"], "readable image"),
        (
            ["colorize", "runs/inpaint", "--data", "shapes"],
            "expected a model for colorize, the one of",
        ),
        (["sample", "runs/inpaint"], "keras-gen inpaint"),
        (["sample", "saved_models/inpaint"], "keras-gen inpaint"),
    ],
)
def test_another_command_is_named_where_one_does_not_suit(command, message, trained):
    ended = call(trained, "keras-gen", *command)
    assert ended.returncode == 2
    assert message in ended.stderr, ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["colorize", "--data", "digits"], "expected images with colours to learn from, received grey ones"),
        (
            ["upscale", "--data", "digits", "--image-size", "9"],
            "expected images of a multiple of --amount 2",
        ),
        (["inpaint", "--data", "digits", "--network", "mlp"], "unknown generator network 'mlp': expected one of conv"),
        (["inpaint", "--data", "digits", "--mask-dir", "nowhere"], "expected --mask-dir with a folder of masks"),
        (["inpaint", "--data", "digits", "--corruption", "grey"], "expected no --corruption with inpaint"),
        (
            ["fast", "--data", "digits", "--mask-dir", "."],
            "expected no --mask-dir with fast",
        ),
        (["restore", "--data", "digits", "--corruption", "shrink"], "received shrink: see upscale"),
        (["upscale", "--data", "digits", "--amount", "2.5"], "expected --amount as one of 2, 4, 8, received 2.5"),
    ],
)
def test_a_run_that_cannot_be_is_refused(options, message, tmp_path):
    ended = call(tmp_path, "train_gan.py", *options, "--epochs", "1")
    assert ended.returncode == 2
    assert message in ended.stderr, ended.stderr
