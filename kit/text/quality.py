"""Quality: numbers that tell a text from junk, and rules that say why one is refused.

Taught in: 13
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Shaped

from kit.arguments import instance, real, real_array


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
                raise ValueError(f"{each.name} must be a range (least, most), got {limits}")

    def complaints(self, text: str) -> list[str]:
        r"""Name every rule that a text breaks; a good text breaks none.

        >>> Limits(n_chars=(5, 100), mean_line=(0, 80), longest_line=(0, 80)).complaints("moo")
        ['n_chars is 3, outside 5 to 100']
        """
        measured = quality(text)
        found = []
        for each in fields(self):
            value, (least, most) = getattr(measured, each.name), getattr(self, each.name)
            if not least <= value <= most:
                found.append(f"{each.name} is {value:.3g}, outside {least:g} to {most:g}")
        return found


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
