"""Refuse bad input at the door, always in one voice: the argument, the rule, the value.

Taught in: every notebook
"""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np


def real_array(name: str, value: Any, *, ndim: int | None = None) -> np.ndarray:
    """Return `value` as a floating-point array, or say what is wrong with it.

    Integers and lists become float64. Floating-point arrays keep their dtype and are not copied,
    but for float16, which becomes float32: its sums would end at 65,504.

    Args:
        ndim: the number of axes demanded; any number where it is None.

    Raises:
        TypeError: if `value` is not made of real numbers.
        ValueError: if it is ragged, empty, holds NaN or infinity, or has another number of axes.

    >>> real_array("x", [1, 2])
    array([1., 2.])
    """
    array = _rectangular(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {type(value).__name__} of dtype {array.dtype}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} {'axis' if ndim == 1 else 'axes'}, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if not all_finite(array):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    if array.dtype.kind == "f":
        return array.astype(np.float32) if array.dtype.itemsize < 4 else array
    return array.astype(np.float64)


def all_finite(array: np.ndarray) -> bool:
    """Tell whether no number of an array is NaN or infinite, in a third of the time of `np.isfinite(array).all()`.

    The sum of the squares is NaN or infinite if one number is. It can be infinite without, and then each is looked at.

    >>> all_finite(np.array([1e200, 1.0])), all_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def integer_array(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of int64, of any number of axes; an unsigned one could not hold IGNORE_INDEX.

    Raises:
        TypeError: if `value` is not made of integers; whole numbers of a floating-point dtype are none.
        ValueError: if it is ragged or empty, or a number is beyond int64.

    >>> integer_array("classes", [2, 0])
    array([2, 0])
    """
    array = _rectangular(name, value)
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got {type(value).__name__} of dtype {array.dtype}")
    if array.dtype == np.uint64 and array.max() >= 2**63:
        raise ValueError(f"{name} must be < 2**63, got {array.max()}")
    return array.astype(np.int64, copy=False)


def unchecked_array(name: str, value: Any) -> np.ndarray:
    """Return `value` as `real_array` does, without a look at the numbers themselves.

    Cheap enough for the inside of a training loop. The caller that finds a NaN in its result
    calls `real_array` to name the culprit.

    Raises:
        TypeError: if `value` is not made of real numbers.
        ValueError: if it is ragged or empty.

    >>> unchecked_array("x", [1, 2])
    array([1., 2.])
    """
    if not (isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype.itemsize >= 4 and value.size):
        return real_array(name, value)
    return value


