"""Find the small files of data/, in a checkout and in an installed kit alike.

Taught in: every notebook
"""

from pathlib import Path

_HERE = Path(__file__).parent


def data_file(name: str) -> Path:
    """Return the path of a file of data/.

    Raises:
        ValueError: if there is no such file.
    """
    for folder in (_HERE.parent / "data", _HERE / "data"):  # a checkout; an installed wheel
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"name must be a file of data/, got {name!r}")
