import hashlib
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from kit.learn.tables import Flights, flights

DATA = Path(__file__).parents[2] / "data"
COLUMNS = [field.name for field in fields(Flights) if not field.name.endswith("s")]


def test_each_table_is_the_one_that_the_readme_names_and_below_a_megabyte():
    named = dict(re.findall(r"`(\w+\.npz)`.*`([0-9a-f]{64})`", (DATA / "README.md").read_text(encoding="utf-8")))
    assert named.keys() == {path.name for path in DATA.glob("*.npz")}
    for name, sha256 in named.items():
        content = (DATA / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256, name
        assert len(content) < 1_000_000, name


def test_flights_are_in_order_of_their_scheduled_departure():
    table = flights()
    minutes = ((table.month * 31 + table.day) * 24 + table.hour) * 60 + table.minute
    assert (np.diff(minutes) >= 0).all()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_flights_is_whole_and_cannot_be_written_to(name):
    column = getattr(flights(), name)
    assert column.shape == (100_000,)
    assert column.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1


def test_every_code_of_a_flight_has_its_name():
    table = flights()
    for name in ("carrier", "origin", "destination", "tail_number"):
        names = getattr(table, f"{name}s")
        assert np.array_equal(np.unique(getattr(table, name)), np.arange(len(names)))
        assert list(names) == sorted(set(names))


def test_the_draw_keeps_the_shares_of_all_flights():
    """Of the 327,346 flights that arrived, 8.5% were over an hour late, and 23.7% over a quarter."""
    late = flights().arrival_delay
    for minutes, share in ((60, 0.085), (15, 0.237)):
        # 4 standard errors of a share drawn without replacement, and half a unit of the share's last digit
        error = np.sqrt(share * (1 - share) / 100_000 * (1 - 100_000 / 327_346))
        assert abs((late > minutes).mean() - share) < 4 * error + 0.0005


def test_a_date_counts_the_days_of_the_year():
    table = flights()
    months = np.array([f"2013-{month:02}" for month in range(1, 13)], dtype="datetime64[D]")
    days = months[table.month - 1] + (table.day - 1) - np.datetime64("2013-01-01")
    np.testing.assert_array_equal(table.date, days.astype(int))
    assert np.datetime64("2013-01-01").item().strftime("%A") == "Tuesday"


def test_a_flight_is_late_beyond_a_quarter_of_an_hour():
    table = flights()
    np.testing.assert_array_equal(table.late == 1, table.arrival_delay > 15)