def matching(name: str, value: Any, other_name: str, other: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays of one shape, refusing what NumPy would broadcast into a wrong answer.

    As cheap as `unchecked_array`: it looks at shape and dtype, not at the numbers.

    Raises:
        TypeError: if either is not made of real numbers.
        ValueError: if the shapes differ, or are empty.

    >>> matching("predictions", np.ones((3, 1)), "targets", np.ones(3))
    Traceback (most recent call last):
    ValueError: predictions must have the shape of targets, (3,), got (3, 1)
    """
    value, other = unchecked_array(name, value), unchecked_array(other_name, other)
    if value.shape != other.shape:
        raise ValueError(f"{name} must have the shape of {other_name}, {other.shape}, got {value.shape}")
    return value, other


def token_ids(name: str, value: Any, *, below: int) -> np.ndarray:
    """Return a text's token ids as a row of int64; bytes are their own ids, and no text is too short.

    Raises:
        TypeError: if `value` does not hold whole numbers.
        ValueError: if it has more than one axis, or holds an id that is not from 0 to `below` - 1.

    >>> token_ids("ids", b"Hi", below=256)
    array([ 72, 105])
    """
    array = np.frombuffer(value, dtype=np.uint8) if isinstance(value, bytes) else np.asarray(value)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold whole numbers, got {type(value).__name__} of dtype {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{name} must have 1 axis, got shape {array.shape}")
    if array.min() < 0 or array.max() >= below:
        raise ValueError(f"{name} must be from 0 to {below - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def real_tensor(name: str, value: Any) -> Any:
    """Return `value` if it is a torch tensor of floating-point numbers; the numbers are not looked at.

    Raises:
        TypeError: if it is not.
    """
    import torch  # whoever has a tensor has it loaded; those who have none need not wait for it

    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        raise TypeError(f"{name} must be a tensor of real numbers, got {shown(value)}")
    return value


def integer_tensor(name: str, value: Any) -> Any:
    """Return `value` if it is a torch tensor of whole numbers.

    Raises:
        TypeError: if it is not.
    """
    import torch

    whole = (torch.int64, torch.int32, torch.int16, torch.uint8)
    if not isinstance(value, torch.Tensor) or value.dtype not in whole:
        raise TypeError(f"{name} must be a tensor of whole numbers, got {shown(value)}")
    return value


def matching_tensors(name: str, value: Any, other_name: str, other: Any) -> None:
    """Refuse two tensors of which torch would broadcast one into a wrong answer.

    Raises:
        TypeError: if either is not a tensor of real numbers.
        ValueError: if their shapes differ.
    """
    if real_tensor(name, value).shape != real_tensor(other_name, other).shape:
        raise ValueError(f"{name} must have the shape of {other_name}, {tuple(other.shape)}, got {tuple(value.shape)}")


def token_batch(name: str, value: Any, *, below: int, at_most: int | None = None) -> Any:
    """Return `value`, as int64, if it is a batch of token ids: a tensor of the axes batch and time.

    On a GPU the ids themselves are not looked at: that would wait for it at every step.

    Args:
        at_most: the longest time that a model has positions for; any where it is None.

    Raises:
        TypeError: if `value` is not a tensor of whole numbers.
        ValueError: if it has other axes, is empty or too long, or holds an id not from 0 to `below` - 1.
    """
    import torch

    if integer_tensor(name, value).ndim != 2 or not value.numel():
        raise ValueError(f"{name} must have the axes batch and time, and a token, got shape {tuple(value.shape)}")
    if at_most is not None and value.shape[1] > at_most:
        raise ValueError(f"{name} must be at most {at_most} tokens long, got {value.shape[1]}")
    if value.device.type == "cpu" and not torch.compiler.is_compiling():
        low, high = value.aminmax()
        if low < 0 or high >= below:
            raise ValueError(f"{name} must be from 0 to {below - 1}, got {low} to {high}")
    return value.long()  # an embedding looks up no narrower numbers


def token_numbers(name: str, value: Any, like: Any, *, below: int) -> Any:
    """Return `value`, as int64, if it is a whole number for each token of the batch `like`.

    Raises:
        TypeError: if `value` is not a tensor of whole numbers.
        ValueError: if it is not of the shape of `like`, or holds a number not from 0 to `below` - 1.
    """
    if integer_tensor(name, value).shape != like.shape:
        raise ValueError(f"{name} must have a number for each token, {tuple(like.shape)}, got {tuple(value.shape)}")
    return token_batch(name, value, below=below)


def token_flags(name: str, value: Any, like: Any, *, from_start: bool = False) -> Any:
    """Return `value` if it is a boolean for each token of the batch `like`.

    Args:
        from_start: demand that each row is true from its start, without a gap: what fills it up
            stands at its end. As with `token_batch`, on a GPU nobody looks.

    Raises:
        TypeError: if `value` is not a tensor of booleans.
        ValueError: if it is not of the shape of `like`, or true in other places.
    """
    import torch

    if not isinstance(value, torch.Tensor) or value.dtype != torch.bool:
        raise TypeError(f"{name} must be a tensor of booleans, got {shown(value)}")
    if value.shape != like.shape:
        raise ValueError(f"{name} must have a boolean for each token, {tuple(like.shape)}, got {tuple(value.shape)}")
    if from_start and value.device.type == "cpu" and not torch.compiler.is_compiling():
        wrong = ~value[:, 0] | (value[:, 1:] > value[:, :-1]).any(dim=1)
        if wrong.any():
            row = int(wrong.nonzero()[0])
            raise ValueError(
                f"{name} must be true from the start of each row and without a gap, got otherwise in row {row}"
            )
    return value


def real(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
) -> float:
    """Return `value` as a float within the bounds given.

    Args:
        above: a bound that `value` may not touch, as is `below`.
        at_least: a bound that `value` may touch, as is `at_most`.

    Raises:
        TypeError: if `value` is not a real number.
        ValueError: if it is NaN, infinite, or out of bounds.

    >>> real("lr", 0, above=0)
    Traceback (most recent call last):
    ValueError: lr must be > 0, got 0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    if not number > above:
        raise ValueError(f"{name} must be > {above:g}, got {value}")
    if not number < below:
        raise ValueError(f"{name} must be < {below:g}, got {value}")
    if not number >= at_least:
        raise ValueError(f"{name} must be >= {at_least:g}, got {value}")
    if not number <= at_most:
        raise ValueError(f"{name} must be <= {at_most:g}, got {value}")
    return number


def count(name: str, value: Any, *, at_least: int = 1) -> int:
    """Return `value` as a whole number of at least `at_least`.

    Raises:
        TypeError: if `value` is not an integer.
        ValueError: if it is too small.

    >>> count("n_steps", -1, at_least=0)
    Traceback (most recent call last):
    ValueError: n_steps must be >= 0, got -1
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {shown(value)}")
    if value < at_least:
        raise ValueError(f"{name} must be >= {at_least}, got {value}")
    return int(value)


def function(name: str, value: Any) -> None:
    """Refuse what cannot be called.

    Raises:
        TypeError: if `value` is not callable.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {shown(value)}")


def instance(name: str, value: Any, kind: type) -> None:
    """Refuse what is of another type.

    Raises:
        TypeError: if `value` is not a `kind`.

    >>> instance("text", 5, str)
    Traceback (most recent call last):
    TypeError: text must be a str, got int 5
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {shown(value)}")


def several(name: str, value: Any) -> None:
    """Refuse what is not a collection; one text is none, though Python would take it for its letters.

    Raises:
        TypeError: if `value` cannot be walked through, or is a str or bytes.

    >>> several("texts", "moo")
    Traceback (most recent call last):
    TypeError: texts must be a collection, got str 'moo'
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a collection, got {shown(value)}")


def one_of(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return `value` if it is among the choices.

    Raises:
        ValueError: if it is not; the message lists the choices.
    """
    if not isinstance(value, str) or value not in choices:  # of an array, `in` would ask each number
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {_cut(value)}")
    return value


def shown(value: Any) -> str:
    """Write what a value is, for an error: its type and itself, in one line that is cut where it is long.

    >>> shown(list(range(1000)))[-18:]
    ' 18, 19, 20, 21...'
    """
    is_array = hasattr(value, "dtype") and not isinstance(value, np.generic)
    return f"{type(value).__name__} {f'of {value.dtype}' if is_array else _cut(value)}"


def _rectangular(name: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be rectangular: its rows differ in length") from None


def _cut(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
