"""Options of training: one declaration each, completed by a preset, checked once."""

import ast
import dataclasses
import inspect

import pytest
import tyro

from keras_gen import networks
from keras_gen.cli.command_line import STYLE
from keras_gen.data import load
from keras_gen.models.autoencoders import KINDS
from keras_gen.presets import AUTOENCODERS, GANS, STYLIZERS
from keras_gen.runs import autoencoder, gan, options, preparation
from keras_gen.runs.options import AutoencoderOptions, GANOptions, StylizerOptions
from tests.commands import fail

PRESETS = [(GANOptions, GANS, name) for name in GANS] + [
    (AutoencoderOptions, AUTOENCODERS, name) for name in AUTOENCODERS
]
OWN = {"own": {"about": "for a test", "learning_rate": 3e-3, "seed": 5, "attention": True, "batch_size": None}}


def typed(command):
    """What the command line makes of options, before a preset."""
    return tyro.cli(GANOptions, args=command.split(), config=STYLE)


def test_a_stylizer_does_not_wrap():
    with pytest.raises(ValueError, match="expected a stylizer without wrap, as it repaints in tiles, received width"):
        StylizerOptions(style=("painting.png",), wrap="width").resolve(STYLIZERS)


@pytest.mark.parametrize(("kind", "presets", "name"), PRESETS)
def test_a_preset_settles_every_option(kind, presets, name):
    needed = {"to": "paintings"} if "translation" in presets[name] else {}
    resolved = kind(name, **needed).resolve(presets)
    hyperparameters = {"network", "latent_dim", "loss", "learning_rate", "wrap"}
    assert all(getattr(resolved, name) is not None for name in hyperparameters)
    assert isinstance(resolved.suited_to((32, 32, 3)).batch_size, int)
    assert {name: getattr(resolved, name) for name in presets[name].keys() - {"about"}} == {
        name: value for name, value in presets[name].items() if name != "about"
    }


def test_what_is_given_counts_before_the_preset_and_that_before_the_default():
    resolved = typed("own --learning-rate 1e-5 --beta-1 0.5").resolve(OWN)
    assert (resolved.learning_rate, resolved.beta_1) == (1e-5, 0.5), "given"
    assert (resolved.seed, resolved.attention, resolved.batch_size) == (5, True, None), "the preset's"
    assert (resolved.beta_2, resolved.penalties, resolved.sample_every) == (0.999, (), 5), "the defaults"
    assert typed("own --penalties").penalties == (), "none, which is not the preset's"
    assert typed("own").penalties is None
    assert typed("fast --clusters 0 --penalties").resolve(GANS).penalties == ()
    assert typed("fast --clusters 0").resolve(GANS).clusters == 0


def test_an_unknown_option_in_a_preset_is_an_error():
    with pytest.raises(
        ValueError, match="unknown option 'learning_raet', 'widht' in the preset 'own': expected some of"
    ):
        GANOptions("own").resolve({"own": {"about": "", "widht": 8, "learning_raet": 1, "seed": 1}})
    with pytest.raises(ValueError, match="unknown option 'clusters' in the preset 'own'"):
        AutoencoderOptions("own").resolve({"own": {"clusters": 8}})


REFUSED = [
    ("learning_rate", 0.0, "expected --learning-rate above 0, received 0.0"),
    ("learning_rate", float("nan"), "expected --learning-rate as a finite number, received nan"),
    ("beta_1", 1.0, "expected --beta-1 of at least 0 and below 1, received 1.0"),
    ("discriminator_steps", 101, "expected --discriminator-steps of at most 100, received 101"),
    ("penalty_weight", -1.0, "expected --penalty-weight of 0 or more, received -1.0"),
    ("optimizer", "sgd", "expected --optimizer as one of adam, rmsprop, received sgd"),
    ("wrap", "height", "expected --wrap as one of none, width, both, received height"),
    ("channels", 2, "expected --channels as one of 1, 3, 4, received 2"),
    ("pack_size", 129, "expected --pack-size of at most --batch-size 128, received 129"),
]


@pytest.mark.parametrize(("option", "value", "message"), REFUSED)
def test_the_same_check_for_the_command_line_python_and_presets(option, value, message):
    with pytest.raises(ValueError, match=message):
        GANOptions("article", **{option: value}).resolve(GANS)
    with pytest.raises(ValueError, match=message):
        GANOptions("own").resolve({"own": {option: value}})


UNUSED = [
    ("pix2pix", {"condition": ("label",)}),
    ("pix2pix", {"clusters": 8}),
    ("translate", {"condition": ("label",)}),
    ("translate", {"clusters": 8}),
    ("translate", {"latent_dim": 7}),
    ("cyclegan", {"condition": ("label",)}),
    ("cyclegan", {"latent_dim": 7}),
    ("cyclegan", {"penalty_weight": 3.0}),
    ("cyclegan", {"flip": True}),
    ("cyclegan", {"ema_decay": 0.5}),
]


@pytest.mark.parametrize(("preset", "asked"), UNUSED, ids=str)
def test_what_a_translation_does_not_use_is_refused(preset, asked):
    GANOptions(preset, to="b").resolve(GANS)
    (name,) = asked
    message = f"expected no --{name.replace('_', '-')} with {preset}: its game does not use it"
    with pytest.raises(ValueError, match=message):
        GANOptions(preset, to="b", **asked).resolve(GANS)


