"""Whether opposite edges of images meet, as those of panoramas and of tiles do."""

from __future__ import annotations

import numpy as np

MAX_STEP = 1.3  # across the seam, as a share of that inside
MIN_EDGE_SPREAD = 0.5  # of the pixels along an edge, as a share of that inside: plain edges meet in any image
MAX_FAR_SHARE = 0.9  # of the mean difference of pixels half an image apart: in noise every pixel meets every other


def steps(images: np.ndarray, axis: int) -> np.ndarray:
    """Absolute differences of each pixel and the next one along an axis, the mean over the channels.

    Args:
        images: uint8 (n, height, width, channels).
        axis: 1 for the height, 2 for the width.

    Returns:
        float32 (n, height, width); the last ones along the axis are those across the seam.
    """
    pixels = images.astype(np.int16)
    return np.abs(np.roll(pixels, -1, axis) - pixels).mean(axis=3, dtype=np.float32)


def seam_step(images: np.ndarray, axes: tuple[int, ...]) -> float:
    """The mean step across the seam as a share of the mean step between neighbours inside; 1 is no seam.

    Args:
        images: uint8 (n, height, width, channels).
        axes: along which they wrap: (2,) for the width, (1, 2) for both.

    Returns:
        The means over all images and axes, divided: single images have seams where something happens to begin.

    Example:
        >>> seam_step(np.array([0, 10, 20, 30], "uint8").reshape(1, 1, 4, 1), axes=(2,))
        3.0
    """
    across, inside = 0.0, 0.0
    for axis in axes:
        found = np.moveaxis(steps(images, axis), axis, 0)
        across += found[-1].mean(dtype=np.float64)
        inside += found[:-1].mean(dtype=np.float64)
    return float(across / max(inside, 1e-9))


def meets(images: np.ndarray, axis: int) -> bool:
    """Whether images look as if their opposite edges along an axis belong side by side.

    Args:
        images: uint8 (n, height, width, channels).
        axis: 1 for the upper and the lower edge, 2 for the left and the right one.
    """
    lines = np.moveaxis(images, axis, 0).astype(np.float32)  # (lines, n, pixels of a line, channels)
    if len(lines) < 4 or seam_step(images, (axis,)) > MAX_STEP:
        return False
    half = len(lines) // 2
    edges, middle = (lines[chosen].std(axis=2).mean() for chosen in ([0, -1], [half - 1, half]))
    across = np.abs(lines[-1] - lines[0]).mean()
    far = np.abs(lines - np.roll(lines, half, 0)).mean()
    return bool(edges > MIN_EDGE_SPREAD * middle and across < MAX_FAR_SHARE * far)
