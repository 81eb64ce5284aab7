"""Two tasks on stories, labelled by construction: how the child ends, and what was told.

The endings are classified: happy or sad. One word never decides it. Someone else may smile, the
order of the two may be turned round, and "no more" turns a feeling into its opposite. The
questions are answered by a span of the story: a name, a colour, a thing, a place.

All is told in the words of `STORIES`, up to a few, so a model that has read stories has met them.

Taught in: 18 21
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer

from kit.arguments import count, instance, integer_array, one_of, shown
from kit.text.grammar import Grammar, tokens
from kit.text.stories import STORIES

END = 0
"""The id of the line end, which closes every story and begins a row."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The end of a story, and whether it is a happy one for the child."""

    text: str
    happy: bool


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about a story; its answer is the tokens of the story from `first` to `last`, both included."""

    text: str
    story: str
    first: int
    last: int

    @property
    def answer(self) -> str:
        """Give the answer as words."""
        return " ".join(tokens(self.story)[self.first : self.last + 1])


_FEELINGS = {
    **{rule: STORIES.rules[rule] for rule in ("HERO", "HELPER", "manner", "lonely")},
    "story": ("At last {HERO.name} met a {manner} {HELPER.name}. {close}\n",),
    "close": (
        "The {HELPER.name} {either} {for_now}, {link} {HERO.name} {feeling}.",
        "{HERO.name} {feeling}, {link} the {HELPER.name} {either} {for_now}.",
    ),
    "link": ("and", "but"),
    "joy": ("smiled", "laughed", "clapped", "bowed", "danced on one leg", "sang a song about the moon"),
    "grief": (
        *("was very sad", "cried a little", "felt like a {lonely} in the rain", "took a deep breath"),
        *("sat down and thought", "looked like last year's leaves"),
    ),
    "either": ("{joy}", "{grief}"),
    "for_now": ("no more", *(when for when in STORIES.rules["when"] if isinstance(when, str))),
    "for_long": tuple(when for when in STORIES.rules["when"] if isinstance(when, str)),
}
ENDINGS = {
    True: Grammar(_FEELINGS | {"feeling": ("{joy} {for_long}", "{grief} no more")}),
    False: Grammar(_FEELINGS | {"feeling": ("{grief} {for_long}", "{joy} no more")}),
}
"""The grammar of happy endings, and that of sad ones; neither can have written what the other has."""

TALES = Grammar(
    {
        **STORIES.rules,
        "story": ("{opening} {treasure} {loss} {meeting} {finding}\n",),
        "meeting": ("At last {HERO.they} met a {manner} {HELPER.name}.",),
    }
)
"""Stories cut down to the facts that can be asked for."""

ASKED = {
    "HERO": "Who lost the {thing}?",
    "COLOUR": "What colour was the {thing}?",
    "THING": "What was gone?",
    "HELPER": "Who helped {hero}?",
    "PLACE": "Where was the {thing}?",
    "home": "Where did {hero} live?",
}
"""What can be asked: the rule or role that tells it, and the question."""

_TASK_WORDS = {
    *(word for grammar in (*ENDINGS.values(), TALES) for word in grammar.words),
    *(word for question in ASKED.values() for word in tokens(question.format(thing="kite", hero="Mia"))),
}
WORDS: tuple[str, ...] = tuple(sorted({*STORIES.words, *_TASK_WORDS}))
"""Every word and mark of stories and tasks, in the order of their ids; the line end comes first."""
_IDS = {word: i for i, word in enumerate(WORDS)}


def write_endings(n: int, *, rng: np.random.Generator) -> list[Ending]:
    """Write endings, each happy by the toss of a coin.

    Raises:
        TypeError, ValueError: if `n` is not a whole number above 0, or `rng` is not a generator.
    """
    instance("rng", rng, np.random.Generator)
    coins = rng.random(count("n", n)) < 0.5
    return [Ending(text=ENDINGS[happy].write(rng=rng), happy=happy) for happy in coins.tolist()]


def write_questions(n: int, *, rng: np.random.Generator) -> list[Question]:
    """Write questions, each about a story of its own; all of them are asked equally often.

    Raises:
        TypeError, ValueError: if `n` is not a whole number above 0, or `rng` is not a generator.
    """
    instance("rng", rng, np.random.Generator)
    asked = rng.choice(list(ASKED), size=count("n", n))
    return [ask(TALES.write(rng=rng), about) for about in asked.tolist()]


def ask(story: str, about: str) -> Question:
    """Ask for one fact of a story of `TALES`; the answer is where the story first tells it.

    Args:
        about: one of `ASKED`.

    Raises:
        ValueError: if `TALES` cannot have written the story, or `about` is not one of `ASKED`.
    """
    one_of("about", about, tuple(ASKED))
    mentions = TALES.first_mentions(story)
    thing, hero, answer = (_name(rule, mentions[rule][0]) for rule in ("THING", "HERO", about))
    first = mentions[about][1]
    text = ASKED[about].format(thing=thing, hero=hero)
    return Question(text=text, story=story, first=first, last=first + len(tokens(answer)) - 1)


def _name(rule: str, rank: int) -> str:
    alternative = TALES.rules[rule][rank]
    return alternative if isinstance(alternative, str) else alternative["name"]


def encode(text: str) -> Int[np.ndarray, "tokens"]:
    r"""Turn a text into the ids of its words.

    Raises:
        TypeError: if `text` is not a str.
        ValueError: if a word is not one of `WORDS`.

    >>> encode("\n")
    array([0])
    """
    instance("text", text, str)
    words = tokens(text)
    if unknown := [word for word in words if word not in _IDS]:
        raise ValueError(f"text must be in the words of the stories, got {shown(unknown[0])}")
    return np.array([_IDS[word] for word in words], dtype=np.int64)


def decode(ids: Integer[np.ndarray, "tokens"]) -> str:
    """Turn ids into a text, marks set as in print; encoded, it gives the same ids.

    Raises:
        TypeError, ValueError: if `ids` are not ids of `WORDS`.

    >>> decode(encode('"Yes!" hooted   Mia.'))
    '"Yes!" hooted Mia.'
    """
    ids = integer_array("ids", ids)
    if ids.ndim != 1 or ids.min() < 0 or ids.max() >= len(WORDS):
        raise ValueError(f"ids must be a row of numbers from 0 to {len(WORDS) - 1}, got {shown(ids.tolist())}")
    text, quoted, glued = "", False, True
    for word in (WORDS[i] for i in ids):
        opens = word == '"' and not quoted
        if not (glued or word in ".,:?!'\n" or (word == '"' and quoted)):
            text += " "
        text += word
        quoted = quoted != (word == '"')
        glued = opens or word in "'\n"
    return text
