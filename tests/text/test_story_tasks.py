import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.text.grammar import tokens
from kit.text.stories import STORIES
from kit.text.story_tasks import (
    ASKED,
    ENDINGS,
    TALES,
    WORDS,
    ask,
    decode,
    encode,
    write_endings,
    write_questions,
)

SEEDS = st.integers(0, 2**32)


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_an_ending_can_be_written_by_the_grammar_of_its_label_alone(seed):
    (ending,) = write_endings(1, rng=np.random.default_rng(seed))
    ENDINGS[ending.happy].choices(ending.text)
    with pytest.raises(ValueError, match=r"must have (a|'no')"):
        ENDINGS[not ending.happy].choices(ending.text)


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_an_answer_is_where_the_story_first_tells_it(seed):
    (question,) = write_questions(1, rng=np.random.default_rng(seed))
    words = tokens(question.story)
    assert 0 <= question.first <= question.last < len(words)
    chosen = [TALES.rules[rule][rank] for rule, rank in TALES.choices(question.story)]
    assert question.answer in [each if isinstance(each, str) else each["name"] for each in chosen]


def test_every_question_about_one_story_has_its_answer():
    story = (
        "Long ago, by the sea, lived a brave child called Mia. She had a red top and loved to spin it on the roof. "
        "One cold morning the top was gone. At last she met a wise old owl. "
        "She ran to the railway station, and there was the red top, safe and sound!\n"
    )
    answers = {about: ask(story, about).answer for about in ASKED}
    assert answers == {
        "HERO": "Mia",
        "COLOUR": "red",
        "THING": "top",
        "HELPER": "owl",
        "PLACE": "railway station",
        "home": "by the sea",
    }
    assert ask(story, "home").text == "Where did Mia live?"


def test_tops_on_top_of_a_hill_are_told_apart():
    story = (
        "Long ago, on top of a hill, lived a brave child called Mia. "
        "She had a red top and loved to spin it on the roof. "
        "One cold morning the top was gone. At last she met a wise old owl. "
        "She ran to the mill, and there was the red top, safe and sound!\n"
    )
    assert ask(story, "THING").first > tokens(story).index("top")


def test_labels_and_questions_are_balanced():
    rng = np.random.default_rng(0)
    happy = np.mean([ending.happy for ending in write_endings(1000, rng=rng)])
    assert abs(happy - 0.5) < 4 * 0.5 / 1000**0.5  # four standard errors
    first_words = [tokens(question.text)[0] for question in write_questions(1200, rng=rng)]
    assert {word: round(3 * first_words.count(word) / 1200) for word in ("Who", "What", "Where")} == {
        "Who": 1,
        "What": 1,
        "Where": 1,
    }


def test_neither_the_child_nor_a_feeling_alone_tells_the_label():
    endings = write_endings(2000, rng=np.random.default_rng(0))
    for word in ("smiled", "sad", "no", "but", "Mia"):
        with_word = [ending.happy for ending in endings if word in tokens(ending.text)]
        assert 0.3 < np.mean(with_word) < 0.7, word


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_decode_gives_back_what_encode_was_given(seed):
    rng = np.random.default_rng(seed)
    texts = [STORIES.write(rng=rng), TALES.write(rng=rng), *(ending.text for ending in write_endings(2, rng=rng))]
    for text in texts:
        assert decode(encode(text)) == text


@given(st.lists(st.integers(0, len(WORDS) - 1), min_size=1, max_size=30))
def test_encode_gives_back_any_ids_that_decode_was_given(ids):
    assert encode(decode(np.array(ids))).tolist() == ids


def test_tasks_are_told_in_the_words_of_stories_up_to_a_few():
    assert WORDS[0] == "\n"
    assert len(set(WORDS) - set(STORIES.words)) <= 10


def test_encode_rejects_a_word_that_no_story_has():
    with pytest.raises(ValueError, match="text must be in the words of the stories, got str 'zebra'"):
        encode("the zebra")
