"""Translation from the first command to the last: train, score, export, and a user's own pictures through each."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from keras_gen import evaluation
from keras_gen.data import load_pairs
from keras_gen.export.runtimes import CSavedModel
from keras_gen.features import FeatureNet
from keras_gen.models import saving
from keras_gen.presets import GANS
from keras_gen.runs import delivering, gan
from keras_gen.runs.options import GANOptions
from tests.commands import call, fail, succeed
from tests.conftest import shared, untrained_net

COMMAND = ["--epochs", "2", "--width", "4", "--no-score", "--run-dir"]  # feature nets take long: see the cards below


def blocks(num, seed):
    """Grey pictures (8, 12) of a bright block somewhere in the dark."""
    random, pictures = np.random.default_rng(seed), np.zeros((num, 8, 12), "uint8")
    for picture in pictures:
        top, left = random.integers(0, 4), random.integers(0, 6)
        picture[top : top + 4, left : left + 5] = random.integers(150, 250)
    return pictures


def coloured(grey):
    """The same blocks in orange on what is transparent."""
    colours = grey[..., None] * np.array([1.0, 0.5, 0.1])
    return np.concatenate([colours, 255 * (grey[..., None] > 0)], axis=-1).astype("uint8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of each preset in the folder runs/, and their exports."""

    def make(folder):
        grey = blocks(250, seed=0)
        for side, images in {"grey": grey, "orange": coloured(grey)}.items():
            (folder / side).mkdir()
            for number, image in enumerate(images):
                Image.fromarray(image).save(folder / side / f"{number:03}.png")
        np.savez(folder / "reds.npz", x=coloured(blocks(220, seed=1))[..., [0, 2, 2]])
        np.savez(folder / "blues.npz", x=coloured(blocks(240, seed=2))[..., [2, 2, 0]])
        for preset, data in {
            "pix2pix": ["--data", "grey", "--to", "orange"],
            "translate": ["--data", "reds.npz", "--to", "blues.npz"],
            "cyclegan": ["--data", "reds.npz", "--to", "blues.npz"],
        }.items():
            ended = succeed(folder, "train_gan.py", preset, *data, *COMMAND, f"runs/{preset}", "--name", preset)
            assert f"keras-gen translate saved_models/{preset}/1 --data PICTURES/\n" in ended.stdout
        return folder

    return shared(tmp_path_factory, "translation", make)


@pytest.mark.parametrize("model", ["runs/pix2pix", "saved_models/pix2pix"])
def test_pairs_translate_pictures_as_a_whole(model, trained, tmp_path):
    (tmp_path / "in" / "more").mkdir(parents=True)
    small = Image.fromarray(blocks(1, seed=3)[0])
    small.save(tmp_path / "in" / "one.png")
    small.resize((60, 40)).save(tmp_path / "in" / "more" / "two.jpg")
    ended = succeed(tmp_path, "keras-gen", "translate", trained / model, "--data", "in", "--out", "out")
    assert "2 pictures: out" in ended.stdout
    with Image.open(tmp_path / "out" / "one.png") as one, Image.open(tmp_path / "out" / "more" / "two.png") as two:
        assert (one.size, one.mode) == ((12, 8), "RGBA")
        assert two.size == (60, 40)
        same = np.asarray(two.resize((12, 8)).convert("RGB"), int) - np.asarray(one.convert("RGB"), int)
        assert np.abs(same).mean() < 30
    assert (tmp_path / "out" / "contact_sheet.png").is_file()


@pytest.mark.parametrize("model", ["runs/translate", "saved_models/translate", "runs/cyclegan"])
def test_any_size_comes_back_in_its_size(model, trained, tmp_path):
    random = np.random.default_rng(0)
    for name, shape in {"photo.png": (37, 61, 3), "icon.png": (5, 3, 4), "grey.png": (20, 9)}.items():
        Image.fromarray(random.integers(0, 256, shape, dtype="uint8")).save(tmp_path / name)
    frames = [Image.fromarray(random.integers(0, 256, (10, 14, 3), dtype="uint8")) for _ in range(2)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=[frames[1], frames[0]], duration=[50, 90, 70])
    succeed(tmp_path, "keras-gen", "translate", trained / model, "--data", ".")
    for name, mode in {"photo": "RGB", "icon": "RGBA", "grey": "RGB"}.items():
        with (
            Image.open(tmp_path / f"{name}.png") as before,
            Image.open(tmp_path / "translated" / f"{name}.png") as after,
        ):
            assert (after.size, after.mode) == (before.size, mode)
            if mode == "RGBA":
                np.testing.assert_array_equal(np.asarray(after)[..., 3], np.asarray(before)[..., 3])
    with Image.open(tmp_path / "translated" / "film.gif") as film:
        assert (film.n_frames, film.size) == (3, (14, 10))
        shown, durations = [], []
        for index in range(3):
            film.seek(index)
            shown.append(np.asarray(film.convert("RGB")))
            durations.append(film.info["duration"])
        assert durations == [50, 90, 70]
        np.testing.assert_array_equal(shown[0], shown[2])  # the same frame becomes the same
        assert not np.array_equal(shown[0], shown[1])
    refused = fail(tmp_path, "keras-gen", "translate", trained / model, "--data", "photo.png", "--out", ".")
    assert "expected --out that leaves the pictures as they are" in refused


