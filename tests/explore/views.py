"""Every live view of the course, read off the cells that open it.

    python -m tests.explore.views       each view, with its notebook

A view is a function of `kit.explore` that gives a `LiveView`, called in a notebook. What is called with something
that only its notebook has, such as a trained model, has a stand-in here.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import nbformat

import kit.explore
from kit.explore import finetuning, gpt, serving, trees
from kit.explore.live import LiveView
from tests.explore import storyteller, test_finetuning, test_serving, test_trees
from tests.notebooks.literals import python_of
from tests.notebooks.stamp import NOTEBOOKS

View = Callable[..., LiveView]
STAND_INS: dict[View, Callable[[], LiveView]] = {
    gpt.forward_view: storyteller.forward_pass_untrained,
    finetuning.labels_view: test_finetuning.labels_of_a_contest,
    finetuning.rank_view: test_finetuning.ranks_of_a_contest,
    serving.cost_view: test_serving.view_of_a_machine,
    trees.board_view: test_trees.board_of_a_contest,
}


def gives_a_view(thing: Any) -> bool:
    return inspect.isfunction(thing) and inspect.signature(thing).return_annotation is LiveView


def opened_in(path: Path) -> Iterator[View]:
    """Give the views that a notebook's cells call, in their order."""
    cells = nbformat.read(path, as_version=4).cells
    page = ast.parse("\n".join(python_of(cell.source) for cell in cells if cell.cell_type == "code"))
    imported: dict[str, Any] = {}
    for node in ast.walk(page):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kit.explore."):
            module = import_module(str(node.module))
            imported |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
    called = [node.func for node in ast.walk(page) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for name in sorted(called, key=lambda node: node.lineno):
        if gives_a_view(imported.get(name.id)):
            yield imported[name.id]


VIEWS: dict[View, str] = {view: path.name[:2] for path in NOTEBOOKS for view in opened_in(path)}
"""Each view, and the number of its notebook."""


def written() -> set[View]:
    """Find every view that kit.explore has, opened by a notebook or not."""
    modules = [import_module(f"kit.explore.{module.name}") for module in iter_modules(kit.explore.__path__)]
    things = [thing for module in modules for thing in vars(module).values() if gives_a_view(thing)]
    return {thing for thing in things if not thing.__name__.startswith("_")}


def opener(view: View) -> Callable[[], LiveView]:
    """Give what opens a view without its notebook."""
    return STAND_INS.get(view, view)


def name_of(view: Callable) -> str:
    return f"{view.__module__.rpartition('.')[2]}.{view.__name__}"


if __name__ == "__main__":
    for each, notebook in VIEWS.items():
        print(notebook, name_of(each))
