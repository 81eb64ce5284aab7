"""The exercises of notebook 15: one spelling, a signature, chunks, a planted leak, and the price of a leak.

Taught in: 15
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.text.corpus import Document, standard_library, train_test_split
from kit.text.dedup import jaccard, shingles


def _normal(
    text: str, *, lines: bool = True, form: Literal["NFC", "NFD", "NFKC", ""] = "NFC", blanks: bool = True
) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n") if lines else text
    text = unicodedata.normalize(form, text) if form else text
    return re.sub(r"[ \t]+(?=\n|\Z)", "", text) if blanks else text


spelling = Exercise(
    notebook="15",
    name="one spelling",
    solution=_normal,
    cases=(("cafe\u0301 x\u00b2 \r\nopen\t\r\n  end ",), ("one\rtwo \u00fc  \n\n three\n",), ("wide\u00a0\nend\t \n",)),
    mistakes=(
        Mistake(
            hint="A return without a newline also ends a line: old Macs wrote so. Replace it too, after \\r\\n.",
            answer=lambda text: _normal(text.replace("\r\n", "\n"), lines=False),
        ),
        Mistake(
            hint="You replaced \\r before \\r\\n. Each Windows line end became two newlines.",
            answer=lambda text: _normal(text.replace("\r", "\n"), lines=False),
        ),
        Mistake(
            hint="The line ends are still mixed: \\r\\n and \\r must become \\n.",
            answer=lambda text: _normal(text, lines=False),
        ),
        Mistake(
            hint="NFKC rewrites what shows: x² became x2. NFC joins letters and accents, and does no more.",
            answer=lambda text: _normal(text, form="NFKC"),
        ),
        Mistake(
            hint="NFD takes letters and accents apart. NFC joins them.", answer=lambda text: _normal(text, form="NFD")
        ),
        Mistake(
            hint="e and its accent are still two characters. unicodedata.normalize joins them.",
            answer=lambda text: _normal(text, form=""),
        ),
        Mistake(
            hint="Blanks are left at the ends of lines. Strip the right end of every line.",
            answer=lambda text: _normal(text, blanks=False),
        ),
        Mistake(
            hint="rstrip() takes every kind of white space, such as the no-break space, which is a sign of the text. "
            "Name what is to go: rstrip(' \\t').",
            answer=lambda text: "\n".join(line.rstrip() for line in _normal(text, blanks=False).split("\n")),
        ),
        Mistake(
            hint="strip also takes the blanks before a line. In code they carry meaning: use rstrip.",
            answer=lambda text: "\n".join(line.strip() for line in _normal(text).split("\n")),
        ),
    ),
)


def _hashes(members: np.ndarray, factors: np.ndarray, terms: np.ndarray) -> np.ndarray:
    return (factors[:, None] * members + terms[:, None]) >> np.uint64(32)


def _case(n_members: int, n_hashes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    members, factors, terms = (rng.integers(0, 2**64, size=n, dtype=np.uint64) for n in (n_members, n_hashes, n_hashes))
    return members, factors | np.uint64(1), terms


signature = Exercise(
    notebook="15",
    name="a MinHash signature",
    solution=lambda members, factors, terms: _hashes(members, factors, terms).min(axis=1),
    cases=(_case(5, 3, 0), _case(40, 8, 1)),
    mistakes=(
        Mistake(
            hint="MinHash keeps the least hash. You kept the largest.",
            answer=lambda *case: _hashes(*case).max(axis=1),
        ),
        Mistake(
            hint="That is one number for each member. Take the least over the members, one for each hash function.",
            answer=lambda *case: _hashes(*case).min(axis=0),
        ),
        Mistake(
            hint="That is the least of all hashes. Each hash function has a least of its own.",
            answer=lambda *case: _hashes(*case).min(),
        ),
        Mistake(
            hint="You hashed the least member. The least of the hashes is wanted: hash first, then take the least.",
            answer=lambda members, factors, terms: _hashes(members.min(keepdims=True), factors, terms)[:, 0],
        ),
        Mistake(
            hint="The shift by 32 bits is missing: only the upper half of the product is mixed well.",
            answer=lambda members, factors, terms: (factors[:, None] * members + terms[:, None]).min(axis=1),
        ),
        Mistake(
            hint="The terms are missing: the hash is factor · x + term.",
            answer=lambda members, factors, terms: _hashes(members, factors, 0 * terms).min(axis=1),
        ),
        Mistake(
            hint="That is the member with the least hash. Return the hash itself.",
            answer=lambda members, factors, terms: members[_hashes(members, factors, terms).argmin(axis=1)],
        ),
        Mistake(
            hint="That is the place of the least hash. Return the hash: min, not argmin.",
            answer=lambda *case: _hashes(*case).argmin(axis=1),
        ),
    ),
    rtol=0,
)


def _chunks(stream: np.ndarray, length: int, overlap: int, *, step: int, tail: int, fill: int = 0) -> np.ndarray:
    """Cut rows; `tail`: 1 keeps a last row that is not full, 0 drops it, 2 adds one more."""
    if tail == 1:
        n = 1 + max(0, -(-(len(stream) - length) // step))
    else:
        n = 1 + (len(stream) - length) // step if not tail else -(-len(stream) // step)
    padded = np.concatenate([stream, np.full(n * step + length, fill)])
    return np.stack([padded[i * step : i * step + length] for i in range(n)])


chunks = Exercise(
    notebook="15",
    name="chunks that overlap",
    solution=lambda stream, length, overlap: _chunks(stream, length, overlap, step=length - overlap, tail=1),
    cases=((np.arange(1, 12), 4, 1), (np.arange(1, 11), 4, 2), (np.arange(1, 8), 5, 3), (np.arange(1, 6), 5, 2)),
    mistakes=(
        Mistake(
            hint="The rows do not overlap. Each begins length - overlap after the one before.",
            answer=lambda stream, length, overlap: _chunks(stream, length, overlap, step=length, tail=1),
        ),
        Mistake(
            hint="The step is the overlap. It should be what is fresh in a row: length - overlap.",
            answer=lambda stream, length, overlap: _chunks(stream, length, overlap, step=overlap, tail=1),
        ),
        Mistake(
            hint="Tokens at the end are lost: the last row is kept even where it is not full.",
            answer=lambda stream, length, overlap: _chunks(stream, length, overlap, step=length - overlap, tail=0),
        ),
        Mistake(
            hint="Your last row repeats what the row before it holds. Stop as soon as every token is in a row.",
            answer=lambda stream, length, overlap: _chunks(stream, length, overlap, step=length - overlap, tail=2),
        ),
        Mistake(
            hint="Fill the last row with 0. You used -1.",
            answer=lambda stream, length, overlap: _chunks(
                stream, length, overlap, step=length - overlap, tail=1, fill=-1
            ),
        ),
        Mistake(
            hint="The rows overlap by one token too many: the step is length - overlap.",
            answer=lambda stream, length, overlap: _chunks(stream, length, overlap, step=length - overlap - 1, tail=1),
        ),
    ),
)

PLANTED = 4


@cache
def leaky_split() -> tuple[list[str], list[str]]:
    """Split some packages of the standard library by file, and plant a leak.

    Returns:
        Training texts and held-out texts. The training texts hold, in disguise, near-duplicates of
        `PLANTED` held-out texts: other line ends, other names for what is most used, a new head.
    """
    packages = ("asyncio/", "concurrent/", "html/", "http/", "importlib/", "json/", "logging/", "urllib/", "xml/")
    texts = [each for each in standard_library() if each.name.startswith(packages) and 2000 < len(each.text) < 40_000]
    train, held_out = train_test_split(texts, held_out=0.3)
    rng = np.random.default_rng(2)
    chosen = sorted(rng.choice(len(held_out), size=PLANTED, replace=False).tolist())
    disguised = [_disguise(held_out[place]) for place in chosen]
    mixed = [document.text for document in train] + disguised
    return [mixed[i] for i in rng.permutation(len(mixed))], [document.text for document in held_out]


def _disguise(document: Document) -> str:
    text = re.sub(r"\bself\b", "this", document.text) if document.text.count("self") < 40 else document.text
    head = f"# {document.name.rpartition('/')[2]}, copied into our own tree and renamed\n# Do not edit\n\n"
    return (head + text).replace("\n", "\r\n")


@cache
def _overlaps() -> np.ndarray:
    """Measure how far each held-out text overlaps with each training text, exactly."""
    train, held_out = ([shingles(text) for text in texts] for texts in leaky_split())
    return np.array([[jaccard(a, b) for b in train] for a in held_out])


def _leaked(*, threshold: float = 0.5) -> list[int]:
    return np.flatnonzero(_overlaps().max(axis=1) >= threshold).tolist()


leak = Exercise(
    notebook="15",
    name="find the leak",
    solution=_leaked,
    cases=((),),
    mistakes=(
        Mistake(
            hint="Those are places in the training list. Which texts of the held-out list have leaked?",
            answer=lambda: np.flatnonzero(_overlaps().max(axis=0) >= 0.5).tolist(),
        ),
        Mistake(
            hint="Those places are counted in the two lists put together. Subtract the length of the training list.",
            answer=lambda: [len(leaky_split()[0]) + place for place in _leaked()],
        ),
        Mistake(
            hint="That is how many texts have leaked. Give their places in the held-out list.",
            answer=lambda: len(_leaked()),
        ),
        Mistake(
            hint="Those are all the held-out texts. A leak shows by a high overlap: ask for at least 0.5.",
            answer=lambda: list(range(len(leaky_split()[1]))),
        ),
        Mistake(
            hint="Those are the texts that have not leaked.",
            answer=lambda: sorted(set(range(len(leaky_split()[1]))) - set(_leaked())),
        ),
        Mistake(
            hint="Those pairs are counted from one. Python counts from zero.",
            answer=lambda: [place + 1 for place in _leaked()],
        ),
    ),
)


Score = Callable[[Sequence[str], Sequence[str]], float]
Overlap = Callable[[str, str], float]


def _toy_score(train: Sequence[str], held_out: Sequence[str]) -> float:
    """Stand in for a model: bits fall with the words that it has seen, and a little with all that it was given."""
    seen = {word for text in train for word in text.split()}
    words = [word for text in held_out for word in text.split()]
    return 8 - 6 * sum(word in seen for word in words) / max(1, len(words)) - 0.01 * len(train)


def _toy_overlap(a: str, b: str) -> float:
    first, second = set(a.split()), set(b.split())
    return len(first & second) / len(first | second)


def _price(train: Sequence[str], held_out: Sequence[str], score: Score, overlap: Overlap, *, keep: str) -> float:
    def worst(text: str, others: Sequence[str]) -> float:
        return max(overlap(text, other) for other in others)

    match keep:
        case "far":
            rest, test = [text for text in train if worst(text, held_out) < 0.5], held_out
        case "near":
            rest, test = [text for text in train if worst(text, held_out) >= 0.5], held_out
        case "first":
            rest, test = [text for text in train if overlap(text, held_out[0]) < 0.5], held_out
        case "all far":
            rest, test = [text for text in train if min(overlap(text, other) for other in held_out) < 0.5], held_out
        case "exact":
            rest, test = [text for text in train if text not in held_out], held_out
        case _:
            rest, test = train, [text for text in held_out if worst(text, train) < 0.5]
    return score(rest, test) - score(train, held_out)


price = Exercise(
    notebook="15",
    name="an experiment: the price of a leak",
    solution=lambda *case: _price(*case, keep="far"),
    cases=(
        (["a b c d", "e f g h", "i j k l", "m n o p"], ["e f g x", "i j k l", "q r s t"], _toy_score, _toy_overlap),
        (["a b c", "b c d", "x y z", "u v w", "u v"], ["u v w r", "a b c e"], _toy_score, _toy_overlap),
        (["a b c d", "x y"], ["a b c d e"], _toy_score, _toy_overlap),  # without the copy, twice the bits and more
    ),
    mistakes=(
        Mistake(
            hint="The sign is turned round: the price is the bits without the copies minus the bits with them.",
            answer=lambda *case: -_price(*case, keep="far"),
        ),
        Mistake(
            hint="You took the copies out of the held-out texts. Then two different tests are compared: "
            "take them out of training.",
            answer=lambda *case: _price(*case, keep="held out"),
        ),
        Mistake(
            hint="You kept the near-duplicates and dropped the rest. Keep what overlaps by less than 0.5.",
            answer=lambda *case: _price(*case, keep="near"),
        ),
        Mistake(
            hint="You compared with the first held-out text only. A copy of any of them is a leak.",
            answer=lambda *case: _price(*case, keep="first"),
        ),
        Mistake(
            hint="You dropped a text only if it overlaps with every held-out text. One is enough: any, not all.",
            answer=lambda *case: _price(*case, keep="all far"),
        ),
        Mistake(
            hint="Only exact copies were dropped. Use overlap, and 0.5.",
            answer=lambda *case: _price(*case, keep="exact"),
        ),
        Mistake(
            hint="That is the score without the copies. Subtract the score with them.",
            answer=lambda train, held_out, score, overlap: (
                _price(train, held_out, score, overlap, keep="far") + score(train, held_out)
            ),
        ),
    ),
)

EXERCISES = (spelling, signature, chunks, leak, price)  # in the notebook's order