def test_a_run_and_its_export_agree(trained):
    model = saving.load(trained / "runs" / "translate")
    server = CSavedModel(str(trained / "saved_models" / "translate" / "1"))
    for shape in ((4, 8, 12, 3), (4, 21, 10, 3)):
        pictures = np.random.default_rng(1).integers(0, 256, shape, dtype="uint8")
        made = server.ask("translate", {"images": pictures})["images"]
        assert np.abs(made.astype(int) - model.translate(pictures)[:, 0]).max() <= 1  # a graph rounds in another order
        alone = server.ask("translate", {"images": pictures[2:3]})["images"]
        np.testing.assert_array_equal(alone[0], made[2])
    readme = (trained / "saved_models" / "translate" / "README.md").read_text()
    assert "| `translate` | `images` uint8 (b, height, width, 3) | `images` uint8 (b, height, width, 3) |" in readme
    assert "np.zeros((3, 35, 50, 3)" in readme
    assert "--enable_batching" not in readme  # pictures of different sizes cannot be merged
    assert "--enable_batching" in (trained / "saved_models" / "pix2pix" / "README.md").read_text()


def test_a_cycle_is_served_in_both_directions(trained):
    model = saving.load(trained / "runs" / "cyclegan")
    server = CSavedModel(str(trained / "saved_models" / "cyclegan" / "1"))
    pictures = np.random.default_rng(1).integers(0, 256, (3, 9, 22, 3), dtype="uint8")
    there, back = (server.ask(name, {"images": pictures})["images"] for name in ("translate", "translate_back"))
    assert not np.array_equal(there, back)
    assert np.abs(back.astype(int) - model.translate_back(pictures)).max() <= 1


def test_a_cycle_translates_back_by_its_command(trained, tmp_path):
    original = np.random.default_rng(2).integers(0, 256, (13, 22, 3), dtype="uint8")
    Image.fromarray(original).save(tmp_path / "photo.png")
    expected = saving.load(trained / "runs" / "cyclegan").translate_back(original[None])[0]
    for model in ("runs/cyclegan", "saved_models/cyclegan"):
        command = ("translate", trained / model, "--data", "photo.png", "--back", "--out", model)
        succeed(tmp_path, "keras-gen", *command)
        with Image.open(tmp_path / model / "photo.png") as made:
            assert np.abs(np.asarray(made).astype(int) - expected).max() <= 1
    for model, message in {
        "runs/translate": "expected a model of cyclegan for --back, the one of runs/translate translates in one dir",
        "saved_models/pix2pix": "saved_models/pix2pix/1 translates in one direction",
    }.items():
        assert message in fail(trained, "keras-gen", "translate", model, "--data", "grey", "--back")


def test_cards_name_their_baselines(trained, monkeypatch):
    monkeypatch.setattr(FeatureNet, "of", lambda data, *arguments: untrained_net(data.image_shape))
    for preset in ("pix2pix", "translate"):
        ended = succeed(trained, "keras-gen", "evaluate", f"runs/{preset}")
    assert "edges" in ended.stdout
    card = evaluation.ScoreCard.load(trained / "runs" / "pix2pix" / "scorecard.json")
    assert set(card.baselines) == {"unchanged", "nearest training pair"}
    assert {"l1", "mean_l1", "alpha_iou", "frechet", "coverage"} == set(card.scores)
    card = evaluation.ScoreCard.load(trained / "runs" / "translate" / "scorecard.json")
    assert set(card.baselines) == {"unchanged"}
    assert {"edges", "frechet", "coverage"} == set(card.scores)
    assert card.baselines["unchanged"]["edges"].value == pytest.approx(1)
    assert card.scores["frechet"].floor > 0
    assert "expected the folder of a run and no --data" in fail(
        trained, "keras-gen", "evaluate", "runs/translate", "--data", "reds.npz"
    )


