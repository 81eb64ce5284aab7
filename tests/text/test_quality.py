import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import median_abs_deviation

from kit.text.corpus import standard_library
from kit.text.quality import GOPHER, Limits, gopher, gopher_complaints, outliers, quality


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


def written_out(text: str) -> dict[str, float]:
    """The rules of Gopher, each as its sentence says, word by word."""
    words = text.split()
    letters = sum(map(len, words))
    found = {}
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        if n <= 4:
            top = max(grams, key=lambda gram: (grams.count(gram), len("".join(gram))), default=())
            starts = [i for i, gram in enumerate(grams) if gram == top and grams.count(top) > 1]
        else:
            starts = [i for i, gram in enumerate(grams) if gram in grams[:i]]
        inside = [any(start <= i < start + n for start in starts) for i in range(len(words))]
        share = sum(len(word) for word, within in zip(words, inside, strict=True) if within) / max(1, letters)
        found[f"{'top' if n <= 4 else 'repeated'}_{n}_gram_chars"] = share
    return found


@given(st.lists(st.sampled_from(["a", "bb", "ccc", "the"]), max_size=30))
def test_gopher_counts_each_character_once(words):
    measured = gopher(" ".join(words))
    for name, share in written_out(" ".join(words)).items():
        assert measured[name] == pytest.approx(share, abs=1e-12)


GOOD = " ".join(
    f"the word{chr(97 + i)}{chr(97 + j)} and other{chr(97 + j)}{chr(97 + i)}" for i in range(6) for j in range(6)
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n_words", "the cat and the dog"),
        ("mean_word", GOOD.replace("word", "w" * 40)),
        ("hashes_per_word", GOOD + " ###" * 9),
        ("ellipses_per_word", GOOD.replace("other", "other...")),
        ("bullet_lines", "\n".join(f"- {line}" for line in GOOD.split(" the "))),
        ("ellipsis_lines", "\n".join(f"{line} ..." for line in GOOD.split(" the "))),
        ("alphabetic_words", GOOD + " " + " ".join(map(str, range(100, 150)))),
        ("stop_words", GOOD.replace("the ", "der ").replace("and ", "und ")),
        ("repeated_lines", GOOD + "\nend of it" * 4),
        ("repeated_paragraphs", GOOD + "\n\nend of it" * 4),
        ("repeated_line_chars", GOOD + "\n" + GOOD),
        ("repeated_paragraph_chars", GOOD + "\n\n" + GOOD),
        ("top_2_gram_chars", GOOD + " new york" * 30),
        ("top_3_gram_chars", GOOD + " in new york" * 30),
        ("top_4_gram_chars", GOOD + " in old new york" * 30),
        *((f"repeated_{n}_gram_chars", GOOD + " " + GOOD) for n in range(5, 11)),
    ],
)
def test_gopher_complains_of_each_rule_by_its_name(name, text):
    assert gopher_complaints(GOOD) == []
    assert name in [complaint.split()[0] for complaint in gopher_complaints(text)]


def test_gopher_has_the_numbers_of_table_a1():
    most = [limits[1] for name, limits in GOPHER.items() if name.endswith("_gram_chars")]
    assert [round(each, 2) for each in most] == [0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1]


@given(arrays(np.float64, 9, elements=st.integers(-50, 50).map(float)))
def test_outliers_match_scipy(values):
    # scipy's "normal" divides by 0.67449 (six more digits); whole numbers are never that close to the bound
    deviation = median_abs_deviation(values, scale="normal")
    np.testing.assert_array_equal(outliers(values), np.abs(values - np.median(values)) > 3.5 * deviation)


def test_outliers_cannot_hide_one_another():
    values = np.array([*range(20), 1e6, 1e6, 1e6])
    assert outliers(values).sum() == 3
    assert not (np.abs(values - values.mean()) > 3.5 * values.std()).any()  # the plain z-score finds none
