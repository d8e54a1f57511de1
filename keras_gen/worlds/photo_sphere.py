"""Panoramas as files that photo viewers recognise and show as a sphere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_gen.files import replacing
from keras_gen.images import to_pil
from keras_gen.worlds.projection import sphere_size

QUALITY = 95  # of JPEG and lossy WebP
FORMATS = (".jpg", ".jpeg", ".webp")
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/">
{fields}
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def photo_sphere(path: str | Path, panorama: np.ndarray) -> Path:
    """Writes a panorama as a JPEG or WebP file with the metadata of a whole photo sphere.

    Args:
        path: ends with a name in `FORMATS`; its folder is created.
        panorama: uint8 (height, width, 1, 3 or 4), equirectangular, width = 2 · height. Transparency is left out.

    Returns:
        The path.

    Raises:
        ValueError: for another format, and for a panorama that is not twice as wide as high.

    Source:
        Photo Sphere XMP Metadata, https://developers.google.com/streetview/spherical-metadata
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"expected a file {', '.join(FORMATS)}, received {path}")
    height, width = sphere_size(panorama)
    fields = {
        "ProjectionType": "equirectangular",
        "UsePanoramaViewer": "True",
        "FullPanoWidthPixels": width,
        "FullPanoHeightPixels": height,
        "CroppedAreaImageWidthPixels": width,
        "CroppedAreaImageHeightPixels": height,
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 0,
    }
    lines = "\n".join(f"      <GPano:{name}>{value}</GPano:{name}>" for name, value in fields.items())
    exact = {"subsampling": 0} if path.suffix != ".webp" else {}
    with replacing(path) as temporary:
        kind = "WEBP" if path.suffix == ".webp" else "JPEG"
        to_pil(panorama[..., :3]).save(
            temporary, kind, quality=QUALITY, xmp=_XMP.format(fields=lines).encode(), **exact
        )
    return path
