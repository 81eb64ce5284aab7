"""Show kit's own source in a notebook, as it stands now and in the reader's own theme.

Taught in: every notebook
"""

import inspect
from collections.abc import Callable
from typing import Any

from kit.arguments import shown


class Source:
    """The source of some functions; shows itself as highlighted code."""

    def __init__(self, *functions: Callable[..., Any]):
        self.functions = functions

    def __repr__(self) -> str:
        return "\n\n".join(f"# {f.__module__}\n{inspect.getsource(f).rstrip()}" for f in self.functions)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self!r}\n```"


def show(*functions: Callable[..., Any]) -> Source:
    """Show the source of one, two or three functions or classes; more is not read.

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
