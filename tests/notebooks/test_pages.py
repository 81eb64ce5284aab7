"""A notebook is read in one sitting, and says beforehand how long that is."""

import pytest

from tests.notebooks.pages import BARS, NOTEBOOKS, Page, page, seconds, times, words
from tests.notebooks.stamp import header_of

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_a_notebook_is_read_in_one_sitting(path):
    assert not page(path).beyond(BARS)


@each_notebook
def test_the_header_says_how_long_it_takes(path):
    says = header_of(path).splitlines()[6].split(" · ")
    assert times(path) in says, f"run `python run.py stamp`: {times(path)}"


@each_notebook
def test_a_notebook_is_computed_in_a_minute(path):
    assert seconds()[path.name[:2]] <= 60


def test_what_exceeds_a_bar_is_named():
    assert Page(words=2_500, lines=450, exercises=7).beyond(BARS) == []
    assert Page(words=2_501, lines=451, exercises=7).beyond(BARS) == [
        "2,501 words, 2,500 at most",
        "451 lines, 450 at most",
    ]
    assert Page(words=0, lines=0, exercises=8).beyond(BARS) == ["8 exercises, 7 at most"]


def test_an_hour_and_a_half_is_what_the_bars_allow():
    assert BARS.minutes == 90


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Two words.", 2),
        ("## Two words", 2),
        ("a [link](05_optimisers.ipynb#Measure) and `a name`", 5),
        ("before\n```python\nx = 1\n```\nafter", 2),
        ("<details><summary>Solution</summary>\n\n```python\nx\n```\n\nWhy.\n\n</details>", 0),
        ("<details><summary>What you should have seen</summary>\n\nA line.\n\n</details>", 7),
        ("- one\n- two – three", 3),
    ],
)
def test_words_are_those_that_are_read(markdown, expected):
    assert words(markdown) == expected
