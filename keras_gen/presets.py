"""Named configurations: what the literature calls by a name, as data.

A preset is a starting point; every field can be changed by an option of the training scripts. The command and what
it gave, measured, stand beside each preset in docs/presets.md. Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class GANPreset(NamedTuple):
    """What `train_gan.py` needs to know besides the data. What is left out is what the first GANs did.

    Attributes:
        about: one line for `--help`.
        network: architecture of both networks, a name in `networks`.
        latent_dim: numbers per latent.
        loss: a name in `losses.LOSSES`.
        learning_rate: of both networks.
        batch_size: images per step of the discriminator; None for what suits their size (`options.suited_to`).
        generator_options: further arguments of the generator's builder in `networks`.
        discriminator_options: the same of the discriminator's.
        conditional: whether to learn the labels or attributes that the data have.
        clusters: kinds of images to find and learn where no labels are learned, 0 for none.
        penalties: names in `penalties.PENALTIES`.
        penalty_weight: of each penalty (γ of R1 and R2); None for what suits the images.
        penalty_final: share of the weight that is left at the end of the run, by cosine.
        optimizer: "adam" or "rmsprop".
        beta_1: of Adam.
        beta_2: of Adam.
        beta_2_start: where β2 begins, on its way to `beta_2` by cosine; None for constant.
        rate_schedule: a name in `schedules.RATES`.
        discriminator_steps: of each round.
        ema_decay: of the averaged generator, or None.
        pack_size: images that the discriminator judges together.
        augment: "none", "diffaugment", "ada", or "auto": by the number of images.
    """

    about: str
    network: str
    latent_dim: int
    loss: str
    learning_rate: float
    batch_size: int | None
    generator_options: Mapping[str, Any] = NO_OPTIONS
    discriminator_options: Mapping[str, Any] = NO_OPTIONS
    conditional: bool = False
    clusters: int = 0
    penalties: tuple[str, ...] = ()
    penalty_weight: float | None = None
    penalty_final: float = 1.0
    optimizer: str = "adam"
    beta_1: float = 0.9
    beta_2: float = 0.999
    beta_2_start: float | None = None
    rate_schedule: str = "constant"
    discriminator_steps: int = 1
    ema_decay: float | None = None
    pack_size: int = 1
    augment: str = "none"


class AutoencoderPreset(NamedTuple):
    """What `train_ae.py` needs to know besides the data.

    Attributes:
        about: one line for `--help`.
        kind: a name in `autoencoders.KINDS`.
        network: architecture of both networks, a name in `networks`.
        latent_dim: numbers per code.
        loss: a name in `likelihoods.LIKELIHOODS`, or of a Keras loss.
        learning_rate: of Adam.
        batch_size: images per step.
        model_options: further arguments of that kind of autoencoder.
        conditional: whether to learn the labels or attributes that the data have.
    """

    about: str
    kind: str
    network: str
    latent_dim: int
    loss: str
    learning_rate: float
    batch_size: int
    model_options: Mapping[str, Any] = NO_OPTIONS
    conditional: bool = False


_ARTICLE = GANPreset(
    about="dense 100-256-512-1024-pixels against its mirror, BCE, Adam 2e-4: the introductory GAN, unstable",
    network="mlp",
    latent_dim=100,
    loss="non_saturating",
    learning_rate=2e-4,  # with Adam's default β1 = 0.9, the article's; it is known to lose modes (docs/stability.md)
    batch_size=128,
)

# Radford et al. (2015), section 4: https://arxiv.org/abs/1511.06434. Differs: half their channels, normal latents.
_DCGAN = GANPreset(
    about="convolutions with batch normalisation, Adam 2e-4 with β1 0.5 (Radford et al., 2015)",
    network="dcgan",
    latent_dim=100,
    loss="non_saturating",
    learning_rate=2e-4,
    batch_size=128,
    beta_1=0.5,
)

GANS = {
    # Found by a sweep over small images; see docs/experiments.md. Loss and penalties are R3GAN's (Huang et al., 2024,
    # https://arxiv.org/abs/2501.05441), whose γ falls to a tenth too. Differs from it: five times its rate, a small
    # plain network, a leaky clip at the end, 16 or 64 images a step in place of 256 and more. Rate, network and batch
    # are for runs of minutes, where the paper's take days.
    "fast": GANPreset(
        about="the default: small convolutions, relativistic loss, R1 + R2, averaged weights; learns labels, if any",
        network="conv",
        latent_dim=64,
        loss="relativistic",
        learning_rate=1e-3,
        batch_size=None,
        conditional=True,
        clusters=100,
        penalties=("r1", "r2"),
        penalty_final=0.1,
        beta_1=0.0,
        beta_2=0.99,
        rate_schedule="late",
        ema_decay=0.9999,  # reached after 70,000 rounds: until then a tenth of those so far counts half (gan.py)
        augment="auto",
    ),
    "article": _ARTICLE,
    "cgan-article": _ARTICLE._replace(
        about="the article's networks with labels: embedded for the generator, projected by the discriminator",
        conditional=True,
    ),
    "dcgan": _DCGAN,
    # Mao et al. (2017), https://arxiv.org/abs/1611.04076: b = c = 1, a = 0; networks, rate and batch are DCGAN's.
    "lsgan": _DCGAN._replace(
        about="DCGAN with least squares in place of cross-entropy (Mao et al., 2017)",
        loss="least_squares",
    ),
    # Arjovsky et al. (2017), algorithm 1: https://arxiv.org/abs/1701.07875
    "wgan": GANPreset(
        about="Wasserstein loss with clipped weights, RMSprop 5e-5, 5 critic steps (Arjovsky et al., 2017)",
        network="dcgan",
        latent_dim=100,
        loss="wasserstein",
        learning_rate=5e-5,
        batch_size=64,
        discriminator_options={"weight_clip": 0.01},
        optimizer="rmsprop",
        discriminator_steps=5,
    ),
    # Gulrajani et al. (2017): https://arxiv.org/abs/1704.00028. Rate and decay are those of their CIFAR-10 networks;
    # the networks are DCGAN's, without batch normalisation in the critic.
    "wgan-gp": GANPreset(
        about="Wasserstein loss with gradient penalty, 5 critic steps (Gulrajani et al., 2017)",
        network="dcgan",
        latent_dim=100,
        loss="wasserstein",
        learning_rate=2e-4,
        batch_size=64,
        discriminator_options={"batch_normalization": False},
        penalties=("gradient_penalty",),
        penalty_weight=10.0,
        beta_1=0.0,
        beta_2=0.9,
        rate_schedule="linear",
        discriminator_steps=5,
    ),
    # Miyato et al. (2018), section 4: https://arxiv.org/abs/1802.05957. Loss, Adam, steps and decay are those of their
    # residual networks; the networks here are DCGAN's.
    "hinge-sn": GANPreset(
        about="hinge loss, spectral normalisation, 5 discriminator steps (Miyato et al., 2018)",
        network="dcgan",
        latent_dim=100,
        loss="hinge",
        learning_rate=2e-4,
        batch_size=64,
        discriminator_options={"spectral_normalization": True, "batch_normalization": False},
        beta_1=0.0,
        beta_2=0.9,
        rate_schedule="linear",
        discriminator_steps=5,
    ),
    # Huang et al. (2024): https://arxiv.org/abs/2501.05441. Differs: γ follows the variance of the images by our rule
    # (`penalties.gamma`; the paper has 0.05 for CIFAR-10 and 2 for faces of 64 pixels), the schedules span the whole
    # run, and tanh ends the generator.
    "resnet": GANPreset(
        about="R3GAN's residual networks, for a GPU and hours (Huang et al., 2024)",
        network="resnet",
        latent_dim=64,
        loss="relativistic",
        learning_rate=2e-4,
        batch_size=256,
        conditional=True,
        penalties=("r1", "r2"),
        penalty_final=0.1,
        beta_1=0.0,
        beta_2=0.99,
        beta_2_start=0.9,
        rate_schedule="cosine",
        ema_decay=0.999,
        augment="auto",
    ),
}

_ARTICLE_AE = AutoencoderPreset(
    about="dense encoder, code of 32 numbers, dense decoder, mean squared error, Adam 1e-3",
    kind="plain",
    network="mlp",
    latent_dim=32,
    loss="mse",
    learning_rate=1e-3,
    batch_size=128,
)

# Kingma and Welling (2014), https://arxiv.org/abs/1312.6114, with the variance of Rybkin et al. (2021),
# https://arxiv.org/abs/2006.13202, which leaves nothing to tune. Differs: the article's networks.
_VAE = _ARTICLE_AE._replace(
    about="codes are drawn from a distribution for each image, all of them standard normal (Kingma and Welling, 2014)",
    kind="vae",
    loss="gaussian",
    model_options={"warm_up": 0.1},
)

AUTOENCODERS = {
    "article": _ARTICLE_AE,
    # Vincent et al. (2008), https://doi.org/10.1145/1390156.1390294, who take away a quarter of the pixels.
    "denoising": _ARTICLE_AE._replace(
        about="learns to mend images in which a quarter of the pixels is missing (Vincent et al., 2008)",
        kind="denoising",
        model_options={"noise": "masking", "amount": 0.25},
    ),
    "vae": _VAE,
    # Higgins et al. (2017), https://openreview.net/forum?id=Sy2fzU9gl, who take 4 and more.
    "beta-vae": _VAE._replace(
        about="the VAE whose code numbers shall be independent of each other, β 4 (Higgins et al., 2017)",
        model_options={"beta": 4.0, "warm_up": 0.1},
    ),
    # Sohn et al. (2015), https://papers.nips.cc/paper/5775. Differs: only the decoder sees the conditions.
    "cvae": _VAE._replace(
        about="the VAE that can be asked for a class or attributes (Sohn et al., 2015)",
        conditional=True,
    ),
    # Ghosh et al. (2020), https://arxiv.org/abs/1903.12436: RAE-L2.
    "rae": _ARTICLE_AE._replace(
        about="small codes and a smooth decoder in place of the VAE's noise (Ghosh et al., 2020)",
        kind="rae",
    ),
    # Tolstikhin et al. (2018), https://arxiv.org/abs/1711.01558: WAE-MMD.
    "wae": _ARTICLE_AE._replace(
        about="the codes of a batch shall look standard normal, each one is free (Tolstikhin et al., 2018)",
        kind="wae",
    ),
    # van den Oord et al. (2017), https://arxiv.org/abs/1711.00937. Differs: the tokens of dense networks are no map.
    "vqvae": _ARTICLE_AE._replace(
        about="codes of 16 tokens from an alphabet of 256, drawn one after the other (van den Oord et al., 2017)",
        kind="vqvae",
        latent_dim=128,
    ),
}
