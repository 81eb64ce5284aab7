"""Make data/micrograph.npz: the picture of stardist with its 125 outlined nuclei, pixel by pixel.

    pip download --no-deps stardist==0.9.2
    python -m tests.learn.micrograph stardist-0.9.2-*.whl

The source is the PyPI package stardist 0.9.2, with a picture of the 2018 Data Science Bowl (BBBC038). Grey values reach
235 and the numbers of the nuclei 183, so that a byte holds each; the numbers are dealt anew, without gaps, from 1.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
FOLDER = "stardist/data/images"


def picture(package: Path) -> dict[str, np.ndarray]:
    """Read the picture and its mask."""
    with zipfile.ZipFile(package) as archive:
        image, mask = (
            np.array(Image.open(io.BytesIO(archive.read(f"{FOLDER}/{name}.tif")))) for name in ("img2d", "mask2d")
        )
    nuclei = np.unique(mask, return_inverse=True)[1].reshape(mask.shape)
    return {"image": image.astype(np.uint8), "nuclei": nuclei.astype(np.uint8)}


if __name__ == "__main__":
    np.savez_compressed(ROOT / "data" / "micrograph.npz", **picture(Path(sys.argv[1])))
