import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from kit.explore.show import show
from kit.learn.losses import mse
from tests.notebooks.shown import refresh

IMPORTS = "from kit.explore.show import show\nfrom kit.learn.losses import mse"


def test_a_stale_source_is_written_anew_and_nothing_else(tmp_path):
    path = tmp_path / "sample.ipynb"
    printed = new_output("stream", name="stdout", text="3\n")
    stale = new_output("execute_result", data={"text/plain": "old", "text/markdown": "old"}, execution_count=3)
    cells = [
        new_code_cell("%pip install nothing\n" + IMPORTS, execution_count=1),
        new_code_cell("print(1 + 2)", outputs=[printed], execution_count=2),
        new_code_cell("print(1 + 2)\nshow(mse)", outputs=[printed, stale], execution_count=3),
    ]
    nbformat.write(new_notebook(cells=cells), path)
    assert refresh(path) == 1
    found = nbformat.read(path, as_version=4).cells
    assert found[2].outputs[1].data == {"text/plain": repr(show(mse)), "text/markdown": show(mse)._repr_markdown_()}
    assert [cell.source for cell in found] == [cell.source for cell in cells]
    assert found[1].outputs == found[2].outputs[:1] == [printed]
    assert refresh(path) == 0
