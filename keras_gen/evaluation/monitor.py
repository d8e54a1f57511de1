"""A few numbers of quality while a model learns, cheap enough to take again and again."""

from __future__ import annotations

import statistics
import time

from keras_gen.callbacks import Resumable
from keras_gen.data import Split
from keras_gen.evaluation.distances import frechet_distance, neighbourhoods, spread
from keras_gen.features import FeatureNet

NUM_EAGER_TURNS = 3  # turns that are taken as soon as they fit into the share
WINDOW_TURNS = 9  # turns by which it is known how long one takes


class QualityMonitor(Resumable):
    """Adds `frechet`, `coverage` and `diversity` of fixed samples to the logs, where stock callbacks find them.

    Place it before those that read the logs, such as `ModelCheckpoint(monitor="frechet", mode="min")`,
    `EarlyStopping`, `MetricsCSV` and `TensorBoardScalars`. Real images are drawn from the training split: what stops or
    chooses a model must not be the test split. The numbers are those of few images, and no score.

    It takes its turn after the first epoch, at the end, and after another epoch if, as long as a turn usually takes,
    this one (and, from the fourth on, that of the end) stays within its share of the time. In between the last numbers
    are repeated, so that they are there after each epoch: a patience must be longer than that.

    Args:
        split: the training images.
        net: a feature net of the same data.
        num: images on each side, no more than the split has.
        share: of the training time that may be spent, in (0, 1].
        seed: of the latents and of the choice of real images.

    Logs `frechet`, see `frechet_distance` (smaller is better), `coverage`, see `neighbourhoods` (greater is better),
    and `diversity`, the mean distance of two images' features as a share of that between real ones.

    Attributes:
        seconds: time spent since training began.
        seconds_of_training: time since then, which includes it.
        looks: turns that it has taken in this process.

    Example:
        monitor = QualityMonitor(data.train, FeatureNet.of(data))
        stop = keras.callbacks.EarlyStopping("frechet", mode="min", patience=10)
        gan.fit(batches, epochs=100, callbacks=[monitor, stop])
    """

    def __init__(self, split: Split, net: FeatureNet, num: int = 1_000, share: float = 0.05, seed: int = 0):
        super().__init__()
        if not 0 < share <= 1:
            raise ValueError(f"expected a share of the time in (0, 1], received {share}")
        self.split = split.some(num, seed)
        self.net = net
        self.seconds = self.seconds_of_training = 0.0
        self.num = len(self.split)
        self._turns = 0  # since training began
        self.share = share
        self.seed = seed
        self._numbers: dict[str, float] = {}
        self.looks = 0
        self._took: list[float] = []  # the last turns
        self.real_features = net.extract(self.split.images[:]).features

    def begin(self, state):
        self._given = self.model.given_of(self.split)
        self._look()  # compiles what it needs
        self._took.clear()
        self._look()  # now it is known how long a turn takes
        self._turns = state.get("turns", 0)
        self._numbers = state.get("numbers", self._numbers)
        self.seconds = state.get("seconds", 0.0)
        self.seconds_of_training = state.get("seconds_of_training", 0.0)
        self._started_at = time.monotonic() - self.seconds_of_training

    def state(self):
        seconds_of_training = time.monotonic() - self._started_at
        times = {"seconds": self.seconds, "seconds_of_training": seconds_of_training, "turns": self._turns}
        return {"numbers": self._numbers, **times}

    def on_epoch_end(self, epoch, logs=None):
        self.seconds_of_training = time.monotonic() - self._started_at
        # By the usual time: a turn in which the machine was busy with something else must not be the last one. From the
        # fourth on there must be room for that of the end too: a collapse takes three to be seen, and soon.
        turns = self._turns + 1 + (self._turns >= NUM_EAGER_TURNS)
        needed = statistics.median_low(self._took) * turns
        if not self._turns or needed <= self.share * self.seconds_of_training:
            self._look()
        if logs is not None:
            logs.update(self._numbers)

    def on_train_end(self, logs=None):
        self.seconds_of_training = time.monotonic() - self._started_at
        self._look()  # what came out in the end may be the best
        if logs is not None:
            logs.update(self._numbers)

    def _look(self):
        before = time.monotonic()
        fakes = self.net.extract(self.model.sample(self.num, self.seed, given=self._given)).features
        distances = neighbourhoods(self.real_features, fakes)
        self._numbers = {
            "frechet": frechet_distance(self.real_features, fakes),
            "coverage": distances["coverage"],
            "diversity": spread(fakes) / max(spread(self.real_features), 1e-9),
        }
        self.looks += 1
        self._turns += 1
        self._took = [*self._took, time.monotonic() - before][-WINDOW_TURNS:]
        self.seconds += self._took[-1]
