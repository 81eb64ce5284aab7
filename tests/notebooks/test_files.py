"""What nbval does not see in a stored notebook."""

import ast
import re

import nbformat
import pytest

from kit.evidence.__main__ import experiments
from tests.notebooks.execute import WIDGET
from tests.notebooks.literals import python_of
from tests.notebooks.shown import shows
from tests.notebooks.stamp import FOLDED, IMPORTS, NOTEBOOKS, ROOT, badge, folded, set_up

BOOKS = {path.name: nbformat.read(path, as_version=4) for path in NOTEBOOKS}
each_notebook = pytest.mark.parametrize("name", BOOKS)


def code(name: str) -> list:
    return [cell for cell in BOOKS[name].cells if cell.cell_type == "code"]


@each_notebook
def test_every_cell_was_run_once_from_the_top(name):
    assert [cell.execution_count for cell in code(name)] == list(range(1, len(code(name)) + 1))


@each_notebook
def test_a_notebook_is_stored_in_its_normal_form(name):
    book = BOOKS[name]
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert len({cell.id for cell in book.cells}) == len(book.cells)
    for cell in book.cells:
        assert set(cell.metadata) <= {"tags", *FOLDED}
        assert set(cell.metadata.get("tags", [])) <= {"nbval-ignore-output", "trained", "shape"}


@each_notebook
def test_no_text_is_still_to_be_written(name):
    for cell in BOOKS[name].cells:
        if cell.cell_type == "markdown":
            assert len(cell.source.split()) > 1, cell.source
            assert not re.search(r"\b(TODO|TBD|FIXME|TO WRITE)\b", cell.source), cell.source


@each_notebook
def test_no_verdict_and_no_reveal_goes_uncompared(name):
    for cell in code(name):
        if re.search(r"\b(settle\(|\.reveal\()", cell.source):
            assert "nbval-ignore-output" not in cell.metadata.get("tags", [])


@each_notebook
def test_no_stored_output_is_an_error_a_warning_a_dead_widget_or_huge(name):
    for cell in code(name):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert WIDGET not in output.get("data", {})
            assert len(str(output)) < 180_000  # a picture, and what it says


@each_notebook
def test_what_needs_a_front_end_to_compare_is_not_used(name):
    for cell in code(name):
        assert not re.search(r"\b(interact|Output|clear_output|display_id)\b", cell.source)


@each_notebook
def test_the_anatomy_is_kept(name):
    book = BOOKS[name]
    headings = re.findall(r"^## (.+)$", "\n".join(c.source for c in book.cells if c.cell_type == "markdown"), re.M)
    required = ["Predict", "Explore", "Build", "Measure", "Exercises", "What you can now do"]
    assert [heading for heading in headings if heading in required] == required
    assert any("image/png" in output.get("data", {}) for cell in code(name) for output in cell.outputs)
    assert "**Sources.**" in book.cells[-1].source


@each_notebook
def test_badge_and_set_up_cell_are_the_templates(name):
    assert badge(name) in BOOKS[name].cells[0].source
    assert code(name)[0].source == set_up()
    assert code(name)[0].outputs == []


@each_notebook
def test_set_up_and_imports_are_folded_and_nothing_else_is(name):
    """In JupyterLab and in Colab: `python run.py stamp`."""
    cells = folded(BOOKS[name].cells)
    for cell in code(name):
        assert {key: cell.metadata[key] for key in FOLDED if key in cell.metadata} == (FOLDED if cell in cells else {})
    assert cells[1].source.startswith(f"{IMPORTS}\n")
    for node in ast.parse(cells[1].source).body:  # nothing that a reader must have read
        called = ast.unparse(node.value.func) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""
        assert isinstance(node, ast.Import | ast.ImportFrom | ast.Assign) or called == "plt.style.use"


@each_notebook
def test_no_emoji_and_no_exclamation_marks(name):
    for cell in BOOKS[name].cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```|`[^`]*`|\[!\[.*?\)\]\(.*?\)|\$[^$]*\$", "", cell.source, flags=re.S)
            assert not re.search(r"!(?=\s|$)|[\U0001F300-\U0001FAFF]", prose, re.M)


@each_notebook
def test_every_command_that_is_named_can_be_given(name):
    prose = "\n".join(cell.source for cell in BOOKS[name].cells if cell.cell_type == "markdown")
    entry = (ROOT / "run.py").read_text(encoding="utf-8")
    for verb in re.findall(r"`python run\.py ([\w-]+)", prose):
        assert f'"{verb}": [' in entry
    for names in re.findall(r"`python run\.py evidence ([\w ]+)`", prose):
        assert set(names.split()) <= experiments().keys()
    for module in re.findall(r"`python -m ([\w.]+)", prose):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists()


@each_notebook
def test_a_source_is_shown_where_a_cell_ends(name):
    """Elsewhere a cell would not show it."""
    for cell in code(name):
        *before, last = ast.parse(python_of(cell.source)).body
        assert not any(map(shows, before)), cell.source
        assert not shows(last) or "text/markdown" in cell.outputs[-1].data
