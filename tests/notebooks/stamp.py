"""Write the badge and the set-up cell into every notebook, from one template and one address.

python run.py stamp                                  the address of pyproject.toml; git's origin if none is there
python run.py stamp https://github.com/you/learnkit  first make that the address, for a fork
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

PLACEHOLDER = "https://github.com/OWNER/learnkit"

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{owner_and_name}/blob/main/notebooks/{file})"
)
SET_UP = """\
# On Colab this installs the kit; where the kit is already there, nothing happens.
try:
    import kit
except ModuleNotFoundError:
    %pip install -q git+{address}
    import kit"""


def chosen(names: Iterable[str]) -> list[Path]:
    """Find the notebooks of these names, with or without folder and ending; all of them where there is no name."""
    stems = {Path(name).stem for name in names}
    unknown = sorted(stems - {path.stem for path in NOTEBOOKS})
    if unknown:
        raise ValueError(f"names must be of notebooks, got {', '.join(unknown)}")
    return [path for path in NOTEBOOKS if not stems or path.stem in stems]


def address() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def badge(file: str) -> str:
    return BADGE.format(owner_and_name=address().removeprefix("https://github.com/"), file=file)


def set_up() -> str:
    return SET_UP.format(address=address())


def stamp(path: Path) -> None:
    """Put badge and set-up cell in their places: a line of the first cell, and the first code cell."""
    book = nbformat.read(path, as_version=4)
    header, code = book.cells[0], next(cell for cell in book.cells if cell.cell_type == "code")
    header.source = re.sub(r"^\[!\[Open in Colab\].*$", lambda _: badge(path.name), header.source, flags=re.M)
    code.source = set_up()
    nbformat.write(book, path)


def readdress(new: str) -> None:
    """Make `new` the repository's address, where it stands: in pyproject.toml.

    Raises:
        ValueError: if it is not the address of a GitHub repository.
    """
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", new):
        raise ValueError(f"ADDRESS must look like https://github.com/you/learnkit, got {new!r}")
    path = ROOT / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(f'"{address()}"', f'"{new}"'), encoding="utf-8")


def on_github(remote: str) -> str:
    """Turn a remote of git's into the address of its page on GitHub; "" for any other.

    >>> on_github("git@github.com:you/learnkit.git")
    'https://github.com/you/learnkit'
    """
    found = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\n?", remote)
    return f"https://github.com/{found[1]}" if found else ""


def origin() -> str:
    """Ask git where this checkout came from."""
    command = ["git", "remote", "get-url", "origin"]
    return on_github(subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    if sys.argv[1:]:
        readdress(sys.argv[1])
    elif address() == PLACEHOLDER and origin():
        readdress(origin())
    for each in NOTEBOOKS:
        stamp(each)
    print(f"stamped {len(NOTEBOOKS)} notebooks with {address()}")
