"""Show kit's own source in a notebook, as it stands now and in the reader's own theme: what it does comes first.

Taught in: every notebook
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from kit import arguments
from kit.arguments import shown

JUDGES = {
    name
    for name, judge in inspect.getmembers(arguments, inspect.isfunction)
    if "name" in inspect.signature(judge).parameters
}


class Source:
    """The source of some functions; shows itself as highlighted code, docstrings and checks folded below."""

    def __init__(self, *functions: Callable[..., Any]):
        self.functions = functions

    def __repr__(self) -> str:
        return "\n\n".join(f"# {f.__module__}\n{_essence(f)}" for f in self.functions)

    def _repr_markdown_(self) -> str:
        whole = "\n\n".join(inspect.getsource(f).rstrip() for f in self.functions)
        return (
            f"```python\n{self!r}\n```\n\n<details><summary>In full, with docstrings and checks</summary>\n\n"
            f"```python\n{whole}\n```\n\n</details>"
        )


def show(*functions: Callable[..., Any]) -> Source:
    """Show the source of one, two or three functions or classes; more is not read.

    What they do comes first. Their docstrings, from the second sentence on, and the checks of their arguments are
    folded below.

    Raises:
        TypeError: if a thing shown is not a function or class written in Python.
        ValueError: if there are none, or more than three.
    """
    if not 1 <= len(functions) <= 3:
        raise ValueError(f"functions must be 1 to 3, got {len(functions)}")
    for each in functions:
        if not (inspect.isfunction(each) or inspect.isclass(each)):
            raise TypeError(f"functions must be functions or classes written in Python, got {shown(each)}")
    return Source(*functions)


def _essence(function: Callable[..., Any]) -> str:
    """Give a source without the checks of arguments, and with one sentence of each docstring."""
    source = inspect.getsource(function)
    margin = len(source) - len(source.lstrip(" "))
    lines = textwrap.dedent(source).splitlines()
    (tree,) = ast.parse("\n".join(lines)).body
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            _shorten(node, lines, inner=node is not tree)
    kept = [line for line in lines if line is not _GONE]
    kept = [line for i, line in enumerate(kept) if line or (i and kept[i - 1] and i + 1 < len(kept))]
    return textwrap.indent("\n".join(kept).rstrip(), " " * margin)


_GONE = "\0"  # no source holds it


def _shorten(node: ast.FunctionDef | ast.ClassDef, lines: list[str], *, inner: bool) -> None:
    """Strike out, in the lines of a source, a docstring's lines after its first sentence, and checks."""
    statements = list(node.body)
    if docstring := ast.get_docstring(node):
        first, last = statements[0].lineno - 1, (statements[0].end_lineno or 0) - 1
        summary = docstring.split("\n\n")[0].replace("\n", " ")
        sentence = summary.split(". ")[0].rstrip(".") + "."
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        lines[first : last + 1] = [f'{indent}"""{sentence}"""', *[_GONE] * (last - first)]
        statements = statements[1:]
    checks = [each for each in statements if _is_check(each)]
    if inner and isinstance(node, ast.FunctionDef) and checks and checks == statements:
        checks = [node]  # there is nothing else in it
    for each in checks:
        decorators = getattr(each, "decorator_list", [])
        for i in range(min([each.lineno, *(d.lineno for d in decorators)]) - 1, each.end_lineno or 0):
            lines[i] = _GONE


def _is_check(statement: ast.stmt) -> bool:
    """Tell whether a statement only judges arguments: it raises, or calls what kit.arguments judges with."""
    match statement:
        case ast.If(body=body, orelse=[]):
            return all(isinstance(each, ast.Raise) or _is_check(each) for each in body)
        case ast.For(body=body, orelse=[]):
            return all(_is_check(each) for each in body)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call):
            return bool(_judged(call)) or name.startswith(("_check", "_not_"))  # a module's own judges
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=calls)):
            return len(names) == len(calls) and all(
                _judged(c) == [ast.unparse(n)] for n, c in zip(names, calls, strict=True)
            )
        case ast.Assign(targets=[target], value=value):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            return _judged(value) == [ast.unparse(name) for name in names]
    return False


def _judged(value: ast.AST) -> list[str]:
    """List what a call of kit.arguments judges: every second argument, each after its name; [] for other calls."""
    match value:
        case ast.Call(func=ast.Name(id=name), args=judged) if name in JUDGES:
            return [ast.unparse(each) for each in judged[1:4:2]]
    return []
