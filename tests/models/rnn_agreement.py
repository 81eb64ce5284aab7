"""Measure how far kit's recurrent cells are from torch's own, weights copied, in float64, forwards and backwards.

    python -m tests.models.rnn_agreement

prints one row for each cell: of its states, and of the gradients by input, first state and every weight. One more
row holds back-propagation through time by hand against autograd through the very same loop.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from kit.models import bptt
from kit.models.rnn import GRU, LSTM, RNN, Recurrent
from tests.blocks.agreement import normal, table

D_INPUT, D, BATCH, TIME = 3, 5, 4, 7
CELLS: dict[str, tuple[type[Recurrent], type[nn.RNNBase]]] = {
    "RNN": (RNN, nn.RNN),
    "GRU": (GRU, nn.GRU),
    "LSTM": (LSTM, nn.LSTM),
}
LENGTHS = torch.tensor([7, 4, 1, 5])
NAMES = {"w_x": "weight_ih_l0", "w_h": "weight_hh_l0", "b_x": "bias_ih_l0", "b_h": "bias_hh_l0"}


def pair(name: str) -> tuple[Recurrent, nn.RNNBase]:
    """Make kit's cell and torch's with the same weights."""
    ours_kind, theirs_kind = CELLS[name]
    ours, theirs = ours_kind(D_INPUT, D).double(), theirs_kind(D_INPUT, D, batch_first=True).double()
    for own, other in NAMES.items():
        getattr(theirs, other).data.copy_(getattr(ours, own))
    return ours, theirs


def run_theirs(theirs: nn.RNNBase, x: Tensor, state: tuple[Tensor, ...], padded: bool) -> tuple[Tensor, ...]:
    first = tuple(each[None] for each in state)
    hx: Any = first if len(first) > 1 else first[0]
    if padded:
        packed, last = theirs(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False), hx)
        states, _ = pad_packed_sequence(packed, batch_first=True)
    else:
        states, last = theirs(x, hx)
    return states, *((each[0] for each in last) if isinstance(last, tuple) else (last[0],))


def run_ours(ours: Recurrent, x: Tensor, state: tuple[Tensor, ...], padded: bool) -> tuple[Tensor, ...]:
    present = torch.arange(TIME) < LENGTHS[:, None] if padded else None
    states, last = ours(x, state, present=present)
    return states, *last


def differences(name: str, *, padded: bool = False) -> tuple[float, float]:
    """Find the largest difference of any output, and of any gradient of a random sum of all outputs."""
    torch.manual_seed(0)
    ours, theirs = pair(name)
    drawn, firsts = 2 * normal(BATCH, TIME, D_INPUT), [normal(BATCH, D) for _ in range(ours.n_states)]
    directions = [normal(BATCH, TIME, D), *(normal(BATCH, D) for _ in firsts)]
    found = []
    for run, cell in ((run_ours, ours), (run_theirs, theirs)):
        x = drawn.clone().requires_grad_()
        state = tuple(each.clone().requires_grad_() for each in firsts)
        outputs = run(cell, x, state, padded)
        total = sum((each * direction).sum() for each, direction in zip(outputs, directions, strict=True))
        weights = [getattr(cell, own if cell is ours else other) for own, other in NAMES.items()]
        found.append((outputs, torch.autograd.grad(total, [x, *state, *weights])))
    return tuple(
        torch.stack([(a - b).abs().max() for a, b in zip(mine, others, strict=True)]).max().item()
        for mine, others in zip(*found, strict=True)
    )  # type: ignore[return-value]


def by_hand() -> tuple[float, float]:
    """Compare the gradients of the plain RNN's passes by hand with autograd's through the same forward loop."""
    drawn, direction = [normal(TIME, BATCH, D), normal(D, D) / 2, normal(BATCH, D)], normal(TIME, BATCH, D)
    found = []
    for run in (bptt.RNNThroughTime.apply, bptt.rnn_forward):
        parts = [part.clone().requires_grad_() for part in drawn]
        states = run(*parts)
        found.append(([states], torch.autograd.grad((states * direction).sum(), parts)))
    return tuple(
        torch.stack([(a - b).abs().max() for a, b in zip(mine, others, strict=True)]).max().item()
        for mine, others in zip(*found, strict=True)
    )  # type: ignore[return-value]


def rows() -> dict[str, tuple[float, float]]:
    """Give every comparison by name."""
    found = {f"{name}: nn.{name}": differences(name) for name in CELLS}
    found |= {f"{name}, rows of several lengths: nn.{name} packed": differences(name, padded=True) for name in CELLS}
    return found | {"RNN through time by hand: autograd through the same loop": by_hand()}


if __name__ == "__main__":
    print(table(rows()))
