"""A few measures of quality while a model trains, cheap enough to repeat often."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from keras_gen.callbacks import Resumable
from keras_gen.data import Split
from keras_gen.evaluation.distances import frechet_distance, neighbourhoods, spread
from keras_gen.features import FeatureNet
from keras_gen.inputs.conditions import columns_of

NUM_EAGER_TURNS = 3  # turns that are taken as soon as they fit into the share
WINDOW_TURNS = 9  # the last turns, whose median says how long one takes
NUM_ANSWERS = 4  # to one picture, that are averaged


class Monitor(Resumable):
    """Adds numbers about fixed samples to the logs, where stock callbacks find them; a subclass measures them.

    Place it before the callbacks that read the logs, such as `ModelCheckpoint(monitor="frechet", mode="min")`,
    `EarlyStopping`, `MetricsCSV` and `TensorBoardScalars`. The numbers come from few images and are not a score.

    It takes a turn after the first epoch and at the end. After any other epoch it takes one if a turn of the usual
    length (and, from the fourth on, the final one too) stays within its share of the time. In between it repeats the
    last numbers, so that every epoch has some: a patience must be longer than that.

    Args:
        split: real images to compare with: none of the test split, which must not decide when to stop or what to keep.
        num: images on each side, no more than the split has.
        share: of the training time that it may take, in (0, 1].
        seed: of the latents and of the choice of real images.

    Attributes:
        distance: the number that is smaller for a better model.
        collapsed_above: times its least value, from which the model counts as collapsed.
        seconds: time spent since training began.
        seconds_of_training: time since then, which includes it.
        measurements: turns taken in this process.
    """

    distance: str
    collapsed_above: float

    def __init__(self, split: Split, num: int = 1_000, share: float = 0.05, seed: int = 0):
        super().__init__()
        if not 0 < share <= 1:
            raise ValueError(f"expected a share of the time in (0, 1], received {share}")
        self.split = split.some(num, seed)
        self._is_ready = False
        self.seconds = self.seconds_of_training = 0.0
        self.num = len(self.split)
        self._turns = 0  # since training began
        self.share = share
        self.seed = seed
        self._numbers: dict[str, float] = {}
        self.measurements = 0
        self._took: list[float] = []  # the last turns

    def begin(self, state):
        self._given = self._known()
        self._turns = state.get("turns", 0)
        self.seconds = state.get("seconds", 0.0)
        self.seconds_of_training = state.get("seconds_of_training", 0.0)
        self._started_at = time.monotonic() - self.seconds_of_training
        self._numbers = state.get("numbers", {})
        if self._is_ready and not self._numbers:  # a run that has gone back to a better state
            self._numbers = self._measure()

    def state(self):
        seconds_of_training = time.monotonic() - self._started_at
        times = {"seconds": self.seconds, "seconds_of_training": seconds_of_training, "turns": self._turns}
        return {"numbers": self._numbers, **times}

    def on_epoch_end(self, epoch, logs=None):
        is_first = not self._is_ready
        if is_first:
            if self.model.stop_training:  # by a signal, a NaN, the clock: nothing is worth waiting for
                return
            started_at = time.monotonic()
            self._is_ready = self.prepare()
            self._started_at += time.monotonic() - started_at  # this is no time of training
        if not self._is_ready:
            return
        self.seconds_of_training = time.monotonic() - self._started_at
        if is_first or not self._turns or self._has_time():
            self._take_turn()
        if logs is not None:
            logs.update(self._numbers)

    def on_train_end(self, logs=None):
        self.seconds_of_training = time.monotonic() - self._started_at
        if not self._is_ready:
            return
        self._take_turn()  # the final state may be the best
        if logs is not None:
            logs.update(self._numbers)

    def prepare(self) -> bool:
        """Measures once to compile and once more to learn how long that takes, after the first epoch.

        Returns:
            Whether anything can be measured. Where a subclass says no, it is asked again after the next epoch.
        """
        self._measure()
        compiled_at = time.monotonic()
        self._measure()
        self._took = [time.monotonic() - compiled_at]
        return True

    def _has_time(self):
        # By the median time: one turn while the machine was busy with something else must not be the last. From the
        # fourth on there must be room for the final one too: a collapse takes three turns to detect, and soon.
        turns = self._turns + 1 + (self._turns >= NUM_EAGER_TURNS)
        return statistics.median_low(self._took) * turns <= self.share * self.seconds_of_training

    def _take_turn(self):
        started_at = time.monotonic()
        self._numbers = self._measure()
        self.measurements += 1
        self._turns += 1
        self._took = [*self._took, time.monotonic() - started_at][-WINDOW_TURNS:]
        self.seconds += self._took[-1]

    def _known(self) -> dict[str, np.ndarray]:
        """What is given to the model with each latent, the same each time."""
        return self.model.given_of(self.split)

    def _measure(self) -> dict[str, float]:
        """The numbers of the model as it is."""
        raise NotImplementedError


class QualityMonitor(Monitor):
    """Adds `frechet`, `coverage` and `diversity` of fixed samples to the logs.

    Args:
        split: as of `Monitor`, such as the training images.
        net: a feature net of the same data, or a function without arguments that makes one: it is called at the end of
            the first epoch, so that training does not wait for it.
        **how: as of `Monitor`.

    Logs `frechet`, see `frechet_distance` (smaller is better), `coverage`, see `neighbourhoods` (greater is better),
    and `diversity`, the mean distance of two images' features as a share of that between real ones.

    Example:
        monitor = QualityMonitor(data.train, FeatureNet.of(data))
        stop = keras.callbacks.EarlyStopping("frechet", mode="min", patience=10)
        gan.fit(batches, epochs=100, callbacks=[monitor, stop])
    """

    distance = "frechet"
    collapsed_above = 4.0  # it is a squared distance
    net: FeatureNet  # from the end of the first epoch on, as `real_features`

    def __init__(self, split: Split, net: FeatureNet | Callable[[], FeatureNet], **how):
        super().__init__(split, **how)
        self._make_net = net if callable(net) else lambda: net

    def prepare(self):
        self.net = self._make_net()
        self.real_features = self.net.extract(self.split.images[:]).features
        return super().prepare()

    def _measure(self):
        fakes = self.net.extract(self.model.sample(self.num, self.seed, given=self._given)).features
        distances = neighbourhoods(self.real_features, fakes)
        return {
            "frechet": frechet_distance(self.real_features, fakes),
            "coverage": distances["coverage"],
            "diversity": spread(fakes) / max(spread(self.real_features), 1e-9),
        }


class PairMonitor(Monitor):
    """Adds `mean_l1` to the logs: how far what a model makes of pictures is from the images that belong to them.

    On images that it does not learn from it shows when a model begins to learn the others by heart. Where a picture
    leaves something open, several answers are averaged: each of them alone has a larger error, as it should.

    Args:
        split: as of `Monitor`: images that are held out from training, with their pictures. For a model that repairs
            these are made from the images, each time the same ones with the same holes.
        **how: as of `Monitor`.

    Logs `mean_l1`, the mean absolute difference in bytes.

    Example:
        learned, held_out = data.train.hold_out(0.1)
        batches = Batches(learned, 16, columns=translator.columns_of(learned))
        translator.fit(batches, epochs=100, callbacks=[PairMonitor(held_out), KeepBest("mean_l1")])
    """

    distance = "mean_l1"
    collapsed_above = 2.0

    def _known(self):
        conditions = self.model.conditions  # clusters are known of the images that are learned from alone
        is_known = conditions is None or set(conditions.names) <= set(columns_of(self.split))
        known = self.model.given_of(self.split, drawn_too=is_known)
        rows = zip(self.model.inputs, self.model.draw(self.num, self.seed, given=known), strict=True)
        return {each.name: row for each, row in rows if each is not self.model.latent_input}

    def _measure(self):
        num = 1 if self.model.latent_input is None else NUM_ANSWERS
        total = np.zeros(self.split.images.shape, np.uint16)  # one answer at a time: together they are large
        for turn in range(num):
            total += self.model.sample(self.num, self.seed + turn, given=self._given)
        return {"mean_l1": float(np.abs(total / num - self.split.images[:]).mean())}
