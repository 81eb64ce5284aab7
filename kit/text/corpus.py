"""A real corpus that every machine already has: the source code of Python's standard library.

Taught in: 15 16
"""

import hashlib
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kit.arguments import function, instance, real, several


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text and the name by which it is known, such as its path inside the corpus.

    Raises:
        TypeError: if either is not a str.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        """Refuse what could be written, and would not be read again."""
        instance("name", self.name, str)
        instance("text", self.text, str)


def standard_library() -> list[Document]:
    """Read the Python files of the standard library, in the order of their names.

    Left out are the tests, installed packages, and what was written when this very Python was
    built (its configuration), so that two machines with the same Python read the same texts.

    >>> any(document.name == "json/decoder.py" for document in standard_library())
    True
    """
    root = Path(sysconfig.get_path("stdlib"))
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    return [Document(name=name, text=(root / name).read_text(encoding="utf-8")) for name in names if _is_source(name)]


def _is_source(name: str) -> bool:
    *folders, file = name.split("/")
    return not file.startswith("_sysconfigdata") and not any(
        folder in {"test", "tests", "idle_test", "site-packages", "dist-packages"} or folder.startswith("config-")
        for folder in folders
    )


def train_test_split(
    documents: Iterable[Document],
    *,
    held_out: float = 0.1,
    group: Callable[[Document], str] = lambda document: document.name,
) -> tuple[list[Document], list[Document]]:
    """Part documents into a training and a held-out set by a hash of each one's group.

        held out  ⇔  sha256(group) / 2²⁵⁶ < held_out

    A document's side depends on its group alone: it is the same on every machine, in any order,
    and adding documents moves no other. Groups stay whole; the share of documents that are held
    out is therefore near `held_out`, not equal to it.

    Args:
        held_out: the share of groups to hold out, strictly between 0 and 1.
        group: names the group of a document. The default makes each document its own group;
            give near-duplicates one group, or the held-out score will measure memory.

    Returns:
        The training documents and the held-out documents, both in the given order.

    Raises:
        TypeError: if `documents` are none, `group` is not a function to names, or `held_out` not a number.
        ValueError: if `held_out` is not between 0 and 1.

    >>> documents = [Document(name=name, text="") for name in ("a/1", "a/2", "b/1", "c/1")]
    >>> train, held_out = train_test_split(documents, held_out=0.5, group=lambda d: d.name[0])
    >>> [d.name for d in train], [d.name for d in held_out]
    (['a/1', 'a/2'], ['b/1', 'c/1'])
    """
    held_out = real("held_out", held_out, above=0, below=1)
    function("group", group)
    several("documents", documents)
    sides: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        instance("documents", document, Document)
        instance("group", name := group(document), str)
        digest = hashlib.sha256(name.encode()).digest()
        sides[int.from_bytes(digest) / 2**256 < held_out].append(document)
    return sides
