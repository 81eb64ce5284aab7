"""Time a training step of PaLM's parallel block against the serial one, at equal depth and width.

    python -m tests.models.parallel_block

The serial block has one norm more, which is its only extra parameter: d_model gains a block. The
third rival is the parallel block with its five input matrices in one and its two output matrices in
one, as the paper has it on its machines.
"""

import statistics
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from kit.blocks.attention import attention
from kit.blocks.feedforward import swiglu
from kit.blocks.positions import rotary_angles, rotate
from kit.machine import seconds_in_turn
from kit.models.palm import Block, PaLM, PaLMConfig
from kit.models.parameters import n_params

BATCH, TIME, TURNS = 8, 128, 25


class FusedBlock(nn.Module):
    """A parallel block with the weights of another, in two matrices."""

    def __init__(self, block: Block):
        super().__init__()
        attention, feed_forward = block.attention, block.feed_forward
        self.norm, self.d_head = block.norm, attention.d_head
        self.widths = [attention.qkv.out_features, *2 * [feed_forward.down.in_features]]
        self.read = nn.Parameter(torch.cat([attention.qkv.weight, feed_forward.gate_up.weight]).detach())
        self.write = nn.Parameter(torch.cat([attention.out.weight, feed_forward.down.weight], dim=1).detach())

    def forward(self, x: Tensor, angles: Tensor, cache: None = None) -> Tensor:
        heads, gate, up = F.linear(self.norm(x), self.read).split(self.widths, dim=-1)
        heads = rearrange(heads, "b t (h d) -> b h t d", d=self.d_head)
        turned, v = rotate(heads[:, :-1], angles), heads[:, -1:]
        y = rearrange(attention(turned[:, :-1], turned[:, -1:], v, causal=True), "b h t d -> b t (h d)")
        return x + F.linear(torch.cat([y, swiglu(gate, up)], dim=-1), self.write)


def fused(config: PaLMConfig) -> PaLM:
    """Make a PaLM of fused blocks, and see that each computes what the block does that it was made from."""
    model = PaLM(config)
    x, angles = torch.randn(1, 9, config.d_model), rotary_angles(torch.arange(9), width=config.d_head)
    blocks = [FusedBlock(block) for block in model.blocks if isinstance(block, Block)]
    for old, new in zip(model.blocks, blocks, strict=True):
        torch.testing.assert_close(new(x, angles), old(x, angles), rtol=1e-4, atol=1e-4)
    model.blocks = nn.ModuleList(blocks)
    return model


def step_of(model: nn.Module, ids: Tensor) -> Callable[[], None]:
    """Give a function that takes one step of training on `ids`."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        loss = F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Sum up the ratios of the turns: the median, and the quartiles."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)], n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    print(f"one training step, batch {BATCH} x {TIME} tokens, {TURNS} turns, {torch.get_num_threads()} thread(s)")
    print("medians of the ratios of each turn (quartiles)")
    print("d_model  layers  parameters parallel / serial  parallel / serial        fused / serial")
    for d_model, n_layers in ((64, 4), (128, 4), (256, 4)):
        sizes = {"vocab_size": 600, "n_layers": n_layers, "n_heads": 4, "d_model": d_model, "d_head": d_model // 4}
        parallel, serial = PaLM(PaLMConfig(**sizes)), PaLM(PaLMConfig(**sizes, serial=True))
        models = [parallel, serial, fused(PaLMConfig(**sizes))]
        ids = torch.randint(600, (BATCH, TIME))
        seconds = seconds_in_turn(*(step_of(model, ids) for model in models), repeats=TURNS)
        counts = f"{n_params(parallel):,} / {n_params(serial):,}"
        print(f"{d_model:7}  {n_layers:6}  {counts:>28}", end="")
        print(f"  {ratio(seconds[0], seconds[1])}  {ratio(seconds[2], seconds[1])}")
