"""No word before its introduction: an entry of the glossary names the first notebook that uses it."""

import re
from itertools import pairwise

import nbformat
import pytest

from kit.explore.glossary import entries
from tests.notebooks.pages import NOTEBOOKS, read_of
from tests.notebooks.stamp import GLOSSARY, header_of

# Used earlier, and why that is no use before introduction. A row that is no longer needed fails.
EARLIER = {
    ("feature", "00"): "in a sentence that articles repeat",
    ("overfitting", "00"): "in a sentence that articles repeat",
    ("dropout", "00"): "in a sentence that articles repeat",
    ("mixed precision", "00"): "in a sentence that articles repeat",
    ("precision", "00"): "part of mixed precision",
    ("gap", "00"): "between two numbers of a format",
    ("gap", "03"): "between two numbers of a format",
    ("key", "00"): "of the keyboard",
    ("optimiser", "01"): "says which notebook introduces it",
    ("strength", "02"): "of a pull, as in plain English",
    ("activation", "04"): "part of activation function",
    ("temperature", "04"): "of a room",
    ("activation", "11"): "part of activation function",
    ("gap", "04"): "says which notebook is about it",
    ("decay", "04"): "part of weight decay",
    ("decay", "05"): "part of weight decay",
    ("mask", "13"): "of pixels, and says so",
    ("attention", "14"): "one of the rivals: named, and explained three notebooks on",
    ("attention", "16"): "says that it comes next",
}


def prose(path):
    """Give what a notebook says between its header and its sources; of code, names that stand in a sentence."""
    cells = nbformat.read(path, as_version=4).cells[1:-1]
    text = "\n".join(read_of(cell.source) for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.S)
    return re.sub(r"`([^`]*)`", lambda code: code[1] if code[1].isidentifier() else " ", text).replace("*", "")


PROSE = {path.name[:2]: prose(path) for path in NOTEBOOKS}


def uses(term: str) -> list[str]:
    """List the notebooks that use a word, or its plural."""
    word = re.compile(rf"(?<![\w-]){re.escape(term)}(?:e?s)?(?![\w-])", re.I)
    return [notebook for notebook, text in PROSE.items() if word.search(text)]


@pytest.mark.parametrize("row", entries(), ids=lambda row: row["term"])
def test_an_entry_names_the_first_notebook_that_uses_the_word(row):
    earlier = [notebook for notebook in uses(row["term"]) if notebook < row["notebook"]]
    assert row["notebook"] in uses(row["term"]), f"{row['notebook']} does not use {row['term']!r}"
    assert [notebook for notebook in earlier if (row["term"], notebook) not in EARLIER] == []


def test_every_exception_is_needed():
    introduced = {row["term"]: row["notebook"] for row in entries()}
    for term, notebook in EARLIER:
        assert notebook in uses(term), (term, notebook)
        assert notebook < introduced[term], (term, notebook)


def test_an_entry_is_one_plain_sentence():
    assert all(a["term"].lower() < b["term"].lower() for a, b in pairwise(entries()))
    for row in entries():
        assert re.fullmatch(r"[A-Z][^.]*(\d\.\d[^.]*)?\.", row["meaning"]), row["meaning"]
        assert len(row["meaning"].split()) <= 32, row["meaning"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_links_to_the_glossary(path):
    assert GLOSSARY in header_of(path), "run `python run.py stamp`"
