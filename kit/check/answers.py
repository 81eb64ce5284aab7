"""What a learner's function returned beside what it should have: shape and dtype first, then values.

Nothing is ever broadcast. A list does for a tuple and a tuple for a list, and a tensor for an array,
whatever its device, dtype and layout.

Taught in: every notebook
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

import numpy as np

from kit.check.wording import describe, is_tensor, numbers_shown


def as_array(value: Any) -> np.ndarray:
    """Take an array as it is; of a tensor, or a list of tensors, the numbers, whatever its device, layout and format.

    Raises:
        TypeError: if it has no numbers, as tensors on the device meta.
        ValueError: if it is ragged.

    >>> as_array([1, 2])
    array([1, 2])
    """
    if is_tensor(value):
        return _numbers(value)
    array = np.asarray([as_array(each) for each in value] if _holds_tensors(value) else value)
    if array.dtype != object:
        return array
    if any(each is None for each in array.flat):
        raise TypeError(f"{describe(value)} with None in it" if array.ndim else "None")
    try:
        return array.astype(float)  # whole numbers beyond 64 bits, and fractions
    except OverflowError:
        return np.full(array.shape, np.inf)
    except (TypeError, ValueError):
        raise TypeError(describe(value)) from None


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(is_tensor(each) or _holds_tensors(each) for each in value)


def _numbers(tensor: Any) -> np.ndarray:
    try:
        plain = tensor.detach()
        plain = (plain.dequantize() if plain.is_quantized else plain.to_dense()).cpu().resolve_conj().resolve_neg()
        return np.asarray(plain.float() if plain.is_floating_point() and plain.itemsize < 4 else plain)
    except Exception as error:  # torch has a kind of its own for each layout and device
        why = str(error).split("\n")[0][:100]
        raise TypeError(f"a tensor on the device {tensor.device} without numbers to compare: {why}") from None


def frozen(value: Any) -> Any:
    """Copy an answer, so that a later call of the same function cannot change it."""
    try:
        if isinstance(value, list | tuple):
            return [frozen(each) for each in value] if isinstance(value, list) else tuple(map(frozen, value))
        if is_tensor(value):
            return value.detach().clone()
        return np.array(value) if isinstance(value, np.ndarray) else value
    except Exception:  # a list that holds itself, a layout that cannot be copied
        return value


def unusable(value: Any) -> str:
    """Say why an answer is nothing that could be compared with numbers or text; "" where it may be.

    >>> unusable(map(abs, [1])).split(",")[0]
    'Your answer is a map'
    """
    kind = type(value).__name__
    if value is None:
        return "Your function returned None. Is a return missing?"
    if inspect.iscoroutine(value):
        value.close()  # else Python complains later that nobody waited for it
        return "Your function is a coroutine, which does its work only when awaited. Write def, not async def."
    if inspect.isgenerator(value) or inspect.isasyncgen(value) or isinstance(value, Iterator):
        return f"Your answer is a {kind}, which makes its values only when asked. Return the values: list(...)."
    if isinstance(value, type({}.keys()) | type({}.values()) | type({}.items())):
        return f"Your answer is a view of a dictionary, {kind}. Return the values: list(...)."
    if isinstance(value, Set | Mapping):
        return f"Your answer is a {kind}. Return its values in their order, as a list or an array."
    if callable(value) and not is_tensor(value):
        return f"Your function returned a function, {describe(value)}. Call it, and return what comes out."
    return ""


def same(after: Any, before: Any) -> bool:
    """Tell whether a value is what it was, down to the arrays inside tuples, lists and dictionaries."""
    try:
        if isinstance(before, list | tuple):
            return type(after) is type(before) and len(after) == len(before) and all(map(same, after, before))
        if isinstance(before, dict):
            return list(after) == list(before) and all(same(after[key], before[key]) for key in before)
        if hasattr(before, "__array__"):
            after, before = as_array(after), as_array(before)
            return np.array_equal(after, before, equal_nan=before.dtype.kind in "fc")
        return after == before if isinstance(before, int | float | str | bytes) else True
    except Exception:  # what can no longer be read has been changed
        return False


def differ(a: Any, b: Any) -> bool:
    """Tell whether two answers can be read and are not the same; what cannot be read is judged elsewhere."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) != len(b) or any(map(differ, a, b))
    try:
        a, b = as_array(a), as_array(b)
        return not np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
    except Exception:
        return False


def difference(got: Any, want: Any, *, rtol: float) -> str:
    """Say how an answer differs from the expected one; an empty string where it does not.

    Args:
        rtol: how far a number may be from the expected one, relative to the largest in its array.

    >>> difference([1, 2], (1, 3), rtol=0)
    'Value 2 of 2: Expected 3; got 2.'
    """
    if wrong := unusable(got):
        return wrong
    if isinstance(want, tuple):
        return _of_several(got, want, rtol)
    if isinstance(want, str):
        return "" if isinstance(got, str) and got == want else _of_texts(got, want)
    want = as_array(want)
    try:
        given, got = got, as_array(got)
    except ValueError:
        return f"Expected an array of shape {want.shape}; got rows of different lengths."
    except Exception as error:
        return f"Expected {numbers_shown(want)}; got {error if isinstance(error, TypeError) else describe(got)}."
    if got.dtype.kind not in "biuf":
        return f"Expected {numbers_shown(want)}; got {describe(given)}."
    return _of_kinds(got, want) or _of_numbers(got, want, rtol)


