import re

from kit.check.course import course
from kit.explore.glossary import entries, glossary


def test_a_part_of_a_word_finds_all_that_hold_it():
    assert {row["term"] for row in glossary("Penalty").rows} == {"L1 penalty", "L2 penalty"}
    assert glossary().rows == entries()


def test_the_table_has_a_row_for_each_entry_and_links_to_its_notebook():
    table = glossary()._repr_markdown_().splitlines()
    files = {row["notebook"]: row["file"] for row in course()}
    assert len(table) == 2 + len(entries())
    for line, row in zip(table[2:], entries(), strict=True):
        assert len(re.findall(r"\|", line)) == 5, line
        assert line.endswith(f"[{row['notebook']}]({files[row['notebook']]}) |")


def test_a_glossary_is_read_without_a_page_too():
    assert repr(glossary("velocity")) == "velocity, $v$: The running sum of gradients that momentum keeps. (05)"
