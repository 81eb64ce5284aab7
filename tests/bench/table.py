"""What a benchmark hands back: figures, each beside the bar it has to clear."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar, in words, and whether the figure of its row clears it."""

    text: str
    holds: bool


def at_most(figure: float, limit: float, unit: str = "") -> Bar:
    return Bar(text=f"<= {limit:g}{unit}", holds=figure <= limit)


def at_least(figure: float, limit: float, unit: str = "") -> Bar:
    return Bar(text=f">= {limit:g}{unit}", holds=figure >= limit)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text, each with the bar of its last figure where there is one."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Bar | None]]

    @property
    def missed(self) -> int:
        """Count the bars that were not cleared."""
        return sum(bar is not None and not bar.holds for _, bar in self.rows)

    def __str__(self) -> str:
        lines = [[*self.columns, "bar", ""]]
        for cells, bar in self.rows:
            lines.append([*cells, bar.text if bar else "", ("cleared" if bar.holds else "MISSED") if bar else ""])
        first, *others = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [self.title]
        for name, *cells in lines:
            aligned = [cell.rjust(width) for cell, width in zip(cells, others, strict=True)]
            texts.append("  ".join(["", name.ljust(first), *aligned]).rstrip())
        return "\n".join(texts)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile_95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
