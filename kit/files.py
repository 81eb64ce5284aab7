"""Find the small files of data/, in a checkout and in an installed kit alike.

Taught in: every notebook
"""

from pathlib import Path

_HERE = Path(__file__).parent
DATA = next((f for f in (_HERE.parent / "data", _HERE / "data") if f.is_dir()), _HERE / "data")  # a checkout; a wheel


def data_file(name: str) -> Path:
    """Return the path of a file of data/.

    Raises:
        ValueError: if there is no such file.
    """
    if not (DATA / name).is_file():
        raise ValueError(f"name must be a file of data/, got {name!r}")
    return DATA / name
