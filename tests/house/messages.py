"""Call every public function with a whole data set where it wants something else, and measure what it says.

    python -m tests.house.messages

An error names the argument, the rule and the value: in one line, however large the value is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.house.bad_input import ARGUMENTS, call

LONGEST = 300
LARGE: dict[str, Any] = {
    "a list": list(range(5_000)),
    "a list of texts": ["moo"] * 5_000,
    "a tuple": tuple(range(5_000)),
    "a set": set(range(5_000)),
    "a dict": {f"column {i}": [i] * 10 for i in range(500)},
    "an array": np.arange(5_000.0),
    "a tensor": torch.arange(5_000.0),
    "a tensor of flags": torch.ones(5_000, dtype=torch.bool),
    "a text": "moo " * 5_000,
    "bytes": bytes(20_000),
    "a module": nn.Sequential(*[nn.Linear(2, 2) for _ in range(50)]),
}


def messages() -> Iterator[tuple[str, str]]:
    """Give each call's description, and what it said; "" where it took the value."""
    for function, arguments in ARGUMENTS.items():
        good = {name: value for name, (value, _) in arguments.items()}
        for name, (usual, refused) in arguments.items():
            # a text of that length is no path, which the system says in its own words
            for what, value in LARGE.items() if refused and not isinstance(usual, Path) else ():
                try:
                    call(function, good | {name: value})
                    said = ""
                except (TypeError, ValueError) as error:
                    said = str(error)
                except Exception:  # a module that is none of kit's models, and fails in its own words
                    said = ""
                yield f"{function.__module__}.{function.__qualname__}({name}={what})", said


if __name__ == "__main__":
    found = list(messages())
    wrong = [(bad, said) for bad, said in found if len(said) > LONGEST or "\n" in said]
    for bad, said in wrong:
        print(f"{bad}: {len(said)} letters, {said.count(chr(10)) + 1} lines: {said[:200]!r}")
    print(f"{len(found) - len(wrong)} of {len(found)} answers to a large value fit into a line of {LONGEST} letters")
    raise SystemExit(bool(wrong))
