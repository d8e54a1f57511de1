"""Named configurations: methods that have a name in the literature, as data.

A preset is a dict: one line for `--help` under "about", and values for some of the options of training
(`runs/options.py`), all of which the user can still change. What it leaves out has the option's default.
docs/presets.md has the command and the measured results of each preset.
"""

from __future__ import annotations

from typing import Any

Preset = dict[str, Any]

_ARTICLE: Preset = {
    "about": "dense 100-256-512-1024-pixels against its mirror image, BCE, Adam 2e-4: the introductory GAN, unstable",
    "network": "mlp",
    "latent_dim": 100,
    "loss": "non_saturating",
    "learning_rate": 2e-4,  # with Adam's default β1 = 0.9, the article's; it is known to lose modes (docs/stability.md)
    "batch_size": 128,
}

# Radford et al. (2015), section 4: https://arxiv.org/abs/1511.06434. Differs: half their channels, normal latents.
_DCGAN: Preset = {
    "about": "convolutions with batch normalisation, Adam 2e-4 with β1 0.5 (Radford et al., 2015)",
    "network": "dcgan",
    "latent_dim": 100,
    "loss": "non_saturating",
    "learning_rate": 2e-4,
    "batch_size": 128,
    "beta_1": 0.5,
}

# Found by a sweep over small images; see docs/experiments.md. Loss and penalties are R3GAN's (Huang et al., 2024,
# https://arxiv.org/abs/2501.05441), whose γ falls to a tenth too. Differs from it: five times its rate, a small
# plain network, a leaky clip at the end, 16 or 64 images per step in place of 256 and more. Rate, network and batch
# are for runs of minutes, where the paper's take days.
_FAST: Preset = {
    "about": "the default: small convolutions, relativistic loss, R1 + R2, averaged weights; learns labels, if any",
    "network": "conv",
    "latent_dim": 64,
    "loss": "relativistic",
    "learning_rate": 1e-3,
    "batch_size": None,  # what suits the images, see `GANOptions.suited_to`
    "conditional": True,
    "clusters": 100,
    "penalties": ("r1", "r2"),
    "penalty_final": 0.1,
    "beta_1": 0.0,
    "beta_2": 0.99,
    "rate_schedule": "late",
    "ema_decay": 0.9999,  # reached after 70,000 rounds: until then a tenth of those so far counts half (gan.py)
    "augment": "auto",
}

# The game of `fast`, with a U-Net and a term that compares with the original (Bendel et al., 2023).
_REPAIR: Preset = {
    **_FAST,
    "batch_size": 32,
    "clusters": 0,
    "conditional": False,
    "term_weight": 100.0,
    "width": 24,
}

GANS: dict[str, Preset] = {
    "fast": _FAST,
    "article": _ARTICLE,
    "cgan-article": {
        **_ARTICLE,
        "about": "the article's networks with labels: embedded for the generator, projected by the discriminator",
        "conditional": True,
    },
    "dcgan": _DCGAN,
    # Mao et al. (2017), https://arxiv.org/abs/1611.04076: b = c = 1, a = 0; networks, rate and batch are DCGAN's.
    "lsgan": {
        **_DCGAN,
        "about": "DCGAN with least squares in place of cross-entropy (Mao et al., 2017)",
        "loss": "least_squares",
    },
    # Arjovsky et al. (2017), algorithm 1: https://arxiv.org/abs/1701.07875
    "wgan": {
        "about": "Wasserstein loss with clipped weights, RMSprop 5e-5, 5 critic steps (Arjovsky et al., 2017)",
        "network": "dcgan",
        "latent_dim": 100,
        "loss": "wasserstein",
        "learning_rate": 5e-5,
        "batch_size": 64,
        "weight_clip": 0.01,
        "optimizer": "rmsprop",
        "discriminator_steps": 5,
    },
    # Gulrajani et al. (2017): https://arxiv.org/abs/1704.00028. Rate and decay are those of their CIFAR-10 networks;
    # the networks are DCGAN's, without batch normalisation in the critic.
    "wgan-gp": {
        "about": "Wasserstein loss with gradient penalty, 5 critic steps (Gulrajani et al., 2017)",
        "network": "dcgan",
        "latent_dim": 100,
        "loss": "wasserstein",
        "learning_rate": 2e-4,
        "batch_size": 64,
        "batch_normalization": False,
        "penalties": ("gradient_penalty",),
        "penalty_weight": 10.0,
        "beta_1": 0.0,
        "beta_2": 0.9,
        "rate_schedule": "linear",
        "discriminator_steps": 5,
    },
    # Miyato et al. (2018), section 4: https://arxiv.org/abs/1802.05957. Loss, Adam, steps and decay are those of their
    # residual networks; the networks here are DCGAN's.
    "hinge-sn": {
        "about": "hinge loss, spectral normalisation, 5 discriminator steps (Miyato et al., 2018)",
        "network": "dcgan",
        "latent_dim": 100,
        "loss": "hinge",
        "learning_rate": 2e-4,
        "batch_size": 64,
        "spectral_normalization": True,
        "batch_normalization": False,
        "beta_1": 0.0,
        "beta_2": 0.9,
        "rate_schedule": "linear",
        "discriminator_steps": 5,
    },
    # Huang et al. (2024): https://arxiv.org/abs/2501.05441. Differs: γ follows the variance of the images by our rule
    # (`penalties.gamma`; the paper has 0.05 for CIFAR-10 and 2 for faces of 64 pixels), the schedules span the whole
    # run, and tanh ends the generator.
    "resnet": {
        "about": "R3GAN's residual networks, for a GPU and hours (Huang et al., 2024)",
        "network": "resnet",
        "latent_dim": 64,
        "loss": "relativistic",
        "learning_rate": 2e-4,
        "batch_size": 256,
        "conditional": True,
        "penalties": ("r1", "r2"),
        "penalty_final": 0.1,
        "beta_1": 0.0,
        "beta_2": 0.99,
        "beta_2_start": 0.9,
        "rate_schedule": "cosine",
        "ema_decay": 0.999,
        "augment": "auto",
    },
    "inpaint": {
        **_REPAIR,
        "about": "fills holes, in several ways; learned from whole images and masks that are drawn",
        "task": "inpaint",
        "corruption": "identity",
    },
    "colorize": {
        **_REPAIR,
        "about": "colours grey pictures, in several ways; learned from images with colours",
        "task": "colorize",
        "corruption": "grey",
    },
    "upscale": {
        **_REPAIR,
        "about": "makes small pictures larger, twice or by --amount; learned from large images",
        "task": "upscale",
        "corruption": "shrink",
        "amount": 2.0,
    },
    "restore": {
        **_REPAIR,
        "about": "removes scratches, noise, JPEG artefacts and faded colours; learned from clean images",
        "task": "restore",
        "corruption": "wear",
    },
    # Isola et al. (2017): https://arxiv.org/abs/1611.07004, with its L1 of weight 100. Differs: the game of `fast`.
    "pix2pix": {
        **_REPAIR,
        "about": "turns one kind of picture into another, learned from pairs: --data A/ --to B/, same names",
        "translation": "paired",
        "term": "l1",
    },
    # Park et al. (2020): https://arxiv.org/abs/2007.15651. Differs: the game of `fast`, networks without normalisation.
    "translate": {
        **_FAST,
        "about": "turns one kind of picture into another, learned without pairs (Park et al., 2020): --data A/ --to B/",
        "translation": "contrastive",
        "batch_size": 8,
        "clusters": 0,
        "conditional": False,
        "width": 24,
    },
    # Zhu et al. (2017), section 4: https://arxiv.org/abs/1703.10593. Differs: batches of 8 in place of 1.
    "cyclegan": {
        "about": "the same in both directions, by two generators that undo each other (Zhu et al., 2017)",
        "translation": "cycle",
        "network": "conv",
        "loss": "least_squares",
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        "batch_size": 8,
        "rate_schedule": "linear",
        "width": 24,
    },
}

