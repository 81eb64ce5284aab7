"""Write the sources that notebooks show, and the glossary, as they now stand, without running anything else.

    python -m tests.notebooks.shown                all notebooks
    python -m tests.notebooks.shown 05_optimisers  those named

For a source whose docstring or checks have changed and whose numbers have not. The comparison of notebooks is the
judge, as always: whatever else the change has moved, it finds.
"""

import ast
import sys
from pathlib import Path
from typing import Any

import nbformat

from tests.notebooks.literals import python_of
from tests.notebooks.stamp import chosen


def refresh(path: Path) -> int:
    """Write a notebook's shown sources anew; return how many have changed."""
    book, changed = nbformat.read(path, as_version=4), 0
    names: dict[str, Any] = {}
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        statements = ast.parse(python_of(cell.source)).body
        imports = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(body=imports, type_ignores=[]), path.name, "exec"), names)
        if statements and (call := shows(statements[-1])):
            source = eval(compile(ast.Expression(body=call), path.name, "eval"), names)
            new = {"text/markdown": source._repr_markdown_(), "text/plain": repr(source)}
            (output,) = (each for each in cell.outputs if each.output_type == "execute_result")
            changed += output.data != new
            output.data = nbformat.from_dict(new)
    if changed:
        nbformat.write(book, path)
    return changed


def shows(statement: ast.stmt) -> ast.Call | None:
    """Give the call of `show` or `glossary` that a statement is, if it is one."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="show" | "glossary")) as call):
            return call
    return None


if __name__ == "__main__":
    for each in chosen(sys.argv[1:]):
        print(f"{each.name}: {refresh(each)} outputs written")
