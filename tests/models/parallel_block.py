"""Time a training step of PaLM's parallel block against the serial one, at equal depth and width.

    python -m tests.models.parallel_block

The serial block has one norm more, which is its only extra parameter: d_model gains a block.
"""

import statistics
from collections.abc import Callable

import torch
from torch.nn import functional as F

from kit.machine import seconds_in_turn
from kit.models.palm import PaLM, PaLMConfig
from kit.models.parameters import n_params

BATCH, TIME, TURNS = 8, 128, 25


def step_of(model: torch.nn.Module, ids: torch.Tensor) -> Callable[[], None]:
    """Give a function that takes one step of training on `ids`."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        loss = F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


if __name__ == "__main__":
    print(f"one training step, batch {BATCH} x {TIME} tokens, {TURNS} turns, {torch.get_num_threads()} thread(s)")
    print("d_model  layers  parameters parallel / serial  parallel / serial, median of the paired ratios (quartiles)")
    for d_model, n_layers in ((64, 4), (128, 4), (256, 4)):
        sizes = {"vocab_size": 600, "n_layers": n_layers, "n_heads": 4, "d_model": d_model, "d_head": d_model // 4}
        models = [PaLM(PaLMConfig(**sizes, serial=serial)) for serial in (False, True)]
        ids = torch.randint(600, (BATCH, TIME))
        parallel, serial = seconds_in_turn(*(step_of(model, ids) for model in models), repeats=TURNS)
        ratios = [p / s for p, s in zip(parallel, serial, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        counts = " / ".join(f"{n_params(model):,}" for model in models)
        print(f"{d_model:7}  {n_layers:6}  {counts:>30}  {middle:.3f} ({low:.3f} to {high:.3f})")