_ARTICLE_AE: Preset = {
    "about": "dense encoder, codes of 32 dimensions, dense decoder, mean squared error, Adam 1e-3",
    "kind": "plain",
    "network": "mlp",
    "latent_dim": 32,
    "loss": "mse",
    "learning_rate": 1e-3,
    "batch_size": 128,
}

# Kingma and Welling (2014), https://arxiv.org/abs/1312.6114, with the variance of Rybkin et al. (2021),
# https://arxiv.org/abs/2006.13202, which leaves nothing to tune. Differs: the article's networks.
_VAE: Preset = {
    **_ARTICLE_AE,
    "about": "codes are drawn from a distribution for each image, and all together should be standard normal "
    "(Kingma and Welling, 2014)",
    "kind": "vae",
    "loss": "gaussian",
    "warm_up": 0.1,
}

AUTOENCODERS: dict[str, Preset] = {
    "article": _ARTICLE_AE,
    # Vincent et al. (2008), https://doi.org/10.1145/1390156.1390294, who remove a quarter of the pixels.
    "denoising": {
        **_ARTICLE_AE,
        "about": "learns to repair images in which a quarter of the pixels are missing (Vincent et al., 2008)",
        "kind": "denoising",
        "noise": "masking",
        "amount": 0.25,
    },
    "vae": _VAE,
    # Higgins et al. (2017), https://openreview.net/forum?id=Sy2fzU9gl, who use 4 and more.
    "beta-vae": {
        **_VAE,
        "about": "the VAE with code dimensions that should be independent of each other, β 4 (Higgins et al., 2017)",
        "beta": 4.0,
    },
    # Sohn et al. (2015), https://papers.nips.cc/paper/5775. Differs: only the decoder sees the conditions.
    "cvae": {
        **_VAE,
        "about": "the VAE that can be asked for a class or attributes (Sohn et al., 2015)",
        "conditional": True,
    },
    # Ghosh et al. (2020), https://arxiv.org/abs/1903.12436: RAE-L2.
    "rae": {
        **_ARTICLE_AE,
        "about": "small codes and a smooth decoder in place of the VAE's noise (Ghosh et al., 2020)",
        "kind": "rae",
    },
    # Tolstikhin et al. (2018), https://arxiv.org/abs/1711.01558: WAE-MMD.
    "wae": {
        **_ARTICLE_AE,
        "about": "the codes of a batch should be standard normal, each code is free (Tolstikhin et al., 2018)",
        "kind": "wae",
    },
    # van den Oord et al. (2017), https://arxiv.org/abs/1711.00937. Differs: tokens of dense networks are not a map.
    "vqvae": {
        **_ARTICLE_AE,
        "about": "codes of 16 tokens from an alphabet of 256, drawn one after another (van den Oord et al., 2017)",
        "kind": "vqvae",
        "latent_dim": 128,
    },
}

STYLIZERS: dict[str, Preset] = {
    # Patches as in Elnekave and Weiss (2022), https://arxiv.org/abs/2203.11862, slices as in Heitz et al. (2021),
    # https://arxiv.org/abs/2006.07229; one network for all styles and strengths; docs/style.md has the numbers.
    "stylize": {
        "about": "repaints photographs like one of your paintings, as much as it is asked to; several styles in one",
        "network": "modulated",
        "batch_size": 4,
    },
}
