"""Quality: numbers that tell a text from junk, and rules that say why one is refused.

`Limits` has rules for source code, `GOPHER` those by which the web pages for Gopher were chosen.

Taught in: 15
"""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Shaped

from kit.arguments import instance, real, real_array, shown


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What can be seen of a text without reading it."""

    n_chars: float
    mean_line: float
    longest_line: float
    alphanumeric: float
    repeated_lines: float


def quality(text: str) -> Quality:
    r"""Measure a text: lengths in characters, shares from 0 to 1.

    `alphanumeric` is the share of its visible characters that are letters or digits;
    `repeated_lines` the share of its lines, blank ones aside, that stand in it before.

    >>> quality("moo\nmoo!")
    Quality(n_chars=8, mean_line=3.5, longest_line=4, alphanumeric=0.8571428571428571, repeated_lines=0.0)
    """
    instance("text", text, str)
    lines = text.split("\n")
    said = [line.strip() for line in lines if line.strip()]
    visible = "".join(text.split())
    return Quality(
        n_chars=len(text),
        mean_line=sum(map(len, lines)) / len(lines),
        longest_line=max(map(len, lines)),
        alphanumeric=sum(map(str.isalnum, visible)) / max(1, len(visible)),
        repeated_lines=1 - len(set(said)) / len(said) if said else 0.0,
    )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The range in which each measure of a text must lie, as (least, most).

    The defaults for the lines and for letters are those by which source code was chosen for Codex.

    Raises:
        ValueError: if a range is empty.

    Source: Chen et al. (2021), arXiv:2107.03374, section 3.1; repeated lines: Rae et al. (2021),
    arXiv:2112.11446, table A1.
    """

    n_chars: tuple[float, float] = (100, 500_000)
    mean_line: tuple[float, float] = (5, 100)
    longest_line: tuple[float, float] = (10, 1000)
    alphanumeric: tuple[float, float] = (0.25, 1)
    repeated_lines: tuple[float, float] = (0, 0.5)

    def __post_init__(self) -> None:
        """Refuse ranges that nothing could satisfy."""
        for each in fields(self):
            limits = getattr(self, each.name)
            if not (isinstance(limits, tuple) and len(limits) == 2 and limits[0] <= limits[1]):
                raise ValueError(f"{each.name} must be a range (least, most), got {shown(limits)}")

    def complaints(self, text: str) -> list[str]:
        r"""Name every rule that a text breaks; a good text breaks none.

        >>> Limits(n_chars=(5, 100), mean_line=(0, 80), longest_line=(0, 80)).complaints("moo")
        ['n_chars is 3, outside 5 to 100']
        """
        measured = quality(text)
        names = [each.name for each in fields(self)]
        return _outside({n: getattr(measured, n) for n in names}, {n: getattr(self, n) for n in names})


GOPHER: dict[str, tuple[float, float]] = {
    "n_words": (50, 100_000),
    "mean_word": (3, 10),  # characters
    "hashes_per_word": (0, 0.1),
    "ellipses_per_word": (0, 0.1),
    "bullet_lines": (0, 0.9),
    "ellipsis_lines": (0, 0.3),
    "alphabetic_words": (0.8, 1),
    "stop_words": (2, 8),
    "repeated_lines": (0, 0.3),
    "repeated_paragraphs": (0, 0.3),
    "repeated_line_chars": (0, 0.2),
    "repeated_paragraph_chars": (0, 0.2),
    **{f"top_{n}_gram_chars": (0, most) for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"repeated_{n}_gram_chars": (0, 0.2 - n / 100) for n in range(5, 11)},
}
"""The range, as (least, most), in which a good page of English lies: first its words, then what it repeats."""

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))


