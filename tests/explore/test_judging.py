from collections import Counter

import numpy as np
import pytest

from kit.explore.judging import (
    FIRST,
    N_AGAIN,
    N_PAIRS,
    SECOND,
    judge,
    judged_twice,
    outcomes,
    simulated_answers,
    stories_read,
    text_pairs,
    write_text,
)
from kit.text.grammar import tokens


@pytest.mark.parametrize("context", [FIRST, SECOND])
def test_each_word_once_followed_those_before_it(context):
    known = {story[i : i + context + 1] for story in stories_read() for i in range(len(story) - context)}
    words = tokens(write_text(context=context, rng=np.random.default_rng(5)))
    assert len(words) > 8
    assert all(tuple(words[i : i + context + 1]) in known for i in range(len(words) - context))


def test_sides_are_drawn_by_lot_and_swapped_where_a_pair_comes_again():
    pairs = text_pairs()
    assert Counter(Counter(pair.number for pair in pairs).values()) == {1: N_PAIRS - N_AGAIN, 2: N_AGAIN}
    # of 20 fair coins, 3 to 17 heads but for one time in 2,500
    assert 3 <= sum(pair.first_is_left for pair in pairs[:N_PAIRS]) <= 17
    for pair in pairs[N_PAIRS:]:
        once = pairs[pair.number]
        assert (pair.left, pair.right, pair.first_is_left) == (once.right, once.left, not once.first_is_left)


def test_who_always_presses_left_prefers_nobody():
    pairs = text_pairs()
    wins = outcomes(pairs, ["left"] * len(pairs))
    first, second = judged_twice(pairs, wins)
    assert (first + second == 2).all()  # a win, and a loss of the same pair
    assert outcomes(pairs, ["tie"] * len(pairs)).tolist() == [0.5] * len(pairs)


def test_a_judge_who_knows_prefers_the_first_writer_throughout():
    pairs = text_pairs()
    answers = ["left" if pair.first_is_left else "right" for pair in pairs]
    assert outcomes(pairs, answers).all()
    assert simulated_answers(pairs, rng=np.random.default_rng(0)) == simulated_answers(
        pairs, rng=np.random.default_rng(0)
    )


def test_the_page_is_not_told_who_wrote_which():
    view = judge()
    assert [set(map(type, pair)) for pair in view.texts] == [{str}] * len(view.texts)
    assert set(view.keys) >= {"texts", "answers"}
    assert "pairs" not in view.keys
    assert not view.finished
    view.answers = ["left"] * len(view.pairs)
    assert view.finished
    assert view._repr_mimebundle_()[0]["text/plain"].startswith("Pair 1 of 30")
    view.close()
