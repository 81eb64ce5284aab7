"""Executing again changes nothing; showing something else is noticed."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.execute import execute
from tests.notebooks.stamp import readdress

ROOT = Path(__file__).parents[2]
CELLS = [
    "import sys\nfor i in range(3):\n    print(i, flush=True)",
    "import matplotlib.pyplot as plt\n_, axes = plt.subplots(figsize=(4, 3))\naxes.plot([0, 1], [0, 1], label='a')\n"
    "axes.set_xlabel('step')\nplt.show()",
    "from kit.explore.show import show\nimport sample\nshow(sample.double)",
    "import ipywidgets\nipywidgets.IntSlider()",
]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A notebook beside a module that it shows, executed once."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    (tmp_path / "sample.py").write_text("def double(x):\n    return 2 * x\n")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    path = tmp_path / "sample.ipynb"
    nbformat.write(book, path)
    execute(path)
    return path


def nbval(path: Path) -> subprocess.CompletedProcess:
    plugin = ["-p", "tests.notebooks.nbval_plugin", f"--nbval-sanitize-with={ROOT}/tests/notebooks/sanitize.cfg"]
    command = ["-m", "pytest", "-q", "--nbval", "--nbval-current-env", *plugin, "-c", "/dev/null", "--color=no"]
    return subprocess.run([sys.executable, *command, str(path)], capture_output=True, text=True, cwd=ROOT)


def test_executing_again_leaves_the_file_as_it_was(stored):
    before = stored.read_bytes()
    assert b"widget-view" not in before
    execute(stored)
    assert stored.read_bytes() == before


def test_an_unchanged_notebook_passes(stored):
    result = nbval(stored)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("axes.plot([0, 1], [0, 1]", "axes.plot([0, 1], [1, 0]"),
        ("axes.plot([0, 1], [0, 1]", "axes.plot([0, 1], [0, 1], 'r'"),
        ("set_xlabel('step')", "set_xlabel('epoch')"),
        ("figsize=(4, 3)", "figsize=(4, 4)"),
        ("plt.show()", "plt.close()"),
        ("print(i,", "print(i + 1,"),
    ],
)
def test_changed_code_that_was_not_executed_fails(stored, old, new):
    book = nbformat.read(stored, as_version=4)
    for cell in book.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(book, stored)
    assert nbval(stored).returncode == 1


def test_changed_source_that_is_shown_fails(stored):
    (stored.parent / "sample.py").write_text("def double(x):\n    return x + x\n")
    assert nbval(stored).returncode == 1


def test_a_kernel_that_dies_is_noticed_at_once(stored):
    book = nbformat.read(stored, as_version=4)
    book.cells[0].source = "import os\nos._exit(1)"
    nbformat.write(book, stored)
    result = nbval(stored)
    assert result.returncode == 1
    assert "the notebook's kernel died" in result.stdout


def test_an_address_that_is_no_repository_is_refused():
    with pytest.raises(ValueError, match="ADDRESS must look like"):
        readdress("github.com/you/learnkit")
