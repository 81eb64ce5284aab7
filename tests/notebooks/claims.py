"""Print one table of all claims: what each came to, by what numbers, as the notebooks store it.

python run.py claims         every claim of data/claims.csv
python run.py claims B03     those named

Nothing here is typed: a verdict stores its numbers beside its card. A claim that no notebook settles yet is open.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from kit.check.claim import MIME, claims

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
COLUMNS = ("claim", "outcome", "sentence", "case", "outcome", "estimate", "95% interval", "repetitions", "margin")
LONGEST = 60  # letters of a sentence


def stored_verdicts(folder: Path = NOTEBOOKS) -> dict[str, dict[str, Any]]:
    """Read the verdicts of all notebooks: claim to its table."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.ipynb")):
        found |= verdicts_in(nbformat.read(path, as_version=4))
    return found


def verdicts_in(book: nbformat.NotebookNode) -> dict[str, dict[str, Any]]:
    """Read the verdicts of one notebook."""
    found: dict[str, dict[str, Any]] = {}
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if MIME in (data := output.get("data", {})):
                found[data[MIME]["claim"]] = data[MIME]
    return found


def rows(verdicts: dict[str, dict[str, Any]], names: list[str]) -> Iterator[tuple[str, ...]]:
    """Give the table's lines: one for each case of each sentence, or one for a claim without."""
    for claim in names:
        verdict = verdicts.get(claim, {"outcome": "open", "sentences": []})
        if not verdict["sentences"]:
            yield (claim, verdict["outcome"], *[""] * 7)
        for sentence in verdict["sentences"]:
            text = sentence["sentence"]
            text = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
            for case in sentence["cases"]:
                interval = "" if case["low"] is None else f"{case['low']:g} to {case['high']:g}"
                interval += " (counted)" if interval and case["estimate"] is None else ""
                estimate, margin = ("" if case[key] is None else f"{case[key]:g}" for key in ("estimate", "margin"))
                many = f"{case['repetitions']} of {case['planned']}"
                many = many if case["repetitions"] < case["planned"] else str(case["repetitions"])
                yield (claim, verdict["outcome"], f"{sentence['id']} {text}", case["case"],
                       case["outcome"], estimate, interval, case["lacking"] or many, margin)  # fmt: skip


def print_table(table: list[tuple[str, ...]]) -> None:
    """Print rows of words as columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip())


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - claims().keys())
    if unknown:
        print(f"no claim named {', '.join(unknown)}; there are {', '.join(claims())}")
        return 2
    verdicts = stored_verdicts()
    print_table([COLUMNS, *rows(verdicts, names or list(claims()))])
    print(f"\n{len(claims())} claims: {len(verdicts)} settled by their sentences, {len(claims()) - len(verdicts)} open")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
