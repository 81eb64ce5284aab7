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
) -> tuple[Float[Tensor, "t1 b d"], Float[Tensor, "t b d2"], Float[Tensor, "t b d"], Float[Tensor, "t b d"]]:
    """Run a GRU through a row; give all states from h on, gates r and z, candidates n, and their own W h + b."""
    d = h.shape[-1]
    states, gates = a.new_empty(len(a) + 1, *h.shape), a.new_empty(*a.shape[:2], 2 * d)
    candidates, inner = a.new_empty(2, len(a), *h.shape)
    states[0] = h
    for t, step in enumerate(a.unbind()):
        u = torch.addmm(b, states[t], w.T)
        torch.sigmoid(step[:, : 2 * d] + u[:, : 2 * d], out=gates[t])
        inner[t] = u[:, 2 * d :]
        r, z = gates[t].chunk(2, dim=-1)
        torch.tanh(torch.addcmul(step[:, 2 * d :], r, inner[t]), out=candidates[t])
        torch.lerp(candidates[t], states[t], z, out=states[t + 1])
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
    to_n = by_tanh(1 - z, n)
    factors = torch.stack([by_sigmoid(to_n * inner, r), by_sigmoid(before - n, z), to_n * r], dim=2)
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
) -> tuple[Float[Tensor, "t1 b d"], Float[Tensor, "t1 b d"], Float[Tensor, "t b d4"], Float[Tensor, "t b d"]]:
    """Run an LSTM through a row; give all states and cells from the first on, gates i, f, (unused), o, candidates n."""
    d, gates = h.shape[-1], torch.empty_like(a)
    states, cells = a.new_empty(2, len(a) + 1, *h.shape)
    candidates = a.new_empty(len(a), *h.shape)
    states[0], cells[0] = h, c
    for t, step in enumerate(a.unbind()):
        u = torch.addmm(step, states[t], w.T)
        torch.sigmoid(u, out=gates[t])
        i, f, _, o = gates[t].chunk(4, dim=-1)
        n = torch.tanh(u[:, 2 * d : 3 * d], out=candidates[t])
        c = torch.addcmul(f * cells[t], i, n, out=cells[t + 1])
        torch.mul(o, torch.tanh(c), out=states[t + 1])
    return states, cells, gates, candidates


def lstm_backward(
    pulls: Float[Tensor, "t b d"],
    pulls_c: Float[Tensor, "t b d"],
    kept: tuple[Tensor, ...],
    w: Float[Tensor, "d4 d"],
) -> tuple[Float[Tensor, "t b d4"], Float[Tensor, "b d"], Float[Tensor, "b d"]]:
    """Run the gradient back through the row; along the cells it meets no matrix, and no slope but the gate f.

    Args:
        pulls, pulls_c: the gradient of the loss by each state and each cell, but for what goes through later ones.
        kept: cells, gates and candidates of `lstm_forward`.

    Returns:
        The gradient by each `a`, and by state and cell before the row.
    """
    cells, gates, n = kept
    (i, f, _, o), bent = gates.chunk(4, dim=-1), cells[1:].tanh()
    of_cell = torch.stack([by_sigmoid(n, i), by_sigmoid(cells[:-1], f), by_tanh(i, n)], dim=2)
    of_state, to_cell = by_sigmoid(bent, o), by_tanh(o, bent)
    at_a = n.new_empty(*n.shape[:2], 4, n.shape[-1])
    arriving = arriving_c = torch.zeros_like(n[0])
    for t in reversed(range(len(n))):
        g = pulls[t] + arriving
        g_c = torch.addcmul(pulls_c[t] + arriving_c, g, to_cell[t])
        torch.mul(g_c[:, None], of_cell[t], out=at_a[t, :, :3])
        torch.mul(g, of_state[t], out=at_a[t, :, 3])
        arriving, arriving_c = at_a[t].flatten(1) @ w, g_c * f[t]
    return at_a.flatten(2), arriving, arriving_c


def by_sigmoid(x: Tensor, gate: Tensor) -> Tensor:
    """Give x · gate · (1 - gate), without a tensor for each product."""
    return torch.ops.aten.sigmoid_backward(x, gate)


def by_tanh(x: Tensor, bent: Tensor) -> Tensor:
    """Give x · (1 - bent²)."""
    return torch.ops.aten.tanh_backward(x, bent)


# For autograd ------------------------------------------------------------------------------------


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
    def backward(ctx, pulls):  # type: ignore[override]
        states, w, h = ctx.saved_tensors
        at_a, at_h = rnn_backward(pulls, states, w)
        return at_a, weight_gradient(at_a, torch.cat([h[None], states[:-1]])), at_h


class GRUThroughTime(torch.autograd.Function):
    """`gru_forward` to autograd, with `gru_backward` as its derivative."""

    @staticmethod
    def forward(ctx, a, w, b, h):
        states, *kept = gru_forward(a, w, b, h)
        ctx.save_for_backward(states, *kept, w)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx, pulls):  # type: ignore[override]
        states, *kept, w = ctx.saved_tensors
        at_a, at_u, at_h = gru_backward(pulls, states[:-1], tuple(kept), w)
        return at_a, weight_gradient(at_u, states[:-1]), at_u.sum(dim=(0, 1)), at_h


class LSTMThroughTime(torch.autograd.Function):
    """`lstm_forward` to autograd, with `lstm_backward` as its derivative."""

    @staticmethod
    def forward(ctx, a, w, h, c):
        states, *kept = lstm_forward(a, w, h, c)
        ctx.save_for_backward(states, *kept, w)
        return states[1:], kept[0][1:]

    @staticmethod
    @once_differentiable
    def backward(ctx, pulls, pulls_c):  # type: ignore[override]
        states, *kept, w = ctx.saved_tensors
        at_a, at_h, at_c = lstm_backward(pulls, pulls_c, tuple(kept), w)
        return at_a, weight_gradient(at_a, states[:-1]), at_h, at_c
