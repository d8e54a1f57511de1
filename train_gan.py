"""Trains a GAN on your images, watches it, and exports a generator that TF Serving can load.

Examples:
  python train_gan.py                                        real digits, by class, in 3 minutes
  python train_gan.py --data my_folder/ --image-size 32 --minutes 10
  python train_gan.py wgan-gp --data my_folder/ --minutes 60
  python train_gan.py wgan-gp --data characters.npz --condition species "hair colour"
  python train_gan.py stylize --data photos/ --style painting.jpg --minutes 10
  python train_gan.py stylize --help                         the options of this preset, which is no GAN
  python train_gan.py --resume                               continues the latest run that was interrupted
  KERAS_BACKEND=jax python train_gan.py --epochs 20
"""

import sys

from keras_gen.cli import training
from keras_gen.presets import STYLIZERS

# The steps are in keras_gen/runs/gan.py. Where keras_gen is installed, `keras-gen train gan` runs the same ones.
if __name__ == "__main__":
    # Paintings are learned without a discriminator, so a stylizer has its own options and its own --help.
    if sys.argv[1:2] == ["stylize"]:
        stylizer = training.STYLIZER_HELP.replace("keras-gen train stylizer", "python train_gan.py stylize")
        training.main("stylizer", stylizer)
    else:
        training.main("gan", __doc__, STYLIZERS)
