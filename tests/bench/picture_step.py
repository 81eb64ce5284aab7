"""A training step of kit's ResNet-20 and kit's loop against the same net and loop in plain torch.

Both have the same weights and the same pictures, 32 by 32 in three colours. Their steps take turns in one process, on
one thread, and CPU time counts. A step is all of it: taking a batch, forward, loss, backward, SGD with momentum.
The last row times kit's own net in the plain loop, to show how far two of the same lie apart.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kit.models.cnn import RESNET_CONFIGS, ResNet
from kit.train.pictures import steps
from tests.bench.plain_resnet import ResNet20
from tests.bench.table import Table, at_most, median

BATCH, PAIRS, WARM, LIMIT = 64, 30, 4, 1.05


class Gray(nn.Module):
    """Repeat the one channel that kit's loop hands over, for a net that sees three."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.expand(-1, 3, -1, -1))


def plain_steps(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], float]:
    """Make the step that everybody writes."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    generator = torch.Generator().manual_seed(0)
    model.train()

    def step() -> float:
        rows = torch.randperm(len(images), generator=generator)[:BATCH]
        loss = F.cross_entropy(model(images[rows].unsqueeze(1)), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def ratio(rival: nn.Module) -> tuple[list[float], list[float]]:
    """Let kit's loop and the plain one take turns; give the CPU seconds of each."""
    torch.manual_seed(0)
    ours = ResNet(RESNET_CONFIGS[20])
    rival.load_state_dict(ours.state_dict())
    rng = np.random.default_rng(0)
    images, labels = rng.random((512, 32, 32)), rng.integers(10, size=512)
    taken = steps(
        Gray(ours), images, labels, n_steps=WARM + PAIRS, lr=0.1, batch_size=BATCH, rng=np.random.default_rng(0)
    )
    theirs = plain_steps(Gray(rival), torch.from_numpy(images).float(), torch.from_numpy(labels))
    pairs = [(seconds(lambda: next(taken)), seconds(theirs)) for _ in range(WARM + PAIRS)][WARM:]
    return [a for a, _ in pairs], [b for _, b in pairs]


def seconds(step: Callable[[], float]) -> float:
    begin = time.process_time()
    step()
    return time.process_time() - begin


def tables() -> Iterator[Table]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = []
        for name, rival in (("plain torch", ResNet20()), ("kit's own net in a plain loop", ResNet(RESNET_CONFIGS[20]))):
            ours, theirs = ratio(rival)
            times = f"{1e3 * median(theirs):.1f}", f"{1e3 * median(ours):.1f}"
            share = median([a / b for a, b in zip(ours, theirs, strict=True)])
            rows.append(((name, *times, f"{share:.3f}"), at_most(share, LIMIT)))
        yield Table(
            title=f"Training step of ResNet-20, {BATCH} pictures: CPU milliseconds, medians of {PAIRS} pairs in turn",
            columns=("kit against", "theirs", "kit's", "kit / theirs"),
            rows=rows,
        )
    finally:
        torch.set_num_threads(n_threads)


if __name__ == "__main__":
    for table in tables():
        print(table)
