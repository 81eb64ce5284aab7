import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import median_abs_deviation

from kit.text.corpus import standard_library
from kit.text.quality import Limits, outliers, quality


def test_limits_refuse_junk_and_say_why():
    junk = {
        "x" * 200 + "\n" + "y = 1\n" * 40: ["repeated_lines"],
        "import os\nDATA = '" + "ab" * 1000 + "'\n": ["mean_line", "longest_line"],
        "{[(+-*/)]}; " * 40: ["mean_line", "alphanumeric"],
        "": ["n_chars", "mean_line", "longest_line", "alphanumeric"],
    }
    for text, names in junk.items():
        assert [complaint.split()[0] for complaint in Limits().complaints(text)] == names


def test_limits_keep_nearly_all_of_the_library():
    refused = [d.name for d in standard_library() if Limits().complaints(d.text)]
    assert 0 < len(refused) < 0.15 * len(standard_library())
    assert "pydoc_data/topics.py" in refused  # one file, written by a program, of 755,000 characters


@given(st.text())
def test_quality_is_finite_and_its_shares_lie_within_0_and_1(text):
    measured = quality(text)
    assert 0 <= measured.alphanumeric <= 1
    assert 0 <= measured.repeated_lines < 1
    assert measured.mean_line <= measured.longest_line <= measured.n_chars


@given(arrays(np.float64, 9, elements=st.integers(-50, 50).map(float)))
def test_outliers_match_scipy(values):
    # scipy's "normal" divides by 0.67449 (six more digits); whole numbers are never that close to the bound
    deviation = median_abs_deviation(values, scale="normal")
    np.testing.assert_array_equal(outliers(values), np.abs(values - np.median(values)) > 3.5 * deviation)


def test_outliers_cannot_hide_one_another():
    values = np.array([*range(20), 1e6, 1e6, 1e6])
    assert outliers(values).sum() == 3
    assert not (np.abs(values - values.mean()) > 3.5 * values.std()).any()  # the plain z-score finds none
