"""A blind judgement: which of two short texts is better? Two writers, a random side for each, some pairs twice.

Taught in: 08
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from jaxtyping import Float, Int

from kit.arguments import count, instance, real_array, several, shown
from kit.text.grammar import tokens
from kit.text.stories import STORIES

N_STORIES, N_WORDS = 200, 24  # that the writers have read, and that they write
N_PAIRS, N_AGAIN = 20, 10
FIRST, SECOND = 3, 1  # the words before it by which each writer chooses the next
ANSWERS = ("left", "tie", "right")
CARELESS = 0.2  # how often the simulated judge presses any key


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts to compare, and what the judge may not see: which is whose, and which pair this is.

    Args:
        number: the same for the two times that a pair is shown.
    """

    left: str
    right: str
    first_is_left: bool
    number: int


@cache
def stories_read() -> tuple[tuple[str, ...], ...]:
    """Cut the stories that both writers have read into words."""
    rng = np.random.default_rng(0)
    return tuple(tuple(tokens(STORIES.write(rng=rng))) for _ in range(N_STORIES))


def write_text(*, context: int, rng: np.random.Generator, n_words: int = N_WORDS) -> str:
    """Write on from a story's first words, each word one that once followed the last few.

    Args:
        context: how many words those are; the more, the more the text is copied.

    Raises:
        TypeError, ValueError: if `context` or `n_words` is no whole number of at least 1, or `rng` no generator.

    Source: Shannon (1948), Bell System Technical Journal 27, section 3.
    """
    context, n_words = count("context", context), count("n_words", n_words)
    instance("rng", rng, np.random.Generator)
    followers = _followers(context)
    story = stories_read()[rng.integers(N_STORIES)]
    written = list(story[: max(context, 4)])
    while len(written) < n_words:
        after = followers.get(tuple(written[-context:])) or ("\n",)
        word = after[rng.integers(len(after))]
        if word == "\n":
            break
        written.append(word)
    return " ".join(written).replace(" .", ".").replace(" ,", ",").replace(" !", "!").replace(" ?", "?")


@cache
def _followers(context: int) -> dict[tuple[str, ...], tuple[str, ...]]:
    found: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for story in stories_read():
        for i in range(len(story) - context):
            found[story[i : i + context]].append(story[i + context])
    return {before: tuple(after) for before, after in found.items()}


@cache
def text_pairs() -> tuple[Pair, ...]:
    """Let both writers write 20 texts, put each on a side by lot, and show ten pairs again with sides swapped."""
    rng = np.random.default_rng(1)
    pairs = []
    for number in range(N_PAIRS):
        texts = [write_text(context=context, rng=rng) for context in (FIRST, SECOND)]
        first_is_left = bool(rng.integers(2))
        left, right = texts if first_is_left else texts[::-1]
        pairs.append(Pair(left=left, right=right, first_is_left=first_is_left, number=number))
    again = [pairs[i] for i in rng.permutation(N_PAIRS)[:N_AGAIN]]
    for pair in again:
        turned = Pair(left=pair.right, right=pair.left, first_is_left=not pair.first_is_left, number=pair.number)
        pairs.append(turned)
    return tuple(pairs)


def simulated_answers(pairs: Sequence[Pair], *, rng: np.random.Generator) -> list[str]:
    """Judge as a simulated reader does, who looks for runs of three words seen in stories, and at times for nothing.

    Raises:
        TypeError: if `pairs` is no collection of them, or `rng` no generator.
    """
    pairs = _pairs(pairs)
    instance("rng", rng, np.random.Generator)
    known = {story[i : i + 3] for story in stories_read() for i in range(len(story) - 2)}

    def share(text: str) -> float:
        words = tokens(text)
        return float(np.mean([tuple(words[i : i + 3]) in known for i in range(len(words) - 2)]))

    answers = []
    for pair in pairs:
        ahead = share(pair.left) - share(pair.right)
        sure = "tie" if abs(ahead) < 0.02 else "left" if ahead > 0 else "right"
        answers.append(ANSWERS[rng.integers(3)] if rng.random() < CARELESS else sure)
    return answers


