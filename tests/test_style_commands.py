"""A stylizer trained by its command, then asked by commands and as a server: the files of a user, whatever they are."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_gen.export.runtimes import CSavedModel
from keras_gen.models import saving
from keras_gen.presets import STYLIZERS
from keras_gen.runs import stylizer
from keras_gen.runs.options import StylizerOptions
from tests.commands import call, fail, succeed
from tests.conftest import same, shared, weights_of

RANDOM = np.random.default_rng(0)


def picture(height, width, channels=3):
    """Smooth colours with some noise, uint8."""
    ramp = np.linspace(30, 200, width)[None, :, None] * np.linspace(0.5, 1, height)[:, None, None]
    tinted = ramp * np.array([1.0, 0.7, 0.4, 1.0])[:channels]
    return np.clip(tinted + RANDOM.integers(0, 40, (height, width, channels)), 0, 255).astype("uint8")


def opened(path):
    """The picture in a file, which is closed again."""
    with Image.open(path) as image:
        return image.copy()


def _train(folder):
    for number in range(8):
        (folder / "photos").mkdir(exist_ok=True)
        Image.fromarray(picture(16, 24)).save(folder / "photos" / f"{number}.png")
    for name, tint in {"wave": [0.2, 0.5, 1.0], "rust": [1.0, 0.4, 0.1]}.items():
        painting = RANDOM.integers(0, 256, (60, 70, 3)) * tint
        Image.fromarray(painting.astype("uint8")).save(folder / f"{name}.png")
    ended = succeed(
        folder,
        *("train_gan.py", "stylize", "--data", "photos", "--style", "wave.png", "rust.png", "--width", "4"),
        *("--epochs", "1", "--no-score", "--run-dir", "runs/paint", "--name", "paint"),
    )
    warnings = [line for line in ended.stdout.splitlines() if line.startswith("!")]
    assert warnings == ["! only 7 training images: few to learn from"], "nothing of GANs and scores"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with photographs, two paintings, a run of one step and its export."""
    return shared(tmp_path_factory, "stylized", _train)


def test_the_run_says_what_it_has_learned(trained):
    config = json.loads((trained / "runs" / "paint" / "config.json").read_text())
    assert config["family"] == "Stylizer"
    assert config["options"]["style"] == ["wave.png", "rust.png"]
    assert saving.load(trained / "runs" / "paint").styles == ["wave", "rust"]
    grid = opened(sorted((trained / "runs" / "paint" / "samples").iterdir())[-1])
    num = config["data"]["train_images"]
    assert grid.size == (num * 25 + 1, 4 * 17 + 1)  # three strengths below each photograph


