from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.packing import IGNORE_INDEX
from kit.text.recall import BLANK, N_DIGITS, N_LETTERS, asked_later, multi_query, predictable, repeated


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 8), st.integers(1, 40))
def test_every_letter_stands_again_a_period_later(seed, low, more, n_tokens):
    rows, periods = repeated(5, n_tokens=n_tokens, periods=(low, low + more), rng=np.random.default_rng(seed))
    assert rows.shape == (5, n_tokens)
    assert ((low <= periods) & (periods <= low + more)).all()
    for row, period in zip(rows, periods, strict=True):
        assert (row[period:] == row[: max(0, n_tokens - period)]).all()
        assert len(set(row[:period])) == min(period, n_tokens)


def test_one_seed_gives_one_set_of_rows():
    draws = [repeated(3, n_tokens=9, periods=(2, 4), rng=np.random.default_rng(1)) for _ in range(2)]
    assert (draws[0][0] == draws[1][0]).all()
    assert (draws[0][1] == draws[1][1]).all()


def test_every_period_is_as_likely():
    _, periods = repeated(6000, n_tokens=2, periods=(2, 4), rng=np.random.default_rng(0))
    shares = np.bincount(periods)[2:] / 6000
    assert abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 6000)  # five standard errors


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(2, 30))
def test_a_target_is_the_next_letter_once_a_letter_has_come_back(seed, period, n_tokens):
    rows, periods = repeated(2, n_tokens=n_tokens, periods=(period, period), rng=np.random.default_rng(seed))
    targets = predictable(rows, periods)
    for i in range(n_tokens - 1):
        known = rows[0, i] in rows[0, :i]
        assert targets[0, i] == (rows[0, i + 1] if known else IGNORE_INDEX)


def test_repeated_rejects_periods_that_need_more_letters_than_there_are():
    with pytest.raises(ValueError, match="periods must be at most vocab_size, 5: letters differ; got 6"):
        repeated(1, n_tokens=9, periods=(2, 6), vocab_size=5, rng=np.random.default_rng(0))


@given(st.integers(0, 10_000), st.integers(2, 26), st.integers(0, 40))
def test_each_letter_but_the_last_is_asked_once_and_answered_by_what_followed_it(seed, n_letters, n_between):
    rows, targets = asked_later(3, n_letters=n_letters, n_between=n_between, rng=np.random.default_rng(seed))
    assert rows.shape == targets.shape == (3, 2 * n_letters - 1 + n_between)
    begin = n_letters + n_between
    assert (targets[:, :begin] == IGNORE_INDEX).all()
    assert np.isin(rows[:, n_letters:begin], range(N_LETTERS, N_LETTERS + N_DIGITS)).all()
    for row, answers in zip(rows, targets[:, begin:], strict=True):
        followed = dict(pairwise(row[:n_letters]))
        assert set(row[begin:]) == set(followed)
        assert [followed[letter] for letter in row[begin:]] == answers.tolist()


def test_the_place_of_a_question_tells_nothing_of_the_place_of_its_answer():
    rows, targets = asked_later(6000, n_letters=4, n_between=1, rng=np.random.default_rng(0))
    places = (rows[:, None, :4] == targets[:, 5:, None]).argmax(axis=2)  # of each of three answers: 1 to 3
    shares = np.stack([(places == place).mean(axis=0) for place in (1, 2, 3)])
    assert abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 6000)  # five standard errors


@given(st.integers(0, 10_000), st.integers(1, 26), st.integers(0, 30), st.sampled_from([0.0, 1.0, 3.0]))
def test_every_letter_that_is_asked_was_told_its_sign(seed, n_pairs, more, power):
    n_tokens = 3 * n_pairs + more
    rows, targets = multi_query(4, n_pairs=n_pairs, n_tokens=n_tokens, power=power, rng=np.random.default_rng(seed))
    assert rows.shape == targets.shape == (4, n_tokens)
    for row, answers in zip(rows, targets, strict=True):
        told = dict(zip(row[: 2 * n_pairs : 2].tolist(), row[1 : 2 * n_pairs : 2].tolist(), strict=True))
        assert len(told) == n_pairs
        asked = answers != IGNORE_INDEX
        assert sorted(row[asked]) == sorted(told)  # each once
        assert [told[letter] for letter in row[asked]] == answers[asked].tolist()
        assert not asked[: 2 * n_pairs].any()
        assert (row[2 * n_pairs :][~asked[2 * n_pairs :]] == BLANK).all()


def test_fewer_questions_can_be_asked_than_letters_told():
    rows, targets = multi_query(50, n_pairs=5, n_tokens=20, n_queries=1, rng=np.random.default_rng(0))
    assert ((targets != IGNORE_INDEX).sum(axis=1) == 1).all()
    assert ((rows == BLANK).sum(axis=1) == 9).all()


def test_the_chance_of_a_place_falls_with_its_distance_to_the_power_given():
    n = 20_000
    for power in (0.0, 1.0):
        _, targets = multi_query(n, n_pairs=1, n_tokens=10, n_queries=1, power=power, rng=np.random.default_rng(0))
        shares = (targets[:, 2:] != IGNORE_INDEX).mean(axis=0)
        chances = np.arange(1, 9) ** -power
        chances /= chances.sum()
        assert (abs(shares - chances) < 5 * np.sqrt(chances / n)).all()  # five standard errors


def test_the_place_of_a_question_tells_nothing_of_its_sign():
    rows, targets = multi_query(8000, n_pairs=4, n_tokens=12, rng=np.random.default_rng(0))
    first = np.where(targets != IGNORE_INDEX, np.arange(12), 99).argmin(axis=1)
    letter = rows[np.arange(8000), first]
    place = (rows[:, :8:2] == letter[:, None]).argmax(axis=1)
    assert abs(np.bincount(place, minlength=4) / 8000 - 0.25).max() < 5 * np.sqrt(0.1875 / 8000)
