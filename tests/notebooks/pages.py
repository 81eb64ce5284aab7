"""Count what a notebook asks of its reader, and hold it to the bars.

    python -m tests.notebooks.pages       words, lines of code, exercises and minutes of each notebook

Words are those that a reader reads: the Markdown without folded solutions, fenced code and the addresses of links.
Lines are those of the code cells that are not blank. An exercise is a call of a check.

A reader takes 200 words or 10 lines of code a minute, and 5 minutes for an exercise. At the bars that is an hour
and a half. Seconds to compute are those of data/measured/notebooks.csv, which `python run.py bench notebooks` writes.
"""

import csv
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

WORDS_A_MINUTE, LINES_A_MINUTE, MINUTES_AN_EXERCISE = 200, 10, 5


@dataclass(frozen=True)
class Page:
    words: int
    lines: int
    exercises: int

    @property
    def minutes(self) -> int:
        """How long a reader takes, to the nearest five minutes."""
        exact = self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE + self.exercises * MINUTES_AN_EXERCISE
        return 5 * round(exact / 5)

    def beyond(self, bars: "Page") -> list[str]:
        """Name what exceeds the bars."""
        pairs = ((name, getattr(self, name), getattr(bars, name)) for name in ("words", "lines", "exercises"))
        return [f"{count:,} {name}, {bar:,} at most" for name, count, bar in pairs if count > bar]


BARS = Page(words=2_500, lines=450, exercises=7)


def page(path: Path) -> Page:
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return Page(
        words=sum(words(cell.source) for cell in cells if cell.cell_type == "markdown"),
        lines=sum(bool(line.strip()) for line in code.splitlines()),
        exercises=len(re.findall(r"^check\.\w+\(", code, re.M)),
    )


def words(markdown: str) -> int:
    """Count the words of a Markdown text that a reader reads.

    >>> words("The [loss](03_losses.ipynb) *falls* – by half. <details><summary>Solution</summary>0</details>")
    5
    """
    return sum(bool(re.search(r"\w", word)) for word in read_of(markdown).split())


def read_of(markdown: str) -> str:
    """Leave out of a Markdown text what a reader does not read."""
    read = re.sub(r"<details><summary>Solution</summary>.*?</details>", "", markdown, flags=re.S)
    read = re.sub(r"^```.*?^```", "", read, flags=re.S | re.M)
    read = re.sub(r"\]\([^()\s]*\)", "]", read)
    return re.sub(r"</?\w+>", " ", read)


def seconds() -> dict[str, float]:
    """Read the CPU-seconds of each notebook, by its number."""
    with (ROOT / "data/measured/notebooks.csv").open(newline="", encoding="utf-8") as file:
        return {row["notebook"]: float(row["seconds"]) for row in csv.DictReader(file)}


def times(path: Path) -> str:
    """Say for a notebook's header how long it takes."""
    below = math.ceil(seconds()[path.name[:2]] / 60)
    compute = "a minute" if below == 1 else f"{below} minutes"
    return f"About {page(path).minutes} minutes to read and do, under {compute} to compute"


if __name__ == "__main__":
    found = {path.stem: page(path) for path in NOTEBOOKS}
    taken = seconds()
    print(f"{'notebook':25}{'words':>7}{'lines':>7}{'exercises':>11}{'minutes':>9}{'CPU-seconds':>13}")
    for stem, each in found.items():
        print(
            f"{stem:25}{each.words:7,}{each.lines:7,}{each.exercises:11}{each.minutes:9}{taken[stem[:2]]:13.0f}"
            f"  {'; '.join(each.beyond(BARS))}".rstrip()
        )
    print(f"{'at most':25}{BARS.words:7,}{BARS.lines:7,}{BARS.exercises:11}{BARS.minutes:9}{60:13}")
    sys.exit(any(each.beyond(BARS) for each in found.values()))
