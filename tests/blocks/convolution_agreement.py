"""Measure how far kit's convolutions and pools are from torch's, in float64, forwards and backwards.

    python -m tests.blocks.convolution_agreement

prints one row for each, by loops and by unfolding, and the largest difference of all.
"""

import itertools
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kit.blocks.convolution import avg_pool2d, conv2d, max_pool2d, unfold
from kit.learn.convolution import convolve, convolve_gradients
from tests.blocks.agreement import Case, differences, normal, table

X, BIAS = normal(2, 4, 9, 8), normal(6)
WAYS = {
    f"stride {s}, padding {p}, dilation {d}, groups {g}": {"stride": s, "padding": p, "dilation": d, "groups": g}
    for s, p, d, g in itertools.product((1, 2, 3), (0, 2), (1, 2), (1, 2))
}


def kernels_for(groups: int) -> Tensor:
    return normal(6, 4 // groups, 3, 2)


class Loops(torch.autograd.Function):
    """kit's loops in NumPy, with kit's gradients, picture by picture."""

    @staticmethod
    def forward(ctx, x: Tensor, kernels: Tensor, how: dict) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, kernels)
        ctx.how = how
        return torch.from_numpy(np.stack([convolve(each, kernels.numpy(), **how) for each in x.numpy()]))

    @staticmethod
    def backward(ctx, *upstream: Tensor) -> tuple:  # type: ignore[override]
        x, kernels = (each.numpy() for each in ctx.saved_tensors)
        pairs = zip(x, upstream[0].numpy(), strict=True)
        back = [convolve_gradients(each, kernels, above, **ctx.how) for each, above in pairs]
        to_x, to_kernels = zip(*back, strict=True)
        return torch.from_numpy(np.stack(to_x)), torch.from_numpy(np.sum(to_kernels, axis=0)), None


def by_loops(x: Tensor, kernels: Tensor, *, how: dict) -> Tensor:
    return Loops.apply(x, kernels, how)  # type: ignore[return-value]


def unfolded(x: Tensor) -> Tensor:
    """Bring kit's patches into the layout of F.unfold."""
    patches = unfold(x, kernel=(3, 2), stride=2, padding=1)
    return patches.permute(0, 1, 4, 5, 2, 3).reshape(len(x), 4 * 3 * 2, -1)


CASES = {
    **{
        f"convolve, by loops, {way}": Case(
            ours=partial(by_loops, how=how), theirs=partial(F.conv2d, **how), inputs=(X, kernels_for(how["groups"]))
        )
        for way, how in WAYS.items()
    },
    **{
        f"conv2d, by unfolding, {way}": Case(
            ours=partial(conv2d, **how), theirs=partial(F.conv2d, **how), inputs=(X, kernels_for(how["groups"]), BIAS)
        )
        for way, how in WAYS.items()
    },
    "unfold: F.unfold": Case(
        ours=unfolded, theirs=partial(F.unfold, kernel_size=(3, 2), stride=2, padding=1), inputs=(X,)
    ),
    **{
        f"max_pool2d, kernel {k}, stride {s}, padding {p}": Case(
            ours=partial(max_pool2d, kernel=k, stride=s, padding=p),
            theirs=partial(F.max_pool2d, kernel_size=k, stride=s, padding=p),
            inputs=(X,),
        )
        for k, s, p in ((2, None, 0), (3, 2, 1), (2, 1, 0))
    },
    **{
        f"avg_pool2d, kernel {k}, stride {s}": Case(
            ours=partial(avg_pool2d, kernel=k, stride=s),
            theirs=partial(F.avg_pool2d, kernel_size=k, stride=s),
            inputs=(X,),
        )
        for k, s in ((2, None), (3, 2))
    },
}


if __name__ == "__main__":
    print(table({name: differences(case) for name, case in CASES.items()}))
