"""The course's words and symbols: one plain sentence for each, and the notebook that introduces it.

Taught in: 00
"""

import csv
from functools import cache

from kit.arguments import shown
from kit.files import data_file


@cache
def entries() -> tuple[dict[str, str], ...]:
    """Read data/glossary.csv in the order of the alphabet: term, symbol or unit, notebook and meaning."""
    with data_file("glossary.csv").open(newline="", encoding="utf-8") as file:
        return tuple(sorted(csv.DictReader(file), key=lambda row: row["term"].lower()))


class Glossary:
    """Some entries; shows itself as a table that links to the notebooks."""

    def __init__(self, rows: tuple[dict[str, str], ...]):
        self.rows = rows

    def __repr__(self) -> str:
        return "\n".join(f"{_term(row)}: {row['meaning']} ({row['notebook']})" for row in self.rows)

    def _repr_markdown_(self) -> str:
        with data_file("course.csv").open(newline="", encoding="utf-8") as file:
            links = {row["notebook"]: f"[{row['notebook']}]({row['file']})" for row in csv.DictReader(file)}
        lines = [
            f"| {row['term']} | {row['symbol or unit']} | {row['meaning']} | {links[row['notebook']]} |"
            for row in self.rows
        ]
        return "\n".join(["| word | symbol or unit | meaning | notebook |", "|:--|:--|:--|:--|", *lines])


def glossary(word: str = "") -> Glossary:
    """Look up a word of the course, or part of one; all of them where none is given.

    Raises:
        TypeError: if `word` is not a text.
        ValueError: if no entry holds it.

    >>> glossary("surprisal").rows[0]["notebook"]
    '03'
    """
    if not isinstance(word, str):
        raise TypeError(f"word must be a text, got {shown(word)}")
    found = tuple(row for row in entries() if word.lower() in row["term"].lower())
    if not found:
        raise ValueError(f"word must be one of the course's, or part of one, got {shown(word)}")
    return Glossary(found)


def _term(row: dict[str, str]) -> str:
    return f"{row['term']}, {row['symbol or unit']}" if row["symbol or unit"] else row["term"]
