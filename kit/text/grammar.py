"""Grammars whose entropy is known, so that the loss of a language model has an exact floor.

A grammar is a table of rules. A rule lists its alternatives, likeliest first: the one of rank r
is taken with probability proportional to 1/r, which gives words the long tail they have in books.
An alternative is a text with {rule} wherever another rule is to be expanded. A rule in CAPITALS is
a role, cast once a story and the same from then on; its alternatives are plain texts, or tables
of forms such as a name and its pronouns, {HERO.name} and {HERO.they}.

The alternatives of a rule begin with different words. One word therefore tells which was taken,
a story can be read back in one way only, and its probability is the product of its choices.

Taught in: 16 18
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

import numpy as np
from jaxtyping import Float

from kit.arguments import instance, shown

Alternative = str | Mapping[str, str]
Callback = Callable[[int, "_Choice", int], object]  # is told each choice: at which token, and the rank taken


def tokens(story: str) -> list[str]:
    r"""Cut a story into words, punctuation marks and line ends: what its entropy is counted in.

    >>> tokens("Mia ran.\n")
    ['Mia', 'ran', '.', '\n']
    """
    instance("story", story, str)
    return re.findall(r"\w+|[^\w\s]|\n", story)


@dataclass(frozen=True)
class Grammar:
    """A probabilistic grammar that writes stories, reads them back, and knows their entropy.

    Raises:
        ValueError: if no rule is named story, or a rule has no alternatives, asks for a rule or
            form that is missing, glues it to a word, begins with itself, never ends, or has two
            alternatives that begin with the same word.

    Source: Soule (1974), Entropies of probabilistic grammars, Information and Control 25, 57-74.
    Oracle: every story of a small grammar, enumerated; counts of the choices in sampled stories.

    >>> toss = Grammar({"story": ("{coin} {coin}",), "coin": ("heads", "tails")})  # 2/3 and 1/3
    >>> toss.surprisal("heads tails").round(3)  # -log₂ 2/3 and -log₂ 1/3
    array([0.585, 1.585])
    """

    rules: Mapping[str, tuple[Alternative, ...]]

    def __post_init__(self) -> None:
        """Check the promises that make the entropy exact."""
        if "story" not in self.rules:
            raise ValueError(f"rules must have one named story, got {shown([*self.rules])}")
        for symbol, choice in self._choices.items():
            if choice.role and any("{" in option for option in choice.options):
                raise ValueError(f"rules must give the role {symbol} plain text: it stays the same all story long")
            if not choice.role and not choice.rank_by_first_word:
                raise ValueError(f"rules must begin the alternatives of {symbol} with different words")
        if not all(0 < visits < math.inf for visits in self._visits.values()):
            raise ValueError("rules must let stories end, got one that asks for itself once or more on average")

    def write(self, *, rng: np.random.Generator) -> str:
        """Write one story."""
        instance("rng", rng, np.random.Generator)
        return self._expand("story", {}, rng)

    def surprisal(self, story: str) -> Float[np.ndarray, "tokens"]:
        """Measure each token of a story in bits: what a reader pays who knows the grammar and the story so far.

            surprisalₜ = -log₂ p(tokenₜ | tokens before t)

        Their mean over many stories is `bits_per_token`; no model can do better for long.

        Raises:
            ValueError: if the grammar cannot have written the story.
        """
        bits = np.zeros(len(tokens(story)))

        def pay(at: int, choice: _Choice, rank: int) -> None:
            bits[at] -= math.log2(choice.p[rank])

        self._read_all(story, pay)
        return bits

    def can_write(self, story: str) -> bool:
        """Tell whether the grammar can have written a story.

        Raises:
            TypeError: if `story` is not a str.

        >>> toss = Grammar({"story": ("{coin} {coin}",), "coin": ("heads", "tails")})
        >>> toss.can_write("heads tails"), toss.can_write("heads")
        (True, False)
        """
        instance("story", story, str)
        try:
            self.choices(story)
        except ValueError:
            return False
        return True

    def choices(self, story: str) -> list[tuple[str, int]]:
        """Read back what was chosen: the rule or role, and the rank of the alternative taken, in order.

        Counted over many stories, they measure the entropy without a look at the grammar's probabilities.

        Raises:
            ValueError: if the grammar cannot have written the story.

        >>> Grammar({"story": ("{coin} {coin}",), "coin": ("heads", "tails")}).choices("heads tails")
        [('story', 0), ('coin', 0), ('coin', 1)]
        """
        made: list[tuple[str, int]] = []
        self._read_all(story, lambda at, choice, rank: made.append((choice.name, rank)))
        return made

    def first_mentions(self, story: str) -> dict[str, tuple[int, int]]:
        """Find where a story first tells what was chosen: for each rule or role, the rank and the number of its token.

        Raises:
            ValueError: if the grammar cannot have written the story.

        >>> Grammar({"story": ("It was {coin} .",), "coin": ("heads", "tails")}).first_mentions("It was tails .")
        {'story': (0, 0), 'coin': (1, 2)}
        """
        first: dict[str, tuple[int, int]] = {}
        self._read_all(story, lambda at, choice, rank: first.setdefault(choice.name, (rank, at)))
        return first

    @cached_property
    def words(self) -> tuple[str, ...]:
        """List every token that a story can hold, in the order of their code points.

        >>> Grammar({"story": ("{coin} {coin}",), "coin": ("heads", "tails")}).words
        ('heads', 'tails')
        """
        options = [option for choice in self._choices.values() for parts in choice.parts for option, _ in parts]
        return tuple(sorted({word for option in options for word in tokens(option)}))

    @cached_property
    def bits_per_story(self) -> float:
        """Compute the entropy of a story: for each choice, how often it is made times its own entropy.

        H = Σ visits(rule) · H(rule) + Σ p(role is cast) · H(role),    H(rule) = -Σ p log₂ p
        """
        roles = {choice.role: choice for choice in self._choices.values() if choice.role}
        free = sum(v * self._choices[s].entropy for s, v in self._visits.items() if not self._choices[s].role)
        return free + sum(self._cast_probability(role) * choice.entropy for role, choice in roles.items())

    @cached_property
    def tokens_per_story(self) -> float:
        """Compute the expected number of tokens of a story."""
        return self._expected(lambda text: len(tokens(text)))

    @cached_property
    def bytes_per_story(self) -> float:
        """Compute the expected length of a story in UTF-8."""
        return self._expected(lambda text: len(text.encode()))

    @property
    def bits_per_token(self) -> float:
        """Divide: the floor of the loss, in bits, of a model that sees stories as `tokens` does."""
        return self.bits_per_story / self.tokens_per_story

    @property
    def bits_per_byte(self) -> float:
        """Divide: the floor of any model or compressor, whatever its tokens are."""
        return self.bits_per_story / self.bytes_per_story

    @cached_property
    def _choices(self) -> dict[str, "_Choice"]:
        """Find every symbol that a story can come to, as {rule} or {ROLE.form}, and what it stands for."""
        found, waiting = {}, ["story"]
        while waiting:
            symbol = waiting.pop()
            if symbol in found:
                continue
            rule, _, form = symbol.partition(".")
            try:
                options = [each[form] if isinstance(each, Mapping) else each for each in self.rules[rule]]
            except KeyError:
                raise ValueError(f"rules must define {{{symbol}}}, which an alternative asks for") from None
            if not options or not all(tokens(option) for option in options):
                raise ValueError(f"rules must give {symbol} at least one alternative, and none without a word")
            if glued := [option for option in options if re.search(r"\w\{|\}[\w{]", option)]:
                raise ValueError(f"rules must part words by blanks or marks, got {glued[0]!r}")
            found[symbol] = _Choice(name=rule, options=options, role=rule if rule.isupper() else "")
            waiting += [s for option in found[symbol].parts for _, s in option if s]
        for symbol, choice in found.items():
            choice.learn_first_words(symbol, found)
        return found

    def _choose(self, symbol: str, cast: dict[str, int], choose: Callable[["_Choice"], int]) -> list[tuple[str, str]]:
        """Return the parts of the alternative taken; a role that is cast already is not chosen again."""
        choice = self._choices[symbol]
        if choice.role not in cast:
            if not choice.rank_by_first_word:
                raise ValueError(f"rules must introduce {choice.role} by a form that tells who it is, not by {symbol}")
            rank = choose(choice)
            if not choice.role:
                return choice.parts[rank]
            cast[choice.role] = rank
        return choice.parts[cast[choice.role]]

    def _expand(self, symbol: str, cast: dict[str, int], rng: np.random.Generator) -> str:
        parts = self._choose(symbol, cast, lambda choice: bisect_right(choice.up_to, rng.random()))
        return "".join(literal + (self._expand(s, cast, rng) if s else "") for literal, s in parts)

    def _read_all(self, story: str, callback: Callback) -> None:
        words = tokens(story)
        end = self._read("story", words, 0, {}, callback)
        if end != len(words):
            raise ValueError(f"story must end after {end} tokens, got {shown(words[end])} more")

    def _read(self, symbol: str, words: list[str], at: int, cast: dict[str, int], callback: Callback) -> int:
        parts = self._choose(symbol, cast, lambda choice: choice.recognise(symbol, words, at, callback))
        for literal, s in parts:
            for word in tokens(literal):
                if words[at : at + 1] != [word]:
                    raise ValueError(f"story must have {word!r} at token {at}, got {shown(words[at : at + 1])}")
                at += 1
            if s:
                at = self._read(s, words, at, cast, callback)
        return at

    @cached_property
    def _visits(self) -> dict[str, float]:
        """Solve for the number of times that a story is expected to expand each symbol: v = e + Aᵀ v."""
        row = {symbol: i for i, symbol in enumerate(self._choices)}  # the story itself comes first
        calls = np.zeros((len(row), len(row)))
        for symbol, choice in self._choices.items():
            for p, parts in zip(choice.p, choice.parts, strict=True):
                for _, s in parts:
                    if s:
                        calls[row[symbol], row[s]] += p
        try:
            visits = np.linalg.solve(np.eye(len(row)) - calls.T, np.eye(len(row))[0])
        except np.linalg.LinAlgError:  # a rule that asks for itself exactly once on average
            visits = np.full(len(row), math.inf)
        return dict(zip(row, visits.tolist(), strict=True))

    def _expected(self, length: Callable[[str], int]) -> float:
        return sum(
            self._visits[symbol] * p * length(literal)
            for symbol, choice in self._choices.items()
            for p, parts in zip(choice.p, choice.parts, strict=True)
            for literal, _ in parts
        )

    def _cast_probability(self, role: str) -> float:
        """Iterate p(role is missed in s) = Σ p(option) Π p(missed in each part) upwards to its fixed point."""
        missed, before = dict.fromkeys(self._choices, 0.0), None
        while missed != before:  # it ends: rounded sums and products of what grows do not shrink
            before = dict(missed)
            for symbol, choice in self._choices.items():
                if choice.role != role:
                    missed[symbol] = sum(
                        p * math.prod(missed[s] for _, s in parts if s)
                        for p, parts in zip(choice.p, choice.parts, strict=True)
                    )
        return 1 - missed["story"]


class _Choice:
    """One symbol's alternatives: their texts, their probabilities, and the first words that tell them apart."""

    def __init__(self, *, name: str, options: list[str], role: str) -> None:
        self.name = name
        self.options = options
        self.role = role
        self.parts = [[(literal, symbol or "") for literal, symbol, *_ in Formatter().parse(each)] for each in options]
        weights = 1 / np.arange(1, len(options) + 1)
        self.p: list[float] = (weights / weights.sum()).tolist()
        # what `Generator.choice` adds up afresh at each call, which took four fifths of the time of a story
        up_to = np.cumsum(self.p)
        self.up_to: list[float] = (up_to / up_to[-1]).tolist()
        self.entropy = -sum(p * math.log2(p) for p in self.p)
        self.rank_by_first_word: dict[str, int] = {}

    def learn_first_words(self, symbol: str, choices: dict[str, "_Choice"]) -> None:
        words = [(word, rank) for rank in range(len(self.parts)) for word in self._begins(rank, choices, (symbol,))]
        # left empty where two alternatives begin alike
        self.rank_by_first_word = dict(words) if len(dict(words)) == len(words) else {}

    def recognise(self, symbol: str, words: list[str], at: int, callback: Callback) -> int:
        rank = self.rank_by_first_word.get(words[at]) if at < len(words) else None
        if rank is None:
            raise ValueError(f"story must have a {symbol} at token {at}, got {shown(words[at : at + 1])}")
        callback(at, self, rank)
        return rank

    def _begins(self, rank: int, choices: dict[str, "_Choice"], inside: tuple[str, ...]) -> set[str]:
        literal, symbol = self.parts[rank][0]
        if words := tokens(literal):
            return {words[0]}
        if symbol in inside:
            raise ValueError(f"rules must not begin {symbol} with {symbol} itself")
        first = choices[symbol]
        return set().union(*(first._begins(i, choices, (*inside, symbol)) for i in range(len(first.parts))))
