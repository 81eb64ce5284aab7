"""Executing again changes nothing; showing something else is noticed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.execute import execute
from tests.notebooks.stamp import readdress

ROOT = Path(__file__).parents[2]
DRAW = (
    "_, axes = plt.subplots(figsize=(4, 3))\naxes.plot([0, 1], [0, 1], label='a')\naxes.set_xlabel('step')\nplt.show()"
)
CELLS = {
    "imports": "import sys\nimport ipywidgets\nimport matplotlib.pyplot as plt\n"
    "import sample\nfrom kit.explore.show import show",
    "numbers": "for i in range(3):\n    print(i, flush=True)",
    "data": DRAW,
    "colour": DRAW,
    "label": DRAW,
    "size": DRAW,
    "picture": DRAW,
    "same picture": DRAW,
    "source": "show(sample.double)",
    "widget": "ipywidgets.IntSlider()",
    "verdict": "from kit.check.claim import settle\nsettle('E05', {'E05.1': [0.01]})",
    "same verdict": "settle('E05', {'E05.1': [0.01]})",
}
CHANGES = {
    "numbers": ("print(i,", "print(i + 1,"),
    "data": ("axes.plot([0, 1], [0, 1]", "axes.plot([0, 1], [1, 0]"),
    "colour": ("axes.plot([0, 1], [0, 1]", "axes.plot([0, 1], [0, 1], 'r'"),
    "label": ("set_xlabel('step')", "set_xlabel('epoch')"),
    "size": ("figsize=(4, 3)", "figsize=(4, 4)"),
    "picture": ("plt.show()", "plt.close()"),
    "verdict": ("0.01", "0.02"),
}
SHOWN = {"before": "def double(x):\n    return 2 * x\n", "after": "def double(x):\n    return x + x\n"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook beside a module that it shows, executed once."""
    path = tmp_path_factory.mktemp("stored") / "sample.ipynb"
    path.with_suffix(".py").write_text(SHOWN["before"])
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()]), path
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        execute(path)
    return path


def variant(stored: Path, folder: Path, *, shown: str, changes: dict[str, tuple[str, str]]) -> None:
    """Write the stored notebook and the module beside it with some of their lines changed, and not executed."""
    book = nbformat.read(stored, as_version=4)
    for name, cell in zip(CELLS, book.cells, strict=True):
        cell.source = cell.source.replace(*changes.get(name, ("", "")))
    folder.mkdir()
    nbformat.write(book, folder / stored.name)
    (folder / "sample.py").write_text(shown)


@pytest.fixture(scope="module")
def compared(stored, tmp_path_factory):
    """Compare the notebook as it is, changed, and dying, by nbval; give all that it prints."""
    place = tmp_path_factory.mktemp("compared")
    death = (CELLS["numbers"], "import os\nos._exit(1)")
    variant(stored, place / "unchanged", shown=SHOWN["before"], changes={})
    variant(stored, place / "changed", shown=SHOWN["after"], changes=CHANGES)
    variant(stored, place / "dying", shown=SHOWN["before"], changes={"numbers": death})
    plugin = ["-p", "tests.notebooks.nbval_plugin", f"--nbval-sanitize-with={ROOT}/tests/notebooks/sanitize.cfg"]
    command = ["-m", "pytest", "-rA", "--nbval", "--nbval-current-env", *plugin, "-c", "/dev/null", "--color=no"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        return subprocess.run([sys.executable, *command, place], capture_output=True, text=True, cwd=place).stdout


def outcomes(printed: str, folder: str) -> dict[str, str]:
    """Find in nbval's summary what became of each cell."""
    found = re.findall(rf"^(PASSED|FAILED) {folder}/sample\.ipynb::Cell (\d+)", printed, re.M)
    return dict(zip(CELLS, (outcome for outcome, _ in sorted(found, key=lambda pair: int(pair[1]))), strict=True))


def test_executing_again_leaves_the_file_as_it_was(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    again = Path(shutil.copytree(stored.parent, tmp_path / "again")) / stored.name
    assert b"widget-view" not in again.read_bytes()
    execute(again)
    assert again.read_bytes() == stored.read_bytes()


def test_an_unchanged_notebook_passes(compared):
    assert set(outcomes(compared, "unchanged").values()) == {"PASSED"}, compared


@pytest.mark.parametrize("cell", [*CHANGES, "source"])
def test_what_was_changed_and_not_executed_fails(compared, cell):
    assert outcomes(compared, "changed")[cell] == "FAILED"


@pytest.mark.parametrize("cell", [name for name in CELLS if name not in {*CHANGES, "source"}])
def test_a_cell_beside_what_was_changed_passes(compared, cell):
    assert outcomes(compared, "changed")[cell] == "PASSED", compared


def test_a_kernel_that_dies_is_noticed_at_once(compared):
    assert outcomes(compared, "dying")["numbers"] == "FAILED"
    assert "the notebook's kernel died" in compared


def test_an_address_that_is_no_repository_is_refused():
    with pytest.raises(ValueError, match="ADDRESS must look like"):
        readdress("github.com/you/learnkit")
