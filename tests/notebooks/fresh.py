"""Try every verdict again with seeds that nobody has seen, and print what it comes to beside what is stored.

python run.py evidence --fresh     makes the numbers: the same experiments, drawn anew
python run.py fresh                runs the notebooks on them, and compares their verdicts
python run.py fresh B03            the notebook of this claim alone

A verdict whose numbers have not been drawn anew is "not run". An outcome that turns round, from holds to fails or
back, is a flip; one that becomes "not shown" is weaker. The notebooks themselves stay as they are.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from kit.check.claim import claims
from kit.check.sentences import FAILS, HOLDS, NOT_SHOWN
from kit.evidence.store import FIRST_SEED, FRESH
from tests.notebooks.claims import COLUMNS, print_table, stored_verdicts, verdicts_in
from tests.notebooks.nbval_plugin import STARTUP
from tests.notebooks.stamp import NOTEBOOKS
from tests.patience import notebook_client

Verdicts = dict[str, dict[str, Any]]


def drawn_anew(path: Path) -> Verdicts:
    """Run a notebook on the fresh numbers, in memory; a cell that lacks them fails, and the next one goes on."""
    book = nbformat.read(path, as_version=4)
    client = notebook_client(book, path.parent, record_timing=False, allow_errors=True)
    for cell in book.cells:
        cell.update({"outputs": []} if cell.cell_type == "code" else {})
    client.execute(env=os.environ | {"PYTHONSTARTUP": str(STARTUP), FIRST_SEED: str(FRESH)})
    return verdicts_in(book)


def compared(before: Verdicts, after: Verdicts) -> Iterator[tuple[str, ...]]:
    """Give a line for each case of each sentence that rests on repetitions."""
    for claim, verdict in before.items():
        for k, sentence in enumerate(verdict["sentences"]):
            for j, case in enumerate(sentence["cases"]):
                if case["lacking"] or case["repetitions"] < 2:  # a count has no seeds
                    continue
                again = after[claim]["sentences"][k]["cases"][j] if claim in after else None
                yield (
                    claim,
                    sentence["id"],
                    case["case"],
                    case["outcome"],
                    again["outcome"] if again else "not run",
                    *(measured(each) for each in (case, again)),
                    change(case["outcome"], again["outcome"]) if again else "",
                )


def measured(case: dict[str, Any] | None) -> str:
    """Say what a case came to: the estimate, if it has one, and its interval."""
    if case is None or case["low"] is None:
        return ""
    estimate = "" if case["estimate"] is None else f"{case['estimate']:.3g}: "
    return f"{estimate}{case['low']:.3g} to {case['high']:.3g}"


def change(before: str, after: str) -> str:
    """Name what became of an outcome.

    >>> change("holds", "fails"), change("holds", "not shown"), change("not shown", "holds"), change("holds", "holds")
    ('FLIPS', 'weaker', 'settled', '')
    """
    if before == after:
        return ""
    return "FLIPS" if {before, after} == {HOLDS, FAILS} else "weaker" if after == NOT_SHOWN else "settled"


def main(names: list[str]) -> int:
    if unknown := sorted(set(names) - claims().keys()):
        print(f"no claim named {', '.join(unknown)}; there are {', '.join(claims())}")
        return 2
    before, after = stored_verdicts(), {}
    before = {claim: before[claim] for claim in names or sorted(before) if claim in before}
    for path in NOTEBOOKS:
        if before.keys() & verdicts_in(nbformat.read(path, as_version=4)).keys():
            print(f"{path.name} ...", file=sys.stderr)
            after |= drawn_anew(path)
    lines = list(compared(before, after))
    print_table([(*COLUMNS[:1], "sentence", "case", "stored", "fresh", "stored", "fresh", ""), *lines])
    flips, weaker, ran = (sum(test(line) for line in lines) for test in (
        lambda line: line[-1] == "FLIPS", lambda line: line[-1] == "weaker", lambda line: line[4] != "not run"
    ))  # fmt: skip
    print(f"\n{ran} of {len(lines)} cases drawn anew: {flips} flip, {weaker} are weaker")
    return int(flips > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
