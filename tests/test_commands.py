"""What training runs leave behind, and what `keras-gen` makes of it."""

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks import outside_classifier
from keras_gen import export
from keras_gen.cli import sampling
from keras_gen.export.runtimes import CSavedModel
from keras_gen.runs import delivering
from tests.commands import fail, succeed
from tests.conftest import shared

SCRIPTS = ("train_gan.py", "train_ae.py")
SHORT = ("article", "--data", "digits", "--epochs", "2", "--no-score")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which each script ran on scikit-learn's digits, and the command that does what the GAN's does."""

    def train(folder):
        for script in SCRIPTS:
            succeed(folder, script, *SHORT, "--run-dir", f"runs/{script}")
        succeed(folder, "keras-gen", "train", "gan", *SHORT)  # again, the other way, in a folder by default
        conditional = ("train_gan.py", "--data", "digits", "--epochs", "1", "--width", "8", "--run-dir", "runs/fast")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivering, "MIN_CARD_SECONDS", 1_000)  # enough for the full card on any machine
            succeed(folder, *conditional)  # the default preset, which learns the labels, with a score card

    return shared(tmp_path_factory, "user", train)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_run_leaves_everything_that_the_readme_promises(script, trained):
    run_folder = trained / "runs" / script
    left = {str(path.relative_to(run_folder)) for path in run_folder.rglob("*") if path.is_file()}
    assert {"config.json", "metrics.csv", "curves.png", "report.html", "checkpoints/final.keras"} <= left
    samples = sorted(name for name in left if name.startswith("samples/"))
    steps = 2 * ((1437 if script == "train_gan.py" else 1293) // 128)  # the autoencoder holds out 10 % to validate
    assert samples == ["samples/step_0000000.png", f"samples/step_{steps:07d}.png"]
    assert f"It trained for {steps} steps only" in (run_folder / "report.html").read_text()
    with open(run_folder / "metrics.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    events = EventAccumulator(str(run_folder / "tensorboard" / "train")).Reload()
    assert [point.step for point in events.Scalars("loss")] == [steps // 2, steps]


def test_a_second_run_makes_version_2(trained):
    models = sorted(path.parent.relative_to(trained / "saved_models") for path in trained.rglob("saved_model.pb"))
    names = ["autoencoder-article-digits/1", "gan-article-digits/1", "gan-article-digits/2", "gan-fast-digits/1"]
    assert list(map(str, models)) == names


def test_the_default_run_folder_says_when_what_and_on_which_data(trained):
    (name,) = [path.name for path in (trained / "runs").iterdir() if path.name not in (*SCRIPTS, "fast")]
    assert re.fullmatch(r"20\d{6}-\d{6}-article-digits", name)


def test_config_holds_every_option_resolved(trained):
    config = json.loads((trained / "runs" / "train_gan.py" / "config.json").read_text())
    assert config["options"]["batch_size"] == 128
    assert config["options"]["learning_rate"] == 2e-4
    assert config["options"]["name"] == "gan-article-digits"
    # 100·256+256 + 256·512+512 + 512·1024+1024 + 1024·64+64, and 64·1024+1024 + 1024·512+512 + 512·256+256 + 256+1.
    assert config["parameters"] == {"generator": 748_352, "discriminator": 722_945}
    assert config["data"]["train_images"] + config["data"]["test_images"] == 1797
    assert len(config["data"]["sha256"]) == 64
    assert config["backend"] == "tensorflow"


def test_report_shows_the_pictures_that_are_there(trained):
    run_folder = trained / "runs" / "train_gan.py"
    page = (run_folder / "report.html").read_text()
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert "curves.png" in sources
    assert all((run_folder / source).exists() for source in sources)
    assert "CC BY 4.0" in page


def test_the_kept_autoencoder_is_the_best_on_validation(trained):
    run_folder = trained / "runs" / "train_ae.py"
    with open(run_folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    best = min(rows, key=lambda row: float(row["val_loss"]))["epoch"]
    assert f", after epoch {best}, the best by val_loss: " in (run_folder / "report.html").read_text()


def test_sampling_from_an_export(trained, tmp_path):
    command = ("keras-gen", "sample", "saved_models/gan-article-digits", "--num", "10")
    succeed(trained, *command, "--seed", "3", "--out", tmp_path / "three.npy")
    succeed(trained, *command, "--out", tmp_path / "zero.npy")
    images = np.load(tmp_path / "three.npy")
    assert images.shape == (10, 8, 8, 1)
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 10
    assert not np.array_equal(np.load(tmp_path / "zero.npy"), images), "seed 0 is not seed 3"


def test_the_newest_version_is_sampled(tmp_path):
    for version in ("2", "10", "1"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").write_bytes(b"")
    assert sampling.saved_model(tmp_path) == tmp_path / "10"
    assert sampling.saved_model(tmp_path / "2") == tmp_path / "2"
    (tmp_path / "empty").mkdir()
    assert sampling.saved_model(tmp_path / "empty") is None
    with pytest.raises(FileNotFoundError, match=r"found no .*nowhere"):
        sampling.saved_model(tmp_path / "nowhere")


def test_sampling_as_a_grid_and_as_files(trained, tmp_path):
    succeed(trained, "keras-gen", "sample", "runs/train_gan.py", "--num", "4", "--out", tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (19, 19)
    succeed(trained, "keras-gen", "sample", "runs/train_gan.py", "--num", "3", "--out", tmp_path / "files")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [f"{index:06d}.png" for index in range(3)]


def test_sampling_what_is_asked_for(trained, tmp_path):
    def sample(model, *options):
        out = tmp_path / "x.npy"
        succeed(trained, "keras-gen", "sample", model, "--num", "3", "--seed", "5", "--out", out, *options)
        return np.load(out)

    for model in ("runs/fast", "saved_models/gan-fast-digits"):
        three = sample(model, "--label", "3")
        np.testing.assert_array_equal(three, sample(model, "--where", "label=3"))
        assert not np.array_equal(three, sample(model, "--label", "8"))
        assert sample(model).shape == (3, 8, 8, 1)
        message = fail(trained, "keras-gen", "sample", model, "--label", "x", "--out", tmp_path / "x.npy")
        assert "unknown label 'x': expected one of 0, 1, 2" in message
        assert not np.array_equal(sample(model, "--truncation", "0.5"), sample(model))
    sweep = sample("runs/fast", "--sweep", "label")  # of three images one row: all ten digits
    assert sweep.shape == (10, 8, 8, 1)
    assert len({image.tobytes() for image in sweep}) == 10
    assert "expected --where name=value" in fail(trained, "keras-gen", "sample", "runs/fast", "--where", "three")


def test_the_report_says_what_can_be_asked_for(trained):
    page = (trained / "runs" / "fast" / "report.html").read_text()
    assert "label: 10 values, 0, 1, 2, …" in page
    assert "last d loss" in page
    assert "last frechet" not in page, "it may be of an earlier epoch"


def test_reconstructing(trained, tmp_path):
    out = tmp_path / "grid.png"
    process = succeed(trained, "keras-gen", "reconstruct", "runs/train_ae.py", "--num", "5", "--out", out)
    assert process.stdout.startswith(f"5 test images of digits, as 8×8×1: {out}\nmean squared error 0.")
    with Image.open(out) as picture:
        assert picture.size == (46, 19)


def test_pictures_of_ones_own_are_all_reconstructed(trained, tmp_path):
    (tmp_path / "five").mkdir()
    for name in "edcba":
        Image.new("RGB", (30, 20), "red").save(tmp_path / "five" / f"{name}.png")
    command = ("keras-gen", "reconstruct", trained / "runs" / "train_ae.py", "--data")
    process = succeed(tmp_path, *command, "five/", "--out", "out/")
    assert process.stdout.startswith("5 pictures from five, cropped to 8×8×1: out\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{name}.png" for name in "abcde"]
    process = succeed(tmp_path, *command, "five/b.png", "five/a.png", "--out", "two.npy")
    assert process.stdout.startswith("2 pictures from five, cropped to 8×8×1: two.npy\n")
    assert "no such name and no such path" in fail(tmp_path, *command, "photo.png")


def test_exporting_a_run_again(trained, tmp_path):
    home = tmp_path / "autoencoder-article-digits"
    for version in ("1", "2"):
        (home / version).mkdir(parents=True)
    process = succeed(trained, "keras-gen", "export", "runs/train_ae.py", "--export-dir", tmp_path, "--keep", "2")
    assert process.stdout.strip() == str(home / "3")
    assert "will notice" not in process.stderr
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["2", "3"]
    arguments = ("--export-dir", tmp_path, "--name", home.name)
    process = succeed(trained, "keras-gen", "export", "runs/train_gan.py", *arguments)
    assert process.stdout.strip() == str(home / "4")
    assert "Clients of version 3 will notice: decode/inputs/codes float32 32 → none; " in process.stderr


def test_the_outside_classifier_asks_for_each_class(trained):
    home = trained / "saved_models" / "gan-fast-digits"
    images, classes = outside_classifier.served(home, [str(digit) for digit in range(10)], 20)
    assert classes.tolist() == [*range(10), *range(10)]
    asked = {"seed": np.arange(20), "label": classes.astype("U1"), "truncation": np.full(20, np.nan, "float32")}
    version = home / str(export.published_versions(home)[-1])
    np.testing.assert_array_equal(images, CSavedModel(str(version)).ask("generate", asked)["images"])


def test_the_model_card_says_what_the_run_found(trained):
    version = trained / "saved_models" / "gan-fast-digits" / "1"
    card = (version / "MODEL_CARD.md").read_text()
    scores = json.loads((trained / "runs" / "fast" / "scorecard.json").read_text())["scores"]
    assert json.loads((version / "assets.extra" / "scorecard.json").read_text())["scores"] == scores
    assert f"| coverage | {scores['coverage']['value']:.3f}" in card
    assert f"| {scores['coverage']['floor']:.3f} | higher |" in card
    for words in (
        "can be asked for label: 10 values",
        "1,438 training images, 359 test images",
        "licence: CC BY 4.0",
    ):
        assert words in card
    unscored = (trained / "saved_models" / "gan-article-digits" / "1" / "MODEL_CARD.md").read_text()
    assert "Nothing was measured: neither how good its images are nor whether it copies training images." in unscored


def test_seed_and_learning_rate_decide_what_is_learned(trained, tmp_path):
    def pictures(folder):
        return [path.read_bytes() for path in sorted((folder / "samples").iterdir())]

    command = ("train_gan.py", *SHORT, "--run-dir", "changed")
    succeed(tmp_path, *command, "--seed", "6", "--learning-rate", "1e-20")
    (again,) = trained.glob("runs/*-article-digits")
    first, again, changed = map(pictures, (trained / "runs" / "train_gan.py", again, tmp_path / "changed"))
    assert again == first, "the script and the command run the same code"
    assert changed[0] != first[0], "another seed makes other weights"
    assert changed[0] == changed[1], "without a rate nothing is learned"


def test_a_run_ends_with_a_score_card(trained):
    run_folder = trained / "runs" / "fast"
    card = json.loads((run_folder / "scorecard.json").read_text())
    assert card["protocol"]["images"] == 359
    assert {"frechet", "coverage", "reads_back"} <= set(card["scores"])
    assert "reads_back" in (run_folder / "report.html").read_text()
    with open(run_folder / "metrics.csv", newline="") as file:
        assert [float(row["frechet"]) > 0 for row in csv.DictReader(file)] == [True]
    assert not list(trained.glob("runs/*article*/scorecard.json")), "--no-score"


def test_score_cards_are_made_again_and_compared(trained, tmp_path):
    process = succeed(trained, "keras-gen", "evaluate", "runs/fast", "--out", tmp_path / "again")
    again = json.loads((tmp_path / "again" / "scorecard.json").read_text())
    first = json.loads((trained / "runs" / "fast" / "scorecard.json").read_text())
    assert again["protocol"] == first["protocol"]
    assert again["scores"]["frechet"]["value"] == pytest.approx(first["scores"]["frechet"]["value"], rel=1e-3)
    assert (tmp_path / "again" / "scorecard.html").exists()
    assert re.search(rf"^frechet +{again['scores']['frechet']['value']:.3f} ± ", process.stdout, flags=re.MULTILINE)
    process = succeed(trained, "keras-gen", "compare", "runs/fast", tmp_path / "again")
    assert "coverage" in process.stdout
    assert "…" not in process.stdout, "long names take several lines, for their ends are what tells them apart"
    images = ("sample", "runs/fast", "--num", "100", "--out", tmp_path / "images.npy")
    succeed(trained, "keras-gen", *images)
    command = ("evaluate", tmp_path / "images.npy", "--data", "digits", "--out", tmp_path / "images")
    process = succeed(trained, "keras-gen", *command)
    assert "reading digits at the size of these images, 8×8×1" in process.stdout
    line = fail(trained, "keras-gen", "compare", "runs/fast", tmp_path / "images")
    assert "differ in images 359 and 100" in line
    line = fail(trained, "keras-gen", "compare", "runs/fast", "runs/train_gan.py")
    assert "runs/train_gan.py has no score card: keras-gen evaluate runs/train_gan.py makes one" in line


def test_an_autoencoder_makes_new_images(trained, tmp_path):
    out = tmp_path / "x.npy"
    for model in ("runs/train_ae.py", "saved_models/autoencoder-article-digits"):
        succeed(trained, "keras-gen", "sample", model, "--num", "3", "--out", out)
        images = np.load(out)
        assert (images.shape, images.dtype) == ((3, 8, 8, 1), np.uint8)
        assert len({image.tobytes() for image in images}) == 3
    with open(trained / "runs" / "train_ae.py" / "priors.csv", newline="") as file:
        densities = [float(row["log_prob"]) for row in csv.DictReader(file)]
    assert densities == sorted(densities, reverse=True), "without a score card the density decides"
    page = (trained / "runs" / "train_ae.py" / "report.html").read_text()
    assert 'src="priors.png"' in page
    with Image.open(trained / "runs" / "train_ae.py" / "priors.png") as picture:
        assert picture.size == (10 * 9 + 1, 9 * len(densities) + 1)


def test_few_images_are_enough_for_an_autoencoder(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1)).astype("uint8")
    np.savez(tmp_path / "few.npz", x=images)
    process = succeed(tmp_path, "train_ae.py", "vae", "--data", "few.npz", "--epochs", "2", "--run-dir", "run")
    assert "No prior" not in process.stdout
    succeed(tmp_path, "keras-gen", "sample", "run", "--num", "2")


def test_images_that_turn_into_each_other(trained, tmp_path):
    options = ("--stops", "3", "--frames", "4", "--seed", "1")
    for model in ("runs/train_gan.py", "runs/fast", "runs/train_ae.py"):
        for name in ("walk.gif", "walk.npy"):
            succeed(trained, "keras-gen", "interpolate", model, *options, "--out", tmp_path / name)
        walk = np.load(tmp_path / "walk.npy")
        assert walk.shape == (12, 8, 8, 1)
        with Image.open(tmp_path / "walk.gif") as film:
            assert film.n_frames == 12
            assert film.info["loop"] == 0
    succeed(trained, "keras-gen", "interpolate", "runs/fast", *options, "--label", "3", "--out", tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (4 * 9 + 1, 3 * 9 + 1)


def test_directions_are_traversed(trained, tmp_path):
    gan, autoencoder = trained / "runs" / "train_gan.py", trained / "runs" / "train_ae.py"
    for run, along in ((gan, []), (autoencoder, []), (autoencoder, ["--along", "label=3"])):
        command = ("keras-gen", "traverse", run, *along, "--num", "2", "--steps", "3", "--out", "t.npy")
        assert "6 images of (8, 8, 1), seed 0: t.npy" in succeed(tmp_path, *command).stdout
        images = np.load(tmp_path / "t.npy")
        assert images.shape == (6, 8, 8, 1)
        # Without an attribute both rows go through one image, in different directions.
        assert np.array_equal(images[1], images[4]) == (not along)
        assert not np.array_equal(images[0], images[3])
    for run, along, message in (
        (autoencoder, "label", "expected one of the values of label"),
        (trained / "runs" / "fast", "label=3", "received label: ask for it"),
    ):
        assert message in fail(tmp_path, "keras-gen", "traverse", run, "--along", along)


def test_images_are_inverted(trained, tmp_path):
    printed = succeed(tmp_path, "keras-gen", "invert", trained / "runs" / "fast", "--num", "3", "--steps", "20").stdout
    errors = re.findall(r"([0-9.]+)(?:, on the scale|$)", printed, re.MULTILINE)
    assert len(errors) == 2, printed
    with Image.open(tmp_path / "inverted.png") as picture:
        assert picture.size == (3 * 9 + 1, 3 * 9 + 1)  # the images, what was found, the nearest training images
    command = ("keras-gen", "invert", trained / "runs" / "train_ae.py", "--num", "3", "--out", "found.npz")
    assert "3 test images of digits, as 8×8×1: found.npz" in succeed(tmp_path, *command).stdout
    with np.load(tmp_path / "found.npz") as found:
        assert found["latents"].shape == (3, 32)
        assert found["images"].shape == (3, 8, 8, 1)
        assert "conditions" not in found
    assert "expected --out as x.png or x.npz" in fail(tmp_path, *command[:-1], "found.gif")


def test_the_codes_of_a_run_are_in_the_projector(trained):
    folder = trained / "runs" / "train_ae.py" / "tensorboard" / "codes"
    assert (folder / "projector_config.pbtxt").exists()
    labels = (folder / "metadata.tsv").read_text().split()
    assert len(labels) == len((folder / "codes.tsv").read_text().splitlines()) == 1000
    assert set(labels) == set("0123456789")


def test_commands_for_the_other_family_are_refused(trained, tmp_path):
    out = ["--out", tmp_path / "x.png"]
    line = fail(trained, "keras-gen", "reconstruct", "runs/train_gan.py", *out)
    assert "try keras-gen sample" in line
