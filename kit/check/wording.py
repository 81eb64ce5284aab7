"""Words for values: an argument, an answer, a case, each in a line that a learner can take in.

Taught in: every notebook
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SHOWN = 12  # as many numbers as one looks at


def is_tensor(value: Any) -> bool:
    """Tell a tensor from all else, without importing torch."""
    return hasattr(type(value), "detach") and hasattr(type(value), "device")


def numbers_shown(array: np.ndarray, digits: int = 4) -> str:
    """Show an array of up to a dozen numbers, or name its shape and dtype.

    >>> numbers_shown(np.array([2.0, 4.0]))
    '[2. 4.]'
    """
    if array.dtype.kind not in "biuf" or array.size > SHOWN:
        return f"an array of shape {array.shape} and dtype {array.dtype}"
    if array.ndim == 0:
        return f"{array.item():.{max(digits, 6)}g}" if array.dtype.kind == "f" else str(array.item())
    text = " ".join(np.array2string(array, precision=digits).split())
    return text.replace("[ ", "[").replace(" ]", "]")


def describe(value: Any) -> str:
    """Describe any value in a few words.

    >>> describe([1, 2]), describe("two")
    ('[1, 2]', "str 'two'")
    """
    try:
        return _described(value)
    except Exception:  # a layout without a shape, an object without words
        return type(value).__name__


def _described(value: Any) -> str:
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}, {value.dtype} on {value.device}"
    if isinstance(value, np.ndarray):
        return numbers_shown(value)
    if value is None or isinstance(value, bool | int | np.bool_ | np.integer):
        return _short(str(value), "a very large number")
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    kind = type(value).__name__
    if isinstance(value, str | bytes):
        return f"{kind} {_short(repr(value), f'of {len(value)} letters')}"
    if isinstance(value, list | tuple):
        plain = all(isinstance(each, int | float | str | bytes | list | tuple) for each in value)
        return _short(repr(value), f"a {kind} of {len(value)}") if plain else f"a {kind} of {len(value)}"
    if type(value).__repr__ is not object.__repr__ and not inspect.isroutine(value):
        return _short(repr(value), kind)
    name = getattr(value, "__name__", kind)
    return "a function" if name == "<lambda>" else name


def _short(text: str, otherwise: str, *, letters: int = 80) -> str:
    return text if len(text) <= letters else otherwise


def names_of(function: Callable[..., Any], solution: Callable[..., Any], n: int) -> list[str]:
    """Name n arguments as the learner's function does, or as kit's own, or by their number."""
    for each in (function, solution):
        try:
            parameters = inspect.signature(each).parameters.values()
        except (TypeError, ValueError):  # some functions written in C have none
            continue
        if len(parameters) == n and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):
            return [p.name for p in parameters]
    return [f"argument {i + 1}" for i in range(n)]


def case_shown(names: Sequence[str], case: Sequence[Any]) -> str:
    """Show a case: each argument's name and value, of many numbers the first dozen.

    >>> case_shown(["x", "delta"], [np.array([1.0, 2.0]), 0.5])
    'x = [1. 2.], delta = 0.5'
    """
    return ", ".join(f"{name} = {argument(value)}" for name, value in zip(names, case, strict=True))


def argument(value: Any) -> str:
    """Show an argument: its numbers, or the first dozen of them."""
    try:
        if is_tensor(value):
            value = value.detach().float().numpy() if value.is_floating_point() else value.detach().numpy()
        if isinstance(value, np.ndarray) and value.size > SHOWN:
            first = numbers_shown(value.ravel()[:SHOWN])
            return f"{first[:-1]} ...], of shape {value.shape}"
        if isinstance(value, str | bytes):
            return repr(value) if len(value) <= 80 else f"{value[:60]!r} ..., {len(value)} letters"
        if isinstance(value, list | tuple):
            each = [argument(item) for item in value[:SHOWN]] + ["..."] * (len(value) > SHOWN)
            text = ", ".join(each) + "," * (isinstance(value, tuple) and len(value) == 1)
            text = ("({})" if isinstance(value, tuple) else "[{}]").format(text)
            return text if len(text) <= 400 else f"a {type(value).__name__} of {len(value)}, the first {each[0]}"
        return describe(value)
    except Exception:  # an argument that cannot be shown is named by its kind
        return type(value).__name__
