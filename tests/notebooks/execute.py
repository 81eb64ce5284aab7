"""Execute notebooks in place, so that nothing changes in git where nothing changed in what they show.

python run.py notebooks                      all of them
python run.py notebooks 01_linear_regression those named
"""

import os
import platform
import sys
import time
from pathlib import Path

import nbformat

from tests.notebooks.nbval_plugin import STARTUP, settle
from tests.notebooks.pictures import different
from tests.notebooks.stamp import FOLDED, NOTEBOOKS
from tests.patience import notebook_client

WIDGET = "application/vnd.jupyter.widget-view+json"
IGNORE_INDEX = "nbval-ignore-output"


def execute(path: Path) -> None:
    """Run a notebook from the top and store it in its one normal form."""
    book = nbformat.read(path, as_version=4)
    before = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}
    client = notebook_client(book, path.parent, record_timing=False)
    client.execute(env=os.environ | {"PYTHONSTARTUP": str(STARTUP)})
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": platform.python_version()},
    }
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.outputs = normal(cell.outputs, number)
        keep_what_still_holds(cell, before[cell.id])
    for cell in book.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("tags", *FOLDED)}
    nbformat.write(book, path)


def normal(outputs: list, number: int) -> list:
    """Join what one stream wrote in pieces, and drop what only a live page can show."""
    kept = []
    for output in outputs:
        if kept and output.output_type == "stream" == kept[-1].output_type and kept[-1].name == output.name:
            kept[-1].text += output.text
            continue
        output.get("data", {}).pop(WIDGET, None)
        if "metadata" in output:
            output.metadata = {}
        if "execution_count" in output:
            output.execution_count = number
        kept.append(output)
    return kept


def keep_what_still_holds(cell: nbformat.NotebookNode, old: nbformat.NotebookNode) -> None:
    """Keep stored outputs that are timings, numbers that are still near, and pictures that still say the same."""
    if cell.source == old.source and old.outputs and IGNORE_INDEX in cell.metadata.get("tags", []):
        cell.outputs = old.outputs
    if len(cell.outputs) == len(old.outputs):
        for new, stored in zip(cell.outputs, old.outputs, strict=True):
            settle(new, stored)
            png, old_png = (output.get("data", {}).get("image/png") for output in (new, stored))
            if png and old_png and not different(png, old_png):
                new.data["image/png"] = old_png


if __name__ == "__main__":
    chosen = [path for path in NOTEBOOKS if not sys.argv[1:] or path.stem in {Path(a).stem for a in sys.argv[1:]}]
    for each in chosen:
        start = time.perf_counter()
        execute(each)
        print(f"{each.name}: {time.perf_counter() - start:.0f} s")
