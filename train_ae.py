"""Trains an autoencoder on your images, watches it, and exports it for TF Serving.

Examples:
  python train_ae.py                                         the article's autoencoder on real digits, 3 minutes
  python train_ae.py vae --data my_folder/ --image-size 32 --minutes 10
  python train_ae.py cvae --network conv --data my_folder/ --minutes 10
  python train_ae.py --resume                                continues the latest run that was interrupted
  KERAS_BACKEND=jax python train_ae.py article --epochs 20
"""

from keras_gen.cli import training

# The steps are in keras_gen/runs/autoencoder.py. Where keras_gen is installed, `keras-gen train autoencoder` runs the
# same ones.
if __name__ == "__main__":
    training.main("autoencoder", __doc__)
