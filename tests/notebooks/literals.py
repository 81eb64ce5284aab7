"""Find what a cell has typed and could have measured: literals in the calls of settle, finding and reveal.

    python -m tests.notebooks.literals          each of them, by notebook and cell

A number, True or False anywhere in such a call is one, and a digit in a text; so is any text given to `reveal`,
which finds the option for a measured number by itself. A name that stands for nothing but literals is as good as
typed: `share = 0.97`. Not counted are what only points at something measured, as indices and names of columns
in brackets, `axis=` and formats do; and in `settle` the identifier, names of sentences and cases, and the texts of
`Lacking`, `scope` and `fewer`, which are no results.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
CALLS = ("settle", "finding", "reveal")
GROW = ("append", "extend", "update", "setdefault", "add")
NO_RESULTS = ("axis", "scope", "fewer")


def literals(cells: list[str]) -> list[tuple[int, str, str]]:
    """List the literals of a notebook's code cells: number of the cell, call, and literal."""
    trees = [ast.parse(python_of(cell)) for cell in cells]
    typed = {name for tree in trees for name in names_given(tree, is_literal)}
    measured = {name for tree in trees for name in computed_names(tree)}
    worded = {name for tree in trees for name in names_given(tree, is_wording)}
    found = []
    for number, tree in enumerate(trees):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in CALLS:
                call = name_of(node.func)
                arguments = node.args[1:] if call == "settle" else node.args
                keywords = [keyword.value for keyword in node.keywords if keyword.arg not in (*NO_RESULTS, "claim")]
                names = (typed - measured) | (worded if call == "reveal" else set())
                for argument in (*arguments, *keywords):
                    found += [(number, call, text) for text in within(argument, call, names)]
    return found


def within(node: ast.AST, call: str, typed: set[str]) -> Iterator[str]:
    """Walk an argument, past what only points at something measured."""
    match node:
        case ast.Constant(value=bool() | int() | float() | complex()):
            yield ast.unparse(node)
        case ast.Constant(value=str() as text):
            if call == "reveal" or re.search(r"\d", text):
                yield ast.unparse(node)
        case ast.Name(id=name) if name in typed and call != "finding":
            yield name
        case ast.Subscript(value=value):
            yield from within(value, call, typed)
        case ast.FormattedValue(value=value):
            yield from within(value, call, typed)
        case ast.Dict(keys=keys, values=values):
            for key in keys:
                if key is not None and not (call == "settle" and isinstance(key, ast.Constant | ast.Name)):
                    yield from within(key, call, typed)
            for value in values:
                yield from within(value, call, typed)
        case ast.DictComp(key=_, value=value):
            yield from within(value, call, typed)
        case ast.Call(func=func, args=args, keywords=keywords):
            if name_of(func) == "Lacking":
                return
            if isinstance(func, ast.Attribute):
                yield from within(func.value, call, typed)
            for each in (*args, *(keyword.value for keyword in keywords if keyword.arg not in NO_RESULTS)):
                yield from within(each, call, typed)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from within(child, call, typed)


def names_given(tree: ast.AST, of: Callable[[ast.AST], bool]) -> Iterator[str]:
    """Name what is assigned an expression of some sort."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and of(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def computed_names(tree: ast.AST) -> Iterator[str]:
    """Name what is somewhere assigned, looped over or added to by more than literals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value is not None and not is_literal(node.value):
                yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.For | ast.comprehension):
            yield from (name.id for name in ast.walk(node.target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in GROW:  # a list that starts empty
            yield from (name.id for name in ast.walk(node.func.value) if isinstance(name, ast.Name))


def is_literal(node: ast.AST) -> bool:
    """Tell whether an expression is made of numbers, truths and collections of them alone."""
    if isinstance(node, ast.Call):
        inner = (*node.args, *(keyword.value for keyword in node.keywords))
        return bool(inner) and name_of(node.func) in ("array", "float", "int", "bool") and all(map(is_literal, inner))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool | int | float | complex)
    containers = ast.List | ast.Tuple | ast.Set | ast.UnaryOp | ast.BinOp
    parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.operator | ast.unaryop | ast.Load)]
    return isinstance(node, containers) and bool(parts) and all(map(is_literal, parts))


def is_wording(node: ast.AST) -> bool:
    """Tell whether an expression is a text, or one text or another."""
    if isinstance(node, ast.IfExp):
        return is_wording(node.body) and is_wording(node.orelse)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def name_of(function: ast.AST) -> str:
    """Give the last part of a called name."""
    return getattr(function, "attr", getattr(function, "id", ""))


def python_of(cell: str) -> str:
    """Blank what is IPython's own: lines that begin with % or !."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.M)


def code_of(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


if __name__ == "__main__":
    total = 0
    for path in NOTEBOOKS:
        found = literals(code_of(path))
        total += len(found)
        for number, call, text in found:
            print(f"{path.stem}, code cell {number}, {call}: {text}")
    print(f"{total} literals that a cell could have measured")
    sys.exit(bool(total))
