import numpy as np
import pytest

from kit.check.ledger import gradient_ledger


def test_ledger_tells_exact_from_close_from_apart():
    ours = {"a": [1], "b": [1.0], "c": [1.0], "d": [np.nan]}
    theirs = {"a": [1], "b": [1.0 + 1e-10], "c": [1.1], "d": [1.0]}
    rows = gradient_ledger(ours, theirs).rows
    assert rows["a"] == "exact"
    assert rows["b"] == "close (largest relative difference below 1e-06)"
    assert rows["c"] == "apart (largest relative difference ≈0.09)"
    assert rows["d"].startswith("apart")


def test_ledger_of_unsigned_numbers_does_not_wrap_around():
    ours, theirs = (np.array([x], dtype=np.uint8) for x in (1, 2))
    assert gradient_ledger({"a": ours}, {"a": theirs}).rows["a"] == "apart (largest relative difference ≈0.5)"
    assert gradient_ledger({"a": [True]}, {"a": [False]}).rows["a"].startswith("apart")


def test_ledger_rejects_other_names_and_other_shapes():
    with pytest.raises(ValueError, match="names of ours"):
        gradient_ledger({"a": [1.0]}, {"b": [1.0]})
    with pytest.raises(ValueError, match="a must have the same shape"):
        gradient_ledger({"a": [1.0]}, {"a": [[1.0]]})


def test_the_last_bit_of_a_float_is_not_shown():
    equal, off_by_one_bit = ([1.0, v] for v in (0.1, np.nextafter(0.1, 1)))
    ledger = gradient_ledger({"equal": equal, "moved": equal}, {"equal": equal, "moved": off_by_one_bit})
    shown = [line.split(maxsplit=1)[1] for line in ledger.lines]
    assert shown == ["close (largest relative difference below 1e-12)"] * 2
    assert ledger.rows["equal"] == "exact" != ledger.rows["moved"]
