"""A device that is not there: tensors that say that they are on torch's meta device, and yet hold numbers.

    with Away():
        model = there(lambda: GPT(config))
        model(ids.to("meta"))

Each operation on them is computed on the CPU, after a look at what it was given: a tensor that was left
on the CPU, which a GPU would refuse, is refused here. A plain meta tensor would not do: it has no numbers
for `item`, `tolist` and `nonzero`, without which no step of training can be taken and no token be drawn.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
MOVES = (aten._to_copy.default, aten.copy_.default)  # between devices: what they are for


class There(Tensor):
    """A tensor on the device.

    Args:
        inner: its numbers, on the CPU.
    """

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "There":
        layout = {"strides": inner.stride(), "storage_offset": inner.storage_offset(), "dtype": inner.dtype}
        made = Tensor._make_wrapper_subclass(
            cls, inner.shape, **layout, device="meta", requires_grad=inner.requires_grad
        )  # fmt: skip
        made.inner = inner
        return made

    def __repr__(self) -> str:
        return f"There({self.inner})"

    def tolist(self) -> Any:
        """Bring the numbers home."""
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return compute(function, args, kwargs or {})


def compute(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Compute an operation that has a tensor of the device in it, or makes one."""
    for tensor in tree_leaves((args, kwargs)):
        if isinstance(tensor, Tensor) and not isinstance(tensor, There) and tensor.ndim and function not in MOVES:
            raise RuntimeError(f"{function} was given a tensor of shape {tuple(tensor.shape)} that is still on the CPU")
    to = kwargs.get("device")
    bare = tree_map(lambda x: x.inner if isinstance(x, There) else x, (args, kwargs))
    if to is not None:
        bare[1]["device"] = "cpu"
    result = function(*bare[0], **bare[1])
    if function is aten.copy_.default:
        return args[0]
    if to is not None and torch.device(to).type == "cpu":
        return result
    return tree_map(lambda x: There(x) if isinstance(x, Tensor) else x, result)


class Away(TorchDispatchMode):
    """Let whatever says `device="meta"` be made on that device."""

    def __enter__(self) -> "Away":
        self.numbers = Numbers()
        self.numbers.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.numbers.__exit__(*error)

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        to = kwargs.get("device")
        if to is not None and torch.device(to).type == "meta":
            return compute(function, args, kwargs)
        return function(*args, **kwargs)


class Numbers(TorchFunctionMode):
    """Bring numbers of Python's there as well; torch itself would leave them behind."""

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        to = kwargs.get("device")
        if function in (torch.tensor, torch.as_tensor) and to is not None and torch.device(to).type == "meta":
            return function(*args, **{**kwargs, "device": "cpu"}).to("meta")
        return function(*args, **kwargs)


def there(make: Callable[[], Any]) -> Any:
    """Make a model on the device, tied where it is tied."""
    with torch.device("meta"):
        return make()