def test_every_option_has_its_help():
    """A string below each field, also of those that the command line does not show."""
    for kind in ast.parse(inspect.getsource(options)).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for field, below in zip(kind.body, kind.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and not ast.unparse(field).endswith("by_preset(None)"):
                said = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                assert said, f"{kind.name}.{field.target.id}"


@pytest.mark.parametrize("kind", [GANOptions, AutoencoderOptions])
def test_no_option_is_left_without_a_declaration(kind):
    """Those of the base that each family declares for itself."""
    for field in dataclasses.fields(kind):
        assert (
            "default" not in field.metadata or field.metadata["default"] is not None or field.name in {"penalty_weight"}
        )


def test_a_builder_gets_what_it_has_an_argument_for():
    builders = {"plain": lambda shape, *, width=1, name="": None, "clipped": lambda shape, *, weight_clip=None: None}
    given = GANOptions("wgan", width=8, seed=3, name="x").resolve(GANS)
    assert preparation.arguments("network", builders, "plain", dataclasses.replace(given, weight_clip=None)) == {
        "width": 8
    }
    with pytest.raises(ValueError, match="unknown network 'other': expected one of plain, clipped"):
        preparation.arguments("network", builders, "other", given)


def test_what_no_builder_does_is_refused_by_it_unless_it_is_off():
    wgan_gp = GANOptions("wgan-gp", network="conv").resolve(GANS)
    assert "batch_normalization" not in preparation.arguments("network", networks.DISCRIMINATORS, "conv", wgan_gp)
    assert not preparation.arguments("network", networks.DISCRIMINATORS, "dcgan", wgan_gp)["batch_normalization"]
    wide = preparation.arguments("network", networks.GENERATORS, "mlp", GANOptions("article", width=8).resolve(GANS))
    with pytest.raises(ValueError, match="unknown option 'width' of the generator network 'mlp'"):
        networks.generator("mlp", (8, 12, 3), 4, **wide)
    vae = AutoencoderOptions("beta-vae").resolve(AUTOENCODERS)
    assert preparation.arguments("kind", KINDS, "vae", vae) == {"beta": 4.0, "warm_up": 0.1}
    denoising = AutoencoderOptions("denoising").resolve(AUTOENCODERS)
    assert preparation.arguments("kind", KINDS, "denoising", denoising) == {"noise": "masking", "amount": 0.25}


def normalised(network):
    return any("batch_normalization" in layer.name for layer in network.layers)


def test_presets_speak_of_the_normalisation_of_the_discriminator_alone():
    settled, images = preparation.prepare(GANOptions("wgan-gp", data="digits").resolve(GANS))
    model, _ = gan.build(settled, images)
    assert normalised(model.generator)
    assert not normalised(model.discriminator)


def test_images_that_close_in_on_themselves_do_so_in_every_network_and_in_the_augmentation():
    settled, images = preparation.prepare(GANOptions("fast", data="digits", wrap="width").resolve(GANS))
    model, _ = gan.build(settled, images)
    assert model.augmentation.wrap == "width"
    vae = AutoencoderOptions("vae", data="digits", network="conv", wrap="both").resolve(AUTOENCODERS)
    for network in (model.generator, model.discriminator, autoencoder.build(vae, images).encoder):
        assert any(getattr(layer, "wrap", "none") != "none" for layer in network.layers), network.name


def test_everything_is_settled_once():
    settled, images = preparation.prepare(GANOptions(data="digits", image_size=40).resolve(GANS))
    assert (settled.batch_size, settled.name, settled.backend) == (16, "gan-fast-digits", "tensorflow")
    named, _ = preparation.prepare(AutoencoderOptions(data="digits", name="mine").resolve(AUTOENCODERS))
    assert (named.batch_size, named.name, named.family) == (128, "mine", autoencoder.build(named, images).family)
    assert preparation.prepare(settled)[0] == settled, "a run that goes on finds its own options"


def test_a_network_that_lacks_an_option_says_so_in_one_line(tmp_path):
    line = fail(tmp_path, "train_gan.py", "article", "--data", "digits", "--width", "8")
    assert "unknown option 'width' of the generator network 'mlp': expected one of" in line


def test_options_reach_the_game():
    images = load("digits")
    asked = {"ema_decay": 0.5, "pack_size": 2, "discriminator_steps": 3, "latent_dim": 7, "seed": 5}
    others = {"augment": "diffaugment", "flip": True, "loss": "hinge", "penalties": ("r1",), "penalty_weight": 3.0}
    rates = {"learning_rate": 0.01, "beta_1": 0.3, "beta_2": 0.6, "beta_2_start": 0.0, "rate_schedule": "constant"}
    options = GANOptions("article", "digits", **asked, **others, **rates).resolve(GANS).suited_to(images.image_shape)
    game, _ = gan.build(options, images)
    assert {name: getattr(game, name) for name in asked} == asked
    assert "flip" in game.augmentation.policy
    assert type(game.loss_pair).__name__ == "Hinge"
    assert [(type(each).__name__, each.weight) for each in game.penalties] == [("R1", 3.0)]
    for optimizer in game._optimizers.values():
        assert float(optimizer.learning_rate) == pytest.approx(0.01)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.3, 0.6)
