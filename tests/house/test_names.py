"""One name a concept, and the field's."""

import re
import subprocess

import nbformat

from tests.house.names import RETIRED, RETIRED_NAMES, ROOT, kept, public_names

RETIRED_WORD = re.compile(rf"(?<!\w)({'|'.join(sorted(RETIRED))})(?!\w)", re.I)


def prose(name: str) -> str:
    """Give a tracked file's text; of a notebook, what is written in it, without outputs."""
    if name.endswith(".ipynb"):
        return "\n".join(cell.source for cell in nbformat.read(ROOT / name, as_version=4).cells)
    return (ROOT / name).read_text(encoding="utf-8")


def test_no_public_name_is_a_retired_word():
    assert [where for where, name in public_names() if name in RETIRED_NAMES] == []


def test_no_text_holds_a_retired_word():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name.endswith((".py", ".md", ".csv", ".ipynb")) and not name.startswith("tests/house/names"):
            assert RETIRED_WORD.findall(prose(name)) == [], name


def test_names_that_stay_are_there_and_have_their_reason():
    there = {where for where, _ in public_names()} | {name for _, name in public_names()}
    for row in kept():
        assert row["name"] in there, row["name"]
        assert all(row.values()), row["name"]