def pairs(folder):
    """Sixty pairs in a file, no two of them alike, and the options that name them."""
    grey = blocks(60, seed=0)
    grey[:, 0, 0] = np.arange(60)
    np.savez(folder / "pairs.npz", grey=grey, orange=coloured(grey))
    return {"data": str(folder / "pairs.npz"), "to": "orange", "width": 4, "batch_size": 8}


@pytest.mark.parametrize(("score", "numbers"), [(True, (49, 5, 6)), (False, (54, 0, 6))])
def test_a_tenth_of_the_training_pairs_is_held_out_to_choose_the_best_state(score, numbers, tmp_path):
    options = GANOptions("pix2pix", **pairs(tmp_path), score=score, run_dir=tmp_path / "run")
    run = gan.prepare(options.resolve(GANS))
    parts = [part for part in (run.batches.split, run.held_out, run.images.test) if part is not None]
    assert [len(part) for part in parts] == [num for num in numbers if num]
    found = np.concatenate([part.pictures["picture"][:, 0, 0, 0] for part in parts])
    assert sorted(found) == list(range(60))


def test_the_state_that_is_best_on_held_out_pairs_is_delivered(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation.Monitor, "_has_time", lambda monitor: True)
    monkeypatch.setattr(delivering, "score", lambda run, watchers: (None, ""))
    options = [f"--{name.replace('_', '-')}={value}" for name, value in pairs(tmp_path).items()]
    ended = succeed(tmp_path, "train_gan.py", "pix2pix", *options, "--epochs", "4", "--run-dir", "run")
    names, *rows = (line.split(",") for line in (tmp_path / "run" / "metrics.csv").read_text().splitlines())
    least = min(float(row[names.index("mean_l1")]) for row in rows)
    assert float(re.search(r"the best by mean_l1: ([\d.]+\d)", ended.stdout)[1]) == pytest.approx(least, rel=1e-3)
    _, held_out = load_pairs(tmp_path / "pairs.npz", "orange").train.hold_out(0.1)
    some = held_out.some(5)
    model = saving.load(tmp_path / "run")
    made = np.mean([model.sample(5, seed, given={"picture": some.pictures["picture"]}) for seed in range(4)], axis=0)
    assert np.abs(made - some.images).mean() == pytest.approx(least, rel=1e-3)


def test_the_record_names_both_kinds(trained):
    config = json.loads((trained / "runs" / "translate" / "config.json").read_text())
    assert (config["options"]["to"], config["data"]["name"]) == ("blues.npz", "reds-to-blues")
    assert "sketch" not in config["parameters"]
    assert {"generator", "discriminator", "heads", "ema_generator"} == set(config["parameters"])
    grid = np.asarray(Image.open(sorted((trained / "runs" / "translate" / "samples").iterdir())[-1]))
    assert grid.shape == (4 * 2 * 9 + 1, 16 * 13 + 1, 3)  # 64 pictures in four rows of two


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["pix2pix", "--data", "grey"], "expected --to with pix2pix: the pictures that those of --data become like"),
        (["fast", "--data", "grey", "--to", "orange"], "expected no --to with fast: it is for the presets pix2pix,"),
        (["pix2pix", "--data", "grey", "--to", "nowhere"], "expected two folders of pictures with the same names"),
        (["pix2pix", "--data", "reds.npz", "--to", "back"], "expected two arrays of images in reds.npz"),
        (["translate", "--data", "grey", "--to", "orange", "--network", "mlp"], "unknown generator network 'mlp'"),
        (
            ["cyclegan", "--data", "grey", "--to", "orange", "--penalties", "r1"],
            "expected no --penalties with cyclegan",
        ),
        (["fast", "--content-weight", "2"], "expected no --content-weight with fast"),
        (["pix2pix", "--data", "grey", "--to", "orange", "--content-weight", "2"], "pairs say what the content is"),
    ],
)
def test_a_run_that_cannot_be_is_refused(options, message, trained):
    assert message in fail(trained, "train_gan.py", *options, "--epochs", "1", "--run-dir", "refused")


def test_another_command_is_named_where_one_does_not_suit(trained):
    for command, message in {
        ("colorize", "runs/translate"): "expected a model for colorize, the one of",
        ("sample", "saved_models/translate"): "keras-gen translate",
    }.items():
        ended = call(trained, "keras-gen", *command, *(["--data", "grey"] if command[0] == "colorize" else []))
        assert ended.returncode == 2
        assert message in ended.stderr
    ended = fail(trained, "keras-gen", "translate", "runs/translate", "--data", "grey", "--num", "2")
    assert "this model has one answer for each picture" in ended
