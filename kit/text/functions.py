"""A real table that every machine already has: the functions of Python code, what each is made of, and where it stands.

A row is a function. Its columns are counts from the syntax tree, and the question is whether it has a docstring, which
is taken out before anything is counted. Functions of one file are alike: a split has to keep files whole.

Taught in: 10
"""

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from kit.arguments import instance, several
from kit.text.corpus import Document

COUNTED = {  # a column for each: kinds of nodes of the syntax tree
    "statements": (ast.stmt,),
    "calls": (ast.Call,),
    "returns": (ast.Return,),
    "raises": (ast.Raise,),
    "branches": (ast.If, ast.IfExp),
    "loops": (ast.For, ast.While, ast.comprehension),
    "tries": (ast.Try,),
    "attributes": (ast.Attribute,),
    "numbers and strings": (ast.Constant,),
    "assignments": (ast.Assign, ast.AugAssign, ast.AnnAssign),
    "yields": (ast.Yield, ast.YieldFrom),
}
COLUMNS = (
    *COUNTED, "lines", "arguments", "defaults", "decorators", "depth",
    "is a method", "is private", "is special", "letters of its name",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The table of some functions.

    Args:
        has_docstring: 1 or 0.
        file: the number of the file that each stands in, by the order of the documents.
    """

    x: Float[np.ndarray, "n columns"]
    has_docstring: Int[np.ndarray, "n"]
    file: Int[np.ndarray, "n"]


def functions_table(documents: Iterable[Document]) -> Functions:
    """Read the functions of Python files, those inside classes and other functions too, in the order of their lines.

    A file that this Python cannot parse is passed over.

    Raises:
        TypeError: if `documents` are no collection of documents.
        ValueError: if there is no function in them.

    >>> one = Document(name="a.py", text='def f(x, y=1):\\n    "Doc."\\n    return x\\n')
    >>> table = functions_table([one])
    >>> table.has_docstring, table.x[0, [COLUMNS.index("statements"), COLUMNS.index("lines")]]
    (array([1]), array([1., 2.]))
    """
    several("documents", documents)
    rows, labels, files = [], [], []
    for number, document in enumerate(documents):
        instance("documents", document, Document)
        try:
            tree = ast.parse(document.text)
        except (SyntaxError, ValueError):
            continue
        for node, depth, is_method in _functions(tree):
            rows.append(_row(node, depth, is_method))
            labels.append(ast.get_docstring(node) is not None)
            files.append(number)
    if not rows:
        raise ValueError("documents must hold a function, got none")
    return Functions(
        x=np.array(rows, dtype=float), has_docstring=np.array(labels, dtype=np.int64), file=np.array(files)
    )


def _functions(tree: ast.AST):
    """Walk the tree in the order of the lines; give each function, how deep it stands, and whether in a class."""
    waiting = [(tree, 0, False)]
    while waiting:
        node, depth, in_class = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, depth, in_class
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        below = depth + inner, isinstance(node, ast.ClassDef) if inner else in_class
        waiting += [(child, *below) for child in reversed([*ast.iter_child_nodes(node)]) if isinstance(child, ast.stmt)
                    or isinstance(node, ast.Try | ast.Match)]  # fmt: skip


def _row(node: ast.FunctionDef | ast.AsyncFunctionDef, depth: int, is_method: bool) -> list[float]:
    body = node.body[ast.get_docstring(node) is not None :]
    kinds = Counter(type(inner) for statement in body for inner in ast.walk(statement))
    counts = [sum(n for kind, n in kinds.items() if issubclass(kind, wanted)) for wanted in COUNTED.values()]
    arguments, name = node.args, node.name
    lines = 1 + sum((statement.end_lineno or 0) - statement.lineno + 1 for statement in body)
    special = name.startswith("__") and name.endswith("__")
    n_arguments = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
    return [
        *counts, lines, n_arguments, len(arguments.defaults), len(node.decorator_list), depth,
        is_method, name.startswith("_") and not special, special, len(name),
    ]  # fmt: skip
