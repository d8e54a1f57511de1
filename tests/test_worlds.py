"""Panoramas as photo viewers, engines and browsers take them: faces, metadata, and the page in a real browser."""

import base64
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import keras
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from keras_gen import networks, worlds
from keras_gen.export import publish
from keras_gen.export.runtimes import CSavedModel
from keras_gen.models.gan import GAN
from tests.commands import fail, succeed

CHROMIUM = shutil.which("chromium")
HEIGHT, WIDTH = 64, 128


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image)


def coordinates(height=HEIGHT, width=WIDTH):
    """Longitude, latitude and direction (x to the right, y up, z ahead) of each pixel of a panorama."""
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    latitude = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    latitude, longitude = np.meshgrid(latitude, longitude, indexing="ij")
    x, y, z = np.cos(latitude) * np.sin(longitude), np.sin(latitude), np.cos(latitude) * np.cos(longitude)
    return longitude, latitude, (x, y, z)


def world():
    """A panorama whose colours are the three coordinates of the direction, which no seam or pole disturbs."""
    _, _, direction = coordinates()
    return np.rint(128 + 120 * np.stack(direction, axis=-1)).astype("uint8")


# What lies straight ahead in the centre of each face, and what lies at its right edge and at its upper edge.
CENTRES = {
    "front": ((0, 0, 1), (1, 0, 1), (0, 1, 1)),
    "right": ((1, 0, 0), (1, 0, -1), (1, 1, 0)),
    "back": ((0, 0, -1), (-1, 0, -1), (0, 1, -1)),
    "left": ((-1, 0, 0), (-1, 0, 1), (-1, 1, 0)),
    "up": ((0, 1, 0), (1, 1, 0), (0, 1, -1)),
    "down": ((0, -1, 0), (1, -1, 0), (0, -1, 1)),
}


@pytest.mark.parametrize("name", CENTRES)
def test_each_face_shows_what_its_name_says(name):
    face = worlds.cube_faces(world(), 33)[name].astype(float)
    for (row, column), direction in zip(((16, 16), (16, 32), (0, 16)), CENTRES[name], strict=True):
        expected = 128 + 120 * np.array(direction) / np.linalg.norm(direction)
        np.testing.assert_allclose(face[row, column], expected, atol=4)  # the outer pixels are half a pixel inside


