import math

import pytest
import torch

from kit.models.memory import connectivity, step_factor
from kit.models.rnn import GRU, LSTM, RNN, chrono_start, detached, keep_start, kept_share, orthogonal_start
from tests.blocks.agreement import BAR
from tests.models.rnn_agreement import CELLS, rows

KINDS = (RNN, GRU, LSTM)
AGREEMENT = rows()


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", AGREEMENT)
def test_every_cell_agrees_with_torch_forwards_and_backwards(name):
    forwards, backwards = AGREEMENT[name]
    assert forwards <= BAR
    assert backwards <= BAR


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind):
    cell = kind(2, 3).double()
    x = drawn(2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: (cell(x)[0], *cell(x)[1]), (x,))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_read_in_two_parts_give_the_states_of_the_whole(kind):
    cell, x = kind(2, 3).double(), drawn(2, 6, 2)
    whole, last = cell(x)
    first, state = cell(x[:, :2])
    second, end = cell(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-14)
    for a, b in zip(end, last, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_the_padding_moves_nothing(kind):
    cell, x = kind(2, 3).double(), drawn(2, 6, 2)
    present = torch.arange(6) < torch.tensor([[6], [3]])
    other = torch.where(present[..., None], x, 1e3)
    (states, state), (again, same) = cell(x, present=present), cell(other, present=present)
    assert (states == again).all()
    assert not states[1, 3:].any()
    assert all((a == b).all() for a, b in zip(state, same, strict=True))
    alone = cell(x[1:, :3])[1]
    torch.testing.assert_close(state[0][1], alone[0][0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_goes_back_beyond_a_detached_state(kind):
    cell, x = kind(2, 3).double(), drawn(2, 6, 2).requires_grad_()
    _, state = cell(x[:, :3])
    states, _ = cell(x[:, 3:], detached(state))
    states.sum().backward()
    assert not x.grad[:, :3].any()
    assert x.grad[:, 3:].all()


@pytest.mark.parametrize("kind", KINDS)
def test_an_orthogonal_start_has_the_gain_as_every_singular_value(kind):
    cell = kind(2, 8).double()
    orthogonal_start(cell, gain=0.7)
    for block in cell.w_h.split(8):
        torch.testing.assert_close(torch.linalg.svdvals(block), torch.full((8,), 0.7, dtype=torch.float64))
    assert not cell.b_x.any()
    assert not cell.b_h.any()


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_the_bias_that_keeps_is_the_sum_of_torchs_two(kind):
    cell = kind(2, 4)
    keep_start(cell, 1.0)
    assert ((cell.b_x + cell.b_h)[4:8] == 1).all()


def test_an_lstm_that_nothing_but_its_bias_moves_keeps_a_power_of_the_sigmoid():
    cell = LSTM(1, 2).double()
    orthogonal_start(cell, gain=0.0)
    with torch.no_grad():
        cell.w_x.zero_()
    keep_start(cell, 0.5)
    one = torch.ones(1, 2, dtype=torch.float64)
    _, (_, c) = cell(torch.zeros(1, 9, 1, dtype=torch.float64), (one, one))
    assert c[0, 0].item() == pytest.approx(kept_share(0.5, 9), rel=1e-12)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_chrono_biases_are_logarithms_of_times_up_to_the_longest(kind):
    cell = kind(1, 4000)
    chrono_start(cell, longest=100, generator=torch.Generator().manual_seed(0))
    times = (cell.b_x + cell.b_h)[4000:8000].exp()
    assert times.min() >= 1
    assert times.max() <= 99.01
    assert times.mean().item() == pytest.approx(50, abs=5 * 98 / math.sqrt(12 * 4000))  # five standard errors
    if kind is LSTM:
        torch.testing.assert_close((cell.b_x + cell.b_h)[:4000], -times.log(), rtol=1e-5, atol=1e-5)


def test_the_first_weights_are_drawn_as_torch_draws_its_own():
    torch.manual_seed(0)
    weights = torch.cat([p.flatten() for p in LSTM(9, 64).parameters()])
    assert weights.abs().max() <= 1 / 8
    assert weights.std().item() == pytest.approx(1 / 8 / math.sqrt(3), rel=0.03)


def test_two_generators_of_one_seed_make_one_cell():
    a, b = (GRU(2, 3, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert all((p == q).all() for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_connectivity_is_the_length_of_the_gradient_for_a_linear_map():
    m = drawn(3, 5, 2, 4)[0]  # time, width, outputs
    found = connectivity(lambda x: torch.einsum("btd,tdo->bo", x, m), drawn(4000, 5, 2))
    exact = (m.square().sum(dim=(1, 2)) / 4).sqrt()  # of a random direction of four
    torch.testing.assert_close(found, exact, rtol=0.1, atol=0)


def test_a_linear_orthogonal_rnn_loses_its_gradient_as_forecast():
    cell = RNN(1, 16).double()
    orthogonal_start(cell, gain=0.9)
    x = 1e-6 * drawn(50, 40, 1)  # so small that tanh has the slope 1
    found = connectivity(lambda x: cell(x)[1][0], x)
    assert step_factor(cell, x) == pytest.approx(0.9, rel=1e-6)
    assert (found[0] / found[-1]).item() == pytest.approx(0.9**39, rel=0.3)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_the_forecast_of_a_gated_cell_is_its_mean_gate(kind):
    cell = kind(2, 6).double()
    orthogonal_start(cell, gain=0.0)
    with torch.no_grad():
        cell.w_x.zero_()
    keep_start(cell, 2.0)
    assert step_factor(cell, drawn(2, 5, 2)) == pytest.approx(1 / (1 + math.exp(-2.0)))


@pytest.mark.parametrize("name", CELLS)
def test_half_precision_of_autocast_trains(name):
    cell, x = CELLS[name][0](2, 3), torch.randn(2, 4, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states, _ = cell(x)
    states.float().sum().backward()
    assert cell.w_h.grad is not None
    assert cell.w_h.grad.isfinite().all()