@pytest.mark.parametrize("channels", [3, 4])
def test_a_run_keeps_its_paintings_to_the_byte(channels, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = []
    for number in range(4):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(picture(16, 24, channels)).save(tmp_path / "photos" / f"{number}.png")
    for folder in ("a", "b"):  # of the same name
        painting = RANDOM.integers(0, 256, (90, 80, channels), dtype="uint8")
        painting[:40, ..., -1] = 0  # of four channels transparent, with colours around it once it is resized
        files.append(tmp_path / folder / "wave.png")
        files[-1].parent.mkdir()
        Image.fromarray(painting).save(files[-1])
    asked = StylizerOptions("stylize", data="photos", style=tuple(files), width=4, run_dir=Path("run"))
    begun = stylizer.prepare(asked.resolve(STYLIZERS))
    begun.lock.release()
    files[0].unlink()
    Image.fromarray(picture(70, 60, channels)).save(files[1])
    again = stylizer.prepare(StylizerOptions(resume=(Path("run"),)).resolve(STYLIZERS))
    assert again.model.styles == ["wave", "wave-2"]
    assert same(weights_of(begun.model), weights_of(again.model))


def test_a_run_goes_on_when_its_paintings_have_moved(trained, tmp_path):
    shutil.copytree(trained / "photos", tmp_path / "photos")
    shutil.copytree(trained / "runs" / "paint", tmp_path / "run")
    ended = succeed(tmp_path, "train_gan.py", "stylize", "--resume", "run", "--epochs", "2")
    assert "resuming run at step" in ended.stdout


def test_a_server_answers_as_python_does(trained):
    model, server = saving.load(trained / "runs" / "paint"), CSavedModel(str(trained / "saved_models" / "paint" / "1"))
    pictures = np.stack([picture(19, 26) for _ in range(3)])
    request = {"images": pictures, "strength": np.array([0.0, 0.4, np.nan], "float32")}
    request["style"] = np.array(["wave", "rust", ""])
    made = server.ask("stylize", request)["images"]
    np.testing.assert_array_equal(made[0], pictures[0])
    for row, (style, strength) in enumerate([("wave", 0.0), ("rust", 0.4), ("wave", 1.0)]):
        by_python = model.stylize(pictures[row : row + 1], style, strength)[0]
        assert np.abs(made[row].astype(int) - by_python).max() <= 1  # a graph rounds in another order
    assert server.ask("stylize_png", request)["image_bytes"][1][:4] == b"\x89PNG"
    by_number = {"pictures": pictures, "strength": request["strength"], "style_number": np.array([0, 1, 0])}
    assert np.abs(server.ask("serving_default", by_number)["images"].astype(int) - made).max() <= 1
    readme = (trained / "saved_models" / "paint" / "README.md").read_text()
    card = (trained / "saved_models" / "paint" / "1" / "MODEL_CARD.md").read_text()
    assert "- repaints pictures of any size like wave.png, rust.png, 3 channels\n" in card
    assert "`images` uint8 (b, height, width, 3), `strength` float32 (b), `style` string (b)" in readme
    with pytest.raises(RuntimeError, match="style: expected one of wave, rust, or nothing, received"):
        server.ask("stylize", request | {"style": np.array(["scream"] * 3)})


def test_any_picture_keeps_its_name_size_and_kind(trained, tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    Image.fromarray(picture(9, 31)).save(tmp_path / "in" / "sub" / "photo.jpg")
    Image.fromarray(picture(5, 3)[..., 0]).save(tmp_path / "in" / "grey.png")
    clear = picture(12, 20, 4)
    clear[3:6, :, 3] = 0
    Image.fromarray(clear).save(tmp_path / "in" / "clear.png")
    frames = [Image.fromarray(picture(14, 18)) for _ in range(3)]
    film = {"save_all": True, "append_images": frames[1:], "duration": [50, 60, 70], "loop": 0}
    frames[0].save(tmp_path / "in" / "film.gif", **film)
    for model in ("runs/paint", "saved_models/paint"):
        command = ("stylize", trained / model, "--data", "in", "--style-name", "rust", "--out", model)
        ended = succeed(tmp_path, "keras-gen", *command)
        assert f"4 pictures: {model}" in ended.stdout
    out = tmp_path / "runs" / "paint"
    made = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert made == {"sub/photo.png", "grey.png", "clear.png", "film.gif", "contact_sheet.png"}
    assert opened(out / "sub" / "photo.png").size == (31, 9)
    assert opened(out / "grey.png").mode == "L"
    painted = np.asarray(opened(out / "clear.png"))
    np.testing.assert_array_equal(painted[..., 3], clear[..., 3])
    assert np.abs(painted[..., :3].astype(int) - clear[..., :3]).mean() > 10
    with Image.open(out / "film.gif") as film:
        durations = [film.seek(index) or film.info["duration"] for index in range(film.n_frames)]
    assert durations == [50, 60, 70]
    for name in made - {"film.gif"}:
        by_export = np.asarray(opened(tmp_path / "saved_models" / "paint" / name))
        assert np.abs(by_export.astype(int) - np.asarray(opened(out / name))).max() <= 1


def test_colours_are_kept_and_strength_0_changes_nothing(trained, tmp_path):
    original = picture(20, 30)
    Image.fromarray(original).save(tmp_path / "photo.png")
    made = {}
    for name, options in {"zero": ["--strength", "0"], "kept": ["--keep-colors"], "full": []}.items():
        command = ("stylize", trained / "runs" / "paint", "--data", "photo.png", *options, "--out", name)
        succeed(tmp_path, "keras-gen", *command)
        made[name] = opened(tmp_path / name / "photo.png")
    np.testing.assert_array_equal(np.asarray(made["zero"]), original)
    _, *chroma = (np.asarray(each).astype(int) for each in made["kept"].convert("YCbCr").split())
    _, *own = (np.asarray(each).astype(int) for each in Image.fromarray(original).convert("YCbCr").split())
    assert max(np.abs(one - other).mean() for one, other in zip(chroma, own, strict=True)) < 4  # what clipping costs
    np.testing.assert_array_equal(made["kept"].convert("L"), made["full"].convert("L"))


def test_a_photograph_is_repainted_without_a_model(trained, tmp_path):
    Image.fromarray(picture(20, 24, 4)).save(tmp_path / "photo.png")
    command = ("stylize", "photo.png", "--style", trained / "rust.png", "--steps", "5", "--out", "painted")
    succeed(tmp_path, "keras-gen", *command)
    made = np.asarray(opened(tmp_path / "painted" / "photo.png"))
    assert made.shape == (20, 24, 4)
    assert (made[..., :3] != np.asarray(opened(tmp_path / "photo.png"))[..., :3]).any()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["stylize", "runs/paint"], "expected --data with photographs for a trained model, or --style with a painting"),
        (["stylize", "runs/paint", "--data", "photos", "--style", "wave.png"], "received both"),
        (["stylize", "wave.png", "--style", "rust.png", "--style-name", "x"], "expected no --style-name with --style"),
        (["stylize", "runs/paint", "--data", "photos", "--style-name", "x"], "unknown style 'x': expected one of wave"),
        (["stylize", "saved_models/paint", "--data", "photos", "--style-name", "x"], "expected one of wave, rust"),
        (["stylize", "runs/paint", "--data", "photos", "--strength", "2"], "expected a strength from 0 to 1, received"),
        (["stylize", "wave.png", "--style", "nowhere.png"], "expected --style with an image file"),
        (["stylize", "wave.png", "--style", "rust.png", "--steps", "0"], "1 or more and --seed of 0 or more, received"),
        (["stylize", "runs/paint", "--data", "photos", "--seed", "0", "--steps", "9"], "expected --steps, --seed with"),
        (["stylize", "runs/paint", "--data", "photos", "--out", "photos"], "would replace"),
        (["sample", "runs/paint"], "keras-gen stylize"),
        (["colorize", "runs/paint", "--data", "photos"], "expected a model for colorize"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(command, message, trained):
    assert message in fail(trained, "keras-gen", *command)


def test_a_run_without_a_painting_is_refused(trained):
    for options, message in (
        ([], "expected --style with at least one painting"),
        (["--style", "photos/0.png", "--style-size", "20"], "at least 56 pixels a side"),
        (["--style", "runs"], "expected --style with an image file"),
        (["--style", "wave.png", "--wrap", "width"], "--wrap"),
    ):
        ended = call(trained, "train_gan.py", "stylize", "--data", "photos", *options, "--epochs", "1")
        assert ended.returncode == 2
        assert message in ended.stderr, ended.stderr
