"""No live view is forgotten: those of the notebooks, those of kit.explore, and those that are measured are the same."""

import inspect

import nbformat
import pytest

from kit.explore.live import LiveView
from tests.bench import live_views
from tests.explore.views import STAND_INS, VIEWS, name_of, opened_in, opener, written


def test_the_views_that_notebooks_open_are_those_that_are_written():
    assert VIEWS.keys() == written()


def test_a_view_is_found_in_the_cell_that_opens_it(tmp_path):
    cells = ["%matplotlib inline\nfrom kit.explore.descent import bowl as b, bowl_loss", "bowl_loss([1, 1])", "b()"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, tmp_path / "a.ipynb")
    assert [name_of(view) for view in opened_in(tmp_path / "a.ipynb")] == ["descent.bowl"]


def test_every_view_opens_without_its_notebook():
    needing = {view for view in VIEWS if any(p.default is p.empty for p in inspect.signature(view).parameters.values())}
    assert needing == STAND_INS.keys()


@pytest.mark.parametrize("view", STAND_INS, ids=name_of)
def test_a_stand_in_opens_a_view(view):
    assert isinstance(opener(view)(), LiveView)


def test_the_table_of_measured_views_forgets_none():
    """`python run.py bench live_views` measures those that have no figures yet."""
    named = [cells[0].split()[1] for cells, _ in live_views.table().rows]
    assert named == [name_of(view) for view in VIEWS]
    assert set(live_views.rows()) <= set(named)
