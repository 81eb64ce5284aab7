import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.text.grammar import Grammar, tokens
from kit.text.stories import STORIES

# a role with forms, a role cast on some paths only, recursion that is cut, and unequal lengths
SMALL = Grammar(
    {
        "story": ("{HERO.name} ran {where}. {HERO.They} {end}.", "Nobody {end}."),
        "HERO": ({"name": "Mia", "They": "She"}, {"name": "Tom", "They": "He"}, {"name": "Ann Lee", "They": "She"}),
        "where": ("home", "to the {PLACE}", "very far"),
        "PLACE": ("sea", "woods"),
        "end": ("slept", "sang to the {PLACE}"),
    }
)


def every_story(symbol: str, cast: dict[str, int]) -> list[tuple[str, float, dict[str, int]]]:
    """Enumerate what a symbol of SMALL can become, with its probability and the cast after it."""
    rule, _, form = symbol.partition(".")
    alternatives = SMALL.rules[rule]
    total = sum(1 / (rank + 1) for rank in range(len(alternatives)))
    stories = []
    for rank, alternative in enumerate(alternatives):
        if cast.get(rule, rank) != rank:
            continue
        text = alternative if isinstance(alternative, str) else alternative[form]
        partial = [
            ("", 1.0 if rule in cast else 1 / (rank + 1) / total, cast | ({rule: rank} if rule.isupper() else {}))
        ]
        for piece in text.replace("{", "\0{").replace("}", "\0").split("\0"):
            partial = [
                (before + after, p * q, last)
                for before, p, now in partial
                for after, q, last in (every_story(piece[1:], now) if piece[:1] == "{" else [(piece, 1.0, now)])
            ]
        stories += partial
    return stories


ALL = {text: p for text, p, _ in every_story("story", {})}


def test_bits_tokens_and_bytes_match_every_story_enumerated():
    assert math.isclose(sum(ALL.values()), 1)
    assert math.isclose(SMALL.bits_per_story, -sum(p * math.log2(p) for p in ALL.values()), rel_tol=1e-12)
    assert math.isclose(SMALL.tokens_per_story, sum(p * len(tokens(s)) for s, p in ALL.items()), rel_tol=1e-12)
    assert math.isclose(SMALL.bytes_per_story, sum(p * len(s) for s, p in ALL.items()), rel_tol=1e-12)


def test_surprise_matches_every_story_enumerated():
    for story in ALL:
        words = tokens(story)
        mass = [sum(p for s, p in ALL.items() if tokens(s)[:n] == words[:n]) for n in range(len(words) + 1)]
        expected = [math.log2(before / after) for before, after in itertools.pairwise(mass)]
        np.testing.assert_allclose(SMALL.surprisal(story), expected, atol=1e-12)


def test_bits_per_story_matches_counts_of_sampled_stories():
    rng = np.random.default_rng(0)
    counts = Counter(SMALL.write(rng=rng) for _ in range(4000))
    bits = np.array([-math.log2(n / 4000) for story, n in counts.items() for _ in range(n)])
    bias = (len(ALL) - 1) / (2 * 4000 * math.log(2))  # counting underestimates entropy by this: Miller (1955)
    assert abs(bits.mean() + bias - SMALL.bits_per_story) < 3 * bits.std() / math.sqrt(4000)


def test_stories_match_their_expected_bits_tokens_and_bytes():
    rng = np.random.default_rng(1)
    stories = [STORIES.write(rng=rng) for _ in range(100)]
    for expected, measured in (
        (STORIES.bits_per_story, [STORIES.surprisal(story).sum() for story in stories]),
        (STORIES.tokens_per_story, [len(tokens(story)) for story in stories]),
        (STORIES.bytes_per_story, [len(story.encode()) for story in stories]),
    ):
        assert abs(np.mean(measured) - expected) < 3 * np.std(measured) / math.sqrt(len(stories))


def test_stories_are_too_many_to_be_memorised():
    assert STORIES.bits_per_story > 64


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)  # time says nothing on a shared machine
def test_write_is_repeatable_and_can_be_read_back(seed):
    story = STORIES.write(rng=np.random.default_rng(seed))
    assert story == STORIES.write(rng=np.random.default_rng(seed))
    assert np.isfinite(STORIES.surprisal(story)).all()


