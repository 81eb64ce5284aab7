"""Files: those of data/, in a checkout and in an installed kit alike, and how to write one whole.

Taught in: every notebook
"""

from pathlib import Path
from uuid import uuid4

from kit.arguments import shown

_HERE = Path(__file__).parent
DATA = next((f for f in (_HERE.parent / "data", _HERE / "data") if f.is_dir()), _HERE / "data")  # a checkout; a wheel


def data_file(name: str) -> Path:
    """Return the path of a file of data/.

    Raises:
        ValueError: if there is no such file.
    """
    if not (DATA / name).is_file():
        raise ValueError(f"name must be a file of data/, got {shown(name)}")
    return DATA / name


def write_whole(path: str | Path, text: str) -> None:
    """Write a file in one step: whoever looks finds what was there before or the whole of the new, never half.

    Two that write at once do not mix; the last to end has written it.
    """
    path = Path(path)
    draft = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # there still where the disk is full, or the path a folder
