"""Every strategy against one process, after ten steps: python -m tests.scale.agreement.

Prints one table: the largest relative differences of weights and gradients, in the simulator on 1, 2 and 4
ranks, and by PyTorch's own engine on gloo processes under torchrun.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kit.scale.launch import torchrun
from kit.scale.simulated import STRATEGIES as SIMULATED
from kit.scale.simulated import Run, simulate
from kit.scale.stack import first_blocks, flat, some_rows

BAR = 1e-10  # in float64; float32 is printed beside it, where Adam makes whole steps of what is rounding alone
PATIENCE = 600


def of_processes(*arguments: str, n_ranks: int) -> list[dict[str, Any]]:
    """Compare PyTorch's strategies on some ranks, and read what rank 0 wrote."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "found.json"
        torchrun("kit.scale.agree", "--out", str(out), *arguments, n_ranks=n_ranks, timeout=PATIENCE)
        return json.loads(out.read_text(encoding="utf-8"))


def in_simulator() -> Iterator[tuple[str, int, float, float]]:
    """Compare the simulated strategies: name, ranks, differences of weights and of gradients."""
    rng = np.random.default_rng(0)
    blocks, rows = first_blocks(4, width=16, hidden=32, rng=rng), some_rows(12, width=16, rng=rng)
    one = simulate("one process", blocks, rows, n_ranks=1, n_steps=10)
    for strategy in SIMULATED[1:]:
        for n_ranks in (1, 2, 4):
            found = simulate(strategy, blocks, rows, n_ranks=n_ranks, n_steps=10)
            yield strategy, n_ranks, _off(found, one, "blocks"), _off(found, one, "slopes")


def _off(found: Run, one: Run, what: str) -> float:
    pairs = zip(getattr(found, what), getattr(one, what), strict=True)
    return max(float(abs(flat(a) - flat(b)).max() / abs(flat(b)).max()) for a, b in pairs)


def main() -> None:
    print(f"{'':>12} {'ranks':>5} {'dtype':>8} {'weights':>9} {'gradients':>9}")
    worst = {"float64": 0.0, "float32": 0.0}

    def line(name: str, n_ranks: int, dtype: str, *off: float) -> None:
        worst[dtype] = max(worst[dtype], *off)
        print(f"{name:>12} {n_ranks:>5} {dtype:>8} {off[0]:>9.1e} {off[1]:>9.1e}", flush=True)

    print("simulator")
    for strategy, n_ranks, *off in in_simulator():
        line(strategy, n_ranks, "float64", *off)
    print("torchrun, gloo")
    for dtype, n_ranks in (("float64", 1), ("float64", 2), ("float64", 4), ("float32", 2)):
        for found in of_processes("--dtype", dtype, n_ranks=n_ranks):
            line(found["strategy"], n_ranks, dtype, found["weights"], found["gradients"])
    print(f"float64: at most {worst['float64']:.1e}, bar {BAR:g}; float32: at most {worst['float32']:.1e}")
    sys.exit(worst["float64"] > BAR)


if __name__ == "__main__":
    main()
