"""Write into every notebook what one place knows: badge and set-up cell, how long it takes, where the glossary is.

python run.py stamp                                  the address of git's remote
python run.py stamp https://github.com/you/learnkit  this one

Either way the address is first written into pyproject.toml, where it stands for all who read it.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat

from tests.notebooks.pages import times

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{owner_and_name}/blob/main/notebooks/{file})"
)
GLOSSARY = "[Glossary](00_start_here.ipynb#Words-and-symbols)"
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


def header_of(path: Path) -> str:
    """Give a notebook's first cell: title, question, badge, how long it takes and what to know first, rooms."""
    return nbformat.read(path, as_version=4).cells[0].source


def stamp(path: Path) -> None:
    """Put badge, minutes, link to the glossary and set-up cell in their places."""
    book = nbformat.read(path, as_version=4)
    header, code = book.cells[0], next(cell for cell in book.cells if cell.cell_type == "code")
    header.source = re.sub(r"^\[!\[Open in Colab\].*$", lambda _: badge(path.name), header.source, flags=re.M)
    header.source = re.sub(
        rf"^.* · Know first: (.*?)(?: · {re.escape(GLOSSARY)})?$",
        lambda line: f"{times(path)} · Know first: {line[1]} · {GLOSSARY}",
        header.source,
        flags=re.M,
    )
    code.source = set_up()
    nbformat.write(book, path)


def readdress(new: str) -> None:
    """Make `new` the repository's address, where it stands: in pyproject.toml.

    Raises:
        ValueError: if it is not the address of a repository on GitHub, where alone Colab opens notebooks.
    """
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", new):
        raise ValueError(
            f"ADDRESS must look like https://github.com/you/learnkit, since Colab opens notebooks there, got {new!r}"
        )
    path = ROOT / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(f'"{address()}"', f'"{new}"'), encoding="utf-8")


def web_address(remote: str) -> str:
    """Turn the address of a git remote into that of its page; "" where it has none, as a folder has none.

    >>> web_address("git@github.com:you/learnkit.git")
    'https://github.com/you/learnkit'
    """
    by_url = r"(?:https?|ssh|git)://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::\d+)?/"
    by_ssh = r"[\w.-]+@(?P<host>[\w.-]+):/?"
    bare = remote.strip().removesuffix("/").removesuffix(".git")
    for start in (by_url, by_ssh):
        if found := re.fullmatch(start + r"(?P<path>[\w.~-]+(?:/[\w.~-]+)+)", bare):
            return f"https://{found['host']}/{found['path']}"
    return ""


def remote_address() -> str:
    """Ask git where this checkout comes from: its origin, or its only remote.

    Raises:
        ValueError: if git has no such remote, or one with no page on the web.
    """
    names = git("remote").split()
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else ""
    ask = "name the address: python run.py stamp https://github.com/you/learnkit"
    if not name:
        raise ValueError(f"git has {'no remote' if not names else 'several remotes and no origin'} here; {ask}")
    remote = git("remote", "get-url", name).strip()
    if not (page := web_address(remote)):
        raise ValueError(f"git's remote {name} must be on the web, got {remote}; {ask}")
    return page


def git(*command: str) -> str:
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True).stdout


if __name__ == "__main__":
    try:
        readdress(sys.argv[1] if sys.argv[1:] else remote_address())
    except ValueError as refusal:
        sys.exit(str(refusal))
    for each in NOTEBOOKS:
        stamp(each)
    print(f"stamped {len(NOTEBOOKS)} notebooks with {address()}")
