"""Pictures of users in files: which are read, where they have holes, and what the commands write."""

import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from keras_gen import repair
from keras_gen.cli import repairers
from keras_gen.images import png_bytes
from keras_gen.models import inversion, saving
from keras_gen.models.repairer import TASKS
from keras_gen.repair import holes, pictures, sheet
from tests.commands import call, fail, succeed
from tests.conftest import make_autoencoder, make_gan
from tests.repairs import Stub, blob, noise, scratches


def paint(path, pixels, **options):
    """Writes an array or a Pillow picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(pixels, np.ndarray):
        pixels = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    pixels.save(path, **options)
    return path


def paint_mask(path, hole):
    return paint(path, Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)))


def opened(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.mode, np.asarray(image)


@pytest.fixture
def one(tmp_path):
    """A photograph with its mask, in two folders."""
    paint(tmp_path / "damaged" / "x.png", noise(40, 50))
    hole = np.zeros((40, 50), bool)
    hole[10:14, 5:45] = True
    paint_mask(tmp_path / "masks" / "x.png", hole)
    return tmp_path, hole


@pytest.fixture
def stubbed(monkeypatch, tmp_path):
    """The commands get stubs for their task in place of the model m."""
    (tmp_path / "m").mkdir()
    monkeypatch.setattr(repairers, "load_repairer", lambda path, task: Stub(task, factor=2 if task == "upscale" else 1))


# Files of all kinds.

KINDS = {
    "grey": ("x.png", lambda rgb: Image.fromarray(rgb).convert("L"), "L"),
    "grey and alpha": ("x.png", lambda rgb: Image.fromarray(np.dstack([rgb[..., 0], rgb[..., 1]]), "LA"), "LA"),
    "two levels": ("x.png", lambda rgb: Image.fromarray(rgb).convert("1"), "L"),
    "16 bits": ("x.png", lambda rgb: Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "L"),
    "RGB": ("x.jpg", Image.fromarray, "RGB"),
    "CMYK": ("x.jpg", lambda rgb: Image.fromarray(rgb).convert("CMYK"), "RGB"),
    "RGBA": ("x.webp", lambda rgb: Image.fromarray(np.dstack([rgb, rgb[..., 0]])), "RGBA"),
    "palette": ("x.gif", lambda rgb: Image.fromarray(rgb).convert("P"), "RGB"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
def test_files_of_every_kind_come_back_as_they_were(kind, channels, tmp_path):
    name, make, mode = KINDS[kind]
    given = paint(tmp_path / "in" / name, make(noise(40, 50)), **({"lossless": True} if name == "x.webp" else {}))
    hole = np.zeros((40, 50), bool)
    hole[10:14, 5:45] = True
    mask = paint_mask(tmp_path / "mask.png", hole)
    plan = repair.plan(given, tmp_path / "out", repair.Holes(str(mask)))
    outcome = repair.repair(Stub(channels=channels), plan)
    assert (outcome.pictures, outcome.hole_pixels) == (1, 160)
    found, pixels = opened(tmp_path / "out" / "x.png")
    original = pictures.read(given).pixels()
    assert found == mode
    np.testing.assert_array_equal(pixels.reshape(original.shape)[~hole], original[~hole])
    assert (pixels.reshape(original.shape)[hole][:, 0] != original[hole][:, 0]).any()
    if channels < 4 and mode.endswith("A"):
        np.testing.assert_array_equal(pixels[..., -1], original[..., -1])


def test_16_bits_become_8_by_the_rule_of_training(tmp_path):
    values = np.array([[0, 128, 129, 65535]], np.uint16)
    given = paint(tmp_path / "x.png", Image.fromarray(values))
    assert pictures.read(given).colors.ravel().tolist() == [0, 0, 1, 255]


def test_a_photograph_lying_on_its_side_is_repaired_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    given = paint(tmp_path / "x.png", noise(20, 30), exif=exif)
    picture = pictures.read(given)
    np.testing.assert_array_equal(picture.colors, np.rot90(noise(20, 30), -1))


def test_profile_and_resolution_are_kept(tmp_path):
    given = paint(tmp_path / "in.png", noise(20, 30), dpi=(600, 600), icc_profile=b"a profile")
    with Image.open(pictures.save(tmp_path / "out.png", pictures.read(given))) as image:
        assert image.info["icc_profile"] == b"a profile"
        assert image.info["dpi"] == pytest.approx((600, 600), abs=1)


def test_upscaling_keeps_alpha_and_greyness(tmp_path):
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:, 15:] = 255
    picture = pictures.Picture(noise(20, 30, 1), alpha)
    larger = pictures.repair_picture(Stub("upscale", factor=2), picture)
    assert larger.colors.shape == (40, 60, 1)
    np.testing.assert_array_equal(larger.colors, picture.colors.repeat(2, axis=0).repeat(2, axis=1))
    assert (larger.alpha[:, :26] == 0).all()
    assert (larger.alpha[:, 34:] == 255).all()


def test_models_see_no_invisible_colours_and_they_are_kept(tmp_path):
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:10] = 0
    picture, hole, stub = pictures.Picture(noise(20, 30), alpha), np.zeros((20, 30), bool), Stub(channels=4)
    hole[9:11, 5:9] = True
    repaired = pictures.repair_picture(stub, picture, hole)
    crop = stub.calls[0][0][0]
    assert (crop[crop[..., 3] == 0] == 0).all()
    np.testing.assert_array_equal(repaired.pixels()[~hole], picture.pixels()[~hole])


# Masks.


def mask_of(folder, values):
    return paint(folder / "mask.png", Image.fromarray(values.astype(np.uint8)))


def test_a_mask_is_white_in_the_hole_and_inverted_ones_are_refused(tmp_path):
    values = np.zeros((20, 30))
    values[:, :6] = 255
    assert holes.read_mask(mask_of(tmp_path, values), (20, 30)).sum() == 120
    with pytest.raises(ValueError, match=r"^80% of mask.png would be a hole.*--hole black"):
        holes.read_mask(mask_of(tmp_path, 255 - values), (20, 30))
    assert holes.read_mask(mask_of(tmp_path, 255 - values), (20, 30), "black").sum() == 120
    assert holes.read_mask(mask_of(tmp_path, 255 - values), (20, 30), "white").sum() == 480


def test_grey_masks_are_refused_but_not_soft_edges(tmp_path):
    values = np.zeros((20, 30))
    values[:10] = np.linspace(0, 255, 300).reshape(10, 30)
    with pytest.raises(ValueError, match=r"^50% of the mask mask.png is neither black nor white: give --hole white"):
        holes.read_mask(mask_of(tmp_path, values), (20, 30))
    assert holes.read_mask(mask_of(tmp_path, values), (20, 30), "white").sum() == (values.astype(np.uint8) > 127).sum()
    soft = np.zeros((20, 30))
    soft[5, 5:10] = (40, 128, 255, 128, 40)
    assert holes.read_mask(mask_of(tmp_path, soft), (20, 30)).sum() == 5, "soft edges belong to the hole"
    ones = np.arange(600).reshape(20, 30) % 3 == 0
    np.testing.assert_array_equal(holes.read_mask(mask_of(tmp_path, ones), (20, 30)), ones, "a mask of 0 and 1")


def test_transparent_parts_of_a_mask_are_known(tmp_path):
    for color, polarity in ((255, None), (255, "white"), (0, "black")):
        values = np.full((20, 30, 4), color, np.uint8)
        values[..., 3] = 0
        values[3:5, 7:9, 3] = 255
        mask = paint(tmp_path / "mask.png", values)
        assert np.argwhere(holes.read_mask(mask, (20, 30), polarity)).tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]


def test_masks_are_found_by_name(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg", "deep/d.jpg"):
        paint(tmp_path / "in" / name, noise(20, 30))
    for name in ("a.png", "b_mask.png", "c_mask001.png", "d.png", "e.png"):
        paint_mask(tmp_path / "masks" / name, np.eye(20, 30) > 0)
    given = repair.Holes(str(tmp_path / "masks"))
    plan = repair.plan(tmp_path / "in", tmp_path / "out", given)
    found = [given.file_of(file, plan.folder).name for file in plan.files]
    assert found == ["a.png", "b_mask.png", "c_mask001.png", "d.png"]


def test_masks_may_lie_beside_their_pictures(tmp_path):
    paint(tmp_path / "in" / "a.png", noise(20, 30))
    paint_mask(tmp_path / "in" / "a_mask001.png", np.eye(20, 30) > 0)
    given = repair.Holes(str(tmp_path / "in"))
    plan = repair.plan(tmp_path / "in", tmp_path / "out", given)
    assert [str(file) for file in plan.files] == ["a.png"]
    assert given.file_of(plan.files[0], plan.folder).name == "a_mask001.png"


def test_a_hole_grows_by_a_distance_also_across_bands(monkeypatch):
    monkeypatch.setattr(holes, "BAND", 7)
    hole = scratches()
    expected = ndimage.distance_transform_edt(~hole) <= 3
    np.testing.assert_array_equal(holes.within(hole, 3), expected)


def test_feathering_changes_the_border_of_the_hole_alone_and_brings_no_damage_back(monkeypatch):
    hole = blob()
    picture = pictures.Picture(np.where(hole[..., None], np.uint8(200), np.uint8(100)) * np.ones(3, np.uint8))
    for band in (7, 1000):
        monkeypatch.setattr(holes, "BAND", band)
        soft = pictures.Picture(picture.colors.copy())
        holes.soften(soft, hole, 3)
        assert soft.colors[50, 58:66, 0].tolist() == [100, 100, 125, 150, 175, 200, 200, 200]
        assert (soft.colors[~hole] == 100).all()


def test_a_hole_of_one_pixel_is_seen_on_the_contact_sheet():
    hole = np.zeros((600, 1000), bool)
    hole[301, 502] = True
    shown = sheet.thumbnail(pictures.Picture(noise(600, 1000)), hole)
    assert shown.shape == (154, 256, 3)
    assert (shown == sheet.HOLE_COLOR).all(axis=-1).sum() == 1


# The commands.


def test_a_folder_is_repaired_and_shown(one, stubbed):
    folder, hole = one
    paint(folder / "damaged" / "deep" / "y.jpg", noise(30, 60, seed=1))
    paint_mask(folder / "masks" / "y.png", np.zeros((30, 60)))
    ended = succeed(folder, "keras-gen", "inpaint", "m", "--data", "damaged", "--mask", "masks", "--num", 2)
    assert "2 pictures, 2 proposals each: inpainted\nholes of masks: 160 pixels filled\n1 of them without a hole" in (
        ended.stdout
    )
    written = {path.relative_to(folder / "inpainted").as_posix() for path in (folder / "inpainted").rglob("*.png")}
    assert written == {"contact_sheet.png", "x_1.png", "x_2.png", "deep/y_1.png", "deep/y_2.png"}
    first, second = (opened(folder / "inpainted" / f"x_{number}.png")[1] for number in (1, 2))
    np.testing.assert_array_equal(first[~hole], noise(40, 50)[~hole])
    np.testing.assert_array_equal(second[~hole], noise(40, 50)[~hole])
    assert not np.array_equal(first, second)
    _, shown = opened(folder / "inpainted" / "contact_sheet.png")
    assert shown.shape == (2 * 41 + 1, 4 * 61 + 1, 3)
    assert ((shown == sheet.HOLE_COLOR).all(axis=-1)).sum() == 160


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_repaired(one, stubbed):
    folder, _ = one

    def repaired(*options):
        command = ("keras-gen", "inpaint", "m", "--data", "damaged", "--mask", "masks/x.png", "--out", "out")
        succeed(folder, *command, *options)
        return (folder / "out" / ("x_1.png" if "--num" in options else "x.png")).read_bytes()

    alone = repaired("--seed", 3)
    paint(folder / "damaged" / "a.png", noise(40, 50, seed=5))
    assert repaired("--seed", 3) == repaired("--seed", 3, "--num", 4) == alone
    assert len({repaired("--seed", seed) for seed in range(4)}) > 1


def test_the_mean_of_proposals_takes_their_place(one, stubbed):
    folder, hole = one
    command = ("keras-gen", "inpaint", "m", "--data", "damaged", "--mask", "masks", "--num", 3)
    succeed(folder, *command)
    ended = succeed(folder, *command, "--mean", "--out", "mean")
    assert "1 picture, the mean of 3 proposals each: mean\n" in ended.stdout
    assert sorted(path.name for path in (folder / "mean").iterdir()) == ["contact_sheet.png", "x.png"]
    proposals = [opened(folder / "inpainted" / f"x_{number}.png")[1].astype(float) for number in (1, 2, 3)]
    _, mean = opened(folder / "mean" / "x.png")
    assert np.ptp(proposals, axis=0)[hole].max() > 1
    np.testing.assert_array_equal(mean, np.round(sum(proposals) / 3))  # of three bytes never halfway
    np.testing.assert_array_equal(mean[~hole], noise(40, 50)[~hole])
    refused = fail(folder, *command[:-2], "--mean")
    assert "expected --mean with --num of 2 or more, such as --num 8, received 1" in refused


def test_a_mean_of_pictures_of_which_only_some_are_transparent():
    colors = np.array([[[10], [20]]], np.uint8)
    clear = pictures.Picture(colors + np.uint8(1), np.array([[0, 254]], np.uint8), {"dpi": (72, 72)})
    mean = pictures.averaged([pictures.Picture(colors), clear])
    assert (mean.colors.ravel().tolist(), mean.alpha.tolist(), mean.about) == ([11, 21], [[128, 255]], clear.about)


def test_one_file_with_a_colour_that_marks_its_holes(tmp_path, stubbed):
    pixels = noise(40, 50)
    pixels[5:8, 5:45] = (255, 0, 255)
    paint(tmp_path / "x.png", pixels)
    ended = succeed(tmp_path, "keras-gen", "inpaint", "m", "--data", "x.png", "--mask", "#ff00FF", "--grow", 1)
    assert "holes of exactly #ff00FF: 206 pixels filled" in ended.stdout  # 3·40 and 2·40 + 2·3
    _, repaired = opened(tmp_path / "inpainted" / "x.png")
    assert ((repaired != pixels).any(axis=-1)).sum() == pytest.approx(206, abs=4)
    line = fail(tmp_path, "keras-gen", "inpaint", "m", "--data", "x.png", "--mask", "#00ff01")
    assert "x.png: no pixel is exactly #00ff01: JPEG changes colours" in line
    pixels[5:8, 5:45] = (250, 4, 250)
    pixels[6, 5:45:5] = (255, 0, 255)  # what JPEG leaves of a line: 8 pixels of 120 are as they were
    paint(tmp_path / "x.png", pixels)
    line = fail(tmp_path, "keras-gen", "inpaint", "m", "--data", "x.png", "--mask", "#ff00ff")
    assert "x.png: 8 pixels are exactly #ff00ff and 76 beside them nearly: JPEG" in line  # 8·10, but 4 are no line


def test_a_feathered_hole_differs_in_its_border_alone(one, stubbed):
    folder, hole = one
    command = ("keras-gen", "inpaint", "m", "--data", "damaged", "--mask", "masks", "--out")
    succeed(folder, *command, "hard")
    succeed(folder, *command, "soft", "--feather", 1)
    hard, soft = (opened(folder / name / "x.png")[1] for name in ("hard", "soft"))
    changed = (hard != soft).any(axis=-1)
    border = hole & ~ndimage.binary_erosion(hole)
    assert not (changed & ~border).any()
    assert changed[border].mean() > 0.9


def test_what_is_erased_is_filled_and_opaque_without_a_mask(tmp_path, stubbed):
    pixels = np.dstack([noise(40, 50), np.full((40, 50), 255, np.uint8)])
    pixels[5:8, 5:45, 3] = np.array([0, 100, 254])[:, None]
    paint(tmp_path / "x.png", pixels)
    succeed(tmp_path, "keras-gen", "inpaint", "m", "--data", "x.png")
    mode, repaired = opened(tmp_path / "inpainted" / "x.png")
    assert mode == "RGBA"
    assert (repaired[..., 3] == 255).all()
    np.testing.assert_array_equal(repaired[pixels[..., 3] == 255], pixels[pixels[..., 3] == 255])
    paint(tmp_path / "y.png", noise(40, 50))
    assert "y.png: nothing is transparent: give the holes with --mask" in fail(
        tmp_path, "keras-gen", "inpaint", "m", "--data", "y.png"
    )


@pytest.mark.parametrize("task", ["colorize", "upscale", "restore"])
def test_the_other_tasks_change_the_whole_picture(task, tmp_path, stubbed):
    paint(tmp_path / "in" / "x.png", noise(40, 50, 1))
    ended = succeed(tmp_path, "keras-gen", task, "m", "--data", "in", "--out", "out")
    assert ended.stdout.endswith("1 picture: out\nbefore and after: out/contact_sheet.png\n")
    mode, pixels = opened(tmp_path / "out" / "x.png")
    expected = {"colorize": ("RGB", (40, 50, 3)), "upscale": ("L", (80, 100)), "restore": ("L", (40, 50))}
    assert (mode, pixels.shape) == expected[task]


def test_results_below_the_data_are_not_repaired_again(one, stubbed):
    folder, _ = one
    for _ in range(2):
        succeed(folder, "keras-gen", "restore", "m", "--data", "damaged", "--out", "damaged/out")
    assert sorted(path.name for path in (folder / "damaged" / "out").iterdir()) == ["contact_sheet.png", "x.png"]


def test_what_cannot_be_read_is_reported(one, stubbed):
    folder, _ = one
    (folder / "damaged" / "bad.png").write_bytes(b"not an image")
    paint(folder / "damaged" / "cut.png", noise(40, 50))
    cut = (folder / "damaged" / "cut.png").read_bytes()
    (folder / "damaged" / "cut.png").write_bytes(cut[:2000])
    ended = succeed(folder, "keras-gen", "restore", "m", "--data", "damaged")
    assert "skipped 2 of 3 files that could not be read: bad.png (not an image), cut.png" in ended.stderr
    assert ended.stdout.endswith("1 picture: restored\nbefore and after: restored/contact_sheet.png\n")
    assert not (folder / "restored" / "cut.png").exists()


def test_pictures_that_differ_in_their_suffix_do_not_replace_each_other(tmp_path, stubbed):
    for name in ("x.png", "x.bmp", "contact_sheet.png"):
        paint(tmp_path / "in" / name, noise(20, 30))
    succeed(tmp_path, "keras-gen", "restore", "m", "--data", "in", "--out", "out")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["contact_sheet-2.png", "contact_sheet.png", "x-2.png", "x.png"]


ERRORS = {
    "no data": (["--data", "nowhere"], "expected an image file or a folder of them, found no nowhere"),
    "over the pictures": (["--out", "damaged"], "expected --out that leaves the pictures as they are, damaged would"),
    "over a mask": (["--out", "masks"], "masks would replace masks/x.png"),
    "a file": (["--out", "damaged/x.png"], "expected --out as a folder, received the file damaged/x.png"),
    "nowhere to write": (["--out", "masks/x.png/out"], "cannot write to masks/x.png/out (Not a directory)"),
    "no proposals": (["--num", "0"], "expected --num of 1 or more, received 0"),
    "a negative seed": (["--seed", "-1"], "expected --seed of 0 or more, received -1"),
    "a negative border": (["--grow", "-1"], "--grow and --feather of 0 or more, received None, -1 and 0"),
    "no mask": (["--mask", "nowhere"], 'expected --mask as a folder, a file, alpha or "#rrggbb", found no nowhere'),
    "half a colour": (["--mask", "#ff0"], "expected --mask as a colour such as #ff00ff, six digits, received #ff0"),
    "a colour with a polarity": (["--mask", "#ff0000", "--hole", "white"], "expected no --hole with --mask #ff0000"),
    "a mask of another size": (["--mask", "small.png"], "x.png: expected masks of the size of their pictures: small.png"
                               " is 30×20, its picture 50×40"),
    "missing masks": (["--mask", "others"], "expected a mask for each picture in others, found none for 1 of 1: x.png"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_wrong_requests_end_in_one_line_before_the_model_is_loaded(case, one):
    folder, hole = one
    paint_mask(folder / "small.png", np.eye(20, 30) > 0)
    paint_mask(folder / "others" / "z.png", hole)
    arguments, message = ERRORS[case]
    command = {"--data": "damaged", "--mask": "masks"} | dict(zip(arguments[::2], arguments[1::2], strict=True))
    line = fail(folder, "keras-gen", "inpaint", ".", *[part for pair in command.items() for part in pair])
    assert message in line
    assert not (folder / "inpainted").exists()


def test_help_shows_how_to_use_it(tmp_path):
    for task in TASKS:
        ended = call(tmp_path, "keras-gen", task, "--help")
        assert f"keras-gen {task} runs/RUN --data" in " ".join(ended.stdout.split())


# Where the model comes from.


def test_an_exported_model_is_asked_by_the_name_of_the_task(tmp_path):
    class Export(tf.Module):
        def __init__(self):
            super().__init__()
            self.bias = tf.Variable(1, dtype=tf.int64)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 16, 24, 3], tf.uint8, "images"),
                tf.TensorSpec([None, 16, 24, 1], tf.uint8, "masks"),
                tf.TensorSpec([None], tf.int64, "seed"),
            ]
        )
        def inpaint(self, images, masks, seed):
            value = tf.cast(seed + self.bias, tf.uint8)[:, None, None, None]
            return {"images": tf.where(masks > 0, value, images)}

    module = Export()
    tf.saved_model.save(module, str(tmp_path / "model" / "1"), signatures={"inpaint": module.inpaint})
    repairs = repairers.load_repairer(tmp_path / "model", "inpaint")
    assert (repairs.task, repairs.source_shape, repairs.image_shape) == ("inpaint", (16, 24, 3), (16, 24, 3))
    masks = np.zeros((2, 16, 24, 1), np.uint8)
    masks[:, :4] = 255
    made = repairs.fill(np.full((2, 16, 24, 3), 9, np.uint8), masks, np.array([5, 6]))
    assert made[:, 0, 0, 0].tolist() == [6, 7]
    assert (made[:, 4:] == 9).all()
    with pytest.raises(ValueError, match=r"^expected a model for upscale, .* does inpaint: keras-gen inpaint"):
        repairers.load_repairer(tmp_path / "model", "upscale")


def test_a_model_with_its_own_repair_is_asked_once_for_each_seed(tmp_path, monkeypatch):
    def own(images, masks=None, num=1, seed=0):
        assert num == 1
        return np.full((len(images), 1, 32, 48, 3), seed, np.uint8)

    shapes = {"source_shape": (16, 24, 3), "image_shape": (32, 48, 3)}
    does = {"task": "upscale", "answer": own, "any_size": False, "generates": True, "latent_input": "latents"}
    model = types.SimpleNamespace(**does, **shapes)
    monkeypatch.setattr(saving, "load", lambda path: model)
    repairs = repairers.load_repairer(tmp_path, "upscale")
    made = repairs.fill(np.zeros((3, 16, 24, 3), np.uint8), None, np.array([7, 8, 7]))
    assert made[:, 0, 0, 0].tolist() == [7, 8, 7]
    with pytest.raises(ValueError, match="does upscale: keras-gen upscale"):
        repairers.load_repairer(tmp_path, "restore")


def test_a_gan_inpaints_by_a_search_for_its_latents(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "load", lambda path: make_gan())

    def search(model, images, masks, num, seed):
        return np.full((len(images), num, *model.image_shape), seed, np.uint8)

    monkeypatch.setattr(inversion, "repair", search, raising=False)
    repairs = repairers.load_repairer(tmp_path, "inpaint")
    images = np.zeros((2, *repairs.source_shape), np.uint8)
    assert repairs.fill(images, images[..., :1], np.array([3, 4]))[:, 0, 0, 0].tolist() == [3, 4]
    with pytest.raises(ValueError, match="expected a model for restore"):
        repairers.load_repairer(tmp_path, "restore")
    monkeypatch.setattr(saving, "load", lambda path: make_autoencoder())  # without a prior it has one answer
    (tmp_path / "one.png").write_bytes(png_bytes(np.zeros((8, 12, 4), np.uint8)))
    ended = call(tmp_path, "keras-gen", "inpaint", tmp_path, "--data", "one.png", "--num", "2")
    assert "expected --num 1, received 2: this model has one answer" in ended.stderr, ended.stderr
    with pytest.raises(FileNotFoundError, match="found no nowhere"):
        repairers.load_repairer("nowhere", "inpaint")