def outcomes(pairs: Sequence[Pair], answers: Sequence[str]) -> Float[np.ndarray, "pairs"]:
    """Turn answers about left and right into wins of the first writer: 1, 0.5 for a tie, 0.

    Raises:
        TypeError, ValueError: if `answers` are not "left", "tie" or "right" for each of `pairs`.
    """
    pairs = _pairs(pairs)
    several("answers", answers)
    if len(answers) != len(pairs) or not all(answer in ANSWERS for answer in answers):
        raise ValueError(f"answers must be {', '.join(ANSWERS)} for each of {len(pairs)} pairs, got {shown(answers)}")
    left = {"left": 1.0, "tie": 0.5, "right": 0.0}
    wins = [
        left[answer] if pair.first_is_left else 1 - left[answer] for pair, answer in zip(pairs, answers, strict=True)
    ]
    return np.array(wins)


def judged_twice(
    pairs: Sequence[Pair], wins: Float[np.ndarray, "pairs"]
) -> tuple[Int[np.ndarray, "again"], Int[np.ndarray, "again"]]:
    """Give the first and the second judgement of each pair that came twice, as classes: 0, 1 for a tie, 2.

    Raises:
        TypeError, ValueError: if no pair came twice, or `wins` are not 0, 0.5 or 1 for each.
    """
    pairs, wins = _pairs(pairs), real_array("wins", wins, ndim=1)
    if len({pair.number for pair in pairs}) == len(pairs):
        raise ValueError(f"pairs must hold one that comes twice, got {len(pairs)} different ones")
    if len(wins) != len(pairs) or not np.isin(wins, (0, 0.5, 1)).all():
        raise ValueError(f"wins must be 0, 0.5 or 1 for each of {len(pairs)} pairs, got {shown(wins.tolist())}")
    seen: dict[int, float] = {}
    twice = []
    for pair, win in zip(pairs, wins, strict=True):
        if pair.number in seen:
            twice.append((seen[pair.number], win))
        seen.setdefault(pair.number, win)
    first, second = (2 * np.array(twice)).astype(np.int64).T
    return first, second


def _pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    several("pairs", pairs)
    for pair in pairs:
        instance("pairs", pair, Pair)
    return tuple(pairs)


class Judge(anywidget.AnyWidget):
    """Show pairs of texts one after the other, and keep what is answered; the page never learns who wrote which.

    The arrow keys judge: left, right, and down for no difference. Backspace takes an answer back.

    Args:
        pairs: what to judge, in this order.

    Raises:
        TypeError: if `pairs` is no collection of pairs.
    """

    _esm = Path(__file__).with_name("judging.js").read_text(encoding="utf-8")
    _css = "\n".join(
        (
            Path(__file__).with_name("live.css").read_text(encoding="utf-8"),
            ".kit-judge { border: 1px solid var(--kit-faint); border-radius: 6px; padding: 8px 12px; }",
            ".kit-judge-pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; min-height: 7em; }",
            ".kit-judge-text { border-left: 3px solid var(--kit-accent); padding-left: 10px; }",
        )
    )
    _ipython_display_ = None  # else ipywidgets 7 would bypass _repr_mimebundle_
    texts = traitlets.List().tag(sync=True)
    answers = traitlets.List().tag(sync=True)

    def __init__(self, pairs: Sequence[Pair]):
        self.pairs = _pairs(pairs)
        super().__init__(texts=[[pair.left, pair.right] for pair in self.pairs])

    @property
    def finished(self) -> bool:
        """Whether every pair has been judged."""
        return len(self.answers) == len(self.pairs)

    def _repr_mimebundle_(self, **kwargs):
        """Add the first pair in words, for readers without a kernel."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        first = self.pairs[0]
        words = f"Pair 1 of {len(self.pairs)}\n  left:  {first.left}\n  right: {first.right}"
        return {**data, "text/plain": words}, metadata


def judge() -> Judge:
    """Open the blind comparison of the two writers."""
    return Judge(text_pairs())
