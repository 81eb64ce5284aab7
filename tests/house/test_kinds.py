"""Faults come in kinds: what one module was mended of, all modules are held to."""

import copy
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from kit.learn.autograd import Variable
from tests.house.bad_input import ARGUMENTS, call, public_functions

KIT = Path(__file__).parents[2] / "kit"
# write in ways of their own, and say in a comment how nothing is lost
WRITERS = {"files.py", "text/shards.py", "check/progress.py", "train/monitor.py", "train/checkpoint.py"}
WRITERS |= {"scale/launch.py", "scale/elastic.py"}


def test_files_are_written_whole():
    """Whoever looks, or is killed, finds the old file or the new one: by `kit.files.write_whole`."""
    writes = re.compile(r"\.write_text\(|\.write_bytes\(|open\([^)]*[\"'](?:r\+|[wax])b?[\"']")
    found = {
        path.relative_to(KIT).as_posix()
        for path in KIT.rglob("*.py")
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert {each for each in found if not each.startswith(("evidence/", "explore/"))} <= WRITERS


def test_errors_come_at_the_call():
    """The body of a generator waits for its first value: its refusals would come long after the mistake."""
    assert [f.__qualname__ for f in public_functions() if inspect.isgeneratorfunction(f)] == []


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_whole_numbers_may_be_unsigned(dtype):
    """Files hold tokens and classes so; a difference would wrap around, and IGNORE_INDEX has no place."""
    tried = 0
    for function, arguments in ARGUMENTS.items():
        for name, (value, _) in arguments.items():
            if isinstance(value, np.ndarray) and value.dtype == np.int64 and value.size and value.min() >= 0:
                usual, unsigned = (copy.deepcopy({n: good for n, (good, _) in arguments.items()}) for _ in range(2))
                unsigned[name] = value.astype(dtype)
                results = [call(function, given) for given in (usual, unsigned)]
                results = [list(each) if isinstance(each, Iterator) else each for each in results]
                if not callable(results[0]):  # two functions have no equal sign
                    np.testing.assert_equal(*map(plain, results), err_msg=str(function))
                tried += 1
    assert tried > 10


def plain(result: Any) -> Any:
    """Take a result apart into what has an equal sign: the fields of a dataclass, a tensor's numbers, a variable's."""
    if dataclasses.is_dataclass(result):
        return {field.name: plain(getattr(result, field.name)) for field in dataclasses.fields(result)}
    if isinstance(result, list | tuple):
        return [plain(each) for each in result]
    if isinstance(result, Variable):
        return result.data
    return result.detach().numpy() if isinstance(result, Tensor) else result
