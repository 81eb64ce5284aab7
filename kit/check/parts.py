"""Claims settled by parts that were measured true or false: the old way, left as it was.

`kit.check.claim` settles by numbers, and by sentences that were written down before. A notebook that is not yet
converted imports `settle` from here; whoever converts the last one deletes this file.

Taught in: every notebook
"""

from dataclasses import dataclass

from kit.arguments import count, shown
from kit.check.card import GREEN, ORANGE, RED, Card
from kit.check.claim import claims
from kit.check.progress import record

_COLORS = {"holds": GREEN, "holds in part": ORANGE, "fails": RED}


@dataclass(frozen=True, kw_only=True, repr=False)
class Settled(Card):
    """A claim with its verdict: "holds", "holds in part" or "fails"."""

    verdict: str


def settle(claim: str, parts: dict[str, bool], *, number: str, seeds: int, spread: str) -> Settled:
    """Settle a claim by its measured parts.

    Args:
        claim: its identifier in data/claims.csv.
        parts: each part of the claim as a sentence, with whether it was measured true.
        number: the measurement that decides, with its unit.
        seeds: how many independent repetitions stand behind the number.
        spread: how far those repetitions lie apart.

    Raises:
        ValueError: if `claim` is unknown, `parts` is empty, or `seeds` < 1.
    """
    known = claims()
    if claim not in known:
        raise ValueError(f"claim must be an identifier in data/claims.csv, got {shown(claim)}")
    if not parts:
        raise ValueError("parts must hold at least one measured part, got none")
    seeds = count("seeds", seeds)
    verdict = "holds" if all(parts.values()) else "holds in part" if any(parts.values()) else "fails"
    kept = record({"kind": "claim", "claim": claim, "verdict": verdict})
    return Settled(
        color=_COLORS[verdict],
        heading=f"{claim} {verdict}: “{known[claim]}”",
        lines=(
            *(f"{'✓' if true else '✗'} {part}" for part, true in parts.items()),
            f"Measured: {number}",
            f"Repetitions: {seeds}; spread: {spread}",
            *kept,
        ),
        verdict=verdict,
    )
