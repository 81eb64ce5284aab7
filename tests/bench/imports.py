"""Import times, each in a fresh interpreter; and that torch is not imported by what does not compute with it."""

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.table import Bar, Table, at_most, median

MODULES = ("numpy", "kit", "kit.learn.descent")
REPEATS = 11
INSTANT_MS = 50
SNIPPET = """
import json, sys, time
begun = time.perf_counter()
import {module}
print(json.dumps([1000 * (time.perf_counter() - begun), "torch" in sys.modules]))
"""


def tables() -> Iterator[Table]:
    runs = {module: [] for module in MODULES}
    for _ in range(REPEATS):
        for module in MODULES:
            command = [sys.executable, "-c", SNIPPET.format(module=module)]
            runs[module].append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    rows: list[tuple[list[str], Bar | None]] = []
    for module, results in runs.items():
        milliseconds = median([time for time, _ in results])
        torch = any(imported for _, imported in results)
        cells = [f"import {module}", f"{milliseconds:.1f} ms", "imported" if torch else "not imported"]
        without = Bar(text="no torch", holds=not torch)
        if module == "kit":
            limit = at_most(milliseconds, INSTANT_MS, " ms")
            rows.append((cells, Bar(text=f"{limit.text}, no torch", holds=limit.holds and not torch)))
        else:
            rows.append((cells, without if module.startswith("kit") else None))
    title = f"Imports, medians of {REPEATS} fresh interpreters"
    yield Table(title=title, columns=["statement", "median", "torch"], rows=rows)
