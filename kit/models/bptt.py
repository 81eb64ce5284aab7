"""Back-propagation through time, by hand: each cell's way forth through a row, and its gradient's way back.

    plain RNN   h' = tanh(a + W h)
    GRU         r, z = σ(a + W h + b),   n = tanh(a + r · (W h + b)),   h' = z · h + (1 - z) · n
    LSTM        i, f, o = σ(a + W h),    n = tanh(a + W h),   c' = f · c + i · n,   h' = o · tanh(c')

a is what a step's input says to each gate: known for all steps before the loop begins. Going back, what a step makes
of the gradient that arrives at its state is a product with factors, and these are known for all steps, too. So
either loop is left with one product by W and a few along it. The gradient of W is one product at the end.

Tensors go time first: (time, batch, width). The gates of one step lie side by side, in torch's order.

Taught in: 14
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# Plain RNN ----------------------------------------------------------------------------------------


def rnn_forward(a: Float[Tensor, "t b d"], w: Float[Tensor, "d d"], h: Float[Tensor, "b d"]) -> Float[Tensor, "t b d"]:
    """Run a plain RNN through a row, from the state h; give every state."""
    states = []
    for step in a.unbind():
        h = torch.tanh(torch.addmm(step, h, w.T))
        states.append(h)
    return torch.stack(states)


def rnn_backward(
    pulls: Float[Tensor, "t b d"], states: Float[Tensor, "t b d"], w: Float[Tensor, "d d"]
) -> tuple[Float[Tensor, "t b d"], Float[Tensor, "b d"]]:
    """Run the gradient back through the row.

        g_t = pull_t + Wᵀ (slope · g)_{t+1},    slope = 1 - h²

    Args:
        pulls: the gradient of the loss by each state, as far as it does not go through later states.

    Returns:
        The gradient by each `a`, and by the state before the row.
    """
    slopes = 1 - states**2
    arriving, grads = torch.zeros_like(pulls[0]), []
    for pull, slope in zip(reversed(pulls.unbind()), reversed(slopes.unbind()), strict=True):
        at_a = (pull + arriving) * slope
        grads.append(at_a)
        arriving = at_a @ w
    return torch.stack(grads[::-1]), arriving


# GRU ----------------------------------------------------------------------------------------------


def gru_forward(
    a: Float[Tensor, "t b d3"], w: Float[Tensor, "d3 d"], b: Float[Tensor, "d3"], h: Float[Tensor, "b d"]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run a GRU through a row; give states, gates r and z side by side, candidates n, and W h + b of the candidates."""
    d, kept = h.shape[-1], []
    for step in a.unbind():
        u = torch.addmm(b, h, w.T)
        gates = torch.sigmoid(step[:, : 2 * d] + u[:, : 2 * d])
        r, z = gates.chunk(2, dim=-1)
        n = torch.tanh(torch.addcmul(step[:, 2 * d :], r, u[:, 2 * d :]))
        h = torch.lerp(n, h, z)
        kept.append((h, gates, n, u[:, 2 * d :]))
    states, gates, candidates, inner = (torch.stack(each) for each in zip(*kept, strict=True))
    return states, gates, candidates, inner


def gru_backward(
    pulls: Float[Tensor, "t b d"], before: Float[Tensor, "t b d"], kept: tuple[Tensor, ...], w: Float[Tensor, "d3 d"]
) -> tuple[Float[Tensor, "t b d3"], Float[Tensor, "t b d3"], Float[Tensor, "b d"]]:
    """Run the gradient back through the row.

    Args:
        before: the state that each step began with.
        kept: gates, candidates and inner sums of `gru_forward`.

    Returns:
        The gradient by each `a`, by each W h + b, and by the state before the row.
    """
    gates, n, inner = kept
    r, z = gates.chunk(2, dim=-1)
    to_n, to_z = (1 - z) * (1 - n**2), (before - n) * z * (1 - z)
    factors = torch.stack([to_n * inner * r * (1 - r), to_z, to_n * r], dim=2)
    at_u, at_h = torch.empty_like(factors), torch.empty_like(pulls)
    arriving = torch.zeros_like(pulls[0])
    for t in reversed(range(len(pulls))):
        g = torch.add(pulls[t], arriving, out=at_h[t])
        of_gates = torch.mul(g[:, None], factors[t], out=at_u[t])
        arriving = torch.addmm(g * z[t], of_gates.flatten(1), w)
    at_u = at_u.flatten(2)
    at_a = torch.cat([at_u[..., : gates.shape[-1]], at_h * to_n], dim=-1)
    return at_a, at_u, arriving


# LSTM ---------------------------------------------------------------------------------------------


