"""A training step of kit's LSTM against plain torch of the same size: a loop over nn.LSTMCell, and nn.LSTM itself.

A step is all of it: the cell, a head, the loss, backward, clipping, and the same fused AdamW on either side. The two
take turns within one run, on one thread, and CPU time counts. All begin with the same weights and see the same
batches, so that their losses can be compared. nn.LSTM is one kernel of a library, forth and back; its row is shown
beside the same bar.
"""

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kit.models.rnn import LSTM
from tests.bench.table import Table, at_most, median
from tests.models.rnn_agreement import NAMES

SIZES = {  # rows, steps, inputs, state, classes, turns
    "small: 32 rows of 64 steps, 64 wide": (32, 64, 32, 64, 97, 40),
    "middle: 32 rows of 128 steps, 128 wide": (32, 128, 64, 128, 97, 20),
    "wide: 32 rows of 64 steps, 512 wide": (32, 64, 256, 512, 97, 8),
}
WARM = 3


class Kit(nn.Module):
    """Kit's cell and a head."""

    def __init__(self, d_input: int, d: int, n_classes: int):
        super().__init__()
        self.cell, self.head = LSTM(d_input, d), nn.Linear(d, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0])


class CellLoop(nn.Module):
    """The loop that everybody writes."""

    def __init__(self, d_input: int, d: int, n_classes: int):
        super().__init__()
        self.cell, self.head = nn.LSTMCell(d_input, d), nn.Linear(d, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.cell.hidden_size)
        states = []
        for step in x.unbind(1):
            h, c = self.cell(step, (h, c))
            states.append(h)
        return self.head(torch.stack(states, dim=1))


class Torch(nn.Module):
    """torch's own."""

    def __init__(self, d_input: int, d: int, n_classes: int):
        super().__init__()
        self.cell, self.head = nn.LSTM(d_input, d, batch_first=True), nn.Linear(d, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0])


RIVALS: dict[str, Callable[..., nn.Module]] = {"nn.LSTMCell in a loop": CellLoop, "nn.LSTM": Torch}


def with_weights_of(ours: Kit, rival: nn.Module) -> nn.Module:
    """Copy kit's weights."""
    for own, other in NAMES.items():
        name = other if hasattr(rival.cell, other) else other.removesuffix("_l0")
        getattr(rival.cell, name).data.copy_(getattr(ours.cell, own))
    rival.head.load_state_dict(ours.head.state_dict())
    return rival


def step_of(model: nn.Module) -> Callable[[Tensor, Tensor], float]:
    """Make a training step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step(x: Tensor, y: Tensor) -> float:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    return step


def measure(size: tuple[int, ...], rival: str) -> tuple[float, float, float]:
    """Let kit and a rival take turns; give the median seconds of either, and how far their losses came apart."""
    n_rows, n_steps, d_input, d, n_classes, n_turns = size
    torch.manual_seed(0)
    ours = Kit(d_input, d, n_classes)
    theirs = with_weights_of(ours, RIVALS[rival](d_input, d, n_classes))
    steps, taken, apart = (step_of(ours), step_of(theirs)), ([], []), 0.0
    for turn in range(WARM + n_turns):
        x, y = torch.randn(n_rows, n_steps, d_input), torch.randint(n_classes, (n_rows, n_steps))
        losses = [0.0, 0.0]
        for k in (0, 1) if turn % 2 else (1, 0):  # whoever goes first finds a colder cache
            begin = time.process_time()
            losses[k] = steps[k](x, y)
            if turn >= WARM:
                taken[k].append(time.process_time() - begin)
        apart = max(apart, abs(losses[0] - losses[1]))
    return median(taken[0]), median(taken[1]), apart


def tables() -> Iterator[Table]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for title, size in SIZES.items():
            rows = []
            for rival in RIVALS:
                ours, theirs, apart = measure(size, rival)
                cells = rival, f"{1e3 * theirs:.1f}", f"{1e3 * ours:.1f}", f"{apart:.0e}", f"{ours / theirs:.3f}"
                rows.append((cells, at_most(ours / theirs, 1.05)))
            yield Table(
                title=f"Training step of an LSTM, {title}: CPU milliseconds, medians of {size[-1]} turns",
                columns=("kit against", "theirs", "kit's", "losses apart by", "kit / theirs"),
                rows=rows,
            )
    finally:
        torch.set_num_threads(n_threads)


if __name__ == "__main__":
    for table in tables():
        print(table)
