"""How close the reconstructions of an autoencoder are: arithmetic on pairs of images."""

from __future__ import annotations

import numpy as np

MIN_SSIM_SIDE = 11  # pixels, the width of its window


def reconstruction_errors(originals: np.ndarray, reconstructions: np.ndarray) -> dict[str, float]:
    """Compares images with their reconstructions, pixels taken in [0, 1].

    Args:
        originals: uint8 (n, height, width, channels).
        reconstructions: uint8, the same shape.

    Returns:
        Dict of `mse`, the mean squared error; `psnr`, `-10 · log₁₀(mse)` of each image, mean over the images, in dB;
        `ssim`, the structural similarity in Gaussian windows of σ 1.5 as in the paper, mean over the images; left out
        for images of fewer than 11 pixels per side.

    Raises:
        ValueError: for other types, or shapes that differ.

    Example:
        >>> black, grey = np.zeros((2, 12, 12, 1), "uint8"), np.full((2, 12, 12, 1), 51, "uint8")  # 51 is 0.2 of 255
        >>> errors = reconstruction_errors(black, grey)
        >>> round(errors["mse"], 4), round(errors["psnr"], 2)
        (0.04, 13.98)

    Source:
        Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity (2004), equation 13,
        https://doi.org/10.1109/TIP.2003.819861
    """
    if originals.shape != reconstructions.shape or {originals.dtype, reconstructions.dtype} != {np.dtype(np.uint8)}:
        raise ValueError(
            f"expected uint8 images of one shape, received {originals.dtype} {originals.shape} and "
            f"{reconstructions.dtype} {reconstructions.shape}"
        )
    pairs = list(zip(originals, reconstructions, strict=True))
    by_image = np.array([np.mean(((one.astype(np.float32) - other) / 255) ** 2) for one, other in pairs])
    # A reconstruction that is equal byte for byte has no noise at all: counted as half a byte off in a single value.
    least = (0.5 / 255) ** 2 / np.prod(originals.shape[1:])
    errors = {"mse": float(by_image.mean()), "psnr": float(np.mean(-10 * np.log10(np.maximum(by_image, least))))}
    if min(originals.shape[1:3]) >= MIN_SSIM_SIDE:
        errors["ssim"] = structural_similarity(originals, reconstructions)
    return errors


def structural_similarity(originals: np.ndarray, others: np.ndarray) -> float:
    """SSIM in Gaussian windows of σ 1.5, mean over the images.

    Args:
        originals: uint8 (n, height, width, channels), at least 11 pixels per side.
        others: uint8, the same shape.

    Source:
        As for `reconstruction_errors`.
    """
    from skimage import metrics  # takes half a second, and only autoencoders and repair need it

    options = {"channel_axis": -1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(originals, others, strict=True)
    return float(np.mean([metrics.structural_similarity(*pair, **options) for pair in pairs]))