def lstm_forward(
    a: Float[Tensor, "t b d4"], w: Float[Tensor, "d4 d"], h: Float[Tensor, "b d"], c: Float[Tensor, "b d"]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run an LSTM through a row; give states, cells, gates i, f, (unused) and o side by side, and candidates n."""
    d, kept = h.shape[-1], []
    for step in a.unbind():
        u = torch.addmm(step, h, w.T)
        gates, n = torch.sigmoid(u), torch.tanh(u[:, 2 * d : 3 * d])
        i, f, _, o = gates.chunk(4, dim=-1)
        c = torch.addcmul(f * c, i, n)
        h = o * torch.tanh(c)
        kept.append((h, c, gates, n))
    states, cells, gates, candidates = (torch.stack(each) for each in zip(*kept, strict=True))
    return states, cells, gates, candidates


def lstm_backward(
    pulls: Float[Tensor, "t b d"],
    pulls_c: Float[Tensor, "t b d"],
    before: Float[Tensor, "t b d"],
    kept: tuple[Tensor, ...],
    w: Float[Tensor, "d4 d"],
) -> tuple[Float[Tensor, "t b d4"], Float[Tensor, "b d"], Float[Tensor, "b d"]]:
    """Run the gradient back through the row; along the cells it meets no matrix, and no slope but the gate f.

    Args:
        pulls, pulls_c: the gradient of the loss by each state and each cell, but for what goes through later ones.
        before: the cell that each step began with.
        kept: cells, gates and candidates of `lstm_forward`.

    Returns:
        The gradient by each `a`, and by state and cell before the row.
    """
    cells, gates, n = kept
    (i, f, _, o), bent = gates.chunk(4, dim=-1), cells.tanh()
    of_cell = torch.stack([n * i * (1 - i), before * f * (1 - f), i * (1 - n**2)], dim=2)
    of_state, to_cell = bent * o * (1 - o), o * (1 - bent**2)
    at_a = torch.empty(*n.shape[:2], 4, n.shape[-1], dtype=n.dtype, device=n.device)
    arriving = arriving_c = torch.zeros_like(n[0])
    for t in reversed(range(len(n))):
        g = pulls[t] + arriving
        g_c = torch.addcmul(pulls_c[t] + arriving_c, g, to_cell[t])
        torch.mul(g_c[:, None], of_cell[t], out=at_a[t, :, :3])
        torch.mul(g, of_state[t], out=at_a[t, :, 3])
        arriving, arriving_c = at_a[t].flatten(1) @ w, g_c * f[t]
    return at_a.flatten(2), arriving, arriving_c


# For autograd ------------------------------------------------------------------------------------


def shifted(first: Float[Tensor, "b d"], states: Float[Tensor, "t b d"]) -> Float[Tensor, "t b d"]:
    """Give what each step began with: the first, then all states but the last."""
    return torch.cat([first[None], states[:-1]])


def weight_gradient(at_u: Float[Tensor, "t b k"], before: Float[Tensor, "t b d"]) -> Float[Tensor, "k d"]:
    """Add up over all steps and rows: the gradient of W, of which every step has used the same copy."""
    return at_u.flatten(0, 1).T @ before.flatten(0, 1)


class RNNThroughTime(torch.autograd.Function):
    """`rnn_forward` to autograd, with `rnn_backward` as its derivative."""

    @staticmethod
    def forward(ctx, a, w, h):
        states = rnn_forward(a, w, h)
        ctx.save_for_backward(states, w, h)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx, pulls):
        states, w, h = ctx.saved_tensors
        at_a, at_h = rnn_backward(pulls, states, w)
        return at_a, weight_gradient(at_a, shifted(h, states)), at_h


class GRUThroughTime(torch.autograd.Function):
    """`gru_forward` to autograd, with `gru_backward` as its derivative."""

    @staticmethod
    def forward(ctx, a, w, b, h):
        states, *kept = gru_forward(a, w, b, h)
        ctx.save_for_backward(states, *kept, w, h)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx, pulls):
        states, *kept, w, h = ctx.saved_tensors
        before = shifted(h, states)
        at_a, at_u, at_h = gru_backward(pulls, before, tuple(kept), w)
        return at_a, weight_gradient(at_u, before), at_u.sum(dim=(0, 1)), at_h


class LSTMThroughTime(torch.autograd.Function):
    """`lstm_forward` to autograd, with `lstm_backward` as its derivative."""

    @staticmethod
    def forward(ctx, a, w, h, c):
        states, *kept = lstm_forward(a, w, h, c)
        ctx.save_for_backward(states, *kept, w, h, c)
        return states, kept[0]

    @staticmethod
    @once_differentiable
    def backward(ctx, pulls, pulls_c):
        states, *kept, w, h, c = ctx.saved_tensors
        at_a, at_h, at_c = lstm_backward(pulls, pulls_c, shifted(c, kept[0]), tuple(kept), w)
        return at_a, weight_gradient(at_a, shifted(h, states)), at_h, at_c