def gopher(text: str) -> dict[str, float]:
    r"""Measure a text by the rules of `GOPHER`, each under its name.

    Words are what blanks part, lines and paragraphs those that are not blank. `stop_words` counts
    the different ones of `STOP_WORDS`. Repeated is what stands in the text before. What ends in
    `_chars` is a share of the characters, in words where it is about runs of words (n-grams), each
    counted once however many runs it lies in; the top n-gram is the commonest, if it comes twice.

    Source: Rae et al. (2021), arXiv:2112.11446, appendix A.1.1 and table A1.

    >>> measured = gopher("to be or\nto be or")
    >>> measured["n_words"], measured["stop_words"], measured["repeated_lines"], measured["top_2_gram_chars"]
    (6, 2, 0.5, 0.6666666666666666)
    """
    instance("text", text, str)
    words, lines = text.split(), [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in re.split(r"\n\n+", text) if part.strip()]
    n_words, n_lines = max(1, len(words)), max(1, len(lines))
    measured: dict[str, float] = {
        "n_words": len(words),
        "mean_word": sum(map(len, words)) / n_words,
        "hashes_per_word": text.count("#") / n_words,
        "ellipses_per_word": (text.count("...") + text.count("…")) / n_words,
        "bullet_lines": sum(line.startswith(("•", "‣", "-", "*")) for line in lines) / n_lines,
        "ellipsis_lines": sum(line.endswith(("...", "…")) for line in lines) / n_lines,
        "alphabetic_words": sum(any(map(str.isalpha, word)) for word in words) / n_words,
        "stop_words": len(STOP_WORDS & {word.lower().strip(".,;:!?\"'()") for word in words}),
    }
    for name, parts in (("line", lines), ("paragraph", paragraphs)):
        repeated = [parts[i] for i in _again(parts)]
        measured[f"repeated_{name}s"] = len(repeated) / max(1, len(parts))
        measured[f"repeated_{name}_chars"] = sum(map(len, repeated)) / max(1, sum(map(len, parts)))
    for n in range(2, 11):
        grams = list(zip(*(words[i:] for i in range(n)), strict=False))
        kind, inside = ("top", _top(grams)) if n <= 4 else ("repeated", _again(grams))
        measured[f"{kind}_{n}_gram_chars"] = _covered(words, inside, n)
    return {name: measured[name] for name in GOPHER}


def gopher_complaints(text: str) -> list[str]:
    r"""Name every rule of `GOPHER` that a text breaks.

    >>> gopher_complaints("the cat and the dog " * 20)[:2]
    ['top_2_gram_chars is 0.4, outside 0 to 0.2', 'top_3_gram_chars is 0.6, outside 0 to 0.18']
    """
    return _outside(gopher(text), GOPHER)


def _again(parts: Sequence[Hashable]) -> list[int]:
    """Find the places of what stands before its place already."""
    first: dict[Hashable, int] = {}
    return [i for i, part in enumerate(parts) if first.setdefault(part, i) != i]


def _top(grams: list[tuple[str, ...]]) -> list[int]:
    """Find where the commonest run of words begins, of equals the longest; nowhere if none comes twice."""
    seen = Counter(grams)
    top = max(seen, key=lambda gram: (seen[gram], len("".join(gram))), default=())
    return [i for i, gram in enumerate(grams) if gram == top] if seen[top] > 1 else []


def _covered(words: list[str], starts: list[int], n: int) -> float:
    inside = {i + k for i in starts for k in range(n)}
    return sum(len(words[i]) for i in inside) / max(1, sum(map(len, words)))


def _outside(measured: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    return [
        f"{name} is {measured[name]:.3g}, outside {least:g} to {most:g}"
        for name, (least, most) in ranges.items()
        if not least <= measured[name] <= most
    ]


def outliers(values: Shaped[np.ndarray, "n"], *, beyond: float = 3.5) -> Bool[np.ndarray, "n"]:
    """Mark the values that are far from the median, by a yardstick that outliers cannot stretch.

        |0.6745 (x - median)| / MAD > beyond,    MAD = median(|x - median|)

    0.6745 makes the left side a number of standard deviations where the values are normal. Take
    logarithms first of what spans powers of ten, such as lengths.

    Args:
        beyond: how many standard deviations are too many.

    Raises:
        TypeError: if `values` holds no numbers.
        ValueError: if `values` is empty or not finite, or `beyond` <= 0.

    Source: Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers, section 3.3.
    Oracle: scipy.stats.median_abs_deviation.

    >>> outliers(np.array([1, 2, 3, 4, 100]))
    array([False, False, False, False,  True])
    """
    values, beyond = real_array("values", values, ndim=1), real("beyond", beyond, above=0)
    distance = np.abs(values - np.median(values))
    return 0.6745 * distance > beyond * np.median(distance)  # not divided: MAD is 0 where most values are equal