def test_the_faces_are_the_panorama_again():
    panorama, size = world(), 64
    faces = worlds.cube_faces(panorama, size)
    _, _, (x, y, z) = coordinates()
    largest = np.maximum(np.maximum(abs(x), abs(y)), abs(z))
    planes = {"front": (z, x, y), "right": (x, -z, y), "back": (-z, -x, y), "left": (-x, z, y), "up": (y, x, -z)}
    planes["down"] = (-y, x, z)
    seen = np.zeros((HEIGHT, WIDTH), bool)
    for name, (ahead, right, above) in planes.items():
        with np.errstate(divide="ignore"):
            column, row = ((1 + part / ahead) / 2 * size - 0.5 for part in (right, -above))
        inside = (
            (ahead == largest)
            & (abs(column - size / 2 + 0.5) < size / 2 - 1)
            & (abs(row - size / 2 + 0.5) < size / 2 - 1)
        )
        for channel in range(3):
            again = scipy.ndimage.map_coordinates(
                faces[name][..., channel].astype(float), (row[inside], column[inside]), order=1
            )
            assert np.abs(again - panorama[inside][:, channel]).max() <= 2
        seen |= inside
    assert seen.mean() > 0.9


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_photo_viewers_find_all_that_they_require(suffix, channels, tmp_path):
    panorama = np.concatenate([world(), world()[..., :1]], axis=-1)[..., :channels]
    with Image.open(worlds.photo_sphere(tmp_path / "new" / f"a.{suffix}", panorama)) as image:
        description = ElementTree.fromstring(image.info["xmp"].strip(b"\0")).find(".//{*}Description")
        pixels = np.asarray(image.convert("RGB"), int)
    assert {each.tag: each.text for each in description} == {
        f"{{http://ns.google.com/photos/1.0/panorama/}}{name}": value
        for name, value in {
            "ProjectionType": "equirectangular",
            "UsePanoramaViewer": "True",
            "FullPanoWidthPixels": "128",
            "FullPanoHeightPixels": "64",
            "CroppedAreaImageWidthPixels": "128",
            "CroppedAreaImageHeightPixels": "64",
            "CroppedAreaLeftPixels": "0",
            "CroppedAreaTopPixels": "0",
        }.items()
    }
    assert np.abs(pixels - panorama[..., :3]).mean() < 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: worlds.cube_faces(np.zeros((8, 12, 3), "uint8")), "twice as wide as high, received 8×12"),
        (lambda folder: worlds.photo_sphere(folder / "a.jpg", np.zeros((8, 12, 3), "uint8")), "received 8×12"),
        (lambda folder: worlds.photo_sphere(folder / "a.png", world()), r"expected a file \.jpg, \.jpeg, \.webp"),
    ],
)
def test_what_is_no_panorama_is_refused(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        make(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_page_has_everything_inside_and_no_name_can_break_it(tmp_path):
    files = [worlds.photo_sphere(tmp_path / name, world()) for name in ("a_b.jpg", "<script>&.webp")]
    page = worlds.viewer(tmp_path / "vr" / "viewer.html", files, title="<1> & 2").read_text("utf-8")
    assert "<title>&lt;1&gt; &amp; 2</title>" in page
    assert page.count("<script>") == 1
    policy = re.search(r'Content-Security-Policy"\s+content="([^"]*)"', page)[1].split("; ")
    assert policy[:2] == ["default-src 'none'", "img-src data:"], "a browser loads nothing for it"
    shown = json.loads(re.search(r"const worlds = (\[.*?\]);", page)[1])
    assert [each["name"] for each in shown] == ["a b", "<script>&"]
    for each, file, kind in zip(shown, files, ("jpeg", "webp"), strict=True):
        head, data = each["picture"].split(",")
        assert (head, base64.b64decode(data)) == (f"data:image/{kind};base64", file.read_bytes())


@pytest.fixture
def model(tmp_path):
    """The file of an untrained GAN whose images wrap along both axes, twice as wide as high."""
    shape = (8, 16, 3)
    gan = GAN(
        networks.generator("conv", shape, 4, width=4, wrap="both"),
        networks.discriminator("conv", shape, width=4, wrap="both"),
    )
    gan.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_the_commands_write_worlds_and_tiles(model, tmp_path):
    ended = succeed(tmp_path, "keras-gen", "panorama", model, "--num", "2", "--cube", "5", "--format", "webp")
    assert "2 panoramas of (8, 16, 3), seed 0: vr" in ended.stdout
    assert "look around in any browser: vr/viewer.html" in ended.stdout
    faces = {f"{number}_cube/{name}.png" for number in (1, 2) for name in worlds.FACES}
    written = {str(path.relative_to(tmp_path / "vr")) for path in (tmp_path / "vr").rglob("*") if path.is_file()}
    assert written == {"1.webp", "2.webp", "viewer.html"} | faces
    assert opened(tmp_path / "vr" / "2_cube" / "up.png").shape == (5, 5, 3)
    succeed(tmp_path, "keras-gen", "tile", model, "--num", "2", "--seed", "3")
    succeed(tmp_path, "keras-gen", "sample", model, "--num", "2", "--seed", "3", "--out", "samples.npy")
    for number, image in enumerate(np.load(tmp_path / "samples.npy"), start=1):
        np.testing.assert_array_equal(opened(tmp_path / "tiles" / f"{number}.png"), image)
        preview = opened(tmp_path / "tiles" / "previews" / f"{number}.png")
        np.testing.assert_array_equal(preview, np.block([[[image]] * 3] * 3).reshape(preview.shape))


def test_a_server_turns_the_view_and_an_export_makes_worlds_too(model, tmp_path):
    publish(keras.models.load_model(model), tmp_path / "saved_models", "worlds")
    yaw = np.array([np.nan, 0, 90, -90, 360, 101, 12, -742.5], "float32")
    columns = np.array([0, 0, 4, -4, 0, 4, 1, -1])  # to the left, of 16: 22.5 degrees each
    asked = {"seed": np.full(8, 5), "truncation": np.full(8, 9, "float32"), "yaw": yaw}
    made = CSavedModel(str(tmp_path / "saved_models" / "worlds" / "1")).ask("generate", asked)["images"]
    for image, shift in zip(made, columns, strict=True):
        np.testing.assert_array_equal(image, np.roll(made[0], -shift, axis=1))
    ended = succeed(tmp_path, "keras-gen", "panorama", "saved_models/worlds", "--num", "1")
    assert "1 panorama of (8, 16, 3)" in ended.stdout


def test_the_view_turns_while_one_world_becomes_another(model, tmp_path):
    command = ["keras-gen", "interpolate", model, "--stops", "2", "--frames", "4"]
    succeed(tmp_path, *command, "--out", "straight.npy")
    succeed(tmp_path, *command, "--out", "turning.npy", "--turn", "360")
    straight, turning = (np.load(tmp_path / name) for name in ("straight.npy", "turning.npy"))
    for step, (image, turned) in enumerate(zip(straight, turning, strict=True)):
        np.testing.assert_array_equal(turned[:, 0], image[:, 2 * step], f"{step / 8:.0%} of 16 columns to the right")
        np.testing.assert_array_equal(np.roll(turned, 2 * step, axis=1), image)


REFUSED = {
    "no model": (["panorama", "nowhere"], "expected the folder of a finished run or of an exported model"),
    "no images": (["tile", "model.keras", "--num", "0"], "expected --num of 1 or more"),
    "no folder": (["tile", "model.keras", "--out", "x.png"], "expected --out as a folder, received x.png"),
    "no film": (["interpolate", "model.keras", "--out", "x.avi"], "expected --out as x.gif, x.webp, x.mp4, x.npy,"),
    "no face": (["panorama", "model.keras", "--cube", "0"], "expected --cube of 1 or more, received 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    arguments, message = REFUSED[case]
    (tmp_path / "model.keras").touch()
    assert message in fail(tmp_path, "keras-gen", *arguments)


# In steps, as a hand does: the height of the canvas is the field of view.
DRAG = """<script>
(function drag() {
  if (!document.body.dataset.shown) return requestAnimationFrame(drag);
  const send = (kind, x) => canvas.dispatchEvent(new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: 200 }));
  const half = 180 * canvas.clientHeight / look.fov;
  send("pointerdown", 0);
  for (let step = 1; step <= 20; step++) send("pointermove", -half * step / 20);
  send("pointerup", -half);
})();
</script>
</html>"""


def browse(page, folder):
    """What a browser shows of a page, and what it says on its console: what the page's policy forbids, too."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    command += [f"--user-data-dir={folder / 'profile'}", "--disable-background-networking", "--enable-logging=stderr"]
    command += ["--window-size=800,500", "--hide-scrollbars", "--virtual-time-budget=5000"]
    command += [f"--screenshot={folder / 'shot.png'}", page.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180)
    with Image.open(folder / "shot.png") as shot:
        return np.asarray(shot.convert("L"), float), ended.stderr


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize(("waves", "seam"), [(7, False), (7.5, True)])
def test_the_seam_is_not_seen_where_the_panorama_closes(waves, seam, tmp_path):
    longitude, _, _ = coordinates()
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, HEIGHT)[:, None]
    panorama = np.rint(128 + 100 * np.sin(waves * longitude + phases))[..., None].astype("uint8")
    page = worlds.viewer(tmp_path / "viewer.html", [worlds.photo_sphere(tmp_path / "1.webp", panorama)])
    ahead, _ = browse(page, tmp_path)
    dragged = tmp_path / "dragged.html"
    dragged.write_text(page.read_text("utf-8").replace("</html>", DRAG), "utf-8")
    behind, console = browse(dragged, tmp_path)
    assert "CONSOLE" not in console
    assert np.abs(behind - ahead)[70:430].mean() > 5, "it has turned"
    steps = np.abs(np.diff(behind[70:430], axis=1)).mean(axis=0)  # without the lines at the top and at the bottom
    share = steps[392:407].max() / np.delete(steps[350:450], range(42, 57)).max()
    assert (share > 1.2) == seam, share
