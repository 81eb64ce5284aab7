"""Recurrent networks: a state that is carried from step to step, and the starts that decide how long it lasts.

    states, state = LSTM(d_input=8, d_state=32)(x)     a state for each step, and (h, c) after the last

The input's part of every gate is one product for all steps; the loop and its way back stand in kit.models.bptt.
How far back a fresh cell remembers is a matter of its start: a forget gate at 1/2 keeps 2⁻ᵀ of a cell over T steps.

Source: Elman (1990), Finding structure in time; Hochreiter & Schmidhuber (1997), Long short-term memory, with the
forget gate of Gers et al. (2000); Cho et al. (2014), arXiv:1406.1078, in the form of torch.

Taught in: 14
"""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, real, real_tensor, shown, token_flags
from kit.models.bptt import GRUThroughTime, LSTMThroughTime, RNNThroughTime

State = tuple[Float[Tensor, "batch d"], ...]
"""What is carried on: (h,), or (h, c) of an LSTM."""


class Recurrent(nn.Module):
    """What the three cells share: weights for the input and for the state, two biases as in torch, and torch's start.

    Args:
        d_input: numbers that come in at each step.
        d_state: numbers that are carried on.
        generator: draws the first weights, from -1/√d_state to 1/√d_state.

    Raises:
        TypeError, ValueError: if a width is not a whole number above 0, or `generator` is none.
    """

    n_gates = 1
    n_states = 1

    def __init__(self, d_input: int, d_state: int, *, generator: torch.Generator | None = None):
        super().__init__()
        self.d_input, self.d_state = count("d_input", d_input), count("d_state", d_state)
        if generator is not None:
            instance("generator", generator, torch.Generator)
        rows = self.n_gates * self.d_state
        self.w_x, self.w_h = (nn.Parameter(torch.empty(rows, width)) for width in (self.d_input, self.d_state))
        self.b_x, self.b_h = (nn.Parameter(torch.empty(rows)) for _ in range(2))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-(d_state**-0.5), d_state**-0.5, generator=generator)

    def forward(
        self,
        x: Float[Tensor, "batch time d_input"],
        state: State | None = None,
        *,
        present: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time d_state"], State]:
        """Read rows from their first step to their last.

        Args:
            state: what to begin with; zeros where it is None. Detach it, and no gradient goes back beyond.
            present: true from the start of each row for as long as it has steps; the padding after them changes
                nothing: its states are 0, and what is carried on is the state after a row's own last step.

        Returns:
            The state h after each step, and all that is carried on after the last.

        Raises:
            TypeError, ValueError: if `x` is no batch of rows of this width, `state` not what this cell carries on,
                or `present` not true from each row's start.

        Oracle: nn.RNN, nn.GRU and nn.LSTM; with `present`, their packed sequences.
        """
        if real_tensor("x", x).ndim != 3 or x.shape[2] != self.d_input or not x.numel():
            raise ValueError(f"x must have the axes batch, time and {self.d_input}, got shape {tuple(x.shape)}")
        if present is not None:
            token_flags("present", present, x[..., 0], from_start=True)
        a = F.linear(x.transpose(0, 1), self.w_x, self._input_bias())
        state = self._first(state, a)
        steps = self._through(a, self.w_h.to(a.dtype), state)
        if present is None:
            return steps[0].transpose(0, 1), tuple(each[-1] for each in steps)
        last, rows = present.sum(dim=1) - 1, torch.arange(len(x), device=x.device)
        return (steps[0].transpose(0, 1) * present[..., None]), tuple(each[last, rows] for each in steps)

    def _input_bias(self) -> Float[Tensor, "gates"]:
        return self.b_x + self.b_h

    def _first(self, state: State | None, a: Tensor) -> State:
        shape = (a.shape[1], self.d_state)
        if state is None:
            return (a.new_zeros(shape),) * self.n_states
        fits = isinstance(state, tuple) and len(state) == self.n_states
        if not fits or not all(isinstance(each, Tensor) and tuple(each.shape) == shape for each in state):
            raise ValueError(f"state must be a tuple of {self.n_states}, of shape {shape}, got {shown(state)}")
        return tuple(each.to(a.dtype) for each in state)

    def _through(self, a: Tensor, w: Tensor, state: State) -> tuple[Tensor, ...]:
        raise NotImplementedError


class RNN(Recurrent):
    """The plain recurrent network: h' = tanh(W_x x + W_h h + b).

    >>> states, (h,) = RNN(2, 3)(torch.ones(1, 5, 2))
    >>> states.shape, bool((states[:, -1] == h).all())
    (torch.Size([1, 5, 3]), True)
    """

    def _through(self, a: Tensor, w: Tensor, state: State) -> tuple[Tensor, ...]:
        return (RNNThroughTime.apply(a, w, *state),)  # type: ignore[return-value]


class GRU(Recurrent):
    """The gated recurrent unit, gates in the order r, z, n: z says how much of the state is kept.

    >>> GRU(2, 3)(torch.ones(1, 5, 2))[0].shape
    torch.Size([1, 5, 3])
    """

    n_gates = 3

    def _input_bias(self) -> Float[Tensor, "gates"]:
        return self.b_x

    def _through(self, a: Tensor, w: Tensor, state: State) -> tuple[Tensor, ...]:
        return (GRUThroughTime.apply(a, w, self.b_h.to(a.dtype), *state),)  # type: ignore[return-value]


class LSTM(Recurrent):
    """The long short-term memory, gates in the order i, f, n, o: f says how much of the cell c is kept.

    >>> states, (h, c) = LSTM(2, 3)(torch.ones(1, 5, 2))
    >>> states.shape, c.shape
    (torch.Size([1, 5, 3]), torch.Size([1, 3]))
    """

    n_gates = 4
    n_states = 2

    def _through(self, a: Tensor, w: Tensor, state: State) -> tuple[Tensor, ...]:
        return LSTMThroughTime.apply(a, w, *state)  # type: ignore[return-value]


def detached(state: Iterable[Tensor]) -> State:
    """Cut a state off from the graph that made it: its numbers go on, its gradient ends here.

    Raises:
        TypeError: if `state` is not made of tensors.

    >>> detached((torch.ones(1, 2, requires_grad=True),))[0].requires_grad
    False
    """
    if isinstance(state, Tensor) or not isinstance(state, Iterable):
        raise TypeError(f"state must be a tuple of tensors, got {shown(state)}")
    return tuple(real_tensor("state", each).detach() for each in state)


# Starts ------------------------------------------------------------------------------------------


@torch.no_grad()
def orthogonal_start(cell: Recurrent, *, gain: float = 1.0, generator: torch.Generator | None = None) -> None:
    """Let each gate's recurrent weights be an orthogonal matrix, times a gain, and all biases 0.

    All its singular values are the gain: no direction of the state grows or shrinks more than another.

    Raises:
        TypeError, ValueError: if `cell` is none of kit's, `gain` < 0, or `generator` is none.

    Source: Saxe et al. (2014), arXiv:1312.6120; for recurrent weights Le et al. (2015), arXiv:1504.00941.
    """
    instance("cell", cell, Recurrent)
    gain = real("gain", gain, at_least=0)
    if generator is not None:
        instance("generator", generator, torch.Generator)
    for block in cell.w_h.split(cell.d_state):
        block.copy_(gain * nn.init.orthogonal_(torch.empty_like(block), generator=generator))
    for bias in (cell.b_x, cell.b_h):
        bias.zero_()


@torch.no_grad()
def keep_start(cell: Recurrent, bias: float) -> None:
    """Set the bias of the gate that keeps, the LSTM's f or the GRU's z: a fresh cell then keeps about σ(bias) a step.

    The two biases of torch's layout add up. One is set, the other is 0: setting both would give twice the bias.

    Raises:
        TypeError, ValueError: if `cell` has no such gate, or `bias` is no finite number.

    Source: Jozefowicz et al. (2015), An empirical exploration of recurrent network architectures: a bias of 1.
    """
    bias = real("bias", bias)
    _kept(cell)[0].fill_(bias)


@torch.no_grad()
def chrono_start(cell: Recurrent, *, longest: int, generator: torch.Generator | None = None) -> None:
    """Draw the biases of the gate that keeps so that the units remember over every time up to the longest.

        b = log(u),   u uniform from 1 to longest - 1

    σ(log u) = u / (1 + u) keeps about 1/e over u + 1 steps. An LSTM's input gate gets -b: what is kept for long takes
    little in.

    Args:
        longest: how many steps back something may have to be remembered.

    Raises:
        TypeError, ValueError: if `cell` has no gate that keeps, `longest` < 3, or `generator` is none.

    Source: Tallec & Ollivier (2018), arXiv:1804.11188, eq. 16.
    """
    longest = count("longest", longest, at_least=3)
    if generator is not None:
        instance("generator", generator, torch.Generator)
    kept, taken = _kept(cell)
    kept.uniform_(1, longest - 1, generator=generator).log_()
    if taken is not None:
        taken.copy_(-kept)


def _kept(cell: Recurrent) -> tuple[Tensor, Tensor | None]:
    """Give the bias of the gate that keeps, and of an LSTM that of the input gate; torch's other biases become 0."""
    if not isinstance(cell, GRU | LSTM):
        raise TypeError(f"cell must be a GRU or an LSTM, whose gates keep, got {shown(cell)}")
    (first, kept, *_), (other_first, other_kept, *_) = (b.split(cell.d_state) for b in (cell.b_x, cell.b_h))
    other_kept.zero_()
    if isinstance(cell, GRU):
        return kept, None
    other_first.zero_()
    return kept, first


def kept_share(bias: float, n_steps: int) -> float:
    """Give the share of a cell that is left after some steps, of a gate that nothing but its bias moves: σ(b)ᵀ.

    Raises:
        TypeError, ValueError: if `bias` is no finite number, or `n_steps` < 0.

    >>> kept_share(0.0, 3)
    0.125
    """
    bias, n_steps = real("bias", bias), count("n_steps", n_steps, at_least=0)
    kept = math.exp(min(bias, 0)) / (1 + math.exp(-abs(bias)))  # σ(b), where no exponent is above 0
    return kept**n_steps
