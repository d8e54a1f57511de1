"""Training as a PyTorch user writes it: the same networks, losses and optimizers as the presets of keras_gen.

`GAMES` has a function for each case of `benchmarks.speed` that returns a trainer; `tests/test_benchmarks.py` checks
that it trains as many weights as the preset does.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F


class Trainer:
    """What all trainers share: the batch on its device, precision, and optional CUDA graphs.

    Args:
        device: "cpu" or "cuda".
        bfloat16: whether networks compute under autocast.
    """

    def __init__(self, device: str, bfloat16: bool):
        self.device = device
        # Without its cache of cast weights, which would go stale: a step updates weights several times.
        precision = torch.autocast(device, torch.bfloat16, cache_enabled=False)
        self._autocast = precision if bfloat16 else contextlib.nullcontext()
        self._graph: torch.cuda.CUDAGraph | None = None

    def adam(self, network: nn.Module, rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
        """Adam in its fastest form: one kernel for all weights."""
        return torch.optim.Adam(network.parameters(), rate, betas, capturable=self.device == "cuda", fused=True)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """One step on uint8 images (b, channels, height, width) and int64 labels (b,)."""
        with self._autocast:
            self._step(images.to(self.device).float() / 127.5 - 1, labels.to(self.device))

    def compile(self) -> None:
        """Compiles the networks with `torch.compile`."""
        for name, child in list(vars(self).items()):
            if isinstance(child, nn.Module):
                setattr(self, name, torch.compile(child))

    def capture(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Records a step as a CUDA graph, which all later steps replay: what a patient expert would do."""
        self._seen = images.to(self.device), labels.to(self.device)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # allocations and optimizer states first
                self.step(*self._seen)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self.step(*self._seen)

    def replay(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """A step of the recorded graph."""
        for own, given in zip(self._seen, (images, labels), strict=True):
            own.copy_(given, non_blocking=True)
        assert self._graph is not None
        self._graph.replay()

    def _step(self, images, labels):
        raise NotImplementedError

    @staticmethod
    def minimize(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        """One step of an optimizer."""
        optimizer.zero_grad(set_to_none=True)
        # Only for its own weights: in the generator's step a plain backward() takes those of the discriminator too.
        loss.backward(inputs=[weight for group in optimizer.param_groups for weight in group["params"]])
        optimizer.step()


class Adversarial(Trainer):
    """The game of generator and discriminator.

    Args:
        generator: latents (and one-hot labels) → images.
        discriminator: images (and one-hot labels) → logits.
        objectives: functions of (critic, real images, fakes): the discriminator's loss and the generator's.
        rate: of both Adams.
        betas: of both Adams.
        latent_dim: dimensions of the latents.
        steps: discriminator steps for each generator step, on parts of the batch.
        ema_decay: of an averaged generator, or None.
        num_classes: where the networks take labels, else 0.
    """

    def __init__(
        self,
        generator,
        discriminator,
        objectives,
        *,
        rate=2e-4,
        betas=(0.9, 0.999),
        latent_dim=100,
        steps=1,
        ema_decay=None,
        num_classes=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator = generator.to(self.device)
        self.discriminator = discriminator.to(self.device)
        self.of_discriminator, self.of_generator = objectives
        self.optimizers = [self.adam(network, rate, betas) for network in (self.generator, self.discriminator)]
        self.latent_dim = latent_dim
        self.steps = steps
        self.ema_decay = ema_decay
        self.num_classes = num_classes
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if ema_decay else None

    def _step(self, images, labels):
        rows = F.one_hot(labels, self.num_classes).float() if self.num_classes else None
        size = len(images) // self.steps
        for start in range(0, size * self.steps, size):
            seen = slice(start, start + size)
            critic, fakes = self._play(rows if rows is None else rows[seen], size)
            self.minimize(self.of_discriminator(critic, images[seen], fakes.detach()), self.optimizers[1])
        critic, fakes = self._play(rows if rows is None else rows[:size], size)
        self.minimize(self.of_generator(critic, images[:size], fakes), self.optimizers[0])
        if self.average is not None:
            with torch.no_grad():
                for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                    mean.lerp_(value, 1 - self.ema_decay)

    def _play(self, rows, num):
        """The critic of these rows, which repeats them as often as the images need, and fakes."""
        latents = torch.randn(num, self.latent_dim, device=self.device)
        if rows is None:
            return self.discriminator, self.generator(latents)

        def critic(images):
            return self.discriminator(images, rows.repeat(len(images) // len(rows), 1))

        return critic, self.generator(latents, rows)


def cross_entropy(critic, real, fake):
    """The article's: real images and fakes in one batch, binary cross-entropy."""
    targets = torch.zeros(len(real) + len(fake), 1, device=real.device)
    targets[: len(real)] = 1
    return 2 * F.binary_cross_entropy_with_logits(critic(torch.cat([real, fake])).float(), targets)


def cross_entropy_apart(critic, real, fake):
    """The same with a pass for each, as batch normalisation needs it."""
    real_logits, fake_logits = critic(real).float(), critic(fake).float()
    return F.binary_cross_entropy_with_logits(
        real_logits, torch.ones_like(real_logits)
    ) + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def fooled(critic, real, fake):
    """The generator's side of cross-entropy."""
    logits = critic(fake).float()
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def wasserstein_with_penalty(critic, real, fake):
    """WGAN-GP's critic, λ = 10."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (real + share * (fake - real)).requires_grad_(True)
    slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    return critic(fake).float().mean() - critic(real).float().mean() + 10 * penalty


def wasserstein(critic, real, fake):
    """The generator's side of it."""
    return -critic(fake).float().mean()


def relativistic_with_penalties(critic, real, fake):
    """R3GAN's discriminator: logits and both slopes from one pass over real images and fakes, γ = 0.2."""
    images = torch.cat([real, fake]).requires_grad_(True)
    logits = critic(images).float()
    slopes = torch.autograd.grad(logits.sum(), images, create_graph=True)[0]
    penalty = slopes.flatten(1).square().sum(dim=1).mean()  # the mean over 2b is half the sum of both means
    real_logits, fake_logits = logits.chunk(2)
    return F.softplus(fake_logits - real_logits).mean() + 0.2 * penalty


def relativistic(critic, real, fake):
    """R3GAN's generator: only the fakes' pass needs a gradient."""
    with torch.no_grad():
        real_logits = critic(real).float()
    return F.softplus(real_logits - critic(fake).float()).mean()


def dense(sizes, activation, *end):
    """Dense layers, with what `activation` makes after each but the last, and then `end`."""
    hidden = [layer for ins, outs in itertools.pairwise(sizes[:-1]) for layer in (nn.Linear(ins, outs), *activation())]
    return [*hidden, nn.Linear(sizes[-2], sizes[-1]), *end]


def article(image_shape, **kwargs) -> Adversarial:
    """100-256-512-1024-pixels and back, dropout 0.3, Adam 2e-4."""
    channels, height, width = image_shape
    pixels = channels * height * width
    generator = nn.Sequential(
        *dense((100, 256, 512, 1024, pixels), lambda: [nn.ReLU()], nn.Tanh(), nn.Unflatten(1, image_shape))
    )
    discriminator = nn.Sequential(
        nn.Flatten(), *dense((pixels, 1024, 512, 256, 1), lambda: [nn.LeakyReLU(0.2), nn.Dropout(0.3)])
    )
    return Adversarial(generator, discriminator, (cross_entropy, fooled), **kwargs)


def _dcgan_networks(image_shape, normalised_critic):
    channels, height, width = image_shape
    halvings = int(math.log2(min(height, width) / 4))
    start = height // 2**halvings, width // 2**halvings
    widths = [64 * min(8, 2 ** max(0, level - 1)) for level in range(1, halvings + 1)]
    generator: list[nn.Module] = [
        nn.Linear(100, widths[-1] * start[0] * start[1], bias=False),
        nn.Unflatten(1, (widths[-1], *start)),
        nn.BatchNorm2d(widths[-1]),
        nn.ReLU(),
    ]
    for ins, outs in zip(widths[::-1], widths[-2::-1], strict=False):
        generator += [nn.ConvTranspose2d(ins, outs, 4, 2, 1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()]
    generator += [nn.ConvTranspose2d(widths[0], channels, 4, 2, 1), nn.Tanh()]
    discriminator: list[nn.Module] = []
    for level, (ins, outs) in enumerate(zip((channels, *widths), widths, strict=False)):
        normalised = normalised_critic and level > 0
        discriminator += [nn.Conv2d(ins, outs, 4, 2, 1, bias=not normalised)]
        discriminator += [nn.BatchNorm2d(outs)] if normalised else []
        discriminator += [nn.LeakyReLU(0.2)]
    discriminator += [nn.Flatten(), nn.Linear(widths[-1] * start[0] * start[1], 1)]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


def dcgan(image_shape, **kwargs) -> Adversarial:
    """Radford et al. (2015) with half their channels."""
    return Adversarial(*_dcgan_networks(image_shape, True), (cross_entropy_apart, fooled), betas=(0.5, 0.999), **kwargs)


def wgan_gp(image_shape, **kwargs) -> Adversarial:
    """Gulrajani et al. (2017): five critic steps."""
    networks = _dcgan_networks(image_shape, False)
    return Adversarial(*networks, (wasserstein_with_penalty, wasserstein), betas=(0.0, 0.9), steps=5, **kwargs)


class FastGenerator(nn.Module):
    """The conditional generator of the preset `fast` for 28×28: 7 → 14 → 28."""

    def __init__(self, channels, num_classes):
        super().__init__()
        self.embedding = nn.Linear(num_classes, 64, bias=False)
        self.coarse = nn.Sequential(
            nn.Linear(128, 64 * 7 * 7),
            nn.Unflatten(1, (64, 7, 7)),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.fine = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.coarse_image = nn.Conv2d(64, channels, 1)
        self.fine_image = nn.Conv2d(32, channels, 1)
        self.detail = nn.ConvTranspose2d(32, channels, 4, 2, 1)

    def forward(self, latents, rows):
        doubled = functools.partial(F.interpolate, scale_factor=2, mode="bilinear")
        coarse = self.coarse(torch.cat([latents, self.embedding(rows)], dim=1))
        fine = self.fine(coarse)
        image = doubled(self.coarse_image(coarse)) + self.fine_image(fine)
        values = (doubled(image) + self.detail(fine)).float()
        inside = values.clamp(-1, 1)
        return inside + 0.02 * (values - inside)


class FastDiscriminator(nn.Module):
    """The projection discriminator of the preset `fast` for 28×28: 28 → 14 → 7 → 4."""

    def __init__(self, channels, num_classes):
        super().__init__()
        convolutions: list[nn.Module] = []
        for ins, outs in ((channels, 32), (32, 64), (64, 128)):
            convolutions += [nn.Conv2d(ins, outs, 3, 2, 1), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(128 * 4 * 4, 64), nn.LeakyReLU(0.2))
        self.logits = nn.Linear(64, 1)
        self.directions = nn.Linear(num_classes, 64, bias=False)

    def forward(self, images, rows):
        features = self.features(images)
        return self.logits(features) + (self.directions(rows) * features).sum(dim=1, keepdim=True)


def fast(image_shape, **kwargs) -> Adversarial:
    """The default of keras_gen on digits with labels."""
    networks = FastGenerator(image_shape[0], 10), FastDiscriminator(image_shape[0], 10)
    objectives = relativistic_with_penalties, relativistic
    return Adversarial(
        *networks,
        objectives,
        rate=1e-3,
        betas=(0.0, 0.99),
        latent_dim=64,
        ema_decay=0.998,  # constant, since it is for timing
        num_classes=10,
        **kwargs,
    )


class VariationalAutoencoder(Trainer):
    """A convolutional VAE with codes of 32 dimensions and one variance for all pixels, Adam 1e-3."""

    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        channels, *_ = image_shape
        self.encoder = nn.Sequential(
            *(
                layer
                for ins, outs in ((channels, 16), (16, 32), (32, 64))
                for layer in (nn.Conv2d(ins, outs, 3, 2, 1), nn.ReLU())
            ),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 64),
        ).to(self.device)
        self.decoder = nn.Sequential(
            nn.Linear(32, 64 * 4 * 4),
            nn.ReLU(),
            nn.Unflatten(1, (64, 4, 4)),
            nn.Upsample(size=(7, 7)),  # 8 and cut, in keras_gen
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, channels, 3, padding=1),
        ).to(self.device)
        self.optimizer = self.adam(nn.ModuleList([self.encoder, self.decoder]), 1e-3, (0.9, 0.999))

    def _step(self, images, labels):
        mean, log_variance = self.encoder(images).float().chunk(2, dim=1)
        codes = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        squares = (images - self.decoder(codes).float()).square().flatten(1)
        variance = squares.mean().detach()
        likelihood = squares.shape[1] / 2 * torch.log(2 * math.pi * variance) + squares.sum(dim=1) / (2 * variance)
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1) / 2
        self.minimize((likelihood + divergence).mean(), self.optimizer)


GAMES = {
    "article": article,
    "dcgan-28": dcgan,
    "dcgan-32": dcgan,
    "wgan-gp": wgan_gp,
    "fast": fast,
    "vae": VariationalAutoencoder,
}
