import hashlib
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from kit.learn.tables import Diamonds, diamonds
from tests.learn.diamonds import GRADES, PLURALS

DATA = Path(__file__).parents[2] / "data"
COLUMNS = [field.name for field in fields(Diamonds) if field.name not in PLURALS.values()]


def test_diamonds_are_those_that_the_readme_names_and_below_a_megabyte():
    row = re.search(r"`diamonds\.npz`.*`([0-9a-f]{64})`", (DATA / "README.md").read_text(encoding="utf-8"))
    content = (DATA / "diamonds.npz").read_bytes()
    assert row
    assert hashlib.sha256(content).hexdigest() == row[1]
    assert len(content) < 1_000_000


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_diamonds_is_whole_and_cannot_be_written_to(name):
    column = getattr(diamonds(), name)
    assert column.shape == (53_940,)
    assert np.isfinite(column).all()
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1


def test_every_grade_has_its_name():
    table = diamonds()
    for name, grades in GRADES.items():
        assert getattr(table, PLURALS[name]) == grades
        assert np.array_equal(np.unique(getattr(table, name)), np.arange(len(grades)))


def test_the_published_counts_of_repeated_rows():
    """146 rows repeat another whole, and 345 another's features."""
    rows = np.column_stack([getattr(diamonds(), name) for name in COLUMNS])
    features = np.delete(rows, COLUMNS.index("price"), axis=1)
    assert [len(each) - len(np.unique(each, axis=0)) for each in (rows, features)] == [146, 345]


def test_better_stones_cost_more_at_one_weight():
    table = diamonds()
    one = np.abs(table.carat - 1) < 0.02
    by_clarity = [np.median(table.price[one & (table.clarity == each)]) for each in range(len(table.clarities))]
    assert (np.diff(by_clarity) > 0).all()
