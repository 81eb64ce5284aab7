"""Every function of tensors, on another device: its good arguments are those of the room's refusals.

What is new in kit.blocks, kit.compress, kit.models or kit.train is covered as soon as its arguments are listed there,
and tests/house/test_bad_input.py lets nothing be missing. What they do together is tests/models/test_meta.py's.
tests/away.py has the device.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from kit.blocks.attention import KVCache
from kit.models.encoder_decoder import ConditionedDecoder
from kit.train.loop import fit
from kit.train.lora import save_adapter
from tests.away import Away, There
from tests.blocks import refusals as blocks
from tests.compress import refusals as compress
from tests.house.bad_input import call
from tests.models import refusals as models
from tests.train import refusals as train

AWAY = torch.device("meta")
SAVES = (save_adapter,)  # a file takes torch's own tensors, and those of a class of the tests' are none


def cases() -> Iterator[Any]:
    """Give each function that is given a tensor or a module, or belongs to one, with its good arguments."""
    for room in (blocks, compress, models, train):
        for function, arguments in room.ARGUMENTS.items():
            good = {name: value for name, (value, _) in arguments.items()}
            owner = getattr(function, "__self__", None)
            held = tree_leaves((owner, good))
            makes = isinstance(good.get("device"), str) and not isinstance(function, type)
            of_tensors = makes or any(isinstance(value, Tensor | nn.Module) for value in held)
            if of_tensors and function not in SAVES and not isinstance(owner, KVCache):  # a cache has its device
                yield pytest.param(function, good, id=f"{function.__module__}.{function.__qualname__}")


def moved(value: Any) -> Any:
    """Bring a tensor there, or a copy of a module with its parts, tied where they are tied."""
    if isinstance(value, Tensor):
        return value.to(AWAY)
    if isinstance(value, ConditionedDecoder):
        return moved(value.model).condition_on(models.IDS.to(AWAY))
    if not isinstance(value, nn.Module):
        return value
    there, known = deepcopy(value), {}
    for part in there.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if parameter not in known:
                known[parameter] = nn.Parameter(parameter.detach().to(AWAY), requires_grad=parameter.requires_grad)
            setattr(part, name, known[parameter])
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, buffer.to(AWAY))
    return there


def is_module_or_tensor(value: Any) -> bool:
    return isinstance(value, nn.Module | Tensor)


@pytest.mark.parametrize(("function", "good"), [*cases()])
def test_every_function_computes_where_its_tensors_are(function: Callable, good: dict[str, Any], monkeypatch):
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)
    torch.manual_seed(0)
    with Away():
        good = {**tree_map(moved, good, is_leaf=is_module_or_tensor), **({"device": AWAY} if "device" in good else {})}
        owner = getattr(function, "__self__", None)
        if isinstance(owner, nn.Module):
            function = getattr(moved(owner), function.__name__)
        result = call(function, good)
        if isinstance(result, AbstractContextManager):
            with result:
                pass
        found = tree_leaves(result)
        for part in [part for part in found if isinstance(part, nn.Module)]:
            found += [*part.parameters(), *part.buffers()]
        assert all(each.device == AWAY for each in found if isinstance(each, Tensor))


def test_a_tensor_left_on_the_cpu_is_found():
    with Away():
        x = torch.ones(3, device=AWAY)
        with pytest.raises(RuntimeError, match="still on the CPU"):
            x + torch.arange(3)
        with pytest.raises(RuntimeError, match="still on the CPU"):
            x[torch.arange(2)]
        assert (x + torch.tensor(1)).tolist() == [2, 2, 2]  # a single number may stay, as on a GPU
        assert isinstance(x + torch.arange(3, device=x.device), There)


def test_the_training_step_is_among_them():
    assert fit in {case.values[0] for case in cases()}