def _of_several(got: Any, want: tuple[Any, ...], rtol: float) -> str:
    # an array does, too, where it stacks what is asked for
    depth = 1 if isinstance(want[0], str | list | tuple) else 1 + np.ndim(want[0])
    parts = _parts(got, depth)
    if parts is None or (len(parts) != len(want) and not isinstance(got, list | tuple)):
        return f"Expected {len(want)} values, as a tuple; got one: {describe(got)}."
    if len(parts) != len(want):
        return f"Expected {len(want)} values, as a tuple; got {len(parts)}: {describe(got)}."
    each = (difference(*pair, rtol=rtol) for pair in zip(parts, want, strict=True))
    return next((f"Value {i} of {len(want)}: {text}" for i, text in enumerate(each, 1) if text), "")


def _parts(got: Any, depth: int) -> list[Any] | tuple[Any, ...] | None:
    try:
        return got if isinstance(got, list | tuple) else list(got) if got.ndim == depth else None
    except Exception:  # no array, or one that cannot be taken apart
        return None


def _of_texts(got: Any, want: str) -> str:
    if not isinstance(got, str):
        return f"Expected a text; got {describe(got)}."
    pairs = zip(got, want, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(got), len(want)))
    before, right, yours = (ascii(text) for text in (want[max(0, at - 8) : at], want[at : at + 8], got[at : at + 8]))
    return f"Differs at place {at}, after {before}: expected {right}, got {yours}."


def _of_kinds(got: np.ndarray, want: np.ndarray) -> str:
    """Compare shapes, and whether both are numbers or both true and false."""
    if (got.dtype.kind == "b") != (want.dtype.kind == "b"):
        kinds = [f"{'True or False' if x.dtype.kind == 'b' else 'numbers'}, dtype {x.dtype}" for x in (want, got)]
        return f"Expected {kinds[0]}; got {kinds[1]}."
    if got.shape == want.shape:
        return ""
    if got.ndim and want.ndim:
        return f"Expected shape {want.shape}; got shape {got.shape}."
    if got.ndim:
        return f"Expected {numbers_shown(want)}, a single value; got an array of shape {got.shape}."
    return f"Expected {numbers_shown(want)}; got {numbers_shown(got)}."


def _of_numbers(got: np.ndarray, want: np.ndarray, rtol: float) -> str:
    if want.dtype.kind in "biu" and got.dtype.kind in "biu":
        if np.array_equal(got, want):
            return ""
    elif _close(got, want, min(rtol, 1e-9) if want.dtype.kind in "iu" else rtol):
        return ""
    if got.dtype.kind == "f" and not np.isfinite(got).all():
        at = _index(np.asarray(~np.isfinite(got)))
        where = f" The first is at index {at}, where {want[at]:.6g} belongs." if want.ndim else ""
        return f"Some numbers in your answer are NaN or infinite.{where}"
    wrong = np.abs(got.astype(float) - want.astype(float))
    if want.size <= 12:
        shown = next(
            (pair for pair in _pairs(numbers_shown, want, got) if pair[0] != pair[1]), ("other numbers", "these")
        )
        return f"Expected {shown[0]}; got {shown[1]}.{_coarse(got, want)}"
    at = tuple(int(i) for i in np.unravel_index(wrong.argmax(), want.shape))
    if want.dtype.kind == "b":
        return f"{int(wrong.sum())} of {want.size} differ, the first at index {at}: expected {want[at]}, got {got[at]}."
    shown = next((p for p in _pairs(numbers_shown, want[at], got[at]) if p[0] != p[1]), ("another number", "this"))
    return f"Furthest off at index {at}: expected {shown[0]}, got {shown[1]}.{_coarse(got, want)}"


def _close(got: np.ndarray, want: np.ndarray, rtol: float) -> bool:
    if not np.isfinite(want).all():  # a mistake whose answer overflows in the same places
        return bool(np.allclose(got, want, rtol, rtol, equal_nan=True))
    wrong = np.abs(got.astype(float) - want.astype(float))
    return not want.size or bool(wrong.max() <= rtol * np.abs(want).max())


def _index(where: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(where.argmax(), where.shape))


def _pairs(shown: Callable[..., str], want: Any, got: Any) -> Iterator[tuple[str, str]]:
    """Show both with more and more digits, until one can see a difference."""
    return ((shown(np.asarray(want), digits), shown(np.asarray(got), digits)) for digits in (4, 6, 9, 12, 17))


def _coarse(got: np.ndarray, want: np.ndarray) -> str:
    """Say so where an answer is right up to the rounding of a coarse format."""
    for kind in (np.float16, np.float32):
        if _close(got, want, 8 * float(np.finfo(kind).eps)):
            digits = np.finfo(kind).precision
            return f" They agree to {digits} digits, as many as {np.dtype(kind)} keeps: compute in a finer format."
    return ""
