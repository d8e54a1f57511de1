"""Projections of the sphere: from an equirectangular panorama to the six faces of a cube."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

# The direction (x to the right, y up, z ahead) of the pixel (u, v) of each face: from -1 to 1, to the right and down.
FACES = {
    "front": lambda u, v: (u, -v, np.ones_like(u)),
    "right": lambda u, v: (np.ones_like(u), -v, -u),
    "back": lambda u, v: (-u, -v, -np.ones_like(u)),
    "left": lambda u, v: (-np.ones_like(u), -v, u),
    "up": lambda u, v: (u, np.ones_like(u), v),
    "down": lambda u, v: (u, -np.ones_like(u), -v),
}


def sphere_size(panorama: np.ndarray) -> tuple[int, int]:
    """(height, width) of a panorama; ValueError unless it is twice as wide as high, as that of a whole sphere is."""
    height, width = panorama.shape[:2]
    if width != 2 * height:
        raise ValueError(f"expected a panorama twice as wide as high, received {height}×{width}")
    return height, width


def cube_faces(panorama: np.ndarray, size: int | None = None) -> dict[str, np.ndarray]:
    """The six faces of the cube around the viewer, as game engines take them for a skybox.

    Seen from inside, without mirroring. The lower edge of `up` and the upper edge of `down` meet the face `front`.

    Args:
        panorama: uint8 (height, width, channels), equirectangular, width = 2 · height; straight ahead is its centre.
        size: pixels a side of a face; a quarter of the width by default, about as many as the panorama has there.

    Returns:
        uint8 (size, size, channels) by the names in `FACES`.

    Raises:
        ValueError: for a panorama that is not twice as wide as high.

    Example:
        >>> panorama = np.zeros((8, 16, 3), "uint8")
        >>> panorama[:4] = 200  # the sky
        >>> {name: int(face.mean()) for name, face in cube_faces(panorama).items()}
        {'front': 100, 'right': 100, 'back': 100, 'left': 100, 'up': 200, 'down': 0}
    """
    height, width = sphere_size(panorama)
    size = size or width // 4
    # Over a pole lies what is on its other side.
    over = [np.roll(panorama[row], width // 2, axis=0)[None] for row in (0, -1)]
    around = np.concatenate([over[0], panorama, over[1]]).astype(np.float32)
    around = np.pad(around, ((0, 0), (1, 1), (0, 0)), mode="wrap")
    across = (np.arange(size) + 0.5) / size * 2 - 1
    v, u = np.meshgrid(across, across, indexing="ij")
    faces = {}
    for name, direction in FACES.items():
        x, y, z = direction(u, v)
        columns = (np.arctan2(x, z) / (2 * np.pi) + 0.5) * width - 0.5
        rows = (0.5 - np.arctan2(y, np.hypot(x, z)) / np.pi) * height - 0.5
        pixels = [
            scipy.ndimage.map_coordinates(around[..., channel], (rows + 1, columns + 1), order=1)
            for channel in range(panorama.shape[2])
        ]
        faces[name] = np.rint(np.stack(pixels, axis=-1)).astype(np.uint8)
    return faces