def test_a_rule_that_asks_for_itself_has_the_entropy_of_a_geometric_run():
    walk = Grammar({"story": ("{step}",), "step": ("stop", "go {step}")})
    # p(go) = 1/3: each visit costs H(1/3), and there are 1 / (1 - 1/3) visits
    assert math.isclose(walk.bits_per_story, 1.5 * -(1 / 3 * math.log2(1 / 3) + 2 / 3 * math.log2(2 / 3)))


@pytest.mark.parametrize(
    ("story", "complaint"),
    [
        ("Mia ran home. He slept.", "story must have 'She' at token 4"),
        ("Mia ran away. She slept.", "story must have a where at token 2, got .*away"),
        ("Mia ran", "story must have a where at token 2"),
        ("Nobody slept. Mia", "story must end after 3 tokens, got str 'Mia' more"),
    ],
)
def test_surprise_rejects_what_the_grammar_cannot_write(story, complaint):
    with pytest.raises(ValueError, match=complaint):
        SMALL.surprisal(story)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ({}, "rules must have one named story"),
        ({"story": ()}, "rules must give story at least one alternative"),
        ({"story": ("a", "")}, "none without a word"),
        ({"story": ("the {cat}",)}, "rules must define {cat}"),
        (
            {"story": ("the {cat}s",), "cat": ("cat", "dog")},
            "rules must part words by blanks or marks",
        ),
        ({"story": ("the cat", "the dog")}, "rules must begin the alternatives of story with different words"),
        ({"story": ("{a}", "{b}"), "a": ("x", "y"), "b": ("y z",)}, "alternatives of story with different words"),
        ({"story": ("{story} a", "b")}, "rules must not begin story with story itself"),
        ({"story": ("a {story}",)}, "rules must let stories end"),
        ({"story": ("a {story} {story} {story}", "b")}, "rules must let stories end"),
        ({"story": ("{HERO}",), "HERO": ("a {b}",), "b": ("c",)}, "rules must give the role HERO plain text"),
    ],
)
def test_grammar_rejects_rules_without_a_known_entropy(rules, complaint):
    with pytest.raises(ValueError, match=complaint):
        Grammar(rules)


def test_write_rejects_a_role_introduced_by_a_form_that_many_share():
    shy = Grammar({"story": ("{HERO.They} ran.",), "HERO": SMALL.rules["HERO"]})
    with pytest.raises(ValueError, match=r"rules must introduce HERO by a form .* not by HERO\.They"):
        shy.write(rng=np.random.default_rng(0))


def test_choices_read_back_give_the_probability_of_every_story():
    for story, p in ALL.items():
        product = 1.0
        for rule, rank in SMALL.choices(story):
            n = len(SMALL.rules[rule])
            product *= 1 / (rank + 1) / sum(1 / (r + 1) for r in range(n))
        assert math.isclose(product, p, rel_tol=1e-12)


def test_choices_reject_what_the_grammar_cannot_have_written():
    with pytest.raises(ValueError, match="story must have a story at token 0"):
        SMALL.choices("Once upon a time.")


def test_a_grammar_can_write_what_it_writes_and_nothing_else():
    rng = np.random.default_rng(0)
    for story in (SMALL.write(rng=rng) for _ in range(50)):
        assert SMALL.can_write(story)
        assert not SMALL.can_write(story + "Once")
        assert not SMALL.can_write("moo " + story)
    assert not SMALL.can_write("")


def test_write_draws_as_generator_choice_does():
    toss = Grammar({"story": ("{coin} {coin} {coin}",), "coin": ("heads", "tails", "edge")})
    rng, oracle = np.random.default_rng(3), np.random.default_rng(3)
    sides = np.array(["heads", "tails", "edge"])
    for _ in range(50):
        oracle.choice(1, p=[1.0])  # for the rule named story, which has one alternative
        expected = [sides[oracle.choice(3, p=np.array([6, 3, 2]) / 11)] for _ in range(3)]
        assert toss.write(rng=rng).split() == expected


def test_words_are_those_of_every_story_enumerated():
    assert set(SMALL.words) == {word for story in ALL for word in tokens(story)}
    assert list(SMALL.words) == sorted(SMALL.words)
